"""Functions of rationals, balls, and numbers that carry derivatives over them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import pairwise, product
from math import factorial
from typing import Any, Final

import numpy as np
import pytest
from flint import arb, arb_series, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model import functions, numbers
from conformance.model.bounds import Tape, Traced, adjoints
from conformance.model.functions import Undecided
from conformance.model.numbers import Array, Inexact, plain, precision, seeds
from conformance.operators.table import OPERATORS
from tests.duals import slopes
from tests.small_programs import UNARY, Taylor, constant, power

BITS: Final = 128
NEAR: Final = arb(2) ** -100  # what 128 bits leave of small numbers
relaxed = settings(deadline=None)


@pytest.fixture(autouse=True)
def _precise() -> Iterator[None]:
    with precision(BITS):
        yield


def array(*elements: Any) -> Array:
    result = np.empty(len(elements), dtype=object)
    result[:] = elements
    return result


def seeded(*points: Any) -> list[Any]:
    """Numbers with slope 1 each by itself."""
    [duals], _ = seeds([array(*points)])
    return list(duals)


def ball(low: float, high: float) -> arb:
    return arb((low + high) / 2, (high - low) / 2)


def holds(number: Any, *points: Any) -> bool:
    """Whether a number, which may be a ball, may be each of the points."""
    return all(arb(plain(number)).contains(arb(point)) for point in points)


# --- smooth functions: FLINT's own power series are the truth

SMOOTH: Final = ("exp", "log", "log1p", "sin", "cos", "atan", "sinh", "cosh", "tanh", "sigmoid", "sqrt")
POSITIVE: Final = frozenset({"log", "log1p", "sqrt"})
POINTS: Final = [fmpq(p, 8) for p in (-21, -8, -3, -1, 0, 1, 5, 8, 20)]
EXPONENTS: Final = [fmpq(*pair) for pair in ((1, 1), (2, 1), (3, 1), (5, 1), (-1, 1), (-2, 1), (1, 2), (-3, 2), (5, 4))]


def raised(exponent: fmpq) -> Callable[[Any], Any]:
    return lambda x: functions.power(x, exponent)


def raised_series(exponent: fmpq) -> Callable[[Taylor], Any]:
    return lambda x: power(x, constant(exponent, 4))


CASES: Final[dict[str, tuple[Callable[[Any], Any], Callable[[Taylor], Any], list[fmpq]]]] = {
    **{
        name: (getattr(functions, name), UNARY[name], [p for p in POINTS if p > 0 or name not in POSITIVE])
        for name in SMOOTH
    },
    **{f"x**{n}": (raised(n), raised_series(n), [p for p in POINTS if p > 0]) for n in EXPONENTS},
    "1/x": (numbers.reciprocal, lambda x: 1 / x, [p for p in POINTS if p]),
    "x / (x + 3)": (lambda x: x / (x + 3), lambda x: x / (x + 3), POINTS),
}


def taylor(function: Callable[[Taylor], Any], point: Any, terms: int = 4) -> list[arb]:
    """The value and derivatives of a function at a point."""
    series = function(Taylor(arb_series([arb(point), 1], prec=terms))).series
    return [series[order] * factorial(order) for order in range(terms)]


def derivatives(function: Callable[[Any], Any], point: Any, orders: int = 4) -> list[Any]:
    """The same by dual numbers inside dual numbers."""
    found, number = [], point
    for order in range(orders):
        result = function(number)
        for _ in range(order):
            [result] = slopes(result)
        found.append(arb(plain(result)))
        [number] = seeded(number)
    return found


@pytest.mark.parametrize("name", CASES)
def test_functions_of_balls_are_those_of_power_series(name: str) -> None:
    """Value and three derivatives at many points, to 100 bits."""
    function, series, points = CASES[name]
    for point in points:
        for mine, true in zip(derivatives(function, arb(point)), taylor(series, point), strict=True):
            assert mine.overlaps(true), point
            assert abs(mine - true) < NEAR * (1 + abs(true.mid())), point


@pytest.mark.parametrize("name", CASES)
def test_wide_balls_hold_what_any_point_in_them_leads_to(name: str) -> None:
    """The ball of a function's value and of its derivative holds those of every point of the argument's ball."""
    function, series, points = CASES[name]
    for point in points:
        inside = [point + fmpq(i, 64) for i in (-4, -1, 0, 3, 4)]
        wide = derivatives(function, arb(point, 0.0625), 3)
        for other in inside:
            assert all(a.overlaps(b) for a, b in zip(wide, taylor(series, other, 3), strict=True)), (point, other)


@pytest.mark.parametrize("name", CASES)
def test_functions_of_traced_numbers(name: str) -> None:
    """At an engine's precision value and derivative hold the truth, and say more than nothing."""
    function, series, points = CASES[name]
    for point in points:
        true = taylor(series, point)[:2]
        with precision(53):
            tape = Tape("float64")
            x = tape.number(point)
            y = function(x)
            [slope] = adjoints([(y, tape.number(1))], [x])
            assert slope is not None
        for found, wanted in zip((y, slope), true, strict=True):
            assert found.value.overlaps(wanted), point
            assert found.value.rad() < (1 + abs(wanted)) * arb(2) ** -45, point


