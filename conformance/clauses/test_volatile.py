"""Volatile, the pre-0.4 flag of a Variable that will never be differentiated."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, variable


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
