"""Accumulation: what backward does to a gradient that is already there, and to a tensor that is used several times."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import integers, tensors, vectors
from conformance.tensor import expect, gradients, tensor


@clause(
    "contract",
    source="torch autograd notes; document 000 In[7], 004 In[6]",
    mutant="accumulate_overwrites",
    given={"a": vectors(), "k": st.integers(2, 3)},
)
def test_each_backward_adds(a: Array, k: int) -> None:
    """Each backward adds its gradient to the leaf's: after k backwards of sum(x*x), x.grad = k * 2x."""
    x = tensor(a, requires_grad=True)
    for _ in range(k):
        (x * x).sum().backward()
    expect(x.grad, k * 2 * a, "k times the gradient")


@clause(
    "law",
    source="the multivariate chain rule; document 002 In[18]",
    mutant="contributions_keep_the_last",
    given={"a": tensors(integers)},
)
def test_several_uses_sum(a: Array) -> None:
    """Every use of a leaf contributes, and the contributions are summed: d(x*x + 3x + x) = 2x + 4."""
    x = tensor(a, requires_grad=True)
    received = gradients((x * x + 3 * x + x).sum(), [x])
    expect(received[0], 2 * a + 4, "the sum over four uses")
