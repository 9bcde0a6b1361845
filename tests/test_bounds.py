"""How far rounding may go: computations in NumPy's floats, in many orders, against the radius that a sweep in balls allows."""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import permutations
from typing import Any, Final

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.generation import enclosing
from conformance.model import functions, numbers
from conformance.model.bounds import BITS, OutOfRange, Tape, Traced, adjoints, summed
from conformance.model.functions import Undecided
from conformance.model.numbers import precision
from conformance.operators.table import OPERATORS
from tests.duals import slopes
from tests.small_programs import OPERATORS as NAMES
from tests.small_programs import small
from tests.test_truth import gradients

relaxed = settings(deadline=None)
DTYPES: Final = ("float32", "float64")
TRUE_BITS: Final = 300


def near(number: Any, truth: Any, ball: arb) -> bool:
    """Whether a float is within twice the radius of the truth, which is known to many more bits."""
    with precision(TRUE_BITS):
        assert truth.rad() < (1 + abs(truth.mid())) * arb(2) ** -200
        return not abs(arb(float(number)) - truth) > 2 * ball.rad()


def exact_sum(values: Iterable[float]) -> arb:
    with precision(TRUE_BITS):
        return sum((arb(value) for value in values), arb(0))


# --- programs in floats, with every way to differentiate a step that an engine might take

Partials = Callable[..., Sequence[Any]]
# For each step how balls and floats compute it, and formulas for its derivatives from the operands and the result.
STEPS: Final[dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Partials]]]] = {
    "add": (lambda a, b: a + b, lambda a, b: a + b, [lambda a, b, y: (1, 1)]),
    "sub": (lambda a, b: a - b, lambda a, b: a - b, [lambda a, b, y: (1, -1)]),
    "mul": (lambda a, b: a * b, lambda a, b: a * b, [lambda a, b, y: (b, a)]),
    "div": (
        lambda a, b: a / b,
        lambda a, b: a / b,
        [
            lambda a, b, y: (1 / b, -y / b),
            lambda a, b, y: (1 / b, -a / (b * b)),
            lambda a, b, y: (1 / b, -a * (1 / b) ** 2),
        ],
    ),
    "exp": (functions.exp, np.exp, [lambda a, y: (y,), lambda a, y: (np.exp(a),)]),
    "log": (functions.log, np.log, [lambda a, y: (1 / a,)]),
    "sin": (functions.sin, np.sin, [lambda a, y: (np.cos(a),)]),
    "sqrt": (
        functions.sqrt,
        np.sqrt,
        [lambda a, y: (1 / (2 * y),), lambda a, y: (y / (2 * a),), lambda a, y: (1 / np.sqrt(a) / 2,)],
    ),
    "tanh": (
        functions.tanh,
        np.tanh,
        [lambda a, y: (1 - y * y,), lambda a, y: ((1 / np.cosh(np.clip(a, -50, 50))) ** 2,)],
    ),
    "sigmoid": (
        functions.sigmoid,
        lambda a: 1 / (1 + np.exp(-a)),
        [lambda a, y: (y * (1 - y),), lambda a, y: (np.exp(-a) * y * y,)],
    ),
    "atan": (functions.atan, np.arctan, [lambda a, y: (1 / (1 + a * a),)]),
    "product": (
        lambda *parts: functions.product(parts),
        lambda *parts: math.prod(parts[1:], start=parts[0]),
        [
            lambda a, b, c, y: (b * c, a * c, a * b),
            lambda a, b, c, y: (y / a, y / b, y / c) if y else (b * c, a * c, a * b),
        ],
    ),
    "total": (
        lambda *parts: functions.total(parts),
        lambda *parts: sum(parts[1:], parts[0]),
        [lambda *parts: (1,) * (len(parts) - 1)],
    ),
}
Line = tuple[str, tuple[int, ...]]  # a step and which earlier numbers it reads
LARGEST: Final = 1e18
ARITY: Final = {"add": 2, "sub": 2, "mul": 2, "div": 2, "product": 3, "total": 4}


@st.composite
def lines(draw: st.DrawFn) -> tuple[int, list[Line]]:
    count = draw(st.integers(1, 3))
    steps: list[Line] = []
    for i in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(sorted(STEPS)))
        steps.append((name, tuple(draw(st.integers(0, count + i - 1)) for _ in range(ARITY.get(name, 1)))))
    return count, steps


