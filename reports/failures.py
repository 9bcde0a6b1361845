"""What went wrong, in a terminal: root causes first, each with the script that ran, then what they block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from conformance.gate import Settled
from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports.evidence import comparison, contradiction, explanation, origin
from reports.fault import Fault
from reports.palette import paint
from reports.summary import Run, ranked, runs
from reports.text import columns, counted, one_line, pad, some, visible

_LONGEST: Final = 120
_SOURCES: Final = 3
_GAP: Final = " " * 8
# How many clauses a root cause names among those that it blocks.
_NAMED: Final = 3
# A reader of one or two expected failures wants to see them; of more, a list.
_FEW: Final = 2


def render(journals: Sequence[Journal], *, colour: bool, limit: int | None = None) -> str:
    """Each failure against expectation, what blocks most first, at most `limit` of them in full.

    A line for each root cause that blocks other cases, and one for each expected failure and its reason.
    """
    found = runs(journals)
    failures = ranked(found)
    shown = failures if limit is None else failures[:limit]
    blocks = [_failure(run, fault, colour) for run, fault in shown]
    rest = _rest([fault for _, fault in failures[len(shown) :]])
    tails = [rest, _whole_runs(found, colour), _blocked(failures, colour), _awaited(found, colour)]
    return "\n\n".join([*blocks, *("\n".join(tail) for tail in tails if tail)] or ["no failure"]) + "\n"


def _failure(run: Run, fault: Fault, colour: bool) -> str:
    item = fault.lead
    lines = [_heading(run, fault, colour)]
    texts = [*explanation(run, item), origin(run, item).sentence, contradiction(item)]
    lines += [f"  {one_line(text)}" for text in texts if text]
    lines += _comparison(item) + _witness(item) + _origin(run, item)
    return "\n".join(lines)


def _heading(run: Run, fault: Fault, colour: bool) -> str:
    engine = ", ".join(part for part in (run.label, fault.parameters) if part)
    verdict = paint(fault.lead.verdict.upper(), VERDICTS[fault.lead.verdict].tone, colour)
    clause = paint(one_line(fault.clause), "strong", colour)
    return f"{verdict}  {clause}{_GAP}" + _GAP.join(field for field in (engine, fault.blocks) if field)


def _comparison(item: Settled) -> list[str]:
    compared = comparison(item)
    if not compared:
        return []
    expected, got, method = visible(compared.wanted), visible(compared.got), visible(compared.method)
    line = f"  expected {expected}    got {got}" + (f"{' ' * 12}{method}" if method else "")
    if "\n" not in line and columns(line) <= _LONGEST:
        return [line]
    lines = _labelled("expected", expected) + _labelled("got", got)
    return lines + ([f"  {one_line(method)}"] if method else [])


def _labelled(label: str, text: str) -> list[str]:
    first, *others = text.split("\n")
    return [f"  {label:<8} {first}", *(f"{' ' * 11}{line}" for line in others)]


def _witness(item: Settled) -> list[str]:
    count = item.record.get("instructions")
    size = f", {counted(count, 'instruction')}" if count else ""
    return indented(f"witness{size}, as it ran:", str(item.record.get("script") or ""))


def indented(title: str, text: str) -> list[str]:
    """A script below its title; nothing when there is none."""
    script = visible(text).rstrip("\n")
    return [f"  {title}", *(f"      {line}" for line in script.split("\n"))] if script else []


def _origin(run: Run, item: Settled) -> list[str]:
    source, again = run.clause(item).get("source"), item.record.get("rerun")
    fields = [f"source {_shortened(one_line(str(source)))}"] if source else []
    fields += [f"again: {one_line(str(again))}"] if again else []
    line = "      ".join(fields)
    lines = [f"  {line}"] if line and columns(line) <= _LONGEST + 30 else [f"  {field}" for field in fields]
    saved = item.record.get("saved")
    return [*lines, f"  witness saved in {one_line(str(saved))}"] if saved else lines


def _shortened(source: str) -> str:
    """The first of many sources; `explain` and the page have them all."""
    parts = source.split("; ")
    hidden = len(parts) - _SOURCES
    return "; ".join(parts[:_SOURCES]) + f"; and {hidden} more" if hidden > 1 else source


def _rest(hidden: Sequence[Fault]) -> list[str]:
    if not hidden:
        return []
    counts = Counter(fault.lead.chapter for fault in hidden)
    chapters = ", ".join(f"{one_line(name)} {count}" for name, count in counts.most_common())
    return [f"and {len(hidden)} more: {chapters}"]


def _whole_runs(found: Sequence[Run], colour: bool) -> list[str]:
    return [paint(one_line(reason), "broken", colour) for run in found for reason in run.reasons]


def _blocked(failures: Sequence[tuple[Run, Fault]], colour: bool) -> list[str]:
    rows = []
    for run, fault in failures:
        if count := len(fault.blocked):
            clauses = list(dict.fromkeys(case.split("[")[0] for case in fault.blocked))
            stand = "stands on" if count == 1 else "stand on"
            names = one_line(some(clauses, _NAMED))
            rows.append((counted(count, "case"), f"{stand} {fault.name}", f"{run.label}: {names}"))
    return _aligned("BLOCKED", "quiet", rows, colour)


def _awaited(found: Sequence[Run], colour: bool) -> list[str]:
    known = [(run, verdict, items) for run in found for (verdict, _, _), items in run.known.items()]
    expectations: list[dict[str, Any]] = [dict(items[0].expected or {}) for _, _, items in known]
    rows = [
        (verdict, _cases(items), f"{run.label}: {one_line(str(expectation['reason']))}")
        for (run, verdict, items), expectation in zip(known, expectations, strict=True)
    ]
    lines = _aligned("EXPECTED", "known", rows, colour)
    if len(lines) > _FEW:
        return lines
    details = [_committed(expectation) for expectation in expectations]
    return [text for line, more in zip(lines, details, strict=True) for text in (line, *more)]


def _committed(expectation: dict[str, Any]) -> list[str]:
    """What shows an expected failure without our code."""
    link = one_line(str(expectation.get("link") or ""))
    return [*([f"  link {link}"] if link else []), *indented("script:", str(expectation.get("script") or ""))]


def _cases(items: Sequence[Settled]) -> str:
    clause = str(items[0].record["clause"])
    return one_line(items[0].case if len(items) == 1 else f"{clause}, {counted(len(items), 'case')}")


def _aligned(word: str, tone: str, rows: Sequence[tuple[str, str, str]], colour: bool) -> list[str]:
    rooms = [max((columns(row[index]) for row in rows), default=0) for index in range(2)]
    return [f"{paint(word, tone, colour)}  {pad(row[0], rooms[0])}  {pad(row[1], rooms[1])}  {row[2]}" for row in rows]
