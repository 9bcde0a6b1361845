"""The answer in a terminal: chapters down, engines across, a headline for each engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.journal import Journal
from reports.palette import paint
from reports.summary import Run, chapters, runs
from reports.text import clip, columns, pad, wrapped

_NARROWEST: Final = 40
_GAP: Final = 2
_LEGEND: Final = "passed/cases of each chapter; – every case declined; not run: no case recorded"


def render(journals: Sequence[Journal], *, colour: bool, width: int) -> str:
    """The matrix of `journals` in lines of at most `width` columns (40 at least), and each headline.

    Engines that do not fit beside each other continue in a further table.
    """
    found, width = runs(journals), max(width, _NARROWEST)
    if not found:
        return "no journal\n"
    tables = [_table(part, chapters(found), colour, width) for part in _parts(found, chapters(found), width)]
    return "\n\n".join([*tables, "\n".join(wrapped(_LEGEND, width)), _headlines(found, colour, width)]) + "\n"


def _cell(run: Run, chapter: str) -> list[str]:
    tally = run.chapters.get(chapter)
    return tally.words if tally else ["not run"]


def _margin(names: Sequence[str], width: int) -> int:
    return min(max(columns(name) for name in ["chapter", *names]), width // 3)


def _column(run: Run, names: Sequence[str], room: int) -> int:
    texts = [run.label, *(word for name in names for word in _cell(run, name))]
    return min(max(columns(text) for text in texts), room)


def _parts(found: Sequence[Run], names: Sequence[str], width: int) -> list[list[Run]]:
    room = width - _margin(names, width) - _GAP
    parts: list[list[Run]] = [[]]
    taken = 0
    for run in found:
        needed = _column(run, names, room) + _GAP
        if parts[-1] and taken + needed > room + _GAP:
            parts.append([])
            taken = 0
        parts[-1].append(run)
        taken += needed
    return parts


def _table(part: Sequence[Run], names: Sequence[str], colour: bool, width: int) -> str:
    margin = _margin(names, width)
    widths = [_column(run, names, width - margin - _GAP) for run in part]
    heads = [(run.label, "strong") for run in part]
    lines = [_line(("chapter", "strong"), heads, margin, widths, colour)]
    for name in names:
        lines += _row(name, part, margin, widths, colour)
    return "\n".join(lines)


def _row(name: str, part: Sequence[Run], margin: int, widths: Sequence[int], colour: bool) -> list[str]:
    cells = [_cell(run, name) for run in part]
    tones = [run.chapters[name].tone if name in run.chapters else "quiet" for run in part]
    lines = []
    for index in range(max(len(cell) for cell in cells)):
        texts = [cell[index] if index < len(cell) else "" for cell in cells]
        first = name if index == 0 else ""
        lines.append(_line((first, "strong"), list(zip(texts, tones, strict=True)), margin, widths, colour))
    return lines


def _line(
    first: tuple[str, str], cells: Sequence[tuple[str, str]], margin: int, widths: Sequence[int], colour: bool
) -> str:
    rooms = [margin, *widths]
    fields = [(pad(clip(text, room), room), tone) for (text, tone), room in zip([first, *cells], rooms, strict=True)]
    last, tone = fields[-1]
    fields[-1] = (last.rstrip(), tone)
    return (" " * _GAP).join(paint(text, tone, colour) for text, tone in fields)


def _headlines(found: Sequence[Run], colour: bool, width: int) -> str:
    lines = []
    for run in found:
        lines += [paint(line, run.tone, colour) for line in wrapped(run.headline, width)]
    return "\n".join(lines)
