"""Decide about journals: print the reasons, return the exit code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.console import say
from conformance.gate import conclusion, decide, remarks
from conformance.journal import Journal, read_journal

_LONGEST: Final = 240


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")


def execute(options: argparse.Namespace) -> int:
    """Decides about journals and prints each reason, on one line."""
    from reports.text import clip, one_line

    journals = [read_journal(path) for path in options.journals]
    decision = decide(journals)
    for reason in decision.reasons:
        say(clip(one_line(" ".join(reason.split())), _LONGEST))
    conclude(journals)
    return decision.exit_code


def conclude(journals: Sequence[Journal]) -> None:
    """Says what the decision leaves open, and at last, of each engine, the decision."""
    for journal in journals:
        for remark in remarks(journal):
            say(remark)
    for journal in journals:
        say(conclusion(journal))
