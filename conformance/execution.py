"""Runs programs in an engine's own process, and survives whatever happens there.

An agent that crashes, hangs or babbles is ended and restarted; the program is run once more with an announcement before each
instruction, so that the finding names the instruction.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.adapter import INSTALL, Adapter
from conformance.agent.lifetime import parentage
from conformance.errors import EngineError
from conformance.judge import Finding
from conformance.program import Program
from conformance.reply import Malformed, checked

PROTOCOL: Final = 1
# Importing a large engine on a busy machine takes a while; a program does not.
LOAD_SECONDS: Final = 180.0
TIMEOUT: Final = 20.0
LONGEST_LINE: Final = 4_000_000
_LOOK_SECONDS: Final = 0.1  # how often a silent process is looked at: has it ended?
_SIGNALS: Final = {int(known): known.name for known in signal.Signals}
AGENT_FOLDER: Final = Path(__file__).resolve().parent / "agent"
# The agent's folder becomes a package of its own, so that nothing else of the harness is importable in the engine's process.
# Whatever lies in the working directory, a types.py or a heapq.py, must not take the standard library's place.
AGENT: Final = """
import sys
if sys.path[0] == "":
    sys.path.append(sys.path.pop(0))
import importlib.util
folder = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location("conformance_agent", folder + "/__init__.py", submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = package
spec.loader.exec_module(package)
"""
_BOOT: Final = f"{AGENT}from conformance_agent.__main__ import main\nmain()\n"
# An agent of another language does not ask to end with us; this asks, and becomes the agent.
_WATCHED: Final = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
from lifetime import die_first, end_with_parent
end_with_parent()
die_first()
os.execv(sys.argv[1], sys.argv[1:])
"""
# Programs are tiny: threads inside an engine only add noise. A user's own setting wins.
ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
}

Json = Mapping[str, Any]


class Died(Exception):
    """The agent's process ended; the text says how."""


class Hung(Exception):
    """The agent did not answer in time."""


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

    def __init__(self, adapter: Adapter, python: str = sys.executable, timeout: float = TIMEOUT) -> None:
        self.adapter = adapter
        self.clock = Clock()
        self.python = python
        self.timeout = timeout
        self._agent: Agent | None = None
        self.ready = self._started().ready

    def run(self, program: Program) -> Json | Finding:
        """What the agent replied to `program`; or a finding when the engine crashed, hung or broke the protocol."""
        try:
            return self._ask(program, trace=False)
        except (Died, Hung, Malformed):
            self.close()
        except EngineError as reason:
            return _gone(reason)
        return self._located(program)

    def respelled(self, adapter: Adapter) -> None:
        """Goes on with another adapter of the same engine, in the same process; raises EngineError when it does not load."""
        self.adapter = adapter
        if self._agent is None:
            self.ready = self._started().ready
            return
        try:
            self.ready = self._agent.greeted(adapter)
        except EngineError:
            self._agent = None  # it has closed
            raise

    def _located(self, program: Program) -> Json | Finding:
        """Runs a program that ended the agent again, to learn at which instruction."""
        try:
            self._ask(program, trace=True)
        except Died as reason:
            return self._lost(program, "crash", f"the engine's process {reason}")
        except Hung:
            return self._lost(program, "timeout", f"no answer within {self.timeout:g} s")
        except Malformed as reason:
            return self._lost(program, "error", f"the agent broke the protocol: {reason}")
        except EngineError as reason:
            return _gone(reason)
        return Finding("flaky", None, "the engine's process was lost once, and not when the same program ran again")

    def _lost(self, program: Program, verdict: str, message: str) -> Finding:
        at = self._agent.at if self._agent else None
        tail = self._agent.last_words() if self._agent else ""
        self.close()
        verb = next((it.verb for index, it in program.walk() if index == at), "an instruction")
        return Finding(verdict, at, f"{message}, in {verb}", "an answer", tail or message)

    def _ask(self, program: Program, trace: bool) -> Json:
        agent, started = self._started(), time.perf_counter()
        reply = checked(agent.run(program.to_json(answers=False), trace, self.timeout), program)
        self.clock.programs += 1
        self.clock.engine += reply["seconds"]
        self.clock.pipe += time.perf_counter() - started - reply["seconds"]
        return reply

    def _started(self) -> Agent:
        if self._agent is None:
            self._agent = Agent(self.adapter, self.python)
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


def _gone(reason: EngineError) -> Finding:
    return Finding("crash", None, f"the engine was lost earlier and does not start again: {reason}")


