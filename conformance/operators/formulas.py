"""Closed formulas of gradients: the second opinion to the model, which knows none and differentiates definitions by forward mode.

Each takes the cotangent v, the operands and the attributes, and gives what every operand but a condition or an exponent receives.
A gradient may still have the broadcast shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from flint import fmpq

from conformance.model.numbers import Array

Formula = Callable[..., tuple[Any, ...]]


def _sign(a: Array) -> Any:
    return _each(lambda x: fmpq((x > 0) - (x < 0)), a)


def _roots(a: Array) -> Any:
    return _each(lambda x: fmpq(next(n for n in range(1, 5) if n * n == x)), a)


def _each(function: Callable[[fmpq], fmpq], a: Array) -> Any:
    return np.vectorize(function, otypes=[object])(a)


def _where(condition: Any) -> Any:
    return np.asarray(condition).astype(object)


def _along(slopes: Callable[[Array, int], Any]) -> Formula:
    """A reduction along one axis: what it received, with that axis back, times the slopes."""

    def formula(v: Array, a: Array, axis: int, keepdim: bool) -> tuple[Any, ...]:
        return ((v if keepdim else np.expand_dims(v, axis)) * slopes(a, axis),)

    return formula


def _whole(slopes: Callable[[Array, int], Any]) -> Formula:
    """A reduction of all elements: that of one row of them."""
    return lambda v, a: (v * slopes(a.reshape(-1), 0).reshape(a.shape),)


def _ones(a: Array, axis: int) -> Any:
    return 0 * a + 1


def _shares(a: Array, axis: int) -> Any:
    return _ones(a, axis) / fmpq(a.shape[axis])


def _others(a: Array, axis: int) -> Any:
    return np.prod(a, axis, keepdims=True) / a


def _highest(a: Array, axis: int) -> Any:
    return _where(a == a.max(axis, keepdims=True))


def _signs(a: Array, axis: int) -> Any:
    return _sign(a)  # the norm of one element is its absolute value


def _deviations(a: Array, axis: int) -> Any:
    count = fmpq(a.shape[axis])
    return 2 * (a - a.sum(axis, keepdims=True) / count) / count


def _products(v: Array, a: Array, b: Array) -> tuple[Any, ...]:
    """Of matrices A and B: v B^T and A^T v; a vector is a row on the left and a column on the right."""
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    v = np.expand_dims(v, -1) if b.ndim == 1 else v
    v = np.expand_dims(v, -2) if a.ndim == 1 else v
    by_a, by_b = v @ np.swapaxes(right, -1, -2), np.swapaxes(left, -1, -2) @ v
    return (by_a[..., 0, :] if a.ndim == 1 else by_a), (by_b[..., 0] if b.ndim == 1 else by_b)


def _scattered(v: Array, a: Array, places: Any) -> Any:
    result: Any = a * fmpq(0)
    np.add.at(result, places, v)
    return result


def _places(a: Array, axis: int, index: Any) -> tuple[Any, ...]:
    grid = list(np.indices(np.shape(index)))
    grid[axis] = np.asarray(index)
    return tuple(grid)


FORMULAS: Final[Mapping[str, Formula]] = {
    # --- arithmetic
    "add": lambda v, a, b: (v + 0 * b, v + 0 * a),
    "sub": lambda v, a, b: (v, -v),
    "mul": lambda v, a, b: (v * b, v * a),
    "div": lambda v, a, b: (v / b, -v * a / b**2),
    "neg": lambda v, a: (-v,),
    "square": lambda v, a: (2 * v * a,),
    "reciprocal": lambda v, a: (-v / a**2,),
    "pow": lambda v, a, n: (v * n * a ** (int(n.item()) - 1),),
    # --- functions, at the one point where they are rational: 0, or 1 for log
    "exp": lambda v, a: (v,),
    "log": lambda v, a: (v,),
    "log1p": lambda v, a: (v,),
    "sqrt": lambda v, a: (v / (2 * _roots(a)),),
    "sin": lambda v, a: (v,),
    "cos": lambda v, a: (0 * v,),
    "atan": lambda v, a: (v,),
    "sinh": lambda v, a: (v,),
    "cosh": lambda v, a: (0 * v,),
    "tanh": lambda v, a: (v,),
    "sigmoid": lambda v, a: (v / fmpq(4),),
    # --- pieces
    "abs": lambda v, a: (v * _sign(a),),
    "relu": lambda v, a: (v * (1 + _sign(a)) / 2,),
    "clamp": lambda v, a, low, high: (v * _where((a > low) & (a < high)),),
    "maximum": lambda v, a, b: (v * _where(a > b), v * _where(b > a)),
    "minimum": lambda v, a, b: (v * _where(a < b), v * _where(b < a)),
    "where": lambda v, c, a, b: (v * c, v * (1 - c)),
    # --- reductions
    "sum": _whole(_ones),
    "mean": _whole(_shares),
    "prod": _whole(_others),
    "max": _whole(_highest),
    "norm": _whole(_signs),
    "var": _whole(_deviations),
    "sum_axis": _along(_ones),
    "mean_axis": _along(_shares),
    "prod_axis": _along(_others),
    "max_axis": _along(_highest),
    "norm_axis": _along(_signs),
    "var_axis": _along(_deviations),
    "cumsum": lambda v, a, axis: (np.flip(np.cumsum(np.flip(v, axis), axis), axis),),
    # --- products
    "dot": _products,
    "outer": lambda v, a, b: ((v * b).sum(1), (v.T * a).sum(1)),
    "mv": _products,
    "mm": _products,
    "matmul": _products,
    # --- structure
    "reshape": lambda v, a, shape: (v.reshape(a.shape),),
    "transpose": lambda v, a: (v.T,),
    "permute": lambda v, a, axes: (v.transpose(np.argsort([axis % a.ndim for axis in axes]).astype(int)),),
    "squeeze": lambda v, a, axis: (v.reshape(a.shape),),
    "unsqueeze": lambda v, a, axis: (v.reshape(a.shape),),
    "expand": lambda v, a, shape: (v,),
    "index": lambda v, a, index: (_scattered(v, a, slice(*index["slice"]) if isinstance(index, dict) else index),),
    "gather": lambda v, a, axis, index: (_scattered(v, a, _places(a, axis, index)),),
    "concat": lambda v, a, b, axis: tuple(np.split(v, 2, axis)),
    "stack": lambda v, a, b, axis: (v.take(0, axis), v.take(1, axis)),
    "pad": lambda v, a, widths: (v[..., widths[0] : widths[0] + a.shape[-1]],),
    "flip": lambda v, a, axis: (np.flip(v, axis),),
    "roll": lambda v, a, shift, axis: (np.roll(v, -shift, axis),),
}


def folded(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sums a gradient over the axes along which an operand of `shape` was broadcast."""
    gradient = np.asarray(gradient, dtype=object)
    extra = gradient.ndim - len(shape)
    gradient = np.asarray(gradient.sum(axis=tuple(range(extra))) if extra else gradient, dtype=object)
    stretched = tuple(i for i, extent in enumerate(shape) if extent == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient
