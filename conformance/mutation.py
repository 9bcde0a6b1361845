"""Mutants: every clause is run on the engine broken on purpose that it names, and must fail it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.adapter import load
from conformance.clause import Case, Clause, specification
from conformance.console import say
from conformance.errors import ConformanceError, NothingSelected
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.showing import Folder, Scripts
from conformance.witnesses import Witness

if TYPE_CHECKING:
    from implementations.mutants import Mutant


def killed(select: Sequence[str], seed: int, scripts: Path | None) -> int:
    """Prints a line a clause; 0 when every mutant is killed as `fail`, 3 when one survives: then the suite is at fault.

    With `scripts` each witness is written there as a script and run; 3 also when one does not show its fault. A mutant of an
    engine that is not installed is skipped, and is not counted as killed.
    """
    clauses = [c for c in specification().values() if any(case.selected(select) for case in c.cases())]
    if not clauses:
        raise NothingSelected(f"no clause matches {' or '.join(select)}")
    survivors, skipped, folder = 0, 0, Folder(scripts) if scripts else None
    for clause in clauses:
        if engine := missing(clause):
            skipped += 1
            say(f"skipped   {clause.id}  by {clause.mutant}  ({engine} is not installed)")
            continue
        record = attacked(clause, seed)
        survivors += record["verdict"] != "fail"
        say(f"{_word(record)}  {clause.id}  by {clause.mutant}  ({record['case']}: {record['message']})")
        if record["verdict"] == "fail" and folder:
            folder.add(clause.id.replace("/", "__"), scripts_of(clause, record))
    remark = f"; {skipped} skipped, for want of their engine" if skipped else ""
    say(f"{len(clauses) - survivors - skipped} of {len(clauses)} clauses kill their mutant{remark}")
    if skipped == len(clauses):
        raise NothingSelected("no mutant could be tried: their engines are not installed")
    if folder:
        say(folder.summary())
    return 3 if survivors or (folder and folder.silent) else 0


def _word(record: Mapping[str, Any]) -> str:
    return "killed  " if record["verdict"] == "fail" else f"SURVIVED as {record['verdict']}"


def missing(clause: Clause) -> str:
    """The engine that the clause's mutant is made of, when it is not installed; else empty."""
    engine = load(_mutant(clause).of)
    return "" if engine.installed() else engine.name


def _mutant(clause: Clause) -> Mutant:
    from implementations.mutants import MUTANTS

    mutant = MUTANTS.get(clause.mutant)
    if mutant is None:
        raise ConformanceError(f"{clause.id} names the mutant {clause.mutant!r}, which is not in the table")
    return mutant


def scripts_of(clause: Clause, record: Mapping[str, Any]) -> Scripts:
    """The script of a record's witness on the clause's mutant, and on the engine that it is made of."""
    mutant = _mutant(clause)
    sound = load(mutant.of)
    return Scripts.of(Witness.of(record), sound.patched(mutant.patch), sound)


def attacked(clause: Clause, seed: int) -> dict[str, Any]:
    """The record of the first case that fails the clause's mutant; of the last one when none does."""
    mutant = _mutant(clause)
    adapter = load(mutant.of).patched(mutant.patch)
    record: dict[str, Any] = {}
    with Engine(adapter) as engine:
        for case in _likeliest(clause, mutant.operator):
            record = examine(case, engine, Effort("quick", seed))
            if record["verdict"] == "fail":
                break
    return record


def _likeliest(clause: Clause, operator: str | None) -> list[Case]:
    """The clause's cases, those of the operator that the mutant breaks first."""
    return sorted(clause.cases(), key=lambda case: case.parameters.get("operator") != operator)
