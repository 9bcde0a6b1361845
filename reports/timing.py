"""Where the time of a run went."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.journal import Journal


def render(journals: Sequence[Journal]) -> str:
    """A line for each complete run: `torch: 2814 programs in 9.7 s; engine 16 %, pipe 35 %, model 27 %, …`."""
    return "\n".join(f"{journal.engine}: {sentence(journal)}" for journal in journals if journal.footer)


def sentence(journal: Journal) -> str:
    """The programs and seconds of a run, and the shares of the time in which its cases were examined."""
    footer = journal.footer or {}
    programs, seconds = footer.get("programs", 0), footer.get("seconds", 0.0)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in footer.get("shares", {}).items())
    rate = f", {programs / footer['examined']:.0f} a second" if footer.get("examined") else ""
    return f"{programs} programs in {seconds:.1f} s{rate}; {shares}"
