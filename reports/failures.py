"""What went wrong, in a terminal: root causes first, each with the script that ran, then what they block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from conformance.gate import Settled
from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports.palette import paint
from reports.summary import Run, runs
from reports.text import columns, one_line, pad, visible

_LONGEST: Final = 120
_GAP: Final = " " * 8


def render(journals: Sequence[Journal], *, colour: bool, limit: int | None = None) -> str:
    """Each failure against expectation, what blocks most first, at most `limit` of them in full.

    A line for each root cause that blocks other cases, and one for each expected failure and its reason.
    """
    found = runs(journals)
    problems = sorted(
        ((run, item) for run in found for item in run.problems),
        key=lambda pair: pair[0].rank(pair[1]),
    )
    shown = problems if limit is None else problems[:limit]
    blocks = [_failure(run, item, colour) for run, item in shown]
    rest = _rest(problems[len(shown) :])
    tails = [rest, _whole_runs(found, colour), _blocked(found, colour), _awaited(found, colour)]
    return "\n\n".join([*blocks, *("\n".join(tail) for tail in tails if tail)] or ["no failure"]) + "\n"


def parameters(item: Settled) -> str:
    """The values of a case's parameters, as its heading shows them: `float64`, `mul, float64`."""
    return one_line(", ".join(str(value) for value in item.record.get("parameters", {}).values()))


def blocking(count: int) -> str:
    """How many cases a root cause blocks, in words; empty when it blocks none."""
    return f"blocks {count} case{'s' if count != 1 else ''}" if count else ""


def explanation(run: Run, item: Settled) -> list[str]:
    """The clause's sentence, and the reason of the expectation that failed when it says something else."""
    texts = [run.clause(item).get("sentence"), item.record.get("why")]
    if not item.record.get("expected") or item.verdict not in ("fail", "flaky"):
        texts.append(item.record["message"])
    return list(dict.fromkeys(str(text) for text in texts if text))


def contradiction(item: Settled) -> str | None:
    """What to say of a case that has an expectation and did not keep to it, else None."""
    if not item.expected or not item.surprise:
        return None
    return f"{item.expected['verdict']} was expected: {item.expected['reason']}; update the expectation"


def _failure(run: Run, item: Settled, colour: bool) -> str:
    lines = [_heading(run, item, colour)]
    lines += [f"  {one_line(text)}" for text in [*explanation(run, item), contradiction(item)] if text]
    lines += _comparison(item) + _witness(item) + _origin(run, item)
    return "\n".join(lines)


def _heading(run: Run, item: Settled, colour: bool) -> str:
    engine = ", ".join(part for part in (run.label, parameters(item)) if part)
    fields = [one_line(str(item.record["clause"])), engine, blocking(run.blocks[item.case])]
    verdict = paint(item.verdict.upper(), VERDICTS[item.verdict].tone, colour)
    return f"{verdict}  {paint(fields[0], 'strong', colour)}{_GAP}" + _GAP.join(field for field in fields[1:] if field)


def _comparison(item: Settled) -> list[str]:
    if not item.record.get("expected"):
        return []
    expected, got = visible(str(item.record["expected"])), visible(str(item.record.get("got", "nothing")))
    method = visible(str(item.record.get("method", "")))
    line = f"  expected {expected}    got {got}" + (f"{' ' * 12}{method}" if method else "")
    if "\n" not in line and columns(line) <= _LONGEST:
        return [line]
    return [
        *_labelled("expected", expected),
        *_labelled("got", got),
        *([f"  {one_line(method)}"] if method else []),
    ]


def _labelled(label: str, text: str) -> list[str]:
    first, *others = text.split("\n")
    return [f"  {label:<8} {first}", *(f"{' ' * 11}{line}" for line in others)]


def _witness(item: Settled) -> list[str]:
    script = visible(str(item.record.get("script") or "")).rstrip("\n")
    if not script:
        return []
    count = item.record.get("instructions")
    size = f", {count} instruction{'s' if count != 1 else ''}" if count else ""
    return [f"  witness{size}, as it ran:", *(f"      {line}" for line in script.split("\n"))]


def _origin(run: Run, item: Settled) -> list[str]:
    source, again = run.clause(item).get("source"), item.record.get("rerun")
    fields = [f"source {one_line(str(source))}"] if source else []
    fields += [f"again: {one_line(str(again))}"] if again else []
    line = "      ".join(fields)
    return [f"  {line}"] if line and columns(line) <= _LONGEST + 30 else [f"  {field}" for field in fields]


def _rest(problems: Sequence[tuple[Run, Settled]]) -> list[str]:
    if not problems:
        return []
    counts = Counter(item.chapter for _, item in problems)
    chapters = ", ".join(f"{one_line(name)} {count}" for name, count in counts.most_common())
    return [f"and {len(problems)} more: {chapters}"]


def _whole_runs(found: Sequence[Run], colour: bool) -> list[str]:
    return [paint(one_line(reason), "broken", colour) for run in found for reason in run.reasons]


def _blocked(found: Sequence[Run], colour: bool) -> list[str]:
    rows = [(count, case, run.label) for run in found for case, count in run.blocks.items()]
    rows.sort(key=lambda row: (-row[0], row[1]))
    texts = [
        (f"{count} case{'s' if count != 1 else ''}", f"stand on {one_line(case)}", label) for count, case, label in rows
    ]
    return _aligned("BLOCKED", "quiet", texts, colour)


def _awaited(found: Sequence[Run], colour: bool) -> list[str]:
    texts = [
        (verdict, one_line(_cases(clause, items)), f"{run.label}: {one_line(reason)}")
        for run in found
        for (verdict, clause, reason), items in run.known.items()
    ]
    return _aligned("EXPECTED", "known", texts, colour)


def _cases(clause: str, items: Sequence[Settled]) -> str:
    return items[0].case if len(items) == 1 else f"{clause}, {len(items)} cases"


def _aligned(word: str, tone: str, rows: Sequence[tuple[str, str, str]], colour: bool) -> list[str]:
    rooms = [max((columns(row[index]) for row in rows), default=0) for index in range(2)]
    return [f"{paint(word, tone, colour)}  {pad(row[0], rooms[0])}  {pad(row[1], rooms[1])}  {row[2]}" for row in rows]
