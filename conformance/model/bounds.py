"""How far a right engine may be from the truth: a reverse sweep in balls at the engine's own precision.

Engines differentiate by sweeping backward, and so does this module, for this one purpose: truths come from forward mode. Every
operator's forward rule is run on `Traced` numbers, each of which remembers the elementary step that made it. A step's ball has
the radius that rounding to `bits` allows, and the sweep back over the steps collects the radii of all contributions. A result
is right if it is within twice the radius of the truth. What arithmetic at this precision gets exactly has the radius 0.

What engines do differently, beside rounding, is allowed for (the figures and their measurement: docs/decisions/0008):

- functions of a mathematical library: LIBRARY units in the last place, unless the result is exact;
- derivatives of functions and quotients, which have several formulas: FORMULA units for each contribution;
- sums of three and more terms, in any order: (n - 1) roundings of the sum of magnitudes, unless every order is exact;
- numbers below the normal range: they may be flushed to 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from functools import lru_cache, reduce
from itertools import count
from math import prod
from operator import add, attrgetter, mul
from typing import Any, Final

from flint import arb

from conformance.model.functions import Undecided

LIBRARY: Final = 4
FORMULA: Final = 4

# Bits of the significand; least and greatest normal number (IEEE 754 binary32, binary64).
BITS: Final = {"float32": 24, "float64": 53}
_NORMAL: Final = {"float32": (2.0**-126, 3.4028234e38), "float64": (2.0**-1022, 1.797693e308)}
_SURE: Final = 12  # bits
_ZERO: Final = arb(0)
_ONE: Final = arb(1)
_MINUS: Final = arb(-1)

_serials = count()


class OutOfRange(Exception):
    """A number is greater than any of the dtype: what happens then is another question."""


class Tape:
    """Of a computation in one dtype, whose numbers hold those that they come from.

    Nothing holds them all: they are gone with the last that is read, and not only when garbage is collected.
    """

    def __init__(self, dtype: str) -> None:
        self.bits = BITS[dtype]
        self.least, self.greatest = _NORMAL[dtype]

    def number(self, value: Any) -> Traced:
        """A number that was not computed."""
        return Traced(self, arb(value), (), ())

    def traced(self, number: Any) -> Traced:
        """The same, unless it was computed."""
        return number if isinstance(number, Traced) else self.number(number)

    def outside(self, value: arb) -> arb:
        """A number outside of the normal range: a small one may become 0, or a multiple of the least subnormal number."""
        if value.is_zero():
            return value
        if value.abs_upper() > self.greatest:
            raise OutOfRange(f"{value.str(5)} in a format of {self.bits} bits")
        return value + arb(0, self.least)


@lru_cache(maxsize=8)
def _ulps(units: int, bits: int) -> arb:
    """1, give or take so many units in the last place."""
    return arb(1, units * 2.0 ** (1 - bits))


# The derivative of a step by an operand: a number, or what makes a contribution of the step's cotangent.
Partial = Any


class Traced:
    """A number and the step that made it: operands, and the derivative by each. `allowed`: ulps of each contribution."""

    __slots__ = ("allowed", "parents", "partials", "serial", "tape", "value")

    def __init__(
        self, tape: Tape, value: arb, parents: tuple[Traced, ...], partials: tuple[Partial, ...], allowed: int = 0
    ) -> None:
        if not tape.least <= abs(float(value)) <= tape.greatest:
            value = tape.outside(value)
        if (
            value.rel_accuracy_bits() < _SURE
        ):  # at a kink: the midpoint may be exact where the numbers that the ball holds are not
            value = value + arb(0, 2.0**-tape.bits) * value
        self.tape, self.value, self.parents, self.partials, self.allowed = tape, value, parents, partials, allowed
        self.serial = next(_serials)

    def _traced(self, numbers: Sequence[Any]) -> list[Traced]:
        return [it if isinstance(it, Traced) else self.tape.number(it) for it in numbers]

    def _loosened(self, value: arb, ulps: int) -> arb:
        return value if value.is_exact() else value * _ulps(ulps, self.tape.bits)

    def __add__(self, other: Any) -> Traced:
        if isinstance(other, Traced):
            return Traced(self.tape, self.value + other.value, (self, other), (_ONE, _ONE))
        return Traced(self.tape, self.value + other, (self,), (_ONE,))

    def __neg__(self) -> Traced:
        return Traced(self.tape, -self.value, (self,), (_MINUS,))

    def __sub__(self, other: Any) -> Traced:
        if isinstance(other, Traced):
            return Traced(self.tape, self.value - other.value, (self, other), (_ONE, _MINUS))
        return Traced(self.tape, self.value - other, (self,), (_ONE,))

    def __rsub__(self, other: Any) -> Traced:
        return Traced(self.tape, other - self.value, (self,), (_MINUS,))

    def __mul__(self, other: Any) -> Traced:
        if isinstance(other, Traced):
            return Traced(self.tape, self.value * other.value, (self, other), (other, self))
        return Traced(self.tape, self.value * other, (self,), (arb(other),))

    def __truediv__(self, other: Any) -> Traced:
        if not isinstance(other, Traced):
            return Traced(self.tape, self.value / other, (self,), (_ONE / other,))
        quotient = self.value / other.value
        if not quotient.is_finite():
            raise Undecided("a division by what may be 0")
        inverse = other._inverse
        partials = (lambda g: g * inverse(), lambda g: g * (-(self * inverse()) * inverse()))
        return Traced(self.tape, self._loosened(quotient, 1), (self, other), partials, FORMULA)

    def __rtruediv__(self, other: Any) -> Traced:
        return self.tape.number(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def _inverse(self) -> Traced:
        return self.through(lambda x: 1 / x, lambda x: -x._inverse() * x._inverse())

    def through(self, function: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Traced:
        """A function of this number; raises Undecided where it is not defined."""
        value = function(self.value)
        if not value.is_finite():
            raise Undecided(f"a function where it may have no value, at {self.value.str(5)}")
        return Traced(self.tape, self._loosened(value, LIBRARY), (self,), (lambda g: g * derivative(self),), FORMULA)

    def totalled(self, terms: Sequence[Any]) -> Traced:
        """The sum of terms in any order; of one term it is the term: engines may make a step of that, or none."""
        if len(terms) == 1:
            return self
        traced = self._traced(terms)
        value = summed([term.value for term in traced], self.tape.bits)
        return Traced(self.tape, value, tuple(traced), (_ONE,) * len(traced))

    def multiplied(self, factors: Sequence[Any]) -> Traced:
        """The product of factors in any order. By one of them engines divide it for the derivative, or multiply the others."""
        traced = self._traced(factors)
        product = multiplied([factor.value for factor in traced], self.tape.bits)
        sizes = [abs(float(factor.value)) or 1.0 for factor in traced]
        if (
            prod(min(it, 1.0) for it in sizes) < self.tape.least
            or prod(max(it, 1.0) for it in sizes) > self.tape.greatest
        ):
            raise OutOfRange("a product that some order of multiplying takes out of the range")

        def partial(i: int) -> Callable[[Traced], Any]:
            if any(factor.value.contains(0) for factor in traced):
                return lambda g: reduce(mul, traced[:i] + traced[i + 1 :], g)
            return lambda g: g * result / traced[i]

        result = Traced(self.tape, product, tuple(traced), tuple(partial(i) for i in range(len(traced))))
        return result

    def mixed(self, value: arb, parts: Sequence[tuple[Any, arb]]) -> Traced:
        """The number `value`, whose derivative is the weighted sum of those of `parts`."""
        traced = [(part, weight) for part, weight in parts if isinstance(part, Traced)]
        return Traced(self.tape, value, tuple(part for part, _ in traced), tuple(weight for _, weight in traced))

    def blurred(self, size: Traced) -> Traced:
        """The number where engines go several ways to it, some of which round numbers as large as `size`."""
        return Traced(
            self.tape, self.value + arb(0, LIBRARY * 2.0 ** (1 - self.tape.bits)) * size.value, (self,), (_ONE,)
        )


def summed(values: Sequence[arb], bits: int) -> arb:
    """The sum of balls, rounded to `bits`, in whatever order: with the radius that this needs."""
    result = reduce(add, values, _ZERO)
    if len(values) < 3 or _order_is_free(values, bits):
        return result
    return result + arb(0, (len(values) - 1) * 2.0**-bits) * reduce(add, (abs(value) for value in values))


def multiplied(values: Sequence[arb], bits: int) -> arb:
    """The product of balls, rounded to `bits`, in whatever order: with the radius that this needs."""
    result = reduce(mul, values)
    if len(values) < 3 or (all(value.is_exact() for value in values) and _digits(values) <= bits):
        return result
    return result * arb(1, (len(values) - 1) * 2.0**-bits)


def _digits(values: Sequence[arb]) -> int:
    """How many bits the exact product of exact balls takes; no partial product takes more."""
    return prod(abs(int(value.man_exp()[0])) for value in values).bit_length()


def _order_is_free(values: Sequence[arb], bits: int) -> bool:
    """Whether every partial sum, in every order, fits into `bits`."""
    if not all(value.is_exact() for value in values):
        return False
    parts = [value.man_exp() for value in values if not value.is_zero()]
    if not parts:
        return True
    least = min(int(exponent) for _, exponent in parts)
    return sum(abs(int(mantissa)) << int(exponent) - least for mantissa, exponent in parts) < 1 << bits


def adjoints(outputs: Iterable[tuple[Traced, Any]], inputs: Sequence[Traced]) -> list[Traced | None]:
    """For each input the sum over outputs of cotangent * d output / d input; None where nothing flows.

    The sweep is itself on the tape, so that its results can be differentiated again.
    """
    contributions: dict[Traced, list[Traced]] = defaultdict(list)
    for output, cotangent in outputs:
        contributions[output].append(cotangent)
    ends, received = set(inputs), dict[Traced, Traced]()
    for step in _behind(contributions, ends):
        parts = contributions.pop(step)
        cotangent = parts[0] if len(parts) == 1 else parts[0].totalled(parts)
        if step in ends:
            received[step] = cotangent
        for parent, partial in zip(step.parents, step.partials, strict=True):
            if parent.parents or parent in ends:
                contributions[parent].append(_contribution(cotangent, partial, step.allowed))
    return [received.get(step) for step in inputs]


def _behind(outputs: Iterable[Traced], ends: Container[Traced]) -> list[Traced]:
    """The outputs and what they were computed from, the last number first; of those that were not computed only `ends`."""
    found = set(outputs)
    waiting = list(found)
    for step in waiting:
        for parent in step.parents:
            if parent not in found and (parent.parents or parent in ends):
                found.add(parent)
                waiting.append(parent)
    return sorted(waiting, key=attrgetter("serial"), reverse=True)


def _contribution(cotangent: Traced, partial: Partial, allowed: int) -> Traced:
    if partial is _ONE:
        return cotangent
    product: Traced = partial(cotangent) if callable(partial) else cotangent * partial
    if allowed:
        product.value = product._loosened(product.value, allowed)
    return product
