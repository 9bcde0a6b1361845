"""What each command does. A command takes the parsed options and returns the exit code."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.campaign import Campaign, Plan, Progress
from conformance.console import complain, say
from conformance.errors import EngineError, NothingSelected, UsageError
from conformance.gate import decide
from conformance.journal import Journal, read_journal
from conformance.verdict import worst
from conformance.witnesses import file_name

if TYPE_CHECKING:
    from conformance.bench.workloads import Workload

_FAILURES_SHOWN = 10
_DEEP_SECONDS = 600.0


def run(options: argparse.Namespace) -> int:
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
        _write(journals, options.html or options.out / "report.html", options.junit or options.out / "junit.xml")
    _show(journals)
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
        engines=_engines(options),
        python=_interpreter(options.python),
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


def _engines(options: argparse.Namespace) -> tuple[str, ...]:
    """The engines that were asked for, else those that are installed, which it says."""
    from conformance.adapter import builtin, load

    if options.engine:
        return tuple(dict.fromkeys(options.engine))
    engines = [name for name in builtin() if load(name).installed()]
    missing = [name for name in builtin() if name not in engines]
    absent = f"   (not installed: {', '.join(missing)})" if missing else ""
    print(f"engines: {', '.join(engines)}{absent}", file=sys.stderr)
    return tuple(engines)


def _interpreter(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"--python {name}: there is no such interpreter")
    return found


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


def _show(journals: Sequence[Journal]) -> None:
    from reports import failures, matrix, programs, timing

    if not journals:
        return
    colour, width = sys.stdout.isatty(), shutil.get_terminal_size((120, 24)).columns
    say(matrix.render(journals, colour=colour, width=width))
    say(failures.render(journals, colour=colour, limit=_FAILURES_SHOWN))
    if covered := programs.render(journals, width=width):
        say(covered)
    say(timing.render(journals))


def _write(journals: Sequence[Journal], html: Path | None, junit: Path | None, bench: Path | None = None) -> None:
    from conformance.bench.results import read_folder
    from reports import html as page
    from reports import junit as xml

    timed = read_folder(bench) if bench else None
    for path, render in ((html, partial(page.render, timed=timed)), (junit, xml.render)):
        if path is not None:
            _written(path, render(journals))
            print(f"wrote {path}", file=sys.stderr)


def _written(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as reason:
        raise UsageError(f"cannot write {path}: {reason.strerror}") from None


def gate(options: argparse.Namespace) -> int:
    """Decides about journals and prints each reason."""
    journals = [read_journal(path) for path in options.journals]
    decision = decide(journals)
    for reason in decision.reasons:
        say(reason)
    for journal in journals:
        if journal.header["selected"] < journal.header.get("specified", 0):
            say(
                f"{journal.engine}: only {journal.header['selected']} of {journal.header['specified']} cases were selected"
            )
    say("conforms" if decision.exit_code == 0 else f"does not conform: exit code {decision.exit_code}")
    return decision.exit_code


def report(options: argparse.Namespace) -> int:
    """Renders journals; the exit code is the gate's, so that an incomplete journal cannot pass for a complete one."""
    journals = [read_journal(path) for path in options.journals]
    if options.bench and not options.html:
        raise UsageError("--bench puts charts on the page: give --html F as well")
    if options.html or options.junit:
        _write(journals, options.html, options.junit, options.bench)
    else:
        _show(journals)
    return decide(journals).exit_code


def bench(options: argparse.Namespace) -> int:
    """Times engines, or the suite itself; what was measured before Ctrl-C is kept and shown."""
    return _bench_suite(options) if options.suite else _bench_engines(options)


def _bench_suite(options: argparse.Namespace) -> int:
    from conformance.adapter import resolve
    from conformance.bench import SIZES, suite

    if options.select or options.sizes != SIZES:
        raise UsageError("--suite times random programs: it takes no --select and no --sizes")
    for spec in _engines(options):
        for found in suite.measured(resolve(spec), _interpreter(options.python), options.timeout, options.seconds):
            say(found.line())
    return 0


def _bench_engines(options: argparse.Namespace) -> int:
    from conformance.adapter import resolve
    from conformance.bench import children, results

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = children.Plan(
        workloads=_workloads(options.select),
        sizes=options.sizes,
        python=_interpreter(options.python),
        seconds=options.seconds,
        timeout=options.timeout,
        out=options.out,
    )
    adapters = [resolve(spec) for spec in _engines(options)]
    if len({adapter.name for adapter in adapters}) < len(adapters):
        raise UsageError("two engines have one name and would write one file; time them one by one, with another --out")
    codes = []
    for adapter in adapters:  # one after the other: a second one at work would be in the first one's times
        try:
            children.measure(adapter, plan, _told)
        except KeyboardInterrupt:
            complain(f"interrupted in {adapter.name}; what was measured is in {options.out}")
            codes.append(6)
            break
        except EngineError as reason:
            complain(reason)
            codes.append(reason.exit_code)
    paths = [path for adapter in adapters if (path := options.out / f"{adapter.name}.json").exists()]
    found = results.read(paths)
    if found.measurements:
        say(found.table())
    return worst([*codes, found.exit_code])


def _workloads(globs: Sequence[str]) -> Sequence[Workload]:
    from conformance.bench.workloads import WORKLOADS

    found = [one for name, one in WORKLOADS.items() if not globs or any(fnmatchcase(name, glob) for glob in globs)]
    if not found:
        raise NothingSelected(f"no workload matches {' or '.join(globs)}; there are {', '.join(WORKLOADS)}")
    return found


def _told(message: Mapping[str, Any]) -> None:
    """One line for each workload and size, as it ends."""
    from conformance.bench.results import duration
    from reports.text import one_line

    median = message.get("median")
    ended = duration(median) if median is not None else f"{message['state']}: {message['reason']}"
    line = f"{message['engine']}  {message['workload']} {message['size']}  {ended}"
    print(one_line(line), file=sys.stderr, flush=True)


def list(options: argparse.Namespace) -> int:
    """Prints a table of clauses, lines, engines, operators or capabilities, or the specification as Markdown."""
    from conformance import tables

    say(tables.listed(options.what))
    return 0


def explain(options: argparse.Namespace) -> int:
    """Prints everything about the clauses and the lines of the catalogue that match."""
    from conformance import tables

    say(tables.explained(options.clause))
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Examines an engine's adapter and says what is missing."""
    from conformance.doctor import examined

    return examined(options.engine, _interpreter(options.python), options.timeout)


def mutants(options: argparse.Namespace) -> int:
    """Runs every clause on its mutant, or random programs on planted faults; 0 when each is killed as `fail`, or caught."""
    from conformance.mutation import killed
    from conformance.planted import hunted

    if options.programs:
        return hunted(tuple(options.select), options.subject, options.profile or "gate", options.seed, options.scripts)
    if options.subject or options.profile:
        raise UsageError("--subject and --profile are for mutants --programs")
    return killed(tuple(options.select), options.seed, options.scripts)


def replay(options: argparse.Namespace) -> int:
    """Runs a witness again; 1 when it still shows its fault."""
    from conformance import replay as again
    from conformance.adapter import resolve

    program, adapter = again.witness(options.witness, options.case), resolve(options.engine)
    python = _interpreter(options.python)
    if options.script:
        say(again.script(program, adapter))
        return 0
    if options.in_process:
        stem = file_name(options.case) if options.case else options.witness.name
        return again.in_process(program, adapter, python, options.witness.with_name(stem).with_suffix(".replay.py"))
    return again.judged(program, adapter, python, options.timeout)
