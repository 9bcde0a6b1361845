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


def declined(run: Run) -> tuple[str, str]:
    """How many cases were declined, and the capabilities that were missing, each with its cases; empty when none was."""
    reasons = [str(item.record.get("declined") or "") for item in run.settled if item.verdict == "declined"]
    lacking = Counter(name for reason in reasons for name in _capabilities(reason))
    if not reasons:
        return "", ""
    return f"{counted(len(reasons), 'case')} declined", f"not offered: {_listed(sorted(lacking.items()))}"


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
