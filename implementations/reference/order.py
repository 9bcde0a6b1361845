"""In which order backward visits: a place only after everything that contributes to its cotangent."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import TYPE_CHECKING

from . import core

if TYPE_CHECKING:
    from .core import Place


def targets(place: Place) -> list[Place]:
    """Where a place passes cotangents on to, once for each use; nowhere from a leaf."""
    return [edge.target for edge in place.edges if edge.target is not None]


def topological_order(roots: Collection[Place], ends: Collection[Place | None] = ()) -> list[Place]:
    """Every place after all its uses, a leaf right after its last; only what leads to `ends`, if there are any.

    Operands are older than results, so that the order of creation, from the end, is one in which all uses come first.
    """
    found, stack = set(roots), list(roots)
    while stack:  # a stack of our own: a chain of 150,000 nodes must not exhaust Python's
        operands = set(targets(stack.pop())) - found
        found |= operands
        stack += operands
    nodes = sorted((place for place in found if isinstance(place, core.Node)), key=lambda node: node.sequence)
    order: dict[Place, None] = {}  # from the end: a set that keeps its order
    for place in itertools.chain(*((*reversed(targets(node)), node) for node in nodes), roots):
        if not ends or place in ends or not order.keys().isdisjoint(targets(place)):
            order[place] = None
    return list(reversed(order))
