"""Keep the files of expectations in step with journals: what passes now leaves them, what fails enters with a reason."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.capabilities import CAPABILITIES
from conformance.commands import selection
from conformance.commands.options import interpreter
from conformance.console import complain, say
from conformance.errors import UsageError
from conformance.expectations import DEFAULT_KIND, KINDS
from conformance.journal import Journal, read_journal
from conformance.verdict import worst

if TYPE_CHECKING:
    from conformance.expecting import Cause, Update

# What says nothing without a reason.
_OF_A_REASON: Final = ("link", "script", "prints", "kind", "without")


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Without --reason files only shrink. Exit codes: 0 the files are in step, 1 a failure is still unexplained, or "
        "cannot be expected, 2 usage, 3 an error is among the failures, which nobody may expect: mend the adapter."
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
    selection.configure(command)
    command.add_argument(
        "--reason", metavar="TEXT", help="what the engine does, in one sentence: for every case that is added"
    )
    command.add_argument("--link", default="", metavar="URL", help="where it is reported")
    command.add_argument(
        "--script",
        type=Path,
        metavar="F",
        help="a script that shows it without our code, or the word witness: that of the smallest witness",
    )
    command.add_argument(
        "--prints", default="", metavar="TEXT", help="the last line that the script prints; it is run, and must"
    )
    command.add_argument(
        "--python", default=sys.executable, metavar="PATH", help="the interpreter that runs the script (default: ours)"
    )
    command.add_argument("--kind", choices=KINDS, default="", help=f"what the cause is (default: {DEFAULT_KIND})")
    command.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="KEY",
        help="of the cases of random programs: draw programs all the same, without this operator or key; repeatable",
    )
    command.add_argument("--dry-run", action="store_true", help="only show the change")


def execute(options: argparse.Namespace) -> int:
    """Shows each change as a patch, and makes it; nothing is written before everything is read."""
    from conformance.expecting import update

    cause, python = _cause(options), interpreter(options.python)
    journals = _journals(options.journals)
    changes = [update(journal, options.expectations, options.select, cause, python) for journal in journals]
    names = [(str(record["case"]), str(record["clause"])) for journal in journals for record in journal.cases]
    selection.unmatched(options.select, names)
    for journal, change in zip(journals, changes, strict=True):
        say(change.diff() or f"{change.path}: nothing changes")
        if change.diff() and not options.dry_run:
            change.write()
        _tell(journal.engine, change)
    return worst(change.exit_code for change in changes)


def _tell(engine: str, change: Update) -> None:
    kept = f", {len(change.kept)} already in the file" if change.kept else ""
    say(f"{engine}: {len(change.added)} added, {len(change.removed)} removed{kept}")
    for case in change.unexplained:
        complain(f"{engine}: {case} needs a --reason")
    for case in change.inexpectable:
        complain(f"{engine}: no expectation can excuse {case}")


def _journals(paths: Sequence[Path]) -> list[Journal]:
    """The journals; raises UsageError when one is incomplete, or two are one engine's, of which the last would win."""
    journals = [read_journal(path) for path in paths]
    for path, journal in zip(paths, journals, strict=True):
        if not journal.complete:
            raise UsageError(f"{path} is incomplete; run it again: what it lacks would look as if it passed")
    for engine, count in Counter(journal.engine for journal in journals).items():
        if count > 1:
            raise UsageError(f"{count} journals are of {engine}; give one at a time, or merge the shards of one run")
    return journals


def _cause(options: argparse.Namespace) -> Cause | None:
    """The cause that the options tell; raises UsageError when a part of it is missing."""
    from conformance.expecting import WITNESS, Cause

    if not options.reason:
        if any(getattr(options, name) for name in _OF_A_REASON):
            raise UsageError(f"{', '.join(f'--{name}' for name in _OF_A_REASON)} go with --reason")
        return None
    if not (options.link or options.script):
        raise UsageError("--reason needs --link URL or --script F: where a reader sees that it is so")
    witness = str(options.script) == WITNESS
    if not witness and bool(options.script) != bool(options.prints):
        raise UsageError("--script F needs --prints TEXT, the last line that it prints, and --prints needs --script")
    if unknown := [key for key in options.without if key not in CAPABILITIES]:
        raise UsageError(f"--without {unknown[0]}: no adapter spells this; `list capabilities` prints the keys")
    script = WITNESS if witness else _read(options.script)
    return Cause(options.reason, options.link, script, options.prints, options.kind, tuple(options.without))


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        raise UsageError(f"cannot read the script {path}: {reason}") from None
