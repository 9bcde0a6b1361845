"""TensorFlow.js, an engine of another language: judged through the agent protocol; broken on purpose it fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import expectations, replay
from conformance.adapter import Adapter, load
from conformance.clause import specification
from conformance.errors import EngineError
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.program import Instruction, Program, Scalar
from conformance.script import printed
from tests.interpreters import interpreter, runner

TFJS: Final = load("tfjs")
FOLDER: Final = Path(TFJS.command[1]).parent
CASES: Final = (
    "accumulation/several_uses_sum[float32]",
    "control_flow/loop_and_branch[float32]",
    "operators/value_and_gradient[mul,float32]",
    "higher_order/a_cube_by_any_operator[dot,float32]",
    "functional_grad/cotangent_has_the_roots_shape[float32]",
    "operators/value_and_gradient[roll,float32]",
)

needs_node = pytest.mark.usefixtures("node")


@pytest.fixture
def node() -> None:
    """Skips a test where Node or the packages are missing, and says how to install them."""
    interpreter("tfjs")


def verdicts(adapter: Adapter, names: tuple[str, ...] = CASES, timeout: float = 10.0) -> dict[str, dict[str, Any]]:
    """The records of some cases."""
    cases = {case.id: case for clause in specification().values() for case in clause.cases()}
    with Engine(adapter, timeout=timeout) as engine:
        return {name: examine(cases[name], engine, Effort("quick", 0)) for name in names}


@needs_node
def test_what_it_offers_passes() -> None:
    """Gradients, loops, second derivatives and refusals are right; what it has not is declined."""
    found = {name: record["verdict"] for name, record in verdicts(TFJS).items()}
    assert found == {**dict.fromkeys(CASES, "pass"), CASES[-1]: "declined"}


@needs_node
def test_expected_failures_are_seen() -> None:
    """The committed witnesses still show what they are committed for."""
    expected = expectations.load("tfjs")
    cases = {case.id: case for clause in specification().values() for case in clause.cases()}
    with Engine(TFJS) as engine:
        found = {name: examine(cases[name], engine, Effort("quick", 0), it)["verdict"] for name, it in expected.items()}
    assert found == {name: it.verdict for name, it in expected.items()}


# --- broken on purpose


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the agent, which a test may break, and the packages."""
    (tmp_path / "agent.mjs").write_text((FOLDER / "agent.mjs").read_text(encoding="utf-8"), encoding="utf-8")
    os.symlink(FOLDER / "node_modules", tmp_path / "node_modules")
    return tmp_path


def _broken(package: Path, right: str, wrong: str) -> Adapter:
    path = package / "agent.mjs"
    text = path.read_text(encoding="utf-8")
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    return replace(TFJS, command=("node", str(path)))


BROKEN: Final = {
    "a wrong gradient": (
        "it.out.forEach((name, i) => frame.names.set(name, found[i]));",
        "it.out.forEach((name, i) => frame.names.set(name, found[i].mul(2)));",
        "fail",
        "is not what the specification says",
    ),
    "a wrong dtype": (
        "dtype: clipped(look('dtype'))",
        "dtype: 'float64'",
        "fail",
        "is not what the specification says",
    ),
    "a wrong shape": ("look('shape') : extents", "[1, ...look('shape')] : extents", "fail", "is not what"),
    "an unknown message": (
        "const reply = { ran, ",
        "const reply = { answered: ran, ",
        "error",
        "a message that answers nothing",
    ),
    "no numbers": ("flat(Infinity).map(exact)", "flat(Infinity)", "error", "a malformed observation"),
    "too little": ("frame.observations.push(", "[].push(", "error", "without the observation of instruction"),
    "a hang": ("const started = performance.now();", "for (;;);", "timeout", "no answer within"),
    "a message without end": (
        "const started = performance.now();",
        "const started = 0; send('x'.repeat(5e6));",
        "error",
        "more than 4000000 bytes",
    ),
}


@needs_node
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_agent_is_seen(fault: str, package: Path) -> None:
    """A wrong number is a `fail`, a wrong message an `error`, and silence a `timeout`; nothing passes."""
    right, wrong, verdict, message = BROKEN[fault]
    name = "operators/value_and_gradient[mul,float32]"
    record = verdicts(_broken(package, right, wrong), (name,), timeout=1.5)[name]
    assert record["verdict"] == verdict
    assert message in record["message"]


@needs_node
def test_an_agent_that_greets_in_no_json(package: Path) -> None:
    """An agent whose first line is no message did not load."""
    adapter = _broken(package, "process.stdout.write(`${JSON", "process.stdout.write(`>${JSON")
    with pytest.raises(EngineError, match="a line that is not JSON"):
        Engine(adapter)


@needs_node
def test_a_package_that_is_missing(package: Path) -> None:
    """Without its packages the agent refuses to load, and says how they are installed."""
    (package / "node_modules").unlink()
    with pytest.raises(
        EngineError, match=f"did not load: .*; install it by: npm ci --prefix {re.escape(str(package))}"
    ):
        Engine(replace(TFJS, command=("node", str(package / "agent.mjs"))))


