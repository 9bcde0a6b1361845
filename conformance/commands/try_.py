"""Probe an unknown engine: print what was guessed, write its adapter, judge it."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from conformance.adapter import builtin
from conformance.commands import output, run
from conformance.commands.options import environment, interpreter
from conformance.console import complain, say
from conformance.errors import EngineError, UsageError
from conformance.files import writable
from conformance.journal import read_journal
from conformance.probing.laboratory import Found, Laboratory
from conformance.probing.learning import learnt
from conformance.probing.probe import PATIENCE, Target, opened, probed
from conformance.probing.report import farthest, lines
from conformance.probing.writing import written

_INTERRUPTED = 6
_LESSONS = 4  # so often the cases that ended as `error` are asked again


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "A spelling that runs and gives a wrong number is kept where it can mean nothing else: the run then shows the fault. "
        "Exit codes are those of `run`; 2 when the adapter's file exists, 4 when the engine does not load or no way was found "
        "to make a tensor and differentiate it."
    )
    command.add_argument(
        "target",
        metavar="MODULE[:NAME]",
        help="what makes a tensor, a class or a function (mylib:Tensor), or differentiates functions (mylib:grad); "
        "a module alone (mylib) is searched for one",
    )
    environment(command)
    command.set_defaults(timeout=5.0)
    command.add_argument(
        "--adapter", type=Path, metavar="FILE", help="where the adapter goes (default: ./<module>_adapter.py)"
    )
    command.add_argument("--force", action="store_true", help="overwrite the adapter's file")
    command.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="GLOB",
        help="judge only clauses or cases that match; repeatable",
    )
    command.add_argument("--no-run", action="store_true", help="write the adapter, and judge nothing")
    command.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where the run's files go (default: out)"
    )


def execute(options: argparse.Namespace) -> int:
    """Probes, writes, and judges."""
    target = _target(options.target)
    path = options.adapter or Path(f"{target.root}_adapter.py")
    if path.exists() and not options.force:
        raise UsageError(f"{path} exists; --force overwrites it, --adapter FILE writes another")
    writable(path)  # probing takes a while: what could not be written then is refused now
    with opened(target, interpreter(options.python), min(options.timeout, PATIENCE)) as laboratory:
        found = _found(laboratory, target)
    for line in lines(found):
        say(line)
    output.written(path, written(found, options.target))
    return 0 if options.no_run else _taught(path, found, options)


def _found(laboratory: Laboratory, target: Target) -> Found:
    """What probing came to; when it came to nothing, prints what got farthest, from which the author can go on."""
    try:
        adapter = replace(probed(laboratory, target), name=_name(target.root))
    except EngineError:
        for line in farthest(laboratory.attempts.values()):
            say(line)
        raise
    return Found(adapter, tuple(laboratory.guesses), laboratory.trials)


def _target(text: str) -> Target:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?", text):
        raise UsageError(f"{text!r} is no MODULE[:NAME], such as mylib:Tensor")
    module, _, name = text.partition(":")
    return Target(module, name)


def _name(root: str) -> str:
    """What the engine is called: not as a built-in one, whose expectations would count."""
    return f"{root}-tried" if root in builtin() else root


def _taught(path: Path, found: Found, options: argparse.Namespace) -> int:
    """Runs the suite; when exceptions were met that no row maps, writes the rows and runs it again. Only the last is shown."""
    adapter, journal = found.adapter, options.out / f"{found.adapter.name}.jsonl"
    with contextlib.redirect_stdout(io.StringIO()):
        code = _run(path, options, options.out, tuple(options.select))
    erring = _erring(journal) if code != _INTERRUPTED else ()
    with tempfile.TemporaryDirectory() as folder:
        latest = journal
        for _ in range(_LESSONS):
            rows = learnt(read_journal(latest).cases) if erring and latest.exists() else ()
            if not (rows := tuple(row for row in rows if row not in adapter.refusals)):
                break
            adapter, latest = replace(adapter, refusals=(*adapter.refusals, *rows)), Path(folder) / journal.name
            output.written(path, written(replace(found, adapter=adapter), options.target))
            if _quietly(path, options, Path(folder), erring) == _INTERRUPTED:
                complain(f"interrupted: {path} has rows of refusals that were not judged; `run` judges them")
                code, adapter = _INTERRUPTED, found.adapter
                break
    if adapter is found.adapter:
        output.show([read_journal(journal)] if journal.exists() else [])
        return code
    count = len(adapter.refusals) - len(found.adapter.refusals)
    met = "1 exception was" if count == 1 else f"{count} exceptions were"
    say(f"{met} met that no row mapped; the adapter has rows of what it met now, and it is judged again")
    return _run(path, options, options.out, tuple(options.select))


def _erring(journal: Path) -> tuple[str, ...]:
    """The cases that ended as `error`."""
    cases = read_journal(journal).cases if journal.exists() else ()
    return tuple(str(record["case"]) for record in cases if record["verdict"] == "error")


def _run(path: Path, options: argparse.Namespace, out: Path, select: tuple[str, ...]) -> int:
    parser = argparse.ArgumentParser()
    run.configure(parser)
    words = ["--engine", str(path), "--python", options.python, "--timeout", str(options.timeout), "--out", str(out)]
    return run.execute(parser.parse_args([*words, *(f"--select={each}" for each in select)]))


def _quietly(path: Path, options: argparse.Namespace, out: Path, select: tuple[str, ...]) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return _run(path, options, out, select)
