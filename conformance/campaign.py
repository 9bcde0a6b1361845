"""A run over several engines: children judge, this process alone writes the journals.

Each child is a pytest process for one engine (and one shard of the cases); it holds the engine's agent and sends records
through a pipe. However a child or an engine ends, what was recorded is in the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import conformance
from conformance import expectations
from conformance.adapter import Adapter, resolve
from conformance.clause import Case, Clause, specification
from conformance.errors import ConformanceError, NothingSelected, UsageError
from conformance.files import remove
from conformance.gate import surprising
from conformance.interruption import Interruption
from conformance.journal import JournalWriter
from conformance.operators import OPERATORS
from conformance.pytest_process import environment
from conformance.witnesses import FOLDER, forget, save

_CLAUSES: Final = Path(__file__).resolve().parent / "clauses"
# A child finds this very package, installed or in a checkout. PYTHONPATH would reach the engines' environments as well.
_PYTEST: Final = "import sys; sys.path.insert(0, sys.argv.pop(1)); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
_LOOK_SECONDS: Final = 0.2  # how often the run is looked at: was it asked to end?
_LAST_WORDS_SECONDS: Final = 5.0  # an interrupted child sends what the case in progress has found
_CLOCK: Final = ("engine", "pipe", "programs")


@dataclass(frozen=True)
class Plan:
    """What to run: engine specs, the interpreter of their environment, and how."""

    engines: tuple[str, ...]
    python: str
    profile: str
    seed: int
    timeout: float
    select: tuple[str, ...]
    expectations: Path
    out: Path
    jobs: int
    command: str
    shard: str = "1/1"
    budget: float | None = None  # seconds of random programs for each engine
    index: int | None = None  # of random programs only this one
    fail_fast: bool = False
    # Of the engine of a spec these cases, not `select`.
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Progress:
    """How far a run is, for whoever shows it; `verdict` is how far the case is until it has one."""

    engine: str
    case: str
    verdict: str
    done: int
    total: int


@dataclass
class _Target:
    """One engine of a run: what it is asked, its journal, and the children still at work on it."""

    spec: str
    select: tuple[str, ...]
    cases: tuple[Case, ...]
    adapter: Adapter
    writer: JournalWriter | None = None
    pending: int = 0
    cut: bool = False  # a child ended before its last case
    started: float = 0.0
    clock: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_CLOCK, 0.0))
    model: float = 0.0
    examined: float = 0.0
    refusal: ConformanceError | None = None


@dataclass
class _Child:
    """A pytest process that judges one shard of the cases on one engine."""

    target: _Target
    process: subprocess.Popen[bytes]
    records: int
    output: IO[bytes]
    unfinished: bytes = b""
    done: bool = False

    def close(self) -> None:
        """Closes what was opened for the child."""
        os.close(self.records)
        self.output.close()


class Campaign:
    """Runs a plan; afterwards `journals`, `refusals` and `failed_fast` say what came of it."""

    def __init__(self, plan: Plan, show: Callable[[Progress], None]) -> None:
        self.plan = plan
        self.refusals: list[ConformanceError] = []
        self._show = show
        self._targets = [_target(spec, plan) for spec in plan.engines]
        self._total = sum(len(target.cases) for target in self._targets)
        _distinct(self._targets)
        for target in self._targets:
            expectations.load(
                target.adapter.name, plan.expectations
            )  # a mistake in them is the user's, and comes first
        self.failed_fast = False
        self._done = 0
        self._interruption = Interruption()
        self._deadline: float | None = None

    @property
    def journals(self) -> list[Path]:
        """The journals that were begun."""
        return [target.writer.path for target in self._targets if target.writer]

    def run(self) -> None:
        """Judges every engine; on an exception ends every child first.

        Asked to end, by Ctrl-C or SIGTERM, it records what the cases in progress have found, and raises KeyboardInterrupt.
        """
        for target in self._targets:
            remove(self._path(target))  # an engine that does not load must not leave yesterday's answer
            forget(self._witnesses(target))
        waiting = self._units()
        running: list[_Child] = []
        try:
            with self._interruption.noticed(), self._interruption.held(), selectors.DefaultSelector() as selector:
                while (waiting or running) and not self._ended(waiting, running):
                    while waiting and len(running) < self.plan.jobs:
                        running.append(self._spawned(*waiting.pop(0)))
                        selector.register(running[-1].records, selectors.EVENT_READ, running[-1])
                    for key, _ in selector.select(_LOOK_SECONDS):
                        if not self._heard(key.data):
                            selector.unregister(key.fileobj)
                            running.remove(key.data)
                            self._finished(key.data)
        finally:
            for child in running:
                child.process.kill()
                child.process.wait()
                child.close()
            for target in self._targets:
                if target.writer:
                    target.writer.close()

    def _ended(self, waiting: list[tuple[_Target, str]], running: Sequence[_Child]) -> bool:
        return self.failed_fast or self._abandoned(waiting, running)

    def _abandoned(self, waiting: list[tuple[_Target, str]], running: Sequence[_Child]) -> bool:
        """Asked to end: begins nothing more, and asks the children; whether they had their time, or it was asked again."""
        if not self._interruption.asked:
            return False
        if self._deadline is None:
            self._deadline = time.monotonic() + _LAST_WORDS_SECONDS
            waiting.clear()
            for child in running:
                child.process.terminate()
        return self._interruption.asked > 1 or time.monotonic() > self._deadline

    def _units(self) -> list[tuple[_Target, str]]:
        """One child an engine; when there are more jobs than engines, an engine's cases are split."""
        parts = max(1, self.plan.jobs // len(self._targets)) if self.plan.shard == "1/1" else 1
        units = []
        for target in self._targets:
            shards = [f"{i + 1}/{parts}" for i in range(parts)] if parts > 1 else [self.plan.shard]
            target.pending = len(shards)
            units += [(target, shard) for shard in shards]
        return units

    def _spawned(self, target: _Target, shard: str) -> _Child:
        plan = self.plan
        receiver, sender = os.pipe()
        options = {
            "--engine": target.spec,
            "--python": plan.python,
            "--profile": plan.profile,
            "--seed": plan.seed,
            "--timeout": plan.timeout,
            "--shard": shard,
            "--expectations": plan.expectations,
            "--records": sender,
        }
        command = [sys.executable, "-P", "-c", _PYTEST, str(_CLAUSES.parent.parent)]
        command += ["-c", str(_CLAUSES / "pytest.ini"), "--rootdir", str(_CLAUSES), "-q"]
        command += [f"{key}={value}" for key, value in options.items()]
        command += [f"--budget={plan.budget}"] if plan.budget else []
        command += [f"--index={plan.index}"] if plan.index is not None else []
        command += [f"--select={glob}" for glob in target.select] + [str(_CLAUSES)]
        output = tempfile.TemporaryFile()  # noqa: SIM115 (it is read after the child has ended)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(sender,),
            env=environment(),
        )
        os.close(sender)
        return _Child(target, process, receiver, output)

    def _heard(self, child: _Child) -> bool:
        """Takes what a child has sent; False when it has said its last."""
        part = os.read(child.records, 1 << 16)
        *lines, child.unfinished = (child.unfinished + part).split(b"\n")
        for line in lines:
            self._take(child, json.loads(line))
        return bool(part)

    def _take(self, child: _Child, message: Mapping[str, Any]) -> None:
        target = child.target
        if "ready" in message:
            self._begun(target, message["ready"])
        elif "case" in message:
            if not self.failed_fast:  # what came after the first failure is not wanted
                self._judged(target, message["case"])
        elif "progress" in message:
            self._tell(target, message["progress"]["case"], message["progress"]["note"])
        elif "done" in message:
            child.done = True
            for key in _CLOCK:
                target.clock[key] += message["done"][key]
        else:
            target.refusal = _refusal(message["code"], message["refused"])

    def _begun(self, target: _Target, ready: Mapping[str, Any]) -> None:
        """The first child of an engine is ready: its journal begins."""
        if target.writer is None:
            target.writer = JournalWriter(self._path(target), self._header(target, ready))
            target.started = time.monotonic()

    def _path(self, target: _Target) -> Path:
        return self.plan.out / f"{target.adapter.name}.jsonl"

    def _witnesses(self, target: _Target) -> Path:
        return self.plan.out / FOLDER / target.adapter.name

    def _judged(self, target: _Target, record: Mapping[str, Any]) -> None:
        assert target.writer is not None
        if "witness" in record:
            record = {**record, "saved": str(save(self._witnesses(target), target.spec, record))}
        target.writer.case(record)
        self.failed_fast = self.plan.fail_fast and (
            self.failed_fast or surprising(record["verdict"], record["expectation"])
        )
        target.model += record["model_seconds"]
        target.examined += record["seconds"]
        self._done += 1
        self._tell(target, record["case"], record["verdict"])

    def _tell(self, target: _Target, case: str, verdict: str) -> None:
        self._show(Progress(target.adapter.name, case, verdict, self._done, self._total))

    def _finished(self, child: _Child) -> None:
        """A child has ended: the last one of an engine completes its journal."""
        target, child.target.pending = child.target, child.target.pending - 1
        code = child.process.wait()
        target.cut = target.cut or not child.done
        if not child.done and not self._interruption.asked:
            target.refusal = target.refusal or ConformanceError(f"{target.adapter.name}: {_last_words(child, code)}")
        child.close()
        if target.pending:
            return
        if target.refusal:
            self.refusals.append(target.refusal)
        elif target.writer and not target.cut:
            seconds = round(time.monotonic() - target.started, 2)
            programs, examined = int(target.clock["programs"]), round(target.examined, 2)
            target.writer.footer(seconds=seconds, programs=programs, examined=examined, shares=_shares(target))

    def _header(self, target: _Target, ready: Mapping[str, Any]) -> dict[str, Any]:
        adapter, plan = target.adapter, self.plan
        return {
            "suite": {"version": conformance.__version__, "digest": digest()},
            "engine": {
                "name": adapter.name,
                "spec": target.spec,
                "version": str(ready.get("version")),
                "language": str(ready.get("language")),
                "python": str(ready.get("runtime")),
                "shape": adapter.shape,
                "lines": adapter.lines,
                "speaks": list(adapter.speaks),
            },
            "profile": plan.profile,
            "seed": plan.seed,
            "shard": plan.shard,
            "select": list(target.select),
            "expectations": str(plan.expectations) if plan.expectations != expectations.BUILTIN else "",
            "platform": platform.platform(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": plan.command,
            "specified": sum(1 for clause in specification().values() for _ in clause.cases()),
            "selected": len(target.cases),
            "operators": {name: name in adapter.spellings for name in OPERATORS},
            "clauses": {name: clause.to_json() for name, clause in _clauses(target).items()},
        }


def _distinct(targets: Sequence[_Target]) -> None:
    """Raises UsageError when two engines have one name."""
    names = Counter(target.adapter.name for target in targets)
    for name, count in names.items():
        if count > 1:
            raise UsageError(f"{count} engines are called {name!r} and would write one journal; run them one by one")


def _target(spec: str, plan: Plan) -> _Target:
    """An engine and its cases of the shard, in chapters' order; raises NothingSelected when no shard has any."""
    select = plan.only.get(spec, plan.select)
    cases = [case for clause in specification().values() for case in clause.cases() if case.selected(select)]
    if not cases:
        raise NothingSelected(f"no case matches {' or '.join(select)}; `list clauses` prints the ids")
    return _Target(spec, select, tuple(case for case in cases if case.in_shard(plan.shard)), resolve(spec))


def _clauses(target: _Target) -> dict[str, Clause]:
    return {case.clause.id: case.clause for case in target.cases}


def _refusal(code: int, sentence: str) -> ConformanceError:
    kinds: Sequence[type[ConformanceError]] = ConformanceError.__subclasses__()
    kind = next((kind for kind in kinds if kind.exit_code == code), ConformanceError)
    return kind(sentence)


def _last_words(child: _Child, code: int) -> str:
    child.output.seek(0)
    lines = [line for line in child.output.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f"the judging process ended with code {code} before its last case: {' / '.join(lines[-3:])}"


def _shares(target: _Target) -> dict[str, float]:
    """Where the time of the examinations went, as parts of 1."""
    parts = {"engine": target.clock["engine"], "pipe": target.clock["pipe"], "model": target.model}
    total = max(target.examined, sum(parts.values()), 1e-9)  # the clock also counts what precedes the cases
    parts["drawing and judging"] = total - sum(parts.values())
    return {name: round(seconds / total, 3) for name, seconds in parts.items()}


def digest() -> str:
    """A digest of the specification and the machinery, this package's code: journals of different digests are not to be mixed."""
    summary = hashlib.sha256()
    for path in _sources():
        summary.update(str(path.relative_to(_CLAUSES.parent)).encode())
        summary.update(path.read_bytes())
    return summary.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    yield from sorted(path for path in _CLAUSES.parent.rglob("*") if path.suffix in (".py", ".toml", ".json"))
