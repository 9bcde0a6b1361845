"""Oddities of engines: what `try` makes of each, and what verdicts its cases get.

Hostile engines of a right adapter are those of tests/fakes/engines.py: what hangs, exits, raises, prints or babbles there is not
asked again here.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from conformance import cli
from conformance.adapter import Adapter, load
from conformance.clause import specification
from conformance.commands import output, try_
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.journal import read_journal
from conformance.judge import Finding, head
from conformance.probing import functions
from conformance.probing.checkup import diagnosed
from conformance.probing.laboratory import DERIVATIVE, WRONG, Attempt, Found, Laboratory, _weighed
from conformance.probing.learning import learnt
from conformance.probing.probe import Target, opened, probed
from conformance.probing.questions import asked, operator
from conformance.probing.report import farthest, lines
from conformance.probing.writing import written
from conformance.tensor import refuses, tensor
from conformance.tensor.recorder import recording
from tests.fakes.command import ROOT, Terminal, within

_VALUE: Final = "operators/value_and_gradient[%s,float64]"
MUL, SUM, EXP, SQUARE = (_VALUE % name for name in ("mul", "sum", "exp", "square"))
NUMBER: Final = "operators/a_number_on_either_side[mul,float64]"
TWICE: Final = "accumulation/each_backward_adds[float64]"
ZERO: Final = "zeroing/zero_clears[float64]"
NONE: Final = "zeroing/none_forgets[float64]"
COTANGENT: Final = "vjp/backward_contracts_with_the_cotangent[float64]"
LONG: Final = "lifetime/a_long_chain[float64]"
DETACH: Final = "detach/detached_is_a_constant[float64]"
CASES: Final = (MUL, SUM, EXP, SQUARE, NUMBER, TWICE, ZERO, NONE, COTANGENT, LONG, DETACH)


@dataclass(frozen=True)
class Oddity:
    """One oddity: statements that make the engine odd, what is then spelled, what is not, and the verdicts that are no pass.

    `dtypes` and `refusals` are those of the adapter; `doctor` has patterns of what the doctor says of it, but "works".
    """

    patch: str
    spelled: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 20.0
    dtypes: Mapping[str, str] = field(default_factory=lambda: {"float64": "float"})
    refusals: tuple[tuple[str, str, str], ...] | None = None  # None: not asked
    doctor: Mapping[str, str] | None = None


_GRADIENT: Final = "Tensor.grad = property(lambda self: %s, lambda self, value: setattr(self, 'kept', value))\n"

ODDITIES: Final[Mapping[str, Oddity]] = {
    "none": Oddity(
        "",
        {
            "leaf": "oddlib.Tensor({value}, requires_grad=True)",
            "constant": "oddlib.Tensor({value}, requires_grad=False)",
            "value": "{a}.tolist()",
            "backward.cotangent": "gradient={cotangent}",
            "clear.none": "{a}.grad = None",
            "clear.zero": "{a}.zero_grad()",
        },
        refusals=(
            ("not_scalar", "ValueError", "backward of a tensor that is no scalar wants a gradient"),
            ("shape_mismatch", "ValueError", "operands could not be broadcast together with shapes"),
        ),
        doctor={},
    ),
    "a_dtype_in_name_only": Oddity(
        """
made = Tensor.__init__
def __init__(self, data, requires_grad=False, parents=(), dtype=None):
    made(self, data, requires_grad, parents)
Tensor.__init__ = __init__
Tensor.dtype = property(lambda self: self.data.dtype)
""",
        {"leaf": "oddlib.Tensor({value}, dtype={dtype}, requires_grad=True)", "dtype": "{a}.dtype"},
        dtypes={"float64": "'float64'"},
    ),
    "no_grad_never_ends": Oddity(
        """
import contextlib
@contextlib.contextmanager
def no_grad():
    Tensor._other = lambda self, other: Tensor(other.data if isinstance(other, Tensor) else other)
    Tensor.__mul__ = Tensor.__rmul__ = lambda self, other: Tensor(self.data * self._other(other).data)
    yield
def requires_grad_(self, flag=True):
    self.requires_grad = flag
Tensor.requires_grad_ = requires_grad_
""",
        {"no_grad": "oddlib.no_grad()", "require_grad": "{a}.requires_grad_({flag})"},
        doctor={"no_grad": "wrong .*the spelling runs, the engine does not conform$"},
    ),
    "swallows_options": Oddity(
        """
