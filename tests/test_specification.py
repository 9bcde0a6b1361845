"""The specification as a whole: what holds for every clause, whatever it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

import conformance
import conformance.clauses
import implementations
import reports
from conformance.adapter import builtin, load
from conformance.clause import REGISTRY, Case, Clause, specification
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.judge import Finding
from conformance.levels import LEVELS
from conformance.program import Program
from implementations.mutants import MUTANTS

FOLDER: Final = Path(conformance.clauses.__file__).parent
PACKAGES: Final = [Path(str(package.__file__)).parent for package in (conformance, implementations, reports)]
CHAPTERS: Final = [
    "requires_grad",
    "recording",
    "scalar_backward",
    "vjp",
    "accumulation",
    "zeroing",
    "leaves",
    "detach",
    "hooks",
    "functional_grad",
    "volatile",
    "no_grad",
    "control_flow",
    "second_backward",
    "higher_order",
    "printed_text",
]


class Recording(Engine):
    """An engine without a process: keeps the programs that it is asked to run, and shows nothing."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        super().__init__(load("reference"))  # whose adapter speaks every dialect

    def _started(self) -> Any:
        return SimpleNamespace(ready={})

    def run(self, program: Program) -> Mapping[str, Any] | Finding:
        self.programs.append(program)
        return {"observations": [], "failure": None, "declined": [], "leaks": [], "seconds": 0.0}


def cases() -> dict[str, Case]:
    return {case.id: case for clause in specification().values() for case in clause.cases()}


@cache
def recorded(name: str) -> tuple[str, tuple[Program, ...]]:
    """The verdict when nothing is shown, and the programs that a few examples of the case record."""
    engine = Recording()
    record = examine(cases()[name], engine, Effort("quick", 0))
    return f"{record['verdict']}: {record['message']}", tuple(engine.programs)


def clauses() -> list[Any]:
    return [pytest.param(clause, id=clause.id) for clause in specification().values()]


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(FOLDER.glob("*.py")):
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def test_every_chapter_has_clauses() -> None:
    """Each chapter of the documents has at least one clause, and each of its modules declares one."""
    declared = {clause.chapter for clause in specification().values()}
    assert declared >= set(CHAPTERS)
    assert declared == {path.stem.removeprefix("test_") for path in FOLDER.glob("test_*.py")}


def test_every_test_is_a_clause_of_its_own() -> None:
    """No test function is left undeclared, none is declared twice, and no two have the same id."""
    found = [
        f"{name.removesuffix('.py').removeprefix('test_')}/{it.name.removeprefix('test_')}"
        for name, module in modules()
        for it in ast.walk(module)
        if isinstance(it, ast.FunctionDef) and it.name.startswith("test_")
    ]
    assert sorted(found) == sorted(specification())


@pytest.mark.parametrize("clause", clauses())
def test_a_clause_is_a_sentence_with_a_source(clause: Clause) -> None:
    """A clause ends its sentence with a full stop, and has a level, a source and a readable id."""
    assert re.fullmatch(r"[a-z_]+/[a-z0-9_]+", clause.id)
    assert clause.sentence.endswith(".")
    assert clause.level in LEVELS
    assert clause.source.strip()
    assert (clause.dialect is not None) == (clause.level == "dialect")


def test_clauses_stand_on_clauses() -> None:
    """What a clause stands on exists, has cases named by the dtype alone, and never stands on it in turn."""
    known = specification()
    for clause in known.values():
        assert all(name in known and not known[name].parameters for name in clause.after), clause.id
    TopologicalSorter({clause.id: clause.after for clause in known.values()}).prepare()


@pytest.mark.parametrize("clause", clauses())
def test_a_clause_can_be_broken(clause: Clause) -> None:
    """Every clause names a mutant of the table."""
    assert clause.mutant in MUTANTS


def test_every_mutant_is_asked_for() -> None:
    """Each mutant is named by a clause, breaks an engine that there is, and says how."""
    assert set(MUTANTS) == {clause.mutant for clause in specification().values()}
    assert all(mutant.of in builtin() and mutant.fault for mutant in MUTANTS.values())


@pytest.mark.parametrize("case", cases())
def test_a_case_expects_something_besides_refusals(case: str) -> None:
    """Every case records programs on the model alone, each expecting more than that something be refused.

    An engine that shows nothing is not judged: the verdict is vacuous. A random program may end at a refusal; then the case's
    other programs expect more.
    """
    verdict, programs = recorded(case)
    assert verdict == "vacuous: nothing was compared"
    assert programs
    if cases()[case].clause.writer:
        seen = {it.options["observe"] for program in programs for _, it in program.walk() if it.verb == "expect"}
        assert {"tensor"} <= seen
        return
    for program in programs:
        looked = [it.options["observe"] for _, it in program.walk() if it.verb == "expect"]
        assert set(looked) - {"outcome"}
        # A refusal's legal twin stands outside of every attempt.
        assert any(it.verb == "expect" and it.options["observe"] != "outcome" for it in program.instructions)


def test_examples_differ() -> None:
    """A clause that draws inputs is asked about several different programs."""
    drawing = [next(clause.cases()).id for clause in specification().values() if clause.given]
    assert all(len({repr(program) for program in recorded(case)[1]}) > 1 for case in drawing)


def test_a_clause_never_asserts() -> None:
    """A bare assert is not recorded, counted or replayed, so no module of the specification has one."""
    assert not [name for name, module in modules() for it in ast.walk(module) if isinstance(it, ast.Assert)]


def test_no_clause_knows_an_engine() -> None:
    """The specification imports no engine, no adapter, and nothing that runs one."""
    engines = {load(name).module.split(".")[0] for name in builtin()}
    forbidden = engines | {
        "implementations",
        "conformance.execution",
        "conformance.adapter",
        "conformance.agent",
    }
    imported = [
        (name, wanted)
        for name, module in modules()
        for it in ast.walk(module)
        for wanted in _imported(it)
        if any(wanted == other or wanted.startswith(f"{other}.") for other in forbidden)
    ]
    assert imported == []


def _imported(it: ast.AST) -> list[str]:
    if isinstance(it, ast.Import):
        return [alias.name for alias in it.names]
    return [it.module or ""] if isinstance(it, ast.ImportFrom) else []


def test_nothing_is_compared_with_a_tolerance() -> None:
    """No code of ours, and no text that an engine executes for us, has a word for being nearly equal."""
    words = re.compile(r"\b(rtol|atol|allclose|isclose|approx)\b|\bassert_almost", re.IGNORECASE)
    paths = [path for package in PACKAGES for path in package.rglob("*.py")]
    assert len(paths) > 50
    assert [str(path) for path in paths if words.search(path.read_text(encoding="utf-8"))] == []


def test_the_registry_is_the_specification() -> None:
    """Asking for the specification again changes nothing."""
    assert specification() is specification() is REGISTRY
