"""Volatile, the pre-0.4 flag of a Variable that will never be differentiated."""

from __future__ import annotations

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, expect_matches, native, native_value, no_grad, refuses, tensor, variable, warned


@clause(
    "dialect",
    source="document 002 In[7], In[8]; torch 0.3 autograd notes, volatile",
    mutant="volatile_is_ignored",
    dialect="variable",
    given={"a": vectors(least=1), "volatile": st.booleans()},
)
def test_volatile_poisons_every_dependent(a: Array, volatile: bool) -> None:
    """One volatile operand makes a result volatile, and volatile takes precedence over requires_grad."""
    x, w = variable(a, volatile=volatile), variable(a, requires_grad=True)
    y = x * w
    z = y + w
    expect(w.requires_grad, True)
    expect(y.requires_grad, not volatile)
    expect(y.volatile, volatile)
    expect(z.requires_grad, not volatile)
    expect(z.volatile, volatile)


@clause(
    "dialect",
    source="document 002 In[7]; torch 0.3 autograd notes, volatile",
    mutant="volatile_roots_are_run",
    dialect="variable",
    given={"n": st.integers(-4, 4).map(fmpq)},
)
def test_backward_from_volatile_is_refused(n: fmpq) -> None:
    """A result of a volatile operand is never differentiated: its backward is refused; without volatile it is legal."""
    x, w = variable([n], volatile=True), variable([n], requires_grad=True)
    y = x * w
    with refuses("needs_grad"):
        y.backward()
    expect(w.grad, None, "a refusal changes nothing")
    z = variable([n]) * w
    z.backward()
    expect(z.requires_grad, True, "the accepted twin")


@clause(
    "dialect",
    source="torch 0.4 migration guide, volatile; document 002 In[8], 001 In[11]",
    mutant="volatile_is_ignored",
    dialect="variable",
    given={"a": vectors(least=1)},
)
def test_volatile_is_what_no_grad_became(a: Array) -> None:
    """A result of a volatile operand requires grad no more than the same result computed under no_grad; operands keep flags."""
    x, w = variable(a), variable(a, requires_grad=True)
    with no_grad():
        inside = x * w
    poisoned = variable(a, volatile=True) * w
    expect(inside.requires_grad, False, "under no_grad")
    expect(poisoned.requires_grad, False, "volatile")
    expect(inside.volatile, False, "a mode does not travel with the value")
    expect(w.requires_grad, True)


@clause(
    "dialect",
    source="torch test suite, volatile is deprecated; torch 0.4 migration guide",
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
