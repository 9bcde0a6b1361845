"""Fills the tables of docs/planted-faults.md: `python -m tests.planted_page FILE ...`.

The files hold what `mutants --programs`, `python -m tests.comparison faults` and `… alarms` printed, in any order and number: of
a fault that stands in several the last one counts. A table or a column of which the files do not say all stays as it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high
from typing import Final

from conformance.planted import LIKELY
from implementations.mutants import FAULTS, MUTANTS, PLANTED
from implementations.mutants.planted import LEFT_OUT

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "planted-faults.md"
CHECKS: Final = ("rtol=1e-5", "gradcheck", "check_grads")
_HUNT: Final = re.compile(
    r"(caught  |SURVIVED)  (?P<subject>\S.{18}) (?P<name>\w+) +(?:programs/(?P<case>\S+) #(?P<index>\d+) +)?"
    r"(?P<programs>\d+) programs(?: +(?P<instructions>\d+) instructions)?"
)
_SUMMARY: Final = re.compile(r"caught \d+ of |\d+ programs in |\d+ of \d+ scripts ")
_MARKS: Final = re.compile(r"\| (\w+) \| \w+ \| [^|]+ ((?:\| (?:found|-) ){3})\|")
_NUMBER: Final = re.compile(r"\| (.+) \| (?:\S+ #\d+|survives) \| \d+ \| (?:\d+|-) \| ([^|]+ \| [^|]+ \| [^|]+) \|$")
_ALARM: Final = re.compile(r"\| \w+ \| \w+ \| float\d\d \|")


@dataclass(frozen=True)
class Known:
    """What the files say: of each fault how its hunt ended, which checks find it; lines of alarms, and those of the command."""

    hunts: Mapping[str, re.Match[str]]
    marks: Mapping[str, Sequence[str]]
    alarms: Sequence[str]
    lines: Sequence[str]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Known:
        """What some lines say; those of another sort say nothing."""
        hunts = {found["name"]: found for line in lines if (found := _HUNT.match(line))}
        ours = [hunts[name].string for name in PLANTED if name in hunts]
        alarms = {found[0]: line for line in lines if (found := _ALARM.match(line))}
        summary = [line for line in lines if _SUMMARY.match(line)]
        return cls(hunts, dict(_marks(lines)), list(alarms.values()), [*ours, *summary])

    def effort(self, title: str, names: Iterable[str]) -> str:
        """A row: how many were caught, and what it took."""
        hunts = [self.hunts[name] for name in names]
        caught = [it for it in hunts if it["case"]]
        figures = [it for what in ("programs", "instructions") for it in _middle([int(hunt[what]) for hunt in caught])]
        return _row(title, len(hunts), len(caught), *figures)

    def others(self, title: str, names: Sequence[str]) -> str:
        """A row: how many random programs find, and the other checks."""
        caught = sum(bool(name in self.hunts and self.hunts[name]["case"]) for name in names)
        found = (sum(self.marks[name][column] == "found" for name in names) for column in range(len(CHECKS)))
        return _row(title, len(names), caught, *found)

    def number(self, name: str) -> str:
        """The row of a fault of numbers; where no check was made, it says so."""
        hunt = self.hunts[name]
        where = f"{hunt['case'].removeprefix('functional')} #{hunt['index']}" if hunt["case"] else "survives"
        marks = self.marks.get(name, ["not run"] * len(CHECKS))
        return _row(_cell(FAULTS[name].fault), where, hunt["programs"], hunt["instructions"] or "-", *marks)


def _marks(lines: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """What the page's own rows say of the other checks, and what the comparison does."""
    numbers = {_cell(FAULTS[name].fault): name for name in of_subject("numbers")}
    for line in lines:
        if (found := _NUMBER.match(line)) and found[1] in numbers:
            yield numbers[found[1]], found[2].split(" | ")
        elif found := _MARKS.match(line):
            yield found[1], found[2].strip("| ").split(" | ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _middle(figures: Sequence[int]) -> tuple[int, int]:
    return (median_high(figures), max(figures)) if figures else (0, 0)


def of_subject(subject: str) -> list[str]:
    """The names of the faults of a subject."""
    return [name for name, it in PLANTED.items() if it.subject == subject]


def tables(known: Known) -> Iterator[tuple[str, list[str]]]:
    """The start of each table's header, and its rows."""
    yield "| reason | mutants |", [_row(reason, len(names)) for reason, names in LEFT_OUT.items()]
    if known.alarms:
        yield "| engine | kind | dtype |", list(known.alarms)
    if set(PLANTED) <= set(known.hunts):
        rows = [known.effort(subject, of_subject(subject)) for subject in LIKELY]
        yield "| subject | faults | caught |", [*rows, known.effort("all", PLANTED)]
        yield "| fault | case, index |", [known.number(name) for name in of_subject("numbers")]
    if set(PLANTED) <= set(known.hunts) and set(FAULTS) <= set(known.marks):
        protocol = [name for name, it in PLANTED.items() if it.subject != "numbers"]
        totals = {"all planted": list(PLANTED), "planted, of the protocol": protocol}
        groups = {subject: of_subject(subject) for subject in LIKELY} | totals
        groups["mutants that clauses name"] = list(MUTANTS)
        yield "| subject | faults | random programs |", [known.others(*group) for group in groups.items()]


def filled(page: str, known: Known) -> str:
    """The page with its tables, and with the command's lines at its end."""
    for header, rows in tables(known):
        page = _replaced(page, rf"^{re.escape(header)}.*\n\|[-|]+\|\n", r"(?:\|.*\n)*", rows)
    return (
        _replaced(page, r"^```text\n", r"(?:.*\n)*?(?=```\n)", known.lines)
        if set(PLANTED) <= set(known.hunts)
        else page
    )


def _replaced(page: str, start: str, lines: str, ours: Sequence[str]) -> str:
    """The page with other lines after a start, which must be there once."""
    pattern = re.compile(f"({start}){lines}", re.MULTILINE)
    page, count = pattern.subn(lambda found: found[1] + "\n".join(ours) + "\n", page)
    if count != 1:
        raise SystemExit(f"{PAGE.name} has {count} places that begin as {start}")
    return page


def main(paths: Sequence[str]) -> None:
    """Reads the files, writes the page, and says which faults they leave out."""
    page = PAGE.read_text(encoding="utf-8")
    texts = [page.partition("```text")[0], *(Path(path).read_text(encoding="utf-8") for path in paths)]
    known = Known.of([line for text in texts for line in text.splitlines()])
    PAGE.write_text(filled(page, known), encoding="utf-8")
    for what, wanted, given in (("hunt", PLANTED, known.hunts), ("comparison", FAULTS, known.marks)):
        if missing := [name for name in wanted if name not in given]:
            print(f"no {what} of {' '.join(missing)}")


if __name__ == "__main__":
    main(sys.argv[1:])
