"""What a tensor is apart from derivatives: an array, written with Python's operators.

Each operator is a row of the table in `core.py`; here it gets Python's spelling, and numbers on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import core, inplace
from .text import tensor_text

if TYPE_CHECKING:
    from .core import Node, Tensor

Array: TypeAlias = npt.NDArray[Any]

PRODUCTS = {(1, 1): "dot", (2, 1): "mv", (2, 2): "mm"}  # what `@` means, by the operands' ranks


def method(operator: str) -> Callable[..., Tensor]:
    return lambda *arguments, **options: core.record(operator, *arguments, **options)


def reflected(operator: str) -> Callable[..., Tensor]:
    return lambda self, number: core.record(operator, number, self)  # operators/a_number_on_either_side


def written(operator: str) -> Callable[..., Tensor]:
    return lambda self, *arguments: inplace.write(self, operator, *arguments)


def lift(operands: Sequence[Any]) -> list[Tensor]:
    """Numbers and integer tensors become constants in the dtype of the floats that they meet: they never promote."""
    dtype = next(
        (operand.data.dtype for operand in operands if isinstance(operand, Value) and operand.is_floating), None
    )

    def lifted(operand: Any) -> Tensor:  # leaf_dtypes/integers_are_constants
        if isinstance(operand, core.Tensor):
            return operand if dtype is None or operand.is_floating else core.Tensor(operand.data.astype(dtype))
        return core.Tensor(np.asarray(operand, dtype))

    return [lifted(operand) for operand in operands]


class Value:
    """An array; shapes broadcast, and NumPy's ValueError refuses those that do not fit.

    Besides what is spelled here, every operator of the table is a method under its name.
    """

    data: Array
    memory: inplace.Memory
    requires_grad: bool
    grad_fn: Node | None

    __array_ufunc__ = None  # NumPy leaves `numpy_number * tensor` to __rmul__
    __hash__ = object.__hash__  # == compares elements, so tensors are told apart by identity

    __add__, __radd__ = method("add"), reflected("add")
    __sub__, __rsub__ = method("sub"), method("rsub")
    __mul__, __rmul__ = method("mul"), reflected("mul")
    __truediv__, __rtruediv__ = method("div"), reflected("div")
    __neg__, __abs__, __pow__ = method("neg"), method("abs"), method("pow")
    __eq__, __gt__ = method("eq"), method("gt")  # type: ignore[assignment]
    __lt__ = reflected("gt")  # to Python, `2 > x` is `x < 2`
    add_, sub_, mul_ = written("add"), written("sub"), written("mul")
    zero_, copy_ = written("zero"), written("copy")
    transpose = method("t")

    if TYPE_CHECKING:  # the rows of the table

        def __getattr__(self, operator: str) -> Callable[..., Tensor]: ...

    def __getitem__(self, index: Any) -> Tensor:
        """`x[index]` for an int, a slice, a list of ints or a tuple of those."""
        return core.record(index_operator(index), self, index)

    def __matmul__(self, other: Tensor) -> Tensor:
        """The product of vectors, matrices, or stacks of matrices; a vector is a row on the left, a column on the right."""
        if self.ndim == 1 < other.ndim:
            return (self.unsqueeze(0) @ other).squeeze(-2)
        if other.ndim == 1 and self.ndim > 2:
            return (self @ other.unsqueeze(1)).squeeze(-1)
        return core.record(PRODUCTS.get((self.ndim, other.ndim), "matmul"), self, other)

    def gather(self, dim: int, index: Tensor) -> Tensor:
        """For each place of `index` the element that it chooses along one axis."""
        places = np.indices(index.shape)
        places[dim] = index.data
        return core.record("gather", self, tuple(places))

    def __setitem__(self, index: Any, value: Any) -> None:
        inplace.write(self, "put", value, np.arange(self.data.size).reshape(self.shape)[index])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> str:
        return str(self.data.dtype)

    @property
    def is_floating(self) -> bool:
        """Whether derivatives make sense."""
        return self.data.dtype.kind == "f"

    @property
    def _version(self) -> int:
        """How often the memory was written to, by this tensor or by an alias."""
        return self.memory.version

    def tolist(self) -> Any:
        return self.data.tolist()

    def item(self) -> Any:
        """The one element as a Python number; NumPy's ValueError if there are more."""
        return self.data.item()

    def __float__(self) -> float:
        return float(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else format(str(self), spec)

    def __repr__(self) -> str:
        wish = ["requires_grad=True"] if self.requires_grad else []
        return tensor_text(self.data, [f"grad_fn=<{type(self.grad_fn).__name__}>"] if self.grad_fn else wish)


def index_operator(index: Any) -> str:
    """What torch would call it: a list gathers, else the last entry makes it a choice or a slice."""
    *_, last = entries = index if isinstance(index, tuple) else (index,)
    if any(isinstance(entry, list | np.ndarray) for entry in entries):
        return "index"
    return "select" if isinstance(last, int) else "slice"
