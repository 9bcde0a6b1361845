"""Exact and dual numbers against truths that share no rule with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import factorial
from typing import Any, Final

import numpy as np
import pytest
from flint import arb, arb_series, ctx, fmpq, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model import functions, numbers
from conformance.model.numbers import Inexact, exact_array, fits, from_json, precision, seeds, to_json
from tests.duals import slopes

# A busy machine is no reason to fail.
relaxed = settings(deadline=None)
rationals = st.fractions(min_value=-20, max_value=20, max_denominator=12).map(
    lambda x: fmpq(x.numerator, x.denominator)
)
X: Final = fmpq_poly([0, 1])


def seeded(*points: fmpq) -> list[Any]:
    """Dual numbers at `points`, each with slope 1 by itself."""
    arrays, _ = seeds([exact_array(point) for point in points])
    return [array.item() for array in arrays]


# --- arithmetic

STEPS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "rsub": lambda a, b: b - a,
    "mul": lambda a, b: a * b,
    "neg": lambda a, b: -a,
    "square": lambda a, b: a * a,
}


@relaxed
@given(rationals, st.lists(st.tuples(st.sampled_from(sorted(STEPS)), rationals), max_size=6))
def test_arithmetic_is_that_of_polynomials(point: fmpq, steps: list[tuple[str, fmpq]]) -> None:
    """Sums and products with constants on either side have the value and slope of the polynomial."""
    [dual], polynomial = seeded(point), X
    for step, constant in steps:
        dual = STEPS[step](dual, constant)
        polynomial = STEPS[step](polynomial, constant)
    assert (dual.value, slopes(dual)) == (polynomial(point), (polynomial.derivative()(point),))


@relaxed
@given(rationals, rationals)
def test_arithmetic_of_two_variables(a: fmpq, b: fmpq) -> None:
    """Each variable has a slope of its own: those of (x + y)(x - 2y) are 2x - y and -x - 4y."""
    x, y = seeded(a, b)
    result = (x + y) * (x - 2 * y)
    assert slopes(result, 2) == (2 * a - b, -a - 4 * b)


@relaxed
@given(rationals.filter(bool), rationals)
def test_quotients(a: fmpq, b: fmpq) -> None:
    """The slope of (x**2 + b) / x is 1 - b / x**2, and of b / x it is -b / x**2."""
    [x] = seeded(a)
    assert slopes((x * x + b) / x) == (1 - b / a**2,)
    assert slopes(b / x) == (-b / a**2,)
    assert slopes(x / fmpq(2)) == (fmpq(1, 2),)


@relaxed
@given(rationals, st.integers(0, 5))
def test_powers(a: fmpq, n: int) -> None:
    """The slope of x**n is n x**(n - 1), and 0 for n = 0 at every x."""
    result = functions.power(seeded(a)[0], fmpq(n))
    polynomial = X**n
    assert numbers.plain(result) == polynomial(a)
    assert slopes(result) == (polynomial.derivative()(a),)


# --- functions: FLINT's own power series are the truth

EXACT_POINTS: Final = {
    "exp": [fmpq(0)],
    "log": [fmpq(1)],
    "sin": [fmpq(0)],
    "cos": [fmpq(0)],
    "tanh": [fmpq(0)],
    "sqrt": [fmpq(4), fmpq(1, 9), fmpq(25, 16)],
}
SERIES: Final[dict[str, Callable[[arb_series], arb_series]]] = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tanh": lambda x: ((2 * x).exp() - 1) / ((2 * x).exp() + 1),
    "sqrt": lambda x: x.sqrt(),
}
POINTS: Final = [(name, point) for name, points in EXACT_POINTS.items() for point in points]


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_derivatives_are_those_of_the_power_series(name: str, point: fmpq) -> None:
    """Value and three derivatives, by dual numbers within dual numbers, are FLINT's Taylor coefficients."""
    found: list[fmpq] = []
    number: Any = point
    for order in range(4):
        found.append(top(getattr(functions, name)(number), order))
        number = seeded(number)[0]
    with ctx.workprec(200):
        series = SERIES[name](arb_series([arb(point), 1], prec=4))
        truth = [series[order] * factorial(order) for order in range(4)]
        assert all(ball.overlaps(arb(value)) for ball, value in zip(truth, found, strict=True))
        assert all(ball.rad() < arb(10) ** -40 for ball in truth)


def top(number: Any, order: int) -> fmpq:
    """The mixed derivative by each of `order` nested variables."""
    for _ in range(order):
        [number] = slopes(number)
    value: fmpq = numbers.plain(number)
    return value


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_derivatives_are_the_limits_of_differences(name: str, point: fmpq) -> None:
    """A finite difference at 500 bits, which knows no rule at all, agrees to 80 digits."""
    found = getattr(functions, name)(seeded(point)[0]).slopes[0]
    with ctx.workprec(500):
        step = arb(2) ** -150
        function: Callable[[arb], arb] = getattr(arb, name)
        difference = (function(arb(point) + step) - function(arb(point) - step)) / (2 * step)
        assert abs(difference - found) < arb(10) ** -80


