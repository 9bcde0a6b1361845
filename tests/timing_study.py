"""How often `bench compare` errs here: `python -m tests.timing_study --engine kernels --comparisons 40 --slow 20 --percent 10`.

Comparisons of an engine with itself, in which every "slower" is a false alarm, and comparisons with the same engine made slower,
in which every other answer is a miss; they take turns, so that a study that is cut short has both. Only times decide here:
counts are not asked for.

The slow-down is exact: at the end of each round the engine waits for so many per cent of the round's own time, by the clock that
rounds are timed by. The base of such a comparison has the same reading of clocks, and waits for nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from conformance.adapter import Adapter, resolve
from conformance.bench.children import Plan
from conformance.bench.compare import CLOCKS, Comparison, Side
from conformance.bench.decision import THRESHOLD
from conformance.bench.workloads import selected

_FALSE_ALARMS = 1 / 40  # of the comparisons, at most
_FOUND = 18 / 20  # of the slow-downs, at least
_WAITING = """
import time as _time
_began = []
def _begin(leaf):
    _began[:] = [_time.{clock}()]
    return leaf
def _end(result):
    if _began:  # a round may have several results
        began = _began.pop()
        until = _time.{clock}()
        until += {share} * (until - began)
        while _time.{clock}() < until:
            pass
"""


@dataclass(frozen=True)
class Outcome:
    """One comparison: whether a slow-down was planted and whether one was found."""

    planted: bool
    found: bool
    processes: int
    seconds: float
    line: str


def slowed(adapter: Adapter, percent: float, clock: str) -> Adapter:
    """The engine, whose rounds take so many per cent longer."""
    patched = adapter.patched(_WAITING.format(clock=clock, share=percent / 100))
    finish = adapter.spellings.get("finish", "{a}")
    spellings = {**adapter.spellings, "leaf": f"_begin({adapter.spellings['leaf']})", "finish": f"_end({finish})"}
    return replace(patched, spellings=spellings)


def compared(base: Adapter, head: Adapter, plan: Plan, planted: bool) -> Outcome:
    """One comparison, to its end."""
    started = time.monotonic()
    comparison = Comparison(Side("base", base, sys.executable), Side("head", head, sys.executable), plan)
    comparison.run(lambda line: None)
    found, seconds = comparison.decision, time.monotonic() - started
    overall, share = found.overall, found.threshold
    said = f"{overall.least:.3f} {overall.median:.3f}  {overall.word(share, share)}"
    if alone := [name for name in found.slowdowns if not name.startswith("all")]:
        said += f"; alone slower: {', '.join(alone)}"
    line = f"{found.processes:2} of each, {seconds:3.0f} s  {said}"
    return Outcome(planted, bool(found.slowdowns), found.processes, seconds, line)


def summary(outcomes: Sequence[Outcome], percent: float) -> tuple[str, bool]:
    """What they say together, and whether that is good enough."""
    same, slow = ([one for one in outcomes if one.planted is planted] for planted in (False, True))
    alarms, found = sum(one.found for one in same), sum(one.found for one in slow)
    processes = [one.processes for one in outcomes]
    text = (
        f"the same engine: {alarms} false alarms in {len(same)} comparisons\n"
        f"{percent:g} % slower: {found} found in {len(slow)}\n"
        f"processes of each side: {sum(processes) / len(processes):.1f} on average, {max(processes)} at most; "
        f"seconds of a comparison: {sum(one.seconds for one in outcomes) / len(outcomes):.0f}, "
        f"{max(one.seconds for one in outcomes):.0f} at most"
    )
    return text, alarms <= max(1, _FALSE_ALARMS * len(same)) and found >= _FOUND * len(slow)


def main() -> int:
    """Prints each comparison and the summary; 1 when it errs more often than it may."""
    options = _options()
    clock = CLOCKS[options.clock]
    plan = Plan(selected(options.select), (options.size,), options.seconds, 20.0, clock)
    engine = resolve(options.engine)
    waits = [slowed(engine, percent, clock) for percent in (0, options.percent)]
    where = "one processor" if hasattr(os, "sched_setaffinity") else "any processor"
    asked = f"{len(plan.workloads)} workloads of {options.size} elements, {options.seconds:g} s each"
    print(
        f"{options.engine}: {asked}, {options.clock} time, {where}, threshold {100 * THRESHOLD:g} %; {_load()}",
        flush=True,
    )
    outcomes: list[Outcome] = []
    try:
        for planted in _turns(options.comparisons, options.slow):
            base, head = waits if planted else (engine, engine)
            outcomes.append(compared(base, head, plan, planted))
            kind = f"{options.percent:g} % slower" if planted else "the same"
            print(f"{len(outcomes):3}  {kind:<12}  {outcomes[-1].line}; {_load()}", flush=True)
    except KeyboardInterrupt:
        print("interrupted")
    if not outcomes:
        return 6
    text, good = summary(outcomes, options.percent)
    print(f"{text}\n{_load()}")
    return int(not good)


def _turns(same: int, slow: int) -> list[bool]:
    """Whether each comparison has a slow-down planted: two without for each one with, then what is left."""
    pairs = zip_longest([False] * ((same + 1) // 2), [True] * slow)
    kinds = list(chain.from_iterable((a, a, b) for a, b in pairs))
    return [kind for kind in kinds if kind is not None][: same + slow]


def _load() -> str:
    return f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "no load average"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="kernels")
    parser.add_argument("--comparisons", type=int, default=40, help="of the engine with itself")
    parser.add_argument("--slow", type=int, default=20, help="comparisons with a slow-down")
    parser.add_argument("--percent", type=float, default=10.0, help="the slow-down")
    parser.add_argument("--clock", choices=CLOCKS, default="cpu")
    parser.add_argument("--select", action="append", default=[], help="only workloads that match")
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.03)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
