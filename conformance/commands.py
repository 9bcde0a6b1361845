"""What each command does. A command takes the parsed options and returns the exit code."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.campaign import Campaign, Plan, Progress
from conformance.console import complain, say
from conformance.errors import ConformanceError, UsageError
from conformance.gate import decide
from conformance.journal import Journal, Record, read_journal
from conformance.program import Program
from conformance.verdict import worst

_FAILURES_SHOWN = 10


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
    from conformance.adapter import builtin, load

    engines = options.engine or [name for name in builtin() if load(name).installed()]
    if not options.engine:
        missing = [name for name in builtin() if name not in engines]
        print(
            f"engines: {', '.join(engines)}" + (f"   (not installed: {', '.join(missing)})" if missing else ""),
            file=sys.stderr,
        )
    return Plan(
        engines=tuple(dict.fromkeys(engines)),
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
    )


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
    from reports import failures, matrix, timing

    if not journals:
        return
    colour = sys.stdout.isatty()
    say(matrix.render(journals, colour=colour, width=shutil.get_terminal_size((120, 24)).columns))
    say(failures.render(journals, colour=colour, limit=_FAILURES_SHOWN))
    say(timing.render(journals))


def _write(journals: Sequence[Journal], html: Path | None, junit: Path | None) -> None:
    from reports import html as page
    from reports import junit as xml

    for path, render in ((html, page.render), (junit, xml.render)):
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
    if options.html or options.junit:
        _write(journals, options.html, options.junit)
    else:
        _show(journals)
    return decide(journals).exit_code


def list(options: argparse.Namespace) -> int:
    """Prints a table of clauses, engines, operators or capabilities."""
    from conformance import tables

    say(tables.render(getattr(tables, options.what)()))
    return 0


def explain(options: argparse.Namespace) -> int:
    """Prints everything about the clauses that match."""
    from conformance import tables

    say(tables.explained(options.clause))
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Examines an engine's adapter and says what is missing."""
    from conformance.doctor import examined

    return examined(options.engine, _interpreter(options.python), options.timeout)


def mutants(options: argparse.Namespace) -> int:
    """Runs every clause on its mutant; 0 when each is killed as `fail`."""
    from conformance.mutation import killed

    return killed(tuple(options.select), options.seed, options.scripts)


def replay(options: argparse.Namespace) -> int:
    """Runs a witness again; 1 when it still shows its fault."""
    from conformance.adapter import resolve
    from conformance.examination import printed
    from conformance.execution import Engine
    from conformance.judge import Finding, Judgement, judge
    from reports.text import one_line

    program = _witness(options.witness, options.case)
    with Engine(resolve(options.engine), _interpreter(options.python), options.timeout) as engine:
        reply = engine.run(program)
        if not isinstance(reply, Finding) and reply["declined"]:
            say(f"declined: {engine.adapter.name} does not offer {', '.join(reply['declined'])}")
            return 0
        judgement = Judgement(0, reply) if isinstance(reply, Finding) else judge(program, reply)
        say(printed(program, engine))
    finding = judgement.finding
    if finding is None:
        held = "every expectation of the witness holds" if judgement.compared else "the witness ran to its end"
        say(f"pass: {held}")
        return 0
    say(f"{finding.verdict}: {one_line(finding.message)}")
    say(f"  expected {one_line(finding.expected)}    got {one_line(finding.got)}")
    return 3 if finding.verdict == "error" else 1


def _witness(path: Path, case: str | None) -> Program:
    try:
        data = _of_journal(path, case) if case else json.loads(path.read_text(encoding="utf-8"))
        program = Program.from_json(data.get("witness", data) if isinstance(data, dict) else {})
    except (OSError, ValueError) as reason:
        raise UsageError(f"cannot read the witness {path}: {reason}") from None
    except ConformanceError as reason:
        raise UsageError(f"{path} holds no witness: {reason}") from None
    if not program.instructions:
        raise UsageError(f"{path} holds no witness: its program is empty")
    return program


def _of_journal(path: Path, case: str) -> Record:
    records = {record["case"]: record for record in read_journal(path).cases if "witness" in record}
    if case not in records:
        raise UsageError(f"{path} has no witness of {case}; it has {', '.join(records) or 'none'}")
    return records[case]
