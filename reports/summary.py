"""What every report counts: a settled run of each journal, and the words of a cell and of a headline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from conformance.gate import Settled, decide, settle, whole_run
from conformance.journal import Journal
from conformance.verdict import ROOT_CAUSES, VERDICTS
from reports.fault import Fault, faults
from reports.text import one_line

# The worst tone names a cell; `known` is a problem that an expectation explains.
_TONES: Final = ("broken", "bad", "known", "open")
# What is neither good nor bad: a chapter with such a case is not shown as good.
UNDECIDED: Final = frozenset({"blocked", "inconclusive"})


@dataclass(frozen=True)
class Run:
    """One journal, settled. `label` names its engine and version; no two runs of a report share it."""

    journal: Journal
    label: str
    settled: tuple[Settled, ...]

    @cached_property
    def tally(self) -> Tally:
        """The counts over every case."""
        return Tally.of(self.settled)

    @cached_property
    def chapters(self) -> dict[str, Tally]:
        """The counts of each chapter, in the order of the specification."""
        members: dict[str, list[Settled]] = {}
        for item in self.settled:
            members.setdefault(item.chapter, []).append(item)
        return {name: Tally.of(members[name]) for name in chapters([self]) if name in members}

    @cached_property
    def causes(self) -> dict[str, tuple[str, ...]]:
        """For each blocked case the root causes at the end of its chain of prerequisites."""
        blocked = {item.case: item.blocked_by for item in self.settled if item.verdict == "blocked"}
        return {case: _ends(case, blocked) for case in blocked}

    @cached_property
    def problems(self) -> tuple[Settled, ...]:
        """What stands against expectation, a case at a time; those of the first fault first."""
        return tuple(item for fault in self.faults for item in fault.items)

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """What stands against expectation, the fault that blocks most first."""
        surprises = (item for item in self.settled if item.surprise)
        return tuple(sorted(faults(surprises, self.causes), key=rank))

    @property
    def tone(self) -> str:
        """How the run as a whole is shown: `known` when an expectation explains everything that failed."""
        if self.exit_code == 0:
            return "known" if self.tally.failed else "good"
        return {3: "broken", 5: "quiet", 6: "open"}.get(self.exit_code, "bad")

    @cached_property
    def awaited(self) -> tuple[Settled, ...]:
        """The cases whose verdict differs from pass, as an expectation said."""
        return tuple(item for item in self.settled if item.expected and not item.surprise)

    @cached_property
    def known(self) -> dict[tuple[str, str, str], list[Settled]]:
        """The awaited cases by verdict, clause and reason: one shortcoming in several dtypes is one entry."""
        groups: dict[tuple[str, str, str], list[Settled]] = {}
        for item in self.awaited:
            reason = str(item.expected["reason"]) if item.expected else ""
            groups.setdefault((item.verdict, str(item.record["clause"]), reason), []).append(item)
        return groups

    @cached_property
    def exit_code(self) -> int:
        """What the gate decides about this run alone."""
        return decide([self.journal]).exit_code

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The gate's reasons about the whole run: an incomplete journal, a chapter that it cannot decide."""
        return tuple(sentence for _, sentence in whole_run(self.journal))

    @property
    def headline(self) -> str:
        """`torch 2.13.0: 70 passed, 0 failed, 2 declined of 72`, and in brackets what else is known."""
        notes = [*self.tally.notes, *self._unfinished()]
        return f"{self.label}: {self.tally.sentence}" + (f" ({'; '.join(notes)})" if notes else "")

    def clause(self, item: Settled) -> Mapping[str, Any]:
        """What the journal's catalogue says about the clause of `item`; empty when it says nothing."""
        found: Mapping[str, Any] = self.journal.header["clauses"].get(item.record["clause"], {})
        return found

    def _unfinished(self) -> list[str]:
        if self.journal.complete:
            return []
        selected = self.journal.header.get("selected")
        return [f"incomplete, {len(self.settled)} of {selected} cases recorded" if selected else "incomplete"]


