"""The judge's own proof: the truths of generated programs against two ways to differentiate that share no rule with them.

Each small random program is differentiated along one random direction by

- the suite: forward mode on balls (`enclosing.Truth`), as gradients, from which the derivative along the direction is summed;
- FLINT's power series, run along the line point + t * direction by NumPy's own functions (tests/small_programs.py);
- a central difference of values at 500 bits, with a step of 2^-150, which knows no rule at all.

Balls decide: where they cannot tell two numbers apart, both are known to so many bits.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
from flint import arb

from conformance.generation import enclosing
from conformance.model import functions, numbers
from conformance.model.forward import Value
from conformance.model.numbers import Array, Dual, Function, precision
from conformance.operators.table import OPERATORS as TABLE
from conformance.program import Instruction
from tests.small_programs import LARGEST, OPERATORS, Small, constants, eighths, moved, played, small

PROGRAMS: Final = 20 * len(OPERATORS)  # each operator is certain to be in 20 of them
SECOND: Final = 6 * len(OPERATORS)  # … and in 6 that are differentiated twice
BITS: Final = 256
TRUE: Final = arb(2) ** -160  # what may lie between two derivatives, as a part of the sum of magnitudes: balls at BITS
DIFFERENCE_BITS: Final = 500
STEP: Final = (
    arb(2) ** -150
)  # its square is the error of the difference itself, beside 500 - 150 bits that are left of it
SECOND_STEP: Final = arb(2) ** -100  # 500 - 200 bits are left


@dataclass(frozen=True)
class Compared:
    """One program's derivative along a direction in three ways; scale: of what was summed."""

    program: Small
    truth: arb
    series: arb
    difference: arb
    scale: arb

    def agree(self) -> bool:
        """Certainly nearer than the last of many bits; the balls of FLINT and of the truth have to overlap besides."""
        allowed = TRUE * self.scale
        return (
            self.truth.overlaps(self.series)
            and bool(abs(self.truth - self.series) < allowed)
            and bool(abs(self.truth - self.difference) < allowed)
        )


# --- the suite's own derivatives


def truths(program: Small, *more: Instruction) -> dict[str, Array]:
    """What the suite knows of a program that goes on with the given instructions: of roots and gradients by name."""
    kept, found = enclosing.played((*program.instructions, *more), enclosing.Truth())
    assert len(kept) == len(program.instructions) + len(more)
    return found


def gradients(program: Small) -> list[Instruction]:
    cotangent = Instruction("leaf", ("v",), (), {"value": numbers.to_json(program.weights)})
    names = tuple(f"g_{name}" for name in program.leaves)
    return [
        cotangent,
        Instruction("grad", names, (program.root, *program.leaves), {"cotangent": "v", "create_graph": True}),
    ]


def slope(found: dict[str, Array], directions: dict[str, Array], prefix: str) -> tuple[arb, arb]:
    """The sum of gradient * direction, and of the magnitudes."""
    terms = [
        g * arb(d)
        for name, direction in directions.items()
        for g, d in zip(found[prefix + name].flat, direction.flat, strict=True)
    ]
    return sum(terms, arb(0)), 1 + sum((abs(term).upper() for term in terms), arb(0))


# --- others' derivatives


def along(program: Small, directions: dict[str, Array]) -> Any:
    """The series of sum(weights * root) on the line through the point."""
    values = played(program, {name: moved(array, directions[name]) for name, array in program.leaves.items()})
    return weighted(program, values)


def weighted(program: Small, values: dict[str, Array]) -> Any:
    """The series of sum(weights * root)."""
    return np.sum(values[program.root] * program.weights).series


def shifted(program: Small, directions: dict[str, Array], step: arb, detached: dict[str, Array]) -> arb:
    """The value of sum(weights * root) at point + step * direction; what is detached stays."""
    inputs = {name: moved(array, directions[name], step) for name, array in program.leaves.items()}
    value: arb = weighted(program, played(program, inputs, detached))[0]
    return value


def at_rest(program: Small) -> dict[str, Array]:
    return played(program, {name: constants(array) for name, array in program.leaves.items()})


def directions_of(program: Small, seed: int) -> dict[str, Array]:
    rng = random.Random(~seed)
    return {name: eighths(rng, array.shape) for name, array in program.leaves.items()}


def first_order(seed: int) -> Compared:
    program = small(seed)
    directions = directions_of(program, seed)
    with precision(BITS):
        truth, scale = slope(truths(program, *gradients(program)), directions, "g_")
        series = along(program, directions)[1]
    with precision(DIFFERENCE_BITS):
        still = at_rest(program)
        up, down = (shifted(program, directions, step, still) for step in (STEP, -STEP))
        return Compared(program, truth, series, (up - down) / (2 * STEP), scale)


