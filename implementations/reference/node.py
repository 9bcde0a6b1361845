"""What a recorded operator leaves behind."""

from __future__ import annotations

import itertools
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np

from . import vjps

if TYPE_CHECKING:
    from .engine import Tensor
    from .hooks import Hook

Place: TypeAlias = "Node | Tensor"  # where cotangents arrive: the node that made a result, or a leaf itself


class Edge(NamedTuple):
    """From a node to one operand: where its cotangent goes (None: a constant), and the form it must have."""

    source: Place | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Node:
    """How one result came about: an operator applied to operands; each operator has a subclass."""

    operator = ""

    def __init__(self, edges: tuple[Edge, ...], params: tuple[Any, ...], saved: dict[str, Tensor]) -> None:
        self.edges = edges
        self.params = params
        self.saved: dict[str, Tensor] | None = saved  # None once freed
        self.sequence = next(SEQUENCE)
        self.hooks: dict[int, Hook] = {}
        self.retained: weakref.ref[Tensor] | None = None


SEQUENCE = itertools.count()


@cache
def node_class(operator: str) -> type[Node]:
    """A class for each operator: `type(y.grad_fn).__name__` tells what ran last, as torch spells it."""
    name = vjps.TORCH_NAMES.get(operator, f"{operator.capitalize()}Backward0")
    return cast(type[Node], type(name, (Node,), {"operator": operator}))
