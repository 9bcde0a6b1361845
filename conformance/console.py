"""What the commands print."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Prints to standard output; a reader who has gone (`| head`) changes neither files nor exit code."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(reason: object) -> None:
    """Prints one sentence to standard error, on one line, whatever an engine put into it."""
    from reports.text import one_line

    print(f"autograd-conformance: {one_line(str(reason))}", file=sys.stderr)
