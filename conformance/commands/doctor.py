"""Check an engine and its adapter: versions, places, what is declined."""

from __future__ import annotations

import argparse

from conformance.commands.options import environment, interpreter


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument("engine", metavar="E")
    environment(command)


def execute(options: argparse.Namespace) -> int:
    """Examines an engine's adapter and says what is missing."""
    from conformance.doctor import examined

    return examined(options.engine, interpreter(options.python), options.timeout)
