"""What was guessed, a line a key: how it was decided, and what was tried without success."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from conformance.capabilities import CAPABILITIES
from conformance.probing.laboratory import DERIVATIVE, REFUSED, RIGHT, WRONG, Attempt, Found, Guess
from reports.text import one_line

_WIDTH: Final = 120
_FARTHEST: Final = 5
_NAMES: Final = re.compile(r"'[^']*'")
_HOW: Final = {
    RIGHT: "right",
    DERIVATIVE: "a right value and a wrong gradient",
    REFUSED: "a right value, and then it refuses",
    WRONG: "wrong, and kept",
}


def lines(found: Found) -> Iterator[str]:
    """The lines, in the order of the table of capabilities; what was not found comes last."""
    adapter, guesses = found.adapter, found.guesses
    order = list(CAPABILITIES).index
    taken = {guess.key: guess for guess in guesses if guess.text is not None and guess.key in adapter.spellings}
    missing = {guess.key: guess for guess in guesses if guess.key not in adapter.spellings}
    for key in sorted(taken, key=order):
        yield _line(key, adapter.spellings[key], taken[key])
    for key in sorted(missing, key=order):
        yield _clipped(f"{key:<22}not found     {_tried(missing[key])}")
    if adapter.composed:
        yield _clipped(f"{'composed by NumPy':<22}{', '.join(adapter.composed)}")
    yield f"{'dtypes':<22}{', '.join(adapter.dtypes)}"
    for kind, name, pattern in adapter.refusals:
        yield _clipped(f"{'refusal':<22}{kind}: {name}, {pattern!r}")
    right = sum(guess.outcome.worth == RIGHT for guess in taken.values())
    kept = len(taken) - right
    yield f"{found.trials} trials: {right} keys are right, {kept} are kept although wrong, {len(missing)} were not found"


def farthest(attempts: Iterable[Attempt]) -> Iterator[str]:
    """When nothing was found: the ways to make a leaf that got farthest, the plainest of those that ended alike."""
    ended: dict[str, Attempt] = {}
    for attempt in sorted(attempts, key=lambda it: (tuple(-part for part in it.rank), len(it.leaf))):
        ended.setdefault(_NAMES.sub("", attempt.note), attempt)
    for attempt in list(ended.values())[:_FARTHEST]:
        then = f", then {attempt.text}" if attempt.text else ""
        yield _clipped(f"{attempt.leaf}{then}: {attempt.note}")


def _line(key: str, text: str, guess: Guess) -> str:
    how = _HOW[guess.outcome.worth]
    if guess.outcome.worth < RIGHT:
        how += f": {guess.outcome.note}"
    after = f"; before it {_tried(guess)}" if guess.tried and guess.outcome.worth == RIGHT else ""
    return _clipped(f"{key:<22}{text}    {how}{after}")


def _tried(guess: Guess) -> str:
    if not guess.tried:
        return "nothing of the kind is there"
    return "; ".join(f"{text}: {note or 'no value'}" for text, note in guess.tried)


def _clipped(text: str) -> str:
    one = one_line(text)
    return one if len(one) <= _WIDTH else one[: _WIDTH - 2] + " …"
