"""Writes in place, and the views that see them.

Aliases share memory and one count of the writes to it, `_version`. A *view* is an alias with history: a piece
of its base. Think of a family of views as functions of the base: a write through one of them makes the base a
new value (the old one with that piece replaced), and every view the corresponding piece of it. A node that
saved a value refuses to run when the memory was written to since.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import core, refusals, rules

if TYPE_CHECKING:
    from .core import Row, Tensor
    from .values import Array

WRITES: dict[str, Row] = {  # rows as in `core.py`
    "zero": (np.zeros_like, rules.nothing),
    "copy": (lambda a, b: np.broadcast_to(b, a.shape).copy(), rules.nothing, lambda g: g),
    "put": (rules.replaced, lambda g, at: g.put(0, at), lambda g, at: g.window(at)),
    "window": (lambda a, at: a.ravel()[at], lambda g, s, at: g.scatter(at, math.prod(s)).reshape(s)),
}


class Memory:
    """What aliases share besides their numbers."""

    version = 0


class View:
    """A piece of `base`, whose history is that of `base` at some version of the memory; `recorded`: outside no_grad."""

    def __init__(self, base: Tensor, recorded: bool) -> None:
        self.base = base
        self.version = base._version
        self.recorded = recorded


def join(result: Tensor, operand: Tensor) -> None:
    """A result that lies in its operand's memory is a view."""
    if owner(result.data) is owner(operand.data):
        result.memory = operand.memory
        base, recorded = (operand.view.base, operand.view.recorded) if operand.view else (operand, True)
        result.view = View(base, recorded and core.is_grad_enabled())


def owner(array: Array) -> Array:
    """The array whose memory this one looks at, be it empty."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def refresh(view: Tensor) -> None:
    """After a write to the memory, a view is a piece of what its base has become."""
    if view.view and view.view.recorded and view.view.version != view._version:
        view.view.version = view._version
        with core.grad_mode(True):
            base = view.view.base
            view.grad_fn = core.record("window", base, positions(view.data, base.data)).grad_fn


def write(target: Any, operator: str, *arguments: Any) -> Any:
    """The target becomes `operator(target, …)`, in its memory; returns it."""
    if core.is_grad_enabled():
        refusals.check_writable(target, arguments)
    old = core.Tensor(target.data.copy(), target.grad_fn)
    new = core.record(operator, old, *arguments)
    refusals.check_fits(target, new)
    target.data[...] = new.data
    target.memory.version += 1
    if new.requires_grad:
        rebase(target, new)
    return target


def rebase(target: Tensor, new: Tensor) -> None:
    """The target's history is now that of `new`; if it is a view, its base was replaced there."""
    if target.view:
        base = target.view.base
        whole = core.record("put", core.Tensor(base.data, base.grad_fn), new, positions(target.data, base.data))
        target, new = base, whole
    target.grad_fn = new.grad_fn


def positions(piece: Array, whole: Array) -> Array:
    """Where the elements of a view lie in its base, counted flat: their addresses tell."""
    known = addresses(whole).ravel()
    order = np.argsort(known)
    return order[np.searchsorted(known, addresses(piece), sorter=order)]


def addresses(array: Array) -> Array:
    """Where each element lies in the machine's memory."""
    found = np.full(array.shape, array.__array_interface__["data"][0])
    for axis, stride in enumerate(array.strides):
        found += np.indices(array.shape)[axis] * stride
    return found
