"""Judge engines, print the matrix, write journals, page and JUnit."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from conformance.campaign import Campaign, Plan, Progress
from conformance.commands.options import (
    engines,
    environment,
    expectations,
    interpreter,
    positive,
    processors,
    seconds,
    shard,
)
from conformance.commands.output import show, write
from conformance.console import complain
from conformance.errors import UsageError
from conformance.examination import PROFILES
from conformance.gate import decide
from conformance.journal import read_journal
from conformance.verdict import worst

_DEEP_SECONDS = 600.0


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument(
        "--engine",
        action="append",
        metavar="E[,key=value]",
        help="a built-in engine or an adapter's .py file; keys: patch=FILE, mutant=NAME. Repeatable. "
        "Default: every built-in engine that is installed",
    )
    environment(command)
    command.add_argument(
        "--select", action="append", default=[], metavar="GLOB", help="only clauses or cases that match; repeatable"
    )
    command.add_argument(
        "--profile", choices=PROFILES, default="quick", help="how many examples a property gets (default: quick)"
    )
    command.add_argument(
        "--budget",
        type=seconds,
        metavar="S",
        help="with --profile deep: seconds of random programs for each engine and process (default: 600)",
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what every input is derived from (default: 0)"
    )
    command.add_argument(
        "--jobs", type=positive, default=processors(), metavar="N", help="processes at once (default: the cores)"
    )
    command.add_argument(
        "--shard", type=shard, default="1/1", metavar="i/n", help="only the i-th of n parts of the cases"
    )
    command.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where the files go (default: out)"
    )
    command.add_argument("--html", type=Path, metavar="F", help="where the page goes (default: DIR/report.html)")
    command.add_argument("--junit", type=Path, metavar="F", help="where the JUnit XML goes (default: DIR/junit.xml)")
    expectations(command)


def execute(options: argparse.Namespace) -> int:
    """Judges engines and reports; nothing that was recorded is lost on Ctrl-C, nor when a CI cancels the job."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    campaign = Campaign(_plan(options), _progress())
    interrupted = False
    try:
        campaign.run()
    except KeyboardInterrupt:
        interrupted = True
    journals = [read_journal(path) for path in campaign.journals]
    if journals:
        write(journals, options.html or options.out / "report.html", options.junit or options.out / "junit.xml")
    show(journals)
    if interrupted:
        complain(f"interrupted after {sum(len(journal.cases) for journal in journals)} cases")
    for refusal in campaign.refusals:
        complain(refusal)
    codes = [refusal.exit_code for refusal in campaign.refusals]
    return worst([*codes, decide(journals).exit_code, 6 if interrupted else 0])


def _plan(options: argparse.Namespace) -> Plan:
    if options.budget and options.profile != "deep":
        raise UsageError("--budget is for --profile deep: the other profiles ask for a number of programs")
    return Plan(
        engines=engines(options),
        python=interpreter(options.python),
        profile=options.profile,
        seed=options.seed,
        timeout=options.timeout,
        select=tuple(options.select),
        expectations=options.expectations,
        out=options.out,
        jobs=options.jobs,
        command=shlex.join(["autograd-conformance", *sys.argv[1:]]),
        shard=options.shard,
        budget=(options.budget or _DEEP_SECONDS) if options.profile == "deep" else None,
    )


def _progress() -> Callable[[Progress], None]:
    """Shows progress on a terminal; elsewhere a log needs no moving line."""
    if not sys.stderr.isatty():
        return lambda _: None

    def show(progress: Progress) -> None:
        width = shutil.get_terminal_size().columns - 1
        line = f"[{progress.done}/{progress.total}] {progress.engine}  {progress.case}  {progress.verdict}"[:width]
        end = "\r" if progress.done < progress.total else "\r" + " " * width + "\r"
        print(line.ljust(width), end=end, file=sys.stderr, flush=True)

    return show
