"""Render journals: matrix and failures, or page, JUnit, Markdown, badge and annotations."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.commands import output
from conformance.errors import UsageError
from conformance.gate import decide
from conformance.journal import read_journal


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")
    output.configure(command)
    command.add_argument("--bench", type=Path, metavar="DIR", help="put charts of what `bench` wrote on the page")


def execute(options: argparse.Namespace) -> int:
    """Renders journals; the exit code is the gate's, so that an incomplete journal cannot pass for a complete one."""
    journals = [read_journal(path) for path in options.journals]
    if options.bench and not options.html:
        raise UsageError("--bench puts charts on the page: give --html F as well")
    if not output.write(journals, options, options.bench):
        output.show(journals)
    return decide(journals).exit_code
