"""Exact numbers: rationals, and dual numbers over them.

A `Dual` carries a value and its slopes by the elements of the inputs. Functions that leave the rationals raise `Inexact`, so that
whatever the model says is true to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, Union

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

# Object arrays of numbers; NumPy's stubs know nothing of their elements.
Array = NDArray[Any]
Number = Union[fmpq, arb, "Dual"]
Slopes = dict[int, Any]  # a number for each position
Function = Callable[[Any], Any]

_levels = count(1)

# Bits of the significand, least and greatest exponent of a normal number (IEEE 754 binary32, binary64).
_BITS: Final = {"float32": (24, -126, 127), "float64": (53, -1022, 1023)}


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Balls are computed with so many bits; the only place where FLINT's setting, which is global, is changed."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


class Inexact(Exception):
    """The exact tier cannot hold this: a function's value is irrational, or a number does not fit the dtype."""


class Dual:
    """value + sum of slopes[i] * epsilon_i, first order; a higher level is a later differentiation, nested outside.

    A slope that is not there is 0: most numbers depend on few of the inputs' elements.
    """

    __slots__ = ("level", "slopes", "value")

    def __init__(self, value: Number, slopes: Slopes, level: int) -> None:
        self.value = value
        self.slopes = slopes
        self.level = level

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Dual) or other.level < self.level:  # constant at this level
            return Dual(self.value + other, self.slopes, self.level)
        if other.level > self.level:
            return other + self
        return Dual(self.value + other.value, _summed(self.slopes, other.slopes), self.level)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Dual) or other.level < self.level:
            return self._chained(self.value * other, other)
        if other.level > self.level:
            return other * self
        a, b = self.value, other.value
        slopes = _summed({i: p * b for i, p in self.slopes.items()}, {i: a * q for i, q in other.slopes.items()})
        return Dual(a * b, slopes, self.level)

    def __neg__(self) -> Dual:
        return Dual(-self.value, {i: -slope for i, slope in self.slopes.items()}, self.level)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, Dual) or other.level < self.level:
            slopes = {i: divided(slope, other) for i, slope in self.slopes.items()}
            return Dual(divided(self.value, other), slopes, self.level)
        if other.level > self.level:
            return other.__rtruediv__(self)
        value = divided(self.value, other.value)
        numerators = _summed(self.slopes, {i: -(value * q) for i, q in other.slopes.items()})
        return Dual(value, {i: divided(slope, other.value) for i, slope in numerators.items()}, self.level)

    def __rtruediv__(self, other: Any) -> Any:
        value = divided(other, self.value)
        return Dual(value, {i: divided(-value * slope, self.value) for i, slope in self.slopes.items()}, self.level)

    __radd__ = __add__
    __rmul__ = __mul__

    def through(self, function: Function, derivative: Function) -> Dual:
        """A function of this number, by the chain rule."""
        return self._chained(function(self.value), derivative(self.value))

    def _chained(self, value: Number, derivative: Number) -> Dual:
        return Dual(value, {i: slope * derivative for i, slope in self.slopes.items()}, self.level)


def _summed(a: Slopes, b: Slopes) -> Slopes:
    return {**a, **{i: a[i] + slope if i in a else slope for i, slope in b.items()}}


def aligned(number: Any, level: int) -> Dual:
    """A number as a Dual of `level`, constant when it is none."""
    return number if isinstance(number, Dual) and number.level == level else Dual(number, {}, level)


def divided(a: Any, b: Any) -> Any:
    """The quotient, which stays exact among balls where it can; raises Inexact at the rational 0."""
    if isinstance(b, fmpq) and b == 0:
        raise Inexact("division by zero")
    return a / b


def reciprocal(x: Any) -> Any:
    """1 / x; raises Inexact at the rational 0."""
    if hasattr(x, "through"):
        return x.through(reciprocal, lambda y: -reciprocal(y) * reciprocal(y))
    if isinstance(x, arb):
        return 1 / x
    if x == 0:
        raise Inexact("division by zero")
    return 1 / fmpq(x)


def seeds(arrays: Iterable[Array]) -> tuple[list[Array], int]:
    """Each element as a Dual with slope 1 by itself; all share a new level, which is returned too."""
    arrays, level, positions = list(arrays), next(_levels), count()
    one = fmpq(1) if any(isinstance(plain(x), fmpq) for array in arrays for x in array.flat) else arb(1)
    return [mapped(lambda x: Dual(x, {next(positions): one}, level), array) for array in arrays], level


def plain(number: Any) -> Any:
    """A number's value without its derivatives: a rational or a ball."""
    while not isinstance(number, (fmpq, arb)):
        number = number.value
    return number


# --- arrays


def mapped(function: Function, array: Array) -> Array:
    """An array of what a function makes of each number, in row-major order."""
    return np.fromiter(map(function, array.flat), object, array.size).reshape(array.shape)


def exact_array(values: Any) -> Array:
    """An object array of rationals from nested lists or arrays of integers and rationals; raises TypeError for floats."""
    given = np.asarray(values, dtype=object)
    result = np.empty(given.shape, dtype=object)
    for index in np.ndindex(given.shape):
        element: Any = given[index]
        result[index] = (
            element if isinstance(element, (fmpq, Dual)) else fmpq(int(element) if _whole(element) else element)
        )
    return result


def _whole(element: Any) -> bool:
    return isinstance(element, (bool, int, np.integer, np.bool_))


def fits(array: Array, dtype: str) -> None:
    """Raises Inexact unless every rational of `array` is a normal number (or zero) of `dtype`."""
    bits, least, greatest = _BITS[dtype]
    for number in array.flat:
        p, q = abs(int(number.p)), int(number.q)
        significant = (p >> ((p & -p).bit_length() - 1)).bit_length() if p else 0
        exponent = p.bit_length() - q.bit_length() if p else 0
        if q & (q - 1) or significant > bits or not least <= exponent <= greatest:
            raise Inexact(f"{number} is not a {dtype}")


def rational(text: str) -> fmpq:
    """The number that `str` of a rational wrote."""
    return fmpq(*map(int, text.split("/")))


def to_json(array: Array) -> dict[str, Any]:
    """An array as its shape and its values in row-major order, as exact text."""
    return {"shape": list(array.shape), "values": [str(number) for number in array.flat]}


def from_json(data: dict[str, Any]) -> Array:
    """The array that `to_json` wrote."""
    texts = data["values"]
    return np.fromiter(map(rational, texts), object, len(texts)).reshape(data["shape"])
