"""Whether a side is slower, on made-up measurements: both statistics, all workloads together, and when to stop."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

import pytest

from conformance.bench.decision import FEWEST, MOST, Decision, Key, Ratio, decide, ratio, together

_TEN: Final[list[Key]] = [(f"workload{n}", 1) for n in range(10)]


def measured(factors: Mapping[Key, float], noise: float, processes: int, seed: int = 0) -> Decision:
    """The decision about a head that takes so many times as long as the base, with processes that are slower by chance."""
    drawn = random.Random(seed)

    def minima(factor: float) -> list[float]:
        return [factor * 1e-4 * (1 + drawn.expovariate(1 / noise)) for _ in range(processes)]

    return decide({key: (minima(1), minima(factor)) for key, factor in factors.items()})


def exact(*ratios: Ratio, processes: int = MOST) -> Decision:
    return Decision(processes, dict(zip(_TEN, ratios, strict=False)))


def test_two_statistics_of_the_minima_are_compared() -> None:
    """The least of each side, and the median of each side."""
    assert ratio(([3.0, 1.0, 2.0], [9.0, 2.0, 3.0])) == Ratio(2.0, 1.5)
    assert ratio(([1.0, 2.0], [0.0, 1.0])).least == pytest.approx(1e-9)


def test_workloads_are_taken_together_by_the_geometric_mean() -> None:
    """Twice as slow in one and twice as fast in another is no difference together."""
    assert together([Ratio(2.0, 4.0), Ratio(0.5, 1.0)]) == pytest.approx(Ratio(1.0, 2.0))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (Ratio(1.06, 1.08), "slower by 6.0 %"),
        (Ratio(1.08, 1.05), "slower by 5.0 %"),
        (Ratio(1.049, 1.2), "undecided"),
        (Ratio(1.2, 1.0), "undecided"),
        (Ratio(1.049, 0.96), "no difference"),
        (Ratio(0.9, 0.8), "faster by 10.0 %"),
        (Ratio(0.9, 1.0), "undecided"),
        (Ratio(0.9, 1.1), "undecided"),
    ],
)
def test_both_statistics_must_agree(found: Ratio, word: str) -> None:
    assert found.word(0.05, 0.05) == word


def test_a_single_workload_between_noise_and_what_counts_is_undecided() -> None:
    """It is called slower only when it would count."""
    assert Ratio(1.1, 1.1).word(0.15, 0.05) == "undecided"
    assert Ratio(1.15, 1.2).word(0.15, 0.05) == "slower by 15.0 %"


@pytest.mark.parametrize(
    ("found", "processes", "is_open"),
    [
        (Ratio(1.0, 1.0), FEWEST - 1, True),
        (Ratio(1.5, 1.5), FEWEST - 1, True),
        (Ratio(1.0, 1.0), FEWEST, False),
        (Ratio(0.7, 0.7), FEWEST, False),
        (Ratio(1.024, 1.0), FEWEST, False),
        (Ratio(1.026, 1.0), FEWEST, True),
        (Ratio(1.0, 1.2), FEWEST, True),
        (Ratio(1.06, 1.06), FEWEST, True),
        (Ratio(1.08, 1.06), MOST - 1, True),
        (Ratio(1.08, 1.08), FEWEST, False),
        (Ratio(1.06, 1.06), MOST, False),
    ],
)
def test_more_processes_start_only_while_the_answer_is_open(found: Ratio, processes: int, is_open: bool) -> None:
    """Clearly no slow-down and clearly one end it early; what is near the threshold goes on to the most."""
    assert exact(found, processes=processes).open is is_open


def test_nothing_is_slower_while_the_answer_is_open() -> None:
    assert not exact(Ratio(1.06, 1.06), processes=MOST - 1).slowdowns
    assert list(exact(Ratio(1.06, 1.06)).slowdowns) == ["all workloads together"]


def test_a_single_slow_workload_counts_after_the_most_processes() -> None:
    """One in ten that takes 20 % longer is 2 % of all together: it is looked at ten times, and then counts."""
    ratios = [Ratio(1.2, 1.2), *[Ratio(1.0, 1.0)] * 9]
    early, late = exact(*ratios, processes=FEWEST), exact(*ratios)
    assert early.open
    assert not early.slowdowns
    assert list(late.slowdowns) == ["workload0 1"]
    assert not exact(Ratio(1.14, 1.2), *ratios[1:]).slowdowns
    assert list(exact(*[Ratio(1.2, 1.2)] * 2, processes=FEWEST).slowdowns) == ["all workloads together"]


@pytest.mark.parametrize("processes", [FEWEST, MOST])
@pytest.mark.parametrize("noise", [0.01, 0.05])
def test_equal_sides_are_rarely_called_slower(processes: int, noise: float) -> None:
    """Of 500 comparisons of a side with itself, in ten workloads, at most one in a hundred is."""
    same = dict.fromkeys(_TEN, 1.0)
    alarms = sum(bool(measured(same, noise, processes, seed).slowdowns) for seed in range(500))
    assert alarms <= 5


def test_a_tenth_more_is_found() -> None:
    """Of 200 comparisons with a head that takes 10 % longer, at least 19 in 20 are called slower by the most processes."""
    slow = dict.fromkeys(_TEN, 1.1)
    found = sum(bool(measured(slow, 0.05, MOST, seed).slowdowns) for seed in range(200))
    assert found >= 190