def _foreign(adapter: Adapter) -> list[str]:
    """The command of an agent of another language."""
    program, *arguments = adapter.command
    found = shutil.which(program)
    if found is None:
        raise EngineError(f"{adapter.name}: cannot start {program}: there is no such program")
    return [sys.executable, "-I", "-S", "-c", _WATCHED, str(AGENT_FOLDER), found, *arguments]


class Agent:
    """One agent process and its pipes."""

    def __init__(self, adapter: Adapter, python: str) -> None:
        self.at: int | None = None
        self._name = adapter.name
        self._count = 0
        self._buffer = b""
        command = _foreign(adapter) if adapter.command else [python, "-c", _BOOT, str(AGENT_FOLDER)]
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process; closed in close)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                env={**ENVIRONMENT, **os.environ, **parentage()},
                start_new_session=True,  # Ctrl-C is the harness's to handle
            )
        except OSError as reason:
            self._words.close()
            raise EngineError(f"{self._name}: cannot start {command[0]}: {reason.strerror}") from None
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)  # an agent that does not read must not hang us
        self.ready = self.greeted(adapter)

    def greeted(self, adapter: Adapter) -> Json:
        """What the agent answers when it is told how its engine is spelled; raises EngineError."""
        try:
            deadline = time.monotonic() + LOAD_SECONDS
            self._send({"hello": {"protocol": PROTOCOL, "adapter": adapter.to_json()}}, deadline)
            answer = self._receive(deadline)
        except (Died, Hung, Malformed) as reason:
            words = self.last_words()
            self.close()
            raise EngineError(f"{self._name} did not load: its process {reason}; {words}") from None
        refused, ready = answer.get("refused"), answer.get("ready")
        if isinstance(refused, dict):
            self.close()
            message = f"{self._name} did not load: {refused.get('message')}"
            if "ModuleNotFoundError" in message and not adapter.folder:
                how = INSTALL[adapter.language].format(adapter.name)
                message += f"; install it by: {how}, or name an interpreter that has it by --python"
            raise EngineError(message)
        if not isinstance(ready, dict) or ready.get("protocol") != PROTOCOL:
            self.close()
            raise EngineError(f"{self._name} did not load: its agent does not speak protocol {PROTOCOL}")
        return ready

    def run(self, program: Json, trace: bool, timeout: float) -> Json:
        """Sends one program and waits for its reply; every message received renews the deadline."""
        self._count += 1
        self.at = None
        request = {"run": self._count, "program": program, "trace": trace, "seconds": timeout}
        self._send(request, time.monotonic() + timeout)
        while True:
            message = self._receive(time.monotonic() + timeout)
            at = message.get("at")
            if trace and isinstance(at, int):  # a loop goes back
                self.at = at
            elif message.get("ran") == self._count:
                return message
            else:
                raise Malformed(f"a message that answers nothing: {str(message)[:80]}")

    def _send(self, message: Json, deadline: float) -> None:
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        data = json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"
        while data:
            _, ready, _ = select.select([], [descriptor], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Hung("did not read what it was sent")
            try:
                data = data[os.write(descriptor, data) :]
            except OSError:
                raise Died(self._how()) from None

    def _receive(self, deadline: float) -> Json:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            remaining = deadline - time.monotonic()
            ready, _, _ = select.select([descriptor], [], [], max(0.0, min(remaining, _LOOK_SECONDS)))
            if ready:
                part = os.read(descriptor, 1 << 16)
            elif self._process.poll() is not None:  # a child of the engine's may hold the pipe open
                part = b""
            elif remaining > 0:
                continue
            else:
                raise Hung("did not answer")
            if not part:
                raise Died(self._how())
            self._buffer += part
            if len(self._buffer) > LONGEST_LINE:
                raise Malformed(f"a line of more than {LONGEST_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise Malformed(f"a line that is not JSON: {line[:60]!r}") from None
        if not isinstance(message, dict):
            raise Malformed(f"a message that is no object: {line[:60]!r}")
        return message

    def _how(self) -> str:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its pipe"
        if code >= 0:
            return f"exited with code {code}"
        return f"was ended by {_SIGNALS.get(-code, f'signal {-code}')}"

    def last_words(self) -> str:
        """The last line that the engine's process printed."""
        self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, self._words.tell() - 2000))
        lines = self._words.read().decode("utf-8", "replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "it printed nothing")

    def hang_up(self, seconds: float) -> None:
        """Closes the agent's input, at which it must end; raises subprocess.TimeoutExpired when it does not."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=seconds)

    def close(self) -> None:
        """Ends the process, whatever it is doing, and the processes that it started."""
        with contextlib.suppress(OSError, AttributeError):  # nobody is left, or a system without groups
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._words):
            try:
                if stream is not None:
                    stream.close()
            except OSError:  # a pipe whose other end is gone
                continue