def sum(self, axis=None, keepdims=True, **ignored):
    kept = self.data.sum(axis=axis, keepdims=True)
    whole = axis is None or not keepdims
    return result(kept.sum(axis=axis) if whole else kept, (self, lambda g: np.ones(self.data.shape) * (
        np.reshape(g, kept.shape) if whole else g)))
Tensor.sum = sum
""",
        {"sum": "{a}.sum()", "sum_axis": "{a}.sum(axis={axis}, keepdims={keepdim})"},
    ),
    "drops_temporaries": Oddity(
        """
import weakref
Tensor.parents = property(
    lambda self: [(p(), pull) for p, pull in self.weak if p() is not None],
    lambda self, parents: setattr(self, "weak", [(weakref.ref(p), pull) for p, pull in parents]),
)
""",
        verdicts={LONG: "fail"},
    ),
    "a_fresh_gradient_at_each_access": Oddity(
        _GRADIENT % "None if self.kept is None else Tensor(self.kept.data)"
        + "Tensor.zero_ = lambda self: self.data.fill(0)\n",
        {"clear.zero": "{a}.zero_grad()"},
    ),
    "no_0d_tensors": Oddity(
        """
made = Tensor.__init__
def __init__(self, data, *rest):
    made(self, np.atleast_1d(data), *rest)
Tensor.__init__ = __init__
""",
        {"sum": "single({a}.sum())"},
        # Whatever a 0-d operand is drawn for: what is computed from it has an axis.
        verdicts=dict.fromkeys((MUL, SUM, EXP, SQUARE, DETACH), "fail"),
    ),
    "no_numbers_as_operands": Oddity(
        """
def other(self, other):
    if not isinstance(other, Tensor):
        raise TypeError("an operand is no tensor")
    return other
Tensor._other = other
""",
        missing=("scalar",),
        verdicts=dict.fromkeys((NUMBER, ZERO, NONE), "declined"),  # the last two multiply by a number
    ),
    "no_way_to_clear": Oddity(
        "del Tensor.zero_grad\n"
        "Tensor.grad = property(lambda self: Tensor(self.kept) if hasattr(self, 'kept') else None)\n"
        "def _accumulate(node, g):\n    node.kept = g if node.grad is None else node.kept + g\n"
        "def __init__(self, data, requires_grad=False, parents=()):\n"
        "    self.data = np.array(data, dtype=float)\n"
        "    self.requires_grad = requires_grad or any(p.requires_grad for p, _ in parents)\n"
        "    self.parents = [(p, pull) for p, pull in parents if p.requires_grad]\n"
        "Tensor.__init__ = __init__\n",
        missing=("clear.zero", "clear.none", "set_grad"),
        verdicts={ZERO: "declined", NONE: "declined"},
    ),
    "no_cotangent": Oddity(
        "whole = Tensor.backward\nTensor.backward = lambda self: whole(self)\n",
        missing=("backward.cotangent",),
        verdicts={COTANGENT: "declined"},
    ),
    "gradients_are_flat_lists": Oddity(
        _GRADIENT % "None if self.kept is None else self.kept.data.ravel().tolist()"
        + "def _accumulate(node, g):\n    node.grad = Tensor(g if node.kept is None else node.kept.data + g)\n",
        {"grad_of": "folded({a}.grad, {a})"},
    ),
    "recurses": Oddity(
        """
def _ordered(node, found=None):
    found = {} if found is None else found
    if id(node) not in found:
        for operand, _ in node.parents:
            _ordered(operand, found)
        found[id(node)] = node
    return list(found.values())
""",
        verdicts={LONG: "fail"},
    ),
    "prints": Oddity(
        """
import sys
right = Tensor.__mul__
def loud(self, other):
    print('{"ran": 1}', "\\x1b[31m", flush=True)
    sys.__stdout__.write("x" * 10_000)
    return right(self, other)
Tensor.__mul__ = Tensor.__rmul__ = loud
""",
    ),
    "panics": Oddity(
        """
class PanicException(BaseException):
    "What a Rust extension raises."
def square(self):
    raise PanicException("index out of bounds: the len is 3 but the index is 3")
Tensor.square = square
""",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "unsupported"},
        doctor={"square": 'wrong .*the engine panics; a row ."unsupported", "PanicException", "index out of'},
    ),
    "a_derivative_raises": Oddity(
        """
def refused(g):
    raise ValueError("\\x00 no derivative \\ud800 \\x1b[31m")
