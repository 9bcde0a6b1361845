"""Situations that programs avoid: where torch is at fault, or does what nobody promises, each with a script that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Final

import numpy as np

from conformance.model.forward import GradientNode, Node, Value
from conformance.model.protocol import reached
from conformance.model.state import State
from conformance.operators import OPERATORS
from conformance.program import Instruction

if TYPE_CHECKING:
    from conformance.generation.play import Player


_SWEEPS: Final = ("backward", "grad")


@dataclass(frozen=True)
class Avoided:
    """A situation: the verbs that may lead to it, whether an instruction does, and why programs stay away from it.

    script: lines for torch, the last an expression that is true while torch does so, in which `refused(action, words)` is
    whether an action raises a RuntimeError with these words; none where it is the model that does not say.
    """

    name: str
    verbs: tuple[str, ...]
    met: Callable[[Player, Instruction], bool]
    reason: str
    script: str


def _views(it: Instruction) -> bool:
    viewing = it.verb == "apply" and OPERATORS[it.options["operator"]].views
    return it.verb == "unbind" or (viewing and not isinstance(it.options.get("index"), list))


def _unrecorded_view(player: Player, it: Instruction) -> bool:
    return _views(it) and not player.twin.grad_enabled and player.state(it.args[0]).requires_grad


def _another_layout(player: Player, it: Instruction) -> bool:
    if it.options["operator"] != "reshape":
        return False
    a = player.state(it.args[0])
    return sum(extent != 1 for extent in a.value.array.shape) > 1 and a not in player.row_major


def _target(player: Player, it: Instruction) -> State:
    return player.state(it.args[0])


def _overlapping(player: Player, it: Instruction) -> bool:
    a, b = _target(player, it), player.operand(it.args[1])
    if a.memory is not b.memory:
        return False
    written = a.place() if "index" not in it.options else OPERATORS["index"].forward(a.place(), it.options["index"])
    cells = np.asarray(written)
    return not set(cells.flat).isdisjoint(b.place().flat) and cells.tolist() != b.place().tolist()


def _former_leaf(player: Player, it: Instruction) -> bool:
    a = _target(player, it)
    recorded = player.twin.grad_enabled and (a.requires_grad or player.operand(it.args[1]).requires_grad)
    return recorded and (a.base or a) in player.trained and not (a.base or a).requires_grad


def _freed_without_numbers(player: Player, it: Instruction) -> bool:
    nodes = [value.node for value in reached(_target(player, it).value)]
    return any(isinstance(node, Node) and node.freed and (node.operator == "patch" or _gathers(node)) for node in nodes)


def _gathers(node: Node) -> bool:
    return isinstance(node.attributes.get("index"), list)


def _sought_entry(player: Player, it: Instruction) -> bool:
    return any(state in player.entries for state in _inputs(player, it))


def _watched_view(player: Player, it: Instruction) -> bool:
    if it.verb == "write":
        return any(alias.base and (alias.hooks or alias.retains_grad) for alias in _target(player, it).aliases())
    watched = _inputs(player, it) if it.verb in _SWEEPS else [_target(player, it)]
    return any(state.base is not None and state.memory.version > 0 for state in watched)


def _inputs(player: Player, it: Instruction) -> list[State]:
    """The tensors that a sweep is asked for; none when it is for all leaves."""
    return [player.state(name) for name in (it.args[1:] if it.verb == "grad" else it.options.get("inputs") or ())]


def _family(a: State) -> list[State]:
    base = a.base or a
    return [alias for alias in a.aliases() if (alias.base or alias) is base]


def _shared_flag(player: Player, it: Instruction) -> bool:
    return len(_family(_target(player, it))) > 1


def _view_of_a_constant(player: Player, it: Instruction) -> bool:
    a = _target(player, it)
    base, written = a.base or a, player.operand(it.args[1])
    becomes = player.twin.grad_enabled and written.requires_grad and not base.requires_grad
    return becomes and len(_family(a)) > 1


def _written_entries(player: Player, it: Instruction) -> bool:
    a = _target(player, it)
    return any(alias in player.entries for alias in a.aliases())


def _hooked_entry(player: Player, it: Instruction) -> bool:
    return _target(player, it) in player.entries


def _shared_memory(player: Player, it: Instruction) -> bool:
    return player.state(it.args[1 if it.verb == "set_grad" else 0]).memory in player.shared


def _several_with_hooks(player: Player, it: Instruction) -> bool:
    inputs = _inputs(player, it)
    return len(inputs) > 1 and any(state.hooks and not state.is_leaf for state in inputs)


def _differentiable_cotangent(player: Player, it: Instruction) -> bool:
    cotangent = player.given(it, "cotangent")
    return cotangent is not None and cotangent.requires_grad and not it.options.get("create_graph")


def _own_grad(player: Player, it: Instruction) -> bool:
    return _target(player, it) is player.state(it.args[1])


# --- memory that a sweep shares

# Operators whose derivative hands on the memory of the cotangent that it is given; among them those that view it.
_VIEWING: Final = frozenset(
    {"reshape", "transpose", "permute", "squeeze", "unsqueeze", "expand", "sum", "sum_axis", "piece"}
)
_PASSING: Final = _VIEWING | {"add", "sub", "clone", "patch"}


def _stolen(player: Player, it: Instruction) -> bool:
    """Whether a leaf without a gradient would take a piece of memory for it that others have as well."""
    if it.options.get("create_graph"):
        return False
    root = _target(player, it)
    ways = reached(root.value)
    users = _users(ways)
    leaves = [s for s in player.states if s.value in ways and s.is_leaf and s.requires_grad and s.grad is None]
    return any(_foreign(leaf.value, root.value, users, bool(it.options.get("cotangent"))) for leaf in leaves)


def _users(ways: Iterable[Value]) -> Mapping[Value, list[tuple[Value, int]]]:
    users: dict[Value, list[tuple[Value, int]]] = {}
    for value in ways:
        for position, operand in enumerate(value.node.references if value.node else ()):
            users.setdefault(operand, []).append((value, position))
    return users


def _foreign(
    value: Value, root: Value, users: Mapping[Value, Sequence[tuple[Value, int]]], seeded: bool, viewed: bool = False
) -> bool:
    """Whether what arrives at `value` is, through views, the memory of the root's cotangent or of another operand's."""
    if value is root:
        return seeded and viewed
    if len(users[value]) != 1:
        return False
    ((result, position),) = users[value]
    node = result.node
    if not isinstance(node, Node):
        return True
    if node.operator not in _PASSING or (node.operator == "sub" and position == 1):
        return False
    viewed = viewed or node.operator in _VIEWING
    if viewed and sum(operand in users for operand in node.operands) > 1:
        return True
    return _foreign(result, root, users, seeded, viewed)


def _read_while_written(player: Player, it: Instruction) -> bool:
    """Whether a gradient that is added to in place is also what the sweep computes with."""
    root, cotangent = _target(player, it), player.given(it, "cotangent")
    ways = reached(root.value)
    grads = {s.grad.memory for s in player.states if s.grad and s.value in ways and s.is_leaf}
    read = {memory for value in ways if value.node for memory, _ in value.node.kept}
    if cotangent:
        read.add(cotangent.memory)
    return not grads.isdisjoint(read | player.shared)


def _leads_nowhere(player: Player, it: Instruction) -> bool:
    """Whether a hooked root leads to none of the inputs that are asked for."""
    root, inputs = _target(player, it), _inputs(player, it)
    below = reached(root.value) if inputs and (root.hooks or root.retains_grad) else None
    return below is not None and all(state.value not in below for state in inputs)


def _doubtful(player: Player, it: Instruction) -> bool:
    return player.twin.doubts(_target(player, it))


def _third_order(player: Player, it: Instruction) -> bool:
    nodes = [value.node for value in reached(_target(player, it).value)]
    return bool(it.options.get("create_graph")) and any(isinstance(node, GradientNode) for node in nodes)


def _row(
    name: str, verbs: tuple[str, ...], met: Callable[[Player, Instruction], bool], reason: str, script: str = ""
) -> Avoided:
    return Avoided(name, verbs, met, reason, dedent(script).strip())


AVOIDED: Final[tuple[Avoided, ...]] = (
    _row(
        "views under no_grad",
        ("apply", "unbind"),
        _unrecorded_view,
        "a view taken under no_grad says that it requires grad, but nobody receives one",
        """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        with torch.no_grad():
            v = x[0:1]
        (v * 2.0).sum().backward()
        v.requires_grad and x.grad is None and v.grad is None
        """,
    ),
    _row(
        "another layout",
        ("apply",),
        _another_layout,
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
        _overlapping,
        "what is written overlaps with what it is computed from, but is not the same: refused, and seldom elsewhere",
        """
        c = torch.tensor([1.0, 2.0, 3.0])
        refused(lambda: c[0:2].add_(c[1:3]), "unsupported operation")
        """,
    ),
    _row(
        "former leaves",
        ("write",),
        _former_leaf,
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
        _SWEEPS,
        _freed_without_numbers,
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
        _SWEEPS,
        _sought_entry,
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
        _hooked_entry,
        "entries of one iteration share a node, so that a hook on an entry is called though only another one was used",
        """
        x, calls = torch.tensor([1.0, 2.0], requires_grad=True), []
        a, b = x
        a.register_hook(calls.append)
        b.backward()
        calls == [None]
        """,
    ),
    _row(
        "written entries",
        ("write",),
        _written_entries,
        "entries of one iteration may not be written",
        """
        a, b = torch.tensor([1.0, 2.0], requires_grad=True) * 2.0
        refused(lambda: a.mul_(2.0), "returns multiple views")
        """,
    ),
    _row(
        "hooks on views",
        ("hook", "retain_grad", "write", *_SWEEPS),
        _watched_view,
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
    ),
    _row(
        "flags of views",
        ("require_grad",),
        _shared_flag,
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
        _view_of_a_constant,
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
        ("write", "require_grad", "set_grad"),
        _shared_memory,
        "a gradient that grad() returns may be the caller's cotangent itself, or another gradient",
        """
        x, v = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 1.0])
        torch.autograd.grad(x + 1.0, [x], v)[0] is v
        """,
    ),
    _row(
        "differentiable cotangents",
        _SWEEPS,
        _differentiable_cotangent,
        "a cotangent that requires grad may be returned as the gradient, which then requires grad though nothing was recorded",
        """
        x, v = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 1.0], requires_grad=True)
        torch.autograd.grad(x + 1.0, [x], v)[0].requires_grad
        """,
    ),
    _row(
        "stolen cotangents",
        ("backward",),
        _stolen,
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
        _read_while_written,
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
        _several_with_hooks,
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
        "leads nowhere",
        _SWEEPS,
        _leads_nowhere,
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
        _own_grad,
        "a tensor cannot be its own gradient",
        """
        x = torch.tensor(1.0, requires_grad=True)
        refused(lambda: setattr(x, "grad", x), "its own grad")
        """,
    ),
    _row(
        "second order, swept again",
        _SWEEPS,
        _doubtful,
        "the model does not say which gradients of one sweep share what",
    ),
    _row("third order", _SWEEPS, _third_order, "the model does not say whether a gradient's gradient requires grad"),
)
