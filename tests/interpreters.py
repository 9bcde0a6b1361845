"""Where the engines of these tests live: beside the harness, or in an environment that a variable names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conformance.adapter import load


def interpreter(engine: str) -> str:
    """The Python that has `engine`: CONFORMANCE_<ENGINE>_PYTHON or our own; skips the test when neither has it."""
    if load(engine).command and not load(engine).installed():
        pytest.skip(f"{engine} is not installed: it needs Node, and npm ci --prefix implementations/{engine}")
    variable = f"CONFORMANCE_{engine.upper()}_PYTHON"
    if variable not in os.environ and not load(engine).installed():
        pytest.skip(f"{engine} is not installed: install the extra [{engine}], or name an interpreter in {variable}")
    return os.environ.get(variable, sys.executable)


def runner(engine: str, empty: Path) -> tuple[list[str], Path]:
    """What runs a script of `engine` that is added to it, and the folder to run it in: an empty one where that can be."""
    adapter, python = load(engine), interpreter(engine)
    if adapter.language == "javascript":  # its engine is found from the folder that has the packages
        return [adapter.command[0], "-e"], Path(adapter.command[1]).parent
    return [python, "-I", "-c"], empty
