"""Planted faults: random programs are run on engines that are each broken in one way, until one shows what is broken.

No clause is asked that names the fault. A fault counts as caught by a minimal program on which the broken engine is wrong and the
same engine without the fault is not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from conformance.adapter import load, resolve
from conformance.clause import Case, specification
from conformance.console import say
from conformance.errors import NothingSelected
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.judge import Finding, judge
from conformance.program import Program
from implementations.mutants import PLANTED, Planted

_PROGRAMS: Final = ("programs/functional", "programs/protocol")
# The kinds of programs in which a fault of a subject is likely, in the order in which they are tried; the others come after them.
_LIKELY: Final[Mapping[str, Sequence[str]]] = {
    "numbers": ("exact", "benign", "mixed", "special", "second", "deep"),
    "accumulation": ("accumulation", "lifetime"),
    "zeroing": ("accumulation",),
    "detach": ("modes", "in_place"),
    "modes": ("modes",),
    "hooks": ("hooks",),
    "lifetime": ("lifetime", "accumulation"),
    "versions and views": ("in_place", "views"),
    "shapes and dtypes": ("functional", "exact", "special"),
}


@dataclass(frozen=True)
class Hunt:
    """What came of one fault: the programs that it took, and the record of the case that caught it, or None.

    unsound: cases whose witness the engine without the fault does not pass either, so that they prove nothing.
    """

    fault: Planted
    programs: int
    seconds: float
    record: Mapping[str, Any] | None
    unsound: tuple[str, ...] = ()

    def line(self) -> str:
        """One line of the table."""
        name, subject = self.fault.mutant.name, self.fault.subject
        if self.record is None:
            return f"SURVIVED  {subject:<19} {name:<43} {self.programs} programs"
        where = f"{self.record['case']} #{self.record['index']}"
        return (
            f"caught    {subject:<19} {name:<43} {where:<45} {self.programs:>5} programs  "
            f"{self.record['instructions']:>2} instructions  {self.record.get('attributed') or '-'}"
        )


def hunted(select: Sequence[str], subject: str | None, effort: Effort, scripts: Path | None) -> int:
    """Prints a line a fault, and how many of each subject were caught; 0 when all were, 3 when one survived.

    Ctrl-C ends it with what is known so far (6). A fault of an engine that is not installed is skipped.
    """
    faults = [it for it in PLANTED.values() if _chosen(it, select, subject)]
    if not faults:
        raise NothingSelected(f"no planted fault matches {' or '.join(select) or subject}")
    hunts, started = list[Hunt](), time.monotonic()
    try:
        for hunt in _hunts(faults, effort):
            hunts.append(hunt)
            say(hunt.line())
            for case in hunt.unsound:
                say(f"          its engine without the fault fails {case} as well")
            if scripts and hunt.record:
                scripts.mkdir(parents=True, exist_ok=True)
                (scripts / f"{hunt.fault.mutant.name}.py").write_text(hunt.record["script"], encoding="utf-8")
    except KeyboardInterrupt:
        say(f"interrupted after {len(hunts)} of {len(faults)} faults")
        return 6
    say(_summary(hunts, len(faults) - len(hunts), time.monotonic() - started))
    return 3 if any(hunt.record is None for hunt in hunts) else 0


def _chosen(fault: Planted, select: Sequence[str], subject: str | None) -> bool:
    globbed = not select or any(fnmatchcase(fault.mutant.name, glob) for glob in select)
    return globbed and subject in (None, fault.subject)


def _hunts(faults: Sequence[Planted], effort: Effort) -> Iterator[Hunt]:
    """Hunts each fault in turn, beside the engine without it."""
    with ExitStack() as stack:
        sound: dict[str, Engine] = {}
        for fault in faults:
            name = fault.mutant.of
            if not load(name).installed():
                say(f"skipped   {fault.subject:<19} {fault.mutant.name}  ({name} is not installed)")
                continue
            if name not in sound:
                sound[name] = stack.enter_context(Engine(load(name)))
            yield hunt(fault, effort, sound[name])


def hunt(fault: Planted, effort: Effort, sound: Engine) -> Hunt:
    """Random programs on one broken engine, case after case, until one shows the fault; `sound` is the engine without it."""
    programs, unsound, started = 0, list[str](), time.monotonic()
    with Engine(resolve(f"{fault.mutant.of},mutant={fault.mutant.name}")) as broken:
        for case in _likeliest(fault.subject):
            record = examine(case, broken, effort)
            programs += record["programs"]
            if record["verdict"] != "fail":
                continue
            if _passes(Program.from_json(record["witness"]), sound):
                return Hunt(fault, programs, time.monotonic() - started, record, tuple(unsound))
            unsound.append(case.id)
    return Hunt(fault, programs, time.monotonic() - started, None, tuple(unsound))


def _likeliest(subject: str) -> list[Case]:
    """Every case of random programs: the likely kinds first, in float64 and then in float32."""
    likely = _LIKELY[subject]
    cases = [case for name in _PROGRAMS for case in specification()[name].cases()]

    def place(case: Case) -> tuple[bool, bool, int]:
        kind = case.parameters["kind"]
        listed = kind in likely
        return not listed, case.dtype != "float64", likely.index(kind) if listed else 0

    return sorted(cases, key=place)


def _passes(program: Program, engine: Engine) -> bool:
    reply = engine.run(program)
    return not isinstance(reply, Finding) and judge(program, reply).finding is None


def _summary(hunts: Sequence[Hunt], skipped: int, seconds: float) -> str:
    """How many of each subject were caught, and what it took."""
    every = Counter(hunt.fault.subject for hunt in hunts)
    caught = Counter(hunt.fault.subject for hunt in hunts if hunt.record)
    counts = ", ".join(f"{subject} {caught[subject]}/{count}" for subject, count in every.items())
    programs, remark = sum(hunt.programs for hunt in hunts), f", {skipped} skipped" if skipped else ""
    return f"caught {caught.total()} of {every.total()}{remark}: {counts}\n{programs} programs, {seconds:.0f} s"
