"""A vectorised autograd engine: whole-array NumPy kernels in one table, swept iteratively."""

from .arrays import Tensor, tensor
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
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .operators import cat, pad, stack
from .sweep import grad

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
