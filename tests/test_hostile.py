"""Hostile engines: whatever one does, its cases get the right verdict, and every other case keeps its own."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from conformance import cli, execution
from conformance.adapter import load
from conformance.clause import specification
from conformance.errors import EngineError
from conformance.examination import Effort, examine
from conformance.journal import read_journal
from tests.fakes.command import Terminal, within
from tests.fakes.engines import FAKES, UNLOADABLE, Fake

CASES: Final = (
    "operators/value_and_gradient[exp,float64]",
    "operators/value_and_gradient[sin,float64]",
    "operators/value_and_gradient[add,float64]",
    "printed_text/a_tensor_shows_its_history[float64]",
    "zeroing/none_forgets[float64]",
)
_SELECTED: Final = [f"--select={case}" for case in CASES]
_LONGEST_RECORD: Final = 20_000
# Another agent's process, which does not say itself that it may be ended first.
_FOREIGN: Final = "from conformance.agent import __main__ as agent; agent.die_first = lambda: None; agent.main()"

each_fake = pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)
Record = Mapping[str, Any]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    opened = Terminal(tmp_path_factory.mktemp("hostile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def everything(terminal: Terminal) -> Path:
    """The folder of one run over every fake; it also shows that they do not disturb each other."""
    engines = [f"--engine={fake.write(terminal.folder).name}" for fake in FAKES]
    done = terminal.run("run", *engines, *_SELECTED, "--timeout", "1", "--out", "out", "--jobs", "2")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    return terminal.folder / "out"


@pytest.fixture
def records(everything: Path, fake: Fake) -> dict[str, Record]:
    """The fake's records by case; its journal is complete."""
    journal = read_journal(everything / f"{fake.name}.jsonl")
    assert journal.complete
    return {record["case"]: record for record in journal.cases}


@each_fake
def test_the_verdict_is_about_the_case(fake: Fake, records: dict[str, Record]) -> None:
    """The case that meets the misbehaviour gets its verdict, and says what happened."""
    record = records[fake.case]
    assert record["verdict"] == fake.verdict, record
    assert re.search(fake.message, record["message"]) or fake.message in record["message"]
    assert re.search(fake.got, record.get("got", ""))


@each_fake
def test_every_other_case_passes(fake: Fake, records: dict[str, Record]) -> None:
    """No case pays for another: all are recorded, and those that do not meet the misbehaviour pass."""
    assert set(records) == set(CASES)
    assert {name: it["verdict"] for name, it in records.items() if name != fake.case} == {
        name: "pass" for name in CASES if name != fake.case
    }


@pytest.mark.parametrize("fake", [fake for fake in FAKES if fake.verb], ids=lambda fake: fake.name)
def test_the_instruction_is_named(fake: Fake, records: dict[str, Record]) -> None:
    """A lost process and an exception are laid at one instruction's door: the last of the witness."""
    record = records[fake.case]
    instructions = record["witness"]["instructions"]
    assert (instructions[-1]["verb"], instructions[-1]["index"]) == (fake.verb, record["at"])
    if record["verdict"] != "error" or "protocol" in record["message"]:
        assert record["message"].endswith(f", in {fake.verb}")


