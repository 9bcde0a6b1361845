"""The commands and their options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from conformance import __version__, commands
from conformance.bench import SIZES
from conformance.examination import PROFILES
from conformance.expectations import BUILTIN

_EXIT_CODES: Final = """\
exit codes:
  0  conforms                                1  verdicts against expectation
  2  usage                                   3  the harness or the suite is at fault
  4  an engine did not load                  5  nothing selected, or nothing of it offered
  6  incomplete (interrupted, or a journal without its footer)
"""
_LONGEST_TIMEOUT: Final = 86_400


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="autograd-conformance",
        description="Judges autograd engines by a specification of automatic differentiation.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    added = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for action, add_options in _COMMANDS.items():
        text = (add_options.__doc__ or "").removesuffix(".")
        command = added.add_parser(action.__name__, help=text[0].lower() + text[1:], description=f"{text}.")
        command.set_defaults(command=action)
        add_options(command)
    return top


def _run(command: argparse.ArgumentParser) -> None:
    """Judge engines, print the matrix, write journals, page and JUnit."""
    command.add_argument(
        "--engine",
        action="append",
        metavar="E[,key=value]",
        help="a built-in engine or an adapter's .py file; keys: patch=FILE, mutant=NAME. Repeatable. "
        "Default: every built-in engine that is installed",
    )
    _environment(command)
    command.add_argument(
        "--select", action="append", default=[], metavar="GLOB", help="only clauses or cases that match; repeatable"
    )
    command.add_argument(
        "--profile", choices=PROFILES, default="quick", help="how many examples a property gets (default: quick)"
    )
    command.add_argument(
        "--budget",
        type=_seconds,
        metavar="S",
        help="with --profile deep: seconds of random programs for each engine and process (default: 600)",
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what every input is derived from (default: 0)"
    )
    command.add_argument(
        "--jobs", type=_positive, default=_processors(), metavar="N", help="processes at once (default: the cores)"
    )
    command.add_argument(
        "--shard", type=_shard, default="1/1", metavar="i/n", help="only the i-th of n parts of the cases"
    )
    command.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where the files go (default: out)"
    )
    command.add_argument("--html", type=Path, metavar="F", help="where the page goes (default: DIR/report.html)")
    command.add_argument("--junit", type=Path, metavar="F", help="where the JUnit XML goes (default: DIR/junit.xml)")
    _expectations(command)


def _gate(command: argparse.ArgumentParser) -> None:
    """Decide about journals: print the reasons, return the exit code."""
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")


def _report(command: argparse.ArgumentParser) -> None:
    """Render journals: matrix and failures, or page and JUnit."""
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")
    command.add_argument("--html", type=Path, metavar="F", help="write the page")
    command.add_argument("--junit", type=Path, metavar="F", help="write JUnit XML")
    command.add_argument("--bench", type=Path, metavar="DIR", help="put charts of what `bench` wrote on the page")


def _bench(command: argparse.ArgumentParser) -> None:
    """Time engines on the documents' workloads: a table, and a JSON for each engine."""
    command.epilog = (
        "Exit codes: 0 measured (what is declined or too slow is shown as such), 1 a workload ended in an error, 2 usage or "
        "no pytest-benchmark, 4 an engine did not load or its process was lost, 5 nothing was measured, 6 interrupted. "
        "Times are medians on this machine as it is; compare ratios. Charts: report JOURNAL... --bench DIR --html F."
    )
    command.add_argument(
        "--suite",
        action="store_true",
        help="time the suite instead: random programs a second from drawing to verdict, harness and agent on one processor",
    )
    command.add_argument(
        "--engine", action="append", metavar="E[,key=value]", help="as in run. Default: every built-in engine installed"
    )
    _environment(command)
    command.add_argument(
        "--select", action="append", default=[], metavar="GLOB", help="only workloads that match; repeatable"
    )
    command.add_argument(
        "--sizes",
        type=_sizes,
        default=SIZES,
        metavar="N,...",
        help=f"elements of an input (default: {','.join(map(str, SIZES))})",
    )
    command.add_argument(
        "--seconds",
        type=_seconds,
        default=0.5,
        metavar="S",
        help="about how long each workload is timed at each size: 3 to 500 rounds; or each clause (default: 0.5)",
    )
    command.add_argument(
        "--out", type=Path, default=Path("out/bench"), metavar="DIR", help="where the JSON goes (default: out/bench)"
    )


