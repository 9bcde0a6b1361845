"""The minimiser: of a sketch whose program shows a fault, a small one that still does; and of a program what must be seen in it.

It is delta debugging by a table of edits (`edits.EDITS`). Each edit is tried at every instruction, from the last to the first;
what still fails is gone on with, until nothing helps. The same sketch gives the same witness, unless time runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.generation.edits import EDITS, Edit
from conformance.generation.sketch import Sketch, Unwritable
from conformance.generation.surgery import Instructions, numbered, rebuilt, renamed
from conformance.program import Program

SECONDS = 1.0


class _Spent(Exception):
    """The time is over."""


def minimise(
    sketch: Sketch,
    fails: Callable[[Sketch], bool],
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Sketch:
    """A small sketch for which `fails` is still true, with plain names; `sketch` itself when it is not true of that.

    `fails` writes, runs and judges a candidate, and says whether the same kind of verdict shows; Unwritable means no. After
    `seconds` by `clock` the best so far is given; a clock may count the engine's time alone (`Engine.clock`).
    """
    search = _Search(sketch, fails, clock, clock() + seconds)
    try:
        if search.better(sketch.instructions):
            while sum(search.tried(edit) for edit in EDITS):
                pass
    except _Spent:
        pass
    return search.plainly_named()


class _Search:
    """The best sketch so far, and what was tried."""

    def __init__(self, sketch: Sketch, fails: Callable[[Sketch], bool], clock: Callable[[], float], end: float) -> None:
        self.best = sketch
        self._fails = fails
        self._clock = clock
        self._end = end
        self._seen: set[str] = set()

    def tried(self, edit: Edit) -> bool:
        """Tries an edit at every instruction; whether it helped anywhere."""
        helped = False
        for position in reversed(range(len(numbered(self.best.instructions)))):
            while any(self.better(candidate) for candidate in self._candidates(edit, position)):
                helped = True
        return helped

    def _candidates(self, edit: Edit, position: int) -> Iterator[Instructions]:
        instructions = self.best.instructions
        return edit(instructions, position) if position < len(numbered(instructions)) else iter(())

    def better(self, instructions: Instructions) -> bool:
        """Whether a candidate that was not tried before still fails; then it is the best."""
        key = repr(instructions)
        if not instructions or key in self._seen:
            return False
        if self._clock() > self._end:
            raise _Spent
        self._seen.add(key)
        if not self._still(replace(self.best, instructions=instructions)):
            return False
        self.best = replace(self.best, instructions=instructions)
        return True

    def _still(self, candidate: Sketch) -> bool:
        try:
            return self._fails(candidate)
        except Unwritable:
            return False

    def plainly_named(self) -> Sketch:
        """The best sketch with the names of a clause, if it fails under these too."""
        candidate = replace(self.best, instructions=renamed(self.best.instructions))
        return candidate if candidate != self.best and self._still(candidate) else self.best


def trimmed(program: Program, fails: Callable[[Program], bool]) -> Program:
    """`program` with the expectations alone that `fails` needs, and cut after what shows the fault.

    One expectation is enough as a rule, or none, where an instruction is refused or the engine is lost.
    """
    expectations = [number for number, it in program.walk() if it.verb == "expect"]
    choices: list[list[int]] = [[], *([number] for number in expectations)]
    kept = next((choice for choice in choices if fails(_expecting(program, choice))), None)
    if kept is None:
        kept = _needed(program, expectations, fails)
    return _shortened(_expecting(program, kept), fails)


def _expecting(program: Program, kept: list[int]) -> Program:
    """The program with some of its expectations only, by number."""
    return Program(
        program.dtype,
        rebuilt(program.instructions, lambda number, it: () if it.verb == "expect" and number not in kept else (it,)),
    )


def _needed(program: Program, expectations: list[int], fails: Callable[[Program], bool]) -> list[int]:
    """The expectations of which none can be spared, when one alone shows nothing."""
    kept = list(expectations)
    for number in reversed(expectations):
        fewer = [other for other in kept if other != number]
        if fails(_expecting(program, fewer)):
            kept = fewer
    return kept


def _shortened(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The program without its last instructions, as long as it still fails; it is never cut to nothing."""
    while (last := sum(1 for _ in program.walk()) - 1) > 0 and fails(shorter := program.until(last - 1)):
        program = shorter
    return program
