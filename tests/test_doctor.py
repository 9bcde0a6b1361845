"""The doctor, and what it is asked about: an adapter of one's own, in a folder of one's own."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import doctor
from conformance.adapter import Adapter, load
from conformance.clause import specification
from conformance.errors import EngineError
from conformance.examination import Effort, examine
from conformance.execution import Engine

ROOT: Final = Path(__file__).resolve().parent.parent
GUIDE: Final = (ROOT / "docs" / "writing-an-adapter.md").read_text(encoding="utf-8")
REFERENCE: Final = load("reference")


def example() -> str:
    """The first adapter of the guide."""
    found = re.search(r"```python\n(.*?)```", GUIDE, re.S)
    assert found
    return found[1]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The guide's adapter in a folder of its own, beside its engine."""
    shutil.copy(ROOT / "tests" / "fakes" / "plain.py", tmp_path)
    path = tmp_path / "plain_adapter.py"
    path.write_text(example(), encoding="utf-8")
    return path


def verdicts(adapter: Adapter, *clauses: str) -> dict[str, str]:
    """The verdicts of the first case of each clause."""
    with Engine(adapter) as engine:
        cases = [next(specification()[clause].cases()) for clause in clauses]
        return {case.clause.id: examine(case, engine, Effort("quick", 0))["verdict"] for case in cases}


def test_the_adapter_of_the_guide_works(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The guide's complete adapter, copied from it, lets the doctor say that a toy engine beside it can be judged."""
    assert doctor.examined(str(plain), sys.executable, 20.0) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[2:7]] == [
        [what, "works"] for what in ("leaf", "mul", "add", "sum", "gradients")
    ]
    assert lines[-1] == "the engine can be judged"
    assert max(map(len, lines)) <= 120
    chapters = ("accumulation/several_uses_sum", "accumulation/each_backward_adds", "zeroing/none_forgets")
    assert verdicts(load(str(plain)), *chapters) == dict.fromkeys(chapters, "pass")


BROKEN: Final = {
    "mul": "{a}.times({b})",
    "sum": "{a}.total(0)",
    "leaf": "reference.tensor({value}, dtipe={dtype}, requires_grad=True)",
    "value": "{a}",
    "backward": "{root}.backwards({arguments})",
    "grad_of": "{a}.gradient",
    "dtype": "{a}.dtipe",
}


@pytest.mark.parametrize("key", BROKEN)
def test_a_broken_foundation_is_one_sentence(key: str) -> None:
    """The spelling without which nothing can be judged is named, with its text and what Python said."""
    adapter = replace(REFERENCE, spellings={**REFERENCE.spellings, key: BROKEN[key]})
    with Engine(adapter) as engine:
        sentence = doctor.foundation(engine)
    assert sentence is not None
    assert sentence.startswith(f'reference: the spelling {key}: "{BROKEN[key]}" raised ')
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "adapter", [REFERENCE, REFERENCE.patched("reference.Tensor.__mul__ = reference.Tensor.__add__")]
)
def test_a_foundation_that_runs_is_none_of_our_business(adapter: Adapter) -> None:
    """An engine that runs to the end is judged, right or wrong: its wrong values are failures, with their witness."""
    with Engine(adapter) as engine:
        assert doctor.foundation(engine) is None


