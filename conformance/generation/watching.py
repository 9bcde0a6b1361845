"""From a sketch to a program that says what must be seen: the model's state, after every instruction or at the end.

Looking is an action too: torch gives a view its new node when it is looked at. So a sketch of the kind `watched` is looked at
after every instruction, and any other only at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final

import numpy as np

from conformance.generation.play import Player, Unplayable
from conformance.generation.sketch import Sketch, Unwritable
from conformance.model import numbers
from conformance.model.protocol import Failure, Refusal
from conformance.model.state import State
from conformance.program import Instruction, Program

WATCHED: Final = "watched"


def write(sketch: Sketch, offered: Collection[str] | None = None) -> Program:
    """Plays a sketch; what cannot be played is left out. Raises Unwritable when nothing is left.

    offered: the keys that may be looked at, and the dialects that are spoken (`Adapter.offers`); None is everything.
    """
    skipped: set[int] = set()
    while True:
        writer = _Writer(sketch, offered, skipped)
        try:
            program = writer.program()
        except _Spoilt as spoilt:  # the model stopped halfway through an instruction: once more, without it
            skipped.add(spoilt.instruction)
            continue
        if not program.instructions:
            raise Unwritable("nothing is left of it")
        return program


class _Spoilt(Exception):
    """An instruction left the numbers of the dtype; what it had changed by then is not undone."""

    def __init__(self, instruction: int) -> None:
        super().__init__(instruction)
        self.instruction = instruction


class _Raised(Exception):
    """The program's own exception."""


