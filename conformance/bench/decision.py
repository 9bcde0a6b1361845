"""Whether one side of a comparison is slower than the other: a pure function of what was measured.

Each process gives one minimum for each workload, the least of its rounds. Two statistics compare the minima of the two sides:
the least of them, which one undisturbed process is enough for, and their median, which one lucky process does not move. A
side is slower only when both say so.

One comparison is one decision. It is about the geometric mean of the workloads' ratios, in which the noise of single workloads
cancels. A single workload counts only at `SINGLE` times the threshold, and only after the most processes that there may be.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple, TypeAlias

FEWEST: Final = 3  # processes of each side
MOST: Final = 10
THRESHOLD: Final = 0.05
SINGLE: Final = 3  # times the threshold: what a single workload must be slower by
# The answer is open between these multiples of the threshold; looking again after each pair must not make false alarms.
_CLEARLY_NOT: Final = 0.5
_CLEARLY: Final = 1.5
_SHORTEST: Final = 1e-9  # seconds; a coarse clock may say 0

Key: TypeAlias = tuple[str, int]  # workload and size
Minima: TypeAlias = tuple[Sequence[float], Sequence[float]]  # of the base's processes, and of the head's


class Ratio(NamedTuple):
    """The head's time over the base's: by the least of the minima, and by their median."""

    least: float
    median: float

    def slower(self, share: float) -> bool:
        """Whether both statistics say that the head takes at least so much longer."""
        return min(self) >= 1 + share

    def faster(self, share: float) -> bool:
        """Whether both say that the base does."""
        return max(self) <= 1 / (1 + share)

    def below(self, share: float) -> bool:
        """Whether both say that the head does not take so much longer."""
        return max(self) < 1 + share

    def word(self, share: float, noise: float) -> str:
        """`slower by 7.1 %`: both say at least `share`; `no difference`: both say less than `noise`; or `undecided`."""
        if self.slower(share):
            return f"slower by {100 * (min(self) - 1):.1f} %"
        if self.faster(share):
            return f"faster by {100 * (1 - max(self)):.1f} %"
        return "no difference" if self.below(noise) and min(self) > 1 / (1 + noise) else "undecided"


def ratio(minima: Minima) -> Ratio:
    """Both statistics of one workload."""
    base, head = ([max(one, _SHORTEST) for one in side] for side in minima)
    return Ratio(min(head) / min(base), median(head) / median(base))


def together(ratios: Collection[Ratio]) -> Ratio:
    """The geometric mean of each statistic."""
    return Ratio(*(_mean(column) for column in zip(*ratios, strict=True)))


def _mean(values: Iterable[float]) -> float:
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms))


@dataclass(frozen=True)
class Decision:
    """What so many processes of each side say about every workload that both sides measured."""

    processes: int
    ratios: Mapping[Key, Ratio]
    threshold: float = THRESHOLD

    @property
    def overall(self) -> Ratio:
        """All workloads together."""
        return together(self.ratios.values())

    @property
    def single(self) -> float:
        """How much slower a single workload must be to count."""
        return SINGLE * self.threshold

    @property
    def suspects(self) -> list[Key]:
        """The workloads that are that much slower."""
        return [key for key, one in self.ratios.items() if one.slower(self.single)]

    @property
    def open(self) -> bool:
        """Whether more processes could tell more than these."""
        if not FEWEST <= self.processes < MOST:
            return self.processes < FEWEST
        if self.overall.slower(_CLEARLY * self.threshold):
            return False
        return bool(self.suspects) or not self.overall.below(_CLEARLY_NOT * self.threshold)

    @property
    def slowdowns(self) -> dict[str, Ratio]:
        """What the head is slower in, all workloads together or single ones; nothing while the answer is open."""
        if self.open:
            return {}
        overall = {"all workloads together": self.overall} if self.overall.slower(self.threshold) else {}
        alone = self.suspects if self.processes >= MOST else []
        return overall | {f"{workload} {size}": self.ratios[workload, size] for workload, size in alone}


def decide(minima: Mapping[Key, Minima], threshold: float = THRESHOLD) -> Decision:
    """The decision about the minima of each workload."""
    processes = min((len(side) for sides in minima.values() for side in sides), default=0)
    return Decision(processes, {key: ratio(sides) for key, sides in minima.items()}, threshold)
