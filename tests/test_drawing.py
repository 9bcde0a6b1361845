"""Which random program a case has at an index: of an engine that compiles, and beside a failure that is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from conformance import expectations
from conformance.adapter import load
from conformance.clause import Case, specification
from conformance.enclosure import outcomes
from conformance.errors import UsageError
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.expectations import Expectation
from conformance.gate import OPEN_OUTCOMES, decide
from conformance.generation.drawing import drawn, structure, varied
from conformance.generation.sketch import Sketch
from conformance.journal import Journal
from conformance.program import Instruction, Program
from implementations.mutants import FAULTS

REFERENCE: Final = load("reference")
OFFERED: Final = REFERENCE.offers
CASES: Final = {
    case.id: case for name in ("programs/functional", "programs/protocol") for case in specification()[name].cases()
}
MIXED: Final = CASES["programs/functional[mixed,float64]"]
# An operator whose derivative is 1 everywhere.
WRONG: Final = """
from implementations.reference import core
core.OPERATORS[{0!r}] = (core.OPERATORS[{0!r}][0], lambda g: g)
"""


def shape(made: Sketch) -> str:
    """A sketch without its numbers."""
    bare = {"shape": None, "values": None}
    parts = [
        replace(it, options={**it.options, "value": {**bare, "shape": it.options["value"]["shape"]}})
        if it.verb == "leaf"
        else it
        for it in made.instructions
    ]
    return str(parts)


def leaves(made: Sketch) -> list[list[str]]:
    """The numbers of a sketch."""
    return [it.options["value"]["values"] for it in made.instructions if it.verb == "leaf"]


def asked(case: Case, index: int) -> Sketch:
    """The sketch of an engine that compiles."""
    return drawn(case, index, 3, OFFERED, compiles=True)


@pytest.mark.parametrize("case", [MIXED, CASES["programs/functional[exact,float32]"]], ids=lambda case: case.id)
def test_most_programs_have_the_structure_of_an_earlier_one(case: Case) -> None:
    """A few indices bring a new structure; those after it have it with other numbers, whatever was drawn before."""
    made = {index: asked(case, index) for index in range(100)}
    assert [index for index in made if structure(index) == index] == [0, 8, 32, 72]
    assert all(shape(made[index]) == shape(made[structure(index)]) for index in made)
    assert len({shape(it) for it in made.values()}) == 4
    assert len({str(leaves(it)) for it in made.values()}) > 60
    assert all(asked(case, index) == made[index] for index in (72, 99, 5))


def test_other_engines_have_a_structure_each() -> None:
    """Without a compiler, no two programs are alike, and the first are those of the engines that have one."""
    made = [drawn(MIXED, index, 3, OFFERED, compiles=False) for index in range(33)]
    assert len({shape(it) for it in made}) == 33
    assert [made[index] == asked(MIXED, index) for index in (0, 8, 32)] == [True] * 3


def test_other_numbers_are_near() -> None:
    """A sign stays, special numbers do, what was equal is equal, and halves stay short."""
    texts = ["1/3", "1/3", "-5/7", "0", "-0", str(5 << 120), "-3/2", "2", "0"]
    leaf = Instruction("leaf", ("x",), (), {"value": {"shape": [9], "values": texts}, "requires_grad": True})
    for seed in range(20):
        (found,) = leaves(varied(Sketch("float64", (leaf,)), Random(seed)))
        assert {"0", "-0", str(5 << 120)} <= set(found)
        assert sum(text.startswith("-") for text in found) == 3
        assert sorted(map(found.count, set(found)))[-2:] == [2, 2]
        assert {"-3/4", "-3/2", "-3"} & set(found)
        assert {"1", "2", "4"} & set(found)


def test_much_can_be_said_of_structures() -> None:
    """Of every structure that is asked so often, nine tenths of the numbers are known well."""
    for case in CASES.values():
        if case.clause.id == "programs/functional":
            for index in (0, 8, 32, 72):
                assert case.clause.writer
                program = case.clause.writer(asked(case, index), OFFERED)
                found = [open_ for it in program.instructions if it.verb == "expect" for open_ in _open(it)]
                assert sum(found) <= len(found) / 10, (case.id, index)


def _open(it: Instruction) -> Iterator[bool]:
    """What the judge says of each number when it is the true one."""
    value = it.options["value"]
    right = [str(float(Fraction(text))) for text in value["values"]]
    for outcome, _ in outcomes({"values": right, "shape": value["shape"]}, value, None):
        yield outcome in OPEN_OUTCOMES


# --- beside an expected failure


VALUE: Final = {"shape": [1], "values": ["1"]}
TWO: Final = {"shape": [1], "values": ["2"]}
SQUARE: Final = Program(
    "float64",
    (
        Instruction("leaf", ("x",), (), {"value": VALUE, "requires_grad": True}),
        Instruction("apply", ("y",), ("x",), {"operator": "square"}),
        Instruction("apply", ("z",), ("y",), {"operator": "sum"}),
        Instruction("gradients", ("g",), ("z", "x"), {}),
        Instruction("expect", (), ("g",), {"observe": "tensor", "relation": "equals", "value": TWO, "why": "2x"}),
    ),
)
MODES: Final = CASES["programs/protocol[modes,float64]"]


def examined(*wrong: str, without: tuple[str, ...], case: Case = MIXED, index: int | None = None) -> dict[str, Any]:
    """The record of an engine with wrong operators, of which it is expected that the derivative of a square is wrong."""
    expectation = Expectation(case.id, "fail", "A square is wrong.", "fault", "nowhere", "", SQUARE, without)
    adapter = REFERENCE.patched("".join(map(WRONG.format, wrong)))
    with Engine(adapter) as engine:
        return examine(case, engine, Effort("gate", 0, index=index), expectation)


def exit_code(record: dict[str, Any]) -> int:
    """What the gate says of a record."""
    return decide(
        [Journal({"engine": {"name": "acme"}, "selected": 1}, (record,), {"counts": {record["verdict"]: 1}})]
    ).exit_code


def test_a_known_fault_leaves_the_others_to_be_asked() -> None:
    """The pinned witness fails as expected, and then a hundred programs without the operator pass: all is as expected."""
    record = examined("square", without=("square",))
    assert (record["verdict"], exit_code(record)) == ("fail", 0)
    assert record["expectation"]["without"] == ["square"]
    assert record["witness"]["instructions"][1]["options"]["operator"] == "square"
    assert record["generated"]["programs"] + sum(record["generated"]["unwritable"].values()) == 100
    assert "square" not in record["generated"]["operators"]


def test_without_it_nothing_is_drawn() -> None:
    """An expectation that names no operator is decided by its witness alone."""
    record = examined("square", "reciprocal", without=())
    assert (record["verdict"], exit_code(record), record["programs"]) == ("fail", 0, 1)


def test_another_fault_is_against_expectation() -> None:
    """What fails without the known operator is a failure of its own, with its own witness, that nobody expected."""
    record = examined("square", "reciprocal", without=("square",))
    assert (record["verdict"], exit_code(record)) == ("fail", 1)
    assert record["expectation"] is None
    operators = [it["options"].get("operator") for it in record["witness"]["instructions"]]
    assert "reciprocal" in operators
    assert "square" not in operators
    alone = examined("square", "reciprocal", without=("square",), index=record["index"])
    assert alone["witness"] == record["witness"]


def test_a_fault_that_was_mended_is_against_expectation() -> None:
    """A witness that passes decides, as ever."""
    record = examined(without=("square",))
    assert (record["verdict"], exit_code(record), record["programs"]) == ("pass", 1, 1)


def test_an_operator_that_is_not_named_is_drawn() -> None:
    """Programs drawn without another operator than the wrong one meet the known fault, which is then not expected."""
    assert exit_code(examined("square", without=("cos",))) == 1


def test_an_expectation_must_leave_something_to_draw() -> None:
    """A kind of programs without what is essential to it would be asked nothing: that is a mistake in the row."""
    record = examined("square", without=("no_grad",), case=MODES)
    assert (record["verdict"], exit_code(record)) == ("error", 3)
    assert record["message"] == "the expectation leaves nothing to judge: without no_grad there is no no_grad"


ROW: Final = """
[[cause]]
reason = "A square is wrong."
link = "nowhere"
[[cause.case]]
id = "{case}"
verdict = "fail"
without = {without}
{witness}
"""


@pytest.mark.parametrize(
    ("case", "without", "witness", "said"),
    [
        (MIXED.id, ["square"], True, ""),
        (MIXED.id, ["squares"], True, "without names 'squares', which no adapter spells"),
        (MIXED.id, ["square"], False, "a witness is needed"),
        ("zeroing/none_forgets[float64]", ["square"], True, "without is for a case of random programs"),
    ],
)
def test_rows_are_checked(case: str, without: list[str], witness: bool, said: str, tmp_path: Path) -> None:
    """Only keys may be named, and only where programs are drawn."""
    pinned = f"witness = '{json.dumps(SQUARE.to_json())}'" if witness else ""
    text = ROW.format(case=case, without=json.dumps(without), witness=pinned)
    (tmp_path / "acme.toml").write_text(text, encoding="utf-8")
    if not said:
        assert expectations.load("acme", tmp_path)[case].without == ("square",)
        return
    with pytest.raises(UsageError, match=said):
        expectations.load("acme", tmp_path)


def test_an_engine_that_compiles_is_asked_what_its_adapter_says() -> None:
    """As the adapter's field says, a run draws few structures, of few operators; that of JAX says so."""
    operators = []
    for adapter in (REFERENCE, replace(REFERENCE, compiles=True)):
        with Engine(adapter) as engine:
            record = examine(MIXED, engine, Effort("quick", 0))
        assert (record["verdict"], record["generated"]["programs"]) == ("pass", 12)
        operators.append(len(record["generated"]["operators"]))
    assert operators[1] < operators[0] / 2
    assert (load("jax").compiles, load("torch").compiles) == (True, False)


def test_a_failure_of_an_engine_that_compiles_is_found_again_by_its_index() -> None:
    """The program of an index is the same alone as among all."""
    adapter = replace(REFERENCE.patched(FAULTS["mul_counts_one_use"].patch), compiles=True)
    with Engine(adapter) as engine:
        record = examine(MIXED, engine, Effort("gate", 1))
        alone = examine(MIXED, engine, Effort("gate", 1, index=record["index"]))
    assert record["verdict"] == "fail"
    assert alone["witness"] == record["witness"]
