"""The checks that refuse, each saying what to do instead; arguments are checked before any state changes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import core, errors

if TYPE_CHECKING:
    from .core import Node, Place, Tensor
    from .values import Array


def check_requires_grad(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise errors.NeedsGrad(
            "a tensor does not require grad and does not have a grad_fn: "
            "create its leaf with requires_grad=True, and compute outside no_grad"
        )


def listed(inputs: Any) -> list[Tensor]:
    """One tensor or several as a list, not empty; NeedsGrad unless each requires grad."""
    several = [inputs] if isinstance(inputs, core.Tensor) else list(inputs)
    if not several:
        raise errors.AutogradError("the list of inputs cannot be empty: name at least one")
    for tensor in several:
        check_requires_grad(tensor)
    return several


def check_root(root: Tensor, gradient: Tensor | None) -> None:
    """A cotangent may be left out for one element; any other must be a tensor of exactly the root's shape."""
    check_requires_grad(root)
    if gradient is None:
        if root.data.size != 1:
            raise errors.NotScalar(
                f"grad can be implicitly created only for scalar outputs, not for shape {root.shape}: "
                "pass a cotangent of that shape, or reduce the root with .sum() first"
            )
        return
    if not isinstance(gradient, core.Tensor):
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


def check_saved(path: Sequence[Place], wanted: Container[Place | None]) -> None:
    """Before anything changes: what the nodes of a path saved is there, also for operands that are not wanted."""
    for place in path:
        if any(edge.target in wanted for edge in place.edges):
            for edge in place.edges:
                if edge.target is not None:
                    core.recall(cast("Node", place), edge)


def check_not_freed(node: Node) -> None:
    if node.saved is None:
        raise errors.GraphFreed(
            f"Trying to backward through the graph a second time: {type(node).__name__} freed its saved "
            "values; say retain_graph=True the first time, or compute the result again"
        )


def check_unmodified(node: Node, tensor: Tensor, version: int) -> None:
    if tensor._version != version:
        raise errors.VersionConflict(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{type(node).__name__} saved a value of shape {tensor.shape} at version {version}, which is at version "
            f"{tensor._version} now; write to a .clone() of it, or after backward"
        )


def check_wish(tensor: Tensor, flag: bool) -> None:
    """A leaf of floats decides for itself."""
    if not tensor.is_leaf:
        raise errors.NotALeaf(
            "you can only change requires_grad flags of leaf variables: "
            "use .detach() for a copy of a result that is a constant"
        )
    if flag and not tensor.is_floating:
        raise errors.NotFloating(
            f"only Tensors of floating point dtype can require gradients, not {tensor.dtype}: "
            "create it as float32 or float64"
        )


def check_hookable(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise errors.HookError(
            "cannot register a hook on a tensor that doesn't require gradient: call requires_grad_() first"
        )


def check_writable(tensor: Tensor, arguments: Sequence[object]) -> None:
    """While recording: nothing but results and constants is written to, nor through a view that has no history."""
    base = tensor.view.base if tensor.view else tensor
    if any(t.is_leaf and t.requires_grad for t in (tensor, base)):
        raise errors.LeafInPlace(
            "a leaf Variable that requires grad is being used in an in-place operation, itself or through a view: "
            "do it under no_grad()"
        )
    recorded = any(isinstance(t, core.Tensor) and t.requires_grad for t in (base, *arguments))
    if recorded and tensor.view and not tensor.view.recorded:
        raise errors.AutogradError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled: "
            "do both inside no_grad(), or both outside"
        )


def check_fits(target: Tensor, new: Tensor) -> None:
    """A write keeps shape and kind of dtype, and each element has memory of its own."""
    if not target.data.flags.writeable:
        raise errors.Overlapping(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location: "
            "write to a .clone() of it"
        )
    if new.shape != target.shape:
        raise errors.ShapeMismatch(
            f"output with shape {target.shape} doesn't match the broadcast shape {new.shape}: reshape the operand"
        )
    if not np.can_cast(new.data.dtype, target.data.dtype, "same_kind"):
        raise errors.AutogradError(
            f"result type {new.dtype} can't be cast to the desired output type {target.dtype}: create it as {new.dtype}"
        )


def check_ranks(operands: Sequence[Array], ranks: Sequence[int]) -> None:
    for operand, rank in zip(operands, ranks, strict=True):
        if operand.ndim != rank:
            raise ValueError(
                f"this product takes a {rank}-d operand here, not one of shape {operand.shape}: reshape it"
            )


def check_grad(tensor: Tensor, value: Tensor | None) -> None:
    """A gradient looks like its tensor."""
    if value is None:
        return
    if not isinstance(value, core.Tensor):
        kind = type(value).__name__
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {kind}: wrap it")
    if value is tensor:
        raise errors.AutogradError("can't assign Variable as its own grad: assign a copy")
    check_likeness(tensor, value, errors.ShapeMismatch, "an assigned grad")


def check_replacement(cotangent: Tensor, replacement: object) -> None:
    """A hook's answer looks like what it was asked about."""
    if not isinstance(replacement, core.Tensor):
        kind = type(replacement).__name__
        raise errors.HookError(f"expected Variable, but hook returned '{kind}': return a Tensor or None")
    check_likeness(cotangent, replacement, errors.HookError, "a hook")


def check_likeness(tensor: Tensor, other: Tensor, error: type[Exception], what: str) -> None:
    if (other.shape, other.dtype) != (tensor.shape, tensor.dtype):
        raise error(
            f"{what} has changed the size or type, from {tensor.dtype} {tensor.shape} to {other.dtype} {other.shape}: "
            "keep both"
        )
