"""What must hold before anything changes."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import modes
from .errors import (
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

if TYPE_CHECKING:
    from .arrays import Tensor
    from .graph import Node
    from .rows import Array


def recorded(tensor: Tensor) -> None:
    """NeedsGrad unless cotangents can arrive at this tensor."""
    if not tensor.requires_grad:
        raise NeedsGrad(
            "a tensor does not require grad and does not have a grad_fn; "
            "make the leaf with requires_grad=True and compute while recording is on"
        )


def cotangent(root: Tensor, given: Any) -> None:
    """NotScalar, TypeError or ShapeMismatch unless `given` is a cotangent of `root`, or rightly left out."""
    if given is None:
        if root.data.size != 1:
            raise NotScalar(
                "grad can be implicitly created only for scalar outputs; call backward with a cotangent of the same shape"
            )
    elif not isinstance(given, type(root)):
        raise TypeError("gradients can be either Tensors or None; use tensor()")
    elif given.shape != root.shape:
        raise ShapeMismatch(f"Mismatch in shape: cotangent {given.shape}, output {root.shape}; reshape the cotangent")


def used(nodes: Iterable[Node | None], reached: Container[Node | None]) -> None:
    for node in nodes:
        if node not in reached:
            raise UnusedInput(
                "a differentiated Tensor appears to not have been used in the graph; allow_unused=True gives None for it"
            )


def readable(node: Node) -> None:
    """GraphFreed or VersionConflict unless a node's saved values are there, as they were."""
    if node.saved is None:
        raise GraphFreed(
            "Trying to backward through the graph a second time: its saved values are freed; "
            "pass retain_graph=True to the first backward"
        )
    for saved in node.saved.values():
        if saved.memory.version != saved.version:
            raise VersionConflict(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{saved.array.dtype} {saved.array.shape} is at version {saved.memory.version}; "
                f"expected version {saved.version} instead; write into a copy"
            )


def writable(tensor: Tensor) -> None:
    """LeafInPlace for a leaf that requires grad, and for a view of one, while recording."""
    base = tensor.origin.base if tensor.origin else tensor
    if modes.is_grad_enabled() and any(each.is_leaf and each.requires_grad for each in (tensor, base)):
        raise LeafInPlace(
            "a leaf Variable that requires grad is being used in an in-place operation, by itself or by a view; "
            "do it in no_grad()"
        )


def fits(result: Tensor, target: Tensor) -> None:
    if result.shape != target.shape:
        raise ValueError(f"a result of shape {result.shape} does not fit in the memory of one of shape {target.shape}")


def overlaps(array: Array) -> bool:
    """Whether elements share their memory, as in an expanded view."""
    return array.size > 0 and any(
        step == 0 and extent > 1 for step, extent in zip(array.strides, array.shape, strict=True)
    )


def apart(tensor: Tensor) -> None:
    """Overlapping unless each element has its own memory."""
    if overlaps(tensor.data):
        raise Overlapping(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location; "
            "write into a copy"
        )


def boolean(condition: Any) -> None:
    if not isinstance(getattr(condition, "data", None), np.ndarray) or condition.data.dtype.kind != "b":
        raise TypeError("a condition is a tensor of bools; compare something")


def positions(index: Any) -> None:
    if not isinstance(getattr(index, "data", None), np.ndarray) or index.data.dtype.kind != "i":
        raise TypeError("an index is a tensor of int64; make one with tensor(..., dtype='int64')")


def leaf(tensor: Tensor) -> None:
    if not tensor.is_leaf:
        raise NotALeaf(
            "you can only change requires_grad flags of leaf variables; detach() gives one with these values"
        )


def floating(tensor: Tensor) -> None:
    if tensor.data.dtype.kind != "f":
        raise NotFloating("only Tensors of floating point dtype can require gradients; make one of float64 or float32")


def ranks(a: Array, b: Array, *wanted: int) -> None:
    if (a.ndim, b.ndim) != wanted:
        forms = " and ".join(f"{rank}-d" for rank in wanted)
        raise ValueError(f"a product of shapes {a.shape} and {b.shape} is not defined; reshape them to {forms}")


def hookable(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise HookError("cannot register a hook on a tensor that doesn't require gradient; requires_grad_() it")


def answer(given: Any, cotangent: Tensor) -> None:
    """HookError unless a hook's answer can stand for the cotangent that it was given."""
    if not like(given, cotangent):
        raise HookError(
            "a hook has changed the size or type of value; return a tensor like the one it was given, or None"
        )


def assignable(tensor: Tensor, given: Any) -> None:
    """ShapeMismatch unless `given` can be the `.grad` of `tensor`."""
    if not like(given, tensor):
        raise ShapeMismatch("a grad is a tensor of the shape and dtype of its own; make one with tensor()")


def like(given: Any, tensor: Tensor) -> bool:
    return isinstance(given, type(tensor)) and (given.shape, given.dtype) == (tensor.shape, tensor.dtype)