@each_fake
def test_the_gate_decides(fake: Fake, everything: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is that of the verdict, and the gate names the one case, on one line."""
    code = cli.main(["gate", str(everything / f"{fake.name}.jsonl")])
    printed = [line for line in capsys.readouterr().out.splitlines() if "cases were selected" not in line]
    assert code == fake.exit_code
    assert [line[: line.index("]") + 1] for line in printed[:-1]] == (
        [f"{fake.name}: {fake.verdict} {fake.case}"] if code else []
    )


@each_fake
def test_the_reports_hold_it(fake: Fake, everything: Path, tmp_path: Path) -> None:
    """Whatever an engine said, the page is UTF-8 and escaped, and JUnit is XML with every case."""
    journal, page, junit = everything / f"{fake.name}.jsonl", tmp_path / "page.html", tmp_path / "junit.xml"
    assert cli.main(["report", str(journal), f"--html={page}", f"--junit={junit}"]) == fake.exit_code
    text = page.read_bytes().decode("utf-8")
    assert "<script>alert" not in text
    assert ("&lt;script&gt;alert" in text) == fake.name.endswith("markup")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\x9f\u2028]", text)
    suite = ElementTree.fromstring(junit.read_bytes())
    assert len(list(suite.iter("testcase"))) == len(CASES)


@each_fake
def test_the_terminal_is_safe(fake: Fake, everything: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What an engine said cannot command the reader's terminal: no control character is shown raw."""
    assert cli.main(["report", str(everything / f"{fake.name}.jsonl")]) == fake.exit_code
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", capsys.readouterr().out)


@each_fake
def test_nothing_grows_without_bound(fake: Fake, everything: Path) -> None:
    """Ten megabytes of an engine's text become a few thousand characters, which say how much there was."""
    lines = (everything / f"{fake.name}.jsonl").read_bytes().splitlines()
    assert max(len(line) for line in lines[1:]) < _LONGEST_RECORD


def test_the_run_reports_all_of_them(everything: Path) -> None:
    """One page and one JUnit file cover every engine of the run."""
    page = (everything / "report.html").read_bytes().decode("utf-8")
    suite = ElementTree.fromstring((everything / "junit.xml").read_bytes())
    assert all(fake.name in page for fake in FAKES)
    assert len(list(suite.iter("testcase"))) == len(FAKES) * len(CASES)


def test_no_process_is_left(terminal: Terminal, everything: Path) -> None:
    """Hung engines, their threads and what they started end with the run."""
    assert everything.exists()
    assert within(5, lambda: not terminal.processes()), terminal.processes()


# --- engines that do not load


@pytest.fixture(scope="module")
def unloadable(terminal: Terminal) -> Iterator[list[str]]:
    """What a run over every engine that does not load says, by line."""
    folder = terminal.folder
    for name, (patch, _) in UNLOADABLE.items():
        Fake(name, patch, "", 4).write(folder)
    engines = [f"--engine={name}.py" for name in UNLOADABLE]
    done = terminal.run("run", *engines, *_SELECTED, "--out", "unloadable", "--jobs", "12")
    assert done.returncode == 4
    yield done.stderr.split("\n")
    assert not list(folder.glob("unloadable/*.jsonl"))


@pytest.mark.parametrize("name", UNLOADABLE)
def test_an_engine_that_does_not_load_is_one_sentence(name: str, unloadable: list[str]) -> None:
    """An engine that does not load is refused in one line of visible characters, with exit code 4."""
    found = [line for line in unloadable if line.startswith(f"autograd-conformance: {name} did not load: ")]
    assert len(found) == 1
    assert re.search(UNLOADABLE[name][1], found[0])
    assert found[0].isprintable()


def test_every_line_is_about_an_engine(unloadable: list[str]) -> None:
    """Nothing else is said: no traceback, and no sentence twice."""
    assert len([line for line in unloadable if line]) == len(UNLOADABLE)


def test_an_engine_that_loads_beside_them_is_judged(terminal: Terminal) -> None:
    """An engine that does not load ends the run with 4, and takes nothing from those that do."""
    broken = Fake("broken", "raise ImportError", "", 4).write(terminal.folder).name
    done = terminal.run("run", "--engine", "reference", "--engine", broken, *_SELECTED, "--out", "beside")
    journal = read_journal(terminal.folder / "beside" / "reference.jsonl")
    assert done.returncode == 4
    assert journal.complete
    assert len(journal.cases) == len(CASES)


def test_an_engine_that_starts_only_once(terminal: Terminal) -> None:
    """When a lost engine does not start again, its cases are crashes that say why; none is missing."""
    patch = """
import os
os.close(os.open(os.path.join(os.environ["FAKES_FOLDER"], "started"), os.O_CREAT | os.O_EXCL))
from implementations.reference import core
core.Tensor.exp = lambda self: os._exit(1)
"""
    adapter = Fake("starts_once", patch, "crash", 1).write(terminal.folder).name
    done = terminal.run("run", "--engine", adapter, *_SELECTED, "--out", "once", "--jobs", "1")
    journal = read_journal(terminal.folder / "once" / "starts_once.jsonl")
    after = [record for record in journal.cases if record["verdict"] != "pass"]
    assert done.returncode == 1
    assert journal.complete
    assert len(journal.cases) == len(CASES)
    assert {record["verdict"] for record in after} == {"crash"}
    assert all("FileExistsError" in record["message"] for record in after)


_GREETINGS: Final = {
    "other_protocol": ('print(\'{"ready": {"protocol": 99}}\', flush=True)', "does not speak protocol 1"),
    "no_object": ("print('[]', flush=True)", "a message that is no object"),
    "odd_refusal": ("print('{\"refused\": 1}', flush=True)", "does not speak protocol 1"),
    "no_json": ("print('hello', flush=True)", "a line that is not JSON"),
    "half_a_line": ("print('{\"ready\": ', end='', flush=True)", "exited with code 0"),
    "nothing": ("import time; time.sleep(1000)", "did not answer"),
}


@pytest.mark.parametrize("greeting", _GREETINGS)
def test_an_agent_that_greets_wrongly_is_refused(
    greeting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent whose first line is not the handshake did not load: EngineError says what it sent instead."""
    code, sentence = _GREETINGS[greeting]
    monkeypatch.setattr(execution, "LOAD_SECONDS", 1.0 if greeting == "nothing" else 20.0)
    path = tmp_path / "foreign.py"
    path.write_text(
        "from dataclasses import replace\nfrom implementations.reference_eager import ADAPTER as REFERENCE\n"
        f"ADAPTER = replace(REFERENCE, name='foreign', command={(sys.executable, '-c', code)!r})\n",
        encoding="utf-8",
    )
    with pytest.raises(EngineError, match=sentence):
        execution.Engine(load(str(path)))


def test_an_agent_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """An adapter whose agent cannot be started did not load: the sentence names the command."""
    path = tmp_path / "foreign.py"
    path.write_text(
        "from dataclasses import replace\nfrom implementations.reference_eager import ADAPTER as REFERENCE\n"
        "ADAPTER = replace(REFERENCE, name='foreign', command=('/nowhere/agent',))\n",
        encoding="utf-8",
    )
    with pytest.raises(EngineError, match="foreign: cannot start /nowhere/agent: there is no such program"):
        execution.Engine(load(str(path)))


@pytest.mark.skipif(sys.platform != "linux", reason="the order in which processes are ended is Linux's")
@pytest.mark.parametrize(
    "command", [(), (sys.executable, "-c", _FOREIGN)], ids=["our agent", "an agent that does not ask"]
)
def test_an_engine_that_uses_up_the_memory_ends_first(command: tuple[str, ...]) -> None:
    """Linux would end the engine before anything else, and us as likely as before."""
    score = "open('/proc/self/oom_score_adj').read().strip()"
    before = Path("/proc/self/oom_score_adj").read_text(encoding="ascii")
    with execution.Engine(replace(load("reference"), version=score, command=command)) as engine:
        assert engine.ready["version"] == "1000"
    assert Path("/proc/self/oom_score_adj").read_text(encoding="ascii") == before


def test_a_fault_of_the_suite_is_an_error_of_one_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the harness itself breaks over a case, the verdict is `error` and says where: no case is lost."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("by our own hand")

    (case, *_) = specification()["zeroing/none_forgets"].cases()
    with execution.Engine(load("reference")) as engine:
        monkeypatch.setattr(engine, "run", broken)
        record = examine(case, engine, Effort("quick", 0))
    assert record["verdict"] == "error"
    assert "the suite broke: ZeroDivisionError: by our own hand, at broken in " in record["message"]


def test_records_are_ascii_json(everything: Path) -> None:
    """A journal is plain ASCII, one JSON object a line, whatever an engine's text was."""
    for path in everything.glob("*.jsonl"):
        for line in path.read_bytes().decode("ascii").splitlines():
            assert isinstance(json.loads(line), dict)
