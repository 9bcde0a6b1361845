"""Derivatives by forward mode: the recorded graph is run again on dual numbers.

A node remembers what it was computed from. `evaluate` runs a graph with some tensors replaced ("cut"); `pull` seeds tensors with
dual numbers and reads the slopes of sum(cotangent * output), which is the vector-Jacobian product. A gradient that is itself
to be differentiated is a `GradientNode`: evaluating it runs `pull` on the numbers it is given, dual ones included.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any, Final

from flint import fmpq

from conformance.model.numbers import Array, Dual, aligned, mapped, plain, seeds
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
_WRITES: Final = (
    Operator("piece", lambda a, cells: a.reshape(-1)[cells]),
    Operator("patch", _patched),
    Operator("zero", lambda a: a * fmpq(0)),
    Operator("clone", lambda a: a.copy()),
)
_RECORDS: Final = {**OPERATORS, **{record.name: record for record in _WRITES}}


@dataclass(eq=False)
class Node:
    """How a tensor was computed: an operator, its operands and attributes.

    kept: the memory of each number that its derivative needs, with its version when the node was made.
    """

    operator: str
    operands: tuple[Value, ...]
    attributes: Mapping[str, Any]
    required: tuple[bool, ...] = ()  # which operands required grad, where a derivative needs to know
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

    @property
    def references(self) -> tuple[Value, ...]:
        """The tensors that a sweep goes on to."""
        return self.operands

    def saved(self, position: int, result: Value) -> list[tuple[Value, bool]]:
        """What the derivative by one operand needs, each with whether it requires grad."""
        known = dict(zip("abc", zip(self.operands, self.required, strict=False), strict=False))
        letters = _RECORDS[self.operator].saves[min(position, len(_RECORDS[self.operator].saves) - 1)]
        return [(result, True) if letter == "y" else known[letter] for letter in letters]

    def now(self) -> Array:
        """The node's value for the operands as they are."""
        return self.run({operand: operand.array for operand in self.operands}, {})

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The node's value where the tensors of `cut` are replaced."""
        arrays = [evaluate(operand, cut, memo) for operand in self.operands]
        return array_of(_RECORDS[self.operator].forward(*arrays, **self.attributes))


@dataclass(eq=False)
class Sweep:
    """A backward that was recorded: the memory, with its version, of what its gradients may have saved."""

    saved: tuple[tuple[Any, int], ...]
    freed: bool = False

    @property
    def spent(self) -> bool:
        """Whether something that it saved may be gone: freed by a later sweep, or overwritten."""
        return self.freed or any(memory.version != version for memory, version in self.saved)


@dataclass(eq=False)
class GradientNode:
    """The gradient of sum(cotangent * output) by `by`, with `held` constant, to be differentiated again.

    references: the cotangents, and what the derivatives between saved, as far as they require grad.
    """

    outputs: tuple[tuple[Value, Value], ...]
    by: Value
    held: tuple[Value, ...] = ()
    freed: bool = False
    saves: bool = True
    kept: tuple[tuple[Any, int], ...] = ()
    references: tuple[Value, ...] = ()
    sweep: Sweep | None = None

    @property
    def needs(self) -> tuple[Value, ...]:
        """The tensors whose numbers `run` asks for; the outputs are run again, on dual numbers."""
        return (*(cotangent for _, cotangent in self.outputs), *self.held, self.by)

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The gradient where the tensors of `cut` are replaced, by dual numbers inside dual numbers."""
        weighted = [(output, evaluate(cotangent, cut, memo)) for output, cotangent in self.outputs]
        fixed = {value: evaluate(value, cut, memo) for value in (*self.held, self.by)}
        ends = {value: array for value, array in cut.items() if value.node is None}
        return pull(weighted, [self.by], {**ends, **fixed}, cut)[0]


@dataclass(eq=False)
class Value:
    """An array of exact numbers and how it came about; `node` is None for what the graph ends at.

    serial: after those of the operands. shift: what was added to the numbers behind the graph's back.
    """

    array: Array
    node: Node | GradientNode | None = None
    serial: int | Fraction = field(default_factory=_serials.__next__)
    shift: Array | None = None

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The array through its own node, where the tensors of `cut` are replaced."""
        if self.node is None:
            return self.array
        array = self.node.run(cut, memo)
        return array if self.shift is None else array_of(array + self.shift)


Placed = Callable[[Value, Array], Array]