@pytest.mark.parametrize("name", EXACT_POINTS)
def test_irrational_values_are_not_invented(name: str) -> None:
    """Where a function's value is irrational, the model refuses to say anything."""
    for number in (fmpq(2), fmpq(2, 3), fmpq(-1)):
        with pytest.raises(Inexact):
            getattr(functions, name)(number)
        with pytest.raises(Inexact):
            getattr(functions, name)(seeded(number)[0])


UNDEFINED: Final[dict[str, Callable[[], object]]] = {
    "1/0": lambda: numbers.reciprocal(fmpq(0)),
    "x/y at y = 0": lambda: seeded(fmpq(1))[0] / seeded(fmpq(0))[0],
    "1/x at 0": lambda: 1 / seeded(fmpq(0))[0],
    "the slope of a root at 0": lambda: functions.sqrt(seeded(fmpq(0))[0]),
    "a fractional exponent": lambda: functions.power(fmpq(4), fmpq(1, 2)),
    "a negative exponent": lambda: functions.power(fmpq(4), fmpq(-1)),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_undefined_results_are_not_invented(name: str) -> None:
    """Where there is no exact answer, the model refuses to give one."""
    with pytest.raises(Inexact):
        UNDEFINED[name]()


@relaxed
@given(rationals)
def test_kinks_take_the_side_they_are_on(a: fmpq) -> None:
    """|x| and relu have the slope of their side; at 0 the model takes 0."""
    [x] = seeded(a)
    assert functions.absolute(x).value == abs(a)
    assert slopes(functions.absolute(x)) == ((a > 0) - (a < 0),)
    assert functions.relu(x).value == max(a, fmpq(0))
    assert slopes(functions.relu(x)) == (int(a > 0),)


# --- nesting


def derivative(function: Callable[[Any], Any], point: fmpq) -> Any:
    """The derivative of a function of one number, which may itself differentiate."""
    [array], level = seeds([exact_array(point)])
    return slopes(function(array.item()), 1, level)[0]


@relaxed
@given(rationals, rationals)
def test_perturbations_are_not_confused(a: fmpq, b: fmpq) -> None:
    """In d/dx (x * d/dy (x + y)) = 1 the inner derivative must not see x's slope, on either side."""
    assert derivative(lambda x: x * derivative(lambda y: x + y, b), a) == 1
    assert derivative(lambda x: x * derivative(lambda y: y + x, b), a) == 1
    assert derivative(lambda x: derivative(lambda y: x, b), a) == 0


@relaxed
@given(rationals, rationals)
def test_mixed_derivatives(a: fmpq, b: fmpq) -> None:
    """For x**2 * y**3, d/dx d/dy and d/dy d/dx are 6 x y**2, whichever factor comes first."""
    mixed = 6 * a * b**2
    assert derivative(lambda x: derivative(lambda y: (x * x) * (y * y * y), b), a) == mixed
    assert derivative(lambda y: derivative(lambda x: (x * x) * (y * y * y), a), b) == mixed
    assert derivative(lambda y: derivative(lambda x: (y * y * y) * (x * x), a), b) == mixed


# --- balls


def test_precision_is_set_and_given_back() -> None:
    """Balls have as many bits as is said, blocks nest, and an exception undoes the setting as an end does."""
    before = ctx.prec
    with precision(100):
        assert 2.0**-104 < float(arb(fmpq(1, 3)).rad()) < 2.0**-98
        with precision(24):
            assert ctx.prec == 24
        assert ctx.prec == 100
        with pytest.raises(Inexact), precision(24):
            numbers.reciprocal(fmpq(0))
        assert ctx.prec == 100
    assert ctx.prec == before


def test_seeds_of_balls() -> None:
    """Each element has the slope 1 by itself alone, over all arrays; every call has a level of its own."""
    arrays = [np.array([arb(2), arb(3)], dtype=object), np.array(arb(5), dtype=object)]
    [first, second], level = seeds(arrays)
    assert (first.shape, second.shape) == ((2,), ())
    duals = [*first.flat, *second.flat]
    assert [dual.value for dual in duals] == [2, 3, 5]
    assert [[int(slope == 1) - int(slope == 0) for slope in slopes(dual, 3)] for dual in duals] == [
        [1, -1, -1],
        [-1, 1, -1],
        [-1, -1, 1],
    ]
    assert seeds(arrays)[1] > level
    assert [dual.slopes.keys() for dual in duals] == [{0}, {1}, {2}]


def test_slopes_of_balls_are_balls() -> None:
    """Rounding of slopes is enclosed like that of values: x / 3 and 1 / x at 3 hold what they should."""
    [[x]], _ = seeds([np.array([arb(3)], dtype=object)])
    for result, wanted in ((x / arb(3), fmpq(1, 3)), (1 / x, fmpq(-1, 9)), (x * x / (x + 1), fmpq(15, 16))):
        slope = result.slopes[0]
        with precision(200):
            assert slope.contains(arb(wanted).mid())
            assert slope.rad() < 2.0**-48


def test_a_ball_and_a_rational_meet() -> None:
    """Rationals are constants among balls, on either side."""
    [[x]], _ = seeds([np.array([arb(3)], dtype=object)])
    half = fmpq(1, 2)
    found = [x + half, half + x, x - half, half - x, x * half, half * x, x / half, half / (x + 1)]
    assert [it.value for it in found] == [3.5, 3.5, 2.5, -2.5, 1.5, 1.5, 6, 0.125]
    assert [it.slopes[0] for it in found] == [1, 1, 1, -1, 0.5, 0.5, 2, -0.03125]


def test_a_number_becomes_a_dual_one() -> None:
    """A constant has no slopes; a dual number of the level is itself, and one of another level is a constant."""
    [[x]], level = seeds([np.array([arb(3)], dtype=object)])
    assert numbers.aligned(x, level) is x
    for constant in (arb(7), fmpq(7), seeds([np.array([arb(7)], dtype=object)])[0][0][0]):
        dual = numbers.aligned(constant, level)
        assert dual.value is constant
        assert dual.slopes == {}
        assert dual.level == level
        assert numbers.plain(dual) == 7


# --- dtypes


def power_of_two(exponent: int) -> fmpq:
    return fmpq(2) ** exponent


GREATEST: Final = {"float32": fmpq(2**24 - 1) * 2**104, "float64": fmpq(2**53 - 1) * 2**971}


@pytest.mark.parametrize(
    ("dtype", "number", "holds"),
    [
        ("float32", fmpq(2**24), True),
        ("float32", fmpq(2**24 + 1), False),
        ("float32", fmpq(2**24 + 2), True),
        ("float64", fmpq(2**24 + 1), True),
        ("float64", fmpq(2**53), True),
        ("float64", fmpq(2**53 + 1), False),
        ("float64", fmpq(-(2**53) - 1), False),
        ("float64", fmpq(1, 3), False),
        ("float32", fmpq(1, 10), False),
        ("float32", fmpq(0), True),
        ("float32", power_of_two(-126), True),
        ("float32", power_of_two(-127), False),
        ("float32", 3 * power_of_two(-127), True),
        ("float64", power_of_two(-1022), True),
        ("float64", power_of_two(-1023), False),
        ("float64", power_of_two(-1074), False),
        ("float32", GREATEST["float32"], True),
        ("float32", power_of_two(128), False),
        ("float64", GREATEST["float64"], True),
        ("float64", power_of_two(1024), False),
    ],
)
def test_the_edges_of_a_dtype(dtype: str, number: fmpq, holds: bool) -> None:
    """A dtype holds zero and its normal numbers: no rounding, no subnormals, no overflow."""
    array = exact_array([0, number])
    if holds:
        fits(array, dtype)
    else:
        with pytest.raises(Inexact):
            fits(array, dtype)


@relaxed
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["float32", "float64"]))
def test_a_dtype_holds_its_own_numbers(number: float, dtype: str) -> None:
    """A finite float fits exactly when NumPy's type holds it unrounded and not as a subnormal."""
    rational = fmpq(*number.as_integer_ratio())
    with np.errstate(over="ignore"):
        rounded = np.dtype(dtype).type(number)
    held = float(rounded) == number and (number == 0 or abs(rounded) >= np.finfo(dtype).tiny)
    try:
        fits(exact_array(rational), dtype)
    except Inexact:
        assert not held
    else:
        assert held


