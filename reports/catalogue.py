"""The page's tables of contents: the matrix, and the clauses of each chapter with every engine's verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.gate import Settled
from conformance.verdict import VERDICTS
from implementations.mutants import MUTANTS
from reports.cell import Cell, cell
from reports.sources import cited
from reports.summary import Run, chapters
from reports.view import Pieces, failure_anchor, is_known, level, script, slug

# A clause has the first of these verdicts that one of its cases has.
_RANK: Final = (*(name for name in VERDICTS if name not in ("pass", "declined")), "pass", "declined")
# What an example is shown of, if it can be: the library that most readers know.
_KNOWN_TO_READERS: Final = "torch"
# A formula ends a sentence: what follows the last colon, holds an equality, and has no two words beside each other.
_FORMULA: Final = re.compile(r"(.*: )((?!.*\b[a-z]{2,},? [a-z]{2,}\b)[^:]* = [^:]*)")


@dataclass(frozen=True)
class Member:
    """One engine among those that share a verdict; `detail` says how many cases, when it is not all of them."""

    label: str
    detail: str
    target: str | None


@dataclass(frozen=True)
class Group:
    """A verdict and the engines that have it; apart from it the same verdict as an expectation said."""

    verdict: str
    words: str
    symbol: str
    tone: str
    members: list[Member]


@dataclass(frozen=True)
class Clause:
    """One clause, with the engines grouped by verdict.

    `formula` ends the sentence, when there is one. `fault` says how `mutant` is broken. `example` is a script that passed on
    `shown_by`.
    """

    name: str
    anchor: str
    sentence: str
    formula: str
    level: str
    tag: str
    mutant: str
    fault: str
    source: Pieces
    shown_by: str
    example: list[tuple[str, str]]
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
        cells=[cell(run, name) for run in found],
        clauses=[clause for clause in mine if clause.level != "dialect"],
        dialect=[clause for clause in mine if clause.level == "dialect"],
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


def _clause(
    name: str, facts: Mapping[str, Any], found: Sequence[Run], members: Sequence[Mapping[str, list[Settled]]]
) -> Clause:
    groups: dict[tuple[str, bool], list[Member]] = {}
    for run, cases in zip(found, members, strict=True):
        if name in cases:
            verdict, known, member = _member(run, cases[name])
            groups.setdefault((verdict, known), []).append(member)
    kinds = [(verdict, known) for verdict in VERDICTS for known in (False, True) if (verdict, known) in groups]
    sentence, formula = stated(str(facts.get("sentence") or ""))
    mutant, dialect = str(facts.get("mutant") or ""), facts.get("dialect")
    shown_by, example = _example([(run, cases.get(name, [])) for run, cases in zip(found, members, strict=True)])
    return Clause(
        name=name,
        anchor=slug("clause", name),
        sentence=sentence,
        formula=formula,
        level=level(facts),
        tag=f"{level(facts)}: {dialect}" if dialect else level(facts),
        mutant=mutant,
        fault=MUTANTS[mutant].fault if mutant in MUTANTS else "",
        source=cited(str(facts.get("source") or "")),
        shown_by=shown_by,
        example=script(example),
        groups=[Group(kind[0], _words(*kind), VERDICTS[kind[0]].symbol, _tone(*kind), groups[kind]) for kind in kinds],
    )


def stated(sentence: str) -> tuple[str, str]:
    """A clause's sentence, cut where its formula begins: `Reuse sums: `, `d(x*x) = 2x.`; the second is empty without one."""
    match = _FORMULA.fullmatch(sentence)
    return (match[1], match[2]) if match else (sentence, "")


def _example(cases: Sequence[tuple[Run, Sequence[Settled]]]) -> tuple[str, str]:
    """The engine and the script of a case that passed, torch's when it has one; both empty when no journal keeps one."""
    found = [(run, str(item.record["example"])) for run, items in cases for item in items if item.record.get("example")]
    run, example = min(found, key=lambda pair: pair[0].journal.engine != _KNOWN_TO_READERS, default=(None, ""))
    return (run.label, example) if run else ("", "")


def _member(run: Run, items: Sequence[Settled]) -> tuple[str, bool, Member]:
    counts = Counter(item.verdict for item in items)
    verdict = next(name for name in _RANK if counts[name])
    chosen = [item for item in items if item.verdict == verdict]
    problem = next((item for item in chosen if item.surprise), None)
    detail = f"{len(chosen)} of {len(items)}" if len(chosen) < len(items) else ""
    known = not problem and is_known(chosen[0])
    target = failure_anchor(run, problem) if problem else "expected" if known else None
    return verdict, known, Member(run.label, detail, target)
