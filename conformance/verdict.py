"""The verdicts of a case: one table from verdict to what it means, how it looks and what it does to the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Verdict:
    """One way in which a case can end.

    `exit_code` is what a run ends with when this verdict stands against expectation; 0 never does.
    `tone` is one of good, bad, broken, quiet: the reports map a tone to a colour.
    """

    name: str
    meaning: str
    symbol: str
    tone: str
    exit_code: int


_TABLE: Final = (
    Verdict("pass", "every observation was what the specification says", "✓", "good", 0),
    Verdict("fail", "the engine is wrong", "✗", "bad", 1),
    Verdict("crash", "the engine's process ended", "☠", "bad", 1),
    Verdict("timeout", "the engine did not answer in time", "◷", "bad", 1),
    Verdict("flaky", "the same program was judged differently twice", "≈", "bad", 1),
    Verdict("unsupported", "the engine lacks an operator that its adapter offers", "∅", "bad", 1),
    Verdict("error", "the adapter or the suite is wrong", "!", "broken", 3),
    Verdict("vacuous", "nothing was compared", "○", "broken", 3),
    Verdict("inconclusive", "the model cannot decide", "?", "quiet", 0),
    Verdict("blocked", "a clause that this one stands on failed", "⊘", "quiet", 0),
    Verdict("declined", "the engine does not offer what the case needs", "–", "quiet", 0),
)

VERDICTS: Final[dict[str, Verdict]] = {verdict.name: verdict for verdict in _TABLE}

# The verdicts that a missing prerequisite can explain: they become `blocked` when a prerequisite failed.
EXPLAINABLE: Final = frozenset({"fail", "error", "unsupported", "vacuous"})

# The verdicts that name a root cause: a case that has one blocks those that stand on it.
ROOT_CAUSES: Final = frozenset({"fail", "crash", "timeout", "flaky", "unsupported", "error"})

# When several problems end a run, the first of these: a broken harness, an incomplete run, an engine that did not load,
# a wrong command, nothing judged, a verdict against expectation.
EXIT_PRECEDENCE: Final = (3, 6, 4, 2, 5, 1, 0)


def worst(codes: Iterable[int]) -> int:
    """The exit code that wins among `codes`; 0 when there is none. Raises ValueError for a code that is none of ours."""
    found = set(codes)
    if unknown := found - set(EXIT_PRECEDENCE):
        raise ValueError(f"no exit codes of ours: {sorted(unknown)}")
    return next((code for code in EXIT_PRECEDENCE if code in found), 0)
