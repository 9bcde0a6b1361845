"""What the page says of each run: where and how it was made, and what its engine does not offer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from reports import timing
from reports.summary import Run
from reports.text import counted

_LACKS: Final = "does not offer "


def facts(run: Run) -> list[tuple[str, str]]:
    """The name and the text of each fact that the journal has."""
    header, engine = run.journal.header, run.journal.header["engine"]
    seconds = sum(item.record["seconds"] for item in run.settled)
    lowered = Counter(str(name) for item in run.settled for name in item.record.get("lowered", ()))
    rows = [
        ("Python", engine.get("python")),
        ("Platform", header["platform"]),
        ("Adapter", _adapter(engine.get("shape"), engine.get("lines"))),
        ("Speaks", ", ".join(engine.get("speaks") or ())),
        ("Composed", _listed(lowered.most_common())),
        ("Profile", header["profile"]),
        ("Seed", header["seed"]),
        ("Started", header["started"]),
        ("Took", timing.sentence(run.journal) if run.journal.footer else f"{seconds:.1f} s, not ended"),
        ("Suite", f"{header['suite'].get('version', '')} {header['suite'].get('digest', '')}".strip()),
        ("Command", header.get("command")),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def lacking(run: Run) -> list[tuple[str, int, list[str]]]:
    """What the engine does not offer: each capability, how many cases it declined, the most first, and their chapters."""
    chapters: dict[str, Counter[str]] = {}
    for item in run.settled:
        for name in _capabilities(str(item.record.get("declined") or "")) if item.verdict == "declined" else ():
            chapters.setdefault(name, Counter())[item.chapter] += 1
    rows = [(name, counts.total(), list(counts)) for name, counts in chapters.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _capabilities(reason: str) -> list[str]:
    """`does not offer grad, the dialect torch` names `grad` and `dialect torch`; another text is kept whole."""
    if not reason.startswith(_LACKS):
        return [reason] if reason else []
    return [name.removeprefix("the ") for name in reason.removeprefix(_LACKS).split(", ")]


def _adapter(shape: object, lines: object) -> str:
    texts = [str(shape) if shape else "", counted(lines, "line") if isinstance(lines, int) and lines else ""]
    return ", ".join(text for text in texts if text)


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts)
