"""What was asked by random programs, and how sharply numbers were judged: sums over the records of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Final

from conformance.enclosure import OUTCOMES
from conformance.gate import INCONCLUSIVE_SHARE, OPEN_OUTCOMES
from conformance.generation.census import Census
from conformance.journal import Journal, Record
from reports.summary import Run, runs
from reports.text import counted, one_line, some, wrapped

Pair = tuple[str, str]

_NAMED: Final = 6


# --- numbers that were judged by an enclosure


@dataclass(frozen=True)
class Numbers:
    """What came of some numbers, and the greatest error among them as a part of what is accepted."""

    outcomes: Mapping[str, int]
    ratio: float

    @classmethod
    def of(cls, records: Iterable[Record]) -> Numbers:
        """The sum over `records`; those that enclosed nothing add nothing."""
        outcomes, ratio = Counter[str](), 0.0
        for record in records:
            outcomes.update(record.get("outcomes") or {})
            ratio = max(ratio, float(record.get("ratio") or 0))
        return cls(outcomes, ratio)

    @property
    def total(self) -> int:
        """How many numbers there are."""
        return sum(self.outcomes.values())

    @property
    def cells(self) -> list[tuple[str, str, str]]:
        """For each outcome its count, its share of the total, and the tone of both."""
        return [(f"{self.outcomes.get(name, 0):,}", self._share(name), self._tone(name)) for name in OUTCOMES]

    @property
    def greatest(self) -> str:
        """The greatest error in three figures: `0.431`, or `∞` where a number is not one, or nothing is allowed."""
        return f"{self.ratio:.3g}".replace("inf", "∞")

    @property
    def sentence(self) -> str:
        """`120 numbers enclosed: 20 exact, 99 pass, 1 undecided; the greatest error is 0.43 times what is accepted`."""
        parts = [f"{self.outcomes[name]:,} {name}" for name in OUTCOMES if self.outcomes.get(name)]
        greatest = f"; the greatest error is {self.greatest} times what is accepted" if self.ratio else ""
        return f"{counted(self.total, 'number')} enclosed: {', '.join(parts)}{greatest}"

    def _share(self, name: str) -> str:
        return percentage(self.outcomes.get(name, 0), self.total)

    def _tone(self, name: str) -> str:
        count = self.outcomes.get(name, 0)
        if name == "fail" and count:
            return "bad"
        left_open = sum(self.outcomes.get(it, 0) for it in OPEN_OUTCOMES)
        if name in OPEN_OUTCOMES and count and left_open > INCONCLUSIVE_SHARE * self.total:
            return "broken"
        return "plain" if count else "quiet"


def percentage(count: int, total: int) -> str:
    """`count` of `total` in per cent: nothing for none, and neither 0.0% for a few nor 100.0% for almost all."""
    if not count:
        return ""
    share = count / total
    return "< 0.1%" if share < 0.001 else "> 99.9%" if 0.999 < share < 1 else f"{share:.1%}"


def numbers(run: Run) -> Numbers:
    """Every number of `run` that was judged by an enclosure."""
    return Numbers.of(item.record for item in run.settled)


def numbers_by_clause(found: Sequence[Run]) -> list[tuple[str, str, Numbers]]:
    """Clause, engine and numbers, in the order of the specification."""
    groups: dict[str, dict[str, list[Record]]] = {}
    for run in found:
        known = run.journal.header["clauses"]
        for name in dict.fromkeys([*known, *(str(item.record["clause"]) for item in run.settled)]):
            groups.setdefault(name, {})
        for item in run.settled:
            groups[str(item.record["clause"])].setdefault(run.label, []).append(item.record)
    sums = ((clause, label, Numbers.of(of)) for clause, members in groups.items() for label, of in members.items())
    return [row for row in sums if row[2].total]


# --- what was generated


@dataclass(frozen=True)
class Generated:
    """The random programs of one run. `table` says of each operator of the suite whether the engine offers it.

    possible: the pairs of features that the cases of one kind had, so that a program could have had both.
    missing: those that no program had.
    """

    census: Census
    table: Mapping[str, bool]
    by_clause: Mapping[str, int]
    possible: int
    missing: tuple[Pair, ...]

    @property
    def sketches(self) -> int:
        """How many were drawn: programs, and those of which nothing can be said."""
        return self.census.programs + self.unwritable

    @property
    def unwritable(self) -> int:
        """How many sketches became no program."""
        return sum(self.census.unwritable.values())

    @property
    def never(self) -> list[str]:
        """The operators that the engine offers and no program had."""
        return [name for name, offered in self.table.items() if offered and name not in self.census.operators]

    @property
    def not_offered(self) -> list[str]:
        """The operators that the engine does not offer."""
        return [name for name, offered in self.table.items() if not offered and name not in self.census.operators]

    @property
    def operators(self) -> str:
        """`52 of 58 operators`; without a table in the journal only `52 operators`."""
        occurred = len(self.census.operators)
        return f"{occurred} of {counted(len(self.table), 'operator')}" if self.table else counted(occurred, "operator")

    @property
    def pairs(self) -> str:
        """`240 of 253 pairs`."""
        return f"{self.possible - len(self.missing):,} of {counted(self.possible, 'pair')}"

    @property
    def lengths(self) -> list[tuple[str, int]]:
        """The bins of lengths from the shortest to the longest, the empty ones between them too."""
        counts = {_bounds(name): count for name, count in self.census.lengths.items()}
        least = min(counts, default=(0, 0))
        width = least[1] - least[0] + 1
        firsts = range(least[0], max(counts, default=(-1, -1))[0] + 1, width)
        return [(f"{first}–{first + width - 1}", counts.get((first, first + width - 1), 0)) for first in firsts]

    @cached_property
    def apart(self) -> dict[str, list[str]]:
        """The missing pairs by their first feature."""
        found: dict[str, list[str]] = {}
        for first, second in self.missing:
            found.setdefault(first, []).append(second)
        return found

    @property
    def sentence(self) -> str:
        """What a terminal says: programs, operators and those that never occurred, pairs, unwritable sketches."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.census.unwritable.most_common())
        parts = [
            f"{counted(self.census.programs, 'program')} generated",
            f"{self.operators}" + (f", never {some(self.never, _NAMED)}" if self.never else ""),
            f"{self.pairs} of features together",
            *([f"{counted(self.unwritable, 'sketch', 'sketches')} unwritable ({reasons})"] if self.unwritable else []),
        ]
        return "; ".join(parts)


