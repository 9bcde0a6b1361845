"""Timing: what is timed is the engine's own code and nothing else, what is not measured says why, ratios and charts are right."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

import conformance.agent.interpreter
import conformance.agent.text
from conformance import cli
from conformance.adapter import load
from conformance.bench import SIZES
from conformance.bench.results import Measurement, Results, duration, read_folder
from conformance.bench.workloads import WORKLOADS, Workload, elements
from conformance.errors import UsageError
from conformance.execution import Engine
from conformance.judge import Finding, judge
from reports import charts
from reports.html import render
from tests.example_journals import showcase
from tests.fakes.command import ROOT, Terminal, within

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest_plugins = ["tests.example_browser"]

_QUICK: Final = ("--seconds", "0.01", "--out", "bench")
_NAP: Final = 0.02


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    pytest.importorskip("pytest_benchmark", reason="the extra `bench` is not installed")
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def fake(terminal: Terminal, patch: str = "", **spellings: str | None) -> str:
    """The file of the reference engine's adapter, patched, with other spellings; None takes one away."""
    (terminal.folder / "fake.py").write_text(
        "from dataclasses import replace\n"
        "from implementations.reference_eager import ADAPTER as REFERENCE\n"
        "from implementations.shapes.spellings import table\n"
        f"PATCHED = REFERENCE.patched({patch!r}, name='fake')\n"
        f"ADAPTER = replace(PATCHED, spellings=table(PATCHED.spellings, {spellings!r}))\n",
        encoding="utf-8",
    )
    return "fake.py"


def written(terminal: Terminal, engine: str = "fake") -> dict[str, Any]:
    """What `bench` wrote about an engine."""
    found: dict[str, Any] = json.loads((terminal.folder / "bench" / f"{engine}.json").read_text(encoding="utf-8"))
    return found


def medians(document: Mapping[str, Any]) -> dict[tuple[str, int], float]:
    return {
        (row["extra_info"]["workload"], row["extra_info"]["size"]): row["stats"]["median"]
        for row in document["benchmarks"]
    }


# --- the workloads


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_workload_computes_what_it_says(workload: Workload) -> None:
    """On an engine that is right, the program of each workload has the values that its expectations state."""
    with Engine(load("reference")) as engine:
        reply = engine.run(workload.program)
    assert not isinstance(reply, Finding)
    judged = judge(workload.program, reply)
    assert judged.finding is None
    assert judged.compared > 0