def run(steps: Sequence[Line], inputs: Sequence[Any]) -> list[Any]:
    values = list(inputs)
    for name, args in steps:
        values.append(STEPS[name][0](*[values[i] for i in args]))
    return values


def in_floats(steps: Sequence[Line], inputs: Sequence[Any], rng: random.Random) -> tuple[Any, list[Any]]:
    """The last value and its gradients by a sweep in floats, sums in a random order, derivatives by a random formula."""
    values, number = list(inputs), type(inputs[0])
    for name, args in steps:
        operands = [values[i] for i in args]
        if name in ("product", "total"):
            rng.shuffle(operands)
        values.append(STEPS[name][1](*operands))
    received: list[list[Any]] = [[] for _ in values]
    received[-1].append(number(1))
    gradients: list[Any] = [number(0)] * len(values)
    for position in reversed(range(len(values))):
        if not received[position]:
            continue
        rng.shuffle(received[position])
        gradients[position] = sum(received[position][1:], received[position][0])
        if position < len(inputs):
            continue
        name, args = steps[position - len(inputs)]
        partials = rng.choice(STEPS[name][2])(*[values[i] for i in args], values[position])
        for i, partial in zip(args, partials, strict=True):
            received[i].append(gradients[position] * number(partial))
    assert all(type(value) is number for value in (*values, *gradients))
    return values[-1], gradients[: len(inputs)]


def allowed(dtype: str, steps: Sequence[Line], inputs: Sequence[Any]) -> tuple[arb, list[arb]]:
    with precision(BITS[dtype]):
        tape = Tape(dtype)
        leaves = [tape.number(float(x)) for x in inputs]
        *_, output = values = run(steps, leaves)
        sizes = [it.value.abs_upper() for it in values if not it.value.is_zero()]
        if not all(1 / LARGEST < size < LARGEST for size in sizes):
            raise OutOfRange("the square of an operand, as in some formulas")
        found = adjoints([(output, tape.number(1))], leaves)
        return output.value, [arb(0) if it is None else it.value for it in found]


def true(steps: Sequence[Line], inputs: Sequence[Any]) -> tuple[arb, list[arb]]:
    with precision(TRUE_BITS):
        [duals], level = numbers.seeds([np.array([arb(float(x)) for x in inputs], dtype=object)])
        output = run(steps, list(duals))[-1]
        return numbers.plain(output), [arb(numbers.plain(it)) for it in slopes(output, len(inputs), level)]


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None, max_examples=150)
@given(program=lines(), data=st.data(), order=st.integers(0, 2**32))
def test_floats_stay_within_twice_the_radius(
    dtype: str, program: tuple[int, list[Line]], data: st.DataObject, order: int
) -> None:
    """Values and gradients in any order and by any formula; the truth lies within the radius itself."""
    count, steps = program
    finite = st.floats(2**-7, 16, width=32).flatmap(lambda x: st.sampled_from([x, -x]))
    inputs = [np.dtype(dtype).type(data.draw(finite)) for _ in range(count)]
    try:
        value, adjoint = allowed(dtype, steps, inputs)
    except (OutOfRange, Undecided):
        assume(False)
    true_value, true_slopes = true(steps, inputs)
    assert value.overlaps(true_value)
    assert all(ball.overlaps(slope) for ball, slope in zip(adjoint, true_slopes, strict=True))
    for turn in range(3):
        result, gradient = in_floats(steps, inputs, random.Random(order + turn))
        assert near(result, true_value, value), (float(result), true_value, value)
        for number, slope, ball in zip(gradient, true_slopes, adjoint, strict=True):
            assert near(number, slope, ball), (float(number), slope, ball)


def test_radii_say_something() -> None:
    """The error allowed to a well-conditioned computation is a few units in the last place, not more."""
    for dtype in DTYPES:
        value, adjoint = allowed(dtype, [("mul", (0, 1)), ("exp", (2,)), ("sin", (3,)), ("add", (4, 0))], [0.5, 0.75])
        for ball in (value, *adjoint):
            assert 0 < ball.rad() < 64 * arb(2) ** -BITS[dtype]


