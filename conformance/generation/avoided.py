"""Situations that programs avoid: where torch is at fault, or does what nobody promises, each with a script that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.model.forward import GradientNode, Node, Value
from conformance.model.protocol import reached
from conformance.model.state import State
from conformance.operators import OPERATORS
from conformance.program import Instruction

if TYPE_CHECKING:
    from conformance.generation.play import Player


@dataclass(frozen=True)
class Avoided:
    """A situation: the verbs that may lead to it, whether an instruction does, and why programs stay away from it.

    script: lines for torch; the last is an expression that is true while torch does so.
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
    return it.options["how"] == "set" or a.place().tolist() != b.place().tolist()


def _former_leaf(player: Player, it: Instruction) -> bool:
    a = _target(player, it)
    recorded = player.twin.grad_enabled and (a.requires_grad or player.operand(it.args[1]).requires_grad)
    return recorded and (a.base or a) in player.trained and not (a.base or a).requires_grad


def _patched_again(player: Player, it: Instruction) -> bool:
    nodes = [value.node for value in reached(_target(player, it).value)]
    return any(isinstance(node, Node) and node.operator == "patch" and node.freed for node in nodes)


def _sought_entry(player: Player, it: Instruction) -> bool:
    names = it.args[1:] if it.verb == "grad" else it.options.get("inputs") or ()
    return any(player.state(name) in player.entries for name in names)


def _hook_on_a_view(player: Player, it: Instruction) -> bool:
    a = _target(player, it)
    if it.verb == "write":
        return any(alias.base and (alias.hooks or alias.retains_grad) for alias in a.aliases())
    return a.base is not None and a.memory.version > 0


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
    inputs = [player.state(name) for name in it.args[1:]]
    return len(inputs) > 1 and any(state.hooks and not state.is_leaf for state in inputs)


def _differentiable_cotangent(player: Player, it: Instruction) -> bool:
    cotangent = player.given(it, "cotangent")
    return cotangent is not None and cotangent.requires_grad and not it.options.get("create_graph")


def _own_grad(player: Player, it: Instruction) -> bool:
    return _target(player, it) is player.state(it.args[1])


# --- memory that a sweep shares

# Operators whose derivative hands on the memory of the cotangent that it is given; among them those that view it.
_VIEWING: Final = frozenset({"reshape", "transpose", "permute", "squeeze", "unsqueeze", "expand", "sum", "sum_axis", "piece"})
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
    names = it.args[1:] if it.verb == "grad" else it.options.get("inputs") or ()
    root, below = _target(player, it), reached(_target(player, it).value)
    return bool(names and (root.hooks or root.retains_grad)) and all(player.state(n).value not in below for n in names)


def _doubtful(player: Player, it: Instruction) -> bool:
    return player.twin.doubts(_target(player, it))


def _third_order(player: Player, it: Instruction) -> bool:
    nodes = [value.node for value in reached(_target(player, it).value)]
    return bool(it.options.get("create_graph")) and any(isinstance(node, GradientNode) for node in nodes)


_SWEEPS: Final = ("backward", "grad")
AVOIDED: Final[tuple[Avoided, ...]] = (
    Avoided("views under no_grad", ("apply", "unbind"), _unrecorded_view, "", ""),
    Avoided("another layout", ("apply",), _another_layout, "", ""),
    Avoided("overlapping writes", ("write",), _overlapping, "", ""),
    Avoided("former leaves", ("write",), _former_leaf, "", ""),
    Avoided("patched again", _SWEEPS, _patched_again, "", ""),
    Avoided("sought entries", _SWEEPS, _sought_entry, "", ""),
    Avoided("hooks on views", ("hook", "retain_grad", "write"), _hook_on_a_view, "", ""),
    Avoided("flags of views", ("require_grad",), _shared_flag, "", ""),
    Avoided("views of constants", ("write",), _view_of_a_constant, "", ""),
    Avoided("written entries", ("write",), _written_entries, "", ""),
    Avoided("hooked entries", ("hook", "retain_grad"), _hooked_entry, "", ""),
    Avoided("shared memory", ("write", "require_grad", "set_grad"), _shared_memory, "", ""),
    Avoided("several inputs with hooks", ("grad",), _several_with_hooks, "", ""),
    Avoided("leads nowhere", _SWEEPS, _leads_nowhere, "", ""),
    Avoided("differentiable cotangents", _SWEEPS, _differentiable_cotangent, "", ""),
    Avoided("its own gradient", ("set_grad",), _own_grad, "", ""),
    Avoided("stolen cotangents", ("backward",), _stolen, "", ""),
    Avoided("read while written", ("backward",), _read_while_written, "", ""),
    Avoided("second order, swept again", _SWEEPS, _doubtful, "", ""),
    Avoided("third order", _SWEEPS, _third_order, "", ""),
)