def second_order(seed: int) -> Compared:
    """The derivative along a direction of the derivative along it: the gradient of a weighted sum of gradients."""
    program = small(seed, steps=3)
    directions = directions_of(program, seed)
    again = Instruction("grad", tuple(f"h_{name}" for name in directions), ("slope", *directions), {})
    with precision(BITS):
        found = truths(program, *gradients(program), *weighing(directions), again)
        truth, scale = slope(found, directions, "h_")
        series = 2 * along(program, directions)[2]
    with precision(DIFFERENCE_BITS):
        still = at_rest(program)
        low, middle, high = (shifted(program, directions, step, still) for step in (-SECOND_STEP, arb(0), SECOND_STEP))
        return Compared(program, truth, series, (high - 2 * middle + low) / SECOND_STEP**2, scale)


def weighing(directions: dict[str, Array]) -> Iterator[Instruction]:
    """Instructions for the sum of gradient * direction, which is named slope."""
    yield Instruction("leaf", ("slope",), (), {"value": {"shape": [], "values": ["0"]}})
    for name, array in directions.items():
        yield Instruction("leaf", ("d",), (), {"value": numbers.to_json(array)})
        yield Instruction("apply", ("d",), (f"g_{name}", "d"), {"operator": "mul"})
        yield Instruction("apply", ("d",), ("d",), {"operator": "sum"})
        yield Instruction("apply", ("slope",), ("slope", "d"), {"operator": "add"})


@pytest.fixture(scope="module")
def first() -> list[Compared]:
    return [first_order(seed) for seed in range(PROGRAMS)]


@pytest.fixture(scope="module")
def second() -> list[Compared]:
    return [second_order(seed) for seed in range(SECOND)]


def test_all_operators_are_compared(first: list[Compared], second: list[Compared]) -> None:
    """A thousand programs and more, none left out; every operator that has a derivative is in many of them."""
    assert len(first) == PROGRAMS >= 1000
    assert len(second) == SECOND >= 300
    assert {name for name, record in TABLE.items() if record.result is None} == set(OPERATORS)
    used = Counter(name for it in first for name in {*operators(it.program)})
    assert min(used[name] for name in OPERATORS) >= PROGRAMS // len(OPERATORS)
    assert sum(not it.truth.contains(0) for it in first) > 0.9 * PROGRAMS
    assert sum(not it.truth.contains(0) for it in second) > 0.5 * SECOND


def operators(program: Small) -> list[str]:
    return [it.options["operator"] for it in program.instructions if it.verb == "apply"]


def test_gradients_are_true(first: list[Compared]) -> None:
    """Vector-Jacobian products agree with power series and with differences."""
    assert [it.program for it in first if not it.agree()] == []


def test_gradients_of_gradients_are_true(second: list[Compared]) -> None:
    """Second derivatives agree with power series and with second differences."""
    assert [it.program for it in second if not it.agree()] == []


def test_values_are_true() -> None:
    """What a program computes agrees with the same functions of NumPy and FLINT, element by element."""
    for seed in range(4 * len(OPERATORS)):
        program = small(seed)
        with precision(BITS):
            found, other = truths(program, *gradients(program))[program.root], at_rest(program)[program.root]
            assert found.shape == other.shape
            distances = [abs(a - b.series[0]) for a, b in zip(found.flat, other.flat, strict=True)]
            assert all(distance < TRUE * LARGEST for distance in distances), program


# --- the comparison can fail


def one_sided(self: Dual, other: Any) -> Any:
    """A product rule that forgets the second factor's slopes."""
    return self._chained(self.value * getattr(other, "value", other), getattr(other, "value", other))


def loose(self: Dual, function: Function, derivative: Function) -> Dual:
    """A chain rule that is wrong in the 100th bit."""
    return self._chained(function(self.value), derivative(self.value) * (1 + arb(2) ** -100))


def constant_gradients(self: enclosing.Truth, root: Value, inputs: Sequence[Value], cotangent: Value) -> list[Value]:
    """Gradients without a history."""
    return [Value(value.array) for value in RIGHT_GRADIENTS(self, root, inputs, cotangent)]


RIGHT_GRADIENTS: Final = enclosing.Truth.gradients
FAULTS: Final[dict[str, tuple[object, str, Any, Callable[[int], Compared]]]] = {
    "a product rule of one side": (Dual, "__mul__", one_sided, first_order),
    "a chain rule that is nearly right": (Dual, "through", loose, first_order),
    "a negation that keeps the slopes": (Dual, "__neg__", lambda x: Dual(-x.value, x.slopes, x.level), first_order),
    "the derivative of the sine": (functions, "cos", functions.sin, first_order),
    "the derivative of the hyperbolic tangent": (functions, "tanh", functions.atan, first_order),
    "a detached value with a derivative": (enclosing.Truth, "detach", lambda self, a: a, first_order),
    "gradients without a history": (enclosing.Truth, "gradients", constant_gradients, second_order),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_derivatives_are_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one rule broken, some of a few programs disagree; with none, none does."""
    target, name, wrong, compare = FAULTS[fault]
    seeds = range(2 * len(OPERATORS))
    assert all(compare(seed).agree() for seed in seeds)
    monkeypatch.setattr(target, name, wrong)
    assert not all(compare(seed).agree() for seed in seeds)
