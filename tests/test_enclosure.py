"""What comes of numbers that were enclosed: outcomes and errors worked out by hand, from single numbers to the judge's words."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import conformance
import implementations
import reports
from conformance.adapter import load
from conformance.enclosure import OUTCOMES, near, outcomes
from conformance.generation import enclosing, functional
from conformance.generation.sketch import Sketch, Unwritable
from conformance.judge import Judgement, judge
from conformance.program import Instruction, Program

Json = dict[str, Any]


def array(*values: str, shape: tuple[int, ...] | None = None, **more: Any) -> Json:
    return {"shape": list((len(values),) if shape is None else shape), "values": list(values), **more}


def wants(value: Json, observe: str = "tensor", relation: str = "near") -> Instruction:
    return Instruction(
        "expect", (), ("x",), {"observe": observe, "relation": relation, "value": value, "why": "because"}
    )


def reply(*observations: tuple[int, Json]) -> Json:
    return {
        "observations": [list(pair) for pair in observations],
        "failure": None,
        "declined": [],
        "leaks": [],
        "seconds": 0.0,
    }


def enclosure(*numbers: tuple[str, str], undecided: tuple[int, ...] = (), shape: tuple[int, ...] | None = None) -> Json:
    """Truths, each with what is allowed to it."""
    more: Json = {"undecided": list(undecided)} if undecided else {}
    return array(*[truth for truth, _ in numbers], shape=shape, allowed=[allowed for _, allowed in numbers], **more)


# --- one number

# The truth, what is allowed, what was seen, what comes of it, and the error as a part of what is accepted, twice what is allowed.
NUMBERS: Final = [
    ("1/3", "0.25", "0.5", "too wide", 1 / 3),
    ("1024", "0.5", "1024.0", "pass", 0.0),
    ("1024", "0.5", "1024.25", "pass", 0.25),
    ("1024", "0.5", "1023.5", "pass", 0.5),
    ("1024", "0.5", "1025.0", "pass", 1.0),
    ("1024", "0.5", "1025.0000000000002", "fail", 1.0000000000002274),
    ("-1024", "0.5", "-1026.0", "fail", 2.0),
    ("-1024", "0.5", "1024.0", "fail", 2048.0),
    ("1024.000000000000000000000000000000000000", "0.5", "1024.5", "pass", 0.5),
    ("1000", "1.0", "1001.0", "pass", 0.5),
    ("1000", "1.0000001", "1000.0", "too wide", 0.0),
    ("-8", "1.0", "-7.5", "too wide", 0.25),
    ("0", "1e-300", "0.0", "too wide", 0.0),
    ("0", "0.0", "0.0", "exact", 0.0),
    ("0", "0.0", "-0.0", "exact", 0.0),
    ("0", "0.0", "5e-324", "fail", math.inf),
    ("3", "0.0", "3.0", "exact", 0.0),
    ("3", "0.0", "3", "exact", 0.0),
    ("3", "0.0", "3.0000000000000004", "fail", math.inf),
    ("-7/4", "0.0", "-1.75", "exact", 0.0),
    ("1/3", "0.0", "0.3333333333333333", "fail", math.inf),
    ("3", "0.5", "nan", "fail", math.inf),
    ("3", "0.5", "inf", "fail", math.inf),
    ("3", "1e308", "-inf", "fail", math.inf),
    ("1e30", "0.0001", "1e30", "fail", 19884624838656 / 0.0002),  # how far the float is from 10**30
]


@pytest.mark.parametrize(("truth", "allowed", "seen", "outcome", "ratio"), NUMBERS, ids=range(len(NUMBERS)))
def test_one_number(truth: str, allowed: str, seen: str, outcome: str, ratio: float) -> None:
    """Outcome and figure; the relation holds unless the outcome is a failure."""
    wanted = enclosure((truth, allowed))
    [(found, figure)] = outcomes(array(seen), wanted, "float64")
    assert found == outcome
    assert found in OUTCOMES
    assert figure == ratio or abs(figure - ratio) < 2**-40 * ratio
    assert near(array(seen), wanted, "float64") is (outcome != "fail")


@settings(deadline=None)
@given(st.integers(-(2**20), 2**20), st.integers(1, 2**10), st.integers(-(2**12), 2**12))
def test_the_figure_is_the_error_over_twice_what_is_allowed(truth: int, allowed: int, off: int) -> None:
    """In sixteenths, where floats are exact; what is equal to twice the allowed error is accepted."""
    [(outcome, figure)] = outcomes(
        array(repr((truth + off) / 16)), enclosure((f"{truth}/16", repr(allowed / 16))), None
    )
    assert (outcome == "fail") is (abs(off) > 2 * allowed)
    assert abs(figure - abs(off) / (2 * allowed)) <= 2**-40 * figure
    if outcome != "fail":
        assert outcome == ("too wide" if allowed * 1000 > abs(truth) else "pass")


def test_undecided_numbers() -> None:
    """A number at a kink within what is allowed is undecided, and beyond it wrong; its neighbours are what they are."""
    wanted = enclosure(("1024", "0.5"), ("0", "2.0"), ("0", "2.0"), ("3", "0.0"), undecided=(1, 2))
    found = [outcome for outcome, _ in outcomes(array("1024", "1", "5", "3"), wanted, None)]
    assert found == ["pass", "undecided", "fail", "exact"]


# --- arrays


@pytest.mark.parametrize(
    ("seen", "dtype"),
    [
        (array("1", "2", shape=(1, 2)), None),
        (array("1", "2", shape=(2, 1)), None),
        (array("1"), None),
        (array("1", shape=(2,)), None),
        (array("1", "2", "3", shape=(2,)), None),
        (array("1", "2", dtype="float32"), "float64"),
        (array("1", "2", dtype="float64"), "float32"),
        ({"absent": True}, "float64"),
        ({}, None),
        ({"outcome": "refused"}, None),
    ],
    ids=range(10),
)
def test_another_shape_or_dtype_is_one_failure(seen: Json, dtype: str | None) -> None:
    """However near the numbers are."""
    wanted = enclosure(("1", "0.5"), ("2", "0.5"))
    assert list(outcomes(seen, wanted, dtype)) == [("fail", math.inf)]
    assert not near(seen, wanted, dtype)


def test_dtypes_that_agree_or_are_not_shown() -> None:
    """An engine that shows no dtype is not asked for it, nor is anything compared with none."""
    wanted = enclosure(("1", "0.5"))
    for seen, dtype in (
        (array("1"), "float32"),
        (array("1", dtype="float32"), "float32"),
        (array("1", dtype="int8"), None),
    ):
        assert near(seen, wanted, dtype)


def test_every_number_counts() -> None:
    """One that is wrong is enough, wherever it stands; no numbers are right."""
    wanted = enclosure(*[("1024", "0.5")] * 3)
    assert near(array("1024", "1024.5", "1023.5"), wanted, None)
    for position in range(3):
        values = ["1024"] * 3
        values[position] = "1026"
        assert not near(array(*values), wanted, None)
    assert near(array(shape=(0,)), enclosure(shape=(0,)), None)
    assert near(array("5", shape=()), enclosure(("5", "0.0"), shape=()), None)


def test_single_precision_values() -> None:
    """What a float32 prints stands for itself, not for the decimal: 0.1f is 1.5e-9 away from 1/10."""
    seen = array(repr(float(np.float32(0.1))), dtype="float32")
    [(outcome, figure)] = outcomes(seen, enclosure(("1/10", "1e-8")), "float32")
    assert outcome == "pass"
    assert 0.0745 < figure < 0.0746
    assert not near(seen, enclosure(("1/10", "7e-10")), "float32")


# --- the judge


WANTED: Final = enclosure(("1024", "0.5"), ("3", "0.0"))


def judged(*seen: str, wanted: Json = WANTED, dtype: str = "float64") -> Judgement:
    return judge(Program(dtype, (wants(wanted),)), reply((0, array(*seen, dtype=dtype))))


def test_the_judge_hands_on_the_outcomes() -> None:
    """One for each number, in their order, whether or not all is well."""
    assert judged("1024.5", "3").outcomes == (("pass", 0.5), ("exact", 0.0))
    assert judged("1024.5", "3").finding is None
    assert judged("1027", "3").outcomes == (("fail", 3.0), ("exact", 0.0))
    assert judged("1027", "3").compared == 1


def test_what_the_judge_says_of_a_number_that_is_too_far_off() -> None:
    """Truths, how near each has to be, and what was seen."""
    finding = judged("1027", "3").finding
    assert finding is not None
    assert (finding.verdict, finding.at) == ("fail", 0)
    assert finding.message == "x is not what the specification says"
    assert finding.expected == "[1024. 3.], each within [1. 0.]"
    assert finding.got == "[1027. 3.]"


def test_the_judge_stops_at_the_first_failure() -> None:
    """Outcomes of several expectations follow one another, up to the one that fails; other relations have none."""
    small = enclosure(("5", "0.0"))
    expectations = (wants(WANTED), wants(array("7"), relation="equals"), wants(small))
    program = Program("float64", (*expectations, wants(small)))
    seen = [(0, array("1024", "3")), (1, array("7")), (2, array("6")), (3, array("5"))]
    judgement = judge(program, reply(*seen))
    assert judgement.outcomes == (("pass", 0.0), ("exact", 0.0), ("fail", math.inf))
    assert judgement.compared == 3
    assert judgement.finding is not None
    assert judgement.finding.at == 2


def test_the_judge_names_another_dtype() -> None:
    """A right value of the wrong dtype says which."""
    program = Program("float64", (wants(WANTED),))
    finding = judge(program, reply((0, array("1024", "3", dtype="float32")))).finding
    assert finding is not None
    assert "float32" in finding.got


def test_no_gradient_is_not_near() -> None:
    """An engine that leaves a gradient out fails, and the judge says so."""
    finding = judge(Program("float64", (wants(WANTED, "grad"),)), reply((0, {"absent": True}))).finding
    assert finding is not None
    assert finding.got == "no gradient"


# --- nothing else decides what is near


def test_nothing_is_declared_to_be_near() -> None:
    """No table holds a tolerance, nor a word for one (of code, test_specification.py says the same): rounding alone decides.

    Tests of engines may compare two of them by a tolerance: what they say is of these engines, not of the specification.
    """
    words = re.compile(r"\b(rtol|atol|allclose|isclose|approx|toleran\w*)\b|\bassert_almost", re.IGNORECASE)
    packages = [Path(next(iter(package.__path__))) for package in (conformance, implementations, reports)]
    tables = [path for package in packages for path in package.rglob("*.toml")]
    assert len(tables) > 20
    assert [str(path) for path in tables if words.search(path.read_text(encoding="utf-8"))] == []


# --- programs that expect enclosures


def sketch(dtype: str, *values: str) -> Sketch:
    """The gradient of sum(exp(x) * x)."""
    x = {"value": {"shape": [len(values)], "values": list(values)}, "requires_grad": True}
    return Sketch(
        dtype,
        (
            Instruction("leaf", ("x",), (), x),
            Instruction("apply", ("a",), ("x",), {"operator": "exp"}),
            Instruction("apply", ("b",), ("a", "x"), {"operator": "mul"}),
            Instruction("apply", ("y",), ("b",), {"operator": "sum"}),
            Instruction("grad", ("g",), ("y", "x"), {}),
        ),
    )


def expectations(program: Program) -> dict[str, tuple[int, Json]]:
    return {str(it.args[0]): (i, dict(it.options["value"])) for i, it in program.walk() if it.verb == "expect"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_programs_survive_json(dtype: str) -> None:
    """A program that expects enclosures is the same after it was written and read, and judges the same."""
    program = enclosing.write(sketch(dtype, "1/2", "-3/4", "0"))
    back = Program.from_json(json.loads(json.dumps(program.to_json())))
    assert back.to_json() == program.to_json()
    assert back == program
    assert set(expectations(back)) == {"y", "g"}
    x = np.array([0.5, -0.75, 0], dtype=dtype)
    right = {"y": np.sum(np.exp(x) * x), "g": np.exp(x) * x + np.exp(x)}
    for factor, verdict in ((1, None), (1 + 2**-15, "fail")):
        seen = [
            (at, array(*[repr(float(n)) for n in np.ravel(right[name] * factor)], shape=right[name].shape, dtype=dtype))
            for name, (at, _) in expectations(back).items()
        ]
        finding = judge(back, reply(*seen)).finding
        assert (finding.verdict if finding else None) == verdict


def test_what_is_written_of_exact_numbers() -> None:
    """Where rounding does nothing, the truth is a rational and nothing is allowed; elsewhere it has its many digits."""
    _, gradient = expectations(enclosing.write(sketch("float64", "1", "0")))["g"]
    assert (gradient["values"][1], float(gradient["allowed"][1])) == ("1", 0.0)
    digits, allowed = gradient["values"][0], float(gradient["allowed"][0])
    assert abs(fmpq(int(digits.replace(".", "")), 10 ** len(digits.partition(".")[2])) - fmpq(543656, 10**5)) < fmpq(
        1, 10**5
    )
    assert len(digits) > 35
    assert 2**-54 < allowed < 2**-45


def test_what_is_not_written() -> None:
    """Of a program that leaves the range of its dtype, or differentiates nothing, nothing is expected."""
    with pytest.raises(Unwritable, match="range"):
        enclosing.write(sketch("float32", "200"))
    enclosing.write(sketch("float64", "200"))
    with pytest.raises(Unwritable, match="nothing"):
        enclosing.write(Sketch("float64", sketch("float64", "1").instructions[:-1]))


@pytest.mark.parametrize("kind", functional.KINDS)
def test_all_that_is_drawn_is_written(kind: str) -> None:
    """What a rule cannot play is left out of a program, so that candidates may be cut at will; of a drawn one nothing is."""
    offered, lost = load("torch").offers, set[str]()
    for seed in range(20):
        drawn = functional.generate(random.Random(f"{kind} {seed}"), "float64", kind, offered)
        try:
            program = enclosing.write(drawn)
        except Unwritable as reason:
            lost.add(str(reason))
            continue
        assert tuple(it for it in program.instructions if it.verb != "expect") == drawn.instructions
    assert lost <= {"out of range", "undecided"}
