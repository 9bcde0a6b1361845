"""The judge: each relation both ways, and the verdict of everything that an engine can answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.clause import Clause
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.judge import RELATIONS, Finding, judge, number, show, show_expected, unmapped
from conformance.program import Instruction, Program
from conformance.reply import Malformed, checked
from conformance.tensor import SpecificationError, expect, refuses, tensor
from tests.test_specification import Recording

Json = dict[str, Any]
ABSENT: Final[Json] = {"absent": True}


def array(*values: str, shape: tuple[int, ...] | None = None, **more: Any) -> Json:
    return {"shape": list((len(values),) if shape is None else shape), "values": list(values), **more}


def wants(value: Json, observe: str = "tensor", relation: str = "equals", **options: Any) -> Instruction:
    named = "attempt" if observe == "outcome" else "x"
    return Instruction(
        "expect",
        (),
        (named,),
        {"observe": observe, "relation": relation, "value": value, "why": "because", **options},
    )


def reply(*observations: tuple[int, Json], **more: Any) -> Json:
    empty: Json = {"failure": None, "declined": [], "leaks": [], "seconds": 0.0}
    return {**empty, "observations": [list(pair) for pair in observations], **more}


def verdict(instruction: Instruction, seen: Json, dtype: str = "float64") -> str:
    """The verdict of one expectation, of which one comparison must have been made."""
    judgement = judge(Program(dtype, (instruction,)), reply((0, seen)))
    assert judgement.compared == 1
    return judgement.finding.verdict if judgement.finding else "pass"


# --- relations


@pytest.mark.parametrize(
    ("seen", "holds"),
    [
        (array("1.0", "0.5"), True),
        (array("1", "0.5"), True),
        (array("1.0", "0.5", dtype="float64"), True),
        (array("1.0", "0.5", dtype="float32"), False),
        (array("1.0", "0.5", shape=(1, 2)), False),
        (array("1.0", "0.5", shape=(2, 1)), False),
        (array("1.0", "0.5000000000000001"), False),
        (array("0.5", "1.0"), False),
        (array("1.0"), False),
        (array("1.0", shape=(2,)), False),
        (array("1.0", "0.5", "0.0", shape=(2,)), False),
        (array("1.0", "nan"), False),
        (array("1.0", "inf"), False),
        (ABSENT, False),
        (array("0.0", "0.0"), False),
    ],
    ids=range(15),
)
def test_tensors_are_equal_by_value_shape_and_dtype(seen: Json, holds: bool) -> None:
    """Equal to the last bit, in shape, and in dtype where the engine shows one."""
    assert (verdict(wants(array("1", "1/2")), seen) == "pass") is holds


def test_another_shape_is_said() -> None:
    """Nobody has to count brackets; the shape of what is empty is part of its text anyway."""
    program = Program("float64", (wants(array("0", shape=(1, 1))),))
    found = judge(program, reply((0, array("0", shape=(1, 1, 1))))).finding
    assert found is not None
    assert (found.expected, found.got) == ("[[0.]]", "[[[0.]]] of shape (1, 1, 1), not (1, 1)")
    wrong = judge(program, reply((0, array("1", shape=(1, 1))))).finding
    assert wrong is not None
    assert wrong.got == "[[1.]]"


@pytest.mark.parametrize("zero", ["0", "0.0", "-0.0", "-0"])
def test_zeros_have_no_sign(zero: str) -> None:
    """Negative zero is zero."""
    assert verdict(wants(array("0")), array(zero)) == "pass"


@pytest.mark.parametrize("odd", ["nan", "-nan", "inf", "-inf"])
@pytest.mark.parametrize("relation", RELATIONS)
def test_nan_and_infinities_are_never_right(odd: str, relation: str) -> None:
    """No rational equals or bounds NaN or an infinity, not even as one of several."""
    values: dict[str, Json] = {
        "equals": array("0"),
        "one_of": {"choices": [array("0"), ABSENT]},
        "within": {"low": array("-1000"), "high": array("1000")},
        "matches": {"patterns": ["^$"]},
        "near": {**array("0"), "allowed": ["1000"]},
    }
    assert verdict(wants(values[relation], relation=relation), array(odd)) == "fail"


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_compared_exactly(a: float, b: float) -> None:
    """An engine's decimal stands for the binary64 that it reads back as: equal just when the floats are."""
    assert number(repr(a)) == number(str(number(repr(a))))
    assert (verdict(wants(array(str(number(repr(a))))), array(repr(b))) == "pass") is (a == b)


