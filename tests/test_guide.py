"""The guide to adapters: its examples run as they stand, and its table of placeholders says what is filled in."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import doctor
from conformance.adapter import Adapter, load
from conformance.agent.lowering import Lowering, NotOffered
from conformance.capabilities import CAPABILITIES
from conformance.clause import specification
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.program import Program

ROOT: Final = Path(__file__).resolve().parent.parent
GUIDE: Final = (ROOT / "docs" / "writing-an-adapter.md").read_text(encoding="utf-8")
EXAMPLES: Final = dict(re.findall(r"```python\n# (\w+)_adapter\.py[^\n]*\n(.*?)```", GUIDE, re.S))
# The toy engines that examples spell, and what these stand on. The first example is tests/test_doctor.py's.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {"slopes": ("slopes", "plain"), "rows": ("rows", "odd")}
CASES: Final = (
    *(f"operators/value_and_gradient[{name},float64]" for name in ("add", "mul", "sum")),
    "operators/a_number_on_either_side[mul,float64]",
    "accumulation/several_uses_sum[float64]",
)
SHOWN: Final = "operators/value_and_gradient[mul,float64]"


def placed(name: str, folder: Path) -> str:
    """The path of an example in `folder`, beside its engine."""
    for module in ENGINES[name]:
        shutil.copy(ROOT / "tests" / "fakes" / f"{module}.py", folder)
    path = folder / f"{name}_adapter.py"
    path.write_text(EXAMPLES[name], encoding="utf-8")
    return str(path)


def verdicts(adapter: Adapter, *ids: str) -> dict[str, str]:
    cases = {case.id: case for id in ids for case in specification()[id.partition("[")[0]].cases()}
    with Engine(adapter) as engine:
        return {id: examine(cases[id], engine, Effort("quick", 0))["verdict"] for id in ids}


@pytest.mark.parametrize("name", ENGINES)
def test_an_example_works(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Copied out of the guide, it lets the doctor say that the engine can be judged, and right engines pass."""
    path = placed(name, tmp_path)
    assert doctor.examined(path, sys.executable, 20.0) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "the engine can be judged"
    assert not {"broken", "wrong"} & {line.split()[0] for line in lines}
    assert verdicts(load(path), *CASES) == dict.fromkeys(CASES, "pass")


REFUSED: Final = ("non_scalar_root_needs_a_cotangent", "cotangent_has_the_roots_shape")


def test_the_functional_example_refuses(tmp_path: Path) -> None:
    """What its engine must refuse is mapped: no `error` is left for who copies it."""
    asked = [f"functional_grad/{name}[float64]" for name in REFUSED]
    assert verdicts(load(placed("slopes", tmp_path)), *asked) == dict.fromkeys(asked, "pass")


def test_a_cotangent_takes_vjp(tmp_path: Path) -> None:
    """The functional example answers a cotangent by `vjp`; without it the case is declined."""
    adapter = load(placed("slopes", tmp_path))
    lacking = {key: text for key, text in adapter.spellings.items() if key != "vjp"}
    asked = "vjp/linear_in_the_cotangent[float64]"
    assert verdicts(adapter, asked) == {asked: "pass"}
    assert verdicts(replace(adapter, spellings=lacking), asked) == {asked: "declined"}


def test_an_engine_without_numbers_alone(tmp_path: Path) -> None:
    """The same example serves an engine that has vectors, when it says that one axis is added."""
    patch = "LEAST = 1\nrows.np.atleast_2d = rows.np.atleast_1d"
    adapter = load(placed("rows", tmp_path))
    assert verdicts(adapter.patched(patch), *CASES) == dict.fromkeys(CASES, "pass")


def test_axes_that_count_from_the_front(tmp_path: Path) -> None:
    """The guide's expression for {axis} counts past the axes that the engine adds; without it a sum is another one."""
    (counted,) = re.findall(r"`(\(\{axis\} if [^`]*)`", GUIDE)
    patch = """
def along(tensor, axis, keepdim):
    kept = tensor.data.sum(axis, keepdims=True)
    spread = lambda g: g.reshape(kept.shape) + 0 * tensor.data
    return odd.result(kept if keepdim else tensor.data.sum(axis), (tensor, spread))
import odd
"""
    adapter = load(placed("rows", tmp_path)).patched(patch)
    case = "operators/value_and_gradient[sum_axis,float64]"
    for axis, verdict in ((counted, "pass"), ("{axis}", "fail")):
        text = f"meant(along({{a}}, {axis}, {{keepdim}}), {{a}}.axes - (not {{keepdim}}))"
        spelled = {**adapter.spellings, "sum_axis": text}
        assert verdicts(replace(adapter, spellings=spelled), case) == {case: verdict}