# --- whole programs of the table


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_truth_lies_within_the_radius(dtype: str) -> None:
    """For values and gradients of every operator, the ball at the engine's precision holds the truth."""
    compared = exact = 0
    for seed in range(4 * len(NAMES)):
        program = small(seed)
        instructions = (*program.instructions, *gradients(program))
        try:
            with precision(BITS[dtype]):
                _, rounded = enclosing.played(instructions, enclosing.Rounded(dtype))
        except Undecided:  # a kink within rounding
            continue
        with precision(TRUE_BITS):
            _, truths = enclosing.played(instructions, enclosing.Truth())
        assert truths.keys() == rounded.keys()
        pairs = [pair for name in truths for pair in zip(truths[name].flat, rounded[name].flat, strict=True)]
        assert all(ball.overlaps(truth) and truth.rad() < arb(2) ** -200 for truth, ball in pairs), program
        compared += 1
        exact += sum(ball.is_exact() for _, ball in pairs)
    assert compared > 3.9 * len(NAMES)
    assert exact > compared


# --- what is exact


small_integers = st.integers(-30, 30)


@relaxed
@given(st.lists(small_integers, min_size=3, max_size=5))
def test_small_integers_are_exact(values: list[int]) -> None:
    """Sums, products and their gradients have no radius, and are the integers that they should be."""
    for dtype in DTYPES:
        with precision(BITS[dtype]):
            tape = Tape(dtype)
            parts = [tape.number(value) for value in values]
            output = functions.total([part * part for part in parts]) * parts[0]
            found = adjoints([(output, tape.number(1))], parts)
            squares = sum(value * value for value in values)
            wanted = [2 * value * values[0] for value in values]
            wanted[0] += squares
            assert output.value == squares * values[0]
            assert [it.value for it in found if it is not None] == wanted


def test_a_library_may_be_right() -> None:
    """A function's value that is exact is expected exactly: 1 for exp(0)."""
    tape = Tape("float64")
    x = tape.number(0)
    assert [functions.exp(x).value, functions.sin(x).value, functions.sqrt(tape.number(4)).value] == [1, 0, 2]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float64", (2.0**53, 1.0, 1.0)),
        ("float64", (1e16, 1.0, -1e16)),
        ("float64", (2.0**53, 1.0, -(2.0**53))),
        ("float32", (2.0**24, 1.0, 1.0)),
        ("float64", (0.1, 0.2, 0.3)),
    ],
)
def test_sums_whose_order_matters_have_a_radius(dtype: str, values: tuple[float, ...]) -> None:
    """Where one order rounds, another result is allowed, whichever order is asked."""
    results = {float(np.dtype(dtype).type(p + q) + r) for p, q, r in permutations(map(np.dtype(dtype).type, values))}
    assert len(results) > 1
    for order in permutations(values):
        with precision(BITS[dtype]):
            ball = summed([arb(value) for value in order], BITS[dtype])
        assert not ball.is_exact()
        assert all(near(result, exact_sum(values), ball) for result in results)


@pytest.mark.parametrize("values", [(1.0, 2.0, -3.0), (2.0**52, 1.0, -1.0), (0.5, 0.0, 2.0**-50), (0.0, 0.0, 0.0)])
def test_sums_that_are_exact_in_every_order_have_none(values: tuple[float, ...]) -> None:
    """All partial sums fit: there is nothing to round."""
    for order in permutations(values):
        ball = summed([arb(value) for value in order], 53)
        assert ball.is_exact()
        assert ball == sum(values)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(-(2.0**20), 2.0**20, width=32), min_size=0, max_size=6), st.randoms(use_true_random=False))
def test_sums_in_every_order(values: list[float], rng: random.Random) -> None:
    """Terms in any order, added one by one or in pairs, stay within twice the radius."""
    for dtype in DTYPES:
        with precision(BITS[dtype]):
            ball = summed([arb(value) for value in values], BITS[dtype])
        truth = exact_sum(values)
        for _ in range(8):
            parts = [np.dtype(dtype).type(value) for value in values] or [np.dtype(dtype).type(0)]
            while len(parts) > 1:  # a random tree of additions
                a, b = (parts.pop(rng.randrange(len(parts))) for _ in range(2))
                parts.append(a + b)
            assert near(parts[0], truth, ball), (values, parts, ball)


def test_sums_of_balls() -> None:
    """Radii of terms add up, however few or many these are."""
    for terms in (1, 2, 3, 5):
        ball = summed([arb(1, 0.25)] * terms, 53)
        assert ball.contains(arb(terms, 0.2499 * terms))
        assert ball.rad() < 0.2501 * terms


