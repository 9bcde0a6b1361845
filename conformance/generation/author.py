"""A sketch being drawn: the model plays along, and the next step is chosen from what is there."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from conformance.generation.play import Player, Unplayable
from conformance.model.numbers import Inexact
from conformance.model.protocol import Failure, Refusal
from conformance.model.state import State
from conformance.program import Instruction, Operand, Scalar

# Products stay far below 2**24, so that every cotangent on the way is exact in float32 too.
LARGEST: Final = 64
SHORTEST, LONGEST = 6, 20
DEEPEST: Final = 2
SHAPES: Final = ((), (), (1,), (2,), (2,), (3,), (2, 2), (2, 2), (1, 2), (2, 1), (2, 3), (0,))
NUMBERS: Final = ("-3", "-2", "-1", "0", "1", "2", "3", "1/2", "-3/2")
SCALARS: Final = ("-2", "-1", "0", "1", "2", "3", "1/2")


@dataclass(frozen=True)
class Row:
    """What a step may be: from which kind on, how often, how it is made, and which keys an engine must offer for it."""

    kind: str
    weight: float
    make: Callable[[Author], Instruction | bool | None]
    needs: tuple[str, ...] = ()


class Ended(Exception):
    """Nothing may follow: the model stopped."""


class Author:
    """One sketch being drawn from rows, each with its weight, and the model's state so far."""

    def __init__(
        self, draw: random.Random, dtype: str, offered: frozenset[str], rows: Sequence[Row], weights: Sequence[float]
    ) -> None:
        self.draw = draw
        self.offered = offered
        self.player = Player(dtype)
        self.open: list[list[Instruction]] = [[]]
        self.depth = 0
        self.names = 0
        self.rows = rows
        self.weights = weights

    def write(self) -> tuple[Instruction, ...]:
        """Two leaves, and steps until it is long enough."""
        with suppress(Ended):
            for _ in range(2):
                self.add(self.leaf(trained=self.chance(0.9)))
            for _ in range(self.draw.randint(SHORTEST, LONGEST) - 2):
                self.step()
        return tuple(self.open[0])

    def step(self) -> None:
        """One row that has something to say; a few are tried."""
        for row in self.draw.choices(self.rows, self.weights, k=6):
            it = row.make(self)
            if isinstance(it, Instruction) and self.add(it):
                return
            if it is True:
                return

    def add(self, it: Instruction | None) -> bool:
        """Plays an instruction and keeps it, unless it makes no sense."""
        if it is None:
            return False
        try:
            self.player.play(it)
        except Unplayable:
            return False
        except Inexact:
            raise Ended from None
        except Failure as failure:
            if self.chance(0.85 if "unused_input" in failure.kinds else 0.3):
                return False
            self.open[-1].append(it)
            self.player.forget()
            self.begin()
            return True
        except Refusal:
            pass
        self.open[-1].append(it)
        return True

    def begin(self) -> None:
        """A leaf of its own after a sweep that failed, and sometimes at once a sweep that must not."""
        leaf = self.leaf(True, ())
        self.add(leaf)
        if self.chance(0.5) and self.offers("backward") and self.offers("mul"):
            product = Instruction("apply", (self.name("y"),), leaf.out * 2, {"operator": "mul"})
            self.add(product)
            self.add(Instruction("backward", (), product.out))

    # --- choosing

    def chance(self, probability: float) -> bool:
        """True as often as this."""
        return self.draw.random() < probability

    def offers(self, key: str) -> bool:
        """Whether the engine spells a key."""
        return key in self.offered

    def name(self, stem: str) -> str:
        """A name that nothing has."""
        self.names += 1
        return f"{stem}{self.names}"

    def any(self, *conditions: Callable[[State], bool]) -> str | None:
        """The name of a tensor for which all conditions hold; the younger the likelier."""
        found = [n for n, state in self.player.tensors.items() if all(holds(state) for holds in conditions)]
        return self.draw.choices(found, range(1, len(found) + 1))[0] if found else None

    def state(self, name: str) -> State:
        """The tensor of a name."""
        return self.player.tensors[name]

    def value(self, shape: Sequence[int]) -> dict[str, Any]:
        """Numbers of a shape, most of them whole."""
        numbers = NUMBERS if self.chance(0.2) else NUMBERS[:7]
        return {"shape": list(shape), "values": [self.draw.choice(numbers) for _ in range(prod(shape))]}

    def scalar(self) -> Scalar:
        """A Python number."""
        return Scalar(self.draw.choice(SCALARS))

    def constant(self, shape: Sequence[int]) -> str:
        """The name of a constant of a shape: one that is there, or a new one."""
        there = self.any(lambda s: not s.requires_grad and s.value.array.shape == tuple(shape))
        if there and self.chance(0.4):
            return there
        it = self.leaf(False, shape)
        self.add(it)
        return it.out[0]

    def leaf(self, trained: bool, shape: Sequence[int] | None = None) -> Instruction:
        """A new leaf."""
        value = self.value(self.draw.choice(SHAPES) if shape is None else shape)
        return Instruction(
            "leaf", (self.name("x" if trained else "c"),), (), {"value": value, "requires_grad": trained}
        )

    def applied(self, operator: str, *operands: Operand, **attributes: Any) -> Instruction | None:
        """An operator, if the engine has it."""
        options = {"operator": operator, **attributes}
        return Instruction("apply", (self.name("y"),), operands, options) if self.offers(operator) else None

    # --- blocks

    def under_no_grad(self, it: Instruction) -> bool:
        """Adds one instruction in a block of its own."""
        self.open.append([])
        with self.player.twin.mode(False):
            added = self.add(it)
        steps = tuple(self.open.pop())
        self.open[-1] += [Instruction("no_grad", (), (), {}, steps)] if steps else []
        return added

    def block(self) -> bool:
        """A block of some steps, which an exception may leave; whether there is one."""
        if self.depth >= DEEPEST:
            return False
        modes = [verb for verb in ("no_grad", "enable_grad") if self.offers(verb)]
        verb, interrupted = self.draw.choice((*modes, *modes, "thread")), self.chance(0.25)
        self.open.append([])
        self.depth += 1
        try:
            with self.player.twin.mode(verb != "no_grad"):
                for _ in range(self.draw.randint(1, 3)):
                    self.step()
            self.open[-1].extend([Instruction("raise")] * interrupted)
        except Ended:
            interrupted = False
            raise
        finally:
            self.depth -= 1
            block = Instruction(verb, (), (), {}, tuple(self.open.pop()))
            self.open[-1].append(Instruction("catch", (), (), {}, (block,)) if interrupted else block)
        return True
