"""List clauses, lines of the catalogue, engines, operators, capabilities; specification or known faults as Markdown."""

from __future__ import annotations

import argparse

from conformance.console import say


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument(
        "what", choices=("clauses", "lines", "engines", "operators", "capabilities", "specification", "faults")
    )


def execute(options: argparse.Namespace) -> int:
    """Prints a table of clauses, lines, engines, operators or capabilities, or the specification as Markdown."""
    from conformance import tables

    say(tables.listed(options.what))
    return 0
