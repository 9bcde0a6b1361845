"""The page's tables of contents: the matrix, and the clauses of each chapter with every engine's verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.gate import Settled
from conformance.verdict import VERDICTS
from reports.summary import Run, Tally, chapters
from reports.text import linked
from reports.view import Pieces, failure_anchor, is_known, slug

# A clause has the first of these verdicts that one of its cases has.
_RANK: Final = (*(name for name in VERDICTS if name not in ("pass", "declined")), "pass", "declined")
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


@dataclass(frozen=True)
class Member:
    """One engine among those that share a verdict; `detail` says how many cases, when it is not all of them."""

    label: str
    detail: str
    target: str | None


@dataclass(frozen=True)
class Group:
    """A verdict and the engines that have it; apart from it the same verdict as an expectation said."""

    words: str
    symbol: str
    tone: str
    members: list[Member]


@dataclass(frozen=True)
class Clause:
    """One clause, with the engines grouped by verdict."""

    name: str
    anchor: str
    sentence: str
    level: str
    mutant: str
    source: Pieces
    groups: list[Group]


@dataclass(frozen=True)
class Chapter:
    """One chapter: its cells of the matrix, its clauses, and apart from them the dialect clauses.

    `counts` are (words, symbol, tone) of its cases, over all engines; it is open when one stands against expectation.
    """

    name: str
    anchor: str
    cells: list[Cell]
    clauses: list[Clause]
    dialect: list[Clause]
    counts: list[tuple[str, str, str]]
    is_open: bool


def catalogue(found: Sequence[Run]) -> list[Chapter]:
    """Every chapter of `found`, in the order of the specification."""
    facts = {name: facts for run in found for name, facts in run.journal.header["clauses"].items()}
    members = [_by_clause(run) for run in found]
    names = dict.fromkeys([*facts, *(name for cases in members for name in cases)])
    present = [name for name in names if any(name in cases for cases in members)]
    clauses = [_clause(name, facts.get(name, {}), found, members) for name in present]
    return [_chapter(name, found, clauses) for name in chapters(found)]


def _by_clause(run: Run) -> dict[str, list[Settled]]:
    found: dict[str, list[Settled]] = {}
    for item in run.settled:
        found.setdefault(str(item.record["clause"]), []).append(item)
    return found


def _chapter(name: str, found: Sequence[Run], clauses: Sequence[Clause]) -> Chapter:
    mine = [clause for clause in clauses if clause.name.split("/")[0] == name]
    items = [item for run in found for item in run.settled if item.chapter == name]
    return Chapter(
        name=name,
        anchor=slug("chapter", name),
        cells=[_cell(run, name) for run in found],
        clauses=[clause for clause in mine if not clause.level.startswith("dialect")],
        dialect=[clause for clause in mine if clause.level.startswith("dialect")],
        counts=_counts(items),
        is_open=any(item.surprise for item in items),
    )


def _counts(items: Sequence[Settled]) -> list[tuple[str, str, str]]:
    counts = Counter((item.verdict, is_known(item)) for item in items)
    kinds = [(name, known) for name in VERDICTS for known in (False, True) if counts[name, known]]
    return [(f"{counts[kind]} {_words(*kind)}", VERDICTS[kind[0]].symbol, _tone(*kind)) for kind in kinds]


def _words(verdict: str, known: bool) -> str:
    return f"expected {verdict}" if known else verdict


def _tone(verdict: str, known: bool) -> str:
    return "known" if known else VERDICTS[verdict].tone


def _cell(run: Run, chapter: str) -> Cell:
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


def _clause(
    name: str, facts: Mapping[str, Any], found: Sequence[Run], members: Sequence[Mapping[str, list[Settled]]]
) -> Clause:
    groups: dict[tuple[str, bool], list[Member]] = {}
    for run, cases in zip(found, members, strict=True):
        if name in cases:
            verdict, known, member = _member(run, cases[name])
            groups.setdefault((verdict, known), []).append(member)
    kinds = [(verdict, known) for verdict in VERDICTS for known in (False, True) if (verdict, known) in groups]
    return Clause(
        name=name,
        anchor=slug("clause", name),
        sentence=str(facts.get("sentence") or ""),
        level=_level(facts),
        mutant=str(facts.get("mutant") or ""),
        source=linked(str(facts.get("source") or "")),
        groups=[Group(_words(*kind), VERDICTS[kind[0]].symbol, _tone(*kind), groups[kind]) for kind in kinds],
    )


def _level(facts: Mapping[str, Any]) -> str:
    level, dialect = str(facts.get("level") or "not in the catalogue"), facts.get("dialect")
    return f"{level}: {dialect}" if dialect else level


def _member(run: Run, items: Sequence[Settled]) -> tuple[str, bool, Member]:
    counts = Counter(item.verdict for item in items)
    verdict = next(name for name in _RANK if counts[name])
    chosen = [item for item in items if item.verdict == verdict]
    problem = next((item for item in chosen if item.surprise), None)
    detail = f"{len(chosen)} of {len(items)}" if len(chosen) < len(items) else ""
    known = not problem and is_known(chosen[0])
    target = failure_anchor(run, problem) if problem else "expected" if known else None
    return verdict, known, Member(run.label, detail, target)
