"""The generator of functional programs: what it draws, that right engines agree with it, and that wrong ones do not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from conformance.adapter import load, resolve
from conformance.execution import Engine
from conformance.generation.enclosing import write
from conformance.generation.functional import KINDS, generate
from conformance.generation.sketch import Sketch, Unwritable
from conformance.operators.table import OPERATORS
from conformance.program import Instruction, Program, Scalar
from tests.fuzz_functional import fuzz, sketch

OFFERED = frozenset(load("torch").spellings)
DTYPES = ("float32", "float64")


def sketches(kind: str, count: int, offered: frozenset[str] = OFFERED, dtype: str = "float64") -> list[Sketch]:
    """The first programs of a kind."""
    return [sketch(number, 1, dtype, kind, offered) for number in range(count)]


def applied(made: Sketch) -> Iterator[Instruction]:
    """The operators of a sketch, those in loops too."""
    return (it for _, it in Program(made.dtype, made.instructions).walk() if it.verb == "apply")


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_is_a_function_of_the_seed(kind: str) -> None:
    """The same state of the generator draws the same program, another state another one."""
    twice = [generate(random.Random(7), "float64", kind, OFFERED) for _ in range(2)]
    assert twice[0] == twice[1]
    assert twice[0].kinds == twice[1].kinds
    assert generate(random.Random(8), "float64", kind, OFFERED) != twice[0]


def test_every_operator_is_drawn() -> None:
    """Within four hundred programs of any kind that rounds, every operator of the table occurs."""
    for kind in ("benign", "mixed", "special", "deep"):
        seen = Counter(it.options["operator"] for made in sketches(kind, 400) for it in applied(made))
        assert set(OPERATORS) == set(seen), kind


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_offered_is_not_drawn(kind: str) -> None:
    """An engine of three operators gets programs of these three; without a way to a second order there is none."""
    few = frozenset({"add", "mul", "sum", "leaf", "constant", "backward", "grad_of"})
    for made in sketches(kind, 40, few):
        assert {it.options["operator"] for it in applied(made)} <= few
        assert {it.verb for it in made.instructions} <= {"leaf", "apply", "gradients", "repeat"}


# Marks that a sketch bears -> a kind of programs that has them.
MARKS = {
    **dict.fromkeys(
        ("0-d", "4-d", "size 0", "cotangent", "dead end", "several roots", "loop", "branch", "detach"), "benign"
    ),
    **dict.fromkeys(("zero", "negative zero", "large", "subnormal", "tie", "kink"), "special"),
    "second order": "second",
}


@pytest.mark.parametrize("mark", MARKS)
def test_every_feature_is_drawn(mark: str) -> None:
    """Within three hundred programs of its kind every feature occurs."""
    assert any(mark in made.kinds for made in sketches(MARKS[mark], 300))


def test_marks_say_what_is_there() -> None:
    """Shapes, numbers, loops and second orders are in the programs whose marks name them."""
    for made in sketches("special", 150) + sketches("second", 50):
        leaves = [it.options["value"] for it in made.instructions if it.verb == "leaf"]
        texts = [text for value in leaves for text in value["values"]]
        verbs = {it.verb for it in made.instructions}
        assert ("negative zero" not in made.kinds) or "-0" in texts
        assert ("0-d" not in made.kinds) or any(value["shape"] == [] for value in leaves)
        assert ("4-d" not in made.kinds) or any(len(value["shape"]) == 4 for value in leaves)
        assert ("loop" in made.kinds) == ("repeat" in verbs)
        assert ("second order" in made.kinds) == ("grad" in verbs)


def test_operands_are_shared_repeated_and_numbers() -> None:
    """Values are used several times, twice by one operator, and with Python numbers on either side."""
    seen = Counter[str]()
    for made in sketches("benign", 200):
        names = Counter(arg for it in applied(made) for arg in it.args if isinstance(arg, str))
        seen["shared"] += max(names.values()) > 1
        for it in applied(made):
            if len(it.args) == 2:
                seen["twice"] += it.args[0] == it.args[1]
                seen["number first"] += isinstance(it.args[0], Scalar)
                seen["number second"] += isinstance(it.args[1], Scalar)
    assert min(seen[what] for what in ("shared", "twice", "number first", "number second")) > 5


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_programs_allow_no_error(dtype: str) -> None:
    """Of a program of small dyadic numbers every root and gradient is known to the bit."""
    for made in sketches("exact", 300, dtype=dtype):
        for it in write(made).instructions:
            if it.verb == "expect":
                assert set(it.options["value"]["allowed"]) <= {"0.0"}


def test_constants_and_leaves_fit_the_dtype() -> None:
    """Every number of a program is held by its dtype, so that no engine rounds what it is given."""
    for made in sketches("special", 100, dtype="float32") + sketches("mixed", 100, dtype="float32"):
        for it in made.instructions:
            for text in it.options["value"]["values"] if it.verb == "leaf" else ():
                p, _, q = text.partition("/")
                assert float(np.float32(int(p) / int(q or 1))) == int(p) / int(q or 1)


@pytest.fixture(scope="module")
def torch() -> Iterator[Engine]:
    """An engine that is right."""
    with Engine(load("torch")) as engine:
        yield engine


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_torch_agrees(torch: Engine, kind: str, dtype: str) -> None:
    """No alarm in a hundred programs of each kind, and of nine in ten much can be said."""
    tally = fuzz(torch, dtype, kind, range(100), seed=3)
    assert not tally.alarms
    assert tally.undecided() < 0.1
    assert tally.numbers["exact"] > 0
    assert kind == "exact" or tally.numbers["pass"] > 0


# Mutants of the reference engine that a program with one backward can show.
MUTANTS = (
    "mul_counts_one_use",
    "mean_forgets_to_divide",
    "mm_forgets_to_transpose",
    "mm_forgets_to_transpose_the_left",
    "functions_pass_the_cotangent_on",
    "reflected_subtraction_keeps_the_sign",
    "index_scatters_to_the_first",
    "broadcast_averages",
    "contributions_keep_the_last",
    "third_contribution_is_dropped",
    "places_run_when_first_reached",
    "difference_with_itself_counts_once",
    "repeated_indices_count_once",
    "only_leading_axes_are_summed",
    "negation_forgets_the_sign",
)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_engine_is_caught(mutant: str) -> None:
    """A planted fault shows within so many programs as a wrong value, whatever else it breaks."""
    with Engine(resolve(f"reference,mutant={mutant}")) as engine:
        for start in range(0, 400, 40):
            for kind in ("exact", "benign"):
                if fuzz(engine, "float64", kind, range(start, start + 40), seed=1).programs["fail"]:
                    return
    pytest.fail(f"{mutant} lives")


def test_a_saved_factor_that_is_detached_shows_in_the_second_order() -> None:
    """What is wrong in a recorded backward alone is caught by programs that differentiate twice."""
    with Engine(resolve("reference,mutant=saved_operand_is_detached")) as engine:
        assert fuzz(engine, "float64", "benign", range(40), seed=1).programs["fail"] == 0
        assert fuzz(engine, "float64", "second", range(40), seed=1).programs["fail"] > 0


def test_few_programs_are_unwritable() -> None:
    """The generator knows where operators are defined: the model can say something of nearly every program."""
    lost = 0
    for made in sketches("mixed", 200, dtype="float32"):
        try:
            write(made)
        except Unwritable:
            lost += 1
    assert lost <= 10