# --- what is allowed, and what is not


def radius(function: Callable[[Any], Any], point: float, dtype: str = "float64") -> tuple[arb, arb]:
    """The balls of a function's value and slope."""
    with precision(BITS[dtype]):
        tape = Tape(dtype)
        x = tape.number(point)
        y = function(x)
        [slope] = adjoints([(y, tape.number(1))], [x])
        assert slope is not None
        return y.value, slope.value


@pytest.mark.parametrize(
    "name", ["exp", "log", "sin", "cos", "tanh", "atan", "sigmoid", "sqrt", "log1p", "sinh", "cosh"]
)
@pytest.mark.parametrize("point", [0.3, 1.7, 3.9])
def test_a_library_may_err_a_little(name: str, point: float) -> None:
    """A result two units off is right, one that is off by 1e-12 of itself is not, nor is a slope that is off by 1e-8."""
    function = getattr(functions, name)
    value, slope = radius(function, point)
    with precision(TRUE_BITS):
        [x], level = numbers.seeds([np.array([arb(point)], dtype=object)])
        result = function(x[0])
        truths = (result.value, slopes(result, 1, level)[0])
    for ball, truth, off in zip((value, slope), truths, (1e-12, 1e-8), strict=True):
        rounded = float(truth.mid())
        assert near(np.nextafter(np.nextafter(rounded, 9), 9), truth, ball)
        assert not near(rounded * (1 + off), truth, ball)
        assert not near(rounded * (1 - off), truth, ball)


def test_a_slope_may_come_by_another_formula() -> None:
    """Twice 4 units are allowed to a value of a library, and to a slope twice 4 more."""
    unit = 2.0**-52
    value, slope = radius(functions.exp, 0.5)
    with precision(TRUE_BITS):
        truth = arb(0.5).exp()
    rounded = float(truth.mid())
    allowed_units = [
        [units for units in (7, 11, 14, 19) if near(rounded * (1 + units * unit), truth, it)] for it in (value, slope)
    ]
    assert allowed_units == [[7], [7, 11, 14]]


def test_single_precision_has_larger_units() -> None:
    """In float32 an error of 1e-7 is allowed and one of 1e-4 is not."""
    value, _ = radius(functions.exp, 0.5, "float32")
    with precision(TRUE_BITS):
        truth = arb(0.5).exp()
    assert near(float(truth) * (1 + 1e-7), truth, value)
    assert not near(float(truth) * (1 + 1e-4), truth, value)


def test_cancellation_widens_what_is_allowed() -> None:
    """What is left of a difference of nearly equal numbers may be off by units of these; of exact ones it may not."""
    with precision(53):
        tape = Tape("float64")
        x = tape.number(1e-9)
        rest = functions.exp(x) - 1
        assert rest.value.rad() > 1e-16
        assert rest.value.rad() < 1e-14
        assert (tape.number(1.5) - tape.number(1.25)).value.is_exact()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=6), st.sampled_from([0.0, 1.0, 1000.0]))
def test_variance_by_one_pass_or_two(values: list[float], offset: float) -> None:
    """Updating mean and squares in one pass rounds as large numbers do as taking the distances from the mean afterwards."""
    for dtype in DTYPES:
        given_ = [np.dtype(dtype).type(value + offset) for value in values]
        with precision(BITS[dtype]):
            tape = Tape(dtype)
            try:
                ball = OPERATORS["var"].forward(np.array([tape.number(float(x)) for x in given_], dtype=object)).value
            except OutOfRange:
                continue
        with precision(TRUE_BITS):
            points = [arb(float(x)) for x in given_]
            middle = sum(points, arb(0)) / len(points)
            truth = sum(((x - middle) ** 2 for x in points), arb(0)) / len(points)
        distances = [x - sum(given_, given_[0] * 0) / len(given_) for x in given_]
        two = sum(d * d for d in distances) / len(given_)
        mean, squares = given_[0] * 0, given_[0] * 0
        for count, x in enumerate(given_, 1):
            step = x - mean
            mean = mean + step / count
            squares = squares + step * (x - mean)
        assert near(two, truth, ball)
        assert near(squares / len(given_), truth, ball)


