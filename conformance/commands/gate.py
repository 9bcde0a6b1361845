"""Decide about journals: print the reasons, return the exit code."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.console import say
from conformance.gate import decide
from conformance.journal import read_journal


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")


def execute(options: argparse.Namespace) -> int:
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
