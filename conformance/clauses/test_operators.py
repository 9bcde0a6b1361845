"""Operators: what each computes and how it passes a cotangent on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.operators import OPERATORS
from conformance.strategies import Shape, arrays, attributes, integers, operands
from conformance.tensor import apply, expect, gradients, tensor

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
    source="chain rule; Griewank and Walther, Evaluating Derivatives, chapter 3",
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
