"""The agent protocol: schema, document and code say the same, and `agent check` finds what an agent does wrong."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from conformance import agent_check, cli
from conformance.adapter import Adapter, load
from conformance.agent.text import clipped
from conformance.capabilities import KINDS
from conformance.clause import Case, specification
from conformance.examination import Effort, examine
from conformance.execution import Agent, Engine
from conformance.program import VERBS, Instruction, Program
from conformance.reply import Malformed, checked
from conformance.schema import PATH, agent_protocol
from tests.interpreters import interpreter

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = (ROOT / "docs" / "agent-protocol.md").read_text(encoding="utf-8")
SCHEMA: Final[dict[str, Any]] = agent_protocol()
REFERENCE: Final = load("reference")
Json = dict[str, Any]


def validator(name: str) -> Draft202012Validator:
    """The validator of one of the schema's definitions."""
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


# --- the schema


def test_the_schema_is_made_of_the_tables() -> None:
    """The committed copy is what the code makes, so that it cannot drift; it is a schema of the draft that it names."""
    assert json.loads(PATH.read_text(encoding="utf-8")) == SCHEMA
    Draft202012Validator.check_schema(SCHEMA)


def test_every_option_is_described() -> None:
    """No option of a verb may be just anything."""
    for verb in VERBS:
        for name, described in SCHEMA["$defs"][f"instruction.{verb}"]["properties"]["options"]["properties"].items():
            assert described, (verb, name)


class Silent:
    """In an engine's place: it declines every program, and keeps it."""

    def __init__(self) -> None:
        self.adapter = replace(load("torch"), speaks=("torch", "variable"))
        self.python, self.timeout = sys.executable, 20.0
        self.programs: list[Json] = []

    def run(self, program: Program) -> Json:
        self.programs.append(program.to_json(answers=False))
        return {"declined": ["everything"]}


def _asked() -> Iterator[Case]:
    """Every clause in one dtype: random programs of every kind, a case or two of the others."""
    for clause in specification().values():
        cases = [case for case in clause.cases() if case.dtype == "float32"]
        yield from cases if clause.writer else cases[:: max(1, len(cases) - 1)]


def test_what_the_harness_sends_is_in_the_schema() -> None:
    """Programs of every case validate, and every verb but those that only a user may need is among them."""
    engine: Any = Silent()
    for case in _asked():
        examine(case, engine, Effort("quick", 3))
    assert len(engine.programs) > 400
    kinds = {verb: validator(f"instruction.{verb}") for verb in VERBS}
    sent = {json.dumps({**it, "index": 0}): it for program in engine.programs for it in _flat(program["instructions"])}
    for it in list(sent.values())[::3]:
        assert (found := next(kinds[it["verb"]].iter_errors(it), None)) is None, (found, it)
    short = [program for program in engine.programs if len(program["instructions"]) < 20]
    assert all(map(validator("program").is_valid, short[::40]))
    assert {it["verb"] for it in sent.values()} == VERBS.keys()
    assert {it["options"]["observe"] for it in sent.values() if it["verb"] == "expect"} <= _rows("observe").keys()


def _flat(instructions: list[Json]) -> Iterator[Json]:
    for it in instructions:
        yield it
        yield from _flat(it["body"])


