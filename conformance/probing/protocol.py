"""The questions about what an engine's protocol has: a tiny program for each key, and for each refusal that can be provoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.probing.questions import Question, differentiated, differentiated_matrix
from conformance.tensor import (
    Tensor,
    enable_grad,
    expect,
    grad,
    grad_enabled,
    gradients,
    no_grad,
    refuses,
    tensor,
)


def _constant() -> None:
    x, c = tensor([1, 2], requires_grad=True), tensor([3, 5])
    expect(c, [3, 5])
    (gradient,) = gradients((x * c).sum(), [x])
    expect(gradient, [3, 5])


def _leaf() -> Tensor:
    return tensor([1, 2], requires_grad=True)


def _shape() -> None:
    for values in ([[1, 2, 3], [4, 5, 6]], [1, 2], [[[1], [2]]]):
        expect(tensor(values, requires_grad=True), values)
    differentiated_matrix()


def shape_of_a_sum() -> None:
    """As `shape`, and of what is computed from a gradient, which need be no tensor of the engine's."""
    _shape()
    x = _leaf()
    (gradient,) = gradients((x * x).sum(), [x])
    expect(gradient.sum(), 6)


def _scalar() -> None:
    x = _leaf()
    y = x * 2
    expect(y, [2, 4])
    (gradient,) = gradients(y.sum(), [x])
    expect(gradient, [2, 2])


def _cotangent() -> None:
    x, v = _leaf(), tensor([3, 5])
    (x * x).backward(v)
    expect(x.grad, [6, 20])


def _retained() -> None:
    x = _leaf()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    expect(x.grad, [4, 8])


def _created() -> None:
    x = _leaf()
    (x * x * x).sum().backward(create_graph=True)
    g = x.grad.bound()
    g.sum().backward()
    expect(x.grad, [9, 24])


def _inputs() -> None:
    x, z = _leaf(), tensor([3, 4], requires_grad=True)
    (x * z).sum().backward(inputs=[x])
    expect(x.grad, [3, 4])
    expect(z.grad, None)


def _forgotten() -> None:
    x = _leaf()
    (x * x).sum().backward()
    x.grad = None
    expect(x.grad, None)
    (x * x * x).sum().backward()
    expect(x.grad, [3, 12])


def _zeroed() -> None:
    x = _leaf()
    (x * x).sum().backward()
    x.grad.zero_()
    expect(x.grad, [0, 0])
    (x * x * x).sum().backward()
    expect(x.grad, [3, 12])


def _set() -> None:
    x = _leaf()
    x.grad = tensor([5, 7])
    expect(x.grad, [5, 7])
    (x * x).sum().backward()
    expect(x.grad, [7, 11])


def _detached() -> None:
    x = _leaf()
    u = (x * x).detach()
    expect(u, [1, 4])
    (gradient,) = gradients((u * x).sum(), [x])
    expect(gradient, [1, 4])


def _unrecorded() -> None:
    x = _leaf()
    with no_grad():
        c = x * x
    (gradient,) = gradients((c * x).sum(), [x])
    expect(gradient, [1, 4])


def _recorded_again() -> None:
    x = _leaf()
    with no_grad(), enable_grad():
        y = x * x
    (gradient,) = gradients((y * x).sum(), [x])
    expect(gradient, [3, 12])


def _mode() -> None:
    with no_grad():
        expect(grad_enabled(), False)
    expect(grad_enabled(), True)


def _flag(name: str, of_constant: bool, of_leaf: bool, of_result: bool) -> Question:
    def question() -> None:
        x, c = _leaf(), tensor([3, 4])
        y = x * x
        for each, flag in ((x, of_leaf), (y, of_result), (c, of_constant)):
            expect(getattr(each, name), flag)

    return question


def _switched() -> None:
    c = tensor([1, 2])
    c.requires_grad_()
    (gradient,) = gradients((c * c).sum(), [c])
    expect(gradient, [2, 4])


def _retained_grad() -> None:
    x = _leaf()
    y = x * x
    y.retain_grad()
    (y * y).sum().backward()
    expect(y.grad, [2, 8])


def _hooked() -> None:
    x = _leaf()
    hook = x.register_hook()
    (x * x).sum().backward()
    expect(hook.calls, [[2, 4]])


def _removed() -> None:
    x = _leaf()
    hook = x.register_hook()
    hook.remove()
    (x * x).sum().backward()
    expect(hook.calls, [])


def _functional() -> None:
    x = _leaf()
    (g,) = grad((x * x * x).sum(), [x])
    expect(g, [3, 12])


