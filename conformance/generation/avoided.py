"""Situations that programs avoid: where torch is at fault, or does what nobody promises, each with a script that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Final

from conformance.generation import situations
from conformance.generation.situations import SWEEPS
from conformance.program import Instruction

if TYPE_CHECKING:
    from conformance.generation.play import Player


@dataclass(frozen=True)
class Avoided:
    """A situation: the verbs that may lead to it, whether an instruction does, and why programs stay away from it.

    script: lines for torch, the last an expression that is true while torch does so, in which `refused(action, words)` is
    whether an action raises a RuntimeError with these words; none where it is the model that does not say.
    upstream: the issue or pull request of torch that describes the same, where one was found.
    """

    name: str
    verbs: tuple[str, ...]
    met: Callable[[Player, Instruction], bool]
    reason: str
    script: str
    upstream: str = ""


_TORCH: Final = "https://github.com/pytorch/pytorch/"


def _row(
    name: str,
    verbs: tuple[str, ...],
    met: Callable[[Player, Instruction], bool],
    reason: str,
    script: str = "",
    upstream: str = "",
) -> Avoided:
    return Avoided(name, verbs, met, reason, dedent(script).strip(), upstream)


AVOIDED: Final[tuple[Avoided, ...]] = (
    _row(
        "views under no_grad",
        ("apply", "unbind"),
        situations.unrecorded_view,
        "a view taken under no_grad says that it requires grad, but nobody receives one",
        """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        with torch.no_grad():
            v = x[0:1]
        (v * 2.0).sum().backward()
        v.requires_grad and x.grad is None and v.grad is None
        """,
        _TORCH + "issues/11390",
    ),
    _row(
        "another layout",
        ("apply",),
        situations.another_layout,
        "what is computed from a transposed matrix lies column after column, so that its reshape is a copy",
        """
        y = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t() * 1.0
        y.reshape(4).add_(1.0)
        y._version == 0
        """,
    ),
    _row(
        "overlapping writes",
        ("write",),
        situations.overlapping,
        "what is written overlaps with what it is computed from, but is not the same: refused, and seldom elsewhere",
        """
        c = torch.tensor([1.0, 2.0, 3.0])
        refused(lambda: c[0:2].add_(c[1:3]), "unsupported operation")
        """,
    ),
    _row(
        "former leaves",
        ("write",),
        situations.former_leaf,
        "a leaf that others were computed from ceases to require grad and is written: those others cannot be swept any more",
        """
        x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(3.0, requires_grad=True)
        y = x * 2.0
        x.requires_grad_(False).add_(w)
        refused(lambda: (x + y).sum().backward(), "moved into the graph interior")
        """,
    ),
    _row(
        "freed without numbers",
        SWEEPS,
        situations.freed_without_numbers,
        "a write through a view and a gather by a list count as freed, though no number was kept; others sweep them again",
        """
        x, c = torch.tensor(1.0, requires_grad=True), torch.zeros(2)
        c[1] = x
        c.sum().backward()
        refused(lambda: c.sum().backward(), "a second time")
        """,
    ),
    _row(
        "sought entries",
        SWEEPS,
        situations.sought_entry,
        "entries of one iteration share a node, so that looking for one entry's gradient sweeps the ways to the others",
        """
        x, calls = torch.tensor([1.0, 2.0], requires_grad=True), []
        a, b = x
        y = b * 1.0
        y.register_hook(calls.append)
        torch.autograd.grad(a * y, [a])
        len(calls) == 1
        """,
    ),
    _row(
        "hooked entries",
        ("hook", "retain_grad"),
        situations.hooked_entry,
        "entries of one iteration share a node, so that a hook on an entry is called though only another one was used",
        """
        x, calls = torch.tensor([1.0, 2.0], requires_grad=True), []
        a, b = x
        a.register_hook(calls.append)
        b.backward()
        calls == [None]
        """,
        _TORCH + "issues/11751",
    ),
    _row(
        "written entries",
        ("write", "clear"),
        situations.written_entries,
        "entries of one iteration may not be written",
        """
        a, b = torch.tensor([1.0, 2.0], requires_grad=True) * 2.0
        refused(lambda: a.mul_(2.0), "returns multiple views")
        """,
    ),
    _row(
        "hooks on views",
        ("hook", "retain_grad", "write", *SWEEPS),
        situations.watched_view,
        "a view that is written, or whose base is, gets another node: hooks and sweeps that know the old one miss it",
        """
        x, calls = torch.tensor([1.0, 2.0], requires_grad=True), []
        y = x * 2.0
        v = y[0:1]
        v.register_hook(calls.append)
        v.mul_(3.0)
        v.sum().backward()
        not calls
        """,
        _TORCH + "issues/8874",
    ),
    _row(
        "flags of views",
        ("require_grad",),
        situations.shared_flag,
        "a view shows the flag of its base, which it had not when it was taken",
        """
        c = torch.tensor([1.0, 2.0])
        v = c[0:1]
        c.requires_grad_()
        v.requires_grad and v.is_leaf
        """,
    ),
    _row(
        "views of constants",
        ("write",),
        situations.view_of_a_constant,
        "after a write through one view of a constant, one to another view is refused unless somebody looked at its node",
        """
        w, c = torch.tensor(2.0, requires_grad=True), torch.zeros(3)
        v, u = c[0:2], c.reshape(-1)
        v.add_(w)
        refused(lambda: u.mul_(3.0), "leaf Variable") and u.grad_fn is not None and u.mul_(3.0) is u
        """,
    ),
    _row(
        "shared memory",
        ("write", "require_grad", "set_grad", "clear"),
        situations.shared_memory,
        "a gradient that grad() returns may be the caller's cotangent itself, or another gradient",
        """
        x, v = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 1.0])
        torch.autograd.grad(x + 1.0, [x], v)[0] is v
        """,
    ),
    _row(
        "differentiable cotangents",
        SWEEPS,
        situations.differentiable_cotangent,
        "a cotangent that requires grad may be returned as the gradient, which then requires grad though nothing was recorded",
        """
        x, v = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 1.0], requires_grad=True)
        torch.autograd.grad(x + 1.0, [x], v)[0].requires_grad
        """,
    ),
    _row(
        "stolen cotangents",
        ("backward",),
        situations.stolen,
        "a cotangent that reaches a leaf through views alone becomes its gradient, in the memory of the caller's cotangent",
        """
        x, v = torch.tensor([[1.0], [2.0]], requires_grad=True), torch.tensor([1.0, 1.0])
        y = x.reshape(-1)
        y.backward(v, retain_graph=True)
        y.backward(v)
        v.tolist() == [2.0, 2.0]
        """,
    ),
    _row(
        "read while written",
        ("backward",),
        situations.read_while_written,
        "a sweep computes with a gradient to which it also adds in place: the outcome is a matter of its order",
        """
        x, w = torch.tensor([1.0], requires_grad=True), torch.tensor([2.0], requires_grad=True)
        x.grad = torch.tensor([3.0])
        y = x + w * x.grad
        refused(lambda: y.backward(), "modified by an inplace operation")
        """,
    ),
    _row(
        "several inputs with hooks",
        ("grad",),
        situations.several_with_hooks,
        "the gradient by a hooked result is that before its hooks when an input below it is asked for too, else that after",
        """
        x = torch.tensor(1.0, requires_grad=True)
        y = x * 2.0
        y.register_hook(lambda g: g * 5.0)
        both = torch.autograd.grad(y * 3.0, [y, x], retain_graph=True)
        (both[0].item(), torch.autograd.grad(y * 3.0, [y])[0].item()) == (3.0, 15.0)
        """,
    ),
    _row(
        "unordered hooks",
        SWEEPS,
        situations.unordered_hooks,
        "hooks of tensors of which neither leads to the other meddle: nobody promises which is called first, here the later's",
        """
        x, calls = torch.tensor(1.0, requires_grad=True), []
        y, z = x * 2.0, x * 3.0
        hook = y.register_hook(calls.append)
        z.register_hook(lambda g: hook.remove())
        (y + z).backward()
        calls == []
        """,
    ),
    _row(
        "hooks in the way",
        SWEEPS,
        situations.hooks_in_the_way,
        "a hook writes what the sweep is given, accumulates into or records: cotangents may lie in the caller's memory",
        """
        x, v = torch.tensor([1.0], requires_grad=True), torch.tensor([1.0])
        y = x * 2.0
        y.register_hook(lambda g: v.mul_(5.0) and None)
        y.backward(v)
        x.grad.tolist() == [10.0]
        """,
    ),
    _row(
        "leads nowhere",
        SWEEPS,
        situations.leads_nowhere,
        "the hooks of a root are called though none of the inputs that are asked for lies below it",
        """
        x, w, calls = torch.tensor(1.0, requires_grad=True), torch.tensor(2.0, requires_grad=True), []
        y = x * 2.0
        y.register_hook(calls.append)
        y.backward(inputs=[w])
        len(calls) == 1
        """,
    ),
    _row(
        "its own gradient",
        ("set_grad",),
        situations.own_grad,
        "a tensor cannot be its own gradient",
        """
        x = torch.tensor(1.0, requires_grad=True)
        refused(lambda: setattr(x, "grad", x), "its own grad")
        """,
    ),
    _row(
        "dropped leaves",
        ("drop",),
        situations.held_gradient,
        "a leaf whose name is gone still adds to its gradient, which somebody else holds; a graph need not keep it alive",
        """
        x, c = torch.tensor(1.0, requires_grad=True), torch.tensor(3.0)
        x.grad, y = c, x * 2.0
        del x
        y.backward()
        c.item() == 5.0
        """,
    ),
    _row(
        "second order, swept again",
        SWEEPS,
        situations.doubtful,
        "the model does not say which gradients of one sweep share what",
    ),
    _row(
        "called without need",
        SWEEPS,
        situations.called_without_need,
        "backward(inputs=[y]) calls and frees y's own node, though nothing goes on from it; torch's documents leave that open",
        """
        x = torch.tensor(1.0, requires_grad=True)
        y = x * x
        (y * 2.0).backward(inputs=[y])
        refused(lambda: y.backward(), "a second time")
        """,
        _TORCH + "pull/91667",
    ),
    _row(
        "switched flags",
        SWEEPS,
        situations.switched,
        "whether a leaf that is saved counts as requiring grad when it was saved or when it is used is nobody's promise",
        """
        x, c = torch.tensor(1.0, requires_grad=True), torch.tensor(3.0)
        y = x * c
        c.requires_grad_()
        torch.autograd.grad(y, [x], create_graph=True)[0].requires_grad
        """,
    ),
    _row(
        "third order",
        SWEEPS,
        situations.third_order,
        "the model does not say whether a gradient's gradient requires grad",
    ),
)