BROKEN: Final[dict[str, Any]] = {
    "an unknown verb": {"verb": "teleport"},
    "an unknown option": {"options": {"operator": "mul", "speed": 3}},
    "an unknown operator": {"options": {"operator": "no_such"}},
    "no operator": {"options": {}},
    "a body": {"body": [{}]},
    "no name": {"out": []},
    "a number that is no scalar": {"args": ["x", 2]},
    "a decimal": {"args": ["x", {"scalar": "0.5"}]},
    "a text as axis": {"options": {"operator": "sum_axis", "axis": "0"}},
    "something more": {"why": "because"},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_schema_refuses(fault: str) -> None:
    """An instruction with a fault does not validate, and without it does."""
    right = Instruction("apply", ("y",), ("x",), {"operator": "mul"})
    data = Program("float32", (right,)).to_json()["instructions"][0]
    validate = validator("instruction")
    assert validate.is_valid(data)
    assert not validate.is_valid({**data, **BROKEN[fault]})


# --- replies: the schema and the harness agree

_PROGRAM: Final = Program(
    "float64",
    (
        Instruction("attempt", ("end",)),
        Instruction("expect", (), ("end",), {"observe": "outcome"}),
        Instruction("expect", (), ("x",), {"observe": "tensor"}),
        Instruction("expect", (), ("h",), {"observe": "calls"}),
        Instruction("expect", (), ("w",), {"observe": "warnings"}),
        Instruction("expect", (), ("x",), {"observe": "text"}),
        Instruction("expect", (), ("x",), {"observe": "is_leaf"}),
    ),
)
_ARRAY: Final[Json] = {"shape": [1], "values": ["1"]}
_OBSERVED: Final[dict[int, Json]] = {
    1: {"outcome": "refused", "at": 0, "kind": None, "type": "E", "message": ""},
    2: _ARRAY,
    3: {"calls": [_ARRAY, {"flag": True}]},
    4: {"warnings": ["w"]},
    5: {"text": "t"},
    6: {"flag": "f"},
}


def _reply(changed: dict[int, Any] | None = None, **fields: Any) -> Json:
    observations = [[index, seen] for index, seen in {**_OBSERVED, **(changed or {})}.items()]
    whole: Json = {"ran": 1, "observations": observations, "failure": None, "declined": [], "leaks": [], "seconds": 0.5}
    return {**whole, **fields}


def _without(field: str) -> Json:
    return {key: value for key, value in _reply().items() if key != field}


def _number(text: Any) -> Json:
    return _reply({2: {"shape": [1], "values": [text]}})


_NUMBERS: Final = ("0", "-3", "1/2", "-1/2", "0.1", "-0.0", "1e-05", "1e+16", "1.5E3", "nan", "inf", "-inf")
_NO_NUMBERS: Final = (
    "",
    "one",
    "1/0",
    "1.",
    ".5",
    "0x1",
    "1_000",
    " 1",
    "NaN",
    "Infinity",
    "-nan",
    "--1",
    "1/-2",
    1,
    None,
)
_REFUSED: Final = _OBSERVED[1]
LEGAL: Final[dict[str, Json]] = {
    "everything": _reply(),
    "accepted": _reply({1: {"outcome": "accepted"}}),
    "a kind": _reply({1: {**_REFUSED, "kind": "dtype", "spelling": "mul", "template": "{a}"}}),
    "absent": _reply({2: {"absent": True}}),
    "a dtype": _reply({2: {**_ARRAY, "dtype": "float64"}}),
    "an empty array": _reply({2: {"shape": [0], "values": []}}),
    "a leak": _reply(leaks=[{"name": "n", "before": "b", "after": "a"}]),
    "lowered": _reply(lowered=["mean of other operators"]),
    "declined": _reply(declined=["roll"], observations=[]),
    **{f"the number {text!r}": _number(text) for text in _NUMBERS},
}
ILLEGAL: Final[dict[str, Json]] = {
    **{f"no {key}": _without(key) for key in ("observations", "failure", "declined", "leaks", "seconds")},
    "an unknown kind": _reply({1: {**_REFUSED, "kind": "no_such_kind"}}),
    "no kind": _reply({1: {key: value for key, value in _REFUSED.items() if key != "kind"}}),
    "no message": _reply({1: {**_REFUSED, "message": None}}),
    "an index that is a flag": _reply({1: {**_REFUSED, "at": True}}),
    "another outcome": _reply({1: {"outcome": "perhaps"}}),
    "an outcome that is none": _reply({1: {"outcome": None}}),
    "no shape": _reply({2: {"values": ["1"]}}),
    "a negative extent": _reply({2: {"shape": [-1], "values": []}}),
    "a dtype that is no text": _reply({2: {**_ARRAY, "dtype": 3}}),
    "a call that is none": _reply({3: {"calls": [1]}}),
    "a warning that is none": _reply({4: {"warnings": [1]}}),
    "a text that is none": _reply({5: {"text": 1}}),
    "a flag that is none": _reply({6: {"flag": 1}}),
    "an entry of three": _reply(observations=[[1, {}, 2]]),
    "a failure that is none": _reply(failure={}),
    "a failure before the program": _reply(failure={**_REFUSED, "at": -1}),
    "a leak without a name": _reply(leaks=[{"before": "b", "after": "a"}]),
    "negative seconds": _reply(seconds=-1.0),
    "seconds as text": _reply(seconds="1"),
    "seconds as a flag": _reply(seconds=True),
    "declined numbers": _reply(declined=[1]),
    **{f"the number {text!r}": _number(text) for text in _NO_NUMBERS},
}


@pytest.mark.parametrize("what", LEGAL)
def test_a_legal_reply_is_legal_for_both(what: str) -> None:
    """The schema and the harness take the same replies."""
    assert next(validator("ran").iter_errors(LEGAL[what]), None) is None
    assert checked(LEGAL[what], _PROGRAM)


@pytest.mark.parametrize("what", ILLEGAL)
def test_an_illegal_reply_is_illegal_for_both(what: str) -> None:
    """The schema and the harness refuse the same replies."""
    assert not validator("ran").is_valid(ILLEGAL[what])
    with pytest.raises(Malformed):
        checked(ILLEGAL[what], _PROGRAM)


# --- the document


def _rows(head: str) -> dict[str, list[str]]:
    """The rows of the document's table whose first column is called `head`: a row for each name in that column."""
    table = re.search(rf"^\| `?{head}`? \|.*?\n\n", DOCUMENT, re.M | re.S)
    assert table is not None
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.group().strip().splitlines()[2:]]
    return {name: row for row in cells for name in re.findall(r"`(\w+)`", row[0])}


