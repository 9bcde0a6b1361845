"""Scripts run by themselves, each in a process forked from one that has imported NumPy and torch already.

A new interpreter that imports torch takes a second, and the tests run hundreds of scripts. What is run, where, and what is
heard of it is as in `conformance.showing.alone`, which tests/test_showing.py asks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from conformance.execution import ENVIRONMENT

_SERVER: Final = """
import importlib, json, os, signal, sys, tempfile, traceback

def run(script, seconds, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
    signal.alarm(seconds)
    try:
        exec(compile(script, "<string>", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

for module in ("numpy", "torch"):
    try:
        importlib.import_module(module)
    except ImportError:
        pass
for line in sys.stdin:
    asked = json.loads(line)
    os.chdir(asked["folder"])
    with open(os.devnull) as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            run(asked["script"], asked["seconds"], (nothing, out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    print(json.dumps([code, *texts]), flush=True)
"""
_ALARM: Final = -14


class Forked:
    """A process that forks; a context manager. `alone` takes the place of `conformance.showing.alone`."""

    def __enter__(self) -> Forked:
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            env={**ENVIRONMENT, **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def alone(self, command: Sequence[str], folder: Path | None, seconds: float) -> subprocess.CompletedProcess[str]:
        """Runs the script that ends `command`; raises TimeoutExpired."""
        assert list(command[:2]) == [sys.executable, "-c"]
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        asked = {"script": command[2], "folder": str(folder or Path.cwd()), "seconds": int(seconds)}
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        code, out, err = json.loads(self._server.stdout.readline())
        if code == _ALARM:
            raise subprocess.TimeoutExpired(command, seconds)
        return subprocess.CompletedProcess(command, code, out, err)
