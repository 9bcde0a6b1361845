"""Make one journal of the shards of a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.console import say
from conformance.errors import UsageError
from conformance.gate import decide
from conformance.journal import read_journal
from conformance.merge import merge


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Refuses, with exit code 2, what is no complete set of shards of one run: an incomplete journal, another engine, suite, "
        "profile, seed or selection, a shard that is missing or given twice. Otherwise the exit code is the gate's."
    )
    command.add_argument(
        "journals", nargs="+", type=Path, metavar="JOURNAL", help="a journal of each shard of one engine"
    )
    command.add_argument("--out", required=True, type=Path, metavar="F", help="the journal to write")


def execute(options: argparse.Namespace) -> int:
    """Writes the merged journal and decides about it."""
    paths: list[Path] = options.journals
    files = {path.resolve() for path in paths}
    if len(files) < len(paths):
        raise UsageError("a journal is given twice; give the journal of each shard once")
    if options.out.resolve() in files:
        raise UsageError(f"{options.out} is one of the shards; write the whole elsewhere")
    merge({path: read_journal(path) for path in paths}, options.out)
    whole = read_journal(options.out)
    say(f"wrote {options.out}: {len(whole.cases)} cases of {len(paths)} shards")
    return decide([whole]).exit_code
