"""A small reverse-mode autograd engine, written to be read: start with `engine.py`."""

from .engine import Tensor, grad, tensor
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
from .legacy import Variable
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
    "Variable",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
    "tensor",
]
