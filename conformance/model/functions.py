"""Functions of numbers, each with its derivative; the only place where numbers are compared.

A number is a rational, a ball (`flint.arb`: a midpoint and a radius, at the precision of `flint.ctx`), or one of those inside a
number that carries derivatives (`Dual` in numbers.py, `Traced` in bounds.py), which has a method `through`.

A ball compares with a number that it holds neither as less nor as greater. Whatever needs to know raises `Undecided`; functions
with a kink take both branches there: the derivative becomes the ball that holds all of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import chain
from typing import Any, Final

import numpy as np
from flint import arb, fmpq, fmpz

from conformance.model.numbers import Array, Dual, Function, Inexact, aligned, plain, reciprocal


class Undecided(Exception):
    """Balls overlap, so that it is not known which of two numbers is the greater."""


# --- comparisons


def sign(number: Any) -> int:
    """-1, 0 or 1; raises Undecided for a ball around 0."""
    x = plain(number)
    if isinstance(x, arb) and x.contains(0) and not x.is_zero():
        raise Undecided(f"the sign of {x.str(5)}")
    return int(x > 0) - int(x < 0)


def _unsure(number: Any) -> bool:
    """Whether a ball holds 0 at all: exactly there, or because too little is known."""
    x = plain(number)
    return isinstance(x, arb) and bool(x.contains(0))


def compared(a: Array, b: Array, relation: Callable[[int, int], bool]) -> Array:
    """1 where the relation holds between two broadcast arrays, slopes aside, and 0 elsewhere; raises Undecided."""
    return np.asarray(
        np.frompyfunc(lambda p, q: fmpq(int(relation(sign(plain(p) - plain(q)), 0))), 2, 1)(a, b), dtype=object
    )


# --- sums and choices


def total(parts: Any) -> Any:
    """The sum of numbers, 0 of none."""
    terms = list(parts)
    for term in terms:
        if hasattr(term, "totalled"):
            return term.totalled(terms)
    return reduce(operator.add, terms) if terms else fmpq(0)


def product(parts: Any) -> Any:
    """The product of numbers, 1 of none."""
    factors = list(parts)
    for factor in factors:
        if hasattr(factor, "multiplied"):
            return factor.multiplied(factors)
    return reduce(operator.mul, factors, fmpq(1))


def mixed(value: Any, parts: Sequence[tuple[Any, Any]]) -> Any:
    """The number `value` whose derivative is the sum of weight * the derivative of each part."""
    traced = next((part for part, _ in parts if hasattr(part, "mixed")), None)
    if traced is not None:
        return traced.mixed(value, parts)
    if not any(isinstance(part, Dual) for part, _ in parts):
        return value
    level = max(part.level for part, _ in parts if isinstance(part, Dual))
    lifted = [(aligned(part, level), weight) for part, weight in parts]
    slopes = {
        i: total(part.slopes[i] * weight for part, weight in lifted if i in part.slopes)
        for i in dict.fromkeys(chain.from_iterable(part.slopes for part, _ in lifted))
    }
    return Dual(mixed(value, [(part.value, weight) for part, weight in lifted]), slopes, level)


def blurred(number: Any, size: Any) -> Any:
    """`number`, where engines go several ways to it, some of which round numbers as large as `size`."""
    return number.blurred(size) if hasattr(number, "blurred") else number


_BETWEEN_0_AND_1: Final = arb(0.5, 0.5)
_BETWEEN_MINUS_1_AND_1: Final = arb(0, 1)


def greatest(numbers: Sequence[Any]) -> Any:
    """The greatest number. Among rationals several equal ones share the derivative; among balls any share is admitted."""
    values = [plain(number) for number in numbers]
    if not any(isinstance(value, arb) for value in values):
        top = max(values)
        ties = [number for number, value in zip(numbers, values, strict=True) if value == top]
        return total(ties) / fmpq(len(ties))
    balls = [arb(value) for value in values]
    candidates = [i for i, ball in enumerate(balls) if not any(other > ball for other in balls)]
    if len(candidates) == 1:
        return numbers[candidates[0]]
    highest = reduce(arb.max, (balls[i] for i in candidates))
    return mixed(highest, [(numbers[i], _BETWEEN_0_AND_1) for i in candidates])


def least(numbers: Sequence[Any]) -> Any:
    """The least number; ties as in `greatest`."""
    return -greatest([-number for number in numbers])


def absolute(x: Any) -> Any:
    """|x|. At 0, where it has no derivative, 0 among rationals, and anything from -1 to 1 among balls."""
    if _unsure(x):
        return mixed(abs(plain(x)), [(x, _BETWEEN_MINUS_1_AND_1)])
    return x * fmpq(sign(x))


def relu(x: Any) -> Any:
    """The greater of x and 0. At 0 its derivative is 0 among rationals, and anything from 0 to 1 among balls."""
    if _unsure(x):
        return mixed(plain(x).max(arb(0)), [(x, _BETWEEN_0_AND_1)])
    return x * fmpq(int(sign(x) > 0))


# --- smooth functions


def _function(exact: Callable[[fmpq], fmpq], ball: Callable[[arb], arb], derivative: Function) -> Function:
    def apply(x: Any) -> Any:
        if hasattr(x, "through"):
            return x.through(apply, derivative)
        return ball(x) if isinstance(x, arb) else exact(fmpq(x))

    return apply


def _known(point: int, value: fmpq | int) -> Callable[[fmpq], fmpq]:
    def exact(x: fmpq) -> fmpq:
        if x != point:
            raise Inexact(f"irrational except at {point}")
        return fmpq(value)

    return exact


def _root(x: fmpq) -> fmpq:
    if x < 0 or x.p != (p := fmpz(x.p).isqrt()) * p or x.q != (q := fmpz(x.q).isqrt()) * q:
        raise Inexact("not the square of a rational")
    return fmpq(p, q)


exp: Function = _function(_known(0, 1), arb.exp, lambda x: exp(x))
log: Function = _function(_known(1, 0), arb.log, lambda x: reciprocal(x))
log1p: Function = _function(_known(0, 0), arb.log1p, lambda x: reciprocal(x + 1))
sin: Function = _function(_known(0, 0), arb.sin, lambda x: cos(x))
cos: Function = _function(_known(0, 1), arb.cos, lambda x: -sin(x))
atan: Function = _function(_known(0, 0), arb.atan, lambda x: reciprocal(x * x + 1))
sinh: Function = _function(_known(0, 0), arb.sinh, lambda x: cosh(x))
cosh: Function = _function(_known(0, 1), arb.cosh, lambda x: sinh(x))
tanh: Function = _function(_known(0, 0), arb.tanh, lambda x: -tanh(x) * tanh(x) + 1)
sigmoid: Function = _function(
    _known(0, fmpq(1, 2)), lambda x: 1 / (1 + (-x).exp()), lambda x: sigmoid(x) * (-sigmoid(x) + 1)
)
sqrt: Function = _function(_root, arb.sqrt, lambda x: reciprocal(sqrt(x) * 2))


def power(x: Any, exponent: fmpq) -> Any:
    """`x` to a constant: among rationals to a whole, non-negative one; a broken one takes a positive `x`."""
    if exponent == 0:
        return fmpq(1)
    if hasattr(x, "through"):
        return x.through(lambda y: power(y, exponent), lambda y: power(y, exponent - 1) * exponent)
    if isinstance(x, arb):
        return x ** (int(exponent) if exponent.q == 1 else arb(exponent)) * 1  # FLINT keeps all bits of a small power
    if exponent.q != 1 or exponent < 0:
        raise Inexact("only whole, non-negative exponents are exact")
    return fmpq(x) ** int(exponent)