def test_every_smooth_operator_is_tried() -> None:
    """The functions of the table that know no more than one rational point are those above."""
    rational = {name for name, it in OPERATORS.items() if it.domain in {("zero",), ("one",), ("squares",)}}
    assert rational == set(SMOOTH)


@pytest.mark.parametrize("function", [functions.log, functions.sqrt, numbers.reciprocal], ids=["log", "sqrt", "1/x"])
def test_no_number_where_a_function_may_have_none(function: Callable[[Any], Any]) -> None:
    """On a ball around 0, a logarithm, a root's slope and a quotient are no finite balls; a traced number says so."""
    [x] = seeded(ball(-1, 1))
    assert not function(x).slopes[0].is_finite()
    with pytest.raises(Undecided):
        adjoint(function, ball(-1, 1))


def adjoint(function: Callable[..., Any], *points: Any) -> list[Any]:
    tape = Tape("float64")
    numbers_ = [Traced(tape, arb(point), (), ()) for point in points]
    found = adjoints([(function(*numbers_), tape.number(1))], numbers_)
    return [plain(it) if it is not None else arb(0) for it in found]


@relaxed
@given(st.integers(-9, 9), st.integers(0, 5))
def test_whole_powers_of_rationals(p: int, n: int) -> None:
    """x**n by the product, with the slope n x**(n - 1); x**0 is 1 and does not depend on x."""
    x = fmpq(p, 3)
    assert plain(functions.power(x, fmpq(n))) == reduce(operator.mul, [x] * n, fmpq(1))
    result = functions.power(seeded(x)[0], fmpq(n))
    assert plain(result) == x**n
    assert slopes(result)[0] == (n * x ** (n - 1) if n else 0)


@pytest.mark.parametrize("zeroth", [fmpq(2), arb(2), ball(-1, 1)])
def test_the_power_0(zeroth: Any) -> None:
    """Anything to the power 0 is 1, without a slope."""
    assert plain(functions.power(zeroth, fmpq(0))) == 1
    assert plain(functions.power(seeded(zeroth)[0], fmpq(0))) == 1


def test_negative_bases_of_balls() -> None:
    """A whole power of a negative ball is known, a broken one is no number."""
    assert derivatives(lambda x: functions.power(x, fmpq(-3)), arb(-2), 2) == [arb(-0.125), arb(-0.1875)]
    assert derivatives(lambda x: functions.power(x, fmpq(3)), arb(-2), 2) == [-8, 12]
    assert not functions.power(arb(-2), fmpq(1, 2)).is_finite()


def test_irrational_powers_are_not_invented() -> None:
    """Among rationals only whole, non-negative exponents are exact."""
    for exponent in (fmpq(-1), fmpq(1, 2)):
        with pytest.raises(Inexact):
            functions.power(fmpq(4), exponent)


