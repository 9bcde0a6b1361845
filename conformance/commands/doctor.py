"""Check an engine and its adapter: versions, places, what is declined."""

from __future__ import annotations

import argparse

from conformance.commands.options import environment, interpreter


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Exit codes: 0 the engine can be judged, 1 its sum or mul is wrong, 2 usage, 3 the adapter is broken: a spelling "
        "raises, or cannot be read, 4 the engine does not load. `broken` is the adapter's fault, `wrong` the engine's, which "
        "a run shows, unless another spelling works, which is said; `declined` names what is left out of the adapter although "
        "it works."
    )
    command.add_argument("engine", metavar="E")
    environment(command)


def execute(options: argparse.Namespace) -> int:
    """Examines an engine's adapter and says what is missing."""
    from conformance.doctor import examined

    return examined(options.engine, interpreter(options.python), options.timeout)
