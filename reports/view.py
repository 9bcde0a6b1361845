"""What the page shows, as frozen records: the template lays them out and decides nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from conformance.gate import Settled
from conformance.verdict import VERDICTS, Verdict
from reports.evidence import Comparison, Origin, comparison, contradiction, explanation, gist, origin
from reports.facts import facts
from reports.fault import Fault
from reports.sources import cited
from reports.summary import UNDECIDED, Run, rank
from reports.text import counted, linked, some

Pieces = list[tuple[str, str | None]]

_STATES: Final = {
    "good": ("conforms", "good", "✓"),
    "known": ("known failures", "known", "✗"),
    "bad": ("against expectation", "bad", "✗"),
    "broken": ("adapter or suite at fault", "broken", "!"),
    "open": ("incomplete", "known", "…"),
    "quiet": ("nothing judged", "quiet", "–"),
}
# What a reader should see first, first.
_URGENCY: Final = ("broken", "bad", "open", "known", "good", "quiet")
_COMMENT: Final = "# expected"
_ENGINES_NAMED: Final = 4


@dataclass(frozen=True)
class Engine:
    """One run in the list of engines; `segments` are (tone, first case, number of cases) of its bar."""

    anchor: str
    label: str
    name: str
    version: str
    sentence: str
    notes: str
    state: tuple[str, str, str]
    segments: list[tuple[str, int, int]]
    total: int
    facts: list[tuple[str, str]]
    reasons: list[str]


@dataclass(frozen=True)
class Failure:
    """One fault: cases that stand against expectation in the same way.

    `target` is where the page has the clause of its origin; empty where it has none.
    """

    anchor: str
    fault: Fault
    level: str
    verdict: Verdict
    gist: str
    comparison: Comparison | None
    texts: list[str]
    origin: Origin
    target: str
    contradiction: str | None
    source: Pieces
    instructions: int
    script: list[tuple[str, str]]
    rerun: list[str]
    is_open: bool


@dataclass(frozen=True)
class Awaited:
    """One shortcoming that an expectation explains: the cases that share verdict, clause and reason."""

    anchor: str
    engine: str
    chapter: str
    level: str
    cases: list[str]
    verdict: Verdict
    reason: str
    link: Pieces
    script: list[tuple[str, str]]


def slug(*parts: str) -> str:
    """An anchor made of `parts`."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(parts)).strip("-")


def failure_anchor(run: Run, item: Settled) -> str:
    """Where the page shows the failure `item`, or the fault that it is part of."""
    fault = next(fault for fault in run.faults if any(one is item for one in fault.items))
    return slug("failure", run.label, fault.lead.case)


def known_anchor(run: Run, items: Sequence[Settled]) -> str:
    """Where the page shows the shortcoming that explains `items`."""
    return slug("expected", run.label, items[0].case)


def level(facts: Mapping[str, Any]) -> str:
    """The level of a clause, of which the catalogue says `facts`."""
    return str(facts.get("level") or "not in the catalogue")


def is_known(item: Settled) -> bool:
    """Whether `item` differs from pass, as an expectation said."""
    return bool(item.expected) and not item.surprise and item.verdict != "pass"


def ordered(found: Sequence[Run]) -> list[Run]:
    """The runs as the page shows them: those that need attention first, then by name."""
    return sorted(found, key=lambda run: (_URGENCY.index(run.tone), run.label.casefold()))


def title(found: Sequence[Run]) -> str:
    """The page's title: its engines, and the result when there is one."""
    subject = found[0].headline if len(found) == 1 else some([run.label for run in found], _ENGINES_NAMED)
    return " – ".join(part for part in (subject, "autograd conformance") if part)


def headline(found: Sequence[Run]) -> str:
    """What the page says first: of one engine how it stands, and of several what is asked."""
    if len(found) != 1:
        return "What do autograd engines do?"
    [run] = found
    count = f"{counted(len(run.problems), 'case')} " if run.tone == "bad" else ""
    return f"{run.label}: {count}{_STATES[run.tone][0]}"


