"""What journals look like on the terminal and in files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from conformance.console import say
from conformance.errors import UsageError
from conformance.journal import Journal

_FAILURES_SHOWN = 10


def show(journals: Sequence[Journal]) -> None:
    """Prints matrix, failures, what was generated, and times."""
    from reports import failures, matrix, programs, timing

    if not journals:
        return
    colour, width = sys.stdout.isatty(), shutil.get_terminal_size((120, 24)).columns
    say(matrix.render(journals, colour=colour, width=width))
    say(failures.render(journals, colour=colour, limit=_FAILURES_SHOWN))
    if covered := programs.render(journals, width=width):
        say(covered)
    say(timing.render(journals))


def write(journals: Sequence[Journal], html: Path | None, junit: Path | None, bench: Path | None = None) -> None:
    """Writes the page and JUnit XML where a path is given; raises UsageError when a file cannot be written."""
    from conformance.bench.results import read_folder
    from reports import html as page
    from reports import junit as xml

    timed = read_folder(bench) if bench else None
    for path, render in ((html, partial(page.render, timed=timed)), (junit, xml.render)):
        if path is not None:
            _written(path, render(journals))
            print(f"wrote {path}", file=sys.stderr)


def _written(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as reason:
        raise UsageError(f"cannot write {path}: {reason.strerror}") from None