def test_numbers_do_not_wait_for_the_garbage_collector() -> None:
    """What a sweep leaves behind holds itself in no circle; thousands of programs a second would pay for it."""
    gc.collect()
    gc.disable()
    try:
        radius(lambda x: functions.exp(x) * x / (x + 1) + functions.total([x, x, x]), 0.5)
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- what is not asked


def test_what_nobody_asks_for_is_not_computed() -> None:
    """A constant's contribution may leave the range; it counts only where the derivative by the constant is asked for."""
    tape = Tape("float32")
    x, constant, cotangent = tape.number(1e30), tape.number(2.0**-99), tape.number(1e10)
    [slope] = adjoints([(x * constant, cotangent)], [x])
    assert slope is not None
    assert slope.value.overlaps(cotangent.value * 2.0**-99)
    with pytest.raises(OutOfRange):
        adjoints([(x * constant, cotangent)], [x, constant])


def far(tape: Tape) -> Traced:
    """The exponential of a number that is known to within 5 only, beyond anything."""
    number: Traced = functions.exp(functions.exp(tape.number(10)) * tape.number(100))
    return number


LARGE: Final[list[tuple[str, Callable[[Tape], Traced]]]] = [
    ("float64", lambda tape: functions.exp(tape.number(800))),
    ("float64", lambda tape: functions.exp(tape.number(10**6))),
    ("float32", lambda tape: functions.exp(tape.number(100))),
    ("float32", lambda tape: tape.number(1e30) * tape.number(1e30)),
    ("float32", lambda tape: tape.number(1e30) / tape.number(2.0**-60)),
    ("float32", lambda tape: tape.number(3e38) + tape.number(3e38)),
    ("float64", lambda tape: functions.total([tape.number(1.5e308)] * 3)),
    ("float32", lambda tape: tape.number(-1e39)),
    ("float32", far),
]


@pytest.mark.parametrize(("dtype", "compute"), LARGE, ids=range(len(LARGE)))
def test_numbers_beyond_the_range(dtype: str, compute: Callable[[Tape], Traced]) -> None:
    """What happens after an overflow is another question."""
    with precision(BITS[dtype]), pytest.raises(OutOfRange):
        compute(Tape(dtype))


TINY: Final[list[tuple[str, float, Callable[[Tape], Traced]]]] = [
    ("float64", math.exp(-740), lambda tape: functions.exp(tape.number(-740))),
    ("float32", 1e-42, lambda tape: tape.number(1e-20) * tape.number(1e-22)),
    ("float32", 1e-60, lambda tape: tape.number(1e-30) * tape.number(1e-30)),
    ("float32", 1e-40, lambda tape: tape.number(1e-40)),
    ("float64", -1e-310, lambda tape: tape.number(-1e-155) / tape.number(1e155)),
]


@pytest.mark.parametrize(("dtype", "truth", "compute"), TINY, ids=range(len(TINY)))
def test_numbers_below_the_normal_range(dtype: str, truth: float, compute: Callable[[Tape], Traced]) -> None:
    """An engine may keep them, round them to few bits or to 0; what is as large as a normal number is still wrong."""
    with precision(BITS[dtype]):
        ball = compute(Tape(dtype)).value
    assert ball.contains(0)
    assert ball.overlaps(arb(truth, 1e-6 * abs(truth)))
    least = np.finfo(dtype).tiny
    assert not ball.contains(4 * float(least))
    assert not ball.contains(-4 * float(least))


def test_gradients_beyond_the_range() -> None:
    """A gradient may overflow though the value does not."""
    with precision(53):
        tape = Tape("float64")
        x = tape.number(1e-200)
        y = tape.number(1) / x
        with pytest.raises(OutOfRange):
            adjoints([(y, tape.number(1))], [x])


def test_the_ends_of_the_range() -> None:
    """0 and the ends of the normal range are exact numbers like others."""
    for dtype in DTYPES:
        ends = (0.0, float(np.finfo(dtype).tiny), -(2.0 ** (np.finfo(dtype).maxexp - 1)))
        assert [Tape(dtype).number(x).value for x in ends] == list(ends)


def test_a_product_that_can_not_be_divided_again() -> None:
    """Engines that divide a product by a factor get nothing of use from one that vanished; a factor 0 is seen before."""
    with precision(24):
        tape = Tape("float32")
        with pytest.raises(OutOfRange):
            functions.product([tape.number(1e-30), tape.number(1e-30)])
        factors = [tape.number(x) for x in (0, 3, 5)]
        found = adjoints([(functions.product(factors), tape.number(2))], factors)
        assert [it.value for it in found if it is not None] == [30, 0, 0]


@pytest.mark.parametrize(
    "compute",
    [
        lambda x, tape: tape.number(1) / x,
        lambda x, tape: 1 / x,
        lambda x, tape: numbers.reciprocal(x),
        lambda x, tape: functions.log(x),
        lambda x, tape: functions.power(x, fmpq(-2)),
        lambda x, tape: functions.compared(
            np.array([x], dtype=object), np.array([fmpq(0)], dtype=object), lambda a, b: a > b
        ),
    ],
    ids=range(6),
)
def test_a_division_by_what_may_be_0(compute: Callable[[Any, Tape], Any]) -> None:
    """Where a ball around 0 is divided by, or compared with it, nothing is known."""
    tape = Tape("float64")
    x = Traced(tape, arb(1e-20, 1e-18), (), ())
    with pytest.raises(Undecided):
        compute(x, tape)


# --- the sweep


def test_nothing_flows_to_what_is_not_read() -> None:
    """An input that no output depends on has no cotangent; without outputs none has."""
    tape = Tape("float64")
    x, y = tape.number(2), tape.number(3)
    [by_x, by_y] = adjoints([(x * x, tape.number(1))], [x, y])
    assert by_x is not None
    assert by_x.value == 4
    assert by_y is None
    assert adjoints([], [x]) == [None]


def test_cotangents_weigh_outputs() -> None:
    """Several outputs add up, one of them twice; an output that is an input gets its own cotangent, and more."""
    tape = Tape("float64")
    x, y = tape.number(2), tape.number(3)
    product = x * y
    outputs = [
        (product, tape.number(5)),
        (product, tape.number(1)),
        (x, tape.number(7)),
        (product + x, tape.number(10)),
    ]
    found = adjoints(outputs, [x, y, product])
    assert [it.value for it in found if it is not None] == [3 * 16 + 7 + 10, 2 * 16, 16]


SECOND: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "x**3 y": lambda x, y: x * x * x * y,
    "tanh(x y)": lambda x, y: functions.tanh(x * y),
    "x / y": lambda x, y: x / y,
    "sin(x) exp(y)": lambda x, y: functions.sin(x) * functions.exp(y),
    "log(x) sqrt(y)": lambda x, y: functions.log(x) * functions.sqrt(y),
    "x ** -3/2 + y**3": lambda x, y: functions.power(x, fmpq(-3, 2)) + functions.power(y, fmpq(3)) * x,
    "a total": lambda x, y: functions.total([x * y, x, y * y, functions.exp(x)]),
    "the greatest": lambda x, y: functions.greatest([x * x, y * y]) * x,
    "sigmoid(x) atan(y)": lambda x, y: functions.sigmoid(x) * functions.atan(y),
}


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_second_sweep_over_the_tape_of_the_first(name: str, dtype: str) -> None:
    """The gradient of 2 df/dx + 3 df/dy holds the truth of forward mode, and is as sharp as rounding is."""
    function, points, weights = SECOND[name], (0.7, 1.3), (2, 3)
    with precision(BITS[dtype]):
        tape = Tape(dtype)
        inputs = [tape.number(np.float32(point).item()) for point in points]
        first = adjoints([(function(*inputs), tape.number(1))], inputs)
        slope = functions.total([it * weight for it, weight in zip(first, weights, strict=True) if it is not None])
        second = adjoints([(slope, tape.number(1))], inputs)
    with precision(TRUE_BITS):
        exact = np.array([arb(np.float32(point).item()) for point in points], dtype=object)
        [outer], high = numbers.seeds([exact])
        [inner], low = numbers.seeds([outer])
        parts = slopes(function(*inner), 2, low)
        truth = functions.total(slope * weight for slope, weight in zip(parts, weights, strict=True))
        wanted = [arb(numbers.plain(it)) for it in slopes(truth, 2, high)]
    for found, true_ in zip(second, wanted, strict=True):
        assert found is not None
        assert found.value.overlaps(true_)
        assert found.value.rad() < 300 * arb(2) ** -BITS[dtype] * (1 + abs(true_))
