"""Views and writes in place.

Aliases share memory and its version, which counts the writes. Views also share a history: that of their base. A recorded write
gives the base a new node, as if the old base had been copied with the written piece replaced; from then on a view is a piece
of the new base, and takes its new node when it is asked for it. A detached alias is the base of a history of its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np

from . import arrays, checks, modes
from .graph import Node, arrival, call, compute
from .rows import Array


class Memory:
    """What aliases share besides their numbers."""

    version = 0


class Origin(NamedTuple):
    """How a view was taken: of the tensor `of`, by a kernel; `base` is the first tensor of such a chain."""

    base: arrays.Tensor
    of: arrays.Tensor
    kernel: str
    params: dict[str, Any]


def view(kernel: str, of: arrays.Tensor, **params: Any) -> arrays.Tensor:
    """Run a kernel; when its result lies in the memory of `of`, it is a view of it."""
    result = call(kernel, of, **params)
    if not result.data.size or np.may_share_memory(result.data, of.data):
        base = of.origin.base if of.origin else of
        result.memory, result.origin, result.seen = of.memory, Origin(base, of, kernel, params), base.node
    return result


def follow(tensor: arrays.Tensor) -> None:
    """Give a view a new node if its base got one since it had its own; first to what it was taken of."""
    behind = []
    while (origin := tensor.origin) and tensor.seen is not origin.base.node:
        behind.append((tensor, origin))
        tensor = origin.of
    for view, (base, of, kernel, params) in reversed(behind):
        with modes.enable_grad():
            view.seen = base.node
            view.node = cast(Node, call(kernel, of, **params).node)


def write(kernel: str, target: arrays.Tensor, *others: Any, **params: Any) -> arrays.Tensor:
    """Run a kernel on `target`, which becomes the result: in its memory, and if it is recorded in its history."""
    checks.writable(target)
    if kernel != "zero":  # all the same wherever it is written
        checks.apart(target)
    before = arrays.Tensor(target.data.copy(), arrival(target))  # the node may save it
    result = call(kernel, before, *others, **params)
    checks.fits(result, target)
    np.copyto(target.data, result.data)
    target.memory.version += 1
    if result.node:
        rewrite(target, result)
    return target


def rewrite(target: arrays.Tensor, result: arrays.Tensor) -> None:
    """Put the history of `result` in the place of `target`: a view's is patched into that of its base."""
    if target.origin:
        base = target.origin.base
        result = call("patch", arrays.Tensor(base.data, arrival(base)), result, cells=cells(target))
        target = base
    target.node = cast(Node, result.node)


def cells(view: arrays.Tensor) -> Array:
    """Which elements of its base a view shows: the view that the same kernels take of their numbers."""
    taken = []
    while view.origin:
        taken.append(view.origin)
        view = view.origin.of
    numbers: Array = np.arange(view.data.size).reshape(view.shape)
    for origin in reversed(taken):
        numbers = compute(origin.kernel, numbers, **origin.params)
    return numbers
