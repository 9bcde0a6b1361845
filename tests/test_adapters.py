"""The adapters: tables that stay short, load no engine, and are Python once they are filled in."""

from __future__ import annotations

import subprocess
import sys
from string import Formatter
from typing import Final

import pytest

from conformance.adapter import builtin, load
from conformance.clause import specification
from conformance.examination import examine
from conformance.execution import Engine
from tests.interpreters import interpreter

ENGINES: Final = tuple(builtin())
LINES: Final = {"torch": 25, "mygrad": 25}
# A leaf, operators, a gradient by whatever means the engine has, and several uses of one value.
CORE: Final = ("accumulation/several_uses_sum[float64]", "control_flow/loop_and_branch[float64]")

_LOADED: Final = """
import sys
from conformance.adapter import builtin, load
print(*[name for name in builtin() if load(name).module in sys.modules])
"""
# What a spelling's fields may be filled with; any other field takes a name.
_FILLINGS: Final = {"value": "[1.0]", "axis": "0", "index": "0", "shape": "(1,)", "positions": "(0,)", "flag": "True"}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_adapter_is_short(engine: str) -> None:
    """No adapter is longer than 60 lines; an engine that speaks torch's protocol, or nearly, needs 25."""
    assert load(engine).lines <= LINES.get(engine, 60)


def test_no_adapter_loads_its_engine() -> None:
    """Reading every adapter imports no engine."""
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("engine", ENGINES)
def test_every_spelling_is_python(engine: str) -> None:
    """Each spelling, filled in with names and literals, compiles; so do the prelude, the version and the state."""
    adapter = load(engine)
    for key, template in adapter.spellings.items():
        compile(_statement(key, _filled(template)), f"<{key}>", "exec")
    compile(adapter.prelude, "<prelude>", "exec")
    compile(adapter.version, "<version>", "eval")
    compile(f"with {adapter.around or 'nothing'}: pass", "<around>", "exec")
    for read, restore in adapter.state.values():
        compile(read, "<read>", "eval")
        compile(restore, "<restore>", "exec")


def _filled(template: str) -> str:
    fields = {field for _, field, _, _ in Formatter().parse(template) if field}
    names = {field: _FILLINGS.get(field, field) for field in fields}
    return template.format(**{**names, "options": "", "arguments": ""})


def _statement(key: str, text: str) -> str:
    """The statement in which a spelling stands: options are arguments of a call, modes head a block."""
    if key.startswith(("backward.", "grad.")):
        return f"call({text})"
    return f"with {text}: pass" if key in ("no_grad", "enable_grad") else text


def test_no_composed_operator_is_missing() -> None:
    """What an adapter says that its shape composes is something that it spells."""
    for engine in ENGINES:
        adapter = load(engine)
        assert set(adapter.composed) <= set(adapter.spellings)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_passes_the_core(engine: str) -> None:
    """An adapter that is right lets its engine make a leaf, apply operators, use a value often and differentiate."""
    cases = [case for clause in specification().values() for case in clause.cases() if case.id in CORE]
    with Engine(load(engine), interpreter(engine)) as started:
        records = [examine(case, started, "quick", 7, None) for case in cases]
    assert {record["case"]: record["verdict"] for record in records} == dict.fromkeys(CORE, "pass")
