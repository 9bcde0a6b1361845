"""Random functional programs on one engine, and what came of them.

    python -m tests.fuzz_functional --engine torch --dtype float32 --kind mixed --programs 20000 --seed 1

Prints how many numbers had which outcome, the greatest error as a part of what is accepted, each alarm with its program's number,
and programs a second. `--show N` prints program N as a script of the engine. `--variants 20` is for an engine that compiles each
shape it meets: of 20 programs 19 are the first one with other numbers.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.adapter import resolve
from conformance.agent.printing import script
from conformance.execution import Engine
from conformance.generation.drawing import varied
from conformance.generation.enclosing import write
from conformance.generation.functional import KINDS, generate
from conformance.generation.sketch import Sketch, Unwritable
from conformance.judge import Finding, judge
from conformance.model import bounds
from conformance.program import Program


@dataclass
class Tally:
    """What came of the programs of one kind: of each number, of each program, and where the time went."""

    numbers: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    ratio: float = 0.0
    at: int = 0
    over: int = 0
    alarms: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def undecided(self) -> float:
        """The share of programs of which nothing is said, plus that of numbers of which little is said."""
        unwritten = self.programs["unwritable"] / max(1, self.programs.total())
        return unwritten + (self.numbers["undecided"] + self.numbers["too wide"]) / max(1, self.numbers.total())

    def lines(self) -> Iterator[str]:
        """The tally as text."""
        total = max(1, self.numbers.total())
        yield "  programs  " + ", ".join(f"{count} {what}" for what, count in self.programs.most_common())
        yield "  numbers   " + ", ".join(
            f"{count} {what} ({count / total:.2%})" for what, count in self.numbers.most_common()
        )
        yield f"  little is said of {self.undecided():.2%}"
        yield f"  {self.over} errors are beyond the allowed one, the greatest is {2 * self.ratio:.2f} of it (program {self.at})"
        parts = ", ".join(
            f"{what} {1e3 * spent / self.programs.total():.3f} ms" for what, spent in self.seconds.items()
        )
        yield f"  {self.programs.total() / sum(self.seconds.values()):.0f} programs/s: {parts}"
        yield from (f"  ALARM {alarm}" for alarm in self.alarms)


def sketch(number: int, seed: int, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """The program of one number."""
    return generate(random.Random(f"{seed} {kind} {number}"), dtype, kind, offered)


def fuzz(engine: Engine, dtype: str, kind: str, numbers: range, seed: int, variants: int = 1) -> Tally:
    """Runs the programs of `numbers`; only each `variants`-th is drawn, those after it have other numbers."""
    tally, offered = Tally(), engine.adapter.offers
    now = time.perf_counter()

    def spent(what: str) -> None:
        nonlocal now
        before, now = now, time.perf_counter()
        tally.seconds[what] = tally.seconds.get(what, 0.0) + now - before

    for number in numbers:
        drawn = _drawn(number, seed, dtype, kind, offered, variants)
        tally.marks.update(drawn.kinds)
        spent("generate")
        try:
            program = write(drawn)
        except Unwritable as reason:
            tally.programs["unwritable"] += 1
            tally.marks[str(reason)] += 1
            spent("write")
            continue
        spent("write")
        reply = engine.run(program)
        spent("engine")
        _judged(tally, program, reply, number)
        spent("judge")
    return tally


def _drawn(number: int, seed: int, dtype: str, kind: str, offered: frozenset[str], variants: int) -> Sketch:
    first = sketch(number - number % variants, seed, dtype, kind, offered)
    return varied(first, random.Random(number)) if number % variants else first


def _judged(tally: Tally, program: Program, reply: object, number: int) -> None:
    found: Finding | None
    outcomes: tuple[tuple[str, float], ...] = ()
    if isinstance(reply, Finding):
        found = reply
    else:
        assert isinstance(reply, dict)
        if reply["declined"]:
            tally.programs["declined"] += 1
            tally.alarms.append(f"{number}: declined {reply['declined']}")
            return
        judgement = judge(program, reply)
        found, outcomes = judgement.finding, judgement.outcomes
    tally.numbers.update(outcome for outcome, _ in outcomes)
    ratio = max((ratio for outcome, ratio in outcomes if outcome != "fail"), default=0.0)
    tally.ratio, tally.at = max((tally.ratio, tally.at), (ratio, number))
    tally.over += sum(ratio > 0.5 for _, ratio in outcomes)
    tally.programs[found.verdict if found else "agree"] += 1
    if found:
        worst = max((ratio for _, ratio in outcomes), default=0.0)
        operators = " ".join(program.operators())
        tally.alarms.append(
            f"{number}: ratio {worst:.3g}; {found.message[:100]}: got {found.got[:100]}, {found.expected[:160]}; {operators}"
        )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--dtype", default="float64", choices=("float32", "float64"))
    parser.add_argument("--kind", action="append", choices=tuple(KINDS), help="all, if none is given")
    parser.add_argument("--programs", type=int, default=500, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--allow", action="append", default=[], metavar="NAME=ULPS", help="another LIBRARY or FORMULA")
    parser.add_argument("--variants", type=int, default=1, help="programs that differ only in their numbers")
    parser.add_argument("--show", type=int, help="print one program of the kind instead")
    given = parser.parse_args()
    vars(bounds).update({name: int(ulps) for name, _, ulps in (text.partition("=") for text in given.allow)})
    adapter = resolve(given.engine)
    kinds = given.kind or list(KINDS)
    if given.show is not None:
        offered = adapter.offers
        program = write(_drawn(given.show, given.seed, given.dtype, kinds[0], offered, given.variants))
        print(script(program.to_json(), adapter.to_json(), {}))
        for _, it in program.walk():
            if it.verb == "expect":
                print("#", it.args[0], it.options["value"])
        return
    with Engine(adapter) as engine:
        for kind in kinds:
            tally = fuzz(engine, given.dtype, kind, range(given.programs // len(kinds)), given.seed, given.variants)
            print(f"{given.engine} {given.dtype} {kind}, seed {given.seed}", *tally.lines(), sep="\n", flush=True)


if __name__ == "__main__":
    main()
