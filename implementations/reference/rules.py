"""Formulas of the operators that take more than a line, forward and backward.

Those for backward take the cotangent g and what their other parameters name (see the table in `core.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from . import refusals

if TYPE_CHECKING:
    from .core import Edge, Tensor
    from .values import Array


@cache
def needs(pull: Callable[..., Tensor]) -> str:
    """The letters among a VJP's parameters: what is to be saved for it, and recalled."""
    names = pull.__code__.co_varnames[: pull.__code__.co_argcount]
    return "".join(name for name in names if name in {"a", "b", "y", "s"})


# ---- forward, on arrays -----------------------------------------------------------------------------------


def product(rank: int) -> Callable[[Array, Array], Array]:
    """NumPy's product accepts more ranks than these operators mean."""

    def forward(a: Array, b: Array) -> Array:
        refusals.check_ranks((a, b), rank)
        return np.asarray(a @ b)

    return forward


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
    copy.ravel()[at] = b
    return copy


# ---- backward, on tensors ---------------------------------------------------------------------------------


def nothing(g: Tensor, *params: Any) -> Tensor:
    """Where a result does not depend on its operand, the contribution is a constant 0."""
    return g.detach().where(False)


def power(g: Tensor, a: Tensor, n: float) -> Tensor:
    """D a^n = n a^(n-1), but for n = 0 a plain 0, even where a is 0."""  # singular_points/the_zeroth_power_is_constant
    return g * (n * a ** (n - 1)) if n else nothing(g)


def norm(g: Tensor, a: Tensor, y: Tensor) -> Tensor:
    """D |a| = a / |a|, but 0 at the zero vector, its smallest subgradient; there, |a| + 1 avoids 0 / 0."""
    zero = y.data == 0
    safe: Tensor = y + zero
    return (a * (g / safe)).where(~zero)


def share(g: Tensor, a: Tensor, y: Tensor) -> Tensor:
    """Elements that tie for the maximum share its cotangent equally."""  # singular_points/ties_of_max
    ties = (a.data == y.data) | np.isnan(a.data)
    return (g / int(ties.sum())).where(ties)


def spread(g: Tensor, s: tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Every summand of a reduction receives the sum's cotangent."""
    gone = range(len(s)) if axis is None else np.atleast_1d(axis) % len(s)
    return g.reshape(tuple(1 if i in gone else n for i, n in enumerate(s))).expand(s)


def unbroadcast(g: Tensor, edge: Edge) -> Tensor:
    """Broadcasting: what was copied forward sums backward; an operand that was promoted is cast back."""
    added = g.ndim - len(edge.shape)  # scalar_backward/gradient_has_the_leafs_shape
    copied = tuple(i for i, n in enumerate(g.shape) if i < added or edge.shape[i - added] != n)
    summed = g.sum(copied).reshape(edge.shape) if copied else g
    return summed if summed.data.dtype == edge.dtype else summed.cast(edge.dtype)
