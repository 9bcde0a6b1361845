"""Print a clause (sentence, level, mutant, cases, its lines) or a line of the catalogue."""

from __future__ import annotations

import argparse

from conformance.console import say


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument("clause", metavar="ID", help="such as accumulation/each_backward_adds, REQ-03, or a glob")


def execute(options: argparse.Namespace) -> int:
    """Prints everything about the clauses and the lines of the catalogue that match."""
    from conformance import tables

    say(tables.explained(options.clause))
    return 0
