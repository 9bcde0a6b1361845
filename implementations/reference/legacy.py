"""The API before 0.4: values are wrapped in a Variable, and `volatile` does what `no_grad` does today.

A volatile Variable poisons every result that depends on it: whatever the other operands say, the result is
volatile, requires no grad and was never recorded. Unlike a mode, volatility travels with the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from . import engine, errors, modes
from .hooks import Handle
from .node import Node
from .values import Array, Value

Operand: TypeAlias = "Variable | float"


class Variable:
    """A value with the flags of old: `volatile` takes precedence over `requires_grad`.

    `data` is an array, a number or nested lists, in float32 or float64 (numbers become float64).
    """

    def __init__(self, data: Any, requires_grad: bool = False, volatile: bool = False) -> None:
        array = np.asarray(data)
        floating = array.dtype in (np.float32, np.float64)
        self.tensor = engine.Tensor(array if floating else array.astype(np.float64))
        self.tensor.requires_grad = requires_grad and not volatile
        self.volatile = volatile

    @property
    def data(self) -> Array:
        """The values, at least 1-d as every tensor was then: `z.data[0]` reads a sum."""
        return np.atleast_1d(self.tensor.data)

    @property
    def requires_grad(self) -> bool:
        return self.tensor.requires_grad

    @property
    def creator(self) -> Node | None:
        """What `grad_fn` was called: None for a leaf and for every volatile result."""
        return self.tensor.grad_fn

    @property
    def grad(self) -> Variable | None:
        return None if self.tensor.grad is None else wrap(self.tensor.grad, volatile=False)

    def backward(self, gradient: Any = None, retain_variables: bool = False) -> None:
        """Accumulate into leaves; `retain_variables` is today's retain_graph. NeedsGrad if volatile."""
        check_not_volatile(self)
        if gradient is not None and not isinstance(gradient, Variable):
            gradient = Variable(gradient)
        self.tensor.backward(gradient and gradient.tensor, retain_graph=retain_variables)

    def register_hook(self, hook: Callable[[Variable], Variable | None]) -> Handle:
        def call(cotangent: engine.Tensor) -> engine.Tensor | None:
            replacement = hook(wrap(cotangent, volatile=False))
            return None if replacement is None else replacement.tensor

        return self.tensor.register_hook(call)

    def __add__(self, other: Operand) -> Variable:
        return apply("__add__", self, other)

    def __radd__(self, other: float) -> Variable:
        return apply("__radd__", self, other)

    def __sub__(self, other: Operand) -> Variable:
        return apply("__sub__", self, other)

    def __rsub__(self, other: float) -> Variable:
        return apply("__rsub__", self, other)

    def __mul__(self, other: Operand) -> Variable:
        return apply("__mul__", self, other)

    def __rmul__(self, other: float) -> Variable:
        return apply("__rmul__", self, other)

    def __truediv__(self, other: Operand) -> Variable:
        return apply("__truediv__", self, other)

    def __rtruediv__(self, other: float) -> Variable:
        return apply("__rtruediv__", self, other)

    def __pow__(self, exponent: Operand) -> Variable:
        return apply("__pow__", self, exponent)

    def __neg__(self) -> Variable:
        return apply("__neg__", self)

    def __getitem__(self, index: Any) -> Variable:
        return apply("__getitem__", self, index)

    def __getattr__(self, name: str) -> Callable[..., Variable]:
        """Every other operator of a Tensor: `sum`, `mean`, `dot`, `mm`, `exp` and so on."""
        if name.startswith("_") or not hasattr(Value, name):
            raise AttributeError(f"a Variable has no attribute {name}: see {__name__} for what it has")
        return lambda *arguments: apply(name, self, *arguments)

    def __repr__(self) -> str:
        flags = f"requires_grad={self.requires_grad}, volatile={self.volatile}"
        return f"Variable({self.tensor.tolist()}, {flags})"


def wrap(tensor: engine.Tensor, volatile: bool) -> Variable:
    """A Variable around an existing tensor, graph and all."""
    variable = Variable.__new__(Variable)
    variable.tensor = tensor
    variable.volatile = volatile
    return variable


def poisoned(operands: tuple[Any, ...]) -> bool:
    """Volatility: one volatile operand makes the result volatile."""
    return any(isinstance(operand, Variable) and operand.volatile for operand in operands)


def apply(name: str, *operands: Any) -> Variable:
    """Run an operator of Tensor, unrecorded if any operand is volatile."""
    volatile = poisoned(operands)
    tensor, *others = (operand.tensor if isinstance(operand, Variable) else operand for operand in operands)
    with modes.set_grad_enabled(modes.is_grad_enabled() and not volatile):
        result = getattr(tensor, name)(*others)
    return wrap(result, volatile)


def check_not_volatile(variable: Variable) -> None:
    if variable.volatile:
        raise errors.NeedsGrad("a volatile Variable is never differentiated: create the inputs without volatile=True")
