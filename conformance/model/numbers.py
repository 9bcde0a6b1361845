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
    """value + sum of slopes[i] * epsilon_i, first order; a higher level is a later differentiation, nested outside."""

    __slots__ = ("level", "slopes", "value")

    def __init__(self, value: Number, slopes: tuple[Number, ...], level: int) -> None:
        self.value = value
        self.slopes = slopes
        self.level = level

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Dual) or other.level < self.level:  # constant at this level
            return Dual(self.value + other, self.slopes, self.level)
        if other.level > self.level:
            return other + self
        slopes = tuple(p + q for p, q in zip(self.slopes, other.slopes, strict=True))
        return Dual(self.value + other.value, slopes, self.level)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Dual) or other.level < self.level:
            return self._chained(self.value * other, other)
        if other.level > self.level:
            return other * self
        a, b = self.value, other.value
        slopes = tuple(p * b + a * q for p, q in zip(self.slopes, other.slopes, strict=True))
        return Dual(a * b, slopes, self.level)

    def __neg__(self) -> Dual:
        return Dual(-self.value, tuple(-slope for slope in self.slopes), self.level)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, Dual) or other.level < self.level:
            slopes = tuple(divided(slope, other) for slope in self.slopes)
            return Dual(divided(self.value, other), slopes, self.level)
        if other.level > self.level:
            return other.__rtruediv__(self)
        value = divided(self.value, other.value)
        slopes = tuple(divided(p - value * q, other.value) for p, q in zip(self.slopes, other.slopes, strict=True))
        return Dual(value, slopes, self.level)

    def __rtruediv__(self, other: Any) -> Any:
        value = divided(other, self.value)
        return Dual(value, tuple(divided(-value * slope, self.value) for slope in self.slopes), self.level)

    __radd__ = __add__
    __rmul__ = __mul__

    def through(self, function: Function, derivative: Function) -> Dual:
        """A function of this number, by the chain rule."""
        return self._chained(function(self.value), derivative(self.value))

    def _chained(self, value: Number, derivative: Number) -> Dual:
        return Dual(value, tuple(slope * derivative for slope in self.slopes), self.level)


def aligned(number: Any, level: int, width: int) -> Dual:
    """A number as a Dual of `level`, constant when it is none."""
    if isinstance(number, Dual) and number.level == level:
        return number
    return Dual(number, (fmpq(0),) * width, level)


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
    arrays, level = list(arrays), next(_levels)
    width = sum(array.size for array in arrays)
    zero = fmpq(0) if any(isinstance(plain(x), fmpq) for array in arrays for x in array.flat) else arb(0)
    unit, seeded, position = [zero] * width, [], 0
    for array in arrays:
        result = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            unit[position] = zero + 1
            element: Any = array[index]
            result[index] = Dual(element, tuple(unit), level)
            unit[position] = zero
            position += 1
        seeded.append(result)
    return seeded, level


def slopes_of(number: Any, level: int, width: int) -> tuple[Number, ...]:
    """The slopes of a number at `level`; zeros when it does not depend on the seeds."""
    return number.slopes if isinstance(number, Dual) and number.level == level else (fmpq(0),) * width


def plain(number: Any) -> Any:
    """A number's value without its derivatives: a rational or a ball."""
    while not isinstance(number, (fmpq, arb)):
        number = number.value
    return number


# --- arrays


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
    flat = np.empty(len(data["values"]), dtype=object)
    flat[:] = [rational(text) for text in data["values"]]
    return flat.reshape(data["shape"])