def _unused_allowed() -> None:
    x, z = _leaf(), _leaf()
    g, _ = grad((x * x * x).sum(), [x, z], allow_unused=True)
    expect(g, [3, 12])


def _functional_cotangent() -> None:
    x, v = _leaf(), tensor([3, 5])
    (g,) = grad(x * x, [x], v)
    expect(g, [6, 20])


def _functional_retained() -> None:
    x = _leaf()
    y = (x * x).sum()
    for retained in (True, False):
        (g,) = grad(y, [x], retain_graph=retained)
        expect(g, [2, 4])


def _functional_created() -> None:
    x = _leaf()
    (g,) = grad((x * x * x).sum(), [x], create_graph=True)
    (h,) = grad(g.sum(), [x])
    expect(h, [6, 12])


def _written(how: str) -> Question:
    def question() -> None:
        c, b = tensor([1, 2]), tensor([3, 5])
        if how == "set":
            c[0:2] = b
        else:
            (c.add_ if how == "add" else c.mul_)(b)
        expect(c, {"add": [4, 7], "mul": [3, 10], "set": [3, 5]}[how])

    return question


def _counted() -> None:
    c = tensor([1, 2])
    expect(c.version, 0)
    c.add_(tensor([3, 5]))
    expect(c.version, 1)


def _unbound() -> None:
    p, q = _leaf().unbind()
    expect(p, 1)
    expect(q, 2)


def _vjp() -> None:
    x, v = _leaf(), tensor([3, 5])
    (g,) = gradients(x * x, [x], v)
    expect(g, [6, 20])


QUESTIONS: Final[Mapping[str, Question]] = {
    "constant": _constant,
    "shape": _shape,
    "dtype": _shape,
    "scalar": _scalar,
    "backward.cotangent": _cotangent,
    "backward.retain_graph": _retained,
    "backward.create_graph": _created,
    "backward.inputs": _inputs,
    "clear.none": _forgotten,
    "clear.zero": _zeroed,
    "set_grad": _set,
    "detach": _detached,
    "no_grad": _unrecorded,
    "enable_grad": _recorded_again,
    "grad_enabled": _mode,
    "requires_grad": _flag("requires_grad", False, True, True),
    "is_leaf": _flag("is_leaf", True, True, False),
    "recorded": _flag("recorded", False, False, True),
    "require_grad": _switched,
    "retain_grad": _retained_grad,
    "hook": _hooked,
    "remove": _removed,
    "grad": _functional,
    "grad.cotangent": _functional_cotangent,
    "grad.retain_graph": _functional_retained,
    "grad.create_graph": _functional_created,
    "grad.allow_unused": _unused_allowed,
    "write.add": _written("add"),
    "write.mul": _written("mul"),
    "write.set": _written("set"),
    "version": _counted,
    "unbind": _unbound,
    "vjp": _vjp,
    "gradient": differentiated,
}


# --- what may be refused


def _not_scalar() -> None:
    with refuses("not_scalar"):
        (_leaf() * _leaf()).backward()


def _misshapen_cotangent() -> None:
    x, v = _leaf(), tensor([1, 2, 3])
    with refuses("shape_mismatch"):
        (x * x).backward(v)


def _freed() -> None:
    x = _leaf()
    y = (x * x).sum()
    y.backward()
    with refuses("graph_freed"):
        y.backward()


def _needs_grad() -> None:
    c = tensor([1, 2])
    with refuses("needs_grad"):
        (c * c).sum().backward()


def _unused() -> None:
    x, z = _leaf(), _leaf()
    with refuses("unused_input"):
        grad((x * x).sum(), [z])


def _no_gradient() -> None:
    x = _leaf()
    with refuses("no_gradient"):
        x.grad.zero_()


def _not_leaf() -> None:
    y = _leaf() * _leaf()
    with refuses("not_leaf"):
        y.requires_grad_(False)


def _leaf_written() -> None:
    x = _leaf()
    with refuses("leaf_in_place"):
        x.add_(tensor([1, 1]))


def _overwritten() -> None:
    x = _leaf()
    y = x * tensor([1, 1])
    z = (y * y).sum()
    y.add_(tensor([1, 1]))
    with refuses("version_conflict"):
        z.backward()


# What each provokes, and the kind of refusal that it would be.
PROVOCATIONS: Final[tuple[tuple[str, Question], ...]] = (
    ("not_scalar", _not_scalar),
    ("shape_mismatch", _misshapen_cotangent),
    ("graph_freed", _freed),
    ("needs_grad", _needs_grad),
    ("unused_input", _unused),
    ("no_gradient", _no_gradient),
    ("not_leaf", _not_leaf),
    ("leaf_in_place", _leaf_written),
    ("version_conflict", _overwritten),
)
