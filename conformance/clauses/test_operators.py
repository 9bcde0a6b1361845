"""Operators: what each computes and how it passes a cotangent on.

Inputs are exact here, so exp, sin, tanh and their like are asked at the one point where their values are rational. A derivative
that is right there and wrong elsewhere shows in the derivatives of higher order there; no first order is asked away from it.
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
from conformance.operators.formulas import FORMULAS, folded
from conformance.strategies import arrays, attributes, integers, operands, powers_of_two, vectors
from conformance.tensor import Tensor, apply, expect, grad, gradients, refuses, tensor

DIFFERENTIABLE: Final = tuple(name for name, record in OPERATORS.items() if not record.result)

# Operands that have no gradient: how each is made of the exact numbers that were drawn.
_CONSTANTS: Final[Mapping[str, Callable[[Array], Any]]] = {
    "bits": lambda array: tensor(array) > 0,
    "exponent": lambda array: array.item(),
}


@clause(
    "law",
    mutant="mul_counts_one_use",
    after=("vjp/backward_contracts_with_the_cotangent",),
    given={"data": st.data()},
    operator=DIFFERENTIABLE,
)
def test_value_and_gradient(operator: str, data: st.DataObject) -> None:
    """An operator's value is its formula's, and a cotangent v reaches each operand as v times the derivative."""
    record = OPERATORS[operator]
    drawn = data.draw(operands(record))
    chosen = data.draw(attributes(record, drawn[0].shape))
    given = [_CONSTANTS.get(domain, _leaf)(array) for domain, array in zip(record.domain, drawn, strict=True)]
    leaves = [operand for domain, operand in zip(record.domain, given, strict=True) if domain not in _CONSTANTS]
    y = apply(operator, *given, **chosen)
    v = data.draw(arrays(y.shape, integers))
    received = gradients(y, leaves, tensor(v))
    formulas = FORMULAS[operator](v, *drawn, **chosen)
    expect(y, y.value, f"the value of {operator}")
    for gradient, formula, leaf in zip(received, formulas, leaves, strict=True):
        expect(gradient, folded(formula, leaf.shape), f"v times the derivative of {operator}")


def _leaf(array: Array) -> Tensor:
    return tensor(array, requires_grad=True)


# A point and the first three derivatives there: a function whose VJP is right at the point alone has other ones.
DERIVATIVES: Final[Mapping[str, tuple[int, tuple[Any, ...]]]] = {
    "exp": (0, (1, 1, 1)),
    "sin": (0, (1, 0, -1)),
    "cos": (0, (0, -1, 0)),
    "atan": (0, (1, 0, -2)),
    "sinh": (0, (1, 0, 1)),
    "cosh": (0, (0, 1, 0)),
    "tanh": (0, (1, 0, -2)),
    "sigmoid": (0, (fmpq(1, 4), 0, fmpq(-1, 8))),
    "log": (1, (1, -1, 2)),
    "log1p": (0, (1, -1, 2)),
    "reciprocal": (2, (fmpq(-1, 4), fmpq(1, 4), fmpq(-3, 8))),
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
