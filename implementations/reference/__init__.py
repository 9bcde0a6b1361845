"""A small reverse-mode autograd engine, written to be read: start with `core.py`."""

from .core import Tensor, enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled, tensor
from .errors import (
    AutogradError,
    GraphFreed,
    HookError,
    LeafInPlace,
    NeedsGrad,
    NotALeaf,
    NotFloating,
    NotScalar,
    Overlapping,
    ShapeMismatch,
    UnusedInput,
    VersionConflict,
)
from .legacy import Variable
from .operators import cat, pad, stack

__version__ = "0.1.0"

__all__ = [
    "AutogradError",
    "GraphFreed",
    "HookError",
    "LeafInPlace",
    "NeedsGrad",
    "NotALeaf",
    "NotFloating",
    "NotScalar",
    "Overlapping",
    "ShapeMismatch",
    "Tensor",
    "UnusedInput",
    "Variable",
    "VersionConflict",
    "cat",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "pad",
    "set_grad_enabled",
    "stack",
    "tensor",
]
