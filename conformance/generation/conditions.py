"""What a step may ask of a tensor, when it looks for one."""

from __future__ import annotations

from conformance.generation.author import LARGEST
from conformance.model.state import State


def shape_of(state: State) -> tuple[int, ...]:
    """Its shape, as a tuple."""
    return tuple(state.value.array.shape)


def requires(state: State) -> bool:
    """Whether it requires grad."""
    return state.requires_grad


def small(state: State) -> bool:
    """Whether numbers computed from it are still exact."""
    return all(-LARGEST <= number <= LARGEST for number in state.value.array.flat)


def is_result(state: State) -> bool:
    """Whether a recorded operator produced it."""
    return not state.is_leaf


def is_trained(state: State) -> bool:
    """Whether it is a leaf that requires grad."""
    return state.is_leaf and state.requires_grad


def has_gradient(state: State) -> bool:
    """Whether it has a gradient."""
    return state.grad is not None


def has_rows(state: State) -> bool:
    """Whether there is something to iterate over."""
    return state.value.array.ndim > 0 and state.value.array.shape[0] > 0