def test_no_gradient_is_not_zeros() -> None:
    """An absent gradient and a gradient of zeros differ, in both directions; a clause may admit both."""
    zeros = array("0", "0")
    assert verdict(wants(ABSENT, "grad"), ABSENT) == "pass"
    assert verdict(wants(ABSENT, "grad"), zeros) == "fail"
    assert verdict(wants(zeros, "grad"), ABSENT) == "fail"
    either = wants({"choices": [ABSENT, zeros]}, "grad", "one_of")
    assert [verdict(either, seen) for seen in (ABSENT, zeros, array("0", "1"))] == ["pass", "pass", "fail"]


@pytest.mark.parametrize(
    ("seen", "holds"),
    [
        (array("0", "1"), True),
        (array("0.5", "0.25"), True),
        (array("0", "1.0000000000000002"), False),
        (array("-5e-324", "1"), False),
        (array("0", "1", dtype="float32"), False),
        (array("0", "1", shape=(1, 2)), False),
        (array("0", shape=(2,)), False),
        (array("0", "1", "7", shape=(2,)), False),
        (ABSENT, False),
    ],
    ids=range(9),
)
def test_within_is_inclusive(seen: Json, holds: bool) -> None:
    """Every element lies between its bounds, which belong to the set; shape and dtype are no convention."""
    it = wants({"low": array("0", "0"), "high": array("1", "1")}, relation="within")
    assert (verdict(it, seen) == "pass") is holds


def test_what_was_seen_within_a_set_is_recorded() -> None:
    """A convention's value is kept under its name; other relations keep nothing."""
    it = wants({"low": array("0"), "high": array("1")}, relation="within")
    program = Program("float64", (it, wants(array("1"))))
    assert judge(program, reply((0, array("0.5")), (1, array("1")))).seen == {"because": "[0.5]"}


@pytest.mark.parametrize(
    ("calls", "holds"),
    [
        ([array("1"), array("2")], True),
        ([array("1.0", dtype="float32"), array("2")], True),
        ([array("2"), array("1")], False),
        ([array("1")], False),
        ([array("1"), array("2"), array("2")], False),
        ([], False),
        ([array("1"), array("2", shape=())], False),
    ],
    ids=range(7),
)
def test_calls_have_an_order_and_a_number(calls: list[Json], holds: bool) -> None:
    """A hook was called with these arguments, in this order, and no other time; a dtype is not compared."""
    it = wants({"calls": [array("1"), array("2")]}, "calls")
    assert (verdict(it, {"calls": calls}) == "pass") is holds


def test_flags_and_texts_are_literal() -> None:
    """A flag is True or False, not what counts as such; a text is equal to the character."""
    flag = wants({"flag": True}, "requires_grad")
    assert [verdict(flag, {"flag": seen}) for seen in (True, False, "True")] == ["pass", "fail", "fail"]
    text = wants({"text": "tensor(1.)"}, "text")
    assert [verdict(text, {"text": seen}) for seen in ("tensor(1.)", "tensor(1.) ")] == ["pass", "fail"]


# --- refusals

REFUSED: Final[Json] = {"outcome": "refused", "kind": "not_scalar"}


def refusal(kind: str | None, message: str = "Boom\nand more") -> Json:
    return {"outcome": "refused", "kind": kind, "at": 1, "type": "RuntimeError", "message": message}


def test_a_refusal_is_of_its_kind() -> None:
    """What is accepted although it must be refused fails, and so does a refusal for another reason."""
    it = wants(REFUSED, "outcome")
    seen = [refusal("not_scalar"), refusal("graph_freed"), {"outcome": "accepted"}]
    assert [verdict(it, outcome) for outcome in seen] == ["pass", "fail", "fail"]


