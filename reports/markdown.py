"""The answer as Markdown, for the summary of a CI job or a comment on a change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports.evidence import comparison, contradiction, explanation, origin
from reports.fault import Fault
from reports.summary import Run, chapters, ranked, runs
from reports.text import counted, one_line, visible

# GitHub refuses a step's summary that is longer.
LIMIT: Final = 1024 * 1024
_SYMBOLS: Final = {"good": "✅", "known": "🟡", "bad": "❌", "broken": "❗", "open": "⏳", "quiet": "➖"}
_MARKUP: Final = re.compile(r"[\\`*_\[\]|~]")
_FENCE: Final = re.compile(r"`{3,}")


def render(journals: Sequence[Journal], limit: int = LIMIT) -> str:
    """The Markdown of `journals`, at most `limit` bytes of UTF-8: headlines, what failed, the matrix, expected failures.

    What would not fit is left out from the end, and the last line says so.
    """
    found = runs(journals)
    blocks = [*_headlines(found), *_failures(found), *_matrix(found), *_awaited(found)]
    cut = "\n_Cut here: {} more parts do not fit into the summary; the report has them all._\n"
    room = limit - len(cut.format(len(blocks)).encode())
    kept: list[str] = []
    for block in blocks:
        room -= len(block.encode()) + 1
        if room < 0:
            return "\n".join(kept) + cut.format(len(blocks) - len(kept))
        kept.append(block)
    return "\n".join(kept)


def _headlines(found: Sequence[Run]) -> Iterator[str]:
    yield "## Autograd conformance\n"
    for run in found:
        yield f"- {_SYMBOLS[run.tone]} **{plain(run.label)}**{plain(run.headline.removeprefix(run.label))}"
        yield from (f"  - {plain(reason)}" for reason in run.reasons)
    yield ""


def _failures(found: Sequence[Run]) -> Iterator[str]:
    faults = ranked(found)
    if faults:
        yield f"### {counted(len(faults), 'fault')} against expectation\n"
    for run, fault in faults:
        yield _fault(run, fault)


def _fault(run: Run, fault: Fault) -> str:
    item = fault.lead
    blocks = f", {fault.blocks}" if fault.blocked else ""
    summary = f"<b>{item.verdict}</b> {_html(fault.name)} – {_html(run.label)}{blocks}"
    texts = [*explanation(run, item), origin(run, item).sentence, contradiction(item)]
    lines = [f"<details><summary>{summary}</summary>\n", *(f"{plain(text)}\n" for text in texts if text)]
    if compared := comparison(item):
        lines.append(fenced(f"expected {compared.wanted}\ngot      {compared.got}", "text"))
    if script := str(item.record.get("script") or ""):
        lines.append(fenced(script, str(run.journal.header["engine"].get("language") or "python")))
    if again := str(item.record.get("rerun") or ""):
        lines.append(fenced(again, "sh"))
    return "\n".join([*lines, "</details>\n"])


def _matrix(found: Sequence[Run]) -> Iterator[str]:
    yield "### Chapters\n"
    yield row(["chapter", *(plain(run.label) for run in found)])
    yield row(["---"] * (len(found) + 1))
    for name in chapters(found):
        yield row([plain(name), *(_cell(run, name) for run in found)])
    yield ""


def _cell(run: Run, chapter: str) -> str:
    tally = run.chapters.get(chapter)
    if tally is None:
        return "not run"
    return f"{_SYMBOLS[tally.tone]} {plain(', '.join(tally.words))}"


def row(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def _awaited(found: Sequence[Run]) -> Iterator[str]:
    known = [(run, items) for run in found for items in run.known.values()]
    if not known:
        return
    yield f"<details><summary>{counted(len(known), 'failure')} as expected</summary>\n"
    for run, items in known:
        reason = str(items[0].expected["reason"]) if items[0].expected else ""
        clause, cases = str(items[0].record["clause"]), counted(len(items), "case")
        verdict = VERDICTS[items[0].verdict].name
        yield f"- {plain(run.label)}: {verdict} {plain(clause)}, {cases}: {plain(reason)}"
    yield "\n</details>\n"


def plain(text: str) -> str:
    """Text of an engine or of a clause that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\g<0>", _html(text))


def _html(text: str) -> str:
    """The same inside of HTML, where no Markdown is read."""
    return escape(one_line(text), quote=False)


def fenced(text: str, language: str) -> str:
    """A block of code, its fence longer than any in it."""
    fence = "`" * (1 + max((len(run) for run in _FENCE.findall(text)), default=2))
    return f"{fence}{language}\n{visible(text).rstrip()}\n{fence}\n"
