"""What can go wrong outside a verdict, and the exit code that each kind ends with.

    ConformanceError            3   the adapter, the harness or the suite is wrong
    ├── UsageError              2   the command line asks for something that cannot be
    ├── EngineError             4   an engine did not load
    ├── NothingSelected         5   no case matches the selection
    └── JournalError            2   a file is no journal, or cannot be read

Each is caught once, in `cli.main`, which prints its sentence and returns its code.
"""

from __future__ import annotations


class ConformanceError(Exception):
    """The harness or the suite is wrong; base of everything the command line reports as one sentence."""

    exit_code = 3


class UsageError(ConformanceError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class EngineError(ConformanceError):
    """An engine did not load, or its adapter cannot be read."""

    exit_code = 4


class NothingSelected(ConformanceError):
    """No case matches the selection."""

    exit_code = 5


class JournalError(ConformanceError):
    """A file is no journal, or cannot be read. (One that was cut off can be read: it is incomplete, 6.)"""

    exit_code = 2
