"""Rows of the table: reductions over axes, which vanish or are kept with extent 1, and products of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .elementwise import TIMES
from .rows import Array, Axes, Kernel, Site, Value, raw

# ---- reductions --------------------------------------------------------------------------------------------


def over(reduction: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of NumPy's in the table's words."""
    return lambda a, axis, keepdim=False: reduction(a, axis=axis, keepdims=keepdim)


def count(shape: tuple[int, ...], axis: Axes) -> int:
    """How many elements of an array are reduced to one."""
    return int(np.prod(np.array(shape, dtype=int)[np.array(axis, dtype=int)]))


def kept(k: Site, value: Value, axis: Axes) -> Value:
    """What was reduced, or its cotangent, with each of the axes in its place."""
    shape = np.array(k.shape, dtype=int)
    shape[np.array(axis, dtype=int)] = 1
    return k("reshape", value, shape=tuple(shape))


def spread(k: Site, g: Value, axis: Axes, keepdim: bool = False) -> Value:
    """A sum's cotangent goes to each of its summands."""
    return k("expand", kept(k, g, axis), shape=k.shape)


def mean(a: Array, axis: Axes, keepdim: bool = False) -> Array:
    total: Array = np.sum(a, axis=axis, keepdims=keepdim)
    return total / count(a.shape, axis)


def averaged(k: Site, g: Value, axis: Axes, keepdim: bool = False) -> Value:
    return spread(k, g / count(k.shape, axis), axis)


def shared(k: Site, g: Value, a: Value, y: Value, axis: Axes, keepdim: bool = False) -> Value:
    """Elements that tie for the maximum receive equal shares."""
    ties = raw(a) == raw(kept(k, y, axis))
    shares = np.sum(ties, axis=axis, keepdims=True, dtype=raw(g).dtype)
    return k("keep", kept(k, g, axis) / shares, chosen=ties)


def norm(a: Array, axis: Axes, keepdim: bool = False) -> Array:
    length: Array = np.sqrt(np.sum(np.square(a), axis=axis, keepdims=keepdim))
    return length


def direction(k: Site, g: Value, a: Value, y: Value, axis: Axes, keepdim: bool = False) -> Value:
    """a / |a|, and 0 at the zero vector, the smallest subgradient; no 0/0 on the way, for higher orders."""
    length = kept(k, y, axis)
    zero = raw(length) == 0
    return k("keep", a * (kept(k, g, axis) / (length + zero)), chosen=~zero)


def variance(a: Array, axis: Axes, correction: float, keepdim: bool = False) -> Array:
    """In two passes: squared distances from the mean lose nothing to its size."""
    squares = np.square(a - mean(a, axis, keepdim=True))
    total: Array = np.sum(squares, axis=axis, keepdims=keepdim)
    return total / max(count(a.shape, axis) - correction, 0)


def apart(k: Site, g: Value, a: Value, axis: Axes, correction: float, keepdim: bool = False) -> Value:
    """The distance from the mean; that the mean moves as well cancels out."""
    distance = a - k("mean", a, axis=axis, keepdim=True)
    return kept(k, g, axis) * distance * 2 / max(count(k.shape, axis) - correction, 0)


def cumsum(a: Array, axis: Axes) -> Array:
    return np.cumsum(a, axis=axis[0]) if axis else a.copy()


def accumulated(k: Site, g: Value, axis: Axes) -> Value:
    """Each element is in its own sum and in all later ones."""
    return k("flip", k("cumsum", k("flip", g, axis=axis), axis=axis), axis=axis)


# ---- the product of elements -------------------------------------------------------------------------------


def others(a: Array) -> Array:
    """For each element of a row the product of the others, without a division: a row may hold zeros."""
    ones = np.ones_like(a[..., :1])
    before = np.cumprod(np.concatenate([ones, a[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, a[..., :0:-1]], axis=-1), axis=-1)
    return before * np.flip(after, axis=-1)


def pairs(k: Site, g: Value, a: Value) -> Value:
    """Row i of a square is `a` with 1 at i: what there are the others of j is the derivative of others i by j, if they differ."""
    own = np.eye(k.shape[-1], dtype=bool)
    square = k("keep", k("reshape", a, shape=(*k.shape[:-1], 1, k.shape[-1])), chosen=~own) + own
    weights = k("reshape", g, shape=(*k.shape, 1))
    return k("sum", k("keep", weights * k("others", square), chosen=~own), axis=(len(k.shape) - 1,))


def remaining(k: Site, g: Value, a: Value, axis: Axes, keepdim: bool = False) -> Value:
    """The product of the other elements, in one row or in the rows along an axis."""
    if len(axis) == 1:
        order = np.arange(len(k.shape))
        order[[axis[0], -1]] = order[[-1, axis[0]]]  # an exchange, which is its own inverse
        rest = k("permute", k("others", k("permute", a, axes=tuple(order))), axes=tuple(order))
    else:
        rest = k("reshape", k("others", k("reshape", a, shape=(-1,))), shape=k.shape)
    return kept(k, g, axis) * rest


ROWS: dict[str, Kernel] = {
    "sum": Kernel("SumBackward0", over(np.sum), ("",), (spread,)),
    "mean": Kernel("MeanBackward0", mean, ("",), (averaged,)),
    "prod": Kernel("ProdBackward0", over(np.prod), ("a",), (remaining,)),
    "max": Kernel("MaxBackward1", over(np.max), ("ay",), (shared,)),
    "norm": Kernel("LinalgVectorNormBackward0", norm, ("ay",), (direction,)),
    "var": Kernel("VarBackward0", variance, ("a",), (apart,)),
    "cumsum": Kernel("CumsumBackward0", cumsum, ("",), (accumulated,)),
    "dot": Kernel("DotBackward0", np.dot, ("b", "a"), TIMES),
    "mv": Kernel(
        "MvBackward0",
        np.matmul,
        ("b", "a"),
        (lambda k, g, b: k("reshape", g, shape=(-1, 1)) * b, lambda k, g, a: k("mv", k("mT", a), g)),
    ),
    # Of matrices, whose leading axes broadcast.
    "mm": Kernel(
        "MmBackward0",
        np.matmul,
        ("b", "a"),
        (lambda k, g, b: k("mm", g, k("mT", b)), lambda k, g, a: k("mm", k("mT", a), g)),
    ),
    "others": Kernel("ProdBackward0", others, ("a",), (pairs,)),
}
