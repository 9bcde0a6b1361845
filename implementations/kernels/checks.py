"""What must hold before anything changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import modes
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

if TYPE_CHECKING:
    from .arrays import Tensor
    from .engine import Node


def recorded(tensor: Tensor) -> None:
    """NeedsGrad unless cotangents can arrive at this tensor."""
    if not tensor.requires_grad:
        raise NeedsGrad(
            "a tensor does not require grad and does not have a grad_fn; "
            "make the leaf with requires_grad=True and compute while recording is on"
        )


def cotangent(root: Tensor, given: Any) -> None:
    """NotScalar, TypeError or ShapeMismatch unless `given` is a cotangent of `root`, or rightly left out."""
    if given is None and root.data.size != 1:
        raise NotScalar(
            f"grad can be implicitly created only for scalar outputs; this one has shape {root.shape}: "
            "call backward with a cotangent of the same shape"
        )
    if given is not None and not isinstance(given, type(root)):
        kind = type(given).__name__
        raise TypeError(f"gradients can be either Tensors or None, but got {kind}; use tensor()")
    if given is not None and given.shape != root.shape:
        raise ShapeMismatch(
            f"Mismatch in shape: cotangent {given.shape}, output {root.shape}; reshape the cotangent to match"
        )


def paired(outputs: list[Any], given: list[Any]) -> None:
    if len(outputs) != len(given):
        raise ShapeMismatch(f"got {len(outputs)} tensors and {len(given)} gradients; None stands for 1")


def named(tensors: list[Any]) -> None:
    if not tensors:
        raise AutogradError("an empty list of tensors was given; leave the argument out, or name one")


def used(nodes: list[Node | None], reached: set[Node]) -> None:
    for index, node in enumerate(nodes):
        if node not in reached:
            raise UnusedInput(
                f"The differentiated Tensor at index {index} appears to not have been used in the graph; "
                "pass allow_unused=True if None will do"
            )


def alive(node: Node) -> None:
    if node.saved is None:
        raise GraphFreed(
            "Trying to backward through the graph a second time: the saved values of "
            f"{type(node).__name__} are freed; pass retain_graph=True to the first backward"
        )


def leaf(tensor: Tensor) -> None:
    if not tensor.is_leaf:
        raise NotALeaf(
            "you can only change requires_grad flags of leaf variables; detach() gives one with these values"
        )


def hookable(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise HookError("cannot register a hook on a tensor that doesn't require gradient; requires_grad_() it")


def like(given: Any, tensor: Tensor) -> bool:
    return isinstance(given, type(tensor)) and (given.shape, given.dtype) == (tensor.shape, tensor.dtype)


def answer(given: Any, cotangent: Tensor) -> None:
    """HookError unless a hook's answer can stand for the cotangent that it was given."""
    if not like(given, cotangent):
        raise HookError(
            "a hook has changed the size or type of value; "
            f"return None or a {cotangent.dtype} tensor of shape {cotangent.shape}"
        )


def assignable(tensor: Tensor, given: Any) -> None:
    """TypeError, ShapeMismatch or AutogradError unless `given` can be the `.grad` of `tensor`."""
    if not isinstance(given, type(tensor)):
        kind = type(given).__name__
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {kind}; use tensor()")
    if given.shape != tensor.shape:
        raise ShapeMismatch(f"a grad of shape {given.shape} is not one of {tensor.shape}; reshape it")
    if given is tensor or given.dtype != tensor.dtype:
        raise AutogradError(f"a grad is a separate {tensor.dtype} tensor; make one with tensor()")


def writable(tensor: Tensor) -> None:
    if modes.is_grad_enabled() and tensor.is_leaf and tensor.requires_grad:
        raise AutogradError(
            "a leaf Variable that requires grad is being used in an in-place operation; do it in no_grad()"
        )
