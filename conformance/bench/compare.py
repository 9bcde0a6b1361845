"""Compares two engines, or two states of one: fresh processes in turn, until `decision` knows the answer.

Both sides share one processor, so that neither has a quieter one. The order is A B B A A B B A …: what drifts while they run
adds to both alike.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conformance.adapter import Adapter
from conformance.bench import children
from conformance.bench.decision import FEWEST, MOST, THRESHOLD, Decision, Key, Minima, Ratio, decide
from conformance.bench.results import duration
from conformance.bench.suite import one_processor
from conformance.errors import ConformanceError, NothingSelected
from conformance.tables import render

CLOCKS: Final = {"cpu": "process_time", "wall": "perf_counter"}

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Process:
    """What one process measured: the least round of each workload and its counts, and why there are none."""

    minima: Mapping[Key, float]
    counts: Mapping[Key, Counts] = field(default_factory=dict)
    reasons: Mapping[Key, str] = field(default_factory=dict)
    uncounted: Collection[str] = ()


@dataclass
class Side:
    """An engine in its environment, and what its processes measured so far."""

    role: str
    adapter: Adapter
    python: str
    processes: list[Process] = field(default_factory=list)

    def minima(self, key: Key, count: int) -> list[float]:
        """The minima of a workload in the first processes; fewer where one did not measure it."""
        return [one.minima[key] for one in self.processes[:count] if key in one.minima]

    def counts(self, key: Key) -> Counts | None:
        """The counts of a workload; None when they are not the same in each process, and thus say nothing."""
        found = [one.counts.get(key, {}) for one in self.processes]
        return found[0] if found and all(one == found[0] for one in found) else None

    def reasons(self) -> dict[Key, str]:
        """Why workloads have no time, where a process said so."""
        return {key: why for one in self.processes for key, why in one.reasons.items()}


@dataclass
class Comparison:
    """Two sides, what to time, and what it says so far."""

    base: Side
    head: Side
    plan: children.Plan
    threshold: float = THRESHOLD

    @property
    def pairs(self) -> int:
        """How many processes both sides have; an interrupt may leave one side with one more."""
        return min(len(self.base.processes), len(self.head.processes))

    @property
    def minima(self) -> dict[Key, Minima]:
        """The minima of every workload that each process of both sides measured."""
        keys = [(workload.name, size) for workload in self.plan.workloads for size in self.plan.sizes]
        found = {key: (self.base.minima(key, self.pairs), self.head.minima(key, self.pairs)) for key in keys}
        return {
            key: sides for key, sides in found.items() if self.pairs and all(len(one) == self.pairs for one in sides)
        }

    @property
    def decision(self) -> Decision:
        """The decision about what was measured so far."""
        return decide(self.minima, self.threshold)

    @property
    def word(self) -> str:
        """The answer about all workloads together."""
        return self.decision.overall.word(self.threshold, self.threshold)

    def failures(self, times_only: bool = False) -> list[str]:
        """Why the head is refused: it is slower, it lost a workload, or it counts more of something."""
        slower = [f"slower: {name} ({_shown(one)})" for name, one in self.decision.slowdowns.items()]
        base, head = self.base.reasons(), self.head.reasons()
        lost = [f"lost: {_named(key)}, {why}" for key, why in head.items() if key not in base]
        counted = () if times_only else self._counted()
        return [*slower, *lost, *(f"more: {_named(key)}, {name} {a} → {b}" for key, name, a, b in counted if b > a)]

    def run(self, told: Callable[[str], None]) -> None:
        """Starts processes until the answer is known; KeyboardInterrupt leaves what the ended ones measured.

        Raises NothingSelected when there is no workload that both sides measure.
        """
        with one_processor():
            while self.decision.open:
                for side in (self.base, self.head)[:: 1 if self.pairs % 2 == 0 else -1]:
                    started = time.monotonic()
                    side.processes.append(_measured(side, self.plan))
                    told(f"{side.role} {len(side.processes)}: {time.monotonic() - started:.1f} s")
                if not self.minima:
                    raise NothingSelected("; ".join(["there is no workload that both sides measure", *self.remarks()]))
                told(f"pair {self.pairs} of {FEWEST} to {MOST}: {_shown(self.decision.overall)}")

    def table(self) -> str:
        """A row for each workload, and one for all together."""
        decision = self.decision
        single, share = decision.single, decision.threshold
        rows = [["workload", "size", self.base.role, self.head.role, "by least", "by median", ""]]
        for (name, size), found in decision.ratios.items():
            times = [duration(min(side)) for side in self.minima[name, size]]
            rows.append([name, f"{size}", *times, *_three(found), found.word(single, share)])
        return render([*rows, ["all together", "", "", "", *_three(decision.overall), self.word]])

    def remarks(self) -> list[str]:
        """What was not timed or not counted, which counts differ, and how many are the same."""
        said: dict[str, list[str]] = {}
        for side in (self.base, self.head):
            untimed = [f"{_named(key)}: {why}" for key, why in side.reasons().items()]
            uncounted = dict.fromkeys(f"not counted: {why}" for one in side.processes for why in one.uncounted)
            for what in [*untimed, *uncounted]:
                said.setdefault(what, []).append(side.role)
        differing = [f"{_named(key)}: {name} {a} → {b}" for key, name, a, b in self._counted()]
        return [*(f"{what} ({' and '.join(roles)})" for what, roles in said.items()), *differing, self._same()]

    def _same(self) -> str:
        pairs = [] if self._differ else [(self.base.counts(key), self.head.counts(key)) for key in self.minima]
        names = dict.fromkeys(name for pair in pairs for side in pair for name in side or {})
        if not names:
            return "no counts that could be compared"
        vary = sum(None in pair for pair in pairs)
        same = sum(base == head for base, head in pairs if base is not None)
        varying = f", varying in {vary}" if vary else ""
        return f"{', '.join(names)}: the same in {same} of {len(pairs)} workloads{varying}"

    @property
    def _differ(self) -> bool:
        """Whether these are two engines, whose counts count different things."""
        return self.base.adapter.module != self.head.adapter.module

    def _counted(self) -> Iterator[tuple[Key, str, int, int]]:
        """Where counts differ."""
        for key in () if self._differ else self.minima:
            base, head = self.base.counts(key) or {}, self.head.counts(key) or {}
            for name in base:
                if name in head and base[name] != head[name]:
                    yield key, name, base[name], head[name]


def _three(found: Ratio) -> list[str]:
    return [f"{one:.3f}" for one in found]


def _shown(found: Ratio) -> str:
    return f"{found.least:.3f} by the least, {found.median:.3f} by the median"


def _named(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _measured(side: Side, plan: children.Plan) -> Process:
    with tempfile.TemporaryDirectory() as folder, _of(side):
        path = Path(folder) / "times.json"
        children.measure(side.adapter, side.python, plan, path, lambda message: None)
        document = json.loads(path.read_text(encoding="utf-8"))
    rows = {_key(row["extra_info"]): row for row in document["benchmarks"]}
    return Process(
        minima={key: float(row["stats"]["min"]) for key, row in rows.items()},
        counts={key: row["extra_info"].get("counts", {}) for key, row in rows.items()},
        reasons={_key(row): f"{row['state']}: {row['reason']}" for row in document["unmeasured"]},
        uncounted=[str(row["extra_info"]["uncounted"]) for row in rows.values() if "uncounted" in row["extra_info"]],
    )


@contextmanager
def _of(side: Side) -> Iterator[None]:
    """Says of which side an error is."""
    try:
        yield
    except ConformanceError as reason:
        raise type(reason)(f"{side.role}: {reason}") from None


def _key(facts: Mapping[str, Any]) -> Key:
    return str(facts["workload"]), int(facts["size"])
