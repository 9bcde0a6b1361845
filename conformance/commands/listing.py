"""List clauses, lines of the catalogue, engines, operators, capabilities; print a page of the documents."""

from __future__ import annotations

import argparse

from conformance.console import say


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument(
        "what",
        choices=("clauses", "lines", "engines", "operators", "capabilities", "specification", "faults", "divergences"),
    )


def execute(options: argparse.Namespace) -> int:
    """Prints a table of clauses, lines, engines, operators or capabilities, or a document as Markdown."""
    from conformance import tables

    say(tables.listed(options.what))
    return 0
