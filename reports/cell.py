"""One chapter of one engine, as the matrix, the scoreboard and the engine's own section show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reports.summary import Run, Tally
from reports.view import failure_anchor, slug

# How a tone is marked beside its colour.
_SYMBOLS: Final = {"good": "✓", "part": "✓", "known": "✗", "bad": "✗", "broken": "!", "open": "⊘", "quiet": "–"}


@dataclass(frozen=True)
class Cell:
    """One chapter of one engine; `words` is empty when nothing was run, `share` is what passed, in per cent.

    Its tone is that of the tally, or `part` where all that was not declined passed.
    """

    words: list[str]
    tone: str
    symbol: str
    target: str
    share: int = 0


def cell(run: Run, chapter: str) -> Cell:
    """What `run` has of `chapter`; it leads to the first failure there, else to the clauses of the chapter."""
    tally = run.chapters.get(chapter)
    if tally is None:
        return Cell([], "none", "", "")
    problem = next((item for item in run.problems if item.chapter == chapter), None)
    known = "expected" if tally.tone == "known" else slug("chapter", chapter)
    target = failure_anchor(run, problem) if problem else known
    tone = "part" if tally.tone == "good" and tally.verdicts["declined"] else tally.tone
    return Cell(_phrases(tally), tone, _SYMBOLS[tone], target, 100 * tally.verdicts["pass"] // tally.total)


def _phrases(tally: Tally) -> list[str]:
    """What the colour of a cell is about comes first: `2 fail`, `4 passed`, `6 declined`."""
    passed, declined = tally.verdicts["pass"], tally.verdicts["declined"]
    if declined == tally.total:
        return ["declined"]
    tail = [f"{declined} declined"] if declined else []
    return [*(phrase for phrase in tally.words[1:] if phrase not in tail), f"{passed} passed", *tail]