class _Writer:
    """One sketch being written."""

    def __init__(self, sketch: Sketch, offered: Collection[str] | None, skipped: Collection[int]) -> None:
        self.sketch = sketch
        self.offered = offered
        self.skipped = skipped
        self.strict = offered is None or "torch" in offered
        self.player = Player(sketch.dtype)
        self.watched = WATCHED in sketch.kinds
        self.attempts = 0
        self.catching = 0
        self.open: list[list[Instruction]] = [[]]
        self.known: dict[int, tuple[object, dict[str, Any]]] = {}

    def program(self) -> Program:
        """The program with its expectations."""
        self.steps(self.sketch.instructions)
        if self.open[0]:
            self.look(self.player.tensors, _EVERYTHING)
        return Program(self.sketch.dtype, tuple(self.open[0]))

    def steps(self, instructions: Iterable[Instruction]) -> None:
        for it in instructions:
            if id(it) in self.skipped:
                continue
            if it.verb in _BLOCKS:
                self.block(it)
            elif it.verb == "raise":
                self.interrupted()
            else:
                self.step(it)

    def step(self, it: Instruction) -> None:
        """One instruction that is no block, and what is seen after it."""
        before, absent = set(self.player.tensors), set(self.player.absent)
        try:
            self.player.play(it)
        except Unplayable:
            return
        except numbers.Inexact:
            raise _Spoilt(id(it)) from None
        except Refusal as refusal:
            if "needs_grad" in refusal.kinds and not self.offers("requires_grad"):
                return  # to an engine without flags every tensor is one that gradients are collected for
            if not self.strict and not {"no_gradient", "graph_freed"}.isdisjoint(refusal.kinds):
                return  # zeros can be cleared where torch has None; an engine may keep its graphs
            self.refused(it, refusal)
        else:
            self.open[-1].append(it)
        for name in self.player.absent.keys() - absent:
            self.expect_nothing("tensor", name, self.player.absent[name])
        if self.watched:
            self.look([name for name in self.player.tensors if name not in before], _EVERYTHING)
            self.look(
                [name for name in self.player.tensors if name in before], _EVERYTHING if it.verb in _TOUCHING else ()
            )

    def refused(self, it: Instruction, refusal: Refusal) -> None:
        """An attempt, and how it ends; after a sweep that failed on its way nothing more is said of what there was."""
        self.attempts += 1
        name = "attempt" if self.attempts == 1 else f"attempt{self.attempts}"
        self.open[-1].append(Instruction("attempt", (name,), (), {}, (it,)))
        outcomes = [{"outcome": "refused", "kind": kind} for kind in refusal.kinds]
        several = len(outcomes) > 1
        self.expect(
            "outcome", (name,), {"choices": outcomes} if several else outcomes[0], "one_of" if several else "equals"
        )
        if isinstance(refusal, Failure):
            self.player.forget()

    def block(self, it: Instruction) -> None:
        """A block and its body, closed whatever happens inside; empty ones are left out."""
        enabled = _BLOCKS[it.verb]
        self.open.append([])
        self.catching += it.verb == "catch"
        try:
            with nullcontext() if enabled is None else self.player.twin.mode(enabled):
                self.look((), _EVERYTHING) if self.watched else None
                self.steps(it.body)
        except _Raised:
            if it.verb != "catch":
                raise
        finally:
            self.catching -= it.verb == "catch"
            body = tuple(self.open.pop())
            if any(inner.verb != "expect" for inner in body):
                self.open[-1].append(Instruction(it.verb, it.out, it.args, it.options, body))
        if self.watched:
            self.look((), _EVERYTHING)

    def interrupted(self) -> None:
        """The program's own exception, where somebody catches it."""
        if self.catching:
            self.open[-1].append(Instruction("raise"))
            raise _Raised

    # --- looking

    def look(self, names: Iterable[str], facets: Sequence[str]) -> None:
        """Expects the facets of tensors, what hooks were called with, and the grad mode."""
        for name in names:
            state = self.player.tensors[name]
            for facet in facets:
                if (
                    facet in _FACETS
                    and self.offers(_KEYS.get(facet, facet))
                    and (self.strict or self.promises(state, facet))
                ):
                    self.facet(name, state, facet)
        if "calls" in facets:
            for name, (_, hook) in self.player.hooks.items():
                self.expect("calls", (name,), {"calls": list(hook.calls)})
        if "grad_enabled" in facets and self.offers("grad_enabled"):
            self.expect("grad_enabled", (), {"flag": self.player.twin.grad_enabled})

    def facet(self, name: str, state: State, facet: str) -> None:
        if facet == "version" and state.memory in self.player.gradients:
            return  # how often an engine wrote into a gradient is its own business
        if facet == "grad" and state.grad is None:
            self.expect_nothing(facet, name, state)
        else:
            self.expect(facet, (name,), _FACETS[facet](self, state))

    def promises(self, state: State, facet: str) -> bool:
        """Whether an engine that does not speak torch's dialect promises a facet: versions it does not, nor a result's gradient.

        Nor is a gradient a tensor with flags everywhere.
        """
        if facet == "grad":
            return state.requires_grad and (state.is_leaf or state.retains_grad)
        return facet == "tensor" or (facet == "requires_grad" and state.memory not in self.player.gradients)

    def offers(self, key: str) -> bool:
        return self.offered is None or key in self.offered

    def expect(self, kind: str, args: tuple[str, ...], value: dict[str, Any], relation: str = "equals") -> None:
        options = {"observe": kind, "relation": relation, "value": value, "why": ""}
        self.open[-1].append(Instruction("expect", (), args, options))

    def expect_nothing(self, kind: str, name: str, state: State) -> None:
        """No gradient of `state`; an engine that does not speak torch's dialect may have zeros."""
        nothing = self.array(None)
        if self.strict:
            self.expect(kind, (name,), nothing)
        else:
            zeros = numbers.to_json(numbers.exact_array(np.zeros(state.value.array.shape, dtype=int)))
            self.expect(kind, (name,), {"choices": [nothing, zeros]}, "one_of")

    def array(self, state: State | None) -> dict[str, Any]:
        """A tensor's numbers as JSON, made once: no array of the model ever changes."""
        if state is None:
            return {"absent": True}
        array = state.value.array
        if id(array) not in self.known:
            self.known[id(array)] = array, numbers.to_json(array)
        return self.known[id(array)][1]


# Blocks, and what they make of the grad mode; None leaves it.
_BLOCKS: Final[Mapping[str, bool | None]] = {"no_grad": False, "enable_grad": True, "thread": True, "catch": None}

_FACETS: Final[Mapping[str, Callable[[_Writer, State], dict[str, Any]]]] = {
    "tensor": lambda writer, state: writer.array(state),
    "grad": lambda writer, state: writer.array(state.grad),
    "requires_grad": lambda writer, state: {"flag": state.requires_grad},
    "is_leaf": lambda writer, state: {"flag": state.is_leaf},
    "version": lambda writer, state: {"flag": str(state.memory.version)},
}
# The key of an adapter by which a facet is read, where it has another name.
_KEYS: Final[Mapping[str, str]] = {"tensor": "value", "grad": "grad_of"}
_EVERYTHING: Final = (*_FACETS, "calls", "grad_enabled")
# What an instruction may have changed of tensors that were there before: all of it is looked at.
_TOUCHING: Final = ("backward", "grad", "write", "clear", "set_grad", "require_grad", "retain_grad", "hook", "remove")
