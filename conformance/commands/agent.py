"""Check an agent: does it speak the protocol?"""

from __future__ import annotations

import argparse
from dataclasses import replace

from conformance.adapter import Adapter, resolve
from conformance.commands.options import environment, interpreter
from conformance.errors import UsageError


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Exit codes: 0 it does, 2 usage, 4 it does not, or did not start. The protocol: docs/agent-protocol.md."
    )
    command.add_argument("action", choices=("check",))
    command.add_argument(
        "agent", nargs="*", metavar="COMMAND", help="how to start the agent, after --: -- node agent.mjs"
    )
    command.add_argument(
        "--engine", metavar="E", help="send this adapter, and start its agent unless a command is given"
    )
    environment(command)


def execute(options: argparse.Namespace) -> int:
    """Starts an agent and prints what it does right and wrong."""
    from conformance.agent_check import examined

    return examined(_adapter(options), interpreter(options.python), options.timeout)


def _adapter(options: argparse.Namespace) -> Adapter:
    if not options.agent and not options.engine:
        raise UsageError("which agent? Give its command after --, as in: agent check -- node agent.mjs")
    if not options.engine:
        return Adapter("agent", "", "", "", {}, command=tuple(options.agent))
    adapter = resolve(options.engine)
    return replace(adapter, command=tuple(options.agent)) if options.agent else adapter