def test_a_workload_of_a_size_has_leaves_of_that_size() -> None:
    """Only the leaves' shapes depend on the size: vectors of it, square matrices of about it; expectations are not timed."""
    for workload in WORKLOADS.values():
        programs = {size: workload.sized(size) for size in SIZES}
        assert [elements(program) for program in programs.values()] == list(SIZES)
        rest = [[it for it in program.instructions if it.verb != "leaf"] for program in programs.values()]
        assert all(part == rest[0] for part in rest)
        assert not any(it.verb == "expect" for program in programs.values() for _, it in program.walk())
    assert WORKLOADS["mm_sum"].sized(1000).instructions[0].options["value"] == {"shape": [32, 32]}


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that an engine's process loads, which calls the agent by the name that it has there."""
    for name in ("interpreter", "lowering", "text"):
        monkeypatch.setitem(sys.modules, f"conformance_agent.{name}", sys.modules[f"conformance.agent.{name}"])
    monkeypatch.setitem(sys.modules, "conformance_agent", conformance.agent)
    path = ROOT / "conformance" / "bench" / "engine" / "timed.py"
    spec = importlib.util.spec_from_file_location("timed", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_timed_code_is_the_engines_own_and_makes_no_leaf(timed: ModuleType) -> None:
    """torch's 2·dot is what a user writes, and its leaf is made outside."""
    source = timed.source(WORKLOADS["dot"].sized(100).to_json(), load("torch").to_json())
    assert source.partition("def run(x):\n")[2].splitlines() == [
        "    y = x.dot(x)",
        "    y2 = 2.0 * y",
        "    y2.backward()",
        "    g = x.grad",
    ]


def test_a_function_that_is_differentiated_is_not_computed_before(timed: ModuleType) -> None:
    """JAX computes each operator in the function that is differentiated only, at the second order too, and is waited for."""
    source = timed.source(WORKLOADS["second_derivative"].sized(100).to_json(), load("jax").to_json())
    assert source.count("x * x") == 1
    assert source.count("jnp.sum") == 2
    assert source.endswith("    g2.block_until_ready()")


# --- the command


def test_a_planted_sleep_shows_in_the_workloads_that_meet_it(terminal: Terminal) -> None:
    """What an operator takes is in the median of the workloads that apply it, and of no others."""
    adapter = fake(terminal, dot=f"(__import__('time').sleep({_NAP}) or {{a}}.dot({{b}}))")
    done = terminal.run("bench", "--engine", adapter, "--sizes", "1,100", *_QUICK)
    assert done.returncode == 0, done.stderr
    found = medians(written(terminal))
    assert {size for _, size in found} == {1, 100}
    assert all(found["dot", size] >= _NAP for size in (1, 100))
    assert all(found["accumulate_and_clear", size] >= 2 * _NAP for size in (1, 100))
    assert all(found["mm_sum", size] < _NAP / 2 for size in (1, 100))
    shown = next(line for line in done.stdout.splitlines() if re.match(r"dot +1 ", line))
    assert duration(found["dot", 1]) in shown
    assert len(re.findall(r"^fake  dot \d+  [\d.]+ ms$", done.stderr, re.MULTILINE)) == 2


def test_an_asynchronous_engine_is_waited_for(terminal: Terminal) -> None:
    """`finish` is within the time, and making leaves is not."""
    waits = {"finish": f"__import__('time').sleep({_NAP})"}
    makes = f"(__import__('time').sleep({5 * _NAP}), reference.tensor({{value}}, requires_grad=True))[1]"
    adapter = fake(terminal, leaf=makes, **waits)
    done = terminal.run("bench", "--engine", adapter, "--sizes", "1", "--select", "dot", *_QUICK)
    assert done.returncode == 0, done.stderr
    assert _NAP <= medians(written(terminal))["dot", 1] < 4 * _NAP


def test_each_round_has_its_own_leaves(terminal: Terminal) -> None:
    """A gradient is never there already when a round begins."""
    clean = "({root}.backward({arguments}) if x.grad is None else 1 / 0)"
    adapter = fake(terminal, backward=clean)
    done = terminal.run("bench", "--engine", adapter, "--sizes", "1", "--select", "first*", *_QUICK)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_offered_is_recorded_as_declined(terminal: Terminal) -> None:
    """A workload whose spelling is missing has its key in the JSON and in the table; without no_grad there is no such pair."""
    adapter = fake(terminal, mean=None, no_grad=None)
    done = terminal.run("bench", "--engine", adapter, "--sizes", "1", *_QUICK)
    assert done.returncode == 0, done.stderr
    document = written(terminal)
    reasons = {row["workload"]: (row["state"], row["reason"]) for row in document["unmeasured"]}
    assert reasons == {
        "mean": ("declined", "mean"),
        "forward_recorded": ("declined", "no_grad"),
        "forward_no_grad": ("declined", "no_grad"),
    }
    assert {name for name, _ in medians(document)} == WORKLOADS.keys() - reasons.keys()
    assert re.search(r"^mean +1 +declined: mean$", done.stdout, re.MULTILINE)


def test_an_engine_has_one_thread_unless_the_user_says_otherwise(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's process finds OMP_NUM_THREADS=1, or what the user set."""
    threads = "import os; THREADS = os.environ['OMP_NUM_THREADS']"
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for told in ("1", "3"):
        adapter = fake(terminal, threads, mean="{a}.mean() if THREADS == '" + told + "' else 1 / 0")
        assert terminal.run("bench", "--engine", adapter, "--sizes", "1", "--select", "mean", *_QUICK).returncode == 0
        monkeypatch.setenv("OMP_NUM_THREADS", "3")


def test_an_engine_of_single_numbers_is_asked_up_to_a_small_size(terminal: Terminal) -> None:
    """micrograd is not asked at a thousand elements, and it is said."""
    if not load("micrograd").installed():
        pytest.skip("micrograd is not installed")
    done = terminal.run("bench", "--engine", "micrograd", "--sizes", "1,1000", "--select", "dot", *_QUICK)
    assert done.returncode == 0, done.stderr
    assert list(medians(written(terminal, "micrograd"))) == [("dot", 1)]
    assert "micrograd, limited: an engine of single numbers is asked up to 100 (dot 1000)" in done.stdout


def test_a_workload_that_fails_is_an_error_and_the_others_are_measured(terminal: Terminal) -> None:
    """An engine's exception is a state with its text, and exit code 1."""
    adapter = fake(terminal, mean="{a}.there_is_no_mean()")
    done = terminal.run("bench", "--engine", adapter, "--sizes", "1", "--select", "[md]*", *_QUICK)
    assert done.returncode == 1
    assert "fake, error: AttributeError: 'Tensor' object has no attribute 'there_is_no_mean' (mean 1)" in done.stdout
    assert {name for name, _ in medians(written(terminal))} == {"dot", "mm_sum", "doubling_vjp"}


def test_what_takes_too_long_is_not_tried_at_larger_sizes(terminal: Terminal) -> None:
    """A program over the timeout is ended, larger sizes are not begun, and the next workload is measured."""
    adapter = fake(terminal, dot="__import__('time').sleep(60)")
    done = terminal.run(
        "bench", "--engine", adapter, "--sizes", "1,100", "--timeout", "0.3", "--select", "[dm]*", *_QUICK
    )
    assert done.returncode == 0, done.stderr
    document = written(terminal)
    assert [row["reason"] for row in document["unmeasured"]] == [
        "more than 0.3 s",
        "not tried: size 1 took more than 0.3 s",
    ]
    assert ("mm_sum", 100) in medians(document)


@pytest.mark.parametrize("calls", [0, 2, 4], ids=["warming up", "in the first round", "in the third"])
def test_an_interrupt_keeps_what_was_measured(terminal: Terminal, calls: int) -> None:
    """Ctrl-C leaves a JSON and a table of what was measured, no process, and exit code 6; what was not begun is not shown."""
    sleeps = f"""
import pathlib, time
counted = []
def mean(a):
    counted.append(1)
    if len(counted) > {calls}:
        pathlib.Path("sleeps").touch()
        time.sleep(600)
    return a.mean()
"""
    adapter = fake(terminal, sleeps, mean="mean({a})")
    yesterday = terminal.folder / "bench" / "reference.json"
    yesterday.parent.mkdir()
    yesterday.write_text(
        json.dumps({"benchmarks": [measured("reference", 1, 1e-5)], "unmeasured": []}), encoding="utf-8"
    )
    engines = ("--engine", adapter, "--engine", "reference")
    with terminal.start("bench", *engines, "--sizes", "1", "--timeout", "600", *_QUICK) as bench:
        assert within(60, (terminal.folder / "sleeps").exists)
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=60)
    assert bench.returncode == 6, err
    expected = [("dot", 1), ("mean", 1)] if calls == 4 else [("dot", 1)]
    assert list(medians(written(terminal))) == expected
    assert re.search(r"^dot +1 +\d", out, re.MULTILINE)
    assert "interrupted in fake" in err
    assert "reference" not in out
    assert within(5, lambda: not terminal.processes())


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("import there_is_none", "fake did not load: ModuleNotFoundError"),
        ("import os; os._exit(7)", "ended with code 7"),
    ],
    ids=["does not load", "dies"],
)
def test_an_engine_that_is_lost_is_said_and_others_are_timed(terminal: Terminal, patch: str, said: str) -> None:
    """An engine that does not load, or ends its process, is one sentence and exit code 4, and leaves no file of yesterday."""
    (terminal.folder / "bench").mkdir()
    (terminal.folder / "bench" / "fake.json").write_text("{}", encoding="utf-8")
    engines = ("--engine", fake(terminal, patch), "--engine", "reference")
    done = terminal.run("bench", *engines, "--sizes", "1", "--select", "dot", *_QUICK)
    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (terminal.folder / "bench" / "fake.json").exists()
    assert ("dot", 1) in medians(written(terminal, "reference"))


