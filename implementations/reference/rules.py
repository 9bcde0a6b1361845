"""Formulas of the operators that take more than a line, forward and backward.

Those for backward take the cotangent g and what their other parameters name (see the table in `core.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import refusals

if TYPE_CHECKING:
    from .core import Edge, Tensor
    from .values import Array

Axes: TypeAlias = "int | tuple[int, ...] | None"  # those that a reduction runs over; None: all
PIECES = ("select", "slice", "index", "gather")  # torch's names for `a[index]`, by the kind of index


@cache
def needs(pull: Callable[..., Tensor]) -> str:
    """The letters among a VJP's parameters: what is to be saved for it, and recalled."""
    names = pull.__code__.co_varnames[: pull.__code__.co_argcount]
    return "".join(name for name in names if name in {"a", "b", "y", "s"})


# ---- forward, on arrays -----------------------------------------------------------------------------------


def product(*ranks: int) -> Callable[[Array, Array], Array]:
    """NumPy's product accepts more ranks than these operators mean."""

    def forward(a: Array, b: Array) -> Array:
        refusals.check_ranks((a, b), ranks)
        return np.asarray(a @ b)

    return forward


def outer(a: Array, b: Array) -> Array:
    """Every product of an element of `a` and one of `b`."""
    refusals.check_ranks((a, b), (1, 1))
    return np.multiply.outer(a, b)


def sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a), with e^-|a| alone, which never overflows."""
    small = np.exp(-np.abs(a))
    return np.asarray(np.where(a < 0, small, 1) / (1 + small))


def total(a: Array, dim: Axes = None, keepdim: bool = False) -> Array:
    return np.asarray(np.sum(a, dim, keepdims=keepdim))


def mean(a: Array, dim: Axes = None, keepdim: bool = False) -> Array:
    """The sum over the count: NumPy's own warns of empty arrays."""
    return np.asarray(total(a, dim, keepdim) / count(a.shape, dim))


def variance(a: Array, dim: Axes = None, correction: int = 1, keepdim: bool = False) -> Array:
    """The mean squared distance from the mean, in two passes: no large squares cancel."""
    far = a - mean(a, dim, keepdim=True)
    return np.asarray(total(far * far, dim, keepdim) / (count(a.shape, dim) - correction))


def length(a: Array, dim: Axes = None, keepdim: bool = False) -> Array:
    return np.asarray(np.sqrt(total(a * a, dim, keepdim)))


def count(s: tuple[int, ...], dim: Axes) -> int:
    """How many elements one result of a reduction is made of."""
    return math.prod(s[i] for i in reduced(s, dim))


def reduced(s: tuple[int, ...], dim: Axes) -> set[int]:
    """The axes that a reduction runs over, counted from the front."""
    if dim is None or not s:  # torch takes 0 and -1 for the axes of a lone number too
        return set(range(len(s)))
    return {int(axis) % len(s) for axis in np.atleast_1d(dim)}


def stretched(a: Array, shape: Sequence[int]) -> Array:
    """`a` broadcast, in its memory; what repeats nothing can be written to."""
    result = np.broadcast_to(a, shape)
    return a.reshape(shape) if result.size == a.size else result


def piece(a: Array, index: Any) -> Array:
    """`a[index]`, in a's memory where NumPy can: the dots keep it from making a number of one element."""
    entries = index if isinstance(index, tuple) else (index,)
    return np.asarray(a[(*entries, ...)])


def scattered(a: Array, index: Any, shape: Any) -> Array:
    """Zeros of `shape` with `a` added at `index`; `np.add.at` counts an index as often as it occurs."""
    zeros = np.zeros(shape, a.dtype)
    np.add.at(zeros, index, a)
    return zeros


def replaced(a: Array, b: Array, at: Array) -> Array:
    """A copy of `a` with `b` at the flat positions `at`."""
    copy = a.copy()
    copy.ravel()[at] = b.squeeze(tuple(range(b.ndim - at.ndim)))  # leading axes of extent 1 do not count
    return copy


# ---- backward, on tensors ---------------------------------------------------------------------------------


def nothing(g: Tensor, *params: Any) -> Tensor:
    """Where a result does not depend on its operand, the contribution is a constant 0."""
    return g.detach().where(False, 0)


