"""What changed between two journals: two releases of an engine, two engines, or two commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from conformance.gate import Settled
from conformance.verdict import VERDICTS, worst
from reports.conventions import chosen
from reports.summary import Run
from reports.text import counted


@dataclass(frozen=True)
class Transition:
    """One way in which a case changes: its words, whether it is a regression, and a tone of the reports."""

    words: str
    regression: bool
    tone: str


NEWLY_FAILING: Final = Transition("newly failing", True, "bad")
AGAINST: Final = Transition("failed as expected, and fails against expectation", True, "bad")
NEWLY_BLOCKED: Final = Transition("newly blocked", True, "bad")
NEWLY_DECLINED: Final = Transition("newly declined", True, "bad")
DISAPPEARED: Final = Transition("disappeared", True, "bad")
NOT_JUDGED: Final = Transition("not judged before the run ended", False, "open")
UNDECIDED: Final = Transition("no longer decided", False, "open")
OTHERWISE: Final = Transition("fails in another way", False, "known")
GIVEN_UP: Final = Transition("failed, and is declined now", False, "quiet")
NEW_FAILING: Final = Transition("new, and fails", False, "known")
FIXED: Final = Transition("fixed", False, "good")
OFFERED: Final = Transition("newly offered", False, "good")
NEW: Final = Transition("new", False, "quiet")
# The order of the reports.
TRANSITIONS: Final = (
    NEWLY_FAILING,
    AGAINST,
    NEWLY_BLOCKED,
    NEWLY_DECLINED,
    DISAPPEARED,
    NOT_JUDGED,
    UNDECIDED,
    OTHERWISE,
    GIVEN_UP,
    NEW_FAILING,
    FIXED,
    OFFERED,
    NEW,
)
# From the state in the base to the state in the head; of other pairs `Pair` decides.
TABLE: Final[Mapping[tuple[str, str], Transition]] = {
    ("pass", "fails"): NEWLY_FAILING,
    ("pass", "blocked"): NEWLY_BLOCKED,
    ("pass", "declined"): NEWLY_DECLINED,
    ("pass", "undecided"): UNDECIDED,
    ("pass", "absent"): DISAPPEARED,
    ("fails", "pass"): FIXED,
    ("fails", "declined"): GIVEN_UP,
    ("fails", "undecided"): UNDECIDED,
    ("fails", "absent"): DISAPPEARED,
    ("blocked", "pass"): FIXED,
    ("blocked", "fails"): OTHERWISE,
    ("blocked", "declined"): GIVEN_UP,
    ("blocked", "absent"): DISAPPEARED,
    ("declined", "pass"): OFFERED,
    ("declined", "fails"): NEWLY_FAILING,
    ("declined", "blocked"): NEWLY_BLOCKED,
    ("declined", "absent"): DISAPPEARED,
    ("undecided", "pass"): FIXED,
    ("undecided", "fails"): NEWLY_FAILING,
    ("undecided", "blocked"): NEWLY_BLOCKED,
    ("undecided", "declined"): NEWLY_DECLINED,
    ("undecided", "absent"): DISAPPEARED,
    ("absent", "pass"): NEW,
    ("absent", "fails"): NEW_FAILING,
    ("absent", "blocked"): NEW_FAILING,
    ("absent", "undecided"): NEW,
    ("absent", "declined"): NEW,
}
# How a comparison begins that ends with an exit code.
_OUTCOMES: Final[Mapping[int, str]] = {0: "No regression", 1: "Worse", 6: "Incomplete"}


@dataclass(frozen=True)
class Change:
    """One case that changed; `base` or `head` is None where it was not judged."""

    case: str
    base: Settled | None
    head: Settled | None
    transition: Transition

    @property
    def clause(self) -> str:
        """The clause's id."""
        item = self.head or self.base
        assert item is not None
        return str(item.record["clause"])

    @property
    def became(self) -> str:
        """The state in the head: pass, fails, blocked, declined, undecided or absent."""
        return _state(self.head)

    @property
    def verdicts(self) -> str:
        """`pass → fail`."""
        return " → ".join(item.verdict if item else "–" for item in (self.base, self.head))


@dataclass(frozen=True)
class Convention:
    """A convention of which two journals show different values."""

    name: str
    base: str
    head: str


