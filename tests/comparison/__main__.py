"""Prints tables in Markdown: what other checks find of the faults, and how often a fixed tolerance accuses a right engine.

`python -m tests.comparison faults [GLOB ...]`: of planted faults, and of the mutants that clauses name.
`python -m tests.comparison alarms`: of the engines without a fault, by kind of programs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import Final

from conformance.adapter import load, resolve
from conformance.clause import Case, specification
from conformance.execution import Engine
from conformance.generation import functional
from conformance.judge import Finding, judge
from conformance.planted import Programs
from conformance.program import Program
from implementations.mutants import FAULTS, MUTANTS, PLANTED, Mutant
from tests.comparison.checks import CHECKS, Passed, agrees, first_disagreement, passed
from tests.comparison.operators import situations

ATOL: Final = 1e-8  # allclose's
COUNT: Final = 100  # programs a case, as at the gate profile
COLUMNS: Final = ("rtol=1e-5", *CHECKS)


class Bench:
    """An engine without a fault, the programs that it is compared on, and the situations in which the other checks pass on it."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        adapter = load(name)
        self.engine = stack.enter_context(Engine(adapter))
        written = Programs(adapter.offers, 0, COUNT)
        self.programs = {case.id: [it for *_, it in written.of(case)] for case in _cases() if case.dtype == "float64"}
        self.passed: dict[str, list[Passed]] = {
            name: [found for it in situations() if (found := passed(check, self.engine, it))]
            for name, check in CHECKS.items()
        }

    def drawn(self) -> Iterator[Program]:
        """All programs in float64."""
        return (program for programs in self.programs.values() for program in programs)


def _cases() -> list[Case]:
    return list(specification()["programs/functional"].cases())


def found(mutant: Mutant, bench: Bench) -> dict[str, bool]:
    """For each column whether it finds the fault."""
    with Engine(resolve(f"{mutant.of},mutant={mutant.name}")) as broken:
        close = first_disagreement(broken, bench.engine, bench.drawn(), ATOL) is not None
        by_check = {name: not all(it.passes(broken) for it in bench.passed[name]) for name in CHECKS}
    return {COLUMNS[0]: close, **by_check}


def faults(globs: Sequence[str]) -> None:
    """A line for each fault, and the counts of each subject; then those of the mutants that clauses name."""
    chosen = {name: it for name, it in FAULTS.items() if not globs or any(fnmatchcase(name, glob) for glob in globs)}
    subjects, totals = Counter[str](), Counter[tuple[str, str]]()
    print(f"| fault | of | subject | {' | '.join(COLUMNS)} |\n|---|---|---|{'---|' * len(COLUMNS)}")
    with ExitStack() as stack:
        benches: dict[str, Bench] = {}
        for name, mutant in chosen.items():
            bench = benches.setdefault(mutant.of, benches.get(mutant.of) or Bench(mutant.of, stack))
            what = found(mutant, bench)
            subject = PLANTED[name].subject if name in PLANTED else "-"
            for group in (subject, *(["named by a clause"] if name in MUTANTS else [])):
                subjects[group] += 1
                totals.update((group, column) for column, hit in what.items() if hit)
            marks = " | ".join("found" if what[column] else "-" for column in COLUMNS)
            print(f"| {name} | {mutant.of} | {subject} | {marks} |", flush=True)
    print(f"\n| subject | faults | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    for subject, count in subjects.items():
        print(f"| {subject} | {count} | {' | '.join(str(totals[subject, column]) for column in COLUMNS)} |")


def alarms() -> None:
    """For each engine and kind of programs, how many programs in a hundred are accused: by our bounds, and by 1e-5."""
    header = ("engine", "kind", "dtype", "programs", "our bounds", "rtol=1e-5, atol=0", "rtol=1e-5, atol=1e-8")
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for name in ("kernels", "reference", "torch"):
        adapter = load(name)
        written = Programs(adapter.offers, 0, COUNT)
        with Engine(adapter) as engine:
            for case in _cases():
                programs = [it for *_, it in written.of(case)]
                ours = sum(not _right(engine, it) for it in programs)
                strict, loose = (sum(not agrees(engine, it, atol) for it in programs) for atol in (0.0, ATOL))
                print(
                    f"| {name} | {case.parameters['kind']} | {case.dtype} | {len(programs)} | {ours} | {strict} | {loose} |"
                )


def _right(engine: Engine, program: Program) -> bool:
    reply = engine.run(program)
    return not isinstance(reply, Finding) and judge(program, reply).finding is None


if __name__ == "__main__":
    assert set(functional.KINDS) <= {case.parameters["kind"] for case in _cases()}
    alarms() if sys.argv[1:2] == ["alarms"] else faults(sys.argv[2:])
