"""In which order backward visits: a place only after everything that contributes to its cotangent."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .node import Place


def sources(place: Place) -> list[Place]:
    """Where a place passes cotangents on to, once for each use; nowhere from a leaf."""
    return [edge.source for edge in place.edges if edge.source is not None]


def topological_order(roots: Iterable[Place]) -> list[Place]:
    """Every reachable place after all its consumers (Kahn): leaves once ready, else the latest node."""
    waiting = consumers(roots)
    ticket = itertools.count()  # equals in the order of their discovery
    ready = [(priority(place), next(ticket), place) for place in roots if not waiting[place]]
    heapq.heapify(ready)
    order = []
    while ready:
        place = heapq.heappop(ready)[-1]
        order.append(place)
        for operand in sources(place):
            waiting[operand] -= 1
            if not waiting[operand]:
                heapq.heappush(ready, (priority(operand), next(ticket), operand))
    return order


def consumers(roots: Iterable[Place]) -> Counter[Place]:
    """How many uses of each reachable place are recorded."""
    uses: Counter[Place] = Counter()
    stack, seen = list(roots), set(roots)
    while stack:  # a stack of our own: a chain of 100,000 nodes must not exhaust Python's
        for operand in sources(stack.pop()):
            uses[operand] += 1
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return uses


def priority(place: Place) -> float:
    """Smallest first: leaves, which have no sequence number, then the node that was made last."""
    return -math.inf if place.sequence is None else -place.sequence


def leading_to(order: Sequence[Place], ends: Collection[Place | None]) -> list[Place]:
    """The places of an order from which some end is reached: nothing else runs, nor do its hooks."""
    needed: set[Place] = set()
    for place in reversed(order):
        if place in ends or not needed.isdisjoint(sources(place)):
            needed.add(place)
    return [place for place in order if place in needed]