def generated(run: Run) -> Generated | None:
    """What was generated for `run`; None when its journal has no random program."""
    records = [item.record for item in run.settled if item.record.get("generated")]
    if not records:
        return None
    census = Census()
    by_clause = Counter[str]()
    kinds: dict[tuple[str, ...], Census] = {}
    for record in records:
        census.merge(record["generated"])
        by_clause[str(record["clause"])] += record["generated"]["programs"]
        kinds.setdefault(_kind(record), Census()).merge(record["generated"])
    possible = {pair for kind in kinds.values() for pair in combinations(sorted(kind.features), 2)}
    missing = tuple(sorted(pair for pair in possible if " & ".join(pair) not in census.pairs))
    return Generated(census, run.journal.header.get("operators") or {}, by_clause, len(possible), missing)


def _kind(record: Record) -> tuple[str, ...]:
    """What cases share that draw from the same features: the clause and its parameters, the dtype apart."""
    parameters: Mapping[str, Any] = record.get("parameters") or {}
    return str(record["clause"]), *(str(value) for name, value in parameters.items() if name != "dtype")


def _bounds(name: str) -> tuple[int, int]:
    first, _, last = name.partition("-")
    return int(first), int(last)


def render(journals: Sequence[Journal], *, width: int) -> str:
    """For each engine a line about its numbers and one about its programs, folded to `width`; empty when there is neither."""
    lines = []
    for run in runs(journals):
        sums, made = numbers(run), generated(run)
        sentences = [*([sums.sentence] if sums.total else []), *([made.sentence] if made else [])]
        lines += [line for sentence in sentences for line in wrapped(one_line(f"{run.label}: {sentence}"), width)]
    return "\n".join(lines)


# --- the lengths as bars


@dataclass(frozen=True)
class Bar:
    """One bin of lengths: where its bar stands, how high it is, and what is said of it."""

    x: float
    y: float
    height: float
    label: str
    count: str


BAR: Final = 30.0
STEP: Final = 42.0
TOP: Final = 16.0
BOTTOM: Final = 86.0


def bars(made: Generated) -> list[Bar]:
    """The lengths of programs as bars, from left to right; the highest fills the room."""
    most = max((count for _, count in made.lengths), default=1)
    found = []
    for index, (label, count) in enumerate(made.lengths):
        height = round((BOTTOM - TOP) * count / most, 1)
        found.append(Bar(index * STEP + (STEP - BAR) / 2, BOTTOM - height, height, label, f"{count:,}"))
    return found
