"""Forward rules: what each operator computes, on object arrays of numbers of any kind.

Structure (which elements meet) is NumPy's; arithmetic is the numbers' own. No rule knows of derivatives: they come from running a
rule on numbers that carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from operator import mul
from typing import Any

import numpy as np
from flint import arb, fmpq

from conformance.model import functions
from conformance.model.numbers import Array, Function, mapped, plain


def array_of(value: Any) -> Array:
    """An object array; NumPy collapses 0-d results of object arrays to numbers."""
    if isinstance(value, np.ndarray):
        return value
    result = np.empty((), dtype=object)
    result[()] = value
    return result


# --- element by element


def each(function: Function) -> Callable[[Array], Array]:
    """A function of one number, for every element."""
    return lambda a: mapped(function, a)


def pairs(function: Callable[[Any, Any], Any]) -> Callable[[Array, Array], Any]:
    """A function of two numbers, for every pair of broadcast elements."""
    return lambda a, b: np.frompyfunc(function, 2, 1)(a, b)


def clamp(a: Array, low: int, high: int) -> Array:
    """Each element, or the bound that it passes."""
    return each(lambda x: functions.least([functions.greatest([x, fmpq(low)]), fmpq(high)]))(a)


def power(a: Array, b: Array) -> Array:
    """Each element to a constant."""
    given = plain(b.item())
    exponent = given.fmpq() if isinstance(given, arb) else given
    return each(lambda x: functions.power(x, exponent))(a)


def where(condition: Array, a: Array, b: Array) -> Any:
    """Elements of `a` where the condition is not 0, of `b` elsewhere."""
    return np.frompyfunc(lambda c, p, q: p if functions.sign(c) else q, 3, 1)(condition, a, b)


# --- reductions of a sequence of numbers

Reduction = Callable[[Sequence[Any]], Any]


def mean(numbers: Sequence[Any]) -> Any:
    """The sum over the count."""
    return functions.total(numbers) / fmpq(len(numbers))


def variance(numbers: Sequence[Any]) -> Any:
    """The mean squared distance from the mean; engines update mean and sum of squares in one pass, or take two."""
    middle = mean(numbers)
    distances = [functions.blurred(x - middle, x) for x in numbers]
    return mean([distance * distance for distance in distances])


def norm(numbers: Sequence[Any]) -> Any:
    """The 2-norm; among rationals it has the derivative 0 at its kink, 0, as the sum of squares there has."""
    squares = functions.total(x * x for x in numbers)
    at_kink = isinstance(plain(squares), fmpq) and not plain(squares)
    return squares if at_kink else functions.sqrt(squares)


def _lists(rows: Array) -> list[list[Any]]:
    """The last axes of an array, one after the other."""
    found: list[list[Any]] = rows.reshape(prod(rows.shape[:-1]), rows.shape[-1]).tolist()
    return found


def _filled(numbers: Iterable[Any], shape: Sequence[int]) -> Array:
    """An array of numbers in row-major order."""
    return np.fromiter(numbers, object, prod(shape)).reshape(shape)


def over_all(reduction: Reduction) -> Callable[[Array], Any]:
    """A reduction of all elements."""
    return lambda a: reduction(list(a.flat))


def along(reduction: Reduction) -> Callable[..., Array]:
    """A reduction along one axis, which vanishes or is kept with extent 1."""

    def forward(a: Array, axis: int, keepdim: bool = False) -> Array:
        rows = np.moveaxis(a, axis, -1)
        result = _filled(map(reduction, _lists(rows)), rows.shape[:-1])
        return np.expand_dims(result, axis) if keepdim else result

    return forward


def running_sum(a: Array, axis: int) -> Array:
    """The sums of the first 1, 2, 3 … elements along an axis."""
    rows = np.moveaxis(a, axis, -1)
    sums = (functions.total(row[: i + 1]) for row in _lists(rows) for i in range(len(row)))
    return np.moveaxis(_filled(sums, rows.shape), -1, axis)


# --- products


def dot(a: Array, b: Array) -> Any:
    """The sum of products."""
    return functions.total(p * q for p, q in zip(a.flat, b.flat, strict=True))


def outer(a: Array, b: Array) -> Any:
    """Every product of an element of `a` and one of `b`."""
    return a[:, None] * b[None, :]


def matmul(a: Array, b: Array) -> Array:
    """Matrix products over the last two axes, the others broadcast; a vector is a row on the left, a column on the right."""
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"a product of shapes {a.shape} and {b.shape}")
    rows, columns = np.broadcast_arrays(left[..., :, None, :], right.swapaxes(-1, -2)[..., None, :, :])
    dots = (functions.total(map(mul, row, column)) for row, column in zip(_lists(rows), _lists(columns), strict=True))
    result = _filled(dots, rows.shape[:-1])
    result = result[..., 0] if b.ndim == 1 else result
    return array_of(result[..., 0, :] if a.ndim == 1 and b.ndim > 1 else result[..., 0] if a.ndim == 1 else result)


# --- structure


def index(a: Array, index: Any) -> Any:
    """`a[index]` by an integer, a list of integers, or a slice of the first axis."""
    return a[slice(*index["slice"]) if isinstance(index, dict) else index]


def gather(a: Array, axis: int, index: Any) -> Any:
    """For each place the element at a chosen position along one axis."""
    return np.take_along_axis(a, np.asarray(index), axis)


def pad(a: Array, widths: Sequence[int]) -> Array:
    """Zeros before and after along the last axis."""
    before, after = (np.full((*a.shape[:-1], width), fmpq(0), dtype=object) for width in widths)
    return np.concatenate([before, a, after], -1)
