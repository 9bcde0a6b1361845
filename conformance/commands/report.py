"""Render journals: matrix and failures, or page and JUnit."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.commands.output import show, write
from conformance.errors import UsageError
from conformance.gate import decide
from conformance.journal import read_journal


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")
    command.add_argument("--html", type=Path, metavar="F", help="write the page")
    command.add_argument("--junit", type=Path, metavar="F", help="write JUnit XML")
    command.add_argument("--bench", type=Path, metavar="DIR", help="put charts of what `bench` wrote on the page")


def execute(options: argparse.Namespace) -> int:
    """Renders journals; the exit code is the gate's, so that an incomplete journal cannot pass for a complete one."""
    journals = [read_journal(path) for path in options.journals]
    if options.bench and not options.html:
        raise UsageError("--bench puts charts on the page: give --html F as well")
    if options.html or options.junit:
        write(journals, options.html, options.junit, options.bench)
    else:
        show(journals)
    return decide(journals).exit_code