def test_an_engine_of_another_language_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it is installed but not named, the others are timed all the same, and it is said."""
    pytest.importorskip("pytest_benchmark", reason="the extra `bench` is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("conformance.commands.bench.engines", lambda options: ("reference", "tfjs"))
    assert cli.main(["bench", "--sizes", "1", "--select", "dot", *_QUICK]) == 0
    said = capsys.readouterr()
    assert re.search(r"^dot +1 +\d", said.out, re.MULTILINE)
    assert "not timed, an agent of another language: tfjs" in said.err


def test_a_missing_pytest_benchmark_says_what_to_install(terminal: Terminal) -> None:
    """An interpreter without pytest-benchmark ends the command with 2 and the words to type."""
    bare = terminal.folder / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    done = terminal.run("bench", "--engine", "reference", "--python", bare, "--sizes", "1", *_QUICK)
    assert done.returncode == 2
    assert f"{bare} has no pytest-benchmark; install it there: pip install 'pytest-benchmark>=5.3'" in done.stderr


def test_the_users_pytest_options_do_not_reach_the_timing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither PYTEST_ADDOPTS nor a conftest.py in the working directory changes what is done."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--benchmark-skip --nonsense")
    (terminal.folder / "conftest.py").write_text("raise RuntimeError\n", encoding="utf-8")
    done = terminal.run("bench", "--engine", "reference", "--sizes", "1", "--select", "dot", *_QUICK)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bench", "--sizes", "1,x"], 2, "are no sizes"),
        (["bench", "--sizes", "0"], 2, "are no sizes"),
        (["bench", "--engine", "reference", "--select", "nothing"], 5, "no workload matches nothing; there are dot, "),
        (["bench", "--engine", "nobody"], 2, "there is no engine 'nobody'"),
        (["bench", "--engine", "reference", "--engine", "reference,patch=/dev/null"], 2, "two engines have one name"),
        (["bench", "--engine", "reference", "--engine", "tfjs"], 2, "tfjs: an agent of another language"),
    ],
)
def test_a_mistake_is_said_before_anything_is_timed(
    terminal: Terminal, arguments: list[str], code: int, said: str
) -> None:
    """What cannot be asked ends with its exit code, and the last line says why."""
    done = terminal.run(*arguments)
    assert done.returncode == code
    assert said in done.stderr.splitlines()[-1]
    assert not (terminal.folder / "out").exists()


# --- what is read and shown


def measured(engine: str, size: int, median: float, workload: str = "dot") -> dict[str, Any]:
    """A benchmark as pytest-benchmark writes it, as far as it is read."""
    facts = {"engine": engine, "version": "1.0", "workload": workload, "size": size, "state": "measured"}
    return {"extra_info": facts, "stats": {"median": median}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two engines over two workloads; acme declines one of them."""
    files = {
        "torch": {
            "benchmarks": [
                measured("torch", 1, 1e-5),
                measured("torch", 100, 2e-5),
                measured("torch", 10_000, 1e-3),
                measured("torch", 1, 1e-5, "mean"),
            ],
            "unmeasured": [],
        },
        "acme": {
            "benchmarks": [measured("acme", 1, 2.5e-5), measured("acme", 100, 1e-5), measured("acme", 10_000, 0.1)],
            "unmeasured": [
                {
                    "engine": "acme",
                    "version": "1.0",
                    "workload": "mean",
                    "size": 1,
                    "state": "declined",
                    "reason": "mean",
                }
            ],
        },
    }
    for name, document in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def test_ratios_are_to_torch_of_the_same_workload_and_size(folder: Path) -> None:
    """A cell has the time and how many times torch's it is; torch's own has no ratio, a declined one its key."""
    results = read_folder(folder)
    assert results.engines == ["torch", "acme"]
    assert [results.cell("acme", "dot", size) for size in (1, 100, 10_000)] == [
        "25.0 µs  2.5×",
        "10.0 µs  0.5×",
        "100 ms  100×",
    ]
    assert results.cell("torch", "dot", 1) == "10.0 µs"
    assert results.cell("acme", "mean", 1) == "declined: mean"
    assert results.cell("acme", "mean", 2) == "–"
    assert results.table().splitlines()[1].split() == ["dot", "1", "10.0", "µs", "25.0", "µs", "2.5×"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(1.234e-9, "1.23 ns"), (9.996e-7, "1.00 µs"), (4.12e-5, "41.2 µs"), (0.9999, "1.00 s"), (99.96e-3, "100 ms")],
)
def test_durations_have_three_figures(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"benchmarks": [{}], "unmeasured": []}', '{"benchmarks": 1}'])
def test_a_file_that_is_no_result_is_named(tmp_path: Path, text: str) -> None:
    """What `bench` did not write is one sentence; so is a folder without a result."""
    with pytest.raises(UsageError, match="holds no result"):
        read_folder(tmp_path)
    (tmp_path / "odd.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"odd\.json is no result of"):
        read_folder(tmp_path)


def test_points_are_where_the_data_says(folder: Path) -> None:
    """Four decades of size span the width, four of time the height: a point's place is its logarithm."""
    dot, mean = charts.charts(read_folder(folder)).charts
    lines = {line.engine: line.points for line in dot.lines}
    middle, decade = (charts.LEFT + charts.RIGHT) / 2, (charts.BOTTOM - charts.TOP) / 4
    assert [label for _, label in dot.up] == ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms"]
    assert dot.across == [(charts.LEFT, "1"), (middle, "100"), (charts.RIGHT, "10⁴")]
    assert lines["acme"] == [
        (charts.LEFT, pytest.approx(charts.BOTTOM - 0.39794 * decade, abs=0.06)),
        (middle, charts.BOTTOM),
        (charts.RIGHT, charts.TOP),
    ]
    assert lines["torch"][2] == (charts.RIGHT, charts.BOTTOM - 2 * decade)
    assert [line.engine for line in mean.lines] == ["torch"]
    assert mean.unmeasured == "acme declined (mean)"


@pytest.mark.parametrize("other", [1e-9, 1.0], ids=["at the top", "at the bottom"])
def test_names_at_the_lines_ends_do_not_overlap(other: float) -> None:
    """Nine engines that end at one point have names apart from each other, and within the chart."""
    found = [Measurement(f"e{n}", "1", "dot", 1, "measured", 1e-5) for n in range(9)]
    chart, _ = charts.charts(Results((*found, Measurement("e0", "1", "mean", 1, "measured", other)))).charts
    heights = sorted(line.label[1] for line in chart.lines)
    assert min(b - a for a, b in pairwise(heights)) >= 12
    assert heights[0] >= 0
    assert heights[-1] <= charts.BOTTOM


def test_the_page_has_charts_when_it_is_asked_to(terminal: Terminal, folder: Path) -> None:
    """`report --bench` draws; without it the page has no such section; --bench without --html is a mistake."""
    done = terminal.run("run", "--engine", "reference", "--select", "zeroing/*", "--out", "out")
    journal = terminal.folder / "out" / "reference.jsonl"
    assert journal.exists(), done.stderr
    terminal.run("report", journal, "--html", "page.html", "--bench", folder)
    page, plain = ((terminal.folder / name).read_text(encoding="utf-8") for name in ("page.html", "out/report.html"))
    assert page.count("<polyline") == 3
    assert "<polyline" not in plain
    assert "#times" not in plain
    assert len(page) - len(plain) < 8000
    mistake = terminal.run("report", journal, "--bench", folder)
    assert mistake.returncode == 2
    assert "--bench puts charts on the page: give --html F as well" in mistake.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_in_a_browser(browser: Browser, written: Callable[[str], str], scheme: Any) -> None:
    """Each chart has a name, a description and a table; its texts have contrast; a telephone does not scroll sideways."""
    attack = "<script>window.ran = 1</script>"
    names = ["torch", *(f"engine{n}" for n in range(7)), attack]
    found = [Measurement(name, "1", "dot", 10**n, "measured", 1e-5 * 3**n) for name in names for n in (0, 3)]
    page = browser.new_page(color_scheme=scheme, viewport={"width": 400, "height": 900})
    page.goto(written(render(showcase(), Results(tuple(found)))))
    assert page.evaluate("window.ran") is None
    chart = page.get_by_role("img", name="dot: time by number of elements")
    assert "torch: 10.0 µs at 1, 270 µs at 1,000" in (chart.locator("desc").text_content() or "")
    assert chart.locator("polyline").count() == 9
    page.get_by_text("Figures", exact=True).click()
    assert page.get_by_role("region", name="dot, figures").get_by_text("270 µs 1×").count() == 8
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    fills = chart.locator("text").evaluate_all("all => all.map(each => getComputedStyle(each).fill)")
    card = page.locator(".chart").evaluate("each => getComputedStyle(each).backgroundColor")
    assert len(set(fills)) == 10
    assert min(contrast(fill, card) for fill in fills) >= 4.5
    page.close()


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""
    lights = []
    for colour in (one, other):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        lights.append(sum(v * weight for v, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True)))
    return (max(lights) + 0.05) / (min(lights) + 0.05)