Tensor.square = lambda self: result(self.data**2, (self, refused))
""",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "fail"},
        doctor={"square": r'wrong .*a right value, and then the engine raises; a row ."unsupported", "ValueError", "'},
    ),
    "aborts": Oddity(
        "import os\nTensor.square = lambda self: os.abort()\n",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "crash"},
    ),
    "exits_in_c": Oddity(
        "import ctypes\nTensor.square = lambda self: ctypes.CDLL(None).exit(0)\n",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "crash"},
    ),
    "hangs": Oddity(
        "import time\nTensor.square = lambda self: time.sleep(3600)\n",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "timeout"},
        seconds=2.0,
    ),
    "a_wrong_gradient": Oddity(
        "Tensor.square = lambda self: result(self.data**2, (self, lambda g: g * self.data))\n",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "fail"},
    ),
    "a_wrong_value": Oddity(
        "Tensor.exp = lambda self: result(self.data + 2, (self, lambda g: g))\n",
        {"exp": "{a}.exp()"},
        verdicts={EXP: "fail"},
    ),
    "no_gradient_flows": Oddity(
        "Tensor.square = lambda self: result(self.data**2, (self, lambda g: g * 0))\n",
        {"square": "{a}.square()"},
        verdicts={SQUARE: "fail"},
    ),
    "an_operator_of_one_shape_only": Oddity(
        """
right = Tensor.exp
def exp(self):
    if self.data.ndim != 1:
        raise NotImplementedError("exp of what is no vector")
    return right(self)
Tensor.exp = exp
""",
        {"exp": "{a}.exp()"},
        verdicts={EXP: "unsupported"},
    ),
}


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an odd engine in it."""
    engine = (ROOT / "tests" / "fakes" / "odd.py").read_text(encoding="utf-8")
    (tmp_path / "oddlib.py").write_text(engine + "\n" + ODDITIES[request.param].patch, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _found() -> Found:
    target = Target("oddlib", "Tensor")
    with opened(target, sys.executable, 2.0) as laboratory:
        adapter = probed(laboratory, target)
        return Found(adapter, tuple(laboratory.guesses), laboratory.trials)


def _judged(adapter: Adapter, seconds: float) -> dict[str, str]:
    """The verdicts, with rows for the exceptions that were met, as `try` gets them: only what ended as `error` is asked again."""
    cases = [case for clause in specification().values() for case in clause.cases() if case.id in CASES]
    verdicts: dict[str, str] = {}
    for _ in range(3):
        with Engine(adapter, timeout=seconds) as engine:
            records = [examine(case, engine, Effort("quick", 0)) for case in cases]
        verdicts.update((record["case"], record["verdict"]) for record in records)
        rows = [row for row in learnt(records) if row not in adapter.refusals]
        if not rows:
            break
        adapter = replace(adapter, refusals=(*adapter.refusals, *rows))
        cases = [case for case in cases if verdicts[case.id] == "error"]
    return verdicts


def _diagnosed(adapter: Adapter) -> dict[str, str]:
    """What the doctor says of each key, but "works"."""
    with Laboratory(adapter, sys.executable, 2.0) as laboratory:
        return {it.key: f"{it.word} {it.sentence}" for it in diagnosed(laboratory) if it.word != "works"}


@pytest.mark.parametrize(("name", "folder"), [(name, name) for name in ODDITIES], indirect=["folder"], ids=ODDITIES)
def test_an_oddity(name: str, folder: Path) -> None:
    """What works is found, what does not is not hidden, and every case has its verdict; none is an error."""
    oddity, found = ODDITIES[name], _found()
    spelled = found.adapter.spellings
    assert {key: spelled.get(key) for key in oddity.spelled} == dict(oddity.spelled)
    assert not set(oddity.missing) & spelled.keys()
    assert _judged(found.adapter, oddity.seconds) == {case: oddity.verdicts.get(case, "pass") for case in CASES}
    path = folder / "oddlib_adapter.py"
    path.write_text(written(found, "oddlib:Tensor"), encoding="utf-8")
    adapter = load(str(path))
    assert adapter.spellings == spelled  # the file says what was found
    assert adapter.refusals == found.adapter.refusals
    assert dict(adapter.dtypes) == dict(found.adapter.dtypes) == dict(oddity.dtypes)
    assert oddity.refusals in (None, adapter.refusals)
    assert all(line.isprintable() and len(line) <= 120 for line in lines(found))
    if oddity.doctor is not None:
        said = _diagnosed(adapter)
        assert said.keys() == oddity.doctor.keys()
        assert [key for key, sentence in said.items() if not re.match(oddity.doctor[key], sentence, re.S)] == []


@pytest.mark.parametrize("folder", ["aborts"], indirect=True)
def test_try_prints_writes_and_judges(folder: Path) -> None:
    """The command prints a line a key, keeps what ends the process, writes the adapter once, and ends with the run's code."""
    terminal, words = Terminal(folder), ("try", "oddlib:Tensor", "--timeout", "1", "--out", "out", f"--select={SQUARE}")
    done = terminal.run(*words)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"^square +\{a\}\.square\(\) +wrong, and kept: crash: .*SIGABRT", done.stdout, re.M)
    assert re.search(r"^exp +\{a\}\.exp\(\) +right$", done.stdout, re.M)
    assert re.search(r"^log +not found +\{a\}\.log\(\): AttributeError", done.stdout, re.M)
    (record,) = read_journal(folder / "out" / "oddlib.jsonl").cases
    assert (record["case"], record["verdict"]) == (SQUARE, "crash")
    assert (folder / "out" / "report.html").exists()
    again = terminal.run(*words)
    assert again.returncode == 2
    assert "oddlib_adapter.py exists; --force overwrites it" in again.stderr
    assert within(5, lambda: not terminal.processes())