def test_the_document_has_every_verb() -> None:
    """A row for each verb, with its options and no others."""
    rows = _rows("verb")
    assert rows.keys() == VERBS.keys()
    for verb, row in rows.items():
        assert set(re.findall(r"`(\w+)`", row[3])) == VERBS[verb].options, verb
        assert ("block" in row[4]) == VERBS[verb].block or verb == "hook", verb


def test_the_document_has_every_refusal() -> None:
    """The paragraph about refusals lists the kinds."""
    paragraph = DOCUMENT.partition("## Refusals")[2].partition("[what each means]")[0]
    assert set(re.findall(r"`(\w+)`", paragraph)) - {"refusals"} == KINDS.keys()


def _transcript() -> list[tuple[str, Json]]:
    """The document's session: arrows and messages."""
    text = DOCUMENT.partition("```text transcript\n")[2].partition("```")[0]
    parts = re.split(r"^([→←]) ", text, flags=re.M)[1:]
    return [(arrow, json.loads(message)) for arrow, message in zip(parts[::2], parts[1::2], strict=True)]


class Raw(Agent):
    """An agent that is sent what a test wants."""

    def exchange(self, message: Json, replies: int) -> list[Json]:
        self._send(message, 1e9)
        return [dict(self._receive(1e9)) for _ in range(replies)]


def _blurred(message: Any, pattern: Any) -> Any:
    """The message with `…` where the pattern has it, and without what the pattern leaves out of a refusal."""
    if pattern == "…" and isinstance(message, str):
        return "…"
    if isinstance(pattern, dict) and isinstance(message, dict):
        optional = ("spelling", "template", "lowered")
        return {
            key: _blurred(it, pattern.get(key)) for key, it in message.items() if key in pattern or key not in optional
        }
    if isinstance(pattern, list) and isinstance(message, list) and len(message) == len(pattern):
        return [_blurred(it, other) for it, other in zip(message, pattern, strict=True)]
    if pattern == 0.0002:
        return pattern
    known = isinstance(message, str) and isinstance(pattern, str) and validator("number").is_valid(message)
    return pattern if known and validator("number").is_valid(pattern) and float(message) == float(pattern) else message


@pytest.mark.parametrize("engine", ["reference", "kernels", "tfjs"])
def test_the_documents_session_is_what_happens(engine: str) -> None:
    """Sent what the document sends, an agent answers what the document answers; and all of it validates."""
    adapter, session = load(engine), _transcript()
    agent = Raw(adapter, interpreter(engine))
    try:
        for position, (arrow, message) in enumerate(session):
            assert validator("sent" if arrow == "→" else "received").is_valid(message) or "teleport" in str(message)
            if arrow == "→":
                answers = []
                for other, answer in session[position + 1 :]:
                    if other == "→":
                        break
                    answers.append(answer)
                sent = {"hello": {"protocol": 1, "adapter": adapter.to_json()}} if "hello" in message else message
                found = agent.exchange(sent, len(answers))
                assert [_blurred(it, answer) for it, answer in zip(found, answers, strict=True)] == answers
    finally:
        agent.close()


