"""What clauses are written with: a program is recorded, the model runs beside it, and the two must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model.numbers import Inexact
from conformance.model.protocol import Refusal
from conformance.program import Instruction, Program, Scalar
from conformance.tensor import (
    Recorder,
    SpecificationError,
    attempting,
    catching,
    enable_grad,
    expect,
    expect_one_of,
    expect_within,
    grad,
    grad_enabled,
    gradients,
    interrupt,
    no_grad,
    recorded_dtype,
    recording,
    refuses,
    tensor,
    variable,
)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("float64") as found:
        yield found


def verbs(program: Program) -> list[str]:
    return [it.verb for _, it in program.walk()]


def names(program: Program) -> list[str]:
    return [name for _, it in program.walk() for name in it.out]


# --- the model beside the program


def test_operators_are_recorded_as_written(recorder: Recorder) -> None:
    """Operands keep their sides, Python numbers stay numbers, and the model's value is at hand."""
    x = tensor([1, 2], requires_grad=True)
    y = 2 - x * fmpq(1, 2)
    assert list(y.value) == [fmpq(3, 2), 1]
    *_, product, difference = recorder.program().instructions
    assert product == Instruction("apply", ("y",), ("x", Scalar("1/2")), {"operator": "mul"})
    assert difference == Instruction("apply", ("y2",), (Scalar("2"), "y"), {"operator": "sub"})


OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


@settings(deadline=None)
@given(st.sampled_from(sorted(OPERATORS)), st.integers(-4, 4), st.sampled_from([-2, 1, 4]), st.integers(0, 2))
def test_every_side_of_an_operator(operator: str, a: int, b: int, sides: int) -> None:
    """Tensor with tensor, with a number, and a number with a tensor have the value of the numbers."""
    with recording("float64"):
        left: Any = a if sides == 1 else tensor(a)
        right: Any = b if sides == 2 else tensor(b)
        assert OPERATORS[operator](left, right).item() == OPERATORS[operator](fmpq(a), fmpq(b))


def test_control_flow_reads_the_model(recorder: Recorder) -> None:
    """Loops and branches follow the model's exact values, so that no engine can steer what is recorded."""
    x = tensor(3, requires_grad=True)
    while x.item() < 20:
        x = x * 2
    if x.requires_grad:
        x = -x
    assert x.item() == -24
    assert verbs(recorder.program()) == ["leaf", "apply", "apply", "apply", "apply"]


def test_names_are_fresh(recorder: Recorder) -> None:
    """Nothing is bound twice, whatever is bound: leaves, constants, results, gradients, hooks, attempts."""
    for _ in range(3):
        x, c = tensor([1, 2], requires_grad=True), tensor([3, 4])
        y = x * c
        y.register_hook()
        grad(y, [x], c, retain_graph=True)
        y.detach()
        y.sum().backward()
        x.grad.bound()
        with refuses("not_scalar"):
            (x * x).backward()
    found = names(recorder.program())
    assert len(found) == len(set(found))
    assert {"x", "x2", "x3", "hook3", "attempt3"} <= set(found)


def test_recordings_do_not_mix() -> None:
    """Each recording has its own program, names, dtype and grad mode."""
    with recording("float32") as outer:
        tensor(1)
        with recording("float64") as inner, no_grad():
            tensor(2)
            assert (recorded_dtype(), bool(grad_enabled())) == ("float64", False)
        tensor(3)
        assert (recorded_dtype(), bool(grad_enabled())) == ("float32", True)
    assert names(outer.program()) == ["c", "c2"]
    assert names(inner.program()) == ["c"]
    with pytest.raises(LookupError):
        tensor(1)


def test_what_does_not_fit_is_inexact() -> None:
    """A value that the case's dtype would round never gets into a program."""
    with recording("float32"):
        with pytest.raises(Inexact):
            tensor(2**24 + 1)
        x = tensor(2**23)
        with pytest.raises(Inexact):
            x * 2 + 1
    with recording("float64"):
        assert (tensor(2**23) * 2 + 1).item() == 2**24 + 1


