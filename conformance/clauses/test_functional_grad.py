"""The functional gradient: derivatives returned, not stored."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, expect_one_of, grad, refuses, tensor


@clause(
    "law",
    source="torch.autograd.grad; jax.grad; document 002 In[13]",
    mutant="grad_forgets_the_last_input",
    given={"a": vectors()},
)
def test_returns_the_gradients(a: Array) -> None:
    """grad(z, [x, w]) returns dz/dx and dz/dw in this order."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    received = grad((x * x * w).sum(), [x, w])
    expect(received[0], 2 * a * (a + 1), "2xw")
    expect(received[1], a * a, "x**2")


@clause(
    "contract",
    source="torch.autograd.grad; document 002 In[13]",
    mutant="grad_writes_into_leaves",
    given={"a": vectors()},
)
def test_touches_no_accumulated_gradient(a: Array) -> None:
    """grad(z, y) works for an intermediate y and leaves every .grad as it was."""
    x = tensor(a, requires_grad=True)
    (x * 3).sum().backward()
    y = x * x
    received = grad((y * y).sum(), [y])
    expect(received[0], 2 * a * a, "2y")
    expect(x.grad, 0 * a + 3, "what was there before")
    expect(y.grad, None)


@clause(
    "contract",
    source="torch.autograd.grad, allow_unused",
    mutant="unused_input_gives_ones",
    given={"a": vectors()},
)
def test_unused_input_is_refused(a: Array) -> None:
    """An input that the root does not depend on is refused unless unused inputs are allowed."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    with refuses("unused_input"):
        grad((x * x).sum(), [x, w])
    received = grad((x * x).sum(), [x])
    expect(received[0], 2 * a, "the accepted twin")
    expect_one_of(w.grad, [None, 0 * a], "nothing was stored")
