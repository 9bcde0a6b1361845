"""Programs as data: what survives JSON, how instructions are numbered and cut, and who knows which verb."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.adapter import Adapter, load
from conformance.agent import interpreter, lowering, printing
from conformance.clause import specification
from conformance.errors import ConformanceError
from conformance.program import VERBS, Instruction, Program, Scalar
from tests.test_protocol import cubic_program, program_of
from tests.test_specification import cases, recorded

VALUE: Final = {"shape": [2], "values": ["1/3", "-2"]}
LEAF: Final = Instruction("leaf", ("x",), (), {"value": VALUE, "requires_grad": True})
EXPECT: Final = Instruction("expect", (), ("x",), {"observe": "grad", "relation": "equals", "value": VALUE, "why": ""})


def nested() -> st.SearchStrategy[Program]:
    """Programs of blocks within blocks."""
    alone = st.sampled_from([LEAF, EXPECT, Instruction("raise"), Instruction("retain_grad", (), ("x",))])
    blocks = st.sampled_from(["no_grad", "enable_grad", "catch"])
    bodies = st.recursive(
        st.lists(alone, max_size=3).map(tuple),
        lambda inner: st.lists(
            alone | st.builds(lambda verb, body: Instruction(verb, body=body), blocks, inner), max_size=4
        ).map(tuple),
        max_leaves=8,
    )
    return bodies.map(lambda body: Program("float64", body))


programs = nested() | st.integers(0, 10**6).map(program_of) | st.integers(0, 10**6).map(cubic_program)


def reread(program: Program) -> Program:
    return Program.from_json(json.loads(json.dumps(program.to_json())))


@given(programs)
@settings(max_examples=150, deadline=None)
def test_json_keeps_a_program(program: Program) -> None:
    """A program that was written and read is the same program, to the last digit of its numbers."""
    assert reread(program) == program


@pytest.mark.parametrize("clause", specification())
def test_json_keeps_what_clauses_record(clause: str) -> None:
    """What a clause records survives JSON."""
    found = [program for name, case in cases().items() if case.clause.id == clause for program in recorded(name)[1]]
    assert found
    assert all(reread(program) == program for program in found)


@given(programs)
@settings(max_examples=100, deadline=None)
def test_numbers_agree(program: Program) -> None:
    """An instruction's number in JSON is the one that `walk` gives it: a block's comes before its body's."""
    written: list[tuple[int, str]] = []

    def collect(instructions: list[dict[str, Any]]) -> None:
        for it in instructions:
            written.append((it["index"], it["verb"]))
            collect(it["body"])

    collect(program.to_json()["instructions"])
    assert written == [(number, it.verb) for number, it in program.walk()]
    assert [number for number, _ in written] == list(range(len(written)))


@given(programs, st.data())
@settings(max_examples=150, deadline=None)
def test_until_keeps_exactly_what_came_before(program: Program, data: st.DataObject) -> None:
    """Cut after n, a program has the instructions 0 to n, each as deep in blocks as before."""
    total = len(list(program.walk()))
    last = data.draw(st.integers(0, max(0, total - 1)))
    cut = program.until(last)
    assert skeleton(cut) == skeleton(program)[: last + 1]
    assert program.until(total) == program


def skeleton(program: Program) -> list[tuple[int, Instruction]]:
    """Each instruction without its body, with its depth."""

    def lines(body: tuple[Instruction, ...], depth: int) -> list[tuple[int, Instruction]]:
        found = []
        for it in body:
            found.append((depth, Instruction(it.verb, it.out, it.args, it.options)))
            found += lines(it.body, depth + 1)
        return found

    return lines(program.instructions, 0)


def test_length_counts_what_does_something() -> None:
    """Expectations only look; operators are named once each."""
    body = (LEAF, EXPECT, Instruction("apply", ("y",), ("x", Scalar("2")), {"operator": "mul"}))
    program = Program("float32", (Instruction("no_grad", body=body), body[2]))
    assert len(program) == 4
    assert program.operators() == ("mul",)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Instruction("explode"), "unknown verb 'explode'"),
        (lambda: Instruction("detach", options={"how": "zero"}), "detach does not take how"),
        (lambda: Instruction("leaf", body=(LEAF,)), "leaf takes no body"),
    ],
)
def test_an_instruction_is_one_of_the_table(make: Callable[[], Instruction], said: str) -> None:
    """An unknown verb, an option that its verb does not take and a body where there is none are refused."""
    with pytest.raises(ConformanceError, match=said):
        make()


GOOD: Final = Program("float64", (LEAF,)).to_json()


@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        {**GOOD, "schema": 2},
        {**GOOD, "instructions": None},
        {**GOOD, "instructions": ["leaf"]},
        {**GOOD, "instructions": [{"verb": "leaf"}]},
        {**GOOD, "instructions": [{**GOOD["instructions"][0], "verb": ["leaf"]}]},
        {**GOOD, "instructions": [{**GOOD["instructions"][0], "verb": "explode"}]},
        {**GOOD, "instructions": [{**GOOD["instructions"][0], "args": [1]}]},
        {**GOOD, "instructions": [{**GOOD["instructions"][0], "options": "none"}]},
        {**GOOD, "instructions": [{**GOOD["instructions"][0], "options": {"colour": 1}}]},
        {**GOOD, "instructions": [{**GOOD["instructions"][0], "body": GOOD["instructions"]}]},
    ],
)
def test_what_is_no_program_is_refused(broken: Any) -> None:
    """JSON of another schema, shape or vocabulary ends in one sentence, never in a traceback."""
    with pytest.raises(ConformanceError):
        Program.from_json(broken)


# --- the agent's side: one example of every verb

EXAMPLES: Final = {
    it.verb: it
    for it in (
        LEAF,
        Instruction("variable", ("x",), (), {"value": VALUE, "requires_grad": True, "volatile": False}),
        Instruction("rewrap", ("y",), ("x",), {"requires_grad": True}),
        Instruction("apply", ("y",), ("x", Scalar("-1/2")), {"operator": "mul"}),
        Instruction("gradients", ("g",), ("y", "x"), {"cotangent": "c"}),
        Instruction("backward", (), ("y",), {"cotangent": "c", "retain_graph": True}),
        Instruction("grad", ("g",), ("y", "x"), {"create_graph": True}),
        Instruction("read_grad", ("g",), ("x",)),
        Instruction("set_grad", (), ("x", "g")),
        Instruction("unbind", ("y", "y2"), ("x",)),
        Instruction("drop", (), ("x",)),
        Instruction("native", (), ("x",), {"text": "{ns}.exp({0})"}),
        Instruction("warned", ("w",), (), {}, (LEAF,)),
        Instruction("thread", body=(LEAF,)),
        Instruction("clear", (), ("x",), {"how": "zero"}),
        Instruction("write", (), ("y", Scalar("2")), {"how": "set", "index": 0}),
        Instruction(
            "repeat", ("y",), ("x",), {"times": 3}, (Instruction("apply", ("y",), ("y", "x"), {"operator": "add"}),)
        ),
        Instruction("detach", ("u",), ("x",)),
        Instruction("require_grad", ("q",), ("x",), {"flag": True}),
        Instruction("retain_grad", (), ("y",)),
        Instruction("hook", ("h",), ("y",), {"body": [{"scale": "2"}]}),
        Instruction("remove", (), ("h",)),
        Instruction("raise"),
        Instruction("no_grad", body=(LEAF,)),
        Instruction("enable_grad", body=(LEAF,)),
        Instruction("attempt", ("a",), (), {}, (LEAF,)),
        Instruction("catch", body=(LEAF,)),
        EXPECT,
    )
}


@pytest.fixture(scope="module")
def reference() -> Adapter:
    adapter = load("reference")
    return replace(adapter, spellings={**adapter.spellings, "native": "reference"})


@pytest.mark.parametrize("verb", VERBS)
def test_the_agent_lowers_every_verb(verb: str, reference: Adapter) -> None:
    """Each verb of a program becomes steps that the interpreter runs, and lines that a script shows."""
    program = Program("float64", (EXAMPLES[verb],)).to_json()
    steps = lowering.Lowering(program, reference.to_json()).whole(program["instructions"])
    assert steps
    assert all(hasattr(interpreter.Run, f"_{step[0]}") and step[1] == 0 for step in steps)
    compile(printing.script(program, reference.to_json(), {}), "<script>", "exec")


def test_the_agent_knows_no_other_verb() -> None:
    """What lowers an instruction is named after a verb of programs, and has the same options."""
    inner = {"by_backward", "by_function"}
    handlers = {
        name[1:]
        for name, method in vars(lowering.Lowering).items()
        if name.startswith("_") and callable(method) and list(inspect.signature(method).parameters) == ["self", "it"]
    }
    assert handlers - inner | set(lowering.MODES) == set(VERBS)
    assert {verb: set(options) for verb, options in lowering.OPTIONS.items()} == {
        verb: set(VERBS[verb].options) for verb in lowering.OPTIONS
    }
    assert all(VERBS[verb].block for verb in lowering.MODES)


def test_several_backwards_are_noticed() -> None:
    """A program accumulates when backward runs more than once, inside a block or out of it."""
    once = Instruction("backward", (), ("y",), {})
    assert not Program("float64", (LEAF, once)).accumulates()
    assert Program("float64", (LEAF, once, Instruction("attempt", ("a",), (), {}, (once,)))).accumulates()


def test_an_engine_is_not_told_the_answers() -> None:
    """What is sent to an agent says what to look at; neither a number that is expected nor a reason is in it."""
    options = {"observe": "tensor", "relation": "equals", "value": {"shape": [], "values": ["31337"]}, "why": "because"}
    program = Program("float64", (LEAF, Instruction("expect", (), ("x",), options)))
    sent = program.to_json(answers=False)
    assert sent["instructions"][1]["options"] == {"observe": "tensor"}
    assert "31337" not in json.dumps(sent)
    assert sent["instructions"][0] == program.to_json()["instructions"][0]
