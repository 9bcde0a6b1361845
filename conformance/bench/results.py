"""What was measured, read from the JSON of each engine; times and ratios to torch as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.bench.workloads import WORKLOADS
from conformance.errors import NothingSelected, UsageError
from conformance.tables import render as aligned

BASELINE: Final = "torch"
_UNITS: Final = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


@dataclass(frozen=True)
class Measurement:
    """One workload at one size on one engine: the median of its rounds in seconds, or the state and why there is none."""

    engine: str
    version: str
    workload: str
    size: int
    state: str
    median: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Results:
    """The measurements of one command."""

    measurements: tuple[Measurement, ...]

    @property
    def engines(self) -> list[str]:
        """The engines, the one that others are compared with first."""
        names = dict.fromkeys(one.engine for one in self.measurements)
        return sorted(names, key=lambda name: (name != BASELINE, name))

    @property
    def workloads(self) -> list[str]:
        """The workloads, in their order."""
        order = {name: at for at, name in enumerate(WORKLOADS)}
        names = dict.fromkeys(one.workload for one in self.measurements)
        return sorted(names, key=lambda name: order.get(name, len(order)))

    def sizes(self, workload: str) -> list[int]:
        """The sizes at which a workload was asked."""
        return sorted({one.size for one in self.measurements if one.workload == workload})

    def at(self, engine: str, workload: str, size: int) -> Measurement | None:
        """The measurement of that name."""
        wanted = (engine, workload, size)
        return next((one for one in self.measurements if (one.engine, one.workload, one.size) == wanted), None)

    def ratio(self, one: Measurement) -> float | None:
        """How many times as long as torch it took; None for torch itself, and where one of the two was not measured."""
        base = self.at(BASELINE, one.workload, one.size)
        if one.engine == BASELINE or base is None or not base.median or one.median is None:
            return None
        return one.median / base.median

    def cell(self, engine: str, workload: str, size: int) -> str:
        """Time and ratio, or the state: `41.2 µs  1.9×`, `declined: mean`."""
        one = self.at(engine, workload, size)
        if one is None:
            return "–"
        if one.median is None:
            return f"declined: {one.reason}" if one.state == "declined" else one.state
        ratio = self.ratio(one)
        return duration(one.median) + (f"  {ratio:.3g}×" if ratio is not None else "")

    @property
    def exit_code(self) -> int:
        """1 when a workload ended in an error, 5 when nothing was measured."""
        states = {one.state for one in self.measurements}
        return 1 if "error" in states else 0 if "measured" in states else NothingSelected.exit_code

    def remarks(self) -> list[str]:
        """What stands behind `limited`, `timeout` and `error`, once for each engine and reason."""
        named: dict[str, list[str]] = {}
        for one in self.measurements:
            if one.median is None and one.state != "declined":
                named.setdefault(f"{one.engine}, {one.state}: {one.reason}", []).append(f"{one.workload} {one.size}")
        return [f"{said} ({_some(where)})" for said, where in named.items()]

    def table(self) -> str:
        """A row for each workload and size, a column for each engine, and the remarks."""
        rows = [["workload", "size", *self.engines]]
        for workload in self.workloads:
            for size in self.sizes(workload):
                rows.append([workload, f"{size}", *(self.cell(name, workload, size) for name in self.engines)])
        return "\n".join([aligned(rows), *self.remarks()])


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def duration(seconds: float) -> str:
    """A time with three figures: `41.2 µs`."""
    unit, scale = next((row for row in _UNITS if seconds >= row[1] * 0.9995), _UNITS[-1])
    value = seconds / scale
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"


def read_folder(folder: Path) -> Results:
    """The results in `folder`; raises UsageError when there are none."""
    found = read(sorted(folder.glob("*.json")))
    if not found.measurements:
        raise UsageError(f"{folder} holds no result of `autograd-conformance bench`")
    return found


def read(paths: Sequence[Path]) -> Results:
    """The results in `paths`; raises UsageError when one is not what `bench` wrote."""
    return Results(tuple(one for path in paths for one in _measurements(path)))


def _measurements(path: Path) -> list[Measurement]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        measured = [_measurement(row["extra_info"], row["stats"]) for row in document["benchmarks"]]
        return measured + [_measurement(row, {}) for row in document["unmeasured"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise UsageError(f"{path} is no result of `autograd-conformance bench`: {reason!r}") from None


def _measurement(facts: Mapping[str, Any], stats: Mapping[str, Any]) -> Measurement:
    return Measurement(
        engine=str(facts["engine"]),
        version=str(facts["version"]),
        workload=str(facts["workload"]),
        size=int(facts["size"]),
        state=str(facts["state"]),
        median=float(stats["median"]) if stats else None,
        reason=str(facts.get("reason", "")),
    )
