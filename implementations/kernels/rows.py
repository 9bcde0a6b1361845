"""What a row of the table of kernels is, and what its VJPs are given.

A forward kernel is whole-array NumPy. A VJP kernel is a formula over the cotangent `g` and the saved values: arrays in an
ordinary sweep, tensors when the sweep is itself recorded. `g * b` means the same for both, and `k("cos", a)` runs another
row of the table on either, so every row is differentiable to any order. Python loops over nothing in the modules of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Value: TypeAlias = Any  # an array, or a tensor when the sweep is recorded
Axes: TypeAlias = tuple[int, ...]  # none of them negative


@dataclass(frozen=True)
class Kernel:
    """One operator: `forward(*arrays, **params)` and, for each operand, `vjp(k, g, *saved, **params)`.

    `saves` tells for each operand what its VJP needs: operands "a", "b" and "c", the result "y". Where operands may be many,
    one entry stands for all. A row without VJPs has no derivative, and its results no history. `label` is what torch calls
    the node. The operand numbered `apart`, a condition or an index, keeps its dtype whatever it meets.
    """

    label: str
    forward: Callable[..., Any]
    saves: tuple[str, ...] = ()
    vjps: tuple[Callable[..., Value], ...] = ()
    apart: int | None = None


@dataclass(frozen=True)
class Site:
    """Where a VJP runs: for the operand numbered `place`, of `shape`; `k(name, ...)` runs a kernel there."""

    run: Callable[..., Value]
    shape: tuple[int, ...]
    place: int = 0

    def __call__(self, name: str, *operands: Value, **params: Any) -> Value:
        return self.run(name, *operands, **params)


def raw(value: Value) -> Array:
    """The array of a value, for decisions that are constants to the derivative."""
    return cast(Array, value if isinstance(value, np.ndarray | np.generic) else value.data)


def passed(k: Site, g: Value, **params: Any) -> Value:
    """The operand was copied: so is the cotangent; the engine reduces what was broadcast."""
    return g


def nothing(k: Site, g: Value, *saved: Value, **params: Any) -> Value:
    """The result does not depend on this operand: a constant 0."""
    return np.zeros_like(raw(g))


def reshaped(k: Site, g: Value, **params: Any) -> Value:
    """The operand lay in another shape."""
    return k("reshape", g, shape=k.shape)
