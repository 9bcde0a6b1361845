"""The command line: runs a command, and turns every error into one sentence and its exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; prints no traceback for a user's mistake, nor for Ctrl-C."""
    try:
        return _dispatched(arguments)
    except KeyboardInterrupt:
        print("autograd-conformance: interrupted", file=sys.stderr)
        return 6


def _dispatched(arguments: Sequence[str] | None) -> int:
    # Imported here, so that Ctrl-C during the imports ends as it does later.
    from conformance.arguments import parser
    from conformance.console import complain
    from conformance.errors import ConformanceError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever an engine said, and whatever the terminal's encoding
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ConformanceError as reason:
        complain(reason)
        return reason.exit_code