def engine(run: Run) -> Engine:
    """The records of one run."""
    name = str(run.journal.header["engine"]["name"])
    return Engine(
        anchor=slug("engine", run.label),
        label=run.label,
        name=name,
        version=run.label.removeprefix(name).strip(),
        sentence=run.tally.sentence,
        notes=run.headline.removeprefix(f"{run.label}: {run.tally.sentence}").strip(" ()"),
        state=_STATES[run.tone],
        segments=_segments(run),
        total=run.tally.total,
        facts=facts(run),
        reasons=[_reason(run, reason) for reason in run.reasons],
    )


def _reason(run: Run, reason: str) -> str:
    unfinished = "" if run.journal.complete else "; its figures are not final"
    return reason.removeprefix(f"{run.journal.engine}: ") + unfinished


def _segments(run: Run) -> list[tuple[str, int, int]]:
    counts: Counter[str] = Counter()
    for item in run.settled:
        tone = "open" if item.verdict in UNDECIDED else VERDICTS[item.verdict].tone
        counts["known" if is_known(item) else tone] += 1
    segments, first = [], 0
    for tone in ("good", "known", "bad", "broken", "open", "quiet"):
        if counts[tone]:
            segments.append((tone, first, counts[tone]))
            first += counts[tone]
    return segments


def failures(found: Sequence[Run]) -> list[tuple[str, list[Failure]]]:
    """The faults of each run that has any; the worst of the page is shown open."""
    failing = [run for run in found if run.faults]
    worst = min((run.faults[0] for run in failing), key=rank, default=None)
    shown = {str(item.record["clause"]) for run in found for item in run.settled}
    return [(run.label, [_failure(run, fault, fault is worst, shown) for fault in run.faults]) for run in failing]


def _failure(run: Run, fault: Fault, is_open: bool, clauses: Set[str]) -> Failure:
    item = fault.lead
    found = origin(run, item)
    return Failure(
        anchor=failure_anchor(run, item),
        fault=fault,
        level=level(run.clause(item)),
        verdict=VERDICTS[item.verdict],
        gist=gist(item),
        comparison=comparison(item),
        texts=explanation(run, item),
        origin=found,
        target=slug("clause", found.clause) if found.clause in clauses else "",
        contradiction=contradiction(item),
        source=cited(str(run.clause(item).get("source") or "")),
        instructions=int(item.record.get("instructions") or 0),
        script=script(str(item.record.get("script") or "")),
        rerun=words(str(item.record.get("rerun") or "")),
        is_open=is_open,
    )


def words(command: str) -> list[str]:
    """A command cut at the blanks where a line of the page may end."""
    return command.split(" ") if command else []


def script(text: str) -> list[tuple[str, str]]:
    """A script in lines, each cut where its remark about what is expected begins."""
    cut = [line.partition(_COMMENT) for line in text.rstrip("\n").split("\n")] if text else []
    return [(code, mark + comment) for code, mark, comment in cut]


def awaited(found: Sequence[Run]) -> list[Awaited]:
    """What `found` has that differs from pass with a committed reason."""
    return [_awaited(run, items) for run in found for items in run.known.values()]


def _awaited(run: Run, items: Sequence[Settled]) -> Awaited:
    expected: Mapping[str, Any] = items[0].expected or {}
    return Awaited(
        anchor=known_anchor(run, items),
        engine=run.label,
        chapter=items[0].chapter,
        level=level(run.clause(items[0])),
        cases=[item.case for item in items],
        verdict=VERDICTS[items[0].verdict],
        reason=str(expected["reason"]),
        link=linked(str(expected.get("link") or "")),
        # The committed script is shorter than the witness: somebody reduced it for the maintainers.
        script=script(str(expected.get("script") or items[0].record.get("script") or "")),
    )
