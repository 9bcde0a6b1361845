"""Which tensors a sweep comes through, and in which order the graph itself puts them."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.model.forward import Value
from conformance.model.state import State


def reached(root: Value) -> set[Value]:
    """Every tensor on which a sweep from `root` goes on to, itself included."""
    found, waiting = {root}, [root]
    while waiting:
        node = waiting.pop().node
        for operand in node.references if node else ():
            if operand not in found:
                found.add(operand)
                waiting.append(operand)
    return found


def leading(root: Value, inputs: Sequence[State]) -> set[Value]:
    """The tensors on a way from `root` to one of `inputs`, both ends included: what a restricted sweep passes."""
    below = reached(root)
    ways = {state.value for state in inputs}
    for value in sorted(below, key=lambda value: value.serial):
        if value.node and not ways.isdisjoint(value.node.references):
            ways.add(value)
    return ways & below


def going_on(ways: set[Value]) -> list[Value]:
    """Those of the tensors on a restricted sweep's ways whose nodes it runs."""
    return [value for value in ways if value.node and not ways.isdisjoint(value.node.references)]


def ordered(a: Value, b: Value) -> bool:
    """Whether the graph says which of two cotangents is complete first."""
    return a in reached(b) or b in reached(a)
