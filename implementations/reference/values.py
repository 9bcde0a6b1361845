"""The forward half: what each operator computes, one line each; `vjps.VJPS` holds the row of the same name.

Parameters that a VJP needs (an axis, an index, the operand's shape) travel in `params`. The last operators
are those that only VJPs ask for: recorded like all others, they make gradients differentiable to any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import engine

if TYPE_CHECKING:
    from .engine import Tensor

Array: TypeAlias = npt.NDArray[Any]
Axis: TypeAlias = int | tuple[int, ...] | None
Operand: TypeAlias = "Value | float"


class Value:
    """Arithmetic of arrays: shapes broadcast, and NumPy's ValueError refuses those that do not fit."""

    data: Array

    __array_ufunc__ = None  # NumPy leaves `numpy_number * tensor` to __rmul__

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> str:
        return str(self.data.dtype)

    def tolist(self) -> Any:
        return self.data.tolist()

    def item(self) -> float:
        """The one element as a Python number; NumPy's ValueError if there are more."""
        return float(self.data.item())

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.data.ndim == 0 else format(str(self), spec)

    def __add__(self, other: Operand) -> Tensor:
        return engine.record("add", np.add, self, other)

    def __radd__(self, other: Operand) -> Tensor:
        return engine.record("add", np.add, other, self)

    def __sub__(self, other: Operand) -> Tensor:
        return engine.record("sub", np.subtract, self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return engine.record("rsub", lambda b, a: a - b, self, other)

    def __mul__(self, other: Operand) -> Tensor:
        return engine.record("mul", np.multiply, self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return engine.record("mul", np.multiply, other, self)

    def __truediv__(self, other: Operand) -> Tensor:
        return engine.record("div", np.divide, self, other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return engine.record("div", np.divide, other, self)

    def __neg__(self) -> Tensor:
        return engine.record("neg", np.negative, self)

    def __abs__(self) -> Tensor:
        return engine.record("abs", np.abs, self)

    def __pow__(self, exponent: Operand) -> Tensor:
        if isinstance(exponent, Value):
            return engine.record("power", np.power, self, exponent)
        return engine.record("pow", lambda a: a ** float(exponent), self, params=(exponent,))

    def __rpow__(self, number: float) -> Tensor:
        return engine.record("power", np.power, number, self)

    def exp(self) -> Tensor:
        return engine.record("exp", np.exp, self)

    def log(self) -> Tensor:
        return engine.record("log", np.log, self)

    def sqrt(self) -> Tensor:
        return engine.record("sqrt", np.sqrt, self)

    def sin(self) -> Tensor:
        return engine.record("sin", np.sin, self)

    def cos(self) -> Tensor:
        return engine.record("cos", np.cos, self)

    def tanh(self) -> Tensor:
        return engine.record("tanh", np.tanh, self)

    def relu(self) -> Tensor:
        """max(x, 0), with derivative 0 at 0."""
        return engine.record("relu", lambda a: np.maximum(a, 0), self)

    def sum(self, axis: Axis = None) -> Tensor:
        """The sum over all elements, or over an axis or several, which the result no longer has."""
        return engine.record("sum", lambda a: a.sum(axis), self, params=(axis, self.data.shape))

    def mean(self, axis: Axis = None) -> Tensor:
        return engine.record("mean", lambda a: a.mean(axis), self, params=(axis, self.data.shape))

    def max(self) -> Tensor:
        """The largest element, 0-d; elements that tie share the gradient equally."""
        return engine.record("max", np.max, self)

    def norm(self) -> Tensor:
        """The 2-norm of all elements, 0-d, with derivative 0 at the zero vector."""
        return engine.record("norm", lambda a: np.sqrt((a * a).sum()), self)

    def dot(self, other: Value) -> Tensor:
        """The inner product of two 1-d tensors, 0-d; ValueError for other ranks."""
        require_ranks("dot", (self, 1), (other, 1))
        return engine.record("dot", np.dot, self, other)

    def mm(self, other: Value) -> Tensor:
        """The matrix product (n, k) (k, m) -> (n, m); ValueError for other ranks."""
        require_ranks("mm", (self, 2), (other, 2))
        return engine.record("mm", np.matmul, self, other)

    def mv(self, vector: Value) -> Tensor:
        """The matrix times a vector (n, k) (k,) -> (n,); ValueError for other ranks."""
        require_ranks("mv", (self, 2), (vector, 1))
        return engine.record("mv", np.matmul, self, vector)

    def vm(self, matrix: Value) -> Tensor:
        """A vector times a matrix (k,) (k, m) -> (m,); ValueError for other ranks."""
        require_ranks("vm", (self, 1), (matrix, 2))
        return engine.record("vm", np.matmul, self, matrix)

    def __matmul__(self, other: Value) -> Tensor:
        """`dot`, `vm`, `mv` or `mm`, by the ranks of the operands."""
        if self.data.ndim == 1:
            return self.dot(other) if other.data.ndim == 1 else self.vm(other)
        return self.mv(other) if other.data.ndim == 1 else self.mm(other)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape, given as numbers or as one tuple; one may be -1."""
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return engine.record("reshape", lambda a: a.reshape(wanted), self, params=(self.data.shape,))

    def t(self) -> Tensor:
        """Rows and columns exchanged."""
        return engine.record("t", np.transpose, self)

    def transpose(self) -> Tensor:
        return self.t()

    def __getitem__(self, index: Any) -> Tensor:
        """`x[index]` for an int, a slice, a list of ints or a tuple of those."""
        return engine.record(index_operator(index), lambda a: a[index], self, params=(index, self.data.shape))

    # What only VJPs ask for.

    def scatter(self, index: Any, shape: tuple[int, ...]) -> Tensor:
        """Zeros of `shape` with self added at `index`; an index that occurs twice receives both."""
        return engine.record("scatter", lambda a: scattered(a, index, shape), self, params=(index,))

    def expand(self, shape: tuple[int, ...]) -> Tensor:
        return engine.record("expand", lambda a: np.broadcast_to(a, shape).copy(), self)

    def sign(self) -> Tensor:
        return engine.record("sign", np.sign, self)

    def where_positive(self, other: Operand) -> Tensor:
        """Self where `other` is positive, else 0."""
        return engine.record("where_positive", lambda a, b: np.where(b > 0, a, 0), self, other)

    def where(self, chosen: Array | bool) -> Tensor:
        """Self where `chosen`, else 0: unlike a product, it keeps an infinity out."""
        return engine.record("where", lambda a: np.where(chosen, a, 0), self, params=(chosen,))

    def clone(self) -> Tensor:
        """A copy that passes its cotangent on."""
        return engine.record("clone", np.copy, self)

    def cast(self, dtype: Any) -> Tensor:
        """A copy in another dtype."""
        return engine.record("cast", lambda a: a.astype(dtype), self)


def require_ranks(operator: str, *wanted: tuple[Value, int]) -> None:
    """NumPy's products accept more ranks than these operators mean."""
    for operand, rank in wanted:
        if operand.data.ndim != rank:
            shape = operand.data.shape
            raise ValueError(f"{operator} takes a {rank}-d operand here, not shape {shape}: reshape it")


def index_operator(index: Any) -> str:
    """What torch would call it: a list gathers, else the last entry makes it a choice or a slice."""
    entries = index if isinstance(index, tuple) else (index,)
    if any(isinstance(entry, list | np.ndarray) for entry in entries):
        return "index"
    return "select" if isinstance(entries[-1], int) else "slice"


def scattered(values: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """`np.add.at`, because `zeros[index] += values` would count a repeated index once."""
    zeros = np.zeros(shape, values.dtype)
    np.add.at(zeros, index, values)
    return zeros
