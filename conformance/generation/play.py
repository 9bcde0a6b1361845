"""Plays instructions, as data, on the model: names become states and hooks.

Whatever does not make sense is `Unplayable`, so that sketches may be cut and changed at will: a name that is not bound, a shape
that does not fit, and the situations of which engines are known to make something else (`avoided.AVOIDED`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from conformance.generation.avoided import AVOIDED
from conformance.model import numbers
from conformance.model.forward import GradientNode, Node
from conformance.model.protocol import Twin
from conformance.model.state import Handle, Hook, Memory, State, Step
from conformance.model.ways import reached
from conformance.program import Instruction, Operand, Scalar, attributes_of


class Unplayable(Exception):
    """An instruction that makes no sense here; the text says why."""


class Player:
    """A program being played: the twin, and what the names stand for.

    shared: memory that an engine may hand out twice, as cotangents and gradients are. entries: memory that was unbound.
    absent: the names of gradients that are not there, and the tensors that they would be of.
    trained: leaves that require grad, or did.
    switched: whether a flag ever was. ends: nodes at which sweeps ended that freed.
    row_major: the matrices whose elements lie row after row, so that another shape is a view of them.
    awaited: the names of tensors that hooks read when they are called. meddling: whether hooks do more than answer, or share
    their calls.
    """

    def __init__(self, dtype: str) -> None:
        self.twin = Twin(dtype)
        self.forget()

    def forget(self) -> None:
        """Nothing that there is may be named any more: a sweep failed on its way, and how far it came is not said."""
        self.twin.former.clear()
        self.tensors: dict[str, State] = {}
        self.hooks: dict[str, tuple[State, Hook]] = {}
        self.handles: defaultdict[str, Handle] = defaultdict(Handle)
        self.states: list[State] = []
        self.absent: dict[str, State] = {}
        self.shared: set[Memory] = set()
        self.gradients: set[Memory] = set()
        self.entries: set[State] = set()
        self.trained: set[State] = set()
        self.switched = False
        self.ends: set[Node | GradientNode] = set()
        self.row_major: set[State] = set()
        self.awaited: set[str] = set()
        self.meddling = False

    def play(self, it: Instruction) -> None:
        """One instruction that is no block; raises Unplayable, the twin's Refusal, or numbers.Inexact."""
        try:
            for row in AVOIDED:
                if it.verb in row.verbs and row.met(self, it):
                    raise Unplayable(row.name)
            _VERBS[it.verb](self, it)
        except (LookupError, ValueError, TypeError, AttributeError) as reason:
            raise Unplayable(f"{type(reason).__name__}: {reason}") from None

    def state(self, name: Any) -> State:
        """The tensor of a name."""
        if name not in self.tensors:
            raise Unplayable(f"{name} is not bound")
        return self.tensors[name]

    def given(self, it: Instruction, name: str) -> State | None:
        """The tensor that an option names."""
        return self.state(it.options[name]) if it.options.get(name) else None

    def handle(self, name: Any) -> tuple[State, Hook]:
        """The tensor and the hook of a handle."""
        if name not in self.hooks:
            raise Unplayable(f"{name} is no handle")
        return self.hooks[name]

    def fitting(self, state: State, name: Any) -> Hook:
        """A handle's hook, if it is one of a tensor of the same shape."""
        owner, hook = self.handle(name)
        if owner.value.array.shape != state.value.array.shape:
            raise Unplayable("the hook of a tensor of another shape")
        return hook

    def operand(self, operand: Operand) -> State:
        """A tensor, or a Python number as a constant."""
        if isinstance(operand, Scalar):
            return self.twin.leaf(numbers.exact_array(numbers.rational(operand.text)), False)
        return self.state(operand)

    def bind(self, name: str, state: State) -> None:
        """A new name."""
        if name in self.tensors or name in self.hooks or name in self.absent:
            raise Unplayable(f"{name} is bound already")
        self.tensors[name] = state
        if not any(known is state for known in self.states):
            self.states.append(state)


# --- what each verb does


def _leaf(player: Player, it: Instruction) -> None:
    options = it.options
    _check_literal(options["value"])
    state = player.twin.leaf(numbers.from_json(options["value"]), options["requires_grad"], options.get("dtype"))
    if state.requires_grad:
        player.trained.add(state)
    player.row_major.add(state)
    player.bind(it.out[0], state)


def _check_literal(value: Mapping[str, Any]) -> None:
    if 0 in value["shape"][:-1]:
        raise Unplayable("nested lists cannot say this shape")