# --- comparisons


@pytest.mark.parametrize(
    ("number", "wanted"),
    [(fmpq(-1, 3), -1), (fmpq(0), 0), (fmpq(5), 1), (arb(-2), -1), (arb(0), 0), (ball(1, 2), 1), (ball(-2, -1), -1)],
)
def test_signs(number: Any, wanted: int) -> None:
    """The sign of a number is known, with derivatives and without, unless a ball holds 0 and more."""
    assert functions.sign(number) == wanted
    assert functions.sign(seeded(number)[0]) == wanted


@pytest.mark.parametrize("number", [ball(-1, 1), ball(0, 1), ball(-1, 0), arb(0, 1e-30)])
def test_signs_that_are_not_known(number: arb) -> None:
    """A ball around 0, or that ends there, has no sign."""
    for wrapped in (number, *seeded(number)):
        with pytest.raises(Undecided):
            functions.sign(wrapped)


def test_comparisons_of_arrays() -> None:
    """1 where the relation holds, for broadcast operands of any kind; balls that overlap are not compared."""
    a, b = array(fmpq(1), arb(2), seeded(fmpq(3))[0]), array(fmpq(2))
    assert [arb(plain(x)) for x in functions.compared(a, b, operator.gt)] == [0, 0, 1]
    assert [arb(plain(x)) for x in functions.compared(a, b, operator.eq)] == [0, 1, 0]
    for other in (ball(0.5, 1.5), ball(1, 2)):
        with pytest.raises(Undecided):
            functions.compared(array(arb(1)), array(other), operator.gt)


# --- kinks

APART: Final = (ball(-3, -1), ball(1, 2), ball(5, 7))


def test_certain_balls_take_one_branch() -> None:
    """Balls that are apart are ordered as numbers are: the derivative is all the greatest's, exactly."""
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        parts = seeded(*[APART[i] for i in order])
        for function, index in ((functions.greatest, 2), (functions.least, 0)):
            result = function(parts)
            assert result.value.overlaps(APART[index])
            assert [arb(slope) for slope in slopes(result, 3)] == [int(i == index) for i in order]


@pytest.mark.parametrize(
    "points",
    [
        (ball(0, 2), ball(1, 3)),
        (ball(0, 1), ball(1, 2)),
        (arb(1), arb(1)),
        (arb(1), ball(0, 1)),
        (ball(0, 4), ball(1, 2)),
    ],
    ids=["overlap", "touch", "equal", "end", "inside"],
)
def test_the_greatest_of_balls_that_are_not_apart(points: tuple[arb, arb]) -> None:
    """The value holds the greatest of any two points, the derivative every share of it."""
    for function, exact in ((functions.greatest, max), (functions.least, min)):
        found = function(seeded(*points))
        for chosen in product(*[(x.lower(), x.mid(), x.upper()) for x in points]):
            assert holds(found, exact(chosen)), (points, chosen)
        assert all(holds(slope, 0, fmpq(1, 2), 1) for slope in slopes(found, 2))
        assert all(arb(slope).rad() < 0.51 for slope in slopes(found, 2))
        assert holds(function(list(points)), exact(x.mid() for x in points))


def test_a_number_that_is_certainly_less_has_no_share() -> None:
    """Of three, of which two overlap, only these share the derivative."""
    result = functions.greatest(seeded(ball(4, 6), ball(0, 1), ball(5, 7)))
    assert [holds(slope, 0, 1) for slope in slopes(result, 3)] == [True, False, True]
    assert slopes(result, 3)[1] == 0
    assert holds(result, 5, 7)