@pytest.mark.parametrize("relation", ["equals", "one_of"])
@pytest.mark.parametrize("message", ["Boom\nand more", "", "\n"])
def test_an_unmapped_exception_is_an_error(relation: str, message: str) -> None:
    """An exception that no row of the adapter maps is no failure yet: the finding says which row to add."""
    value = REFUSED if relation == "equals" else {"choices": [REFUSED, {"outcome": "accepted"}]}
    program = Program("float64", (wants(value, "outcome", relation),))
    finding = judge(program, reply((0, refusal(None, message)))).finding
    assert finding is not None
    assert finding.verdict == "error"
    assert f"add the row ('not_scalar', 'RuntimeError', {(message.splitlines() or [''])[0]!r})" in finding.message


def test_conditions_guard_expectations() -> None:
    """What is expected after one outcome of an attempt is neither compared nor counted after the other."""
    either = wants({"choices": [REFUSED, {"outcome": "accepted"}]}, "outcome", "one_of")
    program = Program(
        "float64",
        (
            either,
            wants(array("1"), when=["attempt", "accepted"]),
            wants(array("2"), when=["attempt", "refused"]),
            wants(array("3"), when=["another", "accepted"]),
        ),
    )
    seen = [(1, array("1")), (2, array("1")), (3, array("1"))]
    accepted = judge(program, reply((0, {"outcome": "accepted"}), *seen))
    assert (accepted.compared, accepted.finding) == (2, None)
    refused = judge(program, reply((0, refusal("not_scalar")), *seen))
    assert refused.compared == 2
    assert refused.finding is not None
    assert (refused.finding.verdict, refused.finding.at) == ("fail", 2)


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("no such thing", "no such thing"),
        ("shapes (2,) and (3,) differ", "shapes"),
        ("expected 1 element, got 2", "expected"),
        ("leaf x3 is no leaf", "leaf"),
        ("what? a root. $", r"what\? a root\. \$"),
        ("(2,) is no shape", r"\(2,\) is no shape"),
        ("a message " * 20, "a message a message a message a message a message a message"),
    ],
    ids=range(7),
)
def test_the_row_to_add_can_be_pasted(message: str, pattern: str) -> None:
    """The row is Python, its pattern a regular expression for the message's general part, which it finds again."""
    sentence = unmapped(refusal(None, message), "not_scalar")
    row = ast.literal_eval(sentence.partition("add the row ")[2])
    assert row == ("not_scalar", "RuntimeError", pattern)
    assert re.search(pattern, message)


def test_a_spelling_that_is_wrong_is_named() -> None:
    """What Python raises while it executes a spelling is laid at that spelling's door, not at the refusals'."""
    wrong: Json = {
        **failure(None, 0),
        "type": "TypeError",
        "spelling": "mul",
        "template": "{a} * {b}",
    }
    sentence = 'the spelling mul: "{a} * {b}" raised TypeError: no such thing'
    assert unmapped(wrong) == sentence
    assert unmapped(wrong, "dtype").startswith(f"{sentence}; if it is a refusal, or a bug of the engine")
    assert unmapped(wrong, "dtype").endswith("add the row ('dtype', 'TypeError', 'no such thing')")
    assert "the adapter does not map" in unmapped({**wrong, "type": "RuntimeError"})


@pytest.mark.parametrize("raised", ["AttributeError", "NotImplementedError", "NameError"])
def test_an_operator_that_is_not_there_is_unsupported(raised: str) -> None:
    """An operator whose spelling names what the engine lacks is unsupported; without add, mul or sum nothing can be judged."""
    for operator, wanted in (("relu", "unsupported"), ("mul", "error")):
        program = Program("float64", (Instruction("apply", ("y",), ("x",), {"operator": operator}),))
        found = judge(program, reply(failure={**failure(None, 0), "type": raised, "spelling": operator})).finding
        assert found is not None
        assert found.verdict == wanted
    program = Program("float64", (Instruction("backward", (), ("y",)),))
    found = judge(program, reply(failure={**failure(None, 0), "type": raised})).finding
    assert found is not None
    assert found.verdict == "error"


# --- failures, leaks, and what comes first

APPLY: Final = Instruction("apply", ("y",), ("x", "x"), {"operator": "mul"})


def failure(kind: str | None, at: int) -> Json:
    return {"at": at, "kind": kind, "type": "ValueError", "message": "no such thing"}


