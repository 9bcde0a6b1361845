"""Judge engines, print the matrix, write journals, page and JUnit."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from conformance.campaign import Campaign, Plan, Progress
from conformance.clause import specification
from conformance.commands import output, selection
from conformance.commands.gate import conclude
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
from conformance.console import complain
from conformance.errors import NothingSelected, UsageError
from conformance.examination import PROFILES
from conformance.expectations import BUILTIN
from conformance.gate import decide, settle
from conformance.journal import Journal, read_journal
from conformance.verdict import VERDICTS, worst

_DEEP_SECONDS = 600.0
_LOG_SECONDS = 30.0  # between two lines of progress where no terminal is
_WRITTEN: Final = {"html": "report.html", "junit": "junit.xml"}


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
    selection.configure(command)
    command.add_argument(
        "--profile", choices=PROFILES, default="quick", help="how many examples a property gets (default: quick)"
    )
    command.add_argument(
        "--budget",
        type=seconds,
        metavar="S",
        help="with --profile deep: seconds of random programs for each engine and process (default: 600)",
    )
    command.add_argument("--index", type=int, metavar="N", help="of each case of random programs only the N-th")
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
    command.add_argument(
        "--failed",
        action="store_true",
        help="only what stands against expectation in the journals of DIR, with their profile, seed and expectations; "
        "results in DIR/failed",
    )
    command.add_argument(
        "--fail-fast",
        action="store_true",
        help="end with the first case against expectation, with exit code 1; the journals stay incomplete",
    )
    output.configure(command, **_WRITTEN)
    expectations(command)


def execute(options: argparse.Namespace) -> int:
    """Judges engines and reports; nothing that was recorded is lost on Ctrl-C, nor when a CI cancels the job."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    only = _only_what_failed(options) if options.failed else {}
    campaign = Campaign(_plan(options, only), _progress())
    clauses = specification().values()
    selection.unmatched(options.select, ((case.id, clause.id) for clause in clauses for case in clause.cases()))
    interrupted = False
    try:
        campaign.run()
    except KeyboardInterrupt:
        interrupted = True
    journals = [read_journal(path) for path in campaign.journals]
    if journals:
        output.write(journals, options, **{name: options.out / file for name, file in _WRITTEN.items()})
    output.show(journals)
    conclude(journals)
    if interrupted:
        complain(f"interrupted after {sum(len(journal.cases) for journal in journals)} cases")
    if campaign.failed_fast:
        complain("ended with the first case against expectation, as --fail-fast asks")
    for refusal in campaign.refusals:
        complain(refusal)
    codes = [refusal.exit_code for refusal in campaign.refusals]
    decided = _worst_case(journals) if campaign.failed_fast else decide(journals).exit_code  # incomplete on purpose
    return worst([*codes, decided, 6 if interrupted else 0])


def _worst_case(journals: Sequence[Journal]) -> int:
    """What the cases that were judged end with."""
    surprises = (item for journal in journals for item in settle(journal) if item.surprise)
    return worst(VERDICTS[item.verdict].exit_code or 1 for item in surprises)


def _only_what_failed(options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """For each engine what failed in its journal of --out, and what that blocked, to be asked as it was.

    Raises NothingSelected when nothing failed.
    """
    if options.select or options.shard != "1/1":
        raise UsageError("--failed selects the cases itself; leave --select and --shard out")
    journals = [read_journal(path) for path in sorted(options.out.glob("*.jsonl"))]
    if not journals:
        raise UsageError(f"--failed needs the journals of an earlier run, and there is none in {options.out}")
    specs = {str(journal.header["engine"].get("spec", journal.engine)): journal for journal in journals}
    if len(specs) < len(journals):
        raise UsageError(f"{options.out} has two journals of one engine; merge them, or take one away")
    asked = options.engine or list(specs)
    if unknown := [spec for spec in asked if spec not in specs]:
        raise UsageError(f"{options.out} has no journal of {unknown[0]}; there are those of {', '.join(specs)}")
    failed = {
        spec: tuple(item.case for item in settle(specs[spec]) if item.surprise or item.verdict == "blocked")
        for spec in asked
    }
    options.engine = [spec for spec, cases in failed.items() if cases]
    if not options.engine:
        raise NothingSelected(f"nothing failed in the journals of {options.out}")
    headers = [specs[spec].header for spec in options.engine]
    asked_as = {(header["profile"], header["seed"], header.get("expectations", "")) for header in headers}
    if len(asked_as) > 1:
        raise UsageError("the journals have different profiles, seeds or expectations; name one engine with --engine")
    options.profile, options.seed, folder = asked_as.pop()
    if folder and options.expectations == BUILTIN:
        options.expectations = Path(folder)
    for journal in (specs[spec] for spec in options.engine if not specs[spec].complete):
        complain(f"{journal.engine}: its journal is incomplete; only what it recorded is asked again")
    options.out /= "failed"
    return failed


def _plan(options: argparse.Namespace, only: Mapping[str, tuple[str, ...]]) -> Plan:
    if options.budget and options.profile != "deep":
        raise UsageError("--budget is for --profile deep: the other profiles ask for a number of programs")
    if options.budget and options.index is not None:
        raise UsageError("--index asks for one program of each case, and --budget for as many as fit into a time")
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
        budget=(options.budget or _DEEP_SECONDS) if options.profile == "deep" and options.index is None else None,
        index=options.index,
        fail_fast=options.fail_fast,
        only=only,
    )


def _progress() -> Callable[[Progress], None]:
    """Shows progress: on a terminal a moving line, in a log a line now and then."""
    told = time.monotonic()

    def move(progress: Progress) -> None:
        width = shutil.get_terminal_size().columns - 1
        end = "\r" if progress.done < progress.total else "\r" + " " * width + "\r"
        print(_line(progress)[:width].ljust(width), end=end, file=sys.stderr, flush=True)

    def log(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= _LOG_SECONDS:
            told = time.monotonic()
            print(_line(progress), file=sys.stderr, flush=True)

    return move if sys.stderr.isatty() else log


def _line(progress: Progress) -> str:
    return f"[{progress.done}/{progress.total}] {progress.engine}  {progress.case}  {progress.verdict}"
