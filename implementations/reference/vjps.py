"""How cotangents travel back through each operator: one row each, mathematics only.

Rows are written with tensor operators: a derivative is itself a program, to be recorded and differentiated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .values import Array, Axis

if TYPE_CHECKING:
    from .engine import Tensor
    from .node import Edge


TORCH_NAMES = {  # of nodes; those of all other operators follow from the operator's name
    "cast": "ToCopyBackward0",
    "max": "MaxBackward1",
    "norm": "LinalgVectorNormBackward0",
    "power": "PowBackward1",
    "reshape": "ViewBackward0",
    "rsub": "RsubBackward1",
    "vm": "SqueezeBackward4",
}


class Vjp(NamedTuple):
    """The vector-Jacobian product for one operand: pull(cotangent of the result, *saved values, *params)."""

    saves: str
    pull: Callable[..., Tensor]


VJPS: dict[str, tuple[Vjp, ...]] = {
    "add": (Vjp("", lambda g: g), Vjp("", lambda g: g)),
    "sub": (Vjp("", lambda g: g), Vjp("", lambda g: -g)),
    "rsub": (Vjp("", lambda g: -g), Vjp("", lambda g: g)),
    "mul": (Vjp("b", lambda g, b: g * b), Vjp("a", lambda g, a: g * a)),
    "div": (Vjp("b", lambda g, b: g / b), Vjp("ab", lambda g, a, b: -g * (a / b / b))),
    "neg": (Vjp("", lambda g: -g),),
    "abs": (Vjp("a", lambda g, a: g * a.sign()),),
    "pow": (Vjp("a", lambda g, a, n: power_rule(g, a, n)),),
    "power": (
        Vjp("ab", lambda g, a, b: (g * (b * a ** (b - 1))).where(b.data != 0)),
        Vjp("aby", lambda g, a, b, y: exponent_rule(g, a, b, y)),
    ),
    "exp": (Vjp("y", lambda g, y: g * y),),
    "log": (Vjp("a", lambda g, a: g / a),),
    "sqrt": (Vjp("y", lambda g, y: g / (2 * y)),),
    "sin": (Vjp("a", lambda g, a: g * a.cos()),),
    "cos": (Vjp("a", lambda g, a: -g * a.sin()),),
    "tanh": (Vjp("y", lambda g, y: g * (1 - y * y)),),
    "relu": (Vjp("y", lambda g, y: g.where_positive(y)),),
    "sum": (Vjp("", lambda g, axis, shape: spread(g, axis, shape)),),
    "mean": (Vjp("", lambda g, axis, shape: spread(g, axis, shape) / fold(g, shape)),),
    "max": (Vjp("ay", lambda g, a, y: share(g, (a.data == y.data) | np.isnan(a.data))),),
    "norm": (Vjp("ay", lambda g, a, y: norm_rule(g, a, y)),),
    "dot": (Vjp("b", lambda g, b: g * b), Vjp("a", lambda g, a: g * a)),
    "mm": (Vjp("b", lambda g, b: g.mm(b.t())), Vjp("a", lambda g, a: a.t().mm(g))),
    "mv": (Vjp("b", lambda g, b: g.reshape(-1, 1).mm(b.reshape(1, -1))), Vjp("a", lambda g, a: a.t().mv(g))),
    "vm": (Vjp("b", lambda g, b: b.mv(g)), Vjp("a", lambda g, a: a.reshape(-1, 1).mm(g.reshape(1, -1)))),
    "reshape": (Vjp("", lambda g, shape: g.reshape(shape)),),
    "t": (Vjp("", lambda g: g.t()),),
    "select": (Vjp("", lambda g, index, shape: g.scatter(index, shape)),),
    "slice": (Vjp("", lambda g, index, shape: g.scatter(index, shape)),),
    "index": (Vjp("", lambda g, index, shape: g.scatter(index, shape)),),
    "scatter": (Vjp("", lambda g, index: g[index]),),
    "expand": (Vjp("", lambda g: g),),  # `unbroadcast` sums what was expanded
    "sign": (Vjp("", lambda g: nothing(g)),),
    "where_positive": (Vjp("b", lambda g, b: g.where_positive(b)), Vjp("", lambda g: nothing(g))),
    "where": (Vjp("", lambda g, chosen: g.where(chosen)),),
    "clone": (Vjp("", lambda g: g),),
    "cast": (Vjp("", lambda g: g),),  # `unbroadcast` casts back
}


def nothing(cotangent: Tensor) -> Tensor:
    """Where a result does not depend on its operand, the contribution is a constant 0."""
    return cotangent.detach().where(False)


def power_rule(cotangent: Tensor, base: Tensor, n: float) -> Tensor:
    """D a^n = n a^(n-1), but for n = 0 a plain 0, even where a is 0."""
    return cotangent * (n * base ** (n - 1)) if n else nothing(cotangent)


def exponent_rule(cotangent: Tensor, base: Tensor, exponent: Tensor, power: Tensor) -> Tensor:
    """D a^b = a^b log a, but 0 where 0^b stays 0; there, a + 1 avoids log 0, a NaN in higher orders."""
    flat = (base.data == 0) & (exponent.data >= 0)
    safe: Tensor = base + flat
    return (cotangent * (power * safe.log())).where(~flat)


def norm_rule(cotangent: Tensor, vector: Tensor, norm: Tensor) -> Tensor:
    """D |a| = a / |a|, but 0 at the zero vector, its smallest subgradient; there, |a| + 1 avoids 0 / 0."""
    zero = norm.data == 0
    safe: Tensor = norm + zero
    return (vector * (cotangent / safe)).where(~zero)


def spread(cotangent: Tensor, axis: Axis, shape: tuple[int, ...]) -> Tensor:
    """Every summand of a reduction receives the sum's cotangent."""
    gone = range(len(shape)) if axis is None else np.atleast_1d(axis) % len(shape)
    return cotangent.reshape(tuple(1 if i in gone else n for i, n in enumerate(shape))).expand(shape)


def fold(cotangent: Tensor, shape: tuple[int, ...]) -> float:
    """How many elements one mean was taken over."""
    return math.prod(shape) / max(cotangent.data.size, 1)


def share(cotangent: Tensor, ties: Array) -> Tensor:
    """Elements that tie for the maximum share its cotangent equally."""
    return (cotangent / int(ties.sum())).where(ties)


def unbroadcast(cotangent: Tensor, edge: Edge) -> Tensor:
    """Broadcasting: what was copied forward sums backward; an operand that was promoted is cast back."""
    added = cotangent.data.ndim - len(edge.shape)
    copied = tuple(i for i, n in enumerate(cotangent.shape) if i < added or edge.shape[i - added] != n)
    summed = cotangent.sum(copied).reshape(edge.shape) if copied else cotangent
    return summed if summed.data.dtype == edge.dtype else summed.cast(edge.dtype)
