"""A tensor of the model, and what several of them share: memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from conformance.model.forward import Node, Value
from conformance.model.numbers import Array
from conformance.operators.rules import array_of


@dataclass(frozen=True, eq=False)
class Step:
    """One instruction in the body of a hook; an operand that is None is the hook's argument.

    how: the operator, or the way to write. hook: whose function is registered once more. handle: of what is removed.
    """

    verb: str
    operands: tuple[State | None, ...] = ()
    how: str = ""
    hook: Hook | None = None
    handle: Handle | None = None


@dataclass(eq=False)
class Handle:
    """What removes a hook: a tensor and its hook, once they are there. A hook may name a handle that is bound after it."""

    state: State | None = None
    hook: Hook | None = None


@dataclass(eq=False)
class Hook:
    """A hook: what it answers, the arguments it was called with, and what it does before it answers."""

    body: tuple[Mapping[str, Any], ...]
    calls: list[dict[str, Any]] = field(default_factory=list)
    steps: tuple[Step, ...] = ()


@dataclass(eq=False)
class Memory:
    """Where tensors keep their numbers: how often it was written, and who looks at it, when there are several."""

    version: int = 0
    members: list[State] = field(default_factory=list)

    def stamp(self) -> tuple[Memory, int]:
        """The memory with its present version."""
        return self, self.version


@dataclass(eq=False)
class State:
    """A tensor of the model: its value, and what the protocol attaches to it.

    cells: where in the memory its elements are, in its shape; None while nobody else looks there. base: for a view, the tensor
    that it is a piece of and shares its history with; a detached alias shares the memory only. writes: how often its numbers were
    changed behind the graph's back.
    """

    value: Value
    requires_grad: bool = False
    volatile: bool = False
    retains_grad: bool = False
    grad: State | None = None
    hooks: list[Hook] = field(default_factory=list)
    dtype: str | None = None  # when it is not the program's
    memory: Memory = field(default_factory=Memory)
    cells: Array | None = None
    base: State | None = None
    writes: int = 0

    @property
    def is_leaf(self) -> bool:
        """A tensor that no recorded operator produced."""
        return self.value.node is None

    def look_at(self, other: State, chosen: Callable[[Array], Array]) -> None:
        """Shares the memory of `other`; `chosen` picks from its cells."""
        self.memory, self.cells = other.memory, np.asarray(chosen(other.place()))
        self.memory.members.append(self)

    def place(self) -> Array:
        """Where in the memory its elements are."""
        if self.cells is None:
            shape = self.value.array.shape
            self.cells = np.arange(self.value.array.size).reshape(shape)
            self.memory.members.append(self)
        return self.cells

    def aliases(self) -> tuple[State, ...]:
        """Everything that looks at the same memory, itself included."""
        self.place()
        return tuple(self.memory.members)

    def displace(self, by: State, written: Array) -> None:
        """Has new numbers where `by` was written, and the history that it had.

        What was computed from the old numbers goes on from them: the old value becomes the new one plus the difference.
        """
        array = self.value.array.copy()
        new = dict(zip(by.place().flat, written.flat, strict=True))
        for position, cell in enumerate(self.place().flat):
            array.flat[position] = new.get(cell, array.flat[position])
        old, difference = self.value, array_of(array - self.value.array)
        shift = difference if old.shift is None else array_of(old.shift + difference)
        self.writes += 1
        self.value = Value(array, old.node, old.serial, shift)
        old.node, old.shift = Node("add", (self.value, Value(array_of(-difference))), {}), None
        # After the new value, before everything that was computed from the old.
        old.serial += Fraction(1, 2**self.writes)

    def rewritten(self, view: State, written: Value) -> Iterator[State]:
        """Makes of this base what a recorded write through `view` makes of it, and of its views pieces of that.

        Gives what was there before: hooks stay with the old tensors.
        """
        positions = {cell: position for position, cell in enumerate(self.place().flat)}
        family = [state for state in self.aliases() if (state.base or state) is self]
        for state in family:
            if state.hooks:
                yield State(state.value, state.requires_grad, hooks=state.hooks)
                state.hooks = []
        self.value = written if view is self else _result("patch", view, positions, self.value, written)
        for state in family:
            state.requires_grad = True
            if state is not self:
                state.value = _result("piece", state, positions, self.value)


def _result(operator: str, view: State, positions: Mapping[int, int], *operands: Value) -> Value:
    """A piece of the base, or the base patched, at the place of a view."""
    cells = np.vectorize(positions.__getitem__, otypes=[int])(view.place())
    node = Node(operator, operands, {"cells": cells})
    return Value(node.now(), node)
