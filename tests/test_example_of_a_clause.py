"""The example that a journal keeps of a clause: a program that passed, as a script; one a clause, and none of what is drawn."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.adapter import load
from conformance.clause import specification
from conformance.examination import Effort, examine
from conformance.execution import Engine
from implementations.mutants import MUTANTS

ADDS = "accumulation/each_backward_adds"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(load("reference")) as started:
        yield started


def _records(engine: Engine, clause: str) -> list[dict[str, Any]]:
    return [examine(case, engine, Effort("quick", 0)) for case in specification()[clause].cases()]


def test_one_case_of_a_clause_has_an_example(engine: Engine) -> None:
    """The first case has it; cases of another dtype, or of another operator, would say the same again."""
    for clause in (ADDS, "operators/a_number_on_either_side"):
        examples = [record.get("example") for record in _records(engine, clause)]
        assert examples[0]
        assert examples[1:] == [None] * (len(examples) - 1)


def test_an_example_runs_and_prints_what_it_says(engine: Engine) -> None:
    """The script stands alone: what it prints is what its remark expects."""
    script = _records(engine, ADDS)[0]["example"]
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    remark = script.rstrip().rpartition("# expected ")[2]
    numbers = re.compile(r"-?\d+\.(?!\w)")
    assert numbers.findall(remark)
    assert numbers.findall(printed) == numbers.findall(remark)


def test_random_programs_and_the_corpus_have_none(engine: Engine) -> None:
    """What is drawn says nothing of a rule, and stored programs have scripts of their own."""
    for clause in ("programs/functional", "programs/corpus"):
        case = next(specification()[clause].cases())
        record = examine(case, engine, Effort("quick", 0))
        assert record["verdict"] == "pass"
        assert "example" not in record


def test_what_fails_is_no_example() -> None:
    """A case that fails keeps its witness, and no program that passed before it."""
    mutant = MUTANTS["accumulate_overwrites"]
    with Engine(load(mutant.of).patched(mutant.patch)) as broken:
        record = _records(broken, ADDS)[0]
    assert record["verdict"] == "fail"
    assert "example" not in record
