"""Hooks watch cotangents pass, and may replace them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from . import refusals

if TYPE_CHECKING:
    from .engine import Tensor
    from .node import Place

Hook: TypeAlias = "Callable[[Tensor], Tensor | None]"

KEYS = itertools.count()


class Handle:
    """Ends a hook: `remove()`, as often as you like."""

    def __init__(self, hooks: dict[int, Hook], hook: Hook) -> None:
        self.hooks = hooks
        self.key = next(KEYS)
        hooks[self.key] = hook

    def remove(self) -> None:
        self.hooks.pop(self.key, None)


def run_hooks(place: Place, cotangent: Tensor) -> Tensor:
    """Hooks see the complete cotangent, in the order of registration, each what the one before returned."""
    for hook in tuple(place.hooks.values()):  # a copy: changes to the hooks take effect in the next run
        replacement = hook(cotangent)
        if replacement is not None:
            refusals.check_replacement(cotangent, replacement)
            cotangent = replacement
    result = place.retained() if place.retained else None
    if result is not None:
        fill_retained(result, cotangent)
    return cotangent


def fill_retained(result: Tensor, cotangent: Tensor) -> None:
    """retain_grad: a result's `.grad` adds up too, after its hooks, as a new tensor each time."""
    result.grad = cotangent.clone() if result.grad is None else result.grad + cotangent