def evaluate(value: Value, cut: Mapping[Value, Array], memo: dict[Value, Array], placed: Placed | None = None) -> Array:
    """The array of `value` where the tensors of `cut` are replaced; without recursion, since a graph may be deep.

    placed: what becomes of each array that was computed.
    """
    waiting = [] if _known(value, cut, memo) else [value]
    while waiting:
        top = waiting[-1]
        missing = [it for it in _needs(top) if not _known(it, cut, memo)]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if top not in memo:
            array = top.run(cut, memo)
            memo[top] = placed(top, array) if placed else array
    return cut[value] if value in cut else memo.get(value, value.array)


def _known(value: Value, cut: Mapping[Value, Array], memo: Mapping[Value, Array]) -> bool:
    return value.node is None or value in memo or value in cut


def _needs(value: Value) -> tuple[Value, ...]:
    return value.node.needs if value.node else ()


def pull(
    outputs: Sequence[tuple[Value, Array]],
    inputs: Sequence[Value],
    held: Mapping[Value, Array] | None = None,
    moved: Mapping[Value, Array] | None = None,
) -> list[Array]:
    """For each input, the sum over outputs of cotangent * d output / d input, in the input's shape.

    Outputs are evaluated through their own node even when they are held; everything in `held` counts as constant, and
    inputs are taken at the numbers held for them. What is `moved` has other numbers, but the slopes of its own node.
    """
    duals, level = push([output for output, _ in outputs], inputs, held, moved)
    return weighed(duals, [cotangent for _, cotangent in outputs], inputs, level)


def push(
    outputs: Sequence[Value],
    inputs: Sequence[Value],
    held: Mapping[Value, Array] | None = None,
    moved: Mapping[Value, Array] | None = None,
) -> tuple[list[Array], int]:
    """The outputs on dual numbers, whose slopes at the level that is returned are those by the elements of the inputs."""
    held, moved = held or {}, moved or {}
    seeded, level = seeds([held.get(value, value.array) for value in inputs])
    cut = {**held, **dict(zip(inputs, seeded, strict=True))}
    memo: dict[Value, Array] = {}

    def placed(value: Value, array: Array) -> Array:
        return _sloped(moved[value], array, level) if value in moved else array

    return [cut[it] if it in inputs else _expanded(it, cut, memo, placed if moved else None) for it in outputs], level


def _sloped(numbers: Array, like: Array, level: int) -> Array:
    """These numbers with the slopes of others."""
    slopes = (aligned(number, level).slopes for number in like.flat)
    return mapped(lambda number: Dual(number, next(slopes), level), numbers)


def _expanded(value: Value, cut: Mapping[Value, Array], memo: dict[Value, Array], placed: Placed | None) -> Array:
    """An output through its own node, though it may be held itself."""
    if value.node is None:
        return cut.get(value, value.array)
    for operand in value.node.needs:
        evaluate(operand, cut, memo, placed)
    return value.run(cut, memo)


def weighed(outputs: Sequence[Array], weights: Sequence[Array], inputs: Sequence[Value], level: int) -> list[Array]:
    """For each input, the sum over outputs of weight * slope by its elements, in its shape."""
    totals: dict[int, Any] = {}
    for output, weight in zip(outputs, weights, strict=True):
        for number, factor in zip(output.flat, weight.flat, strict=True):
            for i, slope in aligned(number, level).slopes.items():
                totals[i] = totals[i] + slope * factor if i in totals else slope * factor
    positions = count()
    return [mapped(lambda _: totals.get(next(positions), fmpq(0)), value.array) for value in inputs]


def saved_between(
    outputs: Sequence[tuple[Value, Value]], by: Value, stops: Container[Value], required: Container[Value]
) -> tuple[tuple[Value, ...], bool]:
    """What a recorded gradient by `by` refers to, and whether its own derivative saves something.

    outputs: with their cotangents; those in `required` require grad. Nothing is passed through `stops`.
    """
    inside, waiting = {output: None for output, _ in outputs}, [output for output, _ in outputs]
    while waiting:
        node = waiting.pop().node
        for operand in node.references if node else ():
            if operand not in inside and operand not in stops and operand is not by:
                inside[operand] = None
                waiting.append(operand)
    leading, saves = {by}, False
    references: dict[Value, None] = {}
    for value in sorted(inside, key=lambda each: each.serial):
        node = value.node
        positions = [i for i, operand in enumerate(node.references) if operand in leading] if node else []
        if positions and value not in stops:
            leading.add(value)
        if isinstance(node, Node):
            saves = saves or (bool(positions) and node.saves)
            references.update({it: None for i in positions for it, flag in node.saved(i, value) if flag})
        elif positions and node:
            saves = True
            references.update(dict.fromkeys(node.references))
        if positions:
            references.update(
                {cotangent: None for output, cotangent in outputs if output is value and cotangent in required}
            )
    return tuple(references), saves


def flattened(array: Array) -> Array:
    """An array's exact values without slopes."""
    return mapped(plain, array)