@pytest.mark.parametrize("engine", ["reference", "torch", "tfjs"])
def test_what_agents_answer_is_in_the_schema(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message of real agents, over clauses of all kinds, validates."""
    heard: list[Json] = []
    receive = Agent._receive

    def listening(self: Agent, deadline: float) -> Any:
        heard.append(dict(receive(self, deadline)))
        return heard[-1]

    monkeypatch.setattr(Agent, "_receive", listening)
    cases = [case for case in _asked() if not case.clause.writer][::5]
    with Engine(load(engine), interpreter(engine)) as started:
        for case in cases:
            examine(case, started, Effort("quick", 0))
    validate = validator("received")
    assert len(heard) > 50
    for message in heard[::3]:
        assert (found := next(validate.iter_errors(message), None)) is None, (found, message)


# --- programs that are traced, and verbs of another version


def _twice() -> Json:
    body = (
        Instruction("apply", ("z",), ("y",), {"operator": "sin"}),
        Instruction("apply", ("y",), ("z",), {"operator": "cos"}),
    )
    value = {"shape": [1], "values": ["1"]}
    leaf = Instruction("leaf", ("x",), (), {"value": value, "requires_grad": True})
    return Program("float32", (leaf, Instruction("repeat", ("y",), ("x",), {"times": 2}, body))).to_json()


@pytest.mark.parametrize("engine", ["reference", "tfjs"])
def test_a_loop_may_be_traced(engine: str) -> None:
    """The instructions of a loop are announced in every round."""
    agent = Agent(load(engine), interpreter(engine))
    try:
        reply = agent.run(_twice(), True, 20.0)
    finally:
        agent.close()
    assert reply["failure"] is None
    assert agent.at == 3


def test_a_verb_of_another_version_is_declined() -> None:
    """The agent for Python declines a verb that it does not know."""
    agent = Agent(REFERENCE, sys.executable)
    program = {**_twice(), "instructions": [{**_twice()["instructions"][0], "verb": "teleport"}]}
    try:
        assert agent.run(program, False, 20.0)["declined"] == ["teleport"]
    finally:
        agent.close()


# --- agent check


def _spoiled(mode: str) -> Adapter:
    return replace(REFERENCE, command=(sys.executable, str(ROOT / "tests" / "fakes" / "spoiled.py"), mode))


@pytest.fixture(autouse=True)
def _spoiled_agents_find_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def _said(adapter: Adapter, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    """The exit code, what failed, and all that was printed."""
    code = agent_check.examined(adapter, sys.executable, 5.0)
    text = capsys.readouterr().out
    return code, re.findall(r"^FAIL  (.*?): ", text, re.M), text


@pytest.mark.parametrize("engine", ["reference", "torch", "tfjs"])
def test_our_agents_speak_the_protocol(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check of `agent check` is ok for the agents that we have."""
    interpreter(engine)
    code, failed, text = _said(load(engine), capsys)
    assert (code, failed) == (0, [])
    assert text.count("ok ") == len(agent_check.CHECKS) + 1


@pytest.mark.parametrize("check", agent_check.CHECKS, ids=lambda check: check.what)
def test_a_check_finds_its_fault(check: agent_check.Check, capsys: pytest.CaptureFixture[str]) -> None:
    """An agent spoiled in one way fails the check for it, which says what to do, and no other."""
    modes = ["computes", "reads and writes", "writes inf", "keeps shapes", "declines an unknown verb"]
    modes += ["declines an unknown operator", "reports a refusal", "reports a failure", "forgets names"]
    modes += ["answers twice", "announces", "takes long lines", "ends"]
    (mode,) = [mode for mode in modes if check.what.startswith(mode)]
    code, failed, text = _said(_spoiled(mode), capsys)
    assert code == 4
    assert f"FAIL  {check.what}: " in text
    assert check.advice in text
    assert len(failed) == 1, text


def test_a_check_that_could_not_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    """An agent may decline attempts; that check is then neither well nor wrong."""
    code, failed, text = _said(_spoiled("declines attempts"), capsys)
    assert (code, failed) == (0, [])
    assert "--    reports a refusal in an attempt: the agent declines attempts" in text
    assert text.count("ok ") == len(agent_check.CHECKS)


def test_a_greeting_without_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing of the greeting is said, and nothing else asked."""
    code, _, text = _said(_spoiled("greets"), capsys)
    assert code == 4
    assert text == "FAIL  greets: ready lacks version, as texts\n"


def test_a_lost_agent_is_started_again(capsys: pytest.CaptureFixture[str]) -> None:
    """An agent that sends an endless line fails at once, and the reason is said."""
    code, failed, text = _said(_spoiled("an endless line"), capsys)
    assert code == 4
    assert len(failed) == 1
    assert "a line of more than 4000000 bytes" in text


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`agent check` takes an adapter, a command, or both; without either it is a mistake of usage."""
    spoiled = _spoiled("nothing").command
    assert cli.main(["agent", "check", "--engine", "reference"]) == 0
    assert cli.main(["agent", "--engine", "reference", "check", "--", *spoiled]) == 0
    assert cli.main(["agent", "check", "--", "/nowhere/agent"]) == 4
    assert cli.main(["agent", "check"]) == 2
    captured = capsys.readouterr()
    assert captured.out.count("the agent speaks the protocol") == 2
    assert "cannot start /nowhere/agent" in captured.err
    assert "agent check -- node agent.mjs" in captured.err


def test_texts_are_as_long_as_the_document_says() -> None:
    """What the document says of long texts is what the agent for Python does."""
    assert clipped("x" * 3000).startswith("x" * 2000 + "...")
    assert "cut after 2,000 characters" in DOCUMENT