def test_the_doctor_names_the_broken_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Steps before the broken one work, and no case is tried after it."""
    assert doctor.examined(changed(tmp_path, add="{a}.plus({b})"), sys.executable, 20.0) == 3
    lines = " ".join(capsys.readouterr().out.split())
    assert 'leaf works mul works add error: the spelling add: "{a}.plus({b})" raised AttributeError: ' in lines
    assert "value_and_gradient" not in lines


def changed(folder: Path, patch: str = "", **spellings: str | None) -> str:
    """An adapter of the reference engine with other spellings; None leaves a key out."""
    path = folder / "own.py"
    path.write_text(
        "from dataclasses import replace\nfrom implementations.reference_eager import ADAPTER as REFERENCE\n"
        f"CHANGED = {{**REFERENCE.spellings, **{spellings!r}}}\n"
        "SPELLINGS = {key: text for key, text in CHANGED.items() if text is not None}\n"
        f"ADAPTER = replace(REFERENCE.patched({patch!r}), spellings=SPELLINGS)\n",
        encoding="utf-8",
    )
    return str(path)


_WRONG: Final = "from implementations.reference import core\ncore.Tensor.exp = lambda self: self + 2"
_MODES: Final = {"no_grad": None, "enable_grad": None}

# An adapter, what the doctor says of it, and its exit code.
CHECKUPS: Final[dict[str, tuple[dict[str, Any], str, int]]] = {
    "a spelling that raises is the adapter's fault": (
        {"exp": "{a}.exponential()"},
        "broken exp \"{a}.exponential()\": AttributeError: 'Tensor' object has no attribute 'exponential'; correct the spelling",
        3,
    ),
    "an exception that nothing maps is the adapter's fault": (
        {"detach": "[][0]"},
        'broken detach "[][0]": IndexError: list index out of range; correct the spelling, or leave it out',
        3,
    ),
    "a wrong number is the engine's": (
        {"patch": _WRONG},
        'wrong exp "{a}.exp()": expected [1. 1. 1.], got [2. 2. 2.]; the spelling runs, the engine does not conform',
        0,
    ),
    "what an engine's message holds is shown, never obeyed": (
        {"exp": "exec('raise ValueError(chr(27))')"},
        "ValueError: \\x1b; correct the spelling",
        3,
    ),
    "an option without effect is no right spelling, and one that works is to be pasted": (
        {"sum_axis": "{a}.sum({axis}, keepdim=True)"},
        'wrong sum_axis "{a}.sum({axis}, keepdim=True)": expected [4. 3.], got [[4.] [3.]] of shape (2, 1), not (2,); '
        'this works: "sum_axis": "{a}.sum({axis}, keepdim={keepdim})"',
        0,
    ),
    "what is left out and works is to be pasted": (
        {"detach": None},
        'declined detach but it works: add "detach": "{a}.detach()"',
        0,
    ),
    "a block that is left out and works": (_MODES, 'declined no_grad but it works: add "no_grad":', 0),
    "what is made of others is counted": ({"backward.cotangent": None}, "emulated 1: a cotangent, as sum(y * v)", 0),
}


@pytest.mark.parametrize("name", CHECKUPS)
def test_whose_fault_it_is(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The doctor tells a broken adapter from an engine that is wrong, and names what could be offered."""
    changes, sentence, code = CHECKUPS[name]
    assert doctor.examined(changed(tmp_path, **changes), sys.executable, 20.0) == code
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_a_right_adapter_has_nothing_to_mend(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the reference engine every spelling that is tried works, nothing is emulated, and nothing more is offered."""
    assert doctor.examined("reference", sys.executable, 20.0) == 0
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert not {"broken", "wrong", "declined"} & set(words)


# --- where an engine is found


def test_what_was_looked_for_is_said(plain: Path) -> None:
    """When neither the module nor the prelude can be imported, the sentence says what was sought, and where."""
    (plain.parent / "plain.py").unlink()
    with pytest.raises(EngineError) as refused:
        Engine(load(str(plain)))
    sentence = str(refused.value)
    assert "No module named 'plain'" in sentence
    assert all(place in sentence for place in (sys.executable, str(plain.parent), str(Path.cwd())))


def test_another_import_that_fails_is_said_as_it_is(plain: Path) -> None:
    """When the engine is there and its own import fails, nothing is said of places."""
    (plain.parent / "plain.py").write_text("import no_such_library\n", encoding="utf-8")
    with pytest.raises(EngineError, match=r"No module named 'no_such_library'$"):
        Engine(load(str(plain)))


def test_the_working_directory_shadows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the working directory, or beside the adapter, that are named as the standard library's do no harm."""
    shutil.copy(ROOT / "tests" / "fakes" / "plain.py", tmp_path / "heapq_plain.py")
    for name in ("types", "heapq", "json", "random"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')\n", encoding="utf-8")
    path = tmp_path / "own.py"
    path.write_text(example().replace("import plain", "import heapq, random, heapq_plain as plain"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert verdicts(load("own.py"), "accumulation/several_uses_sum") == {"accumulation/several_uses_sum": "pass"}


def test_an_engine_in_the_working_directory_is_found(
    plain: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter in another folder finds an engine in the working directory."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "own.py"
    elsewhere.write_text(example(), encoding="utf-8")
    monkeypatch.chdir(plain.parent)
    found: Any = verdicts(load(str(elsewhere)), "accumulation/several_uses_sum")
    assert set(found.values()) == {"pass"}