def test_a_value_that_an_option_should_have_changed_is_no_derivative() -> None:
    """Of the numbers that a question about an operator asks for, only those of a gradient are a derivative's."""
    program = asked(operator("sum_axis"), "float64")
    *values, gradient = [index for index, it in program.walk() if it.verb == "expect"]
    worths = [_weighed(program, Finding("fail", at, "", "1", "2"), "", at)[0] for at in (*values, gradient)]
    assert worths == [WRONG, WRONG, DERIVATIVE]


@pytest.mark.parametrize("folder", ["a_derivative_raises"], indirect=True)
def test_what_was_learnt_is_judged_and_only_that_is_shown(folder: Path) -> None:
    """An exception that no row maps gets one, whatever characters it has; the report is that of the last run, once."""
    done = Terminal(folder).run("try", "oddlib:Tensor", "--out", "out", f"--select={SQUARE}")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "1 exception was met that no row mapped; the adapter has rows" in done.stdout
    assert len(re.findall("^FAIL ", done.stdout, re.M)) == 1
    assert "ERROR" not in done.stdout
    assert set("\x00\x1b\ud800").isdisjoint(done.stdout)
    rows = load(str(folder / "oddlib_adapter.py")).refusals
    assert [row for row in rows if row[0] == "unsupported"] == [
        ("unsupported", "ValueError", head("\x00 no derivative \ud800 \x1b[31m"))
    ]


def test_five_calls_are_enough() -> None:
    """Of those that got farthest."""
    attempts = [Attempt((stage, 0, True), f"lib.T{stage}", "", f"stage {stage}") for stage in range(9)]
    assert [line.partition(":")[0] for line in farthest(attempts)] == [f"lib.T{stage}" for stage in (8, 7, 6, 5, 4)]


@pytest.mark.parametrize("folder", ["none"], indirect=True)
def test_what_numpy_makes_of_an_engine_is_not_offered(folder: Path) -> None:
    """NumPy squares any object by its product: an engine without a square has none, whatever its adapter's prelude imports."""
    with (folder / "oddlib.py").open("a", encoding="utf-8") as engine:
        engine.write("\ndel Tensor.square\n")
    core = {
        **dict.fromkeys(("leaf", "constant"), "oddlib.Tensor({value}, True)"),
        "value": "{a}.tolist()",
        "add": "{a} + {b}",
        "mul": "{a} * {b}",
        "sum": "{a}.sum()",
        "backward": "{root}.backward({arguments})",
        "grad_of": "{a}.grad",
    }
    prelude = "import numpy as np\nimport oddlib"
    said = _diagnosed(
        Adapter("oddlib", "oddlib", prelude, "'?'", core, dtypes={"float64": "float"}, folder=str(folder))
    )
    assert "exp" in said
    assert "square" not in said


