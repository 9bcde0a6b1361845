"""How fast the suite itself is: random programs a second, from drawing to verdict, harness and agent on one processor."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from conformance.adapter import Adapter
from conformance.agent.lowering import NotOffered
from conformance.clause import Case, specification
from conformance.errors import NothingSelected
from conformance.examination import BLOCK, Examination
from conformance.execution import Engine
from conformance.judge import Finding, judge
from conformance.program import Program

_WARMING = 20  # programs a case
_PARTS = ("writing", "engine", "judging")


@dataclass
class Throughput:
    """Programs and the seconds that their parts took; `writing` includes drawing, `engine` the pipe."""

    engine: str
    clause: str
    programs: int = 0
    unwritable: int = 0
    instructions: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_PARTS, 0.0))

    @property
    def rate(self) -> float:
        """Programs a second."""
        return self.programs / max(sum(self.seconds.values()), 1e-9)

    def add(self, other: Throughput) -> None:
        """Adds the figures of more programs."""
        self.programs += other.programs
        self.unwritable += other.unwritable
        self.instructions += other.instructions
        for part in _PARTS:
            self.seconds[part] += other.seconds[part]

    def line(self) -> str:
        """One line of the table."""
        total = max(sum(self.seconds.values()), 1e-9)
        shares = ", ".join(f"{part} {self.seconds[part] / total:.0%}" for part in _PARTS)
        length = self.instructions / max(self.programs, 1)
        return (
            f"{self.engine:<12} {self.clause:<20} {self.rate:7.0f} programs/s  {self.programs} programs of "
            f"{length:.1f} instructions, {self.unwritable} unwritable  ({shares})"
        )


@contextmanager
def one_processor() -> Iterator[None]:
    """One processor for this process and those that it starts meanwhile, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return

    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def measured(adapter: Adapter, python: str, timeout: float, seconds: float, seed: int = 0) -> Iterator[Throughput]:
    """The throughput of each clause of random programs on an engine, over all its cases in turn; for so many seconds each."""
    clauses = [clause for clause in specification().values() if clause.writer]
    with one_processor(), Engine(adapter, python, timeout) as engine:
        for clause in clauses:
            cases = [case for case in clause.cases() if case.dtype in adapter.dtypes]
            yield _timed(engine, cases, seconds, seed)


def _timed(engine: Engine, cases: list[Case], seconds: float, seed: int) -> Throughput:
    if not cases:
        raise NothingSelected(f"{engine.adapter.name} has no dtype of the suite")
    # What an engine does once, when it first meets an operator, is not counted.
    _counted(engine, cases, range(-_WARMING, 0), seed)
    found, started, index = Throughput(engine.adapter.name, cases[0].clause.id), time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        found.add(_counted(engine, cases, range(index, index + BLOCK), seed))
        index += BLOCK
    return found


def _counted(engine: Engine, cases: list[Case], indices: Sequence[int], seed: int) -> Throughput:
    """The programs of some indices of every case, from drawing to verdict; what they show is the gate's business."""
    found = Throughput(engine.adapter.name, cases[0].clause.id)
    for case in cases:
        examination, started = Examination(case, engine), time.perf_counter()
        try:
            programs = examination.written(indices, seed)
        except NotOffered:
            continue
        found.seconds["writing"] += time.perf_counter() - started
        found.unwritable += examination.census.unwritable.total()
        for _, _, program in programs:
            _run(engine, program, found)
    return found


def _run(engine: Engine, program: Program, found: Throughput) -> None:
    started = time.perf_counter()
    reply = engine.run(program)
    answered = time.perf_counter()
    if not isinstance(reply, Finding):
        judge(program, reply)
    found.programs += 1
    found.instructions += len(program)
    found.seconds["engine"] += answered - started
    found.seconds["judging"] += time.perf_counter() - answered
