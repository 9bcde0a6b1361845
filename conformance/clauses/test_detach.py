"""Detach: a value without its history."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import tensors, vectors
from conformance.tensor import expect, gradients, tensor


@clause(
    "law",
    source="torch.Tensor.detach; document 000 In[22] to In[27], 004 In[24]",
    mutant="detach_keeps_the_graph",
    given={"a": tensors()},
)
def test_detached_is_a_constant(a: Array) -> None:
    """With u = (x*x).detach(), u counts as a constant: d sum(u*x) = u, not 3x**2."""
    x = tensor(a, requires_grad=True)
    u = (x * x).detach()
    expect(u, a * a, "the value is kept")
    received = gradients((u * x).sum(), [x])
    expect(received[0], a * a, "u")


@clause(
    "contract",
    source="torch.Tensor.detach; document 004 In[25], 003 cell 8",
    mutant="detach_cuts_in_place",
    given={"a": vectors()},
)
def test_detach_leaves_the_source_alone(a: Array) -> None:
    """Y itself keeps its graph when it is detached: after y.detach(), d sum(y) is still 2x."""
    x = tensor(a, requires_grad=True)
    y = x * x
    y.detach()
    received = gradients(y.sum(), [x])
    expect(received[0], 2 * a, "2x")


@clause(
    "contract",
    source="torch.Tensor.detach; document 000 In[22], 004 In[24]",
    mutant="detach_keeps_the_graph",
    given={"a": vectors()},
)
def test_detached_is_a_new_leaf(a: Array) -> None:
    """y.detach() is a leaf that needs no grad; the flag of y is as it was."""
    x = tensor(a, requires_grad=True)
    y = x * x
    u = y.detach()
    expect(u.requires_grad, False)
    expect(u.is_leaf, True)
    expect(y.requires_grad, True)