def _applied(player: Player, it: Instruction, operands: Sequence[State]) -> State:
    if all(isinstance(operand, Scalar) for operand in it.args):
        raise Unplayable("an operator of numbers alone")
    operator = it.options["operator"]
    result = player.twin.apply(operator, operands, attributes_of(it.options))
    ordered = all(operand in player.row_major or flat(operand) for operand in operands)
    if operator in _ROW_MAJOR or (ordered and operator not in _TURNING):
        player.row_major.add(result)
    return result


# Operators whose results lie row after row whatever their operands do.
_ROW_MAJOR: Final = frozenset({"mm", "reshape", "sum"})

_TURNING: Final = frozenset({"transpose", "permute"})


def flat(state: State) -> bool:
    """Whether there is one order only in which the elements can lie: at most one extent is not 1."""
    return len([extent for extent in state.value.array.shape if extent != 1]) <= 1


def _apply(player: Player, it: Instruction) -> None:
    player.bind(it.out[0], _applied(player, it, [player.operand(operand) for operand in it.args]))


def _repeat(player: Player, it: Instruction) -> None:
    """A loop of one operator, whose result is its first operand in the next round."""
    (name,), (body,) = it.out, it.body
    state = player.state(it.args[0])
    if body.verb != "apply" or body.out != it.out or name in player.tensors:
        raise Unplayable("a loop of something else")
    for _ in range(it.options["times"]):
        operands = [state if operand == name else player.operand(operand) for operand in body.args]
        state = _applied(player, body, operands)
    player.bind(name, state)


def _swept(it: Instruction) -> dict[str, Any]:
    names = ("retain_graph", "create_graph", "allow_unused")
    return {name: it.options[name] for name in names if it.options.get(name)}


def _backward(player: Player, it: Instruction) -> None:
    root, cotangent = player.state(it.args[0]), player.given(it, "cotangent")
    inputs = [player.state(name) for name in it.options["inputs"]] if it.options.get("inputs") else None
    if cotangent:
        player.shared.add(cotangent.memory)
    player.twin.backward(root, cotangent, player.states, inputs=inputs, **_swept(it))
    player.ends.update(state.value.node for state in inputs or () if state.value.node and state.value.node.freed)


def _grad(player: Player, it: Instruction) -> None:
    root, *inputs = (player.state(name) for name in it.args)
    cotangent = player.given(it, "cotangent")
    if len(it.out) != len(inputs) or len(set(it.out)) != len(it.out):
        raise Unplayable("as many names as inputs")
    if cotangent:
        player.shared.add(cotangent.memory)
    used = reached(root.value)
    found = player.twin.grad(root, inputs, cotangent, player.states, **_swept(it))
    for name, by, state in zip(it.out, inputs, found, strict=True):
        if by.value not in used:
            player.absent[name] = by
            continue
        player.shared.add(state.memory)
        player.gradients.add(state.memory)
        player.bind(name, state)


def _read_grad(player: Player, it: Instruction) -> None:
    state = player.state(it.args[0]).grad
    if state is None:
        raise Unplayable("there is no gradient to read")
    player.gradients.add(state.memory)
    player.bind(it.out[0], state)


def _detach(player: Player, it: Instruction) -> None:
    state = player.state(it.args[0])
    result = player.twin.detach(state)
    if state in player.row_major:
        player.row_major.add(result)
    player.bind(it.out[0], result)


def _drop(player: Player, it: Instruction) -> None:
    player.state(it.args[0])
    if it.args[0] in player.awaited:
        raise Unplayable("a hook reads it")
    del player.tensors[str(it.args[0])]


def _unbind(player: Player, it: Instruction) -> None:
    state = player.state(it.args[0])
    if len(it.out) != state.value.array.shape[0] or not it.out:
        raise Unplayable("as many names as entries")
    for name, entry in zip(it.out, player.twin.unbind(state), strict=True):
        player.entries.add(entry)
        player.bind(name, entry)


def _require_grad(player: Player, it: Instruction) -> None:
    player.twin.require_grad(player.state(it.args[0]), it.options["flag"])
    player.trained.add(player.state(it.args[0]))
    player.switched = True
    for name in it.out:
        player.bind(name, player.state(it.args[0]))


def _write(player: Player, it: Instruction) -> None:
    a, b = it.args
    player.twin.write(player.state(a), it.options["how"], player.operand(b), **_index(it))


def _index(it: Instruction) -> dict[str, Any]:
    return {"index": it.options["index"]} if "index" in it.options else {}


def _hook(player: Player, it: Instruction) -> None:
    state = player.state(it.args[0])
    _check_literal({"shape": state.value.array.shape})  # what it is called with is seen as nested lists
    if len(it.args) > 1:
        player.twin.hook_again(state, player.fitting(state, it.args[1]))
        player.meddling = True
        return
    if it.out[0] in player.hooks or it.out[0] in player.tensors:
        raise Unplayable("the handle's name is bound already")
    for action in it.options["body"]:
        _check_literal(action.get("replace", {"shape": []}))
    player.hooks[it.out[0]] = state, player.twin.hook(state, tuple(it.options["body"]))
    try:
        player.hooks[it.out[0]][1].steps = tuple(_STEPS[inner.verb](player, it, inner) for inner in it.body)
    except Exception:
        player.twin.remove(*player.hooks.pop(it.out[0]))
        raise
    player.handles[it.out[0]].state, player.handles[it.out[0]].hook = player.hooks[it.out[0]]
    player.awaited.update(arg for inner in it.body for arg in inner.args if isinstance(arg, str))
    player.meddling = player.meddling or bool(it.body)


def _remove(player: Player, it: Instruction) -> None:
    player.twin.remove(*player.handle(it.args[0]))


# --- what a hook may do; names are looked up when it is registered, but for that of a handle, which may be bound later


def _computing(player: Player, hook: Instruction, it: Instruction) -> Step:
    """An operator of elements, whose result takes the place of the hook's argument."""
    if it.out != hook.out[1:] or it.out[0] not in it.args or it.options["operator"] not in ANSWERING:
        raise Unplayable("a hook answers with what is computed from its argument")
    return Step("apply", _inside(player, hook, it), how=it.options["operator"])


# The operators by which a hook makes its answer; the shape stays.
ANSWERING: Final = ("neg", "add", "sub", "mul")


def _inside(player: Player, hook: Instruction, it: Instruction) -> tuple[State | None, ...]:
    """The operands of an instruction inside a hook, none of which makes the result larger than the hook's argument."""
    operands = tuple(None if arg in hook.out[1:] else player.operand(arg) for arg in it.args)
    shape = player.state(hook.args[0]).value.array.shape
    if np.broadcast_shapes(shape, *(operand.value.array.shape for operand in operands if operand)) != shape:
        raise Unplayable("larger than the hook's argument")
    return operands


def _writing(player: Player, hook: Instruction, it: Instruction) -> Step:
    """A constant is written with a number or with the hook's argument; what it is by then, a sweep asks again."""
    written, by = _inside(player, hook, it)
    if written is None or written.requires_grad or it.options["how"] not in ("add", "mul"):
        raise Unplayable("a hook may not write this")
    if by is None and written.value.array.shape != player.state(hook.args[0]).value.array.shape:
        raise Unplayable("smaller than what it is written with")
    if by is not None and by.value.array.ndim:
        raise Unplayable("written with what another may write")
    return Step("write", (written, by), how=it.options["how"])


def _removing(player: Player, hook: Instruction, it: Instruction) -> Step:
    if it.args[0] in player.tensors:
        raise Unplayable(f"{it.args[0]} is no handle")
    return Step("remove", handle=player.handles[str(it.args[0])])


def _adding(player: Player, hook: Instruction, it: Instruction) -> Step:
    state = player.state(it.args[0])
    if it.args[1] == hook.out[0] or not state.requires_grad or state.base or state in player.entries:
        raise Unplayable("a hook may not add this")
    return Step("hook", (state,), hook=player.fitting(state, it.args[1]))


_STEPS: Final[Mapping[str, Callable[[Player, Instruction, Instruction], Step]]] = {
    "apply": _computing,
    "write": _writing,
    "remove": _removing,
    "hook": _adding,
    "raise": lambda player, hook, it: Step("raise"),
}


_VERBS: Final[Mapping[str, Callable[[Player, Instruction], None]]] = {
    "leaf": _leaf,
    "apply": _apply,
    "repeat": _repeat,
    "backward": _backward,
    "grad": _grad,
    "read_grad": _read_grad,
    "set_grad": lambda player, it: player.twin.set_grad(player.state(it.args[0]), player.state(it.args[1])),
    "unbind": _unbind,
    "drop": _drop,
    "clear": lambda player, it: player.twin.clear(player.state(it.args[0]), it.options["how"]),
    "write": _write,
    "detach": _detach,
    "require_grad": _require_grad,
    "retain_grad": lambda player, it: player.twin.retain_grad(player.state(it.args[0])),
    "hook": _hook,
    "remove": _remove,
}
