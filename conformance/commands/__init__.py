"""The commands, one module each: its docstring is its help, `configure` adds its options, `execute` returns the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from conformance.commands import bench, doctor, explain, gate, listing, mutants, replay, report, run

COMMANDS: Final[Mapping[str, ModuleType]] = {
    "run": run,
    "gate": gate,
    "report": report,
    "bench": bench,
    "list": listing,
    "explain": explain,
    "doctor": doctor,
    "mutants": mutants,
    "replay": replay,
}
