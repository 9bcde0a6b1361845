"""torch's API before 0.4 over today's torch: what depends on a volatile Variable is computed under `no_grad`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch

OPERATORS = "neg abs add radd sub rsub mul rmul truediv rtruediv pow rpow matmul getitem"
METHODS = (
    "abs add amax atan clamp cos cosh cumsum detach dot exp expand flip gather log log1p max maximum mean minimum mm mul mv norm"
    " outer permute pow prod reciprocal relu reshape roll sigmoid sin sinh sqrt square squeeze sum t tanh unsqueeze var"
)


class Data(torch.Tensor):
    """A tensor as it was then: never 0-d, and an entry of a vector is a Python number."""

    def __getitem__(self, index: Any) -> Any:
        entry = super().__getitem__(index)
        return entry if entry.dim() else entry.item()


class Variable:
    """A tensor, whose memory is shared with `data`, and the flag `volatile`, which takes precedence over `requires_grad`."""

    def __init__(self, data: Any, requires_grad: bool = False, volatile: bool = False) -> None:
        self.tensor = data.detach().as_subclass(torch.Tensor).requires_grad_(requires_grad and not volatile)
        self.volatile = volatile

    data = property(lambda self: torch.atleast_1d(self.tensor.detach()).as_subclass(Data))
    requires_grad = property(lambda self: self.tensor.requires_grad)
    creator = property(lambda self: self.tensor.grad_fn)
    grad = property(
        lambda self: None if self.tensor.grad is None else wrapped(self.tensor.grad),
        lambda self, gradient: setattr(self.tensor, "grad", bare(gradient)),
    )

    def backward(self, gradient: Variable | None = None, retain_variables: bool = False) -> None:
        """Adds to the leaves' gradients; `retain_variables` is today's retain_graph."""
        self.tensor.backward(bare(gradient), retain_graph=retain_variables)

    def register_hook(self, hook: Callable[[Variable], Variable | None]) -> Any:
        """Calls `hook` with a Variable in every backward; a Variable that it returns takes its place."""
        return self.tensor.register_hook(lambda gradient: bare(hook(wrapped(gradient))))

    def __repr__(self) -> str:
        return f"Variable({self.tensor.tolist()}, volatile={self.volatile})"


def wrapped(tensor: Any, volatile: bool = False) -> Variable:
    """A Variable around a tensor, graph and all."""
    variable = object.__new__(Variable)
    variable.tensor, variable.volatile = tensor, volatile
    return variable


def bare(operand: Any) -> Any:
    """The tensor in a Variable; anything else is itself."""
    return operand.tensor if isinstance(operand, Variable) else operand


def spread(name: str) -> Callable[..., Variable]:
    """An operator of tensors as one of Variables: one volatile operand makes the result volatile."""

    def operator(*operands: Any, **options: Any) -> Variable:
        volatile = any(isinstance(operand, Variable) and operand.volatile for operand in operands)
        with torch.no_grad() if volatile else nullcontext():
            return wrapped(getattr(torch.Tensor, name)(*map(bare, operands), **options), volatile)

    return operator


for _name in (*(f"__{operator}__" for operator in OPERATORS.split()), *METHODS.split()):
    setattr(Variable, _name, spread(_name))