def _list(command: argparse.ArgumentParser) -> None:
    """List clauses, lines of the catalogue, engines, operators, capabilities; or print the specification as Markdown."""
    command.add_argument("what", choices=("clauses", "lines", "engines", "operators", "capabilities", "specification"))


def _explain(command: argparse.ArgumentParser) -> None:
    """Print a clause (sentence, level, mutant, cases, its lines) or a line of the catalogue."""
    command.add_argument("clause", metavar="ID", help="such as accumulation/each_backward_adds, REQ-03, or a glob")


def _doctor(command: argparse.ArgumentParser) -> None:
    """Check an engine and its adapter: versions, places, what is declined."""
    command.add_argument("engine", metavar="E")
    _environment(command)


def _mutants(command: argparse.ArgumentParser) -> None:
    """Show that each clause fails its mutant, an engine broken on purpose; or that random programs find planted faults."""
    command.add_argument(
        "--programs", action="store_true", help="run random programs, no other clauses, on the planted faults"
    )
    command.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="GLOB",
        help="only clauses that match; with --programs, only faults whose name matches; repeatable",
    )
    command.add_argument("--subject", metavar="S", help="with --programs: only faults of this subject, such as hooks")
    command.add_argument(
        "--profile", choices=("quick", "gate"), help="with --programs: how many programs a case gets (default: gate)"
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what every input is derived from (default: 0)"
    )
    command.add_argument("--scripts", type=Path, metavar="DIR", help="write each witness as a script")


def _replay(command: argparse.ArgumentParser) -> None:
    """Run one witness again on an engine: print the verdict and the script."""
    command.epilog = (
        "Exit codes: 0 the witness passes, 1 it does not, 2 usage or a file that holds no witness, 3 the adapter or the suite "
        "is at fault, 4 the engine does not load, 5 it does not offer what the witness needs. With --in-process nothing is "
        "judged: compare what is printed with the remarks."
    )
    command.add_argument(
        "witness",
        type=Path,
        metavar="WITNESS.json",
        help="a program, or what has one: a file of DIR/witnesses, a record",
    )
    command.add_argument("--case", metavar="ID", help="the file is a journal: replay the witness of this case")
    command.add_argument("--engine", required=True, metavar="E")
    instead = command.add_mutually_exclusive_group()
    instead.add_argument("--script", action="store_true", help="only print the script; the engine is not started")
    instead.add_argument(
        "--in-process",
        action="store_true",
        help="save the script beside the witness and execute it in this very process, for `python -m pdb -m conformance`",
    )
    _environment(command)


def _environment(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--python",
        default=sys.executable,
        metavar="PATH",
        help="the interpreter of the engine's environment (default: ours)",
    )
    command.add_argument(
        "--timeout", type=_seconds, default=20.0, metavar="S", help="seconds for one program (default: 20)"
    )


def _expectations(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--expectations", type=Path, default=BUILTIN, metavar="DIR", help="the folder of <engine>.toml (default: ours)"
    )


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds; give more than 0 and at most {_LONGEST_TIMEOUT} seconds"
        )
    return seconds


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} are no sizes; give numbers of elements such as 1,100")
    return tuple(sorted({int(part) for part in parts}))


def _shard(text: str) -> str:
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard; the second of four is 2/4")
    return text


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_COMMANDS: Final[Mapping[Callable[[argparse.Namespace], int], Callable[[argparse.ArgumentParser], None]]] = {
    commands.run: _run,
    commands.gate: _gate,
    commands.report: _report,
    commands.bench: _bench,
    commands.list: _list,
    commands.explain: _explain,
    commands.doctor: _doctor,
    commands.mutants: _mutants,
    commands.replay: _replay,
}
