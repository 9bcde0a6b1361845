"""How sharply numbers were judged: what came of each that an enclosure judged, summed over records of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.enclosure import OUTCOMES
from conformance.gate import INCONCLUSIVE_SHARE, OPEN_OUTCOMES
from conformance.journal import Record
from reports.summary import Run
from reports.text import counted


@dataclass(frozen=True)
class Numbers:
    """What came of some numbers, and the greatest error among them as a part of what is accepted."""

    outcomes: Mapping[str, int]
    ratio: float

    @classmethod
    def of(cls, records: Iterable[Record]) -> Numbers:
        """The sum over `records`; those that enclosed nothing add nothing."""
        outcomes, ratio = Counter[str](), 0.0
        for record in records:
            outcomes.update(record.get("outcomes") or {})
            ratio = max(ratio, float(record.get("ratio") or 0))
        return cls(outcomes, ratio)

    @property
    def total(self) -> int:
        """How many numbers there are."""
        return sum(self.outcomes.values())

    @property
    def cells(self) -> list[tuple[str, str, str]]:
        """For each outcome its count, its share of the total, and the tone of both, empty for ink."""
        return [(f"{self.outcomes.get(name, 0):,}", self._share(name), self._tone(name)) for name in OUTCOMES]

    @property
    def greatest(self) -> str:
        """The greatest error in three figures: `0.431`, or `∞` where a number is not one, or nothing is allowed."""
        return f"{self.ratio:.3g}".replace("inf", "∞")

    @property
    def sentence(self) -> str:
        """`120 numbers enclosed: 20 exact, 99 pass, 1 undecided; greatest error 0.43 × the accepted`."""
        parts = [f"{self.outcomes[name]:,} {name}" for name in OUTCOMES if self.outcomes.get(name)]
        greatest = f"; greatest error {self.greatest} × the accepted" if self.ratio else ""
        return f"{counted(self.total, 'number')} enclosed: {', '.join(parts)}{greatest}"

    def _share(self, name: str) -> str:
        return percentage(self.outcomes.get(name, 0), self.total)

    def _tone(self, name: str) -> str:
        count = self.outcomes.get(name, 0)
        if name == "fail" and count:
            return "bad"
        left_open = sum(self.outcomes.get(it, 0) for it in OPEN_OUTCOMES)
        if name in OPEN_OUTCOMES and count and left_open > INCONCLUSIVE_SHARE * self.total:
            return "broken"  # as the gate has it, though it asks of a chapter
        return "" if count else "quiet"


def percentage(count: int, total: int) -> str:
    """`count` of `total` in per cent: nothing for none, and neither 0.0% for a few nor 100.0% for almost all."""
    if not count:
        return ""
    share = count / total
    return "< 0.1%" if share < 0.001 else "> 99.9%" if 0.999 < share < 1 else f"{share:.1%}"


def of_run(run: Run) -> Numbers:
    """Every number of `run` that was judged by an enclosure."""
    return Numbers.of(item.record for item in run.settled)


def by_clause(found: Sequence[Run]) -> dict[str, list[tuple[str, Numbers]]]:
    """The numbers of each engine for each clause that enclosed any, sorted by clause."""
    records = [(str(item.record["clause"]), run.label, item.record) for run in found for item in run.settled]
    groups: dict[str, dict[str, list[Record]]] = {}
    for clause, label, record in records:
        if record.get("outcomes"):
            groups.setdefault(clause, {}).setdefault(label, []).append(record)
    return {clause: [(label, Numbers.of(of)) for label, of in groups[clause].items()] for clause in sorted(groups)}
