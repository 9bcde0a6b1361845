"""The API before 0.4: a Variable holds a tensor, and `volatile` does what `no_grad` does today.

One volatile operand poisons the result: whatever the others say, it is volatile itself, requires no grad and
was never recorded. Unlike a mode, volatility travels with the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .core import Handle, Node, Tensor, no_grad
from .values import Array


class Data(np.ndarray[Any, Any]):
    """Numbers as they were read then: never 0-d, and an entry of a vector is Python's; `z.data[0]` reads a sum."""

    def __getitem__(self, index: Any) -> Any:  # variable/an_entry_of_data_is_a_number
        entry = super().__getitem__(index)
        return entry if isinstance(entry, np.ndarray) else entry.item()


def spread(name: str) -> Callable[..., Variable]:
    """An operator of Tensor as one of Variables, unrecorded if an operand is volatile."""

    def operator(*operands: Any, **options: Any) -> Variable:
        volatile = poisoned(operands)
        with no_grad() if volatile else nullcontext():  # volatile/volatile_is_what_no_grad_became
            return wrapped(getattr(Tensor, name)(*(bare(operand) for operand in operands), **options), volatile)

    return operator


class Variable:
    """A tensor with the flags of old: `volatile` takes precedence over `requires_grad`.

    `data` is a tensor or an array, whose memory is shared; or a number or nested lists, which become float64.
    """

    def __init__(self, data: Any, requires_grad: bool = False, volatile: bool = False) -> None:
        array = np.asarray(data.data if isinstance(data, Tensor) else data)
        array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
        self.tensor = Tensor(array).requires_grad_(requires_grad and not volatile)
        self.volatile = volatile

    @property
    def data(self) -> Array:
        return np.atleast_1d(self.tensor.data).view(Data)  # variable/a_variable_shares_its_tensor

    @property
    def requires_grad(self) -> bool:
        return self.tensor.requires_grad

    @property
    def creator(self) -> Node | None:
        """What `grad_fn` was called: None for a leaf and for every volatile result."""
        return self.tensor.grad_fn

    @property
    def grad(self) -> Variable | None:
        return None if self.tensor.grad is None else wrapped(self.tensor.grad)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @property
    def dtype(self) -> str:
        return self.tensor.dtype

    def tolist(self) -> Any:
        return self.tensor.tolist()

    def backward(self, gradient: Variable | None = None, retain_variables: bool = False) -> None:
        """Accumulate into leaves; `retain_variables` is today's retain_graph. NeedsGrad if volatile."""
        self.tensor.backward(bare(gradient), retain_graph=retain_variables)

    def register_hook(self, hook: Callable[[Variable], Variable | None]) -> Handle:
        """Call `hook` with a Variable in every backward; a Variable that it returns replaces the cotangent."""
        return self.tensor.register_hook(lambda cotangent: bare(hook(wrapped(cotangent))))

    __add__, __radd__ = spread("__add__"), spread("__radd__")
    __sub__, __rsub__ = spread("__sub__"), spread("__rsub__")
    __mul__, __rmul__ = spread("__mul__"), spread("__rmul__")
    __truediv__, __rtruediv__ = spread("__truediv__"), spread("__rtruediv__")
    __pow__, __neg__, __abs__ = spread("__pow__"), spread("__neg__"), spread("__abs__")
    __matmul__, __getitem__ = spread("__matmul__"), spread("__getitem__")
    add, mul = __add__, __mul__
    dot, mm, t, reshape = spread("dot"), spread("mm"), spread("t"), spread("reshape")
    sum, mean, max, norm = spread("sum"), spread("mean"), spread("max"), spread("norm")
    exp, log, sqrt, sin, tanh, relu = (spread(name) for name in ("exp", "log", "sqrt", "sin", "tanh", "relu"))

    def __repr__(self) -> str:
        return f"Variable({self.tolist()}, requires_grad={self.requires_grad}, volatile={self.volatile})"


def wrapped(tensor: Tensor, volatile: bool = False) -> Variable:
    """A Variable around an existing tensor, graph and all."""
    variable = object.__new__(Variable)
    variable.tensor, variable.volatile = tensor, volatile
    return variable


def bare(operand: Any) -> Any:
    """The tensor in a Variable; anything else is itself."""
    return operand.tensor if isinstance(operand, Variable) else operand


def poisoned(operands: Sequence[Any]) -> bool:
    """Volatility: one volatile operand makes the result volatile."""
    return any(isinstance(operand, Variable) and operand.volatile for operand in operands)
