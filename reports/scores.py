"""The scoreboard: engines by the number of their problems, fewest first; what was declined is counted and never left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.verdict import ROOT_CAUSES
from reports.cell import Cell, cell
from reports.summary import Run
from reports.view import Engine, engine

# Verdicts after which nothing is known but that the engine's process was lost.
_LOST: Final = ("crash", "timeout")
_LAST: Final = ("open", "quiet")


@dataclass(frozen=True)
class Score:
    """One engine: how many root causes stand against expectation, how many are known, and how many cases lost its process.

    `last` where figures are not to be compared: the run is incomplete, or nothing was judged.
    """

    engine: Engine
    causes: int
    known: int
    lost: int
    last: bool
    cells: list[Cell]

    @property
    def problems(self) -> int:
        """Root causes, expected or not: a committed reason explains a failure and does not mend it."""
        return self.causes + self.known


def scores(found: Sequence[Run], chapters: Sequence[str]) -> list[Score]:
    """The scores of `found`: fewest problems first, then fewest failed cases, then most passed; last what cannot be compared."""
    ranked = sorted(((_score(run, chapters), run) for run in found), key=lambda pair: _rank(*pair))
    return [score for score, _ in ranked]


def _rank(score: Score, run: Run) -> tuple[bool, int, int, int, str]:
    tally = run.tally
    return score.last, score.problems, tally.failed, -tally.verdicts["pass"], run.label.casefold()


def _score(run: Run, chapters: Sequence[str]) -> Score:
    return Score(
        engine=engine(run),
        causes=sum(fault.lead.verdict in ROOT_CAUSES for fault in run.faults),
        known=sum(verdict in ROOT_CAUSES for verdict, _, _ in run.known),
        lost=sum(run.tally.verdicts[name] for name in _LOST),
        last=run.tone in _LAST or run.journal.header["selected"] < run.journal.header.get("specified", 0),
        cells=[cell(run, chapter) for chapter in chapters],
    )
