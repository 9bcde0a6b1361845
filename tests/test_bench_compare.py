"""Comparing times: sides take turns, counts need no timing, and the command with real processes."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from conformance import cli
from conformance.adapter import Adapter, load
from conformance.bench import compare
from conformance.bench.children import Plan
from conformance.bench.compare import Comparison, Process, Side
from conformance.bench.decision import MOST
from conformance.bench.workloads import selected
from conformance.commands.options import processors
from conformance.errors import EngineError, NothingSelected
from tests.fakes.command import Terminal, within
from tests.timing_study import Outcome, slowed, summary

_QUICK: Final = ("--sizes", "1", "--seconds", "0.01")


# --- the comparison


class Machine:
    """Processes that measure what a test says."""

    def __init__(self, **sides: Process) -> None:
        self.sides = sides
        self.started: list[str] = []
        self.processors: set[int] = set()
        self.interrupt_at = 0

    def measured(self, side: Side, plan: Plan) -> Process:
        """What the next process of a side measures."""
        if self.interrupt_at and len(self.started) == self.interrupt_at:
            raise KeyboardInterrupt
        self.started.append(side.role)
        self.processors.add(processors())
        return self.sides[side.role]


def comparison(monkeypatch: pytest.MonkeyPatch, machine: Machine, base: str = "kernels") -> Comparison:
    """A comparison whose processes are the machine's."""
    monkeypatch.setattr(compare, "_measured", machine.measured)
    plan = Plan(selected(["dot", "mean"]), (1,), 0.01, 20)
    sides = [Side(role, load(name), sys.executable) for role, name in (("base", base), ("head", "kernels"))]
    return Comparison(sides[0], sides[1], plan)


DOT, MEAN = ("dot", 1), ("mean", 1)
BASE = Process({DOT: 1.0, MEAN: 1.0}, {DOT: {"nodes": 2}, MEAN: {"nodes": 3}})


def test_sides_take_turns_and_the_first_is_not_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A B B A A B: what drifts adds to both. No difference ends after the fewest."""
    machine, told = Machine(base=BASE, head=BASE), list[str]()
    found = comparison(monkeypatch, machine)
    found.run(told.append)
    assert machine.started == ["base", "head", "head", "base", "base", "head"]
    assert not found.failures()
    assert told[-1] == "pair 3 of 3 to 10: 1.000 by the least, 1.000 by the median"
    assert found.remarks() == ["nodes: the same in 2 of 2 workloads"]


@pytest.mark.skipif(processors() == 1 or not hasattr(os, "sched_setaffinity"), reason="there is nothing to choose from")
def test_all_processes_share_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither side has a quieter one; afterwards we have all of ours again."""
    machine, ours = Machine(base=BASE, head=BASE), processors()
    comparison(monkeypatch, machine).run(lambda line: None)
    assert machine.processors == {1}
    assert processors() == ours


def test_near_the_threshold_there_are_ten_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(base=BASE, head=Process({DOT: 1.06, MEAN: 1.06}))
    found = comparison(monkeypatch, machine)
    found.run(lambda line: None)
    assert (machine.started.count("base"), machine.started.count("head")) == (MOST, MOST)
    assert found.failures() == ["slower: all workloads together (1.060 by the least, 1.060 by the median)"]
    rows = [line.split() for line in found.table().splitlines()]
    assert rows[1] == ["dot", "1", "1.00", "s", "1.06", "s", "1.060", "1.060", "undecided"]
    assert rows[-1] == ["all", "together", "1.060", "1.060", "slower", "by", "6.0", "%"]


def test_more_of_what_is_counted_needs_no_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node more is a failure at equal times, a node less a remark; `times_only` makes both remarks."""
    head = Process(BASE.minima, {DOT: {"nodes": 3}, MEAN: {"nodes": 2}})
    found = comparison(monkeypatch, Machine(base=BASE, head=head))
    found.run(lambda line: None)
    assert found.failures() == ["more: dot 1, nodes 2 → 3"]
    assert not found.failures(times_only=True)
    assert found.remarks() == ["dot 1: nodes 2 → 3", "mean 1: nodes 3 → 2", "nodes: the same in 0 of 2 workloads"]


def test_counts_of_different_engines_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Process(BASE.minima, {DOT: {"nodes": 3}})
    found = comparison(monkeypatch, Machine(base=BASE, head=head), base="reference")
    found.run(lambda line: None)
    assert not found.failures()
    assert found.remarks() == ["no counts that could be compared"]


def test_counts_that_vary_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose count is not the same in each process is not blamed for it."""
    found = comparison(monkeypatch, Machine(base=BASE, head=BASE))
    found.run(lambda line: None)
    found.head.processes[1] = Process(BASE.minima, {DOT: {"nodes": 9}, MEAN: {"nodes": 3}})
    assert not found.failures()
    assert found.remarks() == ["nodes: the same in 1 of 2 workloads, varying in 1"]


