"""The line about time: figures that agree with each other, and words with their numbers."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.journal import Journal
from reports import timing
from tests.example_journals import journal


def _timed(**footer: Any) -> Journal:
    made = journal([])
    return Journal(made.header, made.cases, {"counts": {}, **footer})


@pytest.mark.parametrize(
    ("programs", "seconds", "sentence"),
    [
        (2802, 7.75, "2,802 programs in 7.75 s, 362 a second"),
        (2696, 93.21, "2,696 programs in 93.2 s, 29 a second"),
        (10, 1.81, "10 programs in 1.81 s, 5.5 a second"),
        (1, 0.27, "1 program in 0.27 s, 3.7 a second"),
        (0, 0.02, "0 programs in 0.02 s"),
        (1, 0.0, "1 program in 0.00 s"),
    ],
)
def test_the_rate_is_programs_by_seconds(programs: int, seconds: float, sentence: str) -> None:
    """The rate is what a reader gets who divides the programs by the seconds, whatever the examining took."""
    assert timing.sentence(_timed(programs=programs, seconds=seconds, examined=0.01)) == sentence


def test_shares_say_of_what_they_are() -> None:
    """The shares are of the time of the examinations, which is not that of the clock on the wall."""
    timed = _timed(programs=2, seconds=2.0, examined=1.0, shares={"engine": 0.169, "model": 0.831})
    assert timing.render([timed]) == (
        "acme: 2 programs in 2.00 s, 1.0 a second; of the examining time, engine 17%, model 83%"
    )


def test_a_run_that_did_not_end_has_no_line() -> None:
    """Without a footer nothing is known of the time."""
    assert timing.render([journal([], complete=False)]) == ""
