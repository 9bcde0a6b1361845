"""Say whether HEAD is slower than BASE: two engines, or two states of one, in fresh processes in turn."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from conformance.commands.options import interpreter, seconds, sizes
from conformance.console import complain, say
from conformance.errors import EngineError

if TYPE_CHECKING:
    from conformance.bench.compare import Comparison

_SIZES: Final = (1, 10_000)
_WIDEST: Final = 100.0  # per cent


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Exit codes: 0 not slower (or undecided, and it says so), 1 slower, or it counts more, or HEAD lost a workload, 2 usage "
        "or no pytest-benchmark, 4 an engine did not load, 5 no workload that both measure, 6 interrupted."
    )
    for name in ("base", "head"):
        command.add_argument(name, metavar=name.upper(), help="an engine, as in run --engine: E[,key=value]")
        command.add_argument(
            f"--python-{name}",
            default=sys.executable,
            metavar="PATH",
            help=f"the interpreter of {name.upper()}'s environment",
        )
    command.add_argument(
        "--select", action="append", default=[], metavar="GLOB", help="only workloads that match; repeatable"
    )
    command.add_argument(
        "--sizes", type=sizes, default=_SIZES, metavar="N,...", help="elements of an input (default: 1,10000)"
    )
    command.add_argument(
        "--seconds",
        type=seconds,
        default=0.05,
        metavar="S",
        help="about how long a process times a workload (default: 0.05)",
    )
    command.add_argument(
        "--timeout", type=seconds, default=20.0, metavar="S", help="seconds for one program (default: 20)"
    )
    command.add_argument(
        "--percent",
        type=percent,
        default=5.0,
        metavar="P",
        help="how much slower all workloads together may be (default: 5)",
    )
    command.add_argument(
        "--clock",
        choices=("cpu", "wall"),
        default="cpu",
        help="cpu: seconds of the process, which other processes take no part of; wall: where an engine waits for a device",
    )
    command.add_argument("--times-only", action="store_true", help="counts are printed, and decide nothing")
    command.set_defaults(execute=execute)


def percent(text: str) -> float:
    """A share of a hundred."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= _WIDEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; give more than 0 and at most {_WIDEST:g}")
    return share


def execute(options: argparse.Namespace) -> int:
    """Times both sides, prints the comparison, and decides; what was measured before Ctrl-C is shown."""
    comparison, code = _asked(options), 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        comparison.run(_told)
    except KeyboardInterrupt:
        complain("interrupted; what both sides measured is shown, and decides nothing")
        code = 6
    except EngineError as reason:
        complain(reason)
        code = reason.exit_code
    if comparison.minima:
        say("\n".join([comparison.table(), *comparison.remarks(), _how(options, comparison)]))
    if code:
        return code
    failures = comparison.failures(options.times_only)
    say("\n".join(failures) or f"not shown to be slower: {comparison.word}")
    return int(bool(failures))


def _asked(options: argparse.Namespace) -> Comparison:
    from conformance.adapter import resolve
    from conformance.bench.children import Plan, refuse_others
    from conformance.bench.compare import CLOCKS, Comparison, Side
    from conformance.bench.workloads import selected

    base = Side("base", resolve(options.base), interpreter(options.python_base, "--python-base"))
    head = Side("head", resolve(options.head), interpreter(options.python_head, "--python-head"))
    refuse_others([base.adapter, head.adapter])
    plan = Plan(
        workloads=selected(options.select),
        sizes=options.sizes,
        seconds=options.seconds,
        timeout=options.timeout,
        clock=CLOCKS[options.clock],
        counts=True,
    )
    return Comparison(base, head, plan, options.percent / 100)


def _how(options: argparse.Namespace, comparison: Comparison) -> str:
    pinned = "on one processor" if hasattr(os, "sched_setaffinity") else "on whatever processor"
    return f"{comparison.pairs} processes of each side in turn, {options.clock} time, {pinned}; a row's time is the least round"


def _told(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
