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
    saves: whether its node keeps values that one backward frees (torch's rule, dialect clauses only).
    """

    name: str
    forward: Callable[..., Any]
    domain: tuple[str, ...] = ("integers",)
    shapes: str = "any"
    attributes: tuple[str, ...] = ()
    saves: bool = True
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


def _mm(a: Array, b: Array) -> Array:
    result = np.empty((a.shape[0], b.shape[1]), dtype=object)
    for i, j in np.ndindex(result.shape):
        result[i, j] = _dot(a[i, :], b[:, j])
    return result


def _index(a: Array, index: Any) -> Any:
    return a[slice(*index["slice"]) if isinstance(index, dict) else index]


_TABLE: Final = (
    Operator("add", lambda a, b: a + b, ("integers", "integers"), "elementwise", saves=False),
    Operator("sub", lambda a, b: a - b, ("integers", "integers"), "elementwise", saves=False),
    Operator("mul", lambda a, b: a * b, ("integers", "integers"), "elementwise"),
    Operator("div", lambda a, b: a / b, ("integers", "powers of two"), "elementwise"),
    Operator(
        "eq", lambda a, b: numbers.compared(a, b, operator.eq), ("integers", "integers"), "elementwise", result="bool"
    ),
    Operator(
        "gt", lambda a, b: numbers.compared(a, b, operator.gt), ("integers", "integers"), "elementwise", result="bool"
    ),
    Operator("neg", lambda a: -a, saves=False),
    Operator("pow", _pow, ("integers", "exponent"), "scalar"),
    Operator("abs", _map(numbers.absolute), ("nonzero",)),
    Operator("relu", _map(numbers.relu), ("nonzero",)),
    Operator("exp", _map(numbers.exp), ("zero",)),
    Operator("log", _map(numbers.log), ("one",)),
    Operator("sqrt", _map(numbers.sqrt), ("squares",)),
    Operator("sin", _map(numbers.sin), ("zero",)),
    Operator("tanh", _map(numbers.tanh), ("zero",)),
    Operator("sum", lambda a: _total(a.flat), saves=False),
    Operator("sum_axis", _sum_axis, ("integers",), "matrix", ("axis",), saves=False),
    Operator("mean", lambda a: _total(a.flat) / fmpq(a.size), ("integers",), "even", saves=False),
    Operator("max", _max, ("distinct",)),
    Operator("norm", lambda a: numbers.sqrt(_dot(a, a)), ("nonzero",), "lone"),
    Operator("dot", _dot, ("integers", "integers"), "vector"),
    Operator("mm", _mm, ("integers", "integers"), "matrix"),
    Operator("matmul", _mm, ("integers", "integers"), "matrix"),
    Operator("reshape", lambda a, shape: a.reshape(shape), ("integers",), "any", ("shape",), saves=False),
    Operator("transpose", lambda a: a.T, ("integers",), "matrix", saves=False),
    Operator("index", _index, ("integers",), "vector", ("index",), saves=False),
)

OPERATORS: Final[Mapping[str, Operator]] = {record.name: record for record in _TABLE}
