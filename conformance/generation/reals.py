"""Where numbers lie: the rough values by which the generator of functional programs steers.

Values are computed in binary64 by NumPy, for no other purpose than to choose: an operator is only applied where it is defined,
away from its kinks, and where what comes of it is neither huge nor lost. What is true of the program is the model's to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.operators.table import OPERATORS

Rough = NDArray[Any]


@dataclass(slots=True, eq=False)
class Register:
    """A name of the program and its rough value.

    on: the leaves it depends on by way of recorded operators, as bits. exact: a leaf, whose numbers were not computed.
    """

    name: str
    value: Rough
    numbers: list[float]
    on: int = 0
    exact: bool = False
    used: bool = False


_NUMPY: Final[Mapping[str, Callable[..., Any]]] = {
    "square": np.square,
    "reciprocal": np.reciprocal,
    "eq": np.equal,
    "gt": np.greater,
    "pow": np.power,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "abs": np.abs,
    "relu": lambda a: np.maximum(a, 0.0),
    "clamp": lambda a, low, high: np.minimum(np.maximum(a, low), high),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": np.where,
    "sum": lambda a: np.add.reduce(a, axis=None),
    "mean": np.mean,
    "prod": lambda a: np.multiply.reduce(a, axis=None),
    "max": lambda a: np.maximum.reduce(a, axis=None),
    "norm": lambda a: np.sqrt((a * a).sum()),
    "var": np.var,
    "sum_axis": lambda a, axis, keepdim: a.sum(axis, keepdims=keepdim),
    "mean_axis": lambda a, axis, keepdim: a.mean(axis, keepdims=keepdim),
    "prod_axis": lambda a, axis, keepdim: a.prod(axis, keepdims=keepdim),
    "max_axis": lambda a, axis, keepdim: a.max(axis, keepdims=keepdim),
    "norm_axis": lambda a, axis, keepdim: np.sqrt((a * a).sum(axis, keepdims=keepdim)),
    "var_axis": lambda a, axis, keepdim: a.var(axis, keepdims=keepdim),
    "cumsum": np.cumsum,
    "dot": np.dot,
    "outer": np.outer,
    "mv": np.matmul,
    "mm": np.matmul,
    "matmul": np.matmul,
    "pad": lambda a, widths: np.pad(a, [(0, 0)] * (a.ndim - 1) + [tuple(widths)]),
}
# What only moves numbers, or is Python's own operator, is the model's rule itself.
_ROUGH: Final = {**{name: record.forward for name, record in OPERATORS.items()}, **_NUMPY}


def rough(operator: str, operands: Sequence[Rough], attributes: Mapping[str, Any]) -> Rough:
    """An operator's value in binary64."""
    return np.asarray(_ROUGH[operator](*operands, **attributes))


def size(numbers: Sequence[float]) -> float:
    """The greatest magnitude."""
    return max(map(abs, numbers), default=0.0)


# Names of the column `reals` in the table of operators: whether numbers lie there.
REALS: Final[Mapping[str, Callable[[Sequence[float]], bool]]] = {
    "any": lambda numbers: True,
    "bits": lambda numbers: True,
    "exponent": lambda numbers: True,
    "positive": lambda numbers: min(numbers, default=1.0) >= 2.0**-6,
    "nonzero": lambda numbers: min(map(abs, numbers), default=1.0) >= 2.0**-6,
    "moderate": lambda numbers: size(numbers) <= 6,
}


def _gap(rows: Rough) -> float:
    """The least distance between the two greatest numbers of a row."""
    if rows.shape[-1] < 2 or not rows.size:
        return math.inf
    ordered = np.sort(rows, axis=-1)
    return float((ordered[..., -1] - ordered[..., -2]).min())


def _nearest(distances: Any) -> float:
    return float(np.min(np.abs(distances), initial=math.inf))


# How far operands are from where an operator has no derivative, or where a comparison tips over.
KINKS: Final[Mapping[str, Callable[..., float]]] = {
    "abs": _nearest,
    "relu": _nearest,
    "clamp": lambda a, low, high: min(_nearest(a - low), _nearest(a - high)),
    "maximum": lambda a, b: _nearest(a - b),
    "minimum": lambda a, b: _nearest(a - b),
    "eq": lambda a, b: _nearest(a - b),
    "gt": lambda a, b: _nearest(a - b),
    "max": lambda a: _gap(a.reshape(-1)),
    "max_axis": lambda a, axis, keepdim: _gap(np.moveaxis(a, axis, -1)),
    "norm": lambda a: float(np.max(np.abs(a))),
    "norm_axis": lambda a, axis, keepdim: float(np.min(np.max(np.abs(a), axis))),
}