@dataclass(frozen=True)
class Tally:
    """Counts of some cases by verdict, and of those with an expectation, kept to or contradicted."""

    verdicts: Counter[str]
    awaited: Counter[str]
    contradicted: Counter[str]

    @classmethod
    def of(cls, items: Sequence[Settled]) -> Tally:
        """Counts `items`."""
        return cls(
            Counter(item.verdict for item in items),
            Counter(item.verdict for item in items if item.expected and not item.surprise),
            Counter(item.verdict for item in items if item.expected and item.surprise),
        )

    @property
    def total(self) -> int:
        """How many cases there are."""
        return self.verdicts.total()

    @property
    def failed(self) -> int:
        """How many cases the engine is at fault in, expected or not."""
        return sum(count for name, count in self.verdicts.items() if VERDICTS[name].tone == "bad")

    @property
    def sentence(self) -> str:
        """The headline without its engine: never a percentage of what was left."""
        passed, declined = self.verdicts["pass"], self.verdicts["declined"]
        return f"{passed} passed, {self.failed} failed, {declined} declined of {self.total}"

    @property
    def notes(self) -> list[str]:
        """What the sentence leaves open: other verdicts, what `failed` holds besides fail, expectations."""
        others = [(name, count) for name, count in self._ordered() if name not in ("pass", "fail", "declined")]
        notes = [f"{count} {name}" for name, count in others if VERDICTS[name].tone != "bad"]
        notes += [f"{count} {name} among the failed" for name, count in others if VERDICTS[name].tone == "bad"]
        notes += [f"{count} {name} as expected" for name, count in self._ordered(self.awaited)]
        return notes + [f"{count} {name} against an expectation" for name, count in self._ordered(self.contradicted)]

    @property
    def words(self) -> list[str]:
        """A cell: `9/12` and a phrase for each other verdict; `–` alone when every case was declined."""
        if self.verdicts["declined"] == self.total:
            return ["–"]
        phrases = [self._phrase(name, count) for name, count in self._ordered() if name != "pass"]
        unexpected = self.contradicted["pass"]
        return [
            f"{self.verdicts['pass']}/{self.total}",
            *phrases,
            *([f"{unexpected} unexpected pass"] if unexpected else []),
        ]

    @property
    def tone(self) -> str:
        """The worst tone among the cases: broken, bad, known, open, good; quiet when all were declined."""
        tones = {self._tone(name) for name in self.verdicts}
        if self.contradicted and "broken" not in tones:
            return "bad"
        return next((tone for tone in _TONES if tone in tones), "good" if self.verdicts["pass"] else "quiet")

    def _tone(self, name: str) -> str:
        if self.awaited[name] == self.verdicts[name] and name != "pass":
            return "known"
        return "open" if name in UNDECIDED else VERDICTS[name].tone

    def _phrase(self, name: str, count: int) -> str:
        return f"{count} expected {name}" if self.awaited[name] == count else f"{count} {name}"

    def _ordered(self, counts: Counter[str] | None = None) -> list[tuple[str, int]]:
        chosen = self.verdicts if counts is None else counts
        return [(name, chosen[name]) for name in VERDICTS if chosen[name]]


def rank(fault: Fault) -> tuple[bool, int, str]:
    """The order of faults: root causes, those that block most first, then by id."""
    return fault.lead.verdict not in ROOT_CAUSES, -len(fault.blocked), fault.lead.case


def ranked(found: Sequence[Run]) -> list[tuple[Run, Fault]]:
    """What stands against expectation in any of `found`, with its run: the fault that blocks most first."""
    return sorted(((run, fault) for run in found for fault in run.faults), key=lambda pair: rank(pair[1]))


def runs(journals: Sequence[Journal]) -> list[Run]:
    """Settles `journals`, and labels each by its engine and version; a number tells equal ones apart."""
    names = [one_line(_name(journal)) for journal in journals]
    seen: Counter[str] = Counter()
    found = []
    for journal, name in zip(journals, names, strict=True):
        seen[name] += 1
        label = f"{name} #{seen[name]}" if names.count(name) > 1 else name
        found.append(Run(journal, label, tuple(settle(journal))))
    return found


def _name(journal: Journal) -> str:
    return f"{journal.engine} {journal.header['engine'].get('version') or ''}".strip()


def chapters(found: Sequence[Run]) -> list[str]:
    """Every chapter of `found`, in the order of the specification."""
    listed = (str(clause).split("/")[0] for run in found for clause in run.journal.header["clauses"])
    recorded = (item.chapter for run in found for item in run.settled)
    present = {item.chapter for run in found for item in run.settled}
    return [name for name in dict.fromkeys([*listed, *recorded]) if name in present]


def _ends(case: str, blocked: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    ends: dict[str, None] = {}
    seen, waiting = {case}, [*blocked[case]]
    while waiting:
        cause = waiting.pop(0)
        if cause in seen:
            continue
        seen.add(cause)
        if cause in blocked:
            waiting.extend(blocked[cause])
        else:
            ends[cause] = None
    return tuple(ends)
