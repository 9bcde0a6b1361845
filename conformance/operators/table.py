"""The table of operators."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
from flint import fmpq

from conformance.model import numbers
from conformance.model.numbers import Array


@dataclass(frozen=True)
class Operator:
    """One operator.

    forward: object arrays (and attributes) to an object array, shapes as NumPy's.
    domain: which exact numbers its operands may be drawn from, one name an operand (see `strategies.DOMAINS`).
    shapes: how operand shapes hang together: elementwise (broadcast), vector, matrix, any.
    result: the result's dtype when it is not the operands': then nothing flows back.
    saves: for each operand the values that its derivative needs, "a" and "b" the operands, "y" the result (torch's rule).
    rank: what each operand must have, where others are refused.
    views: whether the result looks at the operand's memory where an engine has views at all.
    """

    name: str
    forward: Callable[..., Any]
    domain: tuple[str, ...] = ("integers",)
    shapes: str = "any"
    attributes: tuple[str, ...] = ()
    saves: tuple[str, ...] = ("",)
    rank: int | None = None
    views: bool = False
    result: str | None = None


def _map(function: Callable[[Any], Any]) -> Callable[[Array], Any]:
    def forward(a: Array) -> Array:
        result = np.empty(a.shape, dtype=object)
        for index in np.ndindex(a.shape):
            result[index] = function(a[index])
        return result

    return forward


def _pow(a: Array, b: Array) -> Any:
    exponent = numbers.plain(b.item())
    return _map(lambda x: numbers.power(x, exponent))(a)


def _total(parts: Any) -> Any:
    return reduce(lambda p, q: p + q, parts, fmpq(0))


def _sum_axis(a: Array, axis: int) -> Any:
    rows = np.moveaxis(a, axis, 0)
    return reduce(lambda p, q: p + q, list(rows))


def _max(a: Array) -> Any:
    """The greatest element; several equal ones share the derivative equally."""
    greatest = max(numbers.plain(x) for x in a.flat)
    ties = [x for x in a.flat if numbers.plain(x) == greatest]
    return _total(ties) / fmpq(len(ties))


def _dot(a: Array, b: Array) -> Any:
    return _total(p * q for p, q in zip(a.flat, b.flat, strict=True))


def _norm(a: Array) -> Any:
    """The 2-norm; at its kink, 0, it has the derivative 0, as the sum of squares there has."""
    squares = _dot(a, a)
    return numbers.sqrt(squares) if numbers.plain(squares) else squares


def _mm(a: Array, b: Array) -> Array:
    result = np.empty((a.shape[0], b.shape[1]), dtype=object)
    for i, j in np.ndindex(result.shape):
        result[i, j] = _dot(a[i, :], b[:, j])
    return result


def _index(a: Array, index: Any) -> Any:
    return a[slice(*index["slice"]) if isinstance(index, dict) else index]


_TABLE: Final = (
    Operator("add", lambda a, b: a + b, ("integers", "integers"), "elementwise", saves=("", "")),
    Operator("sub", lambda a, b: a - b, ("integers", "integers"), "elementwise", saves=("", "")),
    Operator("mul", lambda a, b: a * b, ("integers", "integers"), "elementwise", saves=("b", "a")),
    Operator("div", lambda a, b: a / b, ("integers", "powers of two"), "elementwise", saves=("b", "ab")),
    Operator(
        "eq", lambda a, b: numbers.compared(a, b, operator.eq), ("integers", "integers"), "elementwise", result="bool"
    ),
    Operator(
        "gt", lambda a, b: numbers.compared(a, b, operator.gt), ("integers", "integers"), "elementwise", result="bool"
    ),
    Operator("neg", lambda a: -a),
    Operator("pow", _pow, ("integers", "exponent"), "scalar", saves=("a", "")),
    Operator("abs", _map(numbers.absolute), ("nonzero",), saves=("a",)),
    Operator("relu", _map(numbers.relu), ("nonzero",), saves=("y",)),
    Operator("exp", _map(numbers.exp), ("zero",), saves=("y",)),
    Operator("log", _map(numbers.log), ("one",), saves=("a",)),
    Operator("sqrt", _map(numbers.sqrt), ("squares",), saves=("y",)),
    Operator("sin", _map(numbers.sin), ("zero",), saves=("a",)),
    Operator("tanh", _map(numbers.tanh), ("zero",), saves=("y",)),
    Operator("sum", lambda a: _total(a.flat)),
    Operator("sum_axis", _sum_axis, ("integers",), "matrix", ("axis",)),
    Operator("mean", lambda a: _total(a.flat) / fmpq(a.size), ("integers",), "even"),
    Operator("max", _max, ("distinct",), saves=("ay",)),
    Operator("norm", _norm, ("nonzero",), "lone", saves=("ay",)),
    Operator("dot", _dot, ("integers", "integers"), "vector", saves=("b", "a"), rank=1),
    Operator("mm", _mm, ("integers", "integers"), "matrix", saves=("b", "a"), rank=2),
    Operator("matmul", _mm, ("integers", "integers"), "matrix", saves=("b", "a")),
    Operator("reshape", lambda a, shape: a.reshape(shape), ("integers",), "any", ("shape",), views=True),
    Operator("transpose", lambda a: a.T, ("integers",), "matrix", views=True),
    Operator("index", _index, ("integers",), "vector", ("index",), views=True),
)

OPERATORS: Final[Mapping[str, Operator]] = {record.name: record for record in _TABLE}
