"""Derivatives of derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, powers_of_two, vectors
from conformance.tensor import Tensor, attempting, expect, expect_one_of, grad, refuses, tensor


@clause(
    "law",
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


@clause("contract", mutant="backward_is_always_recorded", given={"a": vectors()})
def test_accumulated_gradients_are_constants_unless_asked(a: Array) -> None:
    """What a plain backward leaves in x.grad is a constant, and differentiating it is refused; with create_graph it is legal."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    (x * x * x).sum().backward()
    first = x.grad.bound()
    expect(first.requires_grad, False)
    with refuses("needs_grad"):
        grad(first.sum(), [x])
    (w * w * w).sum().backward(create_graph=True)
    expect(grad(w.grad.bound().sum(), [w])[0], 6 * a, "the accepted twin")


@clause("convention", mutant="gradients_of_constants_are_ones", given={"a": vectors()})
def test_second_derivative_of_a_linear_function(a: Array) -> None:
    """The recorded derivative of sum(3x) is 3; as it depends on no x, deriving it is refused, or gives nothing or zeros."""
    x = tensor(a, requires_grad=True)
    first = grad((x * 3).sum(), [x], create_graph=True)[0]
    expect(first, 0 * a + 3, "the first derivative")
    with attempting("needs_grad"):
        second = grad(first.sum(), [x], allow_unused=True)[0]
        expect_one_of(second, [None, 0 * a], "the second derivative")


# However x**3 is computed, of a lone x that is a power of two: |x|**3 by `abs` and `norm`, and by `relu` where x > 0.
CUBES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "add": lambda x: (x + x) * x * x - x * x * x,
    "sub": lambda x: (2 - (2 - x)) * x * x,
    "neg": lambda x: -x * -x * x,
    "div": lambda x: x * x * x * x / x,
    "reciprocal": lambda x: 1 / (1 / (x * x)) * x,
    "pow": lambda x: x**3,
    "abs": lambda x: abs(x) * x * x,
    "relu": lambda x: x.unary("relu") * x * x,
    "norm": lambda x: x.unary("norm") * x * x,
    "max": lambda x: x.unary("max") * x * x,
    "mean": lambda x: x.unary("mean") * x * x,
    "sum_axis": lambda x: (x.reshape(1, 1) * x).sum(0) * x,
    "dot": lambda x: x.binary("dot", x * x),
    "mm": lambda x: x.reshape(1, 1).binary("mm", (x * x).reshape(1, 1)),
    "matmul": lambda x: x.reshape(1, 1) @ (x * x).reshape(1, 1),
    "transpose": lambda x: x.reshape(1, 1).unary("transpose") * x * x,
    "index": lambda x: x[0] * x * x,
    "index.list": lambda x: x[[0]] * x * x,
    "slice": lambda x: x[0:1] * x * x,
}
SIGNS = {"abs": (-1, 1), "norm": (-1, 1), "relu": (0, 1)}


@clause("law", mutant="cotangents_are_constants", given={"a": arrays((1,), powers_of_two)}, operator=tuple(CUBES))
def test_a_cube_by_any_operator(operator: str, a: Array) -> None:
    """However x**3 is computed, its derivatives are 3x**2, 6x and 6; those of |x|**3 have the sign of x."""
    sign = SIGNS.get(operator, (1, 1))[int(a[0] > 0)]
    x = tensor(a, requires_grad=True)
    y = CUBES[operator](x)
    expect(y.sum(), sign * a[0] ** 3, "the value")
    for order, derivative in enumerate((3 * a * a, 6 * a, 0 * a + 6), start=1):
        y = grad(y.sum(), [x], create_graph=order < 3)[0]
        expect(y, sign * derivative, f"derivative {order}")