def test_shares_on_a_tape() -> None:
    """The same for numbers that are differentiated backward, and for a mixture with constants."""
    assert [
        holds(slope, 0, 1) for slope in adjoint(lambda a, b: functions.greatest([a, b]), ball(0, 2), ball(1, 3))
    ] == [
        True,
        True,
    ]
    assert adjoint(lambda a, b: functions.least([a, b]), 1, 2) == [1, 0]
    [slope] = adjoint(lambda a: functions.greatest([fmpq(1), a]), 1)
    assert holds(slope, 0, 1)
    assert adjoint(lambda a: functions.greatest([fmpq(1), a]), 2) == [1]
    assert adjoint(lambda a: functions.least([a, fmpq(1)]) + a, 2) == [1]


@relaxed
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=4))
def test_equal_rationals_share_the_derivative(values: list[int]) -> None:
    """Among rationals every one of several greatest numbers has the same share."""
    for function, top in ((functions.greatest, max(values)), (functions.least, min(values))):
        result = function(seeded(*map(fmpq, values)))
        assert result.value == top
        assert list(slopes(result, len(values))) == [fmpq(int(value == top), values.count(top)) for value in values]


SIDES: Final[dict[str, tuple[Callable[[Any], Any], int, int]]] = {
    "absolute": (functions.absolute, -1, 1),
    "relu": (functions.relu, 0, 1),
}


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("point", [ball(-1, 2), ball(0, 2), ball(-2, 0), arb(0), arb(0, 1e-40)], ids=range(5))
def test_functions_with_a_kink_around_it(name: str, point: arb) -> None:
    """On a ball that holds 0, the value holds those of every point of it, the derivative those of both sides."""
    function, left, right = SIDES[name]
    [x] = seeded(point)
    result = function(x)
    for chosen in (point.lower(), point.mid(), point.upper()):
        assert holds(result, chosen * (left if chosen < 0 else right))
    assert holds(result.slopes[0], left, right, 0)
    assert result.slopes[0].rad() < 1.01
    [slope] = adjoint(function, point)
    assert holds(slope, left, right)


@pytest.mark.parametrize("name", SIDES)
def test_functions_with_a_kink_elsewhere(name: str) -> None:
    """On either side the derivative is that side's, exactly; at the rational 0 the model takes 0."""
    function, left, right = SIDES[name]
    for kind in (fmpq, arb):
        for point, side in ((-2, left), (3, right)):
            result = function(*seeded(kind(point)))
            assert [plain(result), arb(result.slopes[0])] == [point * side, side]
            assert adjoint(function, point) == [side]
    assert slopes(function(*seeded(fmpq(0)))) == (0,)
    assert function(fmpq(0)) == 0


CLAMPED: Final[list[tuple[Any, tuple[float, ...], tuple[int, ...]]]] = [
    (arb(-2), (-1,), (0,)),
    (arb(0.5), (0.5,), (1,)),
    (arb(7), (1,), (0,)),
    (ball(-1.5, -0.5), (-1, -0.5), (0, 1)),
    (ball(0.5, 3), (0.5, 1), (0, 1)),
    (ball(-5, 5), (-1, 0, 1), (0, 1)),
    (arb(1), (1,), (0, 1)),
    (fmpq(-2), (-1,), (0,)),
    (fmpq(1, 2), (0.5,), (1,)),
    (fmpq(3), (1,), (0,)),
]


@pytest.mark.parametrize(("point", "values", "sides"), CLAMPED, ids=range(len(CLAMPED)))
def test_clamping(point: Any, values: tuple[float, ...], sides: tuple[int, ...]) -> None:
    """Between the bounds the slope is 1, beyond 0, and on a ball around a bound both are held; values end at the bounds."""
    duals, level = seeds([array(point)])
    [result] = OPERATORS["clamp"].forward(duals[0], low=-1, high=1)
    slope: Any = slopes(result, 1, level)[0]
    assert holds(result, *values)
    assert holds(slope, *sides)
    assert not holds(result, 1.25)
    if len(sides) == 1:
        assert arb(slope) == sides[0]
    else:
        assert holds(adjoint(lambda x: OPERATORS["clamp"].forward(array(x), low=-1, high=1)[0], point)[0], *sides)