@pytest.mark.parametrize(
    ("kind", "at", "wanted"),
    [
        (
            "unsupported",
            0,
            Finding("unsupported", 0, "the engine refuses this use of mul", "a value", "ValueError: no such thing"),
        ),
        (
            "not_scalar",
            1,
            Finding("fail", 1, "backward was refused as not_scalar, but it is legal", "no exception"),
        ),
        (
            "unsupported",
            1,
            Finding("fail", 1, "backward was refused as unsupported, but it is legal", "no exception"),
        ),
        (
            "unsupported",
            2,
            Finding("fail", 2, "reading y was refused as unsupported, but it is legal", "no exception"),
        ),
        (None, 1, Finding("error", 1, "", "no exception")),
    ],
    ids=["an operator", "a legal verb", "a verb is no operator", "a value", "an unmapped exception"],
)
def test_failures_outside_of_attempts(kind: str | None, at: int, wanted: Finding) -> None:
    """A refused legal verb fails, a missing operator is unsupported, an unmapped exception is an error."""
    looked = replace(wants(array("1")), args=("y",))
    program = Program("float64", (APPLY, Instruction("backward", (), ("y",)), looked))
    found = judge(program, reply(failure=failure(kind, at))).finding
    assert found is not None
    assert (found.verdict, found.at, found.expected) == (wanted.verdict, wanted.at, wanted.expected)
    assert found.got == "ValueError: no such thing"
    assert found.message == wanted.message or "add the row ('KIND', 'ValueError', 'no such thing')" in found.message


LEAK: Final[Json] = {"name": "grad mode", "before": "True", "after": "False"}


def test_a_leak_is_a_failure() -> None:
    """A program that changes what the next one starts from fails, even when all it expected was seen."""
    judgement = judge(Program("float64", (wants(array("1")),)), reply((0, array("1")), leaks=[LEAK]))
    assert judgement.finding == Finding(
        "fail", None, "the program changed the grad mode for whatever runs next", "True", "False", also="grad mode"
    )


def test_the_first_disagreement_counts() -> None:
    """A wrong value is found before a later failure, and that before a leak."""
    program = Program("float64", (wants(array("1")), wants(array("2")), APPLY))
    facts: Json = {"failure": failure("unsupported", 2), "leaks": [LEAK]}
    wrong = judge(program, reply((0, array("1")), (1, array("3")), **facts))
    assert wrong.compared == 2
    assert wrong.finding == Finding("fail", 1, "x is not what the specification says", "[2.]", "[3.]", "because")
    right = judge(program, reply((0, array("1")), (1, array("2")), **facts))
    assert right.finding is not None
    assert right.finding.verdict == "unsupported"


def test_what_was_not_observed_is_not_counted() -> None:
    """An expectation that the engine never came to, since it failed before, is no comparison."""
    program = Program("float64", (APPLY, wants(array("1"))))
    assert judge(program, reply(failure=failure("unsupported", 0))).compared == 0


def test_an_agent_may_not_keep_silent() -> None:
    """A reply that leaves out an expectation which was reached is malformed; after a failure or a refusal it is not."""
    program = Program("float64", (APPLY, wants(array("1"))))
    with pytest.raises(Malformed, match="without the observation of instruction 1"):
        checked(reply(), program)
    checked(reply(failure=failure("unsupported", 0)), program)
    checked(reply(declined=["mul"]), program)
    outcome = wants({"outcome": "refused"}, "outcome")
    attempt = Instruction("attempt", ("attempt",), (), {}, (APPLY, wants(array("1"))))
    block = Program("float64", (attempt, outcome, wants(array("1"))))
    refused = {"outcome": "refused", **failure("needs_grad", 1)}
    checked(reply((3, refused), (4, array("1"))), block)
    with pytest.raises(Malformed, match="instruction 4"):
        checked(reply((3, refused)), block)
    with pytest.raises(Malformed, match="instruction 2"):
        checked(reply((3, {"outcome": "accepted"}), (4, array("1"))), block)


