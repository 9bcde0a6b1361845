"""A witness's script, run by itself: what it says, and what it prints where a value alone would show nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from conformance import showing
from conformance.adapter import load
from conformance.execution import Engine
from conformance.judge import Finding, judge
from conformance.program import Instruction, Program
from conformance.script import printed
from conformance.showing import Scripts, said
from conformance.witnesses import Witness
from tests.forked import Forked

REFERENCE: Final = load("reference")
EMPTY: Final = Program(
    "float64",
    (
        Instruction("leaf", ("x",), (), {"value": {"shape": [0], "values": []}, "requires_grad": True}),
        Instruction("apply", ("y",), ("x",), {"operator": "reshape", "shape": [0, 3]}),
        Instruction(
            "expect",
            (),
            ("y",),
            {"observe": "tensor", "relation": "equals", "value": {"shape": [0, 3], "values": []}, "why": "as asked"},
        ),
    ),
)
FLAT: Final = "reference.Tensor.reshape = lambda self, shape: self * 1.0"


@pytest.fixture(scope="module")
def forker() -> Iterator[Forked]:
    with Forked() as forked:
        yield forked


@pytest.mark.parametrize("alone", ["a process of its own", "forked"])
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("print(1)\nprint(2)", "1\n2\n"),
        ("raise SystemExit('gone')", "gone\n"),
        ("import time\ntime.sleep(30)", "no end within 1 s"),
        ("import sys\nprint('aside', file=sys.stderr)", ""),
        ("print(1)\nraise ValueError('no\\nmore')", "1\nValueError: no\nmore\n"),
        ("def f():\n    1 / 0\n\n\nf()", "ZeroDivisionError: division by zero\n"),
        ("print(object())", "<object object at 0x>\n"),
        ("import os\nos.abort()", "ended by signal 6\n"),
        ("import os\nos._exit(3)", "ended with code 3\n"),
        ("from implementations import reference\nprint(reference.tensor(2.0).item())", "2.0\n"),
    ],
)
def test_what_a_script_says(
    script: str, says: str, alone: str, forker: Forked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it prints, and how it ends; neither the lines that an exception passed nor an address, which differ anyway."""
    monkeypatch.setattr(showing, "_SECONDS", 1.0 if "sleep" in script else 20.0)
    if alone == "forked":
        monkeypatch.setattr(showing, "alone", forker.alone)
    assert said(script) == says


def found(program: Program, patch: str) -> tuple[Witness, Scripts]:
    """What a broken engine shows, and the scripts of it on that engine and on the one without the fault."""
    broken = REFERENCE.patched(patch)
    with Engine(broken) as engine:
        reply: Any = engine.run(program)
    witness = Witness(program, judge(program, reply).finding)
    assert witness.finding is not None
    return witness, Scripts.of(witness, broken, REFERENCE)


def test_the_shape_of_what_is_empty_is_printed() -> None:
    """Empty lists look alike: where the finding is their shape, it is printed beside them, and only there."""
    witness, scripts = found(EMPTY, FLAT)
    assert scripts.broken.endswith("print(y.tolist(), y.shape)  # expected [] of shape (0, 3)\n")
    assert scripts.differ()
    assert not Scripts.of(replace(witness, finding=None), REFERENCE.patched(FLAT), REFERENCE).differ()


def test_a_witness_is_read_with_its_finding_or_without() -> None:
    """A record says what was found, and its script prints it; the script of a program alone prints what it expects."""
    witness, scripts = found(EMPTY, FLAT)
    record = {**vars(witness.finding), "case": "a case", "witness": witness.program.to_json()}
    assert Witness.of(record) == witness
    assert printed(witness.program, REFERENCE.patched(FLAT), Witness.of(record).finding) == scripts.broken
    assert Witness.of(witness.program.to_json()) == Witness(witness.program)


def test_the_state_of_another_engine_is_not_printed() -> None:
    """A leak that another engine cannot have is no line of its script."""
    leak = Finding("fail", None, "the program changed the default dtype", "float32", "float64", also="default dtype")
    assert printed(EMPTY, REFERENCE, leak) == printed(EMPTY, REFERENCE)
    torch = load("torch")
    assert (
        printed(EMPTY, torch, leak) == printed(EMPTY, torch) + "print(torch.get_default_dtype())  # expected float32\n"
    )