# --- sums, products, mixtures


def kinds(value: int) -> list[Any]:
    """One number in every form: a rational, a ball, dual numbers over both, a dual number of a dual number, a traced one."""
    return [fmpq(value), arb(value), *seeded(fmpq(value)), *seeded(arb(value)), *seeded(*seeded(arb(value)))]


@pytest.mark.parametrize(("function", "wanted"), [(functions.total, 9), (functions.product, 24)])
def test_sums_and_products_of_any_numbers(function: Callable[[Sequence[Any]], Any], wanted: int) -> None:
    """2, 3 and 4, each in any form, in any mixture."""
    for parts in product(kinds(2), kinds(3), kinds(4)):
        assert plain(function(list(parts))) == wanted
    tape = Tape("float64")
    mixtures: list[tuple[Any, ...]] = list(product(*[(fmpq(n), arb(n), tape.number(n)) for n in (2, 3, 4)]))
    assert [plain(function(list(parts))) for parts in mixtures] == [wanted] * 27


def test_slopes_of_sums_and_products() -> None:
    """A sum's slope is 1 by each term, a product's the product of the others; so on a tape."""
    for kind in (fmpq, arb):
        parts = seeded(kind(2), kind(3), kind(4))
        assert slopes(functions.total([*parts, kind(1)]), 3) == (1, 1, 1)
        assert slopes(functions.product([*parts, kind(5)]), 3) == (60, 40, 30)
    assert adjoint(lambda *parts: functions.total([*parts, fmpq(1)]), 2, 3, 4) == [1, 1, 1]
    assert adjoint(lambda *parts: functions.product([*parts, arb(5)]), 2, 3, 4) == [60, 40, 30]
    [x] = seeded(arb(3))
    assert slopes(functions.total([x, x, x])) == (3,)
    assert adjoint(lambda x: functions.total([x, x, x]), 3) == [3]


def test_nothing_to_sum() -> None:
    """The empty sum is 0 and the empty product 1; a generator will do."""
    assert functions.total([]) == 0
    assert functions.product([]) == 1
    assert functions.total(fmpq(n) for n in range(4)) == 6


def test_mixtures() -> None:
    """The value is as given, the derivative the weighted sum of the parts', at every level."""
    half = arb(0.5)
    x, y = seeded(arb(2), arb(3))
    result = functions.mixed(arb(7), [(x, half), (y, arb(4)), (arb(9), arb(5))])
    assert (result.value, *slopes(result, 2)) == (7, half, 4)
    assert functions.mixed(arb(7), [(arb(1), half)]) == 7
    assert adjoint(lambda a, b: functions.mixed(arb(7), [(a, half), (b, arb(4)), (arb(1), half)]), 2, 3) == [half, 4]


def test_mixtures_of_nested_numbers() -> None:
    """In a mixture of x * x and y, where y is the outer number, every derivative is the weighted one."""
    [outer] = seeded(arb(3))
    [inner] = seeded(outer)
    square = inner * inner
    result = functions.mixed(arb(9), [(square, arb(2)), (outer, arb(5))])
    assert plain(result) == 9
    assert plain(result.slopes[0]) == 2 * 2 * 3
    assert plain(result.slopes[0].slopes[0]) == 2 * 2
    assert plain(result.value.slopes[0]) == 2 * 2 * 3 + 5


@relaxed
@given(st.permutations([0, 1, 2, 3]))
def test_the_order_of_what_is_compared_does_not_matter(order: list[int]) -> None:
    """Every order of the same numbers gives the same greatest and its share to the same number."""
    points = [fmpq(1), fmpq(5), fmpq(3), fmpq(2)]
    for kind in (fmpq, arb):
        result = functions.greatest(seeded(*[kind(points[i]) for i in order]))
        assert result.value == 5
        assert [arb(slope) for slope in slopes(result, 4)] == [int(i == 1) for i in order]
    assert all(functions.greatest([a, b]) == b for a, b in pairwise(sorted(points)))
