"""Operators: what each computes and how it passes a cotangent on.

Inputs are exact here, so exp, sin, tanh and log are asked at the one point where their values are rational. A derivative that is
right there and wrong elsewhere shows in the derivatives of higher order at that point; no first order is asked away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.operators import OPERATORS
from conformance.strategies import Shape, arrays, attributes, integers, operands, powers_of_two, vectors
from conformance.tensor import Tensor, apply, expect, grad, gradients, refuses, tensor

# For each operator its gradients as closed formulas of the cotangent v and the operands: the second opinion to the model, which
# knows no such formula and differentiates the operator's definition by forward mode. Each may still have the broadcast shape.
FORMULAS: Final[Mapping[str, Callable[..., tuple[Any, ...]]]] = {
    "add": lambda v, a, b: (v + 0 * b, v + 0 * a),
    "sub": lambda v, a, b: (v, -v),
    "mul": lambda v, a, b: (v * b, v * a),
    "div": lambda v, a, b: (v / b, -v * a / b**2),
    "neg": lambda v, a: (-v,),
    "pow": lambda v, a, n: (v * n * a ** (int(n.item()) - 1),),
    "abs": lambda v, a: (v * _sign(a),),
    "relu": lambda v, a: (v * (1 + _sign(a)) / 2,),
    "exp": lambda v, a: (v,),  # exp'(0) = 1
    "log": lambda v, a: (v,),  # log'(1) = 1
    "sqrt": lambda v, a: (v / (2 * _roots(a)),),
    "sin": lambda v, a: (v,),  # sin'(0) = 1
    "tanh": lambda v, a: (v,),  # tanh'(0) = 1
    "sum": lambda v, a: (v + 0 * a,),
    "sum_axis": lambda v, a, axis: (np.expand_dims(v, axis) + 0 * a,),
    "mean": lambda v, a: (v / fmpq(a.size) + 0 * a,),
    "max": lambda v, a: (v * (a == max(a.flat)),),
    "norm": lambda v, a: (v * _sign(a),),  # of one element: its absolute value
    "dot": lambda v, a, b: (v * b, v * a),
    "mm": lambda v, a, b: (_product(v, b.T), _product(a.T, v)),
    "matmul": lambda v, a, b: (_product(v, b.T), _product(a.T, v)),
    "reshape": lambda v, a, shape: (v.reshape(a.shape),),
    "transpose": lambda v, a: (v.T,),
    "index": lambda v, a, index: (_scattered(v, a, index),),
}


def _sign(a: Array) -> Any:
    return _elementwise(lambda x: fmpq((x > 0) - (x < 0)), a)


def _roots(a: Array) -> Any:
    return _elementwise(lambda x: fmpq(next(n for n in range(1, 5) if n * n == x)), a)


def _elementwise(function: Callable[[fmpq], fmpq], a: Array) -> Any:
    return np.vectorize(function, otypes=[object])(a)


def _product(a: Array, b: Array) -> Any:
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)


def _scattered(v: Array, a: Array, index: Any) -> Any:
    result: Any = a * fmpq(0)
    places: Any = slice(*index["slice"]) if isinstance(index, dict) else index
    np.add.at(result, places, v)
    return result


def folded(gradient: Any, shape: Shape) -> Any:
    """Sums a gradient over the axes along which an operand of `shape` was broadcast."""
    gradient = np.asarray(gradient, dtype=object)
    extra = gradient.ndim - len(shape)
    gradient = np.asarray(gradient.sum(axis=tuple(range(extra))) if extra else gradient, dtype=object)
    stretched = tuple(i for i, extent in enumerate(shape) if extent == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient


@clause(
    "law",
    mutant="mul_counts_one_use",
    after=("vjp/backward_contracts_with_the_cotangent",),
    given={"data": st.data()},
    operator=tuple(FORMULAS),
)
def test_value_and_gradient(operator: str, data: st.DataObject) -> None:
    """An operator's value is its formula's, and a cotangent v reaches each operand as v times the derivative."""
    record = OPERATORS[operator]
    drawn = data.draw(operands(record))
    chosen = data.draw(attributes(record, drawn[0].shape))
    differentiable = drawn[:1] if record.shapes == "scalar" else drawn
    leaves = [tensor(array, requires_grad=True) for array in differentiable]
    scalars = [array.item() for array in drawn[len(differentiable) :]]
    y = apply(operator, *leaves, *scalars, **chosen)
    v = data.draw(arrays(y.shape, integers))
    received = gradients(y, leaves, tensor(v))
    plain = {name: tuple(value) if name == "shape" else value for name, value in chosen.items()}
    formulas = FORMULAS[operator](v, *drawn, **plain)
    expect(y, y.value, f"the value of {operator}")
    for gradient, formula, leaf in zip(received, formulas, leaves, strict=True):
        expect(gradient, folded(formula, leaf.shape), f"v times the derivative of {operator}")


# A point and the first three derivatives there: a function whose VJP is right at the point alone has other ones.
DERIVATIVES: Final[Mapping[str, tuple[int, tuple[Any, ...]]]] = {
    "exp": (0, (1, 1, 1)),
    "sin": (0, (1, 0, -1)),
    "tanh": (0, (1, 0, -2)),
    "log": (1, (1, -1, 2)),
    "sqrt": (4, (fmpq(1, 4), fmpq(-1, 32), fmpq(3, 256))),
}


@clause(
    "law",
    mutant="functions_pass_the_cotangent_on",
    operator=tuple(DERIVATIVES),
)
def test_derivatives_of_higher_order(operator: str) -> None:
    """A function's derivatives are its Taylor coefficients times k!: of sin at 0 they are 1, 0, -1, of log at 1 1, -1, 2."""
    point, derivatives = DERIVATIVES[operator]
    x = tensor([point] * 2, requires_grad=True)
    y = apply(operator, x)
    for order, derivative in enumerate(derivatives, start=1):
        y = grad(y.sum(), [x], create_graph=order < len(derivatives))[0]
        expect(y, [derivative] * 2, f"derivative {order} of {operator}")


