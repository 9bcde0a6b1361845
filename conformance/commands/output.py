"""What is shown of journals: on the terminal, and in files."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from conformance import files
from conformance.console import say
from conformance.journal import Journal

_FAILURES_SHOWN: Final = 10


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


def _html(journals: Sequence[Journal], bench: Path | None) -> str:
    from conformance.bench.results import read_folder
    from reports import html

    return html.render(journals, timed=read_folder(bench) if bench else None)


def _junit(journals: Sequence[Journal]) -> str:
    from reports import junit

    return junit.render(journals)


def _markdown(journals: Sequence[Journal]) -> str:
    from reports import markdown

    return markdown.render(journals)


def _badge(journals: Sequence[Journal]) -> str:
    from reports import badge

    return badge.render(journals)


# What can be written, and what the help says of it.
_FILES: Final[Mapping[str, tuple[Callable[..., str], str]]] = {
    "html": (_html, "the page"),
    "junit": (_junit, "JUnit XML"),
    "markdown": (_markdown, "a summary in Markdown, such as $GITHUB_STEP_SUMMARY"),
    "badge": (_badge, "the JSON of a shields.io endpoint badge"),
}


def configure(command: argparse.ArgumentParser, **defaults: str) -> None:
    """An option for each file, and one for annotations; `defaults` are the names of those that are written in any case."""
    for name, (_, what) in _FILES.items():
        note = f" (default: DIR/{defaults[name]})" if name in defaults else ""
        command.add_argument(f"--{name}", type=Path, metavar="F", help=f"write {what}{note}")
    command.add_argument(
        "--annotations",
        action="store_true",
        help="print what failed as workflow commands too, which GitHub shows on a change",
    )


def write(journals: Sequence[Journal], options: argparse.Namespace, bench: Path | None = None, **defaults: Path) -> int:
    """Writes the files that were asked for, or have a default; how many. Raises UsageError when one cannot be written."""
    paths = {name: getattr(options, name) or defaults.get(name) for name in _FILES}
    for name, path in paths.items():
        if path:
            render = partial(_html, bench=bench) if name == "html" else _FILES[name][0]
            written(path, render(journals))
    if options.annotations:
        from reports import github

        if commands := github.render(journals):
            say(commands.removesuffix("\n"))
    return sum(path is not None for path in paths.values()) + bool(options.annotations)


def written(path: Path, text: str) -> None:
    """Writes a file, and says so; raises UsageError when it cannot be written."""
    files.write(path, text)
    print(f"wrote {path}", file=sys.stderr)
