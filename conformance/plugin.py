"""The pytest plugin: clauses are collected as cases and judged on the engine that `--engine` names.

`autograd-conformance run` drives it and reads records from a pipe. By hand, `pytest conformance/clauses --engine E` fails the
cases that do not pass and prints their witnesses.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import expectations
from conformance.adapter import resolve
from conformance.agent.lifetime import end_with_parent
from conformance.clause import REGISTRY, Case
from conformance.doctor import foundation
from conformance.errors import ConformanceError, EngineError
from conformance.examination import PROFILES, Effort, Interrupted, examine
from conformance.execution import Engine
from conformance.interruption import Interruption

_ENGINE: Final = pytest.StashKey[Engine]()
_EXPECTED: Final = pytest.StashKey[dict[str, expectations.Expectation]]()
_INTERRUPTION: Final = pytest.StashKey[Interruption]()
_QUIET: Final = ("pass", "declined")
_FINISHED: Final = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)  # a shard may hold no case


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run; the command line's `run --help` explains them."""
    group = parser.getgroup("autograd-conformance")
    group.addoption("--engine", help="the engine to judge: a name, or an adapter's file")
    group.addoption("--python", default=sys.executable, help="the interpreter of the engine's environment")
    group.addoption("--profile", default="quick", choices=PROFILES, help="how many examples a property is given")
    group.addoption(
        "--budget", type=float, help="seconds of random programs, over all cases of them; then their number is none"
    )
    group.addoption("--seed", type=int, default=0, help="what every drawn input is derived from")
    group.addoption("--index", type=int, help="of random programs only the one with this index")
    group.addoption("--timeout", type=float, default=20.0, help="seconds that an engine may take for one program")
    group.addoption("--select", action="append", default=[], help="a glob over case and clause ids")
    group.addoption("--shard", default="1/1", help="i/n: the i-th of n parts of the cases")
    group.addoption("--expectations", type=Path, default=expectations.BUILTIN, help="the folder of <engine>.toml")
    group.addoption("--records", type=int, help="a file descriptor to write records to (the harness's own use)")


def pytest_configure(config: pytest.Config) -> None:
    """Starts the engine, and reports to the harness that it loaded, or why not."""
    if not config.getoption("--engine"):
        return
    config.stash[_INTERRUPTION] = Interruption()
    if config.getoption("--records") is not None:
        end_with_parent()
        noticing = ExitStack()
        noticing.enter_context(config.stash[_INTERRUPTION].noticed())
        config.add_cleanup(noticing.close)
    try:
        adapter = resolve(config.getoption("--engine"))
        config.stash[_EXPECTED] = expectations.load(adapter.name, config.getoption("--expectations"))
        engine = Engine(adapter, config.getoption("--python"), config.getoption("--timeout"))
        config.add_cleanup(engine.close)
        if broken := foundation(engine):  # one sentence, instead of an error in every case
            raise EngineError(broken)
    except ConformanceError as reason:
        _tell(config, {"refused": str(reason), "code": reason.exit_code})
        pytest.exit(str(reason), returncode=pytest.ExitCode.USAGE_ERROR)
    config.stash[_ENGINE] = engine
    _tell(config, {"ready": engine.ready})


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> list[pytest.Item] | None:
    """A clause's test becomes one item a case."""
    clause = next((clause for clause in REGISTRY.values() if clause.test is obj), None)
    if clause is None:
        return None
    if _ENGINE not in collector.config.stash:
        raise collector.CollectError("say which engine to judge: --engine torch")
    return [CaseItem.from_parent(collector, name=case.id, case=case) for case in clause.cases()]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the cases that are selected and fall into this shard; kept witnesses are asked first."""
    globs, shard = config.getoption("--select"), config.getoption("--shard")
    items[:] = [
        item
        for item in items
        if not isinstance(item, CaseItem) or (item.case.selected(globs) and item.case.in_shard(shard))
    ]
    items.sort(key=lambda item: not (isinstance(item, CaseItem) and item.case.clause.stored))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Tells the harness that every case was judged, and where the time went; not so when one was interrupted or broke."""
    if _ENGINE in session.config.stash and exitstatus in _FINISHED:
        _tell(session.config, {"done": vars(session.config.stash[_ENGINE].clock)})


class CaseItem(pytest.Item):
    """One case; it passes or is declined, or fails with its witness."""

    def __init__(self, *, case: Case, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.case = case

    def runtest(self) -> None:
        """Examines the case; sends the record to the harness, or fails when there is none.

        Asked to end, it still sends what is known of the case: only while programs are run can it be interrupted.
        """
        engine, option = self.config.stash[_ENGINE], self.config.getoption
        interruption = self.config.stash[_INTERRUPTION]
        expected = self.config.stash[_EXPECTED].get(self.case.id)
        effort = Effort(
            option("--profile"),
            option("--seed"),
            _share(self.session),
            self._tell_progress,
            option("--index"),
            interruption.free,
            option("--expectations"),
        )
        with interruption.held():
            try:
                record = examine(self.case, engine, effort, expected)
            except Interrupted as asked:
                _tell(self.config, {"case": asked.record})
                raise
            told = _tell(self.config, {"case": record})
        wanted = (record["expectation"]["verdict"],) if record["expectation"] else _QUIET
        if not told and record["verdict"] not in wanted:
            pytest.fail("\n".join(_lines(record)), pytrace=False)

    def _tell_progress(self, programs: int, seconds: float) -> None:
        note = f"{programs} programs in {seconds:.0f} s"
        _tell(self.config, {"progress": {"case": self.case.id, "note": note}})

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where pytest says the case is."""
        return self.path, None, self.case.id


def _share(session: pytest.Session) -> float | None:
    """The seconds that each case of random programs is given, when there is a budget."""
    budget = session.config.getoption("--budget")
    sharing = sum(1 for item in session.items if isinstance(item, CaseItem) and item.case.clause.writer)
    return budget / sharing if budget and sharing else None


def _lines(record: dict[str, Any]) -> Iterator[str]:
    yield f"{record['verdict'].upper()}  {record['case']}: {record['message']}"
    for key in ("why", "expected", "got", "script"):
        if record.get(key):
            yield f"{key}: {record[key]}"


def _tell(config: pytest.Config, message: dict[str, Any]) -> bool:
    """Sends a message to the harness; False when nobody listens."""
    descriptor = config.getoption("--records")
    if descriptor is None:
        return False
    data = (json.dumps(message) + "\n").encode("ascii")
    while data:
        data = data[os.write(descriptor, data) :]
    return True
