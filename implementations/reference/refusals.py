"""The checks that refuse, each saying what to do instead; arguments are checked before any state changes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from . import errors, modes
from .values import Value

if TYPE_CHECKING:
    from .engine import Tensor
    from .node import Node, Place


def check_requires_grad(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise errors.NeedsGrad(
            "a tensor does not require grad and does not have a grad_fn: "
            "create its leaf with requires_grad=True, and compute outside no_grad"
        )


def check_cotangent(root: Tensor, gradient: Tensor | None) -> None:
    """It may be left out for one element; any other must be a tensor of exactly the root's shape."""
    if gradient is None:
        if root.data.size != 1:
            raise errors.NotScalar(
                f"grad can be implicitly created only for scalar outputs, not for shape {root.shape}: "
                "pass a cotangent of that shape, or reduce the root with .sum() first"
            )
        return
    if not isinstance(gradient, Value):
        kind = type(gradient).__name__
        raise TypeError(f"gradients can be either Tensors or None, but got {kind}: wrap it in tensor()")
    if gradient.shape != root.shape:
        raise errors.ShapeMismatch(
            f"Mismatch in shape: the cotangent has {gradient.shape}, the root has {root.shape}; "
            "nothing is broadcast here: give it the root's shape"
        )


def check_used(places: Sequence[Place | None], reached: Container[Place | None]) -> None:
    for position, place in enumerate(places):
        if place not in reached:
            raise errors.UnusedInput(
                f"The differentiated Tensor at index {position} appears to not have been used in the graph: "
                "set allow_unused=True to get None for it"
            )


def check_not_empty(tensors: Sequence[object]) -> None:
    if not tensors:
        raise errors.AutogradError("the list of tensors cannot be empty: name at least one")


def check_paired(roots: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    if len(roots) != len(gradients):
        raise errors.ShapeMismatch(
            f"got {len(roots)} tensors and {len(gradients)} gradients: give one (or None) for each"
        )


def check_not_freed(node: Node) -> None:
    if node.saved is None:
        raise errors.GraphFreed(
            f"Trying to backward through the graph a second time: {type(node).__name__} freed its saved "
            "values; say retain_graph=True the first time, or compute the result again"
        )


def check_leaf(tensor: Tensor) -> None:
    if not tensor.is_leaf:
        raise errors.NotALeaf(
            "you can only change requires_grad flags of leaf variables: "
            "use .detach() for a copy of a result that is a constant"
        )


def check_hookable(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise errors.HookError(
            "cannot register a hook on a tensor that doesn't require gradient: call requires_grad_() first"
        )


def check_writable(tensor: Tensor) -> None:
    if tensor.is_leaf and tensor.requires_grad and modes.is_grad_enabled():
        raise errors.AutogradError(
            "a leaf Variable that requires grad is being used in an in-place operation: do it under no_grad()"
        )


def check_grad(tensor: Tensor, value: Tensor | None) -> None:
    """A gradient looks like its tensor."""
    if value is None:
        return
    if not isinstance(value, Value):
        kind = type(value).__name__
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {kind}: wrap it")
    if value is tensor:
        raise errors.AutogradError("can't assign Variable as its own grad: assign a copy")
    if value.dtype != tensor.dtype:
        raise errors.AutogradError(f"a grad of {value.dtype} does not fit {tensor.dtype}: create it as such")
    if value.shape != tensor.shape:
        raise errors.ShapeMismatch(f"a grad of shape {value.shape} does not fit {tensor.shape}: reshape it")


def check_replacement(cotangent: Tensor, replacement: object) -> None:
    """A hook's answer looks like what it was asked about."""
    if not isinstance(replacement, Value):
        kind = type(replacement).__name__
        raise errors.HookError(f"expected Variable, but hook returned '{kind}': return a Tensor or None")
    if (replacement.shape, replacement.dtype) != (cotangent.shape, cotangent.dtype):
        raise errors.HookError(
            f"a hook has changed the size or type of value from {cotangent.dtype} {cotangent.shape} to "
            f"{replacement.dtype} {replacement.shape}: keep both"
        )
