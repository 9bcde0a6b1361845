"""The commands, one module each: its docstring is its help, `configure` adds its options, `execute` returns the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from conformance.commands import (
    agent,
    bench,
    compare,
    doctor,
    expect,
    explain,
    gate,
    init,
    listing,
    merge,
    mutants,
    replay,
    report,
    run,
    try_,
)

COMMANDS: Final[Mapping[str, ModuleType]] = {
    "run": run,
    "try": try_,
    "init": init,
    "gate": gate,
    "report": report,
    "merge": merge,
    "compare": compare,
    "bench": bench,
    "list": listing,
    "explain": explain,
    "doctor": doctor,
    "agent": agent,
    "expect": expect,
    "mutants": mutants,
    "replay": replay,
}
