"""Show that each clause fails its mutant, an engine broken on purpose; or that random programs find planted faults."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.errors import UsageError


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.add_argument(
        "--programs", action="store_true", help="run random programs, no other clauses, on the planted faults"
    )
    command.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="GLOB",
        help="only clauses that match; with --programs, only faults whose name matches; repeatable",
    )
    command.add_argument("--subject", metavar="S", help="with --programs: only faults of this subject, such as hooks")
    command.add_argument(
        "--profile", choices=("quick", "gate"), help="with --programs: how many programs a case gets (default: gate)"
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what every input is derived from (default: 0)"
    )
    command.add_argument(
        "--scripts",
        type=Path,
        metavar="DIR",
        help="write each witness as a script, and run it: without the fault it must print something else",
    )


def execute(options: argparse.Namespace) -> int:
    """Runs every clause on its mutant, or random programs on planted faults; 0 when each is killed as `fail`, or caught."""
    from conformance.mutation import killed
    from conformance.planted import hunted

    if options.programs:
        return hunted(tuple(options.select), options.subject, options.profile or "gate", options.seed, options.scripts)
    if options.subject or options.profile:
        raise UsageError("--subject and --profile are for mutants --programs")
    return killed(tuple(options.select), options.seed, options.scripts)
