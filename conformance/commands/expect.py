"""Keep the files of expectations in step with journals: what passes now leaves them, what fails enters with a reason."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.console import complain, say
from conformance.errors import UsageError
from conformance.expectations import KINDS
from conformance.journal import read_journal


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Without --reason files only shrink. Exit codes: 0 the files are in step, 1 a failure is still unexplained, 2 usage, "
        "3 an error is among the failures, which nobody may expect: mend the adapter."
    )
    command.add_argument("action", choices=("update",), help="the only one: read journals, change the files")
    command.add_argument("journals", nargs="+", type=Path, metavar="JOURNAL")
    command.add_argument(
        "--expectations",
        required=True,
        type=Path,
        metavar="DIR",
        help="the folder of <engine>.toml; made if it is not there",
    )
    command.add_argument(
        "--select", action="append", default=[], metavar="GLOB", help="only clauses or cases that match; repeatable"
    )
    command.add_argument(
        "--reason", metavar="TEXT", help="what the engine does, in one sentence: for every case that is added"
    )
    command.add_argument("--link", default="", metavar="URL", help="where it is reported")
    command.add_argument("--script", type=Path, metavar="F", help="a script that shows it without our code")
    command.add_argument("--prints", default="", metavar="TEXT", help="the last line that the script prints")
    command.add_argument("--kind", choices=KINDS, default="fault", help="what the cause is (default: fault)")
    command.add_argument("--dry-run", action="store_true", help="only show the change")


def execute(options: argparse.Namespace) -> int:
    """Shows each change as a patch, and makes it."""
    from conformance.expecting import Cause, update

    cause = None
    if options.reason:
        if not (options.link or options.script):
            raise UsageError("--reason needs --link URL or --script F: where a reader sees that it is so")
        cause = Cause(options.reason, options.link, _read(options.script), options.prints, options.kind)
    elif options.link or options.script or options.prints:
        raise UsageError("--link, --script and --prints go with --reason")
    code = 0
    for path in options.journals:
        journal = read_journal(path)
        if not journal.complete:
            raise UsageError(f"{path} is incomplete; run it again: what it lacks would look as if it passed")
        change = update(journal, options.expectations, options.select, cause)
        say(change.diff() or f"{change.path}: nothing changes")
        if change.diff() and not options.dry_run:
            change.write()
        say(f"{journal.engine}: {len(change.added)} added, {len(change.removed)} removed")
        if change.unexplained:
            complain(
                f"{journal.engine}: {len(change.unexplained)} failures need a --reason: {', '.join(change.unexplained)}"
            )
        if change.inexpectable:
            complain(f"{journal.engine}: no expectation can excuse {', '.join(change.inexpectable)}")
        code = 3 if change.inexpectable else max(code, int(bool(change.unexplained)))
    return code


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        raise UsageError(f"cannot read the script {path}: {reason}") from None