# --- arrays


@pytest.mark.parametrize("element", [0.5, 1.0, float("nan"), np.float32(1), None, 1j])
def test_only_exact_elements_become_arrays(element: object) -> None:
    """A float, even a whole one, was rounded somewhere; no array of the model is made of it."""
    with pytest.raises(TypeError):
        exact_array([1, element])


def test_exact_elements_are_kept() -> None:
    """Integers of Python and NumPy, booleans and rationals become rationals, in their shape."""
    array = exact_array([[1, np.int32(-2)], [True, fmpq(1, 3)]])
    assert array.shape == (2, 2)
    assert list(array.flat) == [1, -2, 1, fmpq(1, 3)]
    assert all(isinstance(number, fmpq) for number in array.flat)
    assert exact_array(7).shape == ()


shaped = st.sampled_from([(), (1,), (3,), (0,), (2, 3), (2, 0)])


@relaxed
@given(shaped, st.data())
def test_json_keeps_arrays(shape: tuple[int, ...], data: st.DataObject) -> None:
    """Shape and exact values survive JSON, 0-d and empty arrays included."""
    size = int(np.prod(shape, dtype=int))
    flat = np.empty(size, dtype=object)
    flat[:] = data.draw(st.lists(rationals, min_size=size, max_size=size))
    array = flat.reshape(shape)
    back = from_json(json.loads(json.dumps(to_json(array))))
    assert back.shape == shape
    assert list(back.flat) == list(array.flat)
