"""What engines chose where mathematics leaves a choice, said so that equal choices read the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from conformance.gate import Settled
from reports.summary import Run

_NOTHING: Final = "–"
# A journal joins what was seen by commas; a text may hold commas too, so only one beside an array separates.
_SEPARATOR: Final = re.compile(r", (?=\[+-?\d)|(?<=[\d.\]]\]), ")
_NUMBER: Final = re.compile(r"-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf|nan)")
_NUMBERS: Final = re.compile(rf"\[*{_NUMBER.pattern}\]*(?:,? \[*{_NUMBER.pattern}\]*)*")


def conventions(found: Sequence[Run]) -> list[tuple[str, list[str], bool]]:
    """For each convention what every run showed, "–" for nothing, and whether the runs differ."""
    observed = [_observed(run.settled) for run in found]
    names = dict.fromkeys(name for texts in observed for name in texts)
    rows = [(name, [chosen(texts.get(name, [])) for texts in observed]) for name in names]
    return [(name, values, len({*values} - {_NOTHING}) > 1) for name, values in rows]


def _observed(items: Iterable[Settled]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        for name, text in (item.record.get("conventions") or {}).items():
            found.setdefault(str(name or item.record["clause"]), []).append(str(text))
    return found


def chosen(texts: Iterable[str]) -> str:
    """The distinct values in `texts`: each element of an array once, numbers in their order, then words.

    `[0.5 0.5], [0.25 0.25]` is `0.25 or 0.5`, and `no gradient, [0. 0.]` is `0 or no gradient`.
    """
    parts = dict.fromkeys(part for text in texts for part in _SEPARATOR.split(text))
    numeric = [part for part in parts if _NUMBERS.fullmatch(part)]
    numbers = {float(number) for part in numeric for number in _NUMBER.findall(part)}
    words = [part for part in parts if part not in numeric]
    return " or ".join([*dict.fromkeys(_plain(number) for number in sorted(numbers)), *words]) or _NOTHING


def _plain(number: float) -> str:
    # Six figures are the same in every dtype; adding zero drops the sign of -0.
    return f"{number + 0.0:.6g}"