# --- expectations


def made() -> tuple[Any, Any]:
    x = tensor([1, 2], requires_grad=True)
    y = x * x
    hook = y.register_hook(scale=2)
    y.sum().backward()
    return x, hook


RIGHT: Final[dict[str, Callable[[], None]]] = {
    "a value": lambda: expect(made()[0], [1, 2]),
    "a gradient": lambda: expect(made()[0].grad, [4, 8]),
    "no gradient": lambda: expect(tensor(1).grad, None),
    "a flag": lambda: expect(made()[0].requires_grad, True),
    "a leaf": lambda: expect((made()[0] * 1).is_leaf, False),
    "calls": lambda: expect(made()[1].calls, [[1, 1]]),
    "the mode": lambda: expect(grad_enabled(), True),
    "one of several": lambda: expect_one_of(tensor(1).grad, [None, 0]),
    "within": lambda: expect_within(tensor([0, 1]), [0, 0], [1, 1], "a convention"),
    "volatile": lambda: expect((variable(1, volatile=True) * 2).volatile, True),
}
WRONG: Final[dict[str, Callable[[], None]]] = {
    "a value": lambda: expect(made()[0], [1, 3]),
    "a shape": lambda: expect(made()[0], [[1, 2]]),
    "a gradient": lambda: expect(made()[0].grad, [2, 4]),
    "no gradient": lambda: expect(tensor(1).grad, 0),
    "a gradient too many": lambda: expect(made()[0].grad, None),
    "a flag": lambda: expect(made()[0].requires_grad, False),
    "calls": lambda: expect(made()[1].calls, [[1, 1], [1, 1]]),
    "the mode": lambda: expect(grad_enabled(), False),
    "one of several": lambda: expect_one_of(tensor(1).grad, [0, 1]),
    "within": lambda: expect_within(tensor([0, 2]), [0, 0], [1, 1], "a convention"),
    "volatile": lambda: expect((variable(1) * 2).volatile, True),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_expectation_becomes_an_instruction(name: str, recorder: Recorder) -> None:
    """What clause and model agree on is recorded where it was expected."""
    RIGHT[name]()
    assert verbs(recorder.program())[-1] == "expect"


@pytest.mark.parametrize("name", WRONG)
def test_clause_and_model_check_each_other(name: str, recorder: Recorder) -> None:
    """A clause whose formula is not what the model says is a mistake of the specification."""
    with pytest.raises(SpecificationError, match="clause and model disagree"):
        WRONG[name]()


def test_texts_are_the_clauses_own(recorder: Recorder) -> None:
    """Of a dialect's texts and names the model knows nothing; the clause's literal is recorded as it is."""
    x = tensor(1)
    expect(x.text(), "tensor(1.)")
    expect(x.node_name(), "Anything")
    last, before = recorder.program().instructions[:0:-1]
    assert (before.options["value"], last.options["value"]) == ({"text": "tensor(1.)"}, {"flag": "Anything"})


def test_expectations_are_recorded_inside_their_block(recorder: Recorder) -> None:
    """What is expected under no_grad is observed under no_grad."""
    x = tensor(2, requires_grad=True)
    with no_grad():
        y = x * x
        expect(y.requires_grad, False)
        with enable_grad():
            expect((x * x).requires_grad, True)
    expect(grad_enabled(), True)
    _, block, last = recorder.program().instructions
    assert [it.verb for it in block.body] == ["apply", "expect", "enable_grad"]
    assert [it.verb for it in block.body[2].body] == ["apply", "expect"]
    assert last.verb == "expect"


@pytest.mark.parametrize("element", [0.5, [1.0, 2.0], np.float64(1)])
def test_floats_are_no_exact_values(element: Any, recorder: Recorder) -> None:
    """Neither a leaf nor an expectation is made of a float: somebody rounded it."""
    with pytest.raises(TypeError):
        tensor(element)
    with pytest.raises(TypeError):
        expect(tensor(1), element)


# --- refusals


def test_a_refusal_that_the_model_shares(recorder: Recorder) -> None:
    """What the model refuses as the clause says is recorded as an attempt, and its outcome is expected."""
    with refuses("not_scalar"):
        tensor([1, 2], requires_grad=True).backward()
    attempt, outcome = recorder.program().instructions
    assert [it.verb for it in attempt.body] == ["leaf", "backward"]
    assert outcome.args == attempt.out
    assert outcome.options["value"] == {"outcome": "refused", "kind": "not_scalar"}


def accepted() -> None:
    tensor(1, requires_grad=True).backward()


def refused_otherwise() -> None:
    tensor(1).backward()


@pytest.mark.parametrize("action", [accepted, refused_otherwise])
def test_a_refusal_that_the_model_does_not_share(action: Callable[[], None], recorder: Recorder) -> None:
    """A clause that awaits a refusal of what the model accepts, or refuses otherwise, is mistaken."""
    with pytest.raises(SpecificationError, match="does not refuse this as not_scalar"), refuses("not_scalar"):
        action()


def test_refusals_are_not_swallowed(recorder: Recorder) -> None:
    """Outside of an attempt the model's refusal ends the clause."""
    with pytest.raises(Refusal, match="needs_grad"):
        tensor(1).backward()


REFUSED: Final[dict[str, tuple[str, Callable[[Any, Any], object]]]] = {
    "backward of a constant": ("needs_grad", lambda x, c: c.sum().backward()),
    "backward of several elements": ("not_scalar", lambda x, c: (x * x).backward()),
    "a cotangent of another shape": ("shape_mismatch", lambda x, c: (x * x).backward(tensor(1))),
    "a freed graph": ("graph_freed", lambda x, c: [y := (x * x).sum(), y.backward(), y.backward()]),
    "a freed part of a new graph": (
        "graph_freed",
        lambda x, c: [y := x * x, y.sum().backward(), y.sum().backward()],
    ),
    "an unused input": ("unused_input", lambda x, c: grad((x * x).sum(), [tensor(1, requires_grad=True)])),
    "a constant as input": ("needs_grad", lambda x, c: grad((x * c).sum(), [c])),
    "a hook on a constant": ("needs_grad", lambda x, c: c.register_hook()),
    "retain_grad of a constant": ("needs_grad", lambda x, c: c.retain_grad()),
    "the flag of a result": ("not_leaf", lambda x, c: (x * x).requires_grad_(False)),
    "clearing nothing": ("no_gradient", lambda x, c: x.grad.zero_()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_model_refuses(name: str, recorder: Recorder) -> None:
    """What must not pass silently is refused, each for its own reason, and leaves no gradient behind."""
    kind, action = REFUSED[name]
    x, c = tensor([1, 2], requires_grad=True), tensor([3, 4])
    with pytest.raises(Refusal) as refusal:
        action(x, c)
    assert refusal.value.kind == kind
    assert c.state.grad is None


def test_an_attempt_may_end_either_way(recorder: Recorder) -> None:
    """`attempting` expects the named refusal or acceptance, and guards what is expected after each."""
    x = tensor([1, 2], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with attempting("graph_freed") as second:
        y.backward()
    expect(x.grad, [4, 8], when=(second, "accepted"))
    outcome, guarded = recorder.program().instructions[-2:]
    choices = [{"outcome": "refused", "kind": "graph_freed"}, {"outcome": "accepted"}]
    assert outcome.options["value"] == {"choices": choices}
    assert guarded.options["when"] == [second.name, "accepted"]


# --- blocks


def test_an_exception_of_the_program_unwinds_modes(recorder: Recorder) -> None:
    """A user's exception leaves every grad mode that it passes, up to where the program catches it."""
    x = tensor(2, requires_grad=True)
    with catching(), no_grad():
        with enable_grad():
            interrupt()
        raise AssertionError("never reached")
    assert bool(grad_enabled())
    expect((x * x).requires_grad, True)
    assert verbs(recorder.program()) == [
        "leaf",
        "catch",
        "no_grad",
        "enable_grad",
        "raise",
        "apply",
        "expect",
    ]


def test_other_exceptions_are_not_caught(recorder: Recorder) -> None:
    """A clause's mistake is not taken for its program's exception; modes are restored all the same."""
    with pytest.raises(ZeroDivisionError), catching(), no_grad():
        _ = 1 // 0
    assert bool(grad_enabled())


# --- the rules of the model that programs lean on


def test_constants_have_no_edge(recorder: Recorder) -> None:
    """A constant that is flipped after it was used has no part in that graph, and has in later ones."""
    x, c = tensor([1, 2], requires_grad=True), tensor([3, 4])
    y = x * c
    c.requires_grad_()
    y.sum().backward()
    expect(c.grad, None)
    (x * c).sum().backward()
    expect(c.grad, [1, 2])


def test_a_leaf_that_is_switched_off_receives_nothing(recorder: Recorder) -> None:
    """A leaf whose flag is cleared before backward keeps no gradient; its hook still sees what came."""
    x = tensor([1, 2], requires_grad=True)
    hook = x.register_hook()
    y = x * 3
    x.requires_grad_(False)
    y.sum().backward()
    expect(x.grad, None)
    expect(hook.calls, [[3, 3]])


def test_the_functional_gradient_runs_only_what_it_needs(recorder: Recorder) -> None:
    """Hooks beside the way to an input stay silent, and what was not run is not freed."""
    x, w = (tensor([1, 2], requires_grad=True) for _ in range(2))
    beside, hook = w * w, w.register_hook()
    grad((x * x * beside).sum(), [x])
    expect(hook.calls, [])
    beside.sum().backward()
    expect(w.grad, [2, 4])


def test_chosen_inputs_receive_alone(recorder: Recorder) -> None:
    """With inputs only they receive a gradient, results too, which keep it from then on."""
    x = tensor([1, 2], requires_grad=True)
    y = x * 3
    (y * y).sum().backward(inputs=[y], retain_graph=True)
    expect(x.grad, None)
    expect(y.grad, [6, 12])
    (y * y).sum().backward()
    expect(y.grad, [12, 24])


def test_hooks_act_on_recorded_gradients_too(recorder: Recorder) -> None:
    """Under create_graph a hook's factor is differentiated again, and the hook acts once more then."""
    x = tensor([1, 2], requires_grad=True)
    y = x * x
    hook = y.register_hook(scale=3)
    [first] = grad((y * x).sum(), [x], create_graph=True)
    expect(first, [3 * 2 + 1, 3 * 8 + 4], "x * x + 3 * x * 2x")
    expect(hook.calls, [[1, 2]])
    [second] = grad(first.sum(), [x])
    expect(second, [18, 36], "x * x through y, 3 * 2x; and 6x**2 beside it, 12x")


def test_a_gathered_index_is_freed(recorder: Recorder) -> None:
    """A slice saves nothing and runs twice; a gather saves its indices."""
    x = tensor([1, 2], requires_grad=True)
    for root in (x[0], x[0:].sum()):
        root.backward()
        root.backward()
    gathered = x[[0, 0]].sum()
    gathered.backward()
    with refuses("graph_freed"):
        gathered.backward()


def test_gradients_want_fresh_leaves(recorder: Recorder) -> None:
    """An engine may answer `gradients` by backward, so the leaves must hold nothing yet."""
    x = tensor([1, 2], requires_grad=True)
    [found] = gradients((x * x).sum(), [x])
    expect(found, [2, 4])
    (x * x).sum().backward()
    with pytest.raises(SpecificationError, match="fresh leaves"):
        gradients((x * x).sum(), [x])


def test_a_missing_gradient_cannot_be_computed_with(recorder: Recorder) -> None:
    """Reading g = x.grad before any backward is a mistake of the clause."""
    with pytest.raises(SpecificationError, match="has no gradient yet"):
        tensor(1).grad.bound()
