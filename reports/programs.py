"""What was asked by random programs: what was generated for a run, and what never was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Final

from conformance.generation.census import Census
from conformance.journal import Journal, Record
from reports import numbers
from reports.summary import Run, runs
from reports.text import counted, one_line, some, wrapped

Pair = tuple[str, str]

FEW: Final = 12  # missing pairs that are shown without being asked for
_NAMED: Final = 6  # operators that a line of a terminal has room for


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
        sums, made = numbers.of_run(run), generated(run)
        sentences = [*([sums.sentence] if sums.total else []), *([made.sentence] if made else [])]
        lines += [line for sentence in sentences for line in wrapped(one_line(f"{run.label}: {sentence}"), width)]
    return "\n".join(lines)


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
