"""The command line: runs a command, and turns every error into one sentence and its exit code."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import Final

_EXIT_CODES: Final = """\
exit codes:
  0  conforms                                1  verdicts against expectation
  2  usage                                   3  adapter, harness or suite is at fault
  4  an engine did not load                  5  nothing selected, or nothing of it offered
  6  incomplete (interrupted, or a journal without its footer)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; prints no traceback for a user's mistake, nor for Ctrl-C."""
    try:
        return _dispatched(arguments)
    except KeyboardInterrupt:
        print("autograd-conformance: interrupted", file=sys.stderr)
        return 6


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    # Imported here, so that Ctrl-C during the imports ends as it does later.
    from conformance import __version__
    from conformance.commands import COMMANDS

    top = argparse.ArgumentParser(
        prog="autograd-conformance",
        description="Judges autograd engines by a specification of automatic differentiation.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    added = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        text = (module.__doc__ or "").strip().removesuffix(".")
        command = added.add_parser(name, help=text[0].lower() + text[1:], description=f"{text}.")
        command.set_defaults(execute=module.execute)
        module.configure(command)
    return top


def _dispatched(arguments: Sequence[str] | None) -> int:
    from conformance.console import complain
    from conformance.errors import ConformanceError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever an engine said, and whatever the terminal's encoding
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        return int(options.execute(options))
    except ConformanceError as reason:
        complain(reason)
        return reason.exit_code
