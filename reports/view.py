"""What the page shows, as frozen records: the template lays them out and decides nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.gate import Settled
from conformance.verdict import VERDICTS, Verdict
from reports import timing
from reports.failures import contradiction, explanation, parameters
from reports.summary import UNDECIDED, Run
from reports.text import linked

Pieces = list[tuple[str, str | None]]

_STATES: Final = {
    "good": ("conforms", "good", "✓"),
    "known": ("known failures", "known", "✗"),
    "bad": ("against expectation", "bad", "✗"),
    "broken": ("adapter or suite at fault", "broken", "!"),
    "open": ("incomplete", "known", "…"),
}
_COMMENT: Final = "# expected"
_EVIDENCE: Final = ("expected", "got", "method", "instructions", "rerun")


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
    """One case that stands against expectation."""

    anchor: str
    item: Settled
    verdict: Verdict
    parameters: str
    message: str
    evidence: Mapping[str, str]
    texts: list[str]
    contradiction: str | None
    source: Pieces
    script: list[tuple[str, str]]
    blocked: list[str]
    is_open: bool


@dataclass(frozen=True)
class Awaited:
    """One shortcoming that an expectation explains: the cases that share verdict, clause and reason."""

    engine: str
    cases: list[str]
    verdict: Verdict
    reason: str
    link: Pieces
    script: list[tuple[str, str]]


def slug(*parts: str) -> str:
    """An anchor made of `parts`."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(parts)).strip("-")


def failure_anchor(run: Run, item: Settled) -> str:
    """Where the page shows the failure `item`."""
    return slug("failure", run.label, item.case)


def engine(run: Run) -> Engine:
    """The records of one run."""
    facts = run.journal.header["engine"]
    return Engine(
        anchor=slug("engine", run.label),
        label=run.label,
        name=str(facts["name"]),
        version=run.label.removeprefix(str(facts["name"])).strip(),
        sentence=run.tally.sentence,
        notes=run.headline.removeprefix(f"{run.label}: {run.tally.sentence}").strip(" ()"),
        state=_STATES[run.tone],
        segments=_segments(run),
        total=run.tally.total,
        facts=_facts(run),
        reasons=[_reason(run, reason) for reason in run.reasons],
    )


def _reason(run: Run, reason: str) -> str:
    unfinished = "" if run.journal.complete else "; its figures are not final"
    return reason.removeprefix(f"{run.journal.engine}: ") + unfinished


def _segments(run: Run) -> list[tuple[str, int, int]]:
    counts: Counter[str] = Counter()
    for item in run.settled:
        known = item.expected and not item.surprise and item.verdict != "pass"
        tone = VERDICTS[item.verdict].tone
        counts["known" if known else "open" if item.verdict in UNDECIDED else tone] += 1
    segments, first = [], 0
    for tone in ("good", "known", "bad", "broken", "open", "quiet"):
        if counts[tone]:
            segments.append((tone, first, counts[tone]))
            first += counts[tone]
    return segments


def _facts(run: Run) -> list[tuple[str, str]]:
    header, facts = run.journal.header, run.journal.header["engine"]
    seconds = sum(item.record["seconds"] for item in run.settled)
    declined = Counter(str(item.record["declined"]) for item in run.settled if item.record.get("declined"))
    lowered = Counter(str(name) for item in run.settled for name in item.record.get("lowered", ()))
    rows = [
        ("Python", facts.get("python")),
        ("Platform", header["platform"]),
        ("Adapter", _adapter(facts.get("shape"), facts.get("lines"))),
        ("Speaks", ", ".join(facts.get("speaks") or ())),
        ("Declined", _counted(declined)),
        ("Composed", _counted(lowered)),
        ("Profile", header["profile"]),
        ("Seed", header["seed"]),
        ("Started", header["started"]),
        ("Took", timing.sentence(run.journal) if run.journal.footer else f"{seconds:.1f} s, not ended"),
        ("Suite", f"{header['suite'].get('version', '')} {header['suite'].get('digest', '')}".strip()),
        ("Command", header.get("command")),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def _adapter(shape: object, lines: object) -> str:
    return ", ".join([*([str(shape)] if shape else []), *([f"{lines} lines"] if lines else [])])


def _counted(counts: Counter[str]) -> str:
    return "; ".join(f"{name} ({count})" for name, count in counts.most_common())


def failures(found: Sequence[Run]) -> list[tuple[str, list[Failure]]]:
    """The failures of each run that has any; the worst of the page is shown open."""
    failing = [run for run in found if run.problems]
    worst = min(failing, key=lambda run: run.rank(run.problems[0]), default=None)
    return [
        (run.label, [_failure(run, item, run is worst and item is run.problems[0]) for item in run.problems])
        for run in failing
    ]


def _failure(run: Run, item: Settled, is_open: bool) -> Failure:
    blocked = [case for case, causes in run.causes.items() if item.case in causes]
    return Failure(
        anchor=failure_anchor(run, item),
        item=item,
        verdict=VERDICTS[item.verdict],
        parameters=parameters(item),
        message=str(item.record["message"]),
        evidence={name: str(item.record.get(name) or "") for name in _EVIDENCE},
        texts=explanation(run, item),
        contradiction=contradiction(item),
        source=linked(str(run.clause(item).get("source") or "")),
        script=_script(str(item.record.get("script") or "")),
        blocked=blocked,
        is_open=is_open,
    )


def _script(text: str) -> list[tuple[str, str]]:
    cut = [line.partition(_COMMENT) for line in text.rstrip("\n").split("\n")] if text else []
    return [(code, mark + comment) for code, mark, comment in cut]


def awaited(found: Sequence[Run]) -> list[Awaited]:
    """What `found` has that differs from pass with a committed reason."""
    return [_awaited(run, items) for run in found for items in run.known.values()]


def _awaited(run: Run, items: Sequence[Settled]) -> Awaited:
    expected: Mapping[str, Any] = items[0].expected or {}
    return Awaited(
        engine=run.label,
        cases=[item.case for item in items],
        verdict=VERDICTS[items[0].verdict],
        reason=str(expected["reason"]),
        link=linked(str(expected.get("link") or "")),
        # The committed script is shorter than the witness: somebody reduced it for the maintainers.
        script=_script(str(expected.get("script") or items[0].record.get("script") or "")),
    )


def conventions(found: Sequence[Run]) -> list[tuple[str, list[str], bool]]:
    """For each convention what every run showed, "–" for nothing, and whether the runs differ."""
    observed = [_observed(run.settled) for run in found]
    names = dict.fromkeys(name for values in observed for name in values)
    rows = [(name, [" / ".join(values.get(name, {})) or "–" for values in observed]) for name in names]
    return [(name, values, len({value for value in values if value != "–"}) > 1) for name, values in rows]


def _observed(items: Iterable[Settled]) -> dict[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for item in items:
        for name, value in (item.record.get("conventions") or {}).items():
            found.setdefault(str(name), {})[str(value)] = None
    return found
