"""Writes in place do what torch's do: the same numbers, gradients, versions, nodes and refusals."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from implementations import reference

torch = pytest.importorskip("torch", reason="torch is not installed: install the extra [torch]")

ROOT = Path(__file__).resolve().parent.parent


class Torch:
    """Torch, with the reference's signatures."""

    no_grad = torch.no_grad
    grad = staticmethod(torch.autograd.grad)

    @staticmethod
    def tensor(values: Any, requires_grad: bool = False) -> Any:
        return torch.tensor(values, dtype=torch.float64, requires_grad=requires_grad)


def _leaf(engine: Any) -> Any:
    return engine.tensor([1.0, 2.0, 3.0], requires_grad=True)


def write_to_a_result(engine: Any) -> Any:
    x, w = _leaf(engine), engine.tensor([2.0, 3.0, 4.0], requires_grad=True)
    y = x * 2
    y.mul_(w).add_(x).sub_(1)
    y.sum().backward()
    return y, x.grad, w.grad, y._version, _node(y)


def write_through_a_view(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    first = y[0]
    first.mul_(5)
    (y * y).sum().backward()
    return y, first, x.grad, _node(y), _node(first), y._version, first._version


def write_to_the_base_of_a_view(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    tail = y[1:]
    y.mul_(x)
    (tail * 3).sum().backward()
    return tail, x.grad, _node(tail)


def write_through_a_chain_of_views(engine: Any) -> Any:
    x = engine.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    entry = y.t()[0].reshape(1, 2)[0, 1]
    entry.mul_(x[0, 0] * 10)
    (y * y).sum().backward()
    return y, entry, x.grad, y._version


def write_through_a_sibling(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    head, tail = y[:2], y[1:]
    head.mul_(3)
    (tail * tail).sum().backward()
    return tail, x.grad


def write_through_a_detached_alias(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    alias = y.detach()
    alias.add_(100)
    (y * 3).sum().backward()
    return y, alias, x.grad, y._version, alias._version, _node(y)


def write_through_a_view_of_a_detached_alias(engine: Any) -> Any:
    x, w = _leaf(engine), engine.tensor(7.0, requires_grad=True)
    y = x * 2
    alias = y.detach()
    alias[1].mul_(w)
    alias.sum().backward()
    return y, alias, x.grad, w.grad, _node(y), _node(alias)


def set_items(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * x
    y[0] = x[2] * 4
    y[1:] = 5.0
    y.sum().backward()
    return y, x.grad, y._version, _node(y)


def set_an_item_of_a_view(engine: Any) -> Any:
    x = engine.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * x
    row = y[1]
    row[0] = x[0, 1]
    (y * y).sum().backward()
    return y, row, x.grad


def make_a_constant_a_result(engine: Any) -> Any:
    x, c = _leaf(engine), engine.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    before = c[1]
    c[0].copy_(x)
    (c * c + before * x).sum().backward()
    return c, before, c.requires_grad, c.is_leaf, before.requires_grad, x.grad


def copy_broadcasts(engine: Any) -> Any:
    x, w = _leaf(engine), engine.tensor(4.0, requires_grad=True)
    y = x * 2
    y.copy_(w)
    y.sum().backward()
    return y, x.grad, w.grad


def zero_a_result(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * x
    y.zero_()
    y.sum().backward()
    return y, x.grad, y._version, _node(y)


def saved_operand_modified(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    z = y * y
    y.add_(1)
    z.sum().backward()


def saved_result_modified(engine: Any) -> Any:
    x = _leaf(engine)
    y = x.exp()
    y[0] = 1.0
    y.sum().backward()


def saved_operand_modified_through_an_alias(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    z = y * y
    y.detach()[0] = 1.0
    z.sum().backward()


def factor_modified_by_itself(engine: Any) -> Any:
    x = _leaf(engine)
    y = x * 2
    y.mul_(y)
    y.sum().backward()


def refused_leaf(engine: Any) -> Any:
    _leaf(engine).add_(1)


def refused_view_of_a_leaf(engine: Any) -> Any:
    _leaf(engine)[1:].mul_(2)


def refused_item_of_a_leaf(engine: Any) -> Any:
    _leaf(engine)[0] = 1.0


def refused_leaf_that_is_a_view(engine: Any) -> Any:
    entry = engine.tensor([1.0, 2.0])[0]
    entry.requires_grad_().add_(1)


def refused_view_of_no_grad(engine: Any) -> Any:
    y = _leaf(engine) * 2
    with engine.no_grad():
        view = y[0]
    view.mul_(3)


def refused_shape(engine: Any) -> Any:
    y = _leaf(engine) * 2
    y.add_(engine.tensor([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]))


def step_under_no_grad(engine: Any) -> Any:
    x = _leaf(engine)
    view = x[0]
    (x * x).sum().backward()
    with engine.no_grad():
        x.sub_(x.grad)
        x[2] = 9.0
    (view * x).sum().backward()
    return x, view, x.grad, x.is_leaf, x.requires_grad, x._version


def write_to_a_result_under_no_grad(engine: Any) -> Any:
    x = _leaf(engine)
    y = x + 1
    before = _node(y)
    with engine.no_grad():
        y.mul_(10)
    y.sum().backward()
    return y, x.grad, before, _node(y), y._version


def hooks_stay_and_retained_gradients_follow(engine: Any) -> Any:
    x, calls = _leaf(engine), []
    y = x * 2
    view = y[1]
    y.retain_grad()
    view.retain_grad()
    y.register_hook(lambda g: calls.append(("old", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: calls.append(("new", g.tolist())))
    (y.sum() + view * 4).backward()
    return x.grad, y.grad, view.grad, calls


def zero_a_gradient_that_is_held(engine: Any) -> Any:
    x = _leaf(engine)
    (x * x).sum().backward()
    held = x.grad
    before = held._version
    held.zero_()
    x.sum().backward()
    return held, held is x.grad, held._version - before


def reshape_and_transpose_share(engine: Any) -> Any:
    c = engine.tensor([[1.0, 2.0], [3.0, 4.0]])
    flat, turned, copied = c.reshape(4), c.t(), c[[0]]
    c[0, 1] = 20.0
    return c, flat, turned, copied, flat._version, turned._version, copied._version


def lone_number_as_a_vector(engine: Any) -> Any:
    x = engine.tensor(3.0, requires_grad=True)
    y = x * x
    y.reshape(1).mul_(5)
    y.backward()
    return y, x.grad


SITUATIONS: list[Callable[[Any], Any]] = [
    write_to_a_result,
    write_through_a_view,
    write_to_the_base_of_a_view,
    write_through_a_chain_of_views,
    write_through_a_sibling,
    write_through_a_detached_alias,
    write_through_a_view_of_a_detached_alias,
    set_items,
    set_an_item_of_a_view,
    make_a_constant_a_result,
    copy_broadcasts,
    zero_a_result,
    step_under_no_grad,
    write_to_a_result_under_no_grad,
    hooks_stay_and_retained_gradients_follow,
    zero_a_gradient_that_is_held,
    reshape_and_transpose_share,
    lone_number_as_a_vector,
]
REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (saved_operand_modified, reference.VersionConflict, "modified by an inplace operation"),
    (saved_result_modified, reference.VersionConflict, "modified by an inplace operation"),
    (saved_operand_modified_through_an_alias, reference.VersionConflict, "modified by an inplace operation"),
    (factor_modified_by_itself, reference.VersionConflict, "modified by an inplace operation"),
    (refused_leaf, reference.LeafInPlace, "a leaf Variable that requires grad is being used in an in-place operation"),
    (refused_view_of_a_leaf, reference.LeafInPlace, "leaf Variable that requires grad is being used"),
    (refused_item_of_a_leaf, reference.LeafInPlace, "leaf Variable that requires grad is being used in an in-place"),
    (refused_leaf_that_is_a_view, reference.LeafInPlace, "leaf Variable that requires grad is being used"),
    (refused_view_of_no_grad, reference.AutogradError, "A view was created in no_grad mode and is being modified"),
    (refused_shape, reference.ShapeMismatch, "output with shape .* doesn't match the broadcast shape"),
]


def _node(tensor: Any) -> str:
    return type(tensor.grad_fn).__name__


def seen(result: Any) -> Any:
    """What a situation shows, as Python's own values."""
    if isinstance(result, tuple | list):
        return [seen(part) for part in result]
    return result.tolist() if hasattr(result, "tolist") else result


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_the_reference_shows_what_torch_shows(situation: Callable[[Any], Any]) -> None:
    """Values, gradients, flags, versions, names of nodes and calls of hooks are equal."""
    assert seen(situation(reference)) == seen(situation(Torch))


@pytest.mark.parametrize(("situation", "error", "message"), REFUSED, ids=lambda row: getattr(row, "__name__", ""))
def test_the_reference_refuses_what_torch_refuses(
    situation: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    """Both say the same."""
    with pytest.raises(RuntimeError, match=message):
        situation(Torch)
    with pytest.raises(error, match=message):
        situation(reference)


def test_a_refused_write_changes_nothing() -> None:
    """Neither numbers nor version nor history."""
    y = _leaf(reference) * 2
    node = y.grad_fn
    with pytest.raises(reference.ShapeMismatch):
        y.add_(reference.tensor([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]))
    assert (y.tolist(), y._version) == ([2.0, 4.0, 6.0], 0)
    assert y.grad_fn is node


def test_a_version_conflict_is_found_before_anything_changes() -> None:
    """No leaf has accumulated, no hook was called."""
    x = _leaf(reference)
    calls: list[Any] = []
    y = x * 2
    z = y * y
    total = z.sum() + x.sum()
    total.register_hook(calls.append)
    y.add_(1)
    with pytest.raises(reference.VersionConflict):
        total.backward()
    assert x.grad is None
    assert not calls


def test_views_and_bases_die_without_the_collector() -> None:
    """A view holds its base, and no base its views."""
    gc.disable()
    try:
        y = _leaf(reference) * 2
        view = y[0]
        view.mul_(3)
        y.add_(1)
        alive = [weakref.ref(y), weakref.ref(view.grad_fn), weakref.ref(view)]
        del y, view
        assert [ref() for ref in alive] == [None, None, None]
    finally:
        gc.enable()


def test_all_that_a_node_saved_is_looked_at() -> None:
    """Whatever derivative is asked for, as in torch: that of x * w by w is x, but w was saved for the other one."""
    x, w = _leaf(reference), _leaf(reference)
    y = (x * w).sum()
    with reference.no_grad():
        w.add_(1)
    for asked in (x, w):
        with pytest.raises(reference.VersionConflict):
            reference.grad(y, [asked], retain_graph=True)


@pytest.mark.parametrize("step", ["y.exp() * x", "y.reshape(())", "y.add_(1)"])
def test_a_chain_of_150_000_operators_needs_no_recursion(step: str) -> None:
    """Built, freed when the last name goes, built again, run backward, freed; in a process of its own, which may crash."""
    code = f"""
import gc, sys
from implementations import reference
sys.setrecursionlimit(200)
gc.disable()
x = reference.tensor(0.0, requires_grad=True)
def built():
    y = x * 1
    for _ in range(150_000 // {1 + ("exp" in step)}):
        y = {step}
    return y
def nodes():
    return sum(isinstance(thing, reference.core.Node) for thing in gc.get_objects())
y = built()
assert nodes() > 149_000
del y
assert nodes() == 0
y = built()
y.backward()
del y
assert nodes() == 0
print("freed")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout == "freed\n", done.stderr[-500:]