@dataclass(frozen=True)
class Pair:
    """Two runs of one engine, or of two that are compared as such."""

    base: Run
    head: Run

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What changed, regressions first."""
        found = {change.case: change for change in self._changed()}
        return tuple(sorted(found.values(), key=lambda it: (TRANSITIONS.index(it.transition), it.case)))

    def of(self, transition: Transition) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.transition is transition]

    @property
    def regressions(self) -> list[Change]:
        """The changes for the worse."""
        return [change for change in self.changes if change.transition.regression]

    @cached_property
    def conventions(self) -> tuple[Convention, ...]:
        """The conventions that both runs observed, and chose differently; only cases that both passed are looked at."""
        base, head = _by_case(self.base), _by_case(self.head)
        seen: dict[str, tuple[list[str], list[str]]] = {}
        for case in base.keys() & head.keys():
            before, after = (_conventions(items[case]) for items in (base, head))
            for name in before.keys() & after.keys():
                texts = seen.setdefault(name, ([], []))
                texts[0].append(before[name])
                texts[1].append(after[name])
        said = [Convention(name, *(chosen(sorted(part)) for part in texts)) for name, texts in sorted(seen.items())]
        return tuple(it for it in said if it.base != it.head)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What makes the two hard to compare."""
        return tuple(self._remarks())

    @property
    def exit_code(self) -> int:
        """1 when there is a regression, 6 when a journal is incomplete."""
        complete = self.base.journal.complete and self.head.journal.complete
        return worst([1 if self.regressions else 0, 0 if complete else 6])

    @property
    def sentence(self) -> str:
        """What all comes to: `Worse: 4 newly failing; 2 fixed`."""
        counts = [f"{len(changes)} {it.words}" for it in TRANSITIONS if (changes := self.of(it))]
        counts += [f"{counted(len(self.conventions), 'convention')} chosen otherwise"] if self.conventions else []
        if not counts and not self.exit_code:
            return "Nothing changed"
        return ": ".join(part for part in (_OUTCOMES[self.exit_code], "; ".join(counts)) if part)

    def _changed(self) -> Iterator[Change]:
        base, head = _by_case(self.base), _by_case(self.head)
        for case in dict.fromkeys([*base, *head]):
            before, after = base.get(case), head.get(case)
            if transition := self._transition(before, after):
                yield Change(case, before, after, transition)

    def _transition(self, before: Settled | None, after: Settled | None) -> Transition | None:
        found = TABLE.get((_state(before), _state(after)))
        if found is DISAPPEARED and not self.head.journal.complete:
            return NOT_JUDGED
        if found or not (before and after) or _state(before) != "fails":
            return found
        # The gate let the first one pass, and stops at the second: no expectation speaks of what is found now.
        if after.surprise and not before.surprise:
            return AGAINST
        return OTHERWISE if self._differs(before, after) else None

    def _differs(self, before: Settled, after: Settled) -> bool:
        """Whether two failures are different ones; what was got is compared where the inputs were the same."""
        same = all(
            self.base.journal.header[key] == self.head.journal.header[key] for key in ("seed", "profile", "suite")
        )
        keys = ("got", "message") if same else ()
        return before.verdict != after.verdict or any(before.record.get(key) != after.record.get(key) for key in keys)

    def _remarks(self) -> Iterator[str]:
        headers = self.base.journal.header, self.head.journal.header
        digests = [header["suite"].get("digest") for header in headers]
        if digests[0] != digests[1]:
            yield "the suites differ: cases that only one of them has are new or disappeared, the others are compared by id"
        for key in ("profile", "seed"):
            if headers[0][key] != headers[1][key]:
                yield f"the {key}s differ, {headers[0][key]} and {headers[1][key]}: the inputs were not the same"
        for run in (self.base, self.head):
            if not run.journal.complete:
                yield f"the journal of {run.label} is incomplete: what it lacks is no finding"


def _by_case(run: Run) -> dict[str, Settled]:
    return {item.case: item for item in run.settled}


def _conventions(item: Settled) -> dict[str, str]:
    found: Mapping[str, Any] = item.record.get("conventions") or {} if item.verdict == "pass" else {}
    return {str(name): str(text) for name, text in found.items()}


def _state(item: Settled | None) -> str:
    if item is None:
        return "absent"
    if item.verdict in ("pass", "blocked", "declined"):
        return item.verdict
    return "fails" if VERDICTS[item.verdict].exit_code else "undecided"
