"""Recording: each executed kernel becomes a numbered node.

A node can only use values that exist, so numbers fall along every path from a result to its leaves.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count, cycle
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np

from . import arrays, modes
from .kernels import KERNELS
from .rows import Array, Kernel

if TYPE_CHECKING:
    from .views import Memory

Hook: TypeAlias = "Callable[[arrays.Tensor], arrays.Tensor | None]"

NUMBERS = count()


class Port(NamedTuple):
    """Where one operand of a node came from: its node (None: a constant), shape and dtype."""

    node: Node | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Saved(NamedTuple):
    """What a VJP needs of a tensor: its array, the memory and the version then, and the node (the result had none yet)."""

    array: Array
    memory: Memory
    version: int
    node: Node | None


class Node:
    """One executed kernel; `owner` is the tensor whose `.grad` it fills, if any."""

    kernel: Kernel

    def __init__(
        self, ports: tuple[Port, ...], params: dict[str, Any], owner: weakref.ref[arrays.Tensor] | None = None
    ) -> None:
        self.number = next(NUMBERS)
        self.ports = ports
        self.params = params
        self.saved: dict[str, Saved] | None = {}
        self.hooks: dict[object, Hook] = {}
        self.owner = owner  # a graph keeps neither leaves nor results alive

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the operands, each with the number of its output: always the first."""
        return tuple((port.node, 0) for port in self.ports)


class AccumulateGrad(Node):
    """The end of a path: a leaf, through which nothing is pulled."""

    kernel = Kernel("", np.copy)


@cache
def node_type(kernel: Kernel) -> type[Node]:
    """`type(y.grad_fn).__name__` is the label of the last operator."""
    return cast(type[Node], type(kernel.label, (Node,), {"kernel": kernel}))


def compute(name: str, *operands: Array, **params: Any) -> Array:
    """Run a forward kernel on arrays; infinities and NaNs are results like others."""
    with np.errstate(all="ignore"):
        return np.asarray(KERNELS[name].forward(*operands, **params))


def call(name: str, *operands: Any, **params: Any) -> arrays.Tensor:
    """Run a kernel on tensors and numbers; record it if any operand requires grad and recording is on."""
    inputs = met(operands, KERNELS[name].apart)
    result = arrays.Tensor(compute(name, *(each.data for each in inputs), **params))
    if modes.is_grad_enabled() and KERNELS[name].vjps and any(each.requires_grad for each in inputs):
        result.node = record(KERNELS[name], inputs, result, params)
    return result


def met(operands: Sequence[Any], apart: int | None = None) -> list[arrays.Tensor]:
    """Operands as tensors; where floats and integers meet, the integers become floats, but not the operand that stays apart."""
    meeting = [each for i, each in enumerate(operands) if i != apart]
    dtypes = [each.data.dtype for each in meeting if isinstance(each, arrays.Tensor)]
    dtype = np.result_type(*([each for each in dtypes if each.kind == "f"] or dtypes))
    return [each if i == apart else fitted(each, dtype) for i, each in enumerate(operands)]


def fitted(operand: Any, dtype: np.dtype[Any]) -> arrays.Tensor:
    """A tensor of the kind of `dtype`; a number takes the dtype that it meets, but a fraction among integers stays one."""
    if not isinstance(operand, arrays.Tensor):
        return arrays.Tensor(np.asarray(operand, np.result_type(dtype, operand)))
    return operand if operand.data.dtype.kind == dtype.kind else arrays.Tensor(operand.data.astype(dtype))


def record(kernel: Kernel, inputs: Sequence[arrays.Tensor], result: arrays.Tensor, params: dict[str, Any]) -> Node:
    """A node for an executed kernel, with what its VJPs need for those operands that require grad."""
    ports = tuple(Port(arrival(each), each.data.shape, each.data.dtype) for each in inputs)
    node = node_type(kernel)(ports, params)
    named = dict(zip("abc", inputs, strict=False)) | {"y": result}
    asked = "".join(saves for saves, port in zip(cycle(kernel.saves), ports, strict=False) if port.node)
    node.saved = {letter: save(named[letter]) for letter in asked}
    return node


def save(of: arrays.Tensor) -> Saved:
    return Saved(of.data, of.memory, of.memory.version, arrival(of))


def arrival(of: arrays.Tensor) -> Node | None:
    """Where cotangents of a tensor arrive; None for a constant."""
    return of.node if of.requires_grad else None
