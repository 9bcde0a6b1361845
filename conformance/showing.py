"""Whether the script of a witness shows its fault: run by itself, it must say something else on the engine without the fault."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from conformance.adapter import Adapter
from conformance.console import say
from conformance.execution import ENVIRONMENT
from conformance.files import write
from conformance.script import printed
from conformance.witnesses import Witness

_ROOT: Final = Path(__file__).resolve().parent.parent  # where a script finds our own engines
_SECONDS: Final = 60.0
_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]+\b")  # it differs from run to run
_RAISED: Final = "Traceback (most recent call last):\n"


@dataclass(frozen=True)
class Scripts:
    """A witness as a script on the broken engine, and on the one without the fault."""

    broken: str
    sound: str

    @classmethod
    def of(cls, witness: Witness, broken: Adapter, sound: Adapter) -> Scripts:
        """Both scripts of a witness that was found on `broken`."""
        return cls(printed(witness.program, broken, witness.finding), printed(witness.program, sound, witness.finding))

    def differ(self) -> bool:
        """Whether they say something different."""
        return said(self.broken) != said(self.sound)


@dataclass
class Folder:
    """Where scripts are written, each beside the verdict whether it shows its fault; `silent` names those that do not."""

    path: Path
    count: int = 0
    silent: list[str] = field(default_factory=list)

    def add(self, name: str, scripts: Scripts) -> None:
        """Writes the broken engine's script and runs both; says so when it does not show the fault."""
        path = self.path / f"{name}.py"
        write(path, scripts.broken)
        self.count += 1
        if not scripts.differ():
            self.silent.append(name)
            say(f"          SILENT  {path} says the same without the fault")

    def summary(self) -> str:
        """How many show their fault."""
        return (
            f"{self.count - len(self.silent)} of {self.count} scripts show their fault when they are run by themselves"
        )


def said(script: str) -> str:
    """What a script says when it is run by itself: what it prints, and its exception; memory addresses left out."""
    try:
        done = alone([sys.executable, "-c", script], _ROOT, _SECONDS)
    except subprocess.TimeoutExpired:
        return f"no end within {_SECONDS:g} s"
    return _ADDRESS.sub("0x", done.stdout + _ending(done.returncode, done.stderr))


def alone(command: Sequence[str], folder: Path | None, seconds: float) -> subprocess.CompletedProcess[str]:
    """A script run by itself in `folder`, as the agent runs an engine; raises TimeoutExpired or OSError."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**ENVIRONMENT, **os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )


def _ending(code: int, errors: str) -> str:
    """The exception that ended a script, without the places that it passed; or the signal. Nothing when it ended well."""
    if code <= 0:
        return f"ended by signal {-code}\n" if code else ""
    lines = errors.rpartition(_RAISED)[2].splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("  ")) or f"ended with code {code}\n"
