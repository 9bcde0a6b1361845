"""Derivatives of derivatives."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, grad, refuses, tensor


@clause(
    "law",
    source="torch.autograd.grad, create_graph; document 004, exercise 1",
    mutant="saved_operand_is_detached",
    given={"a": vectors()},
)
def test_derivatives_of_a_cube(a: Array) -> None:
    """The derivatives of sum(x**3), each by differentiating the last: 3x**2, 6x, 6."""
    x = tensor(a, requires_grad=True)
    first = grad((x * x * x).sum(), [x], create_graph=True)[0]
    second = grad(first.sum(), [x], create_graph=True)[0]
    third = grad(second.sum(), [x])[0]
    expect(first, 3 * a * a, "3x**2")
    expect(second, 6 * a, "6x")
    expect(third, 0 * a + 6, "6")


@clause(
    "contract",
    source="torch.autograd.grad, create_graph; document 004, exercise 1",
    mutant="gradients_are_always_recorded",
    given={"a": vectors()},
)
def test_gradients_are_constants_unless_asked(a: Array) -> None:
    """Without create_graph a gradient is a constant, and differentiating it is refused; with it, it is legal."""
    x = tensor(a, requires_grad=True)
    first = grad((x * x * x).sum(), [x])[0]
    expect(first.requires_grad, False)
    with refuses("needs_grad"):
        grad(first.sum(), [x])
    again = grad((x * x * x).sum(), [x], create_graph=True)[0]
    expect(grad(again.sum(), [x])[0], 6 * a, "the accepted twin")


@clause(
    "contract",
    source="torch.Tensor.backward, create_graph; torch test suite, Hessian-vector product",
    mutant="backward_is_never_recorded",
    given={"a": vectors()},
)
def test_backward_can_be_recorded(a: Array) -> None:
    """After backward(create_graph=True) the leaf's gradient is itself recorded: from x.grad = 3x**2 follows 6x."""
    x = tensor(a, requires_grad=True)
    (x * x * x).sum().backward(create_graph=True)
    first = x.grad.bound()
    expect(first.requires_grad, True)
    second = grad(first.sum(), [x])[0]
    expect(first, 3 * a * a, "3x**2")
    expect(second, 6 * a, "6x")
