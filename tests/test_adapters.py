"""The adapters: tables that stay short, load no engine, and are well formed; and what is said of one that is not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import expectations, tables
from conformance.adapter import Adapter, builtin, load
from conformance.capabilities import CAPABILITIES, KINDS
from conformance.clause import specification
from conformance.errors import EngineError
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.operators import OPERATORS
from conformance.wellformed import FLOATS, faults
from tests.interpreters import interpreter

ROOT: Final = Path(__file__).resolve().parent.parent
ENGINES: Final = tuple(builtin())
LINES: Final = {"torch": 25, "mygrad": 28}
# A leaf, operators, a gradient by whatever means the engine has, and several uses of one value.
CORE: Final = ("accumulation/several_uses_sum", "control_flow/loop_and_branch")
REFERENCE: Final = load("reference")

_LOADED: Final = """
import sys
from conformance.adapter import builtin, load
print(*[name for name in builtin() if load(name).module in sys.modules])
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_an_adapter_is_short(engine: str) -> None:
    """No adapter is longer than 60 lines; an engine that speaks torch's protocol, or nearly, needs 25 or little more."""
    assert load(engine).lines <= LINES.get(engine, 60)


def test_the_wrapper_is_short() -> None:
    """What makes today's torch speak its API before 0.4 is no longer than an adapter may be."""
    wrapper = (ROOT / "implementations" / "variables.py").read_text(encoding="utf-8")
    assert len([line for line in wrapper.splitlines() if line.strip()]) <= 60


def test_no_adapter_loads_its_engine() -> None:
    """Reading every adapter imports no engine."""
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("engine", ENGINES)
def test_built_in_adapters_are_well_formed(engine: str) -> None:
    """Each spelling, filled in with names and literals, is Python, and so is the prelude."""
    adapter = load(engine)
    assert list(faults(adapter)) == []
    if adapter.language == "python":
        compile(adapter.prelude, "<prelude>", "exec")


def test_no_composed_operator_is_missing() -> None:
    """What an adapter says that its shape composes is something that it spells."""
    for engine in ENGINES:
        adapter = load(engine)
        assert set(adapter.composed) <= set(adapter.spellings)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_passes_the_core(engine: str) -> None:
    """An adapter that is right lets its engine make a leaf, apply operators and differentiate, but for what is known."""
    adapter = load(engine)
    dtype = next(name for name in FLOATS if name in adapter.dtypes)
    cases = [case for name in CORE for case in specification()[name].cases() if case.dtype == dtype]
    with Engine(adapter, interpreter(engine)) as started:
        records = [examine(case, started, Effort("quick", 7)) for case in cases]
    known = {case.id: "pass" for case in cases} | {id: row.verdict for id, row in expectations.load(engine).items()}
    assert {record["case"]: record["verdict"] for record in records} == {case.id: known[case.id] for case in cases}


# --- the table of capabilities


def test_every_operator_is_a_capability() -> None:
    """An operator of the specification is a key that an adapter may spell, with its operands and attributes."""
    for name, operator in OPERATORS.items():
        placeholders = set("abc"[: len(operator.domain)])
        assert set(CAPABILITIES[name].placeholders) == placeholders | set(operator.attributes)


def test_every_key_that_programs_ask_for_is_a_capability() -> None:
    """What the agent looks up in the spellings is in the table: no clause can ask for a key that nobody may spell."""
    source = (ROOT / "conformance" / "agent" / "lowering.py").read_text(encoding="utf-8")
    asked = set(re.findall(r'spelled\("([\w.]+)"|_statement\(it, "([\w.]+)"\)', source))
    assert {a or b for a, b in asked} <= CAPABILITIES.keys()


def test_every_refusal_of_the_model_is_a_kind() -> None:
    """A kind that the model refuses as, or a clause awaits, is one that an adapter's rows may name; the guide lists them."""
    sources = [ROOT / "conformance" / "model" / "protocol.py", *(ROOT / "conformance" / "clauses").glob("*.py")]
    texts = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert set(re.findall(r'(?:Refusal|refuses|attempting)\("(\w+)"\)', texts)) <= KINDS.keys()
    guide = (ROOT / "docs" / "writing-an-adapter.md").read_text(encoding="utf-8")
    assert {
        kind: meaning for kind, meaning in re.findall(r"^\| `(\w+)` \| (.+) \|$", guide, re.M) if kind in KINDS
    } == KINDS


def test_capabilities_are_explained() -> None:
    """`list capabilities` says of every key what its text may use and what it means, on lines that a terminal holds."""
    rows = {row[0]: row[1:] for row in tables.capabilities()}
    assert rows["mul"] == ("{a} {b}", "a * b, element by element")
    assert rows.keys() - {"KEY"} == CAPABILITIES.keys()
    assert max(map(len, tables.listed("capabilities").splitlines())) <= 130


