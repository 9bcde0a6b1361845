"""A vectorised autograd engine: whole-array NumPy kernels in one table, swept iteratively."""

from .arrays import Tensor, tensor
from .engine import grad
from .errors import (
    AutogradError,
    GraphFreed,
    HookError,
    NeedsGrad,
    NotALeaf,
    NotScalar,
    ShapeMismatch,
    UnusedInput,
)
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__version__ = "0.1.0"

__all__ = [
    "AutogradError",
    "GraphFreed",
    "HookError",
    "NeedsGrad",
    "NotALeaf",
    "NotScalar",
    "ShapeMismatch",
    "Tensor",
    "UnusedInput",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
    "tensor",
]
