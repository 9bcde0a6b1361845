"""What is timed: the documents' workloads, written as clauses are and recorded once, at four elements.

A workload's leaves come first: they are made anew for each round, untimed. What follows is timed. Its expectations say what it
computes; they are judged by the harness's tests and are no part of what is timed. For a size only the leaves' shapes change.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

import numpy as np
from flint import fmpq

from conformance.adapter import Adapter
from conformance.errors import NothingSelected
from conformance.program import Instruction, Program
from conformance.tensor import Tensor, expect, grad, gradients, no_grad, recording, tensor

DTYPE: Final = "float64"  # the one that every engine has
# An engine of single numbers has a node for each of them, and micrograd walks its graph by recursion.
LARGEST_OF_SINGLE_NUMBERS: Final = 100
DOUBLINGS: Final = 10

_NUMBERS: Final = np.array([1, 2, 3, 4], dtype=object)


@dataclass(frozen=True)
class Workload:
    """One workload: its name, a sentence, what it needs beyond what its program spells, and the function that writes it."""

    name: str
    sentence: str
    needs: tuple[str, ...]
    write: Callable[[], None]

    @cached_property
    def program(self) -> Program:
        """The program at four elements, with its expectations."""
        with recording(DTYPE) as recorder:
            self.write()
            return recorder.program()

    def sized(self, size: int) -> Program:
        """The program as it is timed: without expectations, its leaves of about `size` elements."""
        kept = [it for it in self.program.instructions if it.verb != "expect"]
        return Program(DTYPE, tuple(_sized(it, size) if it.verb == "leaf" else it for it in kept))

    def unasked(self, adapter: Adapter, size: int) -> dict[str, str]:
        """Why an engine is not asked: its state and the reason, or nothing."""
        for key in self.needs:
            if key not in adapter.spellings:
                return {"state": "declined", "reason": key}
        if adapter.composed and size > LARGEST_OF_SINGLE_NUMBERS:
            reason = f"an engine of single numbers is asked up to {LARGEST_OF_SINGLE_NUMBERS}"
            return {"state": "limited", "reason": reason}
        return {}


def _sized(leaf: Instruction, size: int) -> Instruction:
    rank = len(leaf.options["value"]["shape"])
    shape = [max(1, round(size ** (1 / rank)))] * rank
    return replace(leaf, options={**leaf.options, "value": {"shape": shape}})


def elements(program: Program) -> int:
    """How many numbers a sized program's first leaf has: of a square matrix not always the size that was asked for."""
    shape: Sequence[int] = program.instructions[0].options["value"]["shape"]
    return math.prod(shape)


WORKLOADS: Final[dict[str, Workload]] = {}


def selected(globs: Sequence[str]) -> list[Workload]:
    """The workloads that match one of `globs`, all of them when there is none; raises NothingSelected."""
    found = [one for name, one in WORKLOADS.items() if not globs or any(fnmatchcase(name, glob) for glob in globs)]
    if not found:
        raise NothingSelected(f"no workload matches {' or '.join(globs)}; there are {', '.join(WORKLOADS)}")
    return found


def _workload(*needs: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def registered(write: Callable[[], None]) -> Callable[[], None]:
        name = write.__name__
        WORKLOADS[name] = Workload(name, inspect.getdoc(write) or "", needs, write)
        return write

    return registered


def _vector() -> Tensor:
    return tensor(_NUMBERS, requires_grad=True)


def _doubled(x: Tensor, times: int) -> Tensor:
    for _ in range(times):
        x = x * 2
    return x


@_workload()
def dot() -> None:
    """The gradient of 2·x.dot(x)."""
    x = _vector()
    (g,) = gradients(2 * x.binary("dot", x), [x])
    expect(g, 4 * _NUMBERS)


@_workload()
def mean() -> None:
    """The mean of 3(x + 2)², and its gradient."""
    x = _vector()
    y = x + 2
    (g,) = gradients((y * y * 3).unary("mean"), [x])
    expect(g, _rationals(6 * (_NUMBERS + 2), 4))


@_workload()
def mm_sum() -> None:
    """The gradients of sum(a.mm(b)), of square matrices with about as many elements as the size says."""
    square = _NUMBERS.reshape(2, 2)
    a, b = tensor(square, requires_grad=True), tensor(square, requires_grad=True)
    for_a, for_b = gradients(a.binary("mm", b).sum(), [a, b])
    ones = np.ones((2, 2), dtype=int).astype(object)
    expect(for_a, ones @ square.T)
    expect(for_b, square.T @ ones)


@_workload()
def control_flow() -> None:
    """The gradient of the documents' loop along one path: ten doublings, the branch 100·b, a sum."""
    x = _vector()
    (g,) = gradients((100 * _doubled(x, DOUBLINGS)).sum(), [x])
    expect(g, 0 * _NUMBERS + 100 * 2**DOUBLINGS)


@_workload()
def doubling_vjp() -> None:
    """Ten doublings of a vector, pulled back along a cotangent."""
    x, v = _vector(), tensor(_NUMBERS)
    (g,) = gradients(_doubled(x, DOUBLINGS), [x], v)
    expect(g, 2**DOUBLINGS * _NUMBERS)


@_workload()
def accumulate_and_clear() -> None:
    """Two backwards of 2·x.dot(x) that accumulate, and a clear."""
    x = _vector()
    for _ in range(2):
        (2 * x.binary("dot", x)).backward()
    expect(x.grad, 8 * _NUMBERS)
    x.grad.zero_()
    expect(x.grad.bound(), 0 * _NUMBERS)


# A pair: an engine whose recording cannot be switched off has no such comparison to offer.
@_workload("no_grad")
def forward_recorded() -> None:
    """The value of mean(3(x + 2)²), recorded."""
    y = _vector() + 2
    expect((y * y * 3).unary("mean"), _rationals(sum(3 * (_NUMBERS + 2) ** 2), 4))


@_workload("no_grad")
def forward_no_grad() -> None:
    """The value of mean(3(x + 2)²) under no_grad."""
    x = _vector()
    with no_grad():
        y = x + 2
        value = (y * y * 3).unary("mean")
    expect(value, _rationals(sum(3 * (_NUMBERS + 2) ** 2), 4))


@_workload()
def first_derivative() -> None:
    """The gradient of sum(x·x·x)."""
    x = _vector()
    (g,) = gradients((x * x * x).sum(), [x])
    expect(g, 3 * _NUMBERS**2)


@_workload()
def second_derivative() -> None:
    """The gradient of sum(x·x·x), recorded, and the gradient of its sum."""
    x = _vector()
    (g,) = grad((x * x * x).sum(), [x], create_graph=True)
    (h,) = grad(g.sum(), [x])
    expect(h, 6 * _NUMBERS)


def _rationals(numerators: Any, denominator: int) -> Any:
    return numerators * fmpq(1, denominator)