def elsewhere(g: Tensor, b: Tensor) -> Tensor:
    """What `where` took from its last operand: where the condition `b` is false."""
    return g.where(b.data == 0, 0)


def power(g: Tensor, a: Tensor, n: float) -> Tensor:
    """D a^n = n a^(n-1), but for n = 0 a plain 0, even where a is 0."""  # singular_points/the_zeroth_power_is_constant
    return g * (n * a ** (n - 1)) if n else nothing(g)


def kept(y: Tensor, s: tuple[int, ...], dim: Axes) -> Tensor:
    """What a reduction made of shape `s`, with extent 1 where it ran: it broadcasts against its operand."""
    gone = reduced(s, dim)
    return y.reshape(tuple(1 if i in gone else n for i, n in enumerate(s)))


def spread(g: Tensor, s: tuple[int, ...], dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Every summand of a reduction receives the sum's cotangent, a copy of its own."""
    return kept(g, s, dim).expand(s).clone()


def average(g: Tensor, s: tuple[int, ...], dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Each of n elements receives an n-th."""
    return spread(g, s, dim) / count(s, dim)


def deviation(g: Tensor, a: Tensor, dim: Axes = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """D var = 2 (a - mean) / n: what a moves in the mean cancels."""
    weight = 2 * g / (count(a.shape, dim) - correction)
    return kept(weight, a.shape, dim) * (a - a.mean(dim, keepdim=True))


def norm(g: Tensor, a: Tensor, y: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """D |a| = a / |a|, but 0 at the zero vector, its smallest subgradient; there, |a| + 1 avoids 0 / 0."""
    zero = y.data == 0
    slope = (g / (y + zero)).where(~zero, 0)
    return a * kept(slope, a.shape, dim)


def share(g: Tensor, a: Tensor, y: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Elements that tie for the maximum share its cotangent equally."""  # singular_points/ties_of_max
    ties = (a.data == kept(y, a.shape, dim).data) | np.isnan(a.data)
    shared: Tensor = kept(g, a.shape, dim) / ties.sum(dim, keepdims=True)
    return shared.where(ties, 0)


def won(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """What the greater of two, `a`, receives: all, but half where they tie, and nothing where `b` is greater."""
    return (g / 2).where(a.data == b.data, g).where(~(a.data < b.data), 0)


def others(g: Tensor, a: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """D prod by an element is the product of all others: no division, which would fail at 0.

    Row i of a square is the n factors with a 1 in place of the i-th.
    """
    rows, axis = (a.reshape(-1), 0) if dim is None or not a.ndim else (a, dim % a.ndim)
    n = rows.shape[axis]
    square = rows.unsqueeze(axis).expand((*rows.shape[:axis], n, *rows.shape[axis:]))
    diagonal = np.eye(n, dtype=bool).reshape(n, n, *[1] * (rows.ndim - axis - 1))
    return kept(g, a.shape, dim) * square.where(~diagonal, 1).prod(axis + 1).reshape(a.shape)


def turned(a: Tensor) -> Tensor:
    """Every matrix of a stack transposed."""
    return a.permute((*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


def permuted_back(g: Tensor, axes: Sequence[int]) -> Tensor:
    """Where each axis had come from."""
    return g.permute(sorted(range(g.ndim), key=lambda i: axes[i] % g.ndim))


def part(g: Tensor, dim: int, start: int, extent: int) -> Tensor:
    """A piece of `extent` along one axis."""
    return g[(*[slice(None)] * (dim % g.ndim), slice(start, start + extent))]


def unbroadcast(g: Tensor, edge: Edge) -> Tensor:
    """Broadcasting: what was copied forward sums backward; an operand that was promoted is cast back."""
    added = g.ndim - len(edge.shape)  # scalar_backward/gradient_has_the_leafs_shape
    copied = tuple(i for i, n in enumerate(g.shape) if i < added or edge.shape[i - added] != n)
    summed = g.sum(copied) if copied else g
    summed = summed if summed.shape == edge.shape else summed.reshape(edge.shape)  # axes that an assignment left out
    return summed if summed.data.dtype == edge.dtype else summed.cast(edge.dtype)
