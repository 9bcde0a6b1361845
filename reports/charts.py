"""Charts of what `bench` measured: one for each workload, both axes logarithmic, all with the same axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from conformance.bench.results import BASELINE, Measurement, Results, duration
from conformance.bench.workloads import WORKLOADS
from reports.view import slug

WIDTH: Final = 384
HEIGHT: Final = 250
# The plot's edges; engines' names stand right of it.
LEFT: Final = 52.0
RIGHT: Final = 302.0
TOP: Final = 12.0
BOTTOM: Final = 222.0
COLOURS: Final = 9  # in the style sheet; the first is the baseline's
_LABEL_HEIGHT: Final = 12.5
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is drawn; an axis of one value has it in the middle."""
        if self.low == self.high:
            return (self.start + self.end) / 2
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class Line:
    """An engine's line: its points, and where its name stands."""

    engine: str
    colour: int
    points: list[tuple[float, float]]
    label: tuple[float, float]

    @property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True)
class Chart:
    """One workload: what is drawn, what is said of it, and its figures as a table."""

    anchor: str
    name: str
    sentence: str
    description: str
    lines: list[Line]
    across: list[Tick]
    up: list[Tick]
    unmeasured: str
    table: list[list[str]]


@dataclass(frozen=True)
class Charts:
    """All charts, what measured them, and the remarks about what is missing."""

    charts: list[Chart]
    engines: str
    remarks: list[str]


def charts(results: Results) -> Charts:
    """The charts of `results`."""
    versions = {one.engine: one.version for one in results.measurements}
    axes = _axes(results)
    drawn = [_chart(results, name, *axes) for name in results.workloads]
    return Charts(drawn, ", ".join(f"{name} {versions[name]}" for name in results.engines), results.remarks())


def _axes(results: Results) -> tuple[Axis, Axis]:
    sizes = [one.size for one in results.measurements]
    times = [one.median for one in results.measurements if one.median] or [1e-6]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    return Axis(min(sizes), max(sizes), LEFT, RIGHT), Axis(10.0**low, 10.0 ** max(high, low + 1), BOTTOM, TOP)


def _chart(results: Results, workload: str, x: Axis, y: Axis) -> Chart:
    sizes = results.sizes(workload)
    lines = _labelled([line for name in results.engines if (line := _line(results, name, workload, x, y))])
    known = WORKLOADS.get(workload)
    return Chart(
        anchor=slug("times", workload),
        name=workload.replace("_", " "),
        sentence=known.sentence if known else "",
        description="; ".join(_described(results, line.engine, workload) for line in lines) or "nothing was measured",
        lines=lines,
        across=[(x.at(size), _power(size)) for size in sizes],
        up=[(y.at(value), _decade(value)) for value in _decades(y)],
        unmeasured=_unmeasured(results, workload),
        table=[
            ["elements", *results.engines],
            *([f"{size:,}", *(results.cell(name, workload, size) for name in results.engines)] for size in sizes),
        ],
    )


def _measured(results: Results, engine: str, workload: str) -> list[tuple[int, float]]:
    found = (results.at(engine, workload, size) for size in results.sizes(workload))
    return [(one.size, one.median) for one in found if one and one.median]


def _line(results: Results, engine: str, workload: str, x: Axis, y: Axis) -> Line | None:
    points = [(x.at(size), y.at(median)) for size, median in _measured(results, engine, workload)]
    others = [name for name in results.engines if name != BASELINE]
    colour = 0 if engine == BASELINE else 1 + others.index(engine) % (COLOURS - 1)
    return Line(engine, colour, points, points[-1]) if points else None


def _labelled(lines: Sequence[Line]) -> list[Line]:
    """The lines with their names at their ends, moved apart where they end close to each other."""
    placed = []
    for _, ending in groupby(sorted(lines, key=lambda line: line.points[-1]), key=lambda line: line.points[-1][0]):
        column = list(ending)
        heights = _apart([line.points[-1][1] for line in column])
        placed += [
            Line(line.engine, line.colour, line.points, (line.points[-1][0] + 8, height))
            for line, height in zip(column, heights, strict=True)
        ]
    return sorted(placed, key=lambda line: line.colour)


def _apart(heights: Sequence[float]) -> list[float]:
    """Ascending heights, no two nearer than a label's height: pushed down in one pass, back up from the bottom in another."""
    down: list[float] = []
    for height in heights:
        down.append(max(height, down[-1] + _LABEL_HEIGHT) if down else height)
    up: list[float] = []
    for height in reversed(down):
        up.append(min(height, up[-1] - _LABEL_HEIGHT if up else BOTTOM))
    return [round(height, 1) for height in reversed(up)]


def _described(results: Results, engine: str, workload: str) -> str:
    (first, short), *_, (last, long) = _measured(results, engine, workload) * 2
    return f"{engine}: {duration(short)} at {first:,}, {duration(long)} at {last:,}"


def _unmeasured(results: Results, workload: str) -> str:
    """Engines that this workload says nothing of, and why: `declined: jax, autograd (backward)`."""
    reasons: dict[str, list[str]] = {}
    for name in results.engines:
        found = [results.at(name, workload, size) for size in results.sizes(workload)]
        asked = [one for one in found if one]
        if asked and not any(one.median for one in asked):
            reasons.setdefault(_why(asked[0]), []).append(name)
    return "; ".join(f"{', '.join(names)} {why}" for why, names in reasons.items())


def _why(one: Measurement) -> str:
    return f"declined ({one.reason})" if one.state == "declined" else f"– {one.state}"


def _decades(axis: Axis) -> list[float]:
    return [10.0**power for power in range(round(math.log10(axis.low)), round(math.log10(axis.high)) + 1)]


def _decade(seconds: float) -> str:
    number, unit = duration(seconds).split()
    return f"{float(number):g} {unit}"


def _power(size: int) -> str:
    power = round(math.log10(size))
    return f"10{str(power).translate(_SUPERSCRIPTS)}" if size >= 1000 and size == 10**power else f"{size:,}"
