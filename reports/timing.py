"""Where the time of a run went."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.journal import Journal
from reports.text import counted


def render(journals: Sequence[Journal]) -> str:
    """A line for each run that ended: `torch: 2,814 programs in 9.70 s, 290 a second; of the examining time, engine …`."""
    return "\n".join(f"{journal.engine}: {sentence(journal)}" for journal in journals if journal.footer)


def sentence(journal: Journal) -> str:
    """The programs of a run, the seconds by the clock on the wall, and the shares of the time of its examinations."""
    footer = journal.footer or {}
    programs, seconds = footer.get("programs", 0), footer.get("seconds", 0.0)
    # As many figures as the reader needs to divide one by the other and arrive at the third.
    took = f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2f}"
    rate = f", {_rate(programs / seconds)} a second" if programs and seconds else ""
    shares = ", ".join(f"{name} {share:.0%}" for name, share in footer.get("shares", {}).items())
    return f"{counted(programs, 'program')} in {took} s{rate}" + (
        f"; of the examining time, {shares}" if shares else ""
    )


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