# An operator with a number on its right and on its left: the value and the derivative of each.
NUMBERS: Final[Mapping[str, tuple[Callable[[Array], Any], Callable[[Array], Any]]]] = {
    "add": (lambda a: (a + 2, 0 * a + 1), lambda a: (2 + a, 0 * a + 1)),
    "sub": (lambda a: (a - 2, 0 * a + 1), lambda a: (2 - a, 0 * a - 1)),
    "mul": (lambda a: (a * 2, 0 * a + 2), lambda a: (2 * a, 0 * a + 2)),
    "div": (lambda a: (a / fmpq(2), 0 * a + fmpq(1, 2)), lambda a: (2 / a, -2 / (a * a))),
}


@clause(
    "law",
    mutant="reflected_subtraction_keeps_the_sign",
    operator=tuple(NUMBERS),
    given={"a": vectors(powers_of_two)},
)
def test_a_number_on_either_side(operator: str, a: Array) -> None:
    """An operator takes a Python number on either side: the derivative of 2 - x is -1, that of 2 / x is -2 / x**2."""
    right, left = NUMBERS[operator]
    _judged(right(a), a, lambda x: apply(operator, x, 2))
    _judged(left(a), a, lambda x: apply(operator, 2, x))


def _judged(formulas: tuple[Array, Array], a: Array, function: Callable[[Tensor], Tensor]) -> None:
    x = tensor(a, requires_grad=True)
    y = function(x)
    received = gradients(y.sum(), [x])
    expect(y, formulas[0], "the value")
    expect(received[0], formulas[1], "the derivative")


@clause("dialect", mutant="products_take_any_rank", dialect="torch", operator=("dot", "mm"))
def test_products_take_one_rank(operator: str) -> None:
    """The dot product is refused for what is no vector on either side, mm for what is no matrix."""
    rank = {"dot": 1, "mm": 2}[operator]
    right = tensor(np.ones((2,) * rank, dtype=int), requires_grad=True)
    for other in {0, 1, 2, 3} - {rank}:
        wrong = tensor(np.ones((2,) * other, dtype=int))
        with refuses("shape_mismatch"):
            right.binary(operator, wrong)
        with refuses("shape_mismatch"):
            wrong.binary(operator, right)
        with refuses("shape_mismatch"):
            wrong.binary(operator, wrong)
    received = gradients(right.binary(operator, right).sum(), [right])
    expect(received[0], np.full((2,) * rank, 2 * rank), "the accepted twin")