def test_an_engine_that_cannot_count_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is said once for each side, and is no failure."""
    mute = Process(BASE.minima, uncounted=["TypeError: no", "TypeError: no"])
    found = comparison(monkeypatch, Machine(base=BASE, head=mute))
    found.run(lambda line: None)
    assert not found.failures()
    assert found.remarks() == ["not counted: TypeError: no (head)", "nodes: the same in 0 of 2 workloads"]


def test_a_workload_that_the_head_lost_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """What neither has is a remark, what the base alone has is lost."""
    head = Process({DOT: 1.0}, reasons={MEAN: "error: ValueError: no"})
    found = comparison(monkeypatch, Machine(base=BASE, head=head))
    found.run(lambda line: None)
    assert found.failures() == ["lost: mean 1, error: ValueError: no"]
    assert "mean 1: error: ValueError: no (head)" in found.remarks()


def test_what_neither_side_measures_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Process({DOT: 1.0}, reasons={MEAN: "declined: mean"})
    found = comparison(monkeypatch, Machine(base=one, head=one))
    found.run(lambda line: None)
    assert not found.failures()
    assert "mean 1: declined: mean (base and head)" in found.remarks()


def test_nothing_in_common_ends_after_one_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(base=Process({DOT: 1.0}), head=Process({MEAN: 1.0}))
    with pytest.raises(NothingSelected, match="no workload that both sides measure"):
        comparison(monkeypatch, machine).run(lambda line: None)
    assert len(machine.started) == 2


def test_an_interrupt_keeps_the_pairs_that_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """After three processes there is one pair; the third waits for a partner that does not come."""
    machine = Machine(base=BASE, head=BASE)
    machine.interrupt_at = 3
    found = comparison(monkeypatch, machine)
    with pytest.raises(KeyboardInterrupt):
        found.run(lambda line: None)
    assert found.pairs == 1
    assert found.minima[DOT] == ([1.0], [1.0])
    assert not found.failures()


def test_an_error_names_the_side(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(selected(["dot"]), (1,), 0.01, 20)

    def measure(*_: object) -> None:
        raise EngineError("kernels did not load")

    monkeypatch.setattr("conformance.bench.children.measure", measure)
    engine = load("kernels")
    with pytest.raises(EngineError, match=r"^base: kernels did not load$"):
        Comparison(Side("base", engine, ""), Side("head", engine, ""), plan).run(lambda line: None)


# --- one process


def process(adapter: Adapter) -> Process:
    """What a process measures of `dot` by CPU time, with counts."""
    pytest.importorskip("pytest_benchmark", reason="the extra `bench` is not installed")
    plan = Plan(selected(["dot"]), (1,), 0.01, 20, compare.CLOCKS["cpu"], counts=True)
    return compare._measured(Side("base", adapter, sys.executable), plan)


@pytest.mark.parametrize(("engine", "saved"), [("kernels", 3), ("reference", 3), ("torch", 2)])
def test_engines_count_what_a_call_costs(engine: str, saved: int) -> None:
    """2·x.dot(x) has two nodes in each; torch alone saves nothing for a number. Forward and VJPs are at least four kernels."""
    if not load(engine).installed():
        pytest.skip(f"{engine} is not installed")
    counts = process(load(engine)).counts[DOT]
    assert counts["nodes"] == 2
    assert counts["saved values"] == saved
    assert ("kernel calls" in counts) == (engine != "reference")
    assert counts.get("kernel calls", 4) >= 4


def test_sleep_takes_no_cpu_time_and_a_patch_may_count() -> None:
    """An engine that sleeps in each call is not slower by the CPU clock; what its prelude calls `counting` counts."""
    found = process(
        load("kernels").patched(
            "import contextlib, time\n"
            "_dot = kernels.Tensor.dot\n"
            "kernels.Tensor.dot = lambda *operands: (time.sleep(0.02), _dot(*operands))[1]\n"
            "counting = lambda: contextlib.nullcontext({'mine': 7})\n"
        )
    )
    assert 0 < found.minima[DOT] < 0.01
    assert found.counts == {DOT: {"mine": 7}}
    assert not found.uncounted


def test_counting_that_fails_loses_no_time() -> None:
    """The reason is kept beside the time."""
    found = process(load("kernels").patched("counting = lambda: 1 / 0"))
    assert found.minima.keys() == {DOT}
    assert list(found.uncounted) == ["ZeroDivisionError: division by zero"]


def test_the_studys_slow_down_is_what_it_says() -> None:
    """A round that waits for its own time takes about twice as long as one that waits for nothing."""
    none, twice = (process(slowed(load("kernels"), percent, "process_time")).minima[DOT] for percent in (0, 100))
    assert 1.5 < twice / none < 3


# --- the study


@pytest.mark.parametrize(
    ("alarms", "found", "good"), [(0, 20, True), (1, 18, True), (2, 20, False), (0, 17, False)], ids=str
)
def test_the_study_says_whether_it_errs_too_often(alarms: int, found: int, good: bool) -> None:
    same = [Outcome(False, n < alarms, 3, 9.0, "") for n in range(40)]
    slow = [Outcome(True, n < found, 4, 9.0, "") for n in range(20)]
    text, said = summary([*same, *slow], 10)
    assert said is good
    assert f"{alarms} false alarms in 40" in text
    assert f"10 % slower: {found} found in 20" in text


# --- the command


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    pytest.importorskip("pytest_benchmark", reason="the extra `bench` is not installed")
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def patch(terminal: Terminal, text: str) -> str:
    """An engine with that patch."""
    (terminal.folder / "patch.py").write_text(text, encoding="utf-8")
    return "kernels,patch=patch.py"


def test_kernels_that_run_nine_times_are_found_by_the_command(terminal: Terminal) -> None:
    """HEAD is slower, it counts more, and the exit code is 1."""
    engine = patch(
        terminal,
        "from implementations.kernels import graph as _graph\n"
        "_compute = _graph.compute\n"
        "def _again(*operands, **params):\n"
        "    for _ in range(8): _compute(*operands, **params)\n"
        "    return _compute(*operands, **params)\n"
        "_graph.compute = _again\n",
    )
    done = terminal.run("bench", "compare", "kernels", engine, "--select", "[df]*", *_QUICK)
    assert done.returncode == 1, done.stderr
    assert re.search(r"^all together .* slower by \d+\.\d %$", done.stdout, re.MULTILINE)
    assert re.search(r"^slower: all workloads together ", done.stdout, re.MULTILINE)
    assert re.search(r"^more: dot 1, kernel calls (\d+) → \d+$", done.stdout, re.MULTILINE)
    assert "nodes 2 →" not in done.stdout
    assert "3 processes of each side in turn, cpu time" in done.stdout
    assert "pair 3 of 3 to 10: " in done.stderr
    assert within(5, lambda: not terminal.processes())


def test_an_interrupt_shows_what_was_measured(terminal: Terminal) -> None:
    """Ctrl-C in the head's second process shows the first pair, leaves no process and ends with 6."""
    engine = patch(
        terminal,
        "import pathlib, time\n"
        "_seen = pathlib.Path('seen')\n"
        "if _seen.exists():\n"
        "    pathlib.Path('sleeps').touch()\n"
        "    time.sleep(600)\n"
        "_seen.touch()\n",
    )
    with terminal.start("bench", "compare", "kernels", engine, "--select", "dot", *_QUICK) as bench:
        assert within(60, (terminal.folder / "sleeps").exists)
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=60)
    assert bench.returncode == 6, err
    assert "1 processes of each side" in out
    assert re.search(r"^dot +1 +\d", out, re.MULTILINE)
    assert "interrupted" in err
    assert within(5, lambda: not terminal.processes())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["kernels"], 2, "the following arguments are required: HEAD"),
        (["kernels", "nobody"], 2, "there is no engine 'nobody'"),
        (["kernels", "kernels", "--percent", "0"], 2, "'0' is no percentage"),
        (
            ["kernels", "kernels", "--python-head", "/nowhere"],
            2,
            "--python-head /nowhere: there is no such interpreter",
        ),
        (["kernels", "tfjs"], 2, "tfjs: an agent of another language; only Python's engines are timed"),
        (["kernels", "kernels", "--select", "nothing"], 5, "no workload matches nothing"),
    ],
)
def test_a_mistake_is_said_before_anything_is_timed(
    terminal: Terminal, arguments: list[str], code: int, said: str
) -> None:
    """The last line says it; no process of either side was started."""
    done = terminal.run("bench", "compare", *arguments)
    assert done.returncode == code
    assert said in done.stderr.splitlines()[-1]
    assert "base 1: " not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("before", "named"),
    [
        (["--sizes", "7"], "--sizes"),
        (["--seconds", "0.5"], "--seconds"),  # the default of `bench`, and not that of `compare`
        (["--select", "nothing", "--engine", "nobody"], "--engine and --select"),
        (["--suite"], "--suite"),
    ],
)
def test_an_option_before_compare_is_refused(before: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It would be read by nobody; behind `compare` stand its own."""
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["bench", *before, "compare", "kernels", "kernels"])
    assert f"{named} before compare: its options stand behind it" in capsys.readouterr().err
