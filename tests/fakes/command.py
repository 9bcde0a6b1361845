"""The command line as a user starts it: a process of its own, whose children can be found and counted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_MARKER: Final = "AUTOGRAD_CONFORMANCE_TEST"


@dataclass(frozen=True)
class Terminal:
    """A folder in which commands are run; every process that they start carries its marker."""

    folder: Path
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    def environment(self) -> dict[str, str]:
        """The variables of a command: ours, the checkout first on the path, and the marker."""
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        return {**os.environ, "PYTHONPATH": path, _MARKER: self.marker, "FAKES_FOLDER": str(self.folder)}

    def command(self, *arguments: str | Path) -> list[str]:
        """The words of a command, as this interpreter runs it from a checkout."""
        return [sys.executable, "-m", "conformance", *map(str, arguments)]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=180,
        )

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Starts a command as the leader of its own process group, as a shell does."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def processes(self) -> list[int]:
        """The ids of the living processes that carry our marker."""
        entry = f"{_MARKER}={self.marker}".encode()
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if entry in _environ(folder)]

    def close(self) -> None:
        """Ends what is left, so that a test that fails leaves nothing running."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _environ(folder: Path) -> list[bytes]:
    try:  # a zombie's is empty, and a process may end while we look
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether `condition` becomes true in time; it is asked again and again."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
