"""Volatile, the pre-0.4 flag of a Variable that will never be differentiated."""

from __future__ import annotations

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, vectors
from conformance.tensor import expect, expect_matches, native, native_value, no_grad, refuses, tensor, variable, warned

LEAF = "NoneType"  # the class of the creator that a leaf has not


@clause(
    "dialect",
    mutant="volatile_results_are_blank",
    dialect="variable",
    given={"a": arrays((2,)), "b": arrays((2,)), "volatile": st.booleans()},
)
def test_volatile_changes_no_value(a: Array, b: Array, volatile: bool) -> None:
    """The values of x*w + b are computed as ever, whether x is volatile or not."""
    x, w, shift = variable(a, volatile=volatile), variable(b, requires_grad=True), variable(a, requires_grad=True)
    z = x * w + shift
    expect(z, a * b + a)
    expect(z.sum(), (a * b + a).sum())
    expect(x, a, "the operand")


@clause(
    "dialect",
    mutant="volatile_is_ignored",
    dialect="variable",
    given={"a": vectors(least=1), "volatile": st.booleans()},
)
def test_volatile_takes_precedence(a: Array, volatile: bool) -> None:
    """A product of x and a w that requires grad requires grad itself, unless x is volatile: (False, True, False)."""
    x, w = variable(a, volatile=volatile), variable(a, requires_grad=True)
    y = x * w
    expect(x.requires_grad, False)
    expect(w.requires_grad, True)
    expect(y.requires_grad, not volatile)
    expect(y.volatile, volatile)
    expect(w.volatile, False, "an operand keeps its flags")


@clause(
    "dialect",
    mutant="volatility_stops_after_one_operator",
    dialect="variable",
    given={"a": vectors(least=1), "volatile": st.booleans(), "steps": st.integers(1, 3)},
)
def test_volatile_poisons_every_dependent(a: Array, volatile: bool, steps: int) -> None:
    """What is computed of a volatile Variable is volatile and requires no grad, however many operators later."""
    w = variable(a, requires_grad=True)
    y = variable(a, volatile=volatile) * w
    for _ in range(steps):
        y = y + w
        expect(y.volatile, volatile)
        expect(y.requires_grad, not volatile)


@clause(
    "dialect",
    mutant="volatility_comes_of_the_first_operand",
    dialect="variable",
    given={"a": vectors(least=1), "last": st.booleans()},
)
def test_any_operand_may_be_volatile(a: Array, last: bool) -> None:
    """One volatile operand is enough, be it the first or the last."""
    x, w = variable(a, volatile=True), variable(a, requires_grad=True)
    y = w * x if last else x * w
    expect(y.volatile, True)
    expect(y.requires_grad, False)


@clause(
    "dialect",
    mutant="volatile_results_keep_their_node",
    dialect="variable",
    given={"a": vectors(least=1), "steps": st.integers(1, 4)},
)
def test_volatile_records_no_node(a: Array, steps: int) -> None:
    """Of n operators on what is volatile none leaves a node: every result's creator is None; without volatile all have one."""
    w = variable(a, requires_grad=True)
    y, z = variable(a, volatile=True), variable(a)
    for _ in range(steps):
        y, z = y * w, z * w
        expect(y.creator(), LEAF)
        expect_matches(z.creator(), "^Mul")


@clause(
    "dialect",
    mutant="volatile_roots_are_run",
    dialect="variable",
    given={"n": st.integers(-4, 4).map(fmpq)},
)
def test_backward_from_volatile_is_refused(n: fmpq) -> None:
    """A result of a volatile operand is never differentiated, though w requires grad: refused; without volatile w.grad = x."""
    x, w = variable([n], volatile=True), variable([n], requires_grad=True)
    y = x * w
    with refuses("needs_grad"):
        y.backward()
    expect(w.grad, None, "a refusal changes nothing")
    (variable([n]) * w).backward()
    expect(w.grad, [n], "the accepted twin")


@clause(
    "dialect",
    mutant="volatility_travels_with_data",
    dialect="variable",
    given={"a": arrays((2,)), "b": arrays((2,))},
)
def test_data_leaves_volatility_behind(a: Array, b: Array) -> None:
    """Variable(y.data) of a volatile y is a constant with its values: the gradient of sum(Variable(y.data) * w) is y."""
    w = variable(b, requires_grad=True)
    y = variable(a, volatile=True) * 2
    fresh = y.rewrapped()
    expect(fresh.volatile, False)
    expect(y.volatile, True)
    (fresh * w).sum().backward()
    expect(w.grad, 2 * a)


@clause(
    "dialect",
    mutant="volatile_is_ignored",
    dialect="variable",
    given={"a": vectors(least=1)},
)
def test_volatile_is_what_no_grad_became(a: Array) -> None:
    """x*w with a volatile x and x*w under no_grad are the same: in value, without requires_grad and without a creator."""
    x, w = variable(a), variable(a, requires_grad=True)
    with no_grad():
        inside = x * w
    poisoned = variable(a, volatile=True) * w
    for result in (inside, poisoned):
        expect(result, a * a)
        expect(result.requires_grad, False)
        expect(result.creator(), LEAF)
    expect(inside.volatile, False, "a mode does not travel with the value")
    expect((poisoned * w).requires_grad, False, "volatility does")
    expect((inside * w).requires_grad, True)


@clause(
    "dialect",
    mutant="variables_say_nothing",
    dialect="torch",
    given={"a": vectors()},
)
def test_volatile_only_warns_today(a: Array) -> None:
    """Today volatile=True has no effect but a warning that names no_grad: what is computed from it requires grad."""
    x, w = tensor(a), tensor(a, requires_grad=True)
    with warned() as said:
        native("v = {ns}.autograd.Variable({0}, volatile=True)", x)
    expect_matches(said, r"^volatile was removed and now has no effect\. Use .*no_grad")
    expect(native_value("(v * {0}).requires_grad", w), True)
    expect(native_value("type(v) is {ns}.Tensor and not v.requires_grad"), True)


@clause(
    "dialect",
    mutant="volatile_is_kept",
    dialect="torch",
    given={"a": vectors(), "flag": st.booleans()},
)
def test_volatile_cannot_be_set_today(a: Array, flag: bool) -> None:
    """Today volatile reads False, whatever it was set to: setting it warns, and so does reading it."""
    x, w = tensor(a), tensor(a, requires_grad=True)
    with warned() as said:
        native(f"{{0}}.volatile = {flag}", x)
    expect_matches(said, r"^volatile was removed and now has no effect\. Use .*no_grad")
    with warned() as said:
        native("seen = {0}.volatile", x)
    expect_matches(said, r"^volatile was removed")
    expect(native_value("seen"), False)
    expect(native_value("({0} * {1}).requires_grad", x, w), True)
