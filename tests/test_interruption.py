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
from conformance.interruption import Interruption
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


# A backward that tells how often it was called.
_COUNTED: Final = """
def counted(*arguments, right=reference.Tensor.backward, **options):
    with open({path!r}, "a") as calls:
        calls.write(".")
    {then}
reference.Tensor.backward = counted
"""


def _counted(terminal: Terminal, then: str) -> Callable[[], int]:
    """Writes the patch `counted.py`; what it gives says how often backward was called."""
    path = terminal.folder / "calls"
    (terminal.folder / "counted.py").write_text(_COUNTED.format(path=str(path), then=then), encoding="utf-8")
    return lambda: path.stat().st_size if path.exists() else 0


@pytest.mark.parametrize("way", ["ctrl_c_in_a_terminal", "terminate"])
def test_a_polite_end_of_a_case_that_is_given_a_time(way: str, terminal: Terminal) -> None:
    """Random programs that were asked for hours are not lost: their case is recorded, as if its time had ended then."""
    case, calls = "programs/protocol[accumulation,float64]", _counted(terminal, "return right(*arguments, **options)")
    options = ("--engine", "reference,patch=counted.py", "--select", case, "--profile", "deep", "--jobs", "1")
    with terminal.start("run", *options, "--out", "out") as run:
        assert within(60, lambda: calls() > 100)
        POLITE[way](run)
        output, errors = run.communicate(timeout=30)
    assert run.returncode == 6, errors
    assert "Traceback" not in output + errors
    journal = read_journal(terminal.folder / "out" / "reference.jsonl")
    (record,) = journal.cases
    assert (record["case"], record["verdict"], record["interrupted"]) == (case, "pass", True)
    assert record["programs"] > 10
    assert record["compared"] > record["programs"]
    assert not journal.complete
    assert within(5, lambda: not terminal.processes())


@pytest.mark.parametrize("way", ["ctrl_c_in_a_terminal", "terminate"])
def test_a_failure_that_was_found_is_not_lost(way: str, terminal: Terminal) -> None:
    """A failure whose witness is still being made smaller is recorded with the witness so far, and can be replayed."""
    case, calls = "programs/protocol[accumulation,float64]", _counted(terminal, "while True: pass")
    engine = ("--engine", "reference,patch=counted.py", "--timeout", "1")
    with terminal.start("run", *engine, "--select", case, "--jobs", "1", "--out", "out") as run:
        # Each program is run twice: before all others the one that any engine must run, then that which fails, then smaller ones.
        assert within(60, lambda: calls() > 4)
        POLITE[way](run)
        output, errors = run.communicate(timeout=30)
    assert run.returncode == 6, errors
    assert "Traceback" not in output + errors
    assert "TIMEOUT  programs/protocol" in output
    (record,) = read_journal(terminal.folder / "out" / "reference.jsonl").cases
    assert (record["case"], record["verdict"], record["interrupted"]) == (case, "timeout", True)
    again = terminal.run("replay", record["saved"], *engine)
    assert again.stdout.startswith("timeout: no answer within 1 s, in backward\n")
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


# --- what interrupts, and what does not


def test_a_held_block_is_not_interrupted() -> None:
    """What must not be lost is finished first, whatever comes; then KeyboardInterrupt."""
    interruption, finished = Interruption(), []

    def held() -> None:
        with interruption.noticed(), interruption.held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        held()
    assert finished
    assert interruption.asked == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_free_part_is_interrupted_once(number: signal.Signals) -> None:
    """The first request ends what is free; the second does not disturb what then follows."""
    interruption, done = Interruption(), []

    def explored() -> None:
        with interruption.noticed(), interruption.held():
            try:
                with interruption.free():
                    signal.raise_signal(number)
                    done.append("the rest")
            except KeyboardInterrupt:
                signal.raise_signal(number)
                done.append("a record")

    with pytest.raises(KeyboardInterrupt):
        explored()
    assert done == ["a record"]


def test_a_request_before_a_free_part_ends_it() -> None:
    """What was asked for while nothing could be interrupted comes as soon as something can."""
    interruption, done = Interruption(), []

    def explored() -> None:
        with interruption.noticed(), interruption.held():
            signal.raise_signal(signal.SIGINT)
            with interruption.free():
                done.append(True)

    with pytest.raises(KeyboardInterrupt):
        explored()
    assert not done


def test_handlers_are_given_back() -> None:
    """After the block Ctrl-C is what it was."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruption().noticed():
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
