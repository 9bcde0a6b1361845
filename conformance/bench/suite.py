"""How fast the suite itself is: random programs a second, from drawing to verdict, harness and agent on one processor."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise

from conformance.adapter import Adapter
from conformance.agent.lowering import NotOffered
from conformance.clause import Case, specification
from conformance.errors import NothingSelected
from conformance.examination import derive
from conformance.execution import Engine
from conformance.generation.sketch import Unwritable
from conformance.judge import Finding, judge

_PARTS = ("drawing", "writing", "engine", "judging")


@dataclass
class Throughput:
    """Programs and the seconds that their parts took; `engine` includes the pipe."""

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
    found = Throughput(engine.adapter.name, cases[0].clause.id)
    started = time.perf_counter()
    for index in count():
        for case in cases:
            _one(engine, case, random.Random(derive(seed, case.id, index)), found)
        if time.perf_counter() - started > seconds:
            return found
    raise AssertionError("count() ends")


def _one(engine: Engine, case: Case, draw: random.Random, found: Throughput) -> None:
    """One program from drawing to verdict; what it shows is the gate's business."""
    assert case.clause.writer is not None
    offered, times = engine.adapter.offers, [time.perf_counter()]
    try:
        sketch = case.clause.test(draw, offered=offered, **case.parameters)
        times.append(time.perf_counter())
        program = case.clause.writer(sketch, offered)
    except NotOffered:
        return
    except Unwritable:
        found.unwritable += 1
        return
    times.append(time.perf_counter())
    reply = engine.run(program)
    times.append(time.perf_counter())
    if not isinstance(reply, Finding):
        judge(program, reply)
    times.append(time.perf_counter())
    found.programs += 1
    found.instructions += len(program)
    for part, (begin, end) in zip(_PARTS, pairwise(times), strict=True):
        found.seconds[part] += end - begin