# --- text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ABSENT, "no gradient"),
        (array("1", "-1/2"), "[ 1. -0.5]"),
        (array("3", shape=()), "3."),
        (array(shape=(0, 2)), "[] of shape (0, 2)"),
        (array("1", shape=(2,)), "[1.0] of shape (2,)"),
        (array("nan", "inf"), "[nan inf]"),
        ({"calls": [array("1")]}, "1 calls [1.]"),
        ({"flag": False}, "False"),
        ({"outcome": "accepted"}, "accepted"),
        (refusal("x", "no"), "refused: RuntimeError: no"),
    ],
    ids=range(10),
)
def test_values_as_text(value: Json, text: str) -> None:
    """A person reads what was seen in one line."""
    assert show(value) == text


def test_expectations_as_text() -> None:
    """A person reads what was expected in one line."""
    assert show_expected("one_of", {"choices": [ABSENT, array("0"), array("0")]}) == "no gradient or [0.]"
    assert show_expected("within", {"low": array("0"), "high": array("1")}) == "between [0.] and [1.]"
    assert show_expected("equals", REFUSED) == "refused as not_scalar"


def test_different_numbers_have_different_texts() -> None:
    """A value that is wrong in its last bit is not shown as the expected one."""
    assert show(array("0.1", "1e-20")) != show(array("0.10000000000000002", "1e-20"))


def test_another_dtype_is_said() -> None:
    """A right value of the wrong dtype says which."""
    finding = judge(Program("float64", (wants(array("1")),)), reply((0, array("1", dtype="float32")))).finding
    assert finding is not None
    assert "float32" in finding.got


# --- a case on an engine that answers as it likes


class Answering(Recording):
    """An engine that gives the same answer to every program."""

    def __init__(self, answer: Callable[[Program], Mapping[str, Any] | Finding]) -> None:
        super().__init__()
        self.answer = answer

    def run(self, program: Program) -> Mapping[str, Any] | Finding:
        self.programs.append(program)
        return self.answer(program)


def doubling() -> None:
    x = tensor([1, 2], requires_grad=True)
    (x * 2).sum().backward()
    expect(x.grad, [2, 2], "twice")


def examined(body: Callable[[], None], engine: Engine) -> dict[str, Any]:
    clause = Clause("a/b", "law", "It doubles.", "none", None, (), {}, {}, body)
    return examine(next(clause.cases()), engine, Effort("quick", 0))


def the_truth(program: Program) -> Json:
    return reply(*[(index, {**it.options["value"]}) for index, it in program.walk() if it.verb == "expect"])


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (the_truth, "pass"),
        (lambda program: reply(), "vacuous"),
        (lambda program: reply(declined=["grad_of"]), "declined"),
        (lambda program: reply((4, array("2", "3"))), "fail"),
        (lambda program: reply(failure=failure("unsupported", 1)), "unsupported"),
        (lambda program: reply(failure=failure(None, 1)), "error"),
        (lambda program: Finding("crash", 1, "the engine's process ended"), "crash"),
        (lambda program: Finding("timeout", 1, "no answer"), "timeout"),
    ],
    ids=["truth", "silence", "declined", "wrong", "missing operator", "unmapped", "crash", "hang"],
)
def test_the_verdict_of_a_case(answer: Callable[[Program], Mapping[str, Any] | Finding], wanted: str) -> None:
    """A case passes when something was compared and nothing differed; a problem comes with its witness."""
    record = examined(doubling, Answering(answer))
    assert record["verdict"] == wanted
    assert ("witness" in record) is (wanted not in ("pass", "declined", "vacuous"))
    if "witness" in record:
        assert len(list(Program.from_json(record["witness"]).walk())) == record["at"] + 1


def only_refusals() -> None:
    x = tensor([1, 2], requires_grad=True)
    with refuses("not_scalar"):
        x.backward()


def nothing() -> None:
    tensor(1)


def refused_by_the_model() -> None:
    tensor([1, 2], requires_grad=True).backward()


def mistaken() -> None:
    expect(tensor(1), 2)


@pytest.mark.parametrize("body", [only_refusals, nothing, refused_by_the_model, mistaken])
def test_a_wrong_clause_is_an_error(body: Callable[[], None]) -> None:
    """A clause that expects nothing, only refusals, or what the model denies, is an error; none is asked."""
    engine = Answering(the_truth)
    assert examined(body, engine)["verdict"] == "error"
    assert engine.programs == []


def test_specification_errors_are_errors_of_the_harness() -> None:
    """A clause that contradicts the model is the suite's fault, exit code 3."""
    assert SpecificationError.exit_code == 3