def test_ctrl_c_in_a_lesson_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted while it asks again what ended as `error`, the command asks nothing more, and ends with 6."""
    out, codes = tmp_path / "out", [1, 6]
    shown: list[object] = []
    out.mkdir()
    (out / "oddlib.jsonl").touch()
    monkeypatch.setattr(try_, "_run", lambda *_: codes.pop(0))
    monkeypatch.setattr(try_, "_erring", lambda _: (SQUARE,))
    monkeypatch.setattr(try_, "read_journal", lambda _: SimpleNamespace(cases=()))
    monkeypatch.setattr(try_, "learnt", lambda _: (("unsupported", "ValueError", "no derivative"),))
    monkeypatch.setattr(output, "show", shown.append)
    found = Found(Adapter("oddlib", "oddlib", "import oddlib", "'?'", {}, dtypes={"float64": "float"}), (), 0)
    options = argparse.Namespace(out=out, select=[], target="oddlib")
    assert try_._taught(tmp_path / "own.py", found, options) == 6
    assert (codes, len(shown)) == ([], 1)


@pytest.mark.parametrize("folder", ["none"], indirect=True)
def test_what_cannot_be_written_is_refused_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is probed for a file that cannot be written: the engine, which would not load, is not asked."""
    path = folder / "oddlib.py" / "adapter.py"
    assert cli.main(["try", "nolib:Tensor", "--adapter", str(path)]) == 2
    assert f"cannot write {path}: " in capsys.readouterr().err


def test_when_nothing_is_found_the_farthest_calls_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most five calls, each with its exception, the plainest among them; functions of arrays are sought once."""
    monkeypatch.chdir(tmp_path)
    node = (
        "class Node:\n    def __init__(self, label, value):\n        self.value = float(value)\nTensor = Value = Node\n"
    )
    (tmp_path / "twolib.py").write_text(node, encoding="utf-8")
    sought: list[Laboratory] = []
    monkeypatch.setattr(functions, "founded", sought.append)
    assert cli.main(["try", "twolib", "--no-run"]) == 4
    calls = capsys.readouterr().out.splitlines()
    assert 1 < len(calls) <= 5
    missing = r"twolib\.\w+\(\{value\}\): TypeError: .*missing 1 required positional argument: 'value'"
    assert len([call for call in calls if re.fullmatch(missing, call)]) == 1
    assert len({re.sub("'.*?'", "", call.partition(": ")[2]) for call in calls}) == len(calls)
    assert len(sought) == 1


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("RuntimeError: the gradient of what is no scalar", "not_scalar"),
        ("TypeError: 'NoneType' object is not callable", "unsupported"),
        ("AttributeError: 'Tensor' object has no attribute '_ctx'", "unsupported"),
        ("TypeError: backward() missing 1 required positional argument: 'seed'", "unsupported"),
        ("IndexError: list index out of range", "unsupported"),
    ],
)
def test_what_is_learnt_as_a_refusal(message: str, kind: str) -> None:
    """An exception where a refusal is awaited is taken for it, unless Python speaks of a mistake."""
    with recording("float64") as recorder:
        y = tensor([1, 2], requires_grad=True) * 2
        with refuses("not_scalar"):
            y.backward()
    program = recorder.program()
    (at,) = [index for index, it in program.walk() if it.verb == "expect"]
    record = {"verdict": "error", "got": f"refused: {message}", "witness": program.to_json(), "at": at}
    raised, _, text = message.partition(": ")
    assert learnt([record]) == ((kind, raised, head(text)),)


@pytest.mark.parametrize("folder", ["none"], indirect=True)
@pytest.mark.parametrize(
    ("target", "code", "sentence"),
    [
        ("nolib:Tensor", 4, "nolib did not load: ImportError: No module named"),
        ("oddlib:Nothing", 4, "no way was found to make a tensor"),
        ("odd lib", 2, "is no MODULE[:NAME]"),
    ],
)
def test_what_cannot_be_tried(
    target: str, code: int, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that does not load, a maker that is not there, a word that names nothing: one sentence, and no file."""
    assert cli.main(["try", target, "--no-run"]) == code
    assert sentence in capsys.readouterr().err
    assert not list(folder.glob("*_adapter.py"))


@pytest.mark.parametrize("folder", ["none"], indirect=True)
def test_a_module_alone_is_searched(folder: Path) -> None:
    """Without a name, the usual names are looked for."""
    target = Target("oddlib")
    with opened(target, sys.executable, 2.0) as laboratory:
        assert probed(laboratory, target).spellings["leaf"] == ODDITIES["none"].spelled["leaf"]
