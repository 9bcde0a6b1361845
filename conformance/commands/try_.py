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
from conformance.console import say
from conformance.errors import UsageError
from conformance.journal import read_journal
from conformance.probing.laboratory import Found
from conformance.probing.learning import learnt
from conformance.probing.probe import PATIENCE, Target, opened, probed
from conformance.probing.report import lines
from conformance.probing.writing import written

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
    with opened(target, interpreter(options.python), min(options.timeout, PATIENCE)) as laboratory:
        adapter = replace(probed(laboratory, target), name=_name(target.root))
        found = Found(adapter, tuple(laboratory.guesses), laboratory.trials)
    for line in lines(found):
        say(line)
    output.written(path, written(found, options.target))
    return 0 if options.no_run else _taught(path, found, options)


def _target(text: str) -> Target:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?", text):
        raise UsageError(f"{text!r} is no MODULE[:NAME], such as mylib:Tensor")
    module, _, name = text.partition(":")
    return Target(module, name)


def _name(root: str) -> str:
    """What the engine is called: not as a built-in one, whose expectations would count."""
    return f"{root}-tried" if root in builtin() else root


def _taught(path: Path, found: Found, options: argparse.Namespace) -> int:
    """Runs the suite; when exceptions were met that no row maps, writes the rows and runs it again."""
    code, adapter = _run(path, options, options.out, tuple(options.select)), found.adapter
    if code == 6:  # Ctrl-C: what was judged is shown, and nothing more is asked
        return code
    erring = _erring(options.out / f"{adapter.name}.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_LESSONS):
            journal = (Path(folder) if adapter is not found.adapter else options.out) / f"{adapter.name}.jsonl"
            rows = learnt(read_journal(journal).cases) if erring and journal.exists() else ()
            if not (rows := tuple(row for row in rows if row not in adapter.refusals)):
                break
            adapter = replace(adapter, refusals=(*adapter.refusals, *rows))
            output.written(path, written(replace(found, adapter=adapter), options.target))
            _quietly(path, options, Path(folder), erring)
    if adapter is found.adapter:
        return code
    count = len(adapter.refusals) - len(found.adapter.refusals)
    say(f"{count} exceptions were met that no row mapped; the adapter has rows of them now, and it is judged again")
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


def _quietly(path: Path, options: argparse.Namespace, out: Path, select: tuple[str, ...]) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        _run(path, options, out, select)
