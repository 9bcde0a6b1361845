"""Starts pytest-benchmark in an engine's own process, and hears how far it is.

The JSON of an engine is what pytest-benchmark wrote, and under `unmeasured` what it has no place for: what was declined, was
not asked, took too long or failed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.adapter import Adapter
from conformance.bench.workloads import Workload, elements
from conformance.errors import EngineError, UsageError
from conformance.execution import AGENT, AGENT_FOLDER, ENVIRONMENT, LOAD_SECONDS
from conformance.files import remove, write
from conformance.pytest_process import environment

_FOLDER: Final = Path(__file__).resolve().parent / "engine"
_LACKING: Final = 69  # EX_UNAVAILABLE: no code of pytest's
_BOOT: Final = f"""{AGENT}
try:
    import pytest, pytest_benchmark
except ImportError:
    sys.exit({_LACKING})
sys.exit(pytest.main(sys.argv[1:]))
"""
# Besides OMP_NUM_THREADS. On a machine that does other work, threads that wait for each other measure the other work: torch's
# dot of 10^4 numbers was seen to take a thousand times as long with two threads. A user's own setting wins.
_ONE_THREAD: Final = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
_INTERRUPTED_SECONDS: Final = 20.0  # an interrupted child writes what it measured
_PATIENCE: Final = 10  # times the timeout; the child looks at its own clock first

Json = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to time, and for how long: workloads, sizes, seconds for each, and after how many of them it is too slow.

    clock: a function of `time`. counts: whether each workload is called once more, untimed, to count what it costs.
    """

    workloads: Sequence[Workload]
    sizes: Sequence[int]
    seconds: float
    timeout: float
    clock: str = "perf_counter"
    counts: bool = False


def refuse_others(adapters: Iterable[Adapter]) -> None:
    """Raises UsageError for an engine that is none of Python's: pytest-benchmark runs in the engine's own process."""
    if others := [adapter.name for adapter in adapters if adapter.command]:
        raise UsageError(f"{', '.join(others)}: an agent of another language; only Python's engines are timed")


def measure(adapter: Adapter, python: str, plan: Plan, path: Path, heard: Callable[[Json], None]) -> None:
    """Times one engine in the environment of `python`, and writes the JSON; every message of its process goes to `heard`.

    Raises UsageError when pytest-benchmark is not installed, EngineError when the engine does not load or ends the process.
    On KeyboardInterrupt the child writes what it measured before this raises it again.
    """
    remove(path)
    asked, unmeasured = _asked(adapter, plan)

    def kept(message: Json) -> None:
        if message["state"] != "measured":
            unmeasured.append(message)
        heard(message)

    interrupted = False
    with tempfile.TemporaryDirectory() as folder:
        job, written = Path(folder) / "job.json", Path(folder) / "benchmark.json"
        own = {key: getattr(plan, key) for key in ("seconds", "timeout", "clock", "counts")}
        job.write_text(json.dumps({"adapter": adapter.to_json(), "asked": asked, **own}), encoding="utf-8")
        child = _Child(adapter.name, python, plan, job, written)
        try:
            child.listen(kept)
        except KeyboardInterrupt:
            interrupted = True
            child.interrupt()
        finally:
            child.close()
        document = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {"benchmarks": []}
    document["unmeasured"] = [{"engine": adapter.name, "version": child.version, **one} for one in unmeasured]
    write(path, json.dumps(document, indent=1) + "\n")
    if interrupted:
        raise KeyboardInterrupt


def _asked(adapter: Adapter, plan: Plan) -> tuple[list[Json], list[Json]]:
    """What the engine is asked, and what it is not, with the reason."""
    asked, unasked = [], []
    for workload in plan.workloads:
        for size in plan.sizes:
            program = workload.sized(size)
            facts = {"workload": workload.name, "size": size, "elements": elements(program)}
            if reason := workload.unasked(adapter, size):
                unasked.append({**facts, "dtype": program.dtype, **reason})
            else:
                asked.append({**facts, "program": program.to_json()})
    return asked, unasked


class _Child:
    """A pytest process that times one engine."""

    def __init__(self, name: str, python: str, plan: Plan, job: Path, written: Path) -> None:
        self.version = ""
        self._name, self._python = name, python
        self._patience = LOAD_SECONDS + plan.seconds + _PATIENCE * plan.timeout
        self._messages, sender = os.pipe()
        command = [python, "-c", _BOOT, str(AGENT_FOLDER), "-q", "-c", str(_FOLDER / "pytest.ini")]
        command += ["--rootdir", str(_FOLDER), f"--job={job}", f"--messages={sender}"]
        command += [f"--benchmark-timer=time.{plan.clock}"]
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [*command, f"--benchmark-json={written}", str(_FOLDER)],
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=subprocess.STDOUT,
            pass_fds=(sender,),
            env={**ENVIRONMENT, **_ONE_THREAD, **environment()},
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        os.close(sender)

    def listen(self, heard: Callable[[Json], None]) -> None:
        """Hears the child to its end; raises EngineError or UsageError when it is not the end that was meant."""
        with os.fdopen(self._messages, "rb", closefd=False) as lines:
            while True:
                if not select.select([lines], [], [], self._patience)[0]:
                    raise EngineError(f"{self._name}: nothing was heard for {self._patience:g} s")
                line = lines.readline()
                if not line:
                    break
                self._take(json.loads(line), heard)
        code = self._process.wait()
        if code == _LACKING:
            raise UsageError(
                f"{self._python} has no pytest-benchmark; install it there: "
                "pip install 'pytest-benchmark>=5.3', or the extra [bench] of autograd-conformance"
            )
        if code not in (0, 5):  # a test that fails is reported as a state; nothing may be left to ask
            raise EngineError(f"{self._name}: the timing process ended with code {code}: {self._last_words()}")

    def _take(self, message: Json, heard: Callable[[Json], None]) -> None:
        if "refused" in message:
            raise EngineError(f"{self._name} did not load: {message['refused']}")
        if "ready" in message:
            self.version = message["ready"]
        else:
            heard(message)

    def _last_words(self) -> str:
        self._words.seek(0)
        lines = [line for line in self._words.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return " / ".join(lines[-3:])

    def interrupt(self) -> None:
        """Ctrl-C: pytest ends, and writes what it has."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_INTERRUPTED_SECONDS)
        except subprocess.TimeoutExpired:
            return

    def close(self) -> None:
        """Ends what is still running."""
        self._process.kill()
        self._process.wait()
        os.close(self._messages)
        self._words.close()
