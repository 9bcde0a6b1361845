"""What a tensor can be asked to compute; whatever gives no view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from . import checks
from .graph import call
from .rows import Array, Axes

if TYPE_CHECKING:
    from .arrays import Tensor

Dim: TypeAlias = "int | Sequence[int] | None"


def axes(array: Array, dim: Dim = None) -> Axes:
    """Axes, counted from the front; None is all of them. A number has one, as torch sees it, and none here."""
    named = range(array.ndim) if dim is None else dim
    found: Axes = normalize_axis_tuple(named, max(array.ndim, 1))
    return found if array.ndim else ()


def flat(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers that were given one by one, or as one tuple or list."""
    return tuple(given[0]) if given and isinstance(given[0], tuple | list) else given


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """One after the other along an axis on which they may differ."""
    (axis,) = normalize_axis_tuple(dim, tensors[0].data.ndim)
    ends = np.cumsum([each.shape[axis] for each in tensors])
    return call("cat", *tensors, axis=axis, starts=(0, *ends.tolist()))


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Along a new axis."""
    (axis,) = normalize_axis_tuple(dim, tensors[0].data.ndim + 1)
    return call("stack", *tensors, axis=axis)


def pad(tensor: Tensor, widths: Sequence[int]) -> Tensor:
    """Zeros before and after, along the last axis."""
    before, after = widths
    return call("pad", tensor, before=before, after=after)


class Operators:
    """Operators broadcast and accept numbers on either side, which never change the dtype of floats.

    Reductions are over all elements, or over the axes of `dim`, which vanish unless `keepdim`. Shapes that do not fit are a
    ValueError.
    """

    data: Array

    def __add__(self, other: Any) -> Tensor:
        return call("add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return call("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return call("sub", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return call("mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return call("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return call("div", other, self)

    def __pow__(self, exponent: float) -> Tensor:
        return call("pow", self, n=exponent)

    def __neg__(self) -> Tensor:
        return call("neg", self)

    def __abs__(self) -> Tensor:
        return call("abs", self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        """Bools, element by element; like `>` and `<` without a history."""
        return call("eq", self, other)

    def __gt__(self, other: Any) -> Tensor:
        return call("gt", self, other)

    def __lt__(self, other: Any) -> Tensor:
        return call("gt", other, self)

    # ---- functions and choices ----------------------------------------------------------------------------

    def square(self) -> Tensor:
        return call("square", self)

    def reciprocal(self) -> Tensor:
        return call("reciprocal", self)

    def exp(self) -> Tensor:
        return call("exp", self)

    def log(self) -> Tensor:
        return call("log", self)

    def log1p(self) -> Tensor:
        return call("log1p", self)

    def sqrt(self) -> Tensor:
        return call("sqrt", self)

    def sin(self) -> Tensor:
        return call("sin", self)

    def cos(self) -> Tensor:
        return call("cos", self)

    def atan(self) -> Tensor:
        return call("atan", self)

    def sinh(self) -> Tensor:
        return call("sinh", self)

    def cosh(self) -> Tensor:
        return call("cosh", self)

    def tanh(self) -> Tensor:
        return call("tanh", self)

    def sigmoid(self) -> Tensor:
        return call("sigmoid", self)

    def relu(self) -> Tensor:
        """The larger of x and 0; its derivative at 0 is 0."""
        return call("relu", self)

    def clamp(self, low: float, high: float) -> Tensor:
        """Each element, or the bound that it passes; at a bound the derivative is 1."""
        return call("clamp", self, low=low, high=high)

    def maximum(self, other: Any) -> Tensor:
        """The larger of two elements; equal ones share its gradient."""
        return call("maximum", self, other)

    def minimum(self, other: Any) -> Tensor:
        """The smaller of two elements; equal ones share its gradient."""
        return call("minimum", self, other)

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """These elements where the condition, a tensor of bools, holds; the other's elsewhere. TypeError."""
        checks.boolean(condition)
        return call("where", condition, self, other)

    # ---- reductions ---------------------------------------------------------------------------------------

    def sum(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        return call("sum", self, axis=axes(self.data, dim), keepdim=keepdim)

    def mean(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        return call("mean", self, axis=axes(self.data, dim), keepdim=keepdim)

    def prod(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return call("prod", self, axis=axes(self.data, dim), keepdim=keepdim)

    def max(self) -> Tensor:
        """The largest element; ties share its gradient equally."""
        return self.amax()

    def amax(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The largest elements; ties share their gradient equally."""
        return call("max", self, axis=axes(self.data, dim), keepdim=keepdim)

    def norm(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The 2-norm; its derivative at 0 is 0."""
        return call("norm", self, axis=axes(self.data, dim), keepdim=keepdim)

    def var(self, dim: Dim = None, correction: float = 1, keepdim: bool = False) -> Tensor:
        """Squared distances from the mean, summed and divided by their count less the correction."""
        return call("var", self, axis=axes(self.data, dim), correction=correction, keepdim=keepdim)

    def cumsum(self, dim: int) -> Tensor:
        """Each element with all before it, along an axis."""
        return call("cumsum", self, axis=axes(self.data, dim))

    # ---- products -----------------------------------------------------------------------------------------

    def dot(self, other: Tensor) -> Tensor:
        """The inner product of two vectors; ValueError for other ranks."""
        checks.ranks(self.data, other.data, 1, 1)
        return call("dot", self, other)

    def mv(self, other: Tensor) -> Tensor:
        """The product of a matrix and a vector; ValueError for other ranks."""
        checks.ranks(self.data, other.data, 2, 1)
        return call("mv", self, other)

    def mm(self, other: Tensor) -> Tensor:
        """The product of two matrices; ValueError for other ranks."""
        checks.ranks(self.data, other.data, 2, 2)
        return call("mm", self, other)

    # ---- structure ----------------------------------------------------------------------------------------

    def gather(self, dim: int, index: Tensor) -> Tensor:
        """At each place of the index the element that it names along an axis. TypeError unless the index is of integers."""
        checks.positions(index)
        (axis,) = normalize_axis_tuple(dim, self.data.ndim)
        return call("gather", self, index, axis=axis)

    def flip(self, dim: int | Sequence[int]) -> Tensor:
        """A copy with axes in reverse."""
        return call("flip", self, axis=axes(self.data, dim))

    def roll(self, shift: int, dim: int) -> Tensor:
        """A copy with elements moved along an axis, the last ones to the front."""
        return call("roll", self, shift=shift, axis=axes(self.data, dim))
