"""Runs programs in an engine's own process, and survives whatever happens there.

An agent that crashes, hangs or babbles is ended and restarted; the program is run once more with an announcement before each
instruction, so that the finding names the instruction.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.adapter import Adapter
from conformance.errors import EngineError
from conformance.judge import Finding
from conformance.program import Program

PROTOCOL: Final = 1
# Importing a large engine on a busy machine takes a while; a program does not.
LOAD_SECONDS: Final = 180.0
LONGEST_LINE: Final = 4_000_000
_FOLDER: Final = Path(__file__).resolve().parent / "agent"
# The agent's folder becomes a package of its own, so that nothing else of the harness is importable in the engine's process.
_BOOT: Final = """
import importlib.util, sys
folder = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location("conformance_agent", folder + "/__init__.py", submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = package
spec.loader.exec_module(package)
from conformance_agent.__main__ import main
main()
"""
# Programs are tiny: threads inside an engine only add noise. A user's own setting wins.
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONIOENCODING": "utf-8:backslashreplace"}

Json = Mapping[str, Any]


class _Died(Exception):
    """The agent's process ended; the text says how."""


class _Hung(Exception):
    """The agent did not answer in time."""


class _Babbled(Exception):
    """The agent sent what the protocol does not allow; the text says what."""


@dataclass
class Clock:
    """Where the time goes, in seconds: inside the engine, and in the pipe and the agent around it."""

    engine: float = 0.0
    pipe: float = 0.0
    programs: int = 0


class Engine:
    """An engine under test, in a process of its own; a context manager that ends it.

    Raises EngineError when the engine does not load.
    """

    def __init__(self, adapter: Adapter, python: str = sys.executable, timeout: float = 20.0) -> None:
        self.adapter = adapter
        self.clock = Clock()
        self._python = python
        self._timeout = timeout
        self._agent: _Agent | None = None
        self.ready = self._started().ready

    def run(self, program: Program) -> Json | Finding:
        """What the agent replied to `program`; or a finding when the engine crashed, hung or broke the protocol."""
        try:
            return self._ask(program, trace=False)
        except (_Died, _Hung, _Babbled):
            self.close()
        return self._located(program)

    def _located(self, program: Program) -> Json | Finding:
        """Runs a program that ended the agent again, to learn at which instruction."""
        try:
            self._ask(program, trace=True)
        except _Died as reason:
            return self._lost(program, "crash", f"the engine's process {reason}")
        except _Hung:
            return self._lost(program, "timeout", f"no answer within {self._timeout:g} s")
        except _Babbled as reason:
            return self._lost(program, "error", f"the agent broke the protocol: {reason}")
        return Finding("flaky", None, "the engine's process was lost once, and not when the same program ran again")

    def _lost(self, program: Program, verdict: str, message: str) -> Finding:
        at = self._agent.at if self._agent else None
        tail = self._agent.last_words() if self._agent else ""
        self.close()
        verb = next((it.verb for index, it in program.walk() if index == at), "an instruction")
        return Finding(verdict, at, f"{message}, in {verb}", "an answer", tail or message)

    def _ask(self, program: Program, trace: bool) -> Json:
        agent, started = self._started(), time.perf_counter()
        reply = agent.run(program.to_json(), trace, self._timeout)
        self.clock.programs += 1
        self.clock.engine += reply["seconds"]
        self.clock.pipe += time.perf_counter() - started - reply["seconds"]
        return reply

    def _started(self) -> _Agent:
        if self._agent is None:
            self._agent = _Agent(self.adapter, self._python)
        return self._agent

    def close(self) -> None:
        """Ends the engine's process."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Agent:
    """One agent process and its pipes."""

    def __init__(self, adapter: Adapter, python: str) -> None:
        self.at: int | None = None
        self._name = adapter.name
        self._count = 0
        self._buffer = b""
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process; closed in close)
        command = list(adapter.command) or [python, "-c", _BOOT, str(_FOLDER)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                env={**_ENVIRONMENT, **os.environ},
                start_new_session=True,  # Ctrl-C is the harness's to handle
            )
        except OSError as reason:
            raise EngineError(f"{self._name}: cannot start {command[0]}: {reason.strerror}") from None
        self.ready = self._greeted(adapter)

    def _greeted(self, adapter: Adapter) -> Json:
        try:
            self._send({"hello": {"protocol": PROTOCOL, "adapter": adapter.to_json()}})
            answer = self._receive(time.monotonic() + LOAD_SECONDS)
        except (_Died, _Hung, _Babbled) as reason:
            words = self.last_words()
            self.close()
            raise EngineError(f"{self._name} did not load: its process {reason or 'did not answer'}; {words}") from None
        if "refused" in answer:
            self.close()
            raise EngineError(f"{self._name} did not load: {answer['refused'].get('message')}")
        ready = answer.get("ready")
        if not isinstance(ready, dict) or ready.get("protocol") != PROTOCOL:
            self.close()
            raise EngineError(f"{self._name} did not load: its agent does not speak protocol {PROTOCOL}")
        return ready

    def run(self, program: Json, trace: bool, timeout: float) -> Json:
        """Sends one program and waits for its reply; every message received renews the deadline."""
        self._count += 1
        self.at = None
        self._send({"run": self._count, "program": program, "trace": trace, "seconds": timeout})
        while True:
            message = self._receive(time.monotonic() + timeout)
            if "at" in message and trace:
                self.at = message["at"]
            elif message.get("ran") == self._count:
                return _checked(message)
            else:
                raise _Babbled(f"a message that answers nothing: {str(message)[:80]}")

    def _send(self, message: Json) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, OSError):
            raise _Died(self._how()) from None

    def _receive(self, deadline: float) -> Json:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _Hung
            part = os.read(descriptor, 1 << 16)
            if not part:
                raise _Died(self._how())
            self._buffer += part
            if len(self._buffer) > LONGEST_LINE:
                raise _Babbled(f"a line of more than {LONGEST_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            raise _Babbled(f"a line that is not JSON: {line[:60]!r}") from None
        if not isinstance(message, dict):
            raise _Babbled(f"a message that is no object: {line[:60]!r}")
        return message

    def _how(self) -> str:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its pipe"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"

    def last_words(self) -> str:
        """The last line that the engine's process printed."""
        self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, self._words.tell() - 2000))
        lines = self._words.read().decode("utf-8", "replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "it printed nothing")

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._words):
            try:
                if stream is not None:
                    stream.close()
            except OSError:  # a pipe whose other end is gone
                continue


_REPLY: Final = {"observations": list, "declined": list, "leaks": list, "seconds": (int, float)}
_FAILURE: Final = {"at": int, "type": str, "message": str}


def _checked(reply: Json) -> Json:
    """A reply that has the schema's fields; raises _Babbled."""
    for key, kind in _REPLY.items():
        if not isinstance(reply.get(key), kind):  # type: ignore[arg-type]
            raise _Babbled(f"a reply whose {key!r} is missing or of the wrong kind")
    failure = reply.get("failure")
    if failure is not None and not (
        isinstance(failure, dict) and all(isinstance(failure.get(key), kind) for key, kind in _FAILURE.items())
    ):
        raise _Babbled("a reply whose 'failure' is malformed")
    for entry in reply["observations"]:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], int) and isinstance(entry[1], dict)):
            raise _Babbled("a reply with a malformed observation")
    return reply
