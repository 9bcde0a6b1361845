"""Derivatives by forward mode: the recorded graph is run again on dual numbers.

A node remembers what it was computed from. `evaluate` runs a graph with some tensors replaced ("cut"); `pull` seeds tensors with
dual numbers and reads the slopes of sum(cotangent * output), which is the vector-Jacobian product. A gradient that is itself
to be differentiated is a `GradientNode`: evaluating it runs `pull` on the numbers it is given, dual ones included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any, Final

import numpy as np
from flint import fmpq

from conformance.model.numbers import Array, plain, seeds, slopes_of
from conformance.operators.rules import array_of
from conformance.operators.table import OPERATORS, Operator

_serials = count()


def _patched(before: Array, written: Array, cells: Array) -> Array:
    result = before.copy()
    result.reshape(-1)[cells.ravel()] = (
        written.ravel()
    )  # raveled: an element that is assigned a 0-d array would hold the array
    return result


# What writes in place make of the graph: a view is a piece of its base, and a base that was written through a view is patched.
# `cells` are positions in the flattened base.
_WRITES: Final = (Operator("piece", lambda a, cells: a.reshape(-1)[cells]), Operator("patch", _patched))
_RECORDS: Final = {**OPERATORS, **{record.name: record for record in _WRITES}}


@dataclass(eq=False)
class Node:
    """How a tensor was computed: an operator, its operands and attributes.

    kept: the memory of each number that its derivative needs, with its version when the node was made.
    """

    operator: str
    operands: tuple[Value, ...]
    attributes: Mapping[str, Any]
    freed: bool = False
    kept: tuple[tuple[Any, int], ...] = ()

    @property
    def saves(self) -> bool:
        """Whether one backward frees something here."""
        return any(_RECORDS[self.operator].saves) or isinstance(self.attributes.get("index"), list)

    @property
    def needs(self) -> tuple[Value, ...]:
        """The tensors whose numbers `run` asks for."""
        return self.operands

    def now(self) -> Array:
        """The node's value for the operands as they are."""
        return self.run({operand: operand.array for operand in self.operands}, {})

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The node's value where the tensors of `cut` are replaced."""
        arrays = [evaluate(operand, cut, memo) for operand in self.operands]
        return array_of(_RECORDS[self.operator].forward(*arrays, **self.attributes))


@dataclass(eq=False)
class GradientNode:
    """The gradient of sum(cotangent * output) by `by`, with `held` constant, to be differentiated again."""

    outputs: tuple[tuple[Value, Value], ...]
    by: Value
    held: tuple[Value, ...] = ()
    freed: bool = False
    saves: bool = True
    kept: tuple[tuple[Any, int], ...] = ()

    @property
    def operands(self) -> tuple[Value, ...]:
        """The tensors on which the gradient depends."""
        return tuple(value for pair in self.outputs for value in pair)

    @property
    def needs(self) -> tuple[Value, ...]:
        """The tensors whose numbers `run` asks for; the outputs are run again, on dual numbers."""
        return (*(cotangent for _, cotangent in self.outputs), *self.held, self.by)

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The gradient where the tensors of `cut` are replaced, by dual numbers inside dual numbers."""
        weighted = [(output, evaluate(cotangent, cut, memo)) for output, cotangent in self.outputs]
        fixed = {value: evaluate(value, cut, memo) for value in (*self.held, self.by)}
        return pull(weighted, [self.by], {**cut, **fixed})[0]


@dataclass(eq=False)
class Value:
    """An array of exact numbers and how it came about; `node` is None for what the graph ends at.

    serial: after those of the operands. shift: what was added to the numbers behind the graph's back.
    """

    array: Array
    node: Node | GradientNode | None = None
    serial: int | Fraction = field(default_factory=lambda: next(_serials))
    shift: Array | None = None

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The array through its own node, where the tensors of `cut` are replaced."""
        if self.node is None:
            return self.array
        array = self.node.run(cut, memo)
        return array if self.shift is None else array_of(array + self.shift)


def evaluate(value: Value, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
    """The array of `value` where the tensors of `cut` are replaced; without recursion, since a graph may be deep."""
    waiting = [value]
    while waiting:
        top = waiting[-1]
        missing = [] if _known(top, cut, memo) else [it for it in _needs(top) if not _known(it, cut, memo)]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if not _known(top, cut, memo):
            memo[top] = top.run(cut, memo)
    return cut[value] if value in cut else memo.get(value, value.array)


def _known(value: Value, cut: Mapping[Value, Array], memo: Mapping[Value, Array]) -> bool:
    return value in cut or value.node is None or value in memo


def _needs(value: Value) -> tuple[Value, ...]:
    return value.node.needs if value.node else ()


def pull(
    outputs: Sequence[tuple[Value, Array]], inputs: Sequence[Value], held: Mapping[Value, Array] | None = None
) -> list[Array]:
    """For each input, the sum over outputs of cotangent * d output / d input, in the input's shape.

    Outputs are evaluated through their own node even when they are held; everything in `held` counts as constant, and
    inputs are taken at the numbers held for them.
    """
    held = held or {}
    points = [held.get(value, value.array) for value in inputs]
    seeded, level = seeds(points)
    cut = {**held, **dict(zip(inputs, seeded, strict=True))}
    memo: dict[Value, Array] = {}
    pairs = []
    for value, cotangent in outputs:
        output = cut[value] if value in inputs else _expanded(value, cut, memo)
        pairs.append((output, cotangent))
    return _read(pairs, points, level)


def _expanded(value: Value, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
    """An output through its own node, though it may be held itself."""
    if value.node is None:
        return cut.get(value, value.array)
    for operand in value.node.needs:
        evaluate(operand, cut, memo)
    return value.run(cut, memo)


def _read(pairs: Sequence[tuple[Array, Array]], shapes: Sequence[Array], level: int) -> list[Array]:
    width = sum(array.size for array in shapes)
    totals: list[Any] = [fmpq(0)] * width
    for output, weights in pairs:
        for index in np.ndindex(output.shape):
            for i, slope in enumerate(slopes_of(output[index], level, width)):
                totals[i] = totals[i] + slope * weights[index]
    arrays, position = [], 0
    for shape in shapes:
        result = np.empty(shape.shape, dtype=object)
        result.flat[:] = totals[position : position + shape.size]
        arrays.append(result)
        position += shape.size
    return arrays


def flattened(array: Array) -> Array:
    """An array's exact values without slopes."""
    result = np.empty(array.shape, dtype=object)
    result.flat[:] = [plain(number) for number in array.flat]
    return result
