"""Say what changed between journals: newly failing, fixed, newly declined, disappeared, chosen otherwise."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from conformance.commands.output import written
from conformance.console import say
from conformance.errors import UsageError
from conformance.journal import Journal, read_journal
from conformance.verdict import worst


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Folders are compared engine by engine; two journals as they are, of whatever engines. Of more than two each is compared "
        "with the one before it. Exit codes: 0 no regression, 1 something is newly failing, fails against an expectation that it "
        "kept to, is newly blocked, newly declined or has disappeared, 2 usage or (--strict) different suites, 6 a journal is "
        "incomplete."
    )
    command.add_argument(
        "journals", nargs="+", type=Path, metavar="JOURNAL", help="BASE, HEAD and later ones: files or folders"
    )
    command.add_argument("--strict", action="store_true", help="refuse journals of different suites, profiles or seeds")
    command.add_argument("--html", type=Path, metavar="F", help="write a page")
    command.add_argument("--markdown", type=Path, metavar="F", help="write a summary in Markdown")


def execute(options: argparse.Namespace) -> int:
    """Prints what changed, and decides."""
    from reports import changes

    if len(options.journals) < 2:
        raise UsageError("compare needs a BASE and a HEAD")
    places = _places(options.journals)
    if any(path.is_dir() for path in options.journals):
        series = changes.by_engine([_read(path) for path in options.journals], places)
    else:
        series = changes.in_a_row([read_journal(path) for path in options.journals], places)
    if options.strict and (remark := next((it for one in series for pair in one.pairs for it in pair.remarks), None)):
        raise UsageError(f"--strict: {remark}")
    for path, render in ((options.html, changes.page), (options.markdown, changes.markdown)):
        if path:
            written(path, render(series))
    say(changes.text(series))
    return worst(one.exit_code for one in series)


def _places(paths: Sequence[Path]) -> list[str]:
    """The paths without the folders that all of them are in."""
    alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*(path.parts for path in paths), strict=False))
    shared = sum(1 for _ in alike)
    return [str(Path(*(path.parts[shared:] or path.parts))) for path in paths]


def _read(path: Path) -> list[Journal]:
    paths = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not paths:
        raise UsageError(f"there is no journal in {path}")
    journals = [read_journal(one) for one in paths]
    engine, count = Counter(journal.engine for journal in journals).most_common(1)[0]
    if count > 1:
        raise UsageError(f"{path} has {count} journals of {engine}; merge its shards, or take the others away")
    return journals
