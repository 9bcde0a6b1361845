"""Run one witness again on an engine: print the verdict and the script."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.commands.options import environment, interpreter
from conformance.console import say
from conformance.witnesses import file_name


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Exit codes: 0 the witness passes, 1 it does not, 2 usage or a file that holds no witness, 3 the adapter or the suite "
        "is at fault, 4 the engine does not load, 5 it does not offer what the witness needs. With --in-process nothing is "
        "judged: compare what is printed with the remarks."
    )
    command.add_argument(
        "witness",
        type=Path,
        metavar="WITNESS.json",
        help="a program, or what has one: a file of DIR/witnesses, a record",
    )
    command.add_argument("--case", metavar="ID", help="the file is a journal: replay the witness of this case")
    command.add_argument("--engine", required=True, metavar="E")
    instead = command.add_mutually_exclusive_group()
    instead.add_argument("--script", action="store_true", help="only print the script; the engine is not started")
    instead.add_argument(
        "--in-process",
        action="store_true",
        help="save the script beside the witness and execute it in this very process, for `python -m pdb -m conformance`",
    )
    environment(command)


def execute(options: argparse.Namespace) -> int:
    """Runs a witness again; 1 when it still shows its fault."""
    from conformance import replay as again
    from conformance.adapter import resolve

    witness, adapter = again.witness(options.witness, options.case), resolve(options.engine)
    python = interpreter(options.python)
    if options.script:
        say(again.script(witness, adapter))
        return 0
    if options.in_process:
        stem = file_name(options.case) if options.case else options.witness.name
        return again.in_process(witness, adapter, python, options.witness.with_name(stem).with_suffix(".replay.py"))
    return again.judged(witness.program, adapter, python, options.timeout)