WRONG: Final = {
    "a column": "rows.np.swapaxes(grad, 0, 1)",
    "an axis less": "grad[0]",
    "an axis more": "grad[None]",
    "every axis less": "grad.ravel()",
}


@pytest.mark.parametrize("shape", WRONG)
def test_the_fold_hides_no_shape(shape: str, tmp_path: Path) -> None:
    """Gradients of another shape than the engine's own fail, though their numbers are right."""
    patch = f"""
whole = rows.Tensor.backward
def backward(self):
    whole(self)
    for leaf in made:
        if leaf.grad is not None:
            grad = leaf.grad.data
            leaf.grad.data = {WRONG[shape]}
    made.clear()
made, first = [], rows.Tensor.__init__
def noted(self, *rest, **options):
    first(self, *rest, **options)
    made.append(self)
rows.Tensor.__init__, rows.Tensor.backward = noted, backward
"""
    assert verdicts(load(placed("rows", tmp_path)).patched(patch), SHOWN) == {SHOWN: "fail"}


# --- the table of placeholders

# Adapters, and the clauses that they are asked: programs that have every placeholder.
ASKED: Final = (
    ("torch", "operators/*"),
    ("torch", "hooks/*"),
    ("torch", "programs/protocol"),
    ("jax", "programs/functional"),
    ("variable", "variable/*"),
)


class Watched(Lowering):  # type: ignore[misc]  # the agent's files are not typed
    """A lowering that keeps what each spelling is filled in with."""

    filled: defaultdict[tuple[str, str], set[str]]

    def spelled(self, key: str, **parts: Any) -> Any:
        for name, value in parts.items():
            self.filled[key, name].add(str(value))
        return super().spelled(key, **parts)


class Declining:
    """In an engine's place: it lowers every program as the engine's agent would, and then declines it."""

    def __init__(self, name: str) -> None:
        adapter = load(name)
        self.adapter = replace(adapter, speaks=("torch", "variable"))
        self.python, self.timeout = sys.executable, 20.0

    def run(self, program: Program) -> dict[str, Any]:
        data = program.to_json(answers=False)
        with contextlib.suppress(NotOffered):
            Watched(data, self.adapter.to_json()).whole(data["instructions"])
        return {"declined": ["everything"]}


def filled() -> Mapping[tuple[str, str], set[str]]:
    """(key, placeholder) -> what programs fill in, for engines of both shapes and of the old dialect."""
    Watched.filled = defaultdict(set)
    for name, glob in ASKED:
        engine: Any = Declining(name)
        for clause in specification().values():
            if fnmatchcase(clause.id, glob):
                for case in clause.cases():
                    examine(case, engine, Effort("quick", 0))
    return Watched.filled


def form(text: str) -> str:
    """A sample without its digits: another seed draws other numbers."""
    return re.sub(r"\d+", "0", text)


def rows() -> list[list[str]]:
    """The cells of the guide's table."""
    table = GUIDE.partition("| placeholder | | for example |\n")[2].partition("\n\n")[0]
    return [re.findall(r"\| ([^|]*) ?(?=\|)", line) for line in table.splitlines()[1:]]


def test_every_placeholder_is_in_the_guide() -> None:
    """The guide's table has the placeholders that keys have, and no others."""
    named = {name for row in rows() for name in re.findall(r"`\{(\w+)\}`", row[0])}
    assert named == {name for capability in CAPABILITIES.values() for name in capability.placeholders}


def test_what_the_guide_shows_is_filled_in() -> None:
    """Each sample is what some program has for a placeholder of its row, and of the keys that the row names."""
    found = filled()
    for named, _, samples in rows():
        names, keys = re.findall(r"`\{(\w+)\}`", named), re.findall(r"`([a-z.]+)`", named)
        texts = {
            form(text)
            for (key, name), seen in found.items()
            if name in names and key in (keys or CAPABILITIES)
            for text in seen
        }
        assert samples.strip()
        for sample in re.findall(r"`([^`]+)`", samples):
            assert form(sample) in texts, (named, sample, sorted(texts, key=len)[:40])
