"""All that the page says of one engine: its root causes, what is expected, its chapters, what it declined, what it chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.verdict import VERDICTS, Verdict
from reports.cell import Cell, cell
from reports.conventions import conventions
from reports.facts import lacking
from reports.fault import Fault
from reports.summary import Run
from reports.text import counted
from reports.view import Engine, engine, failure_anchor, known_anchor


@dataclass(frozen=True)
class Cause:
    """A fault, or what an expectation explains: where the page shows it, and what it comes to."""

    target: str
    verdict: Verdict
    tone: str
    name: str
    note: str


@dataclass(frozen=True)
class Part:
    """One chapter: how its cases ended, and the seconds that they took, with their share of the longest chapter's."""

    name: str
    cell: Cell
    seconds: str
    share: float


@dataclass(frozen=True)
class Account:
    """One engine's section of the page."""

    engine: Engine
    causes: list[Cause]
    known: list[Cause]
    parts: list[Part]
    lacking: list[tuple[str, int, list[str]]]
    chosen: list[tuple[str, str]]


def accounts(found: Sequence[Run]) -> list[Account]:
    """The section of each run."""
    return [_account(run) for run in found]


def _account(run: Run) -> Account:
    return Account(
        engine=engine(run),
        causes=[_cause(run, fault) for fault in run.faults],
        known=_known(run),
        parts=_parts(run),
        lacking=lacking(run),
        chosen=[(name, values[0]) for name, values, _ in conventions([run])],
    )


def _cause(run: Run, fault: Fault) -> Cause:
    verdict = VERDICTS[fault.lead.verdict]
    note = "; ".join(part for part in (fault.parameters, fault.blocks) if part)
    return Cause(failure_anchor(run, fault.lead), verdict, verdict.tone, fault.clause, note)


def _known(run: Run) -> list[Cause]:
    return [
        Cause(known_anchor(run, items), VERDICTS[verdict], "known", clause, f"{counted(len(items), 'case')}: {reason}")
        for (verdict, clause, reason), items in run.known.items()
    ]


def _parts(run: Run) -> list[Part]:
    seconds = {name: _seconds(run, name) for name in run.chapters}
    longest = max(seconds.values(), default=0.0) or 1.0
    shares = {name: round(100 * taken / longest, 1) for name, taken in seconds.items()}
    return [Part(name, cell(run, name), f"{seconds[name]:.2f} s", shares[name]) for name in run.chapters]


def _seconds(run: Run, chapter: str) -> float:
    return sum(float(item.record["seconds"]) for item in run.settled if item.chapter == chapter)
