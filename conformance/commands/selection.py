"""The option that selects cases, and a word on a glob that selects none."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from conformance.clause import selected
from conformance.console import complain


def configure(command: argparse.ArgumentParser) -> None:
    """The option."""
    command.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="GLOB",
        help="only clauses or cases that match, with * and ?; a bracket is that of an id. Repeatable",
    )


def unmatched(globs: Sequence[str], cases: Iterable[tuple[str, str]]) -> None:
    """Says which globs match none of `cases`, each an id and its clause's: most often that is a slip of the pen."""
    known = list(cases)
    for glob in globs:
        if not any(selected([glob], *names) for names in known):
            complain(f"--select {glob}: no case matches")
