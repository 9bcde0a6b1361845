"""The situations that programs avoid, as questions about the model before an instruction is played; why is said in `avoided`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from conformance.model.forward import GradientNode, Node, Value
from conformance.model.hooks import Course
from conformance.model.state import State
from conformance.model.ways import reached
from conformance.operators import OPERATORS
from conformance.program import Instruction

if TYPE_CHECKING:
    from conformance.generation.play import Player

SWEEPS: Final = ("backward", "grad")


def _views(it: Instruction) -> bool:
    viewing = it.verb == "apply" and OPERATORS[it.options["operator"]].views
    return it.verb == "unbind" or (viewing and not isinstance(it.options.get("index"), list))


def unrecorded_view(player: Player, it: Instruction) -> bool:
    """A view of what requires grad is taken while nothing is recorded."""
    return _views(it) and not player.twin.grad_enabled and player.state(it.args[0]).requires_grad


def another_layout(player: Player, it: Instruction) -> bool:
    """A matrix is brought into another shape whose elements may not lie row after row."""
    if it.options["operator"] != "reshape":
        return False
    a = player.state(it.args[0])
    return sum(extent != 1 for extent in a.value.array.shape) > 1 and a not in player.row_major


def _target(player: Player, it: Instruction) -> State:
    return player.state(it.args[0])


def overlapping(player: Player, it: Instruction) -> bool:
    """What is written and what it is computed from share some elements, but are not the same."""
    a, b = _target(player, it), player.operand(it.args[1])
    if a.memory is not b.memory:
        return False
    written = a.place() if "index" not in it.options else OPERATORS["index"].forward(a.place(), it.options["index"])
    cells = np.asarray(written)
    return not set(cells.flat).isdisjoint(b.place().flat) and cells.tolist() != b.place().tolist()


def former_leaf(player: Player, it: Instruction) -> bool:
    """A leaf that once required grad becomes a result by a write."""
    a = _target(player, it)
    recorded = player.twin.grad_enabled and (a.requires_grad or player.operand(it.args[1]).requires_grad)
    return recorded and (a.base or a) in player.trained and not (a.base or a).requires_grad


def freed_without_numbers(player: Player, it: Instruction) -> bool:
    """A sweep comes through a write or a gather that was swept before, and kept nothing that could be freed."""
    nodes = [value.node for value in reached(_target(player, it).value)]
    return any(isinstance(node, Node) and node.freed and (node.operator == "patch" or _gathers(node)) for node in nodes)


def _gathers(node: Node) -> bool:
    return isinstance(node.attributes.get("index"), list)


def sought_entry(player: Player, it: Instruction) -> bool:
    """The gradient by an entry of an iteration is asked for."""
    return any(state in player.entries for state in _inputs(player, it))


def watched_view(player: Player, it: Instruction) -> bool:
    """A view whose memory was written is hooked or sought, or the memory of a hooked view is written."""
    if it.verb == "write":
        return any(alias.base and (alias.hooks or alias.retains_grad) for alias in _target(player, it).aliases())
    watched = _inputs(player, it) if it.verb in SWEEPS else [_target(player, it)]
    return any(state.base is not None and state.memory.version > 0 for state in watched) or any(
        isinstance(state.value.node, Node) and state.value.node.operator == "patch" for state in _inputs(player, it)
    )


def _inputs(player: Player, it: Instruction) -> list[State]:
    """The tensors that a sweep is asked for; none when it is for all leaves."""
    names = it.args[1:] if it.verb == "grad" else it.options.get("inputs") or ()
    return [player.state(name) for name in names]


def _family(a: State) -> list[State]:
    base = a.base or a
    return [alias for alias in a.aliases() if (alias.base or alias) is base]


def shared_flag(player: Player, it: Instruction) -> bool:
    """A flag is switched that views share."""
    return len(_family(_target(player, it))) > 1


def view_of_a_constant(player: Player, it: Instruction) -> bool:
    """A constant becomes a result by a write, and something else looks at it."""
    a = _target(player, it)
    base, written = a.base or a, player.operand(it.args[1])
    becomes = player.twin.grad_enabled and written.requires_grad and not base.requires_grad
    return becomes and len(_family(a)) > 1


def written_entries(player: Player, it: Instruction) -> bool:
    """The memory of what was iterated over is written, by name or as that of a gradient."""
    a = _target(player, it)
    written = a if it.verb == "write" else a.grad if it.options["how"] == "zero" else None
    return written is not None and any(entry.memory is written.memory for entry in player.entries)


def hooked_entry(player: Player, it: Instruction) -> bool:
    """An entry of an iteration is hooked."""
    return _target(player, it) in player.entries


def shared_memory(player: Player, it: Instruction) -> bool:
    """Memory that an engine may have handed out twice is written, flagged, or made a gradient."""
    if it.verb == "clear":
        gradient = _target(player, it).grad
        return it.options["how"] == "zero" and gradient is not None and gradient.memory in player.shared
    return player.state(it.args[1 if it.verb == "set_grad" else 0]).memory in player.shared


def several_with_hooks(player: Player, it: Instruction) -> bool:
    """Several gradients are asked for, one of them by a hooked result."""
    inputs = _inputs(player, it)
    return len(inputs) > 1 and any(state.hooks and not state.is_leaf for state in inputs)


def differentiable_cotangent(player: Player, it: Instruction) -> bool:
    """A cotangent requires grad, and the sweep is not recorded."""
    cotangent = player.given(it, "cotangent")
    return cotangent is not None and cotangent.requires_grad and not it.options.get("create_graph")


def held_gradient(player: Player, it: Instruction) -> bool:
    """The name of a leaf goes away whose gradient has a name itself."""
    gradient = _target(player, it).grad
    return gradient is not None and any(s.memory is gradient.memory for s in player.tensors.values())


def own_grad(player: Player, it: Instruction) -> bool:
    """A tensor is made its own gradient."""
    return _target(player, it).memory is player.state(it.args[1]).memory


def unordered_hooks(player: Player, it: Instruction) -> bool:
    """Hooks meddle with each other, and the graph does not say which of them is called first."""
    return player.meddling and _course(player, it).unordered()


def hooks_in_the_way(player: Player, it: Instruction) -> bool:
    """A hook writes or reads what the sweep itself reads or writes, or adds one where that is a situation of its own."""
    if not player.meddling:
        return False
    cotangent = player.given(it, "cotangent")
    held = {state.grad.memory for state in player.states if state.grad} | {entry.memory for entry in player.entries}
    untouchable = held | player.shared | player.gradients | ({cotangent.memory} if cotangent else set())
    return _course(player, it).in_the_way(_inputs(player, it), untouchable, bool(it.options.get("create_graph")))


def _course(player: Player, it: Instruction) -> Course:
    restricted = it.verb == "grad" or it.options.get("inputs")
    return player.twin.course(_target(player, it), _inputs(player, it) if restricted else None, player.states)


# --- memory that a sweep shares

# Operators whose derivative hands on the memory of the cotangent that it is given; among them those that view it.
_VIEWING: Final = frozenset(
    {"reshape", "transpose", "permute", "squeeze", "unsqueeze", "expand", "sum", "sum_axis", "piece"}
)
_PASSING: Final = _VIEWING | {"add", "sub", "clone", "patch"}


def stolen(player: Player, it: Instruction) -> bool:
    """A leaf without a gradient takes a piece of memory for it that others have as well."""
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


def read_while_written(player: Player, it: Instruction) -> bool:
    """A gradient that is added to in place is also what the sweep computes with."""
    root, cotangent = _target(player, it), player.given(it, "cotangent")
    ways = reached(root.value)
    grads = {s.grad.memory for s in player.states if s.grad and s.value in ways and s.is_leaf}
    read = {memory for value in ways if value.node for memory, _ in value.node.kept}
    if cotangent:
        read.add(cotangent.memory)
    return not grads.isdisjoint(read | player.shared | {entry.memory for entry in player.entries})


def leads_nowhere(player: Player, it: Instruction) -> bool:
    """A hooked root leads to none of the inputs that are asked for."""
    root, inputs = _target(player, it), _inputs(player, it)
    below = reached(root.value) if inputs and (root.hooks or root.retains_grad) else None
    return below is not None and all(state.value not in below for state in inputs)


def doubtful(player: Player, it: Instruction) -> bool:
    """The model does not say whether this sweep succeeds."""
    return player.twin.doubts(_target(player, it))


def switched(player: Player, it: Instruction) -> bool:
    """A sweep is recorded after a flag was switched."""
    return player.switched and bool(it.options.get("create_graph"))


def called_without_need(player: Player, it: Instruction) -> bool:
    """A sweep comes through a node that was freed as an end of another, or ends at one that cannot be called."""
    nodes = {value.node for value in reached(_target(player, it).value)}
    ends = [state.value.node for state in _inputs(player, it)]
    if any(node in nodes and node.freed and node.saves for node in player.ends):
        return True
    return any(node and ((node.freed and node.saves) or any(m.version != v for m, v in node.kept)) for node in ends)


def third_order(player: Player, it: Instruction) -> bool:
    """A gradient is differentiated by a sweep that is recorded too."""
    nodes = [value.node for value in reached(_target(player, it).value)]
    return bool(it.options.get("create_graph")) and any(isinstance(node, GradientNode) for node in nodes)
