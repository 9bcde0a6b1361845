"""Planted faults: random programs are run on engines that are each broken in one way, until one shows what is broken.

No clause is asked that names the fault. A fault counts as caught by a minimal program on which the broken engine is wrong and the
same engine without the fault is right.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.adapter import load, resolve
from conformance.clause import Case, specification
from conformance.console import say
from conformance.errors import NothingSelected
from conformance.examination import PROFILES
from conformance.execution import Engine
from conformance.generation import Sketch
from conformance.generation.attribution import clause_of
from conformance.generation.drawing import drawn
from conformance.generation.minimise import minimise, trimmed
from conformance.generation.sketch import Unwritable
from conformance.judge import Finding, judge
from conformance.program import Program
from conformance.showing import Folder, Scripts
from conformance.witnesses import Witness

if TYPE_CHECKING:
    from implementations.mutants import Planted

_PROGRAMS: Final = ("programs/functional", "programs/protocol")
# The kinds of programs in which a fault of a subject is likely, in the order in which they are tried; the others come after them.
LIKELY: Final[Mapping[str, Sequence[str]]] = {
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
_WRONG: Final = frozenset({"fail", "crash", "timeout"})  # an "error" is the adapter's or ours
_MINIMISING: Final = 2.0  # seconds of this process's own time, so that a busy machine finds the same witness


@dataclass(frozen=True)
class Catch:
    """Where a fault was caught, and the minimal program that shows it."""

    case: Case
    index: int
    witness: Program
    finding: Finding
    scripts: Scripts


@dataclass(frozen=True)
class Hunt:
    """What came of one fault: the programs that it took until it was caught, or all of them.

    unsound: programs that the engine without the fault does not pass either; they prove nothing, and are passed over.
    """

    fault: Planted
    programs: int
    catch: Catch | None
    unsound: tuple[str, ...] = ()

    def line(self) -> str:
        """One line of the table."""
        start = f"{self.fault.subject:<19} {self.fault.mutant.name:<43}"
        if self.catch is None:
            return f"SURVIVED  {start} {self.programs} programs"
        where = f"{self.catch.case.id} #{self.catch.index}"
        attributed = clause_of(self.catch.witness, self.catch.finding)
        length = len(self.catch.witness)
        return (
            f"caught    {start} {where:<43} {self.programs:>4} programs  {length:>2} instructions  {attributed or '-'}"
        )


@dataclass
class Programs:
    """The programs of the cases, drawn and written once for all faults of an engine: those of a run with the same seed."""

    offered: frozenset[str]
    seed: int
    count: int
    known: dict[tuple[str, int], tuple[Sketch, Program] | None] = field(default_factory=dict)

    def of(self, case: Case) -> Iterator[tuple[int, Sketch, Program]]:
        """Index, sketch and program, for every index of which something can be said."""
        for index in range(self.count):
            key = case.id, index
            if key not in self.known:
                self.known[key] = self._written(case, index)
            if found := self.known[key]:
                yield index, *found

    def _written(self, case: Case, index: int) -> tuple[Sketch, Program] | None:
        sketch = drawn(case, index, self.seed, self.offered, compiles=False)
        program = self.write(case, sketch)
        return None if program is None else (sketch, program)

    def write(self, case: Case, sketch: Sketch) -> Program | None:
        """The program of a sketch, or None when nothing can be said of it."""
        assert case.clause.writer is not None
        try:
            return case.clause.writer(sketch, self.offered)
        except Unwritable:
            return None


@dataclass(frozen=True)
class Pair:
    """A broken engine beside the one without the fault."""

    broken: Engine
    sound: Engine
    programs: Programs

    def shown(self, program: Program) -> Finding | None:
        """What the broken engine does wrong, if the sound one is right."""
        found = _finding(self.broken, program)
        return found if found and found.verdict in _WRONG and _finding(self.sound, program) is None else None

    def catch(self, case: Case, index: int, sketch: Sketch) -> Catch | None:
        """A minimal program from one on which the broken engine is wrong; None if the sound one is wrong as well."""

        def fails(candidate: Sketch) -> bool:
            program = self.programs.write(case, candidate)
            return program is not None and self.shown(program) is not None

        smallest = minimise(sketch, fails, seconds=_MINIMISING, clock=time.process_time)
        program = self.programs.write(case, smallest)
        if program is None or self.shown(program) is None:
            return None
        witness = trimmed(program, lambda it: self.shown(it) is not None)
        finding = self.shown(witness)
        if finding is None:
            return None
        scripts = Scripts.of(Witness(witness, finding), self.broken.adapter, self.sound.adapter)
        return Catch(case, index, witness, finding, scripts)


def _finding(engine: Engine, program: Program) -> Finding | None:
    reply = engine.run(program)
    if isinstance(reply, Finding):
        return reply
    return None if reply["declined"] else judge(program, reply).finding


def hunt(fault: Planted, pair: Pair) -> Hunt:
    """Random programs on one broken engine, case after case, until one shows the fault."""
    count, unsound = 0, list[str]()
    for case in likeliest(fault.subject):
        if case.dtype not in pair.broken.adapter.dtypes:
            continue
        for index, sketch, program in pair.programs.of(case):
            count += 1
            found = _finding(pair.broken, program)
            if found is None or found.verdict not in _WRONG:
                continue
            if catch := pair.catch(case, index, sketch):
                return Hunt(fault, count, catch, tuple(unsound))
            unsound.append(f"{case.id} #{index}")
    return Hunt(fault, count, None, tuple(unsound))


def likeliest(subject: str) -> list[Case]:
    """Every case of random programs: the likely kinds first, in float64 and then in float32."""
    likely = LIKELY[subject]
    cases = [case for name in _PROGRAMS for case in specification()[name].cases()]

    def place(case: Case) -> tuple[bool, bool, int]:
        kind = case.parameters["kind"]
        listed = kind in likely
        return not listed, case.dtype != "float64", likely.index(kind) if listed else 0

    return sorted(cases, key=place)


def hunted(select: Sequence[str], subject: str | None, profile: str, seed: int, scripts: Path | None) -> int:
    """Prints a line a fault, and how many of each subject were caught; 0 when all were, 3 when one survived.

    With `scripts` each witness is written there as a script and run; 3 also when one does not show its fault. Ctrl-C ends it
    with what is known so far (6). A fault of an engine that is not installed is skipped.
    """
    from implementations.mutants import PLANTED

    faults = [it for it in PLANTED.values() if _chosen(it, select, subject)]
    if not faults:
        raise NothingSelected(f"no planted fault matches {' or '.join((*select, *([subject] if subject else [])))}")
    hunts, started, folder = list[Hunt](), time.monotonic(), Folder(scripts) if scripts else None
    try:
        for found in _hunts(faults, seed, PROFILES[profile]):
            hunts.append(found)
            say(found.line())
            for program in found.unsound:
                say(f"          passed over {program}, at which the engine without the fault is wrong too")
            if folder and found.catch:
                folder.add(found.fault.mutant.name, found.catch.scripts)
    except KeyboardInterrupt:
        say(f"interrupted after {len(hunts)} of {len(faults)} faults")
        return 6
    say(_summary(hunts, len(faults) - len(hunts), time.monotonic() - started))
    if folder:
        say(folder.summary())
    return 3 if any(found.catch is None for found in hunts) or (folder and folder.silent) else 0


def _chosen(fault: Planted, select: Sequence[str], subject: str | None) -> bool:
    globbed = not select or any(fnmatchcase(fault.mutant.name, glob) for glob in select)
    return globbed and subject in (None, fault.subject)


def _hunts(faults: Sequence[Planted], seed: int, count: int) -> Iterator[Hunt]:
    """Hunts each fault in turn, beside the engine without it."""
    with ExitStack() as stack:
        sound: dict[str, tuple[Engine, Programs]] = {}
        for fault in faults:
            adapter = load(fault.mutant.of)
            if not adapter.installed():
                say(f"skipped   {fault.subject:<19} {fault.mutant.name}  ({adapter.name} is not installed)")
                continue
            if adapter.name not in sound:
                programs = Programs(adapter.offers, seed, count)
                sound[adapter.name] = stack.enter_context(Engine(adapter)), programs
            with Engine(resolve(f"{adapter.name},mutant={fault.mutant.name}")) as broken:
                yield hunt(fault, Pair(broken, *sound[adapter.name]))


def _summary(hunts: Sequence[Hunt], skipped: int, seconds: float) -> str:
    """How many of each subject were caught, and what it took."""
    every = Counter(it.fault.subject for it in hunts)
    caught = Counter(it.fault.subject for it in hunts if it.catch)
    counts = ", ".join(f"{subject} {caught[subject]}/{count}" for subject, count in every.items())
    remark = f", {skipped} skipped, for want of their engine" if skipped else ""
    lengths = sorted(len(it.catch.witness) for it in hunts if it.catch)
    median = (
        f", witnesses of {lengths[len(lengths) // 2]} instructions (median), {lengths[-1]} at most" if lengths else ""
    )
    return (
        f"caught {caught.total()} of {every.total()}{remark}: {counts}\n"
        f"{sum(it.programs for it in hunts)} programs in {seconds:.0f} s{median}"
    )