def test_every_field_is_in_the_guide() -> None:
    """The guide's table has a row for each field of an adapter, and no others."""
    guide = (ROOT / "docs" / "writing-an-adapter.md").read_text(encoding="utf-8")
    table = guide.partition("## The fields of `Adapter`")[2].partition("##")[0]
    named = {name for row in re.findall(r"^\| (`[^|]*`) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert named == set(Adapter.__dataclass_fields__)


# --- adapters that are not well formed


def spelled(**rows: str | None) -> dict[str, str]:
    merged: dict[str, str | None] = {**REFERENCE.spellings, **rows}
    return {key: text for key, text in merged.items() if text is not None}


ILL_FORMED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "an unknown key": ({"spellings": spelled(shap="{a}.shape")}, "there is no key 'shap' (did you mean 'shape'?)"),
    "a strange key": ({"spellings": spelled(zzz="{a}")}, "there is no key 'zzz'; `list capabilities`"),
    "no text": ({"spellings": {**REFERENCE.spellings, "exp": None}}, "the spelling exp must be text, and is None"),
    "an unknown placeholder": (
        {"spellings": spelled(exp="{z}.exp()")},
        "the spelling exp: '{z}.exp()' has the placeholder {z}, which this key does not fill in; it has {a}",
    ),
    "no name in a placeholder": ({"spellings": spelled(exp="{}.exp()")}, "has the placeholder {}"),
    "a single brace": ({"spellings": spelled(exp="{a}.exp({)")}, "a brace that is meant is written twice"),
    "no Python": ({"spellings": spelled(sin="{a}.sin(")}, "the spelling sin: '{a}.sin(' is not Python: '(' was never"),
    "no expression": ({"spellings": spelled(mul="del {a}")}, "the spelling mul: 'del {a}' is not Python"),
    "no leaf": ({"spellings": spelled(leaf=None)}, "must spell the core, but lacks leaf"),
    "no operators": ({"spellings": spelled(add=None, sum=None)}, "must spell the core, but lacks add, sum"),
    "no gradient": ({"spellings": spelled(backward=None, grad=None)}, "but lacks backward or grad"),
    "a gradient that nothing reads": ({"spellings": spelled(grad_of=None)}, "but lacks grad_of, which reads what"),
    "no gradient of functions": ({"shape": "functional"}, "but lacks gradient"),
    "an unknown shape": ({"shape": "round"}, "has the shape 'round'; there are eager, functional"),
    "an unknown kind": (
        {"refusals": (("not_scaler", "ValueError", ""),)},
        "the refusal ('not_scaler', 'ValueError', '') has the unknown kind 'not_scaler' (did you mean 'not_scalar'?)",
    ),
    "a pattern that is none": (
        {"refusals": (("not_scalar", "ValueError", "("),)},
        "the refusal ('not_scalar', 'ValueError', '(') holds an invalid regular expression: missing )",
    ),
    "a row that is none": ({"refusals": ("not_scalar", "ValueError", "")}, "the refusal 'not_scalar' must be a row"),
    "a name with a slash": ({"name": "a/b"}, "the name 'a/b' must be made of letters"),
    "no name": ({"name": ""}, "the name '' must be made of letters"),
    "an unknown composed operator": ({"composed": ("summ",)}, "composed names 'summ', which is not spelled"),
    "no dtype": ({"dtypes": {}}, "must have one of the dtypes float64, float32"),
    "a version that is no Python": ({"version": "1.0.0"}, "the version: '1.0.0' is not Python"),
}


@pytest.mark.parametrize("fault", ILL_FORMED)
def test_what_is_wrong_is_said(fault: str) -> None:
    """An adapter that is not well formed is refused in a sentence that names the row."""
    changes, sentence = ILL_FORMED[fault]
    assert sentence in next(faults(replace(REFERENCE, **changes)))


def test_texts_of_another_language_are_left_alone() -> None:
    """An adapter for an agent of another language is checked for its keys alone."""
    foreign = replace(REFERENCE, command=("agent",), version="1.0.0", spellings=spelled(exp="${z} -> exp"))
    assert list(faults(foreign)) == []


def test_the_file_is_named(tmp_path: Path) -> None:
    """What is wrong with an adapter is said of its file, as an engine that does not load: exit code 4."""
    path = tmp_path / "own.py"
    path.write_text(
        "from dataclasses import replace\nfrom implementations.reference_eager import ADAPTER as REFERENCE\n"
        "ADAPTER = replace(REFERENCE, name='a b')\n",
        encoding="utf-8",
    )
    with pytest.raises(EngineError, match=re.escape(f"{path}: the name 'a b' must")) as refused:
        load(str(path))
    assert refused.value.exit_code == 4


# --- the agent's code


@pytest.mark.parametrize("path", sorted((ROOT / "conformance" / "agent").glob("*.py")), ids=lambda path: path.name)
def test_the_agent_runs_anywhere(path: Path) -> None:
    """The agent's files are read by Python 3.8, and import nothing but the standard library and each other."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {name.name.split(".")[0] for name in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert str(node.module).split(".")[0] in sys.stdlib_module_names | {"conformance_agent"}
