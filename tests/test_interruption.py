"""An interrupted run: nothing recorded is lost, nothing started is left, and nobody sees a traceback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from conformance.clause import specification
from conformance.journal import read_journal
from tests.fakes.command import Terminal, within
from tests.fakes.engines import FAKES, Fake

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are looked for in /proc")

Kill = Callable[[subprocess.Popen[str]], None]

# The cases that come before the one that hangs, and that one.
_CASES: Final = ("accumulation/*", "operators/value_and_gradient[exp,float64]")
_SELECTED: Final = [f"--select={case}" for case in _CASES]
BEFORE: Final = sum(case.selected(_CASES[:1]) for clause in specification().values() for case in clause.cases())


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def _to_process(number: signal.Signals) -> Kill:
    return lambda process: process.send_signal(number)


def _to_group(number: signal.Signals) -> Kill:
    return lambda process: os.killpg(process.pid, number)


POLITE: Final = {
    "ctrl_c_to_the_process": _to_process(signal.SIGINT),
    "ctrl_c_in_a_terminal": _to_group(signal.SIGINT),
    "terminate": _to_process(signal.SIGTERM),
    "terminate_the_group": _to_group(signal.SIGTERM),
}


@contextmanager
def _hanging(terminal: Terminal, name: str = "hangs_in_c") -> Iterator[subprocess.Popen[str]]:
    """A run whose engine hangs, after the first chapter was recorded."""
    fake = next(fake for fake in FAKES if fake.name == name).write(terminal.folder)
    with _started(terminal, "--engine", fake.name, *_SELECTED, "--timeout", "600", "--jobs", "1") as run:
        assert within(60, (terminal.folder / "hangs").exists)
        assert _recorded(terminal.folder / "out" / f"{name}.jsonl") == BEFORE
        assert len(terminal.processes()) == 3  # the harness, a child, the agent
        yield run


@contextmanager
def _started(terminal: Terminal, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has recorded something."""
    with terminal.start("run", *options, "--out", "out") as run:
        try:
            assert within(60, lambda: any(_recorded(path) for path in terminal.folder.glob("out/*.jsonl")))
            yield run
        finally:
            run.kill()


def _recorded(journal: Path) -> int:
    return journal.read_text(encoding="ascii").count('"record":"case"') if journal.exists() else 0


@pytest.mark.parametrize("way", POLITE)
def test_a_polite_end_reports_what_was_recorded(way: str, terminal: Terminal) -> None:
    """After Ctrl-C or SIGTERM the run shows what was recorded, writes page and JUnit, and ends with 6."""
    with _hanging(terminal) as run:
        POLITE[way](run)
        output, errors = run.communicate(timeout=30)
    assert run.returncode == 6, errors
    assert "Traceback" not in output + errors
    assert re.search(rf"accumulation  \d+/{BEFORE}\n", output)
    assert "incomplete" in output
    assert f"autograd-conformance: interrupted after {BEFORE} cases" in errors.splitlines()
    page = (terminal.folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "hangs_in_c" in page
    assert "incomplete" in page
    junit = ElementTree.parse(terminal.folder / "out" / "junit.xml")
    assert len(list(junit.iter("testcase"))) >= BEFORE
    assert within(5, lambda: not terminal.processes())


@pytest.mark.parametrize("way", POLITE)
def test_a_polite_end_of_a_run_that_is_busy(way: str, terminal: Terminal) -> None:
    """A busy run is ended as politely: its records are whole lines, and two children leave nothing."""
    with _started(terminal, "--engine", "reference", "--profile", "deep", "--jobs", "2") as run:
        POLITE[way](run)
        output, errors = run.communicate(timeout=30)
    assert run.returncode == 6, errors
    assert "Traceback" not in output + errors
    journal = read_journal(terminal.folder / "out" / "reference.jsonl")
    assert journal.cases
    assert not journal.complete
    assert (terminal.folder / "out" / "report.html").exists()
    assert within(5, lambda: not terminal.processes())


def test_an_interruption_before_the_first_record(terminal: Terminal) -> None:
    """Ctrl-C while an engine is being imported ends the run with 6 and one sentence; no journal was begun."""
    slow = Fake("slow", "import time\ntime.sleep(600)", "", 4).write(terminal.folder)
    with terminal.start("run", "--engine", slow.name, "--jobs", "1", "--out", "out") as run:
        assert within(60, lambda: len(terminal.processes()) == 3)
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=30)
    assert run.returncode == 6
    assert output == ""
    assert errors == "autograd-conformance: interrupted after 0 cases\n"
    assert within(5, lambda: not terminal.processes())


def test_kill_9_while_an_engine_hangs(terminal: Terminal) -> None:
    """When the harness is killed, an engine that hangs inside C ends too; the journal is incomplete."""
    with _hanging(terminal) as run:
        run.kill()
        run.wait(timeout=10)
        assert within(5, lambda: not terminal.processes()), terminal.processes()
    _assert_incomplete(terminal, terminal.folder / "out" / "hangs_in_c.jsonl")


def test_kill_9_while_the_run_is_busy(terminal: Terminal) -> None:
    """When the harness is killed while it runs, its processes end, and what was recorded can be read."""
    with _started(terminal, "--engine", "reference", "--profile", "deep", "--jobs", "2") as run:
        run.kill()
        run.wait(timeout=10)
        assert within(5, lambda: not terminal.processes()), terminal.processes()
    _assert_incomplete(terminal, terminal.folder / "out" / "reference.jsonl")


def test_kill_9_of_a_harness_with_a_foreign_agent(terminal: Terminal) -> None:
    """A foreign agent that hangs ends with the harness as well, although it does not watch for that."""
    with _hanging(terminal, "answers_nothing") as run:
        run.kill()
        run.wait(timeout=10)
        assert within(5, lambda: not terminal.processes()), terminal.processes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 2)])
def test_a_judging_process_that_is_ended(number: signal.Signals, code: int, terminal: Terminal) -> None:
    """When a child of the harness is killed or interrupted, the run says so in a sentence and ends with 3."""
    with _hanging(terminal) as run:
        os.kill(_child(run.pid), number)
        output, errors = run.communicate(timeout=30)
    sentences = [line for line in errors.splitlines() if line.startswith("autograd-conformance: ")]
    assert run.returncode == 3
    assert len(sentences) == 1
    assert f"the judging process ended with code {code} before its last case" in sentences[0]
    assert re.search(rf"accumulation  \d+/{BEFORE}\n", output)
    assert not read_journal(terminal.folder / "out" / "hangs_in_c.jsonl").complete
    assert within(5, lambda: not terminal.processes())


def _child(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    assert len(children) == 1
    return int(children[0])


def _assert_incomplete(terminal: Terminal, journal: Path) -> None:
    done = terminal.run("report", journal)
    assert done.returncode == 6
    assert "incomplete" in done.stdout
    assert "Traceback" not in done.stderr
    assert _recorded(journal) >= 1