def test_it_is_not_installed_without_its_packages(package: Path) -> None:
    """An engine of another language is installed when its program and its packages are there."""
    here = replace(TFJS, module=str(package), command=(sys.executable,))
    assert here.installed()
    assert not replace(here, module=str(package / "nothing")).installed()
    assert not replace(here, command=("/nowhere/node",)).installed()


# --- what is printed


_X: Final = {"value": {"shape": [2], "values": ["1", "-1/2"]}, "requires_grad": True}
_WANTED: Final = {"relation": "equals", "value": {"shape": [2], "values": ["0", "0"]}, "why": ""}


def _program(*instructions: Instruction) -> Program:
    return Program("float32", (Instruction("leaf", ("x",), (), _X), *instructions))


def _seen(name: str, observe: str = "tensor") -> Instruction:
    return Instruction("expect", (), (name,), {"observe": observe, **_WANTED})


def _apply(out: str, operator: str, *args: Any, **options: Any) -> Instruction:
    return Instruction("apply", (out,), args, {"operator": operator, **options})


PROGRAMS: Final = {
    "a gradient": _program(
        _apply("y", "mul", "x", Scalar("-3/2")),
        Instruction("gradients", ("g",), ("y", "x"), {"cotangent": "x"}),
        _seen("g"),
    ),
    "a loop": _program(
        Instruction("repeat", ("y",), ("x",), {"times": 3}, (_apply("y", "mul", "y", "x"),)),
        _apply("s", "sum", "y"),
        Instruction("gradients", ("g",), ("s", "x")),
        _seen("y"),
        _seen("g"),
    ),
    "a second derivative": _program(
        _apply("y", "mul", "x", "x"),
        _apply("z", "mul", "y", "x"),
        _apply("s", "sum", "z"),
        Instruction("grad", ("g",), ("s", "x"), {"create_graph": True}),
        _apply("t", "sum", "g"),
        Instruction("grad", ("h",), ("t", "x")),
        _seen("g"),
        _seen("h"),
    ),
    "detached": _program(
        Instruction("detach", ("d",), ("x",)),
        _apply("y", "mul", "x", "d"),
        Instruction("unbind", ("p", "q"), ("y",)),
        _seen("q"),
    ),
    "pieces": _program(
        _apply("a", "index", "x", index={"slice": [1, None]}),
        _apply("b", "index", "x", index=1),
        _apply("c", "index", "x", index=[1, 0, 1]),
        _apply("d", "sum_axis", "x", axis=-1, keepdim=True),
        *map(_seen, "abcd"),
    ),
    "an exception": _program(Instruction("catch", (), (), {}, (Instruction("raise"),)), _seen("x")),
    "a refusal": _program(
        Instruction("attempt", ("end",), (), {}, (_apply("y", "reshape", "x", shape=[3]),)), _seen("end", "outcome")
    ),
}


def _numbers(text: str) -> list[float]:
    return [float(it) for it in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)]


@needs_node
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_script_does_what_the_agent_did(name: str, tmp_path: Path) -> None:
    """The script that is printed, run by Node alone, prints what the agent observed."""
    program = PROGRAMS[name]
    script = printed(program, TFJS).replace("// expected", "//")
    command, folder = runner("tfjs", tmp_path)
    done = subprocess.run([*command, script], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    with Engine(TFJS) as engine:
        reply: Any = engine.run(program)
    assert reply["failure"] is None
    seen = [observation for _, observation in reply["observations"]]
    assert seen
    if "outcome" in seen[0]:
        assert [it["outcome"] for it in seen] == done.stdout.splitlines()[1:]
    else:
        assert _numbers(done.stdout) == [float(text) for it in seen for text in it["values"]]


def test_a_script_says_what_is_missing() -> None:
    """What the engine does not offer is said in place of the script, as for any engine."""
    assert printed(_program(Instruction("backward", (), ("x",))), TFJS) == "# tfjs does not offer backward\n"
    assert printed(_program(_apply("y", "roll", "x", shift=1, axis=0)), TFJS) == "# tfjs does not offer roll\n"
    assert printed(replace(PROGRAMS["a loop"], dtype="float64"), TFJS) == "# tfjs does not offer float64\n"


@needs_node
def test_a_witness_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`replay` judges a witness on it, and prints the script in JavaScript."""
    witness = expectations.load("tfjs")["singular_points/ties_of_max[float32]"].witness
    assert witness is not None
    path = tmp_path / "witness.json"
    path.write_text(json.dumps(witness.to_json()), encoding="utf-8")
    assert replay.judged(witness, TFJS, "python", 20.0) == 1
    assert "var [g] = tf.grads(f1)([x]);" in capsys.readouterr().out


# --- the package


def test_the_package_is_pinned() -> None:
    """One version of the engine, and a lock file that names no registry and no folder of ours."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    (version,) = package["dependencies"].values()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert lock["packages"]["node_modules/@tensorflow/tfjs"]["version"] == version
    assert all("integrity" in it and "resolved" not in it for name, it in lock["packages"].items() if name)


def test_the_agent_is_short() -> None:
    """An agent is a page or two: at most 350 lines."""
    assert len((FOLDER / "agent.mjs").read_text(encoding="utf-8").splitlines()) <= 350
