"""Where the engines of these tests live: beside the harness, or in an environment that a variable names."""

from __future__ import annotations

import os
import sys

import pytest

from conformance.adapter import load


def interpreter(engine: str) -> str:
    """The Python that has `engine`: CONFORMANCE_<ENGINE>_PYTHON or our own; skips the test when neither has it."""
    variable = f"CONFORMANCE_{engine.upper()}_PYTHON"
    if variable not in os.environ and not load(engine).installed():
        pytest.skip(f"{engine} is not installed: install the extra [{engine}], or name an interpreter in {variable}")
    return os.environ.get(variable, sys.executable)
