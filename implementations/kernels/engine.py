"""Recording and sweeping.

Each recorded operator becomes a numbered Node. A node can only use values that exist, so numbers fall along
every path of a sweep: from the latest reachable node to the earliest *is* a topological order. Cotangents are
plain arrays, unless the sweep is itself recorded (`create_graph`): then they are tensors.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from . import arrays, checks, kernels, modes
from .kernels import Array, Site, Value

Hook: TypeAlias = "Callable[[arrays.Tensor], arrays.Tensor | None]"
Tensors: TypeAlias = "arrays.Tensor | Sequence[arrays.Tensor]"

NUMBERS = itertools.count()
ACCUMULATION = threading.Lock()


class Port(NamedTuple):
    """Where one operand of a node came from: its node (None: a constant), shape and dtype."""

    node: Node | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Saved(NamedTuple):
    """An array that a VJP needs, and the node that made it, for when the sweep is recorded."""

    array: Array
    node: Node | None


class Node:
    """One executed kernel; `owner` is the tensor whose `.grad` it fills, if any."""

    kernel = ""

    def __init__(self, ports: tuple[Port, ...], params: dict[str, Any]) -> None:
        self.number = next(NUMBERS)
        self.ports = ports
        self.params = params
        self.saved: dict[str, Saved] | None = {}
        self.hooks: dict[int, Hook] = {}
        self.owner: weakref.ref[arrays.Tensor] | None = None  # a graph keeps neither leaves nor results alive


class AccumulateGrad(Node):
    """The end of a path: a leaf."""


@cache
def node_type(kernel: str, label: str) -> type[Node]:
    """`type(y.grad_fn).__name__` is the label of the last operator."""
    return cast(type[Node], type(label, (Node,), {"kernel": kernel}))


# ---- recording --------------------------------------------------------------------------------------------


def compute(name: str, *arrays: Array, **params: Any) -> Array:
    """Run a forward kernel on arrays; infinities and NaNs are results like others."""
    with np.errstate(all="ignore"):
        return np.asarray(kernels.KERNELS[name].forward(*arrays, **params))


def call(name: str, *operands: Any, **params: Any) -> arrays.Tensor:
    """Run a kernel on tensors and numbers; record it if any operand requires grad and recording is on."""
    meets = next(operand.data.dtype for operand in operands if isinstance(operand, arrays.Tensor))
    inputs = [lift(operand, meets) for operand in operands]
    result = arrays.Tensor(compute(name, *(each.data for each in inputs), **params))
    if modes.is_grad_enabled() and any(each.requires_grad for each in inputs):
        result.node = write_node(name, inputs, result.data, params)
    return result


def lift(operand: Any, dtype: np.dtype[Any]) -> arrays.Tensor:
    """Numbers and arrays take the dtype of the tensor that they meet."""
    return operand if isinstance(operand, arrays.Tensor) else arrays.Tensor(np.asarray(operand, dtype))


def write_node(name: str, inputs: Sequence[arrays.Tensor], result: Array, params: dict[str, Any]) -> Node:
    """Record one executed kernel, with what its VJPs save for those operands that require grad."""
    kernel = kernels.KERNELS[name]
    ports = tuple(Port(arrival(each), each.shape, each.data.dtype) for each in inputs)
    node = node_type(name, kernel.label)(ports, params)
    values = {"y": Saved(result, None)}
    values |= {letter: Saved(each.data, arrival(each)) for letter, each in zip("ab", inputs, strict=False)}
    asked = {letter for port, saves in zip(ports, kernel.saves, strict=True) if port.node for letter in saves}
    node.saved = {letter: values[letter] for letter in asked}
    return node


def arrival(of: arrays.Tensor) -> Node | None:
    """Where cotangents of a tensor arrive; None for a constant."""
    return of.node if of.requires_grad else None


# ---- sweeping ---------------------------------------------------------------------------------------------


def backward(
    root: arrays.Tensor,
    gradient: arrays.Tensor | None,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Tensors | None,
) -> None:
    """Accumulate into leaves, or into `inputs` only; see Tensor.backward."""
    seeds = seed([root], [gradient], create_graph)
    if inputs is None:
        sweep(seeds, None, retain_graph, create_graph, accumulating=True)
        return
    targets = as_list(inputs)
    for target in targets:
        checks.recorded(target)
    for target in targets:
        target.retain_grad()
    sweep(seeds, {target.node for target in targets}, retain_graph, create_graph, accumulating=True)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: arrays.Tensor | Sequence[arrays.Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[arrays.Tensor | None, ...]:
    """Gradients of the sum of `outputs`, one for each of `inputs` (leaves or results), writing no `.grad`.

    Raises NeedsGrad, NotScalar, ShapeMismatch and GraphFreed as backward does, and UnusedInput for an input
    without influence, where `allow_unused` returns None.
    """
    roots, targets = as_list(outputs), as_list(inputs)
    given = [None] * len(roots) if grad_outputs is None else as_list(grad_outputs)
    seeds = seed(roots, given, create_graph)
    for target in targets:
        checks.recorded(target)
    nodes = [target.node for target in targets]
    if not allow_unused:
        checks.used(nodes, set(sweep_order(seeds)))
    found = sweep(seeds, set(nodes), retain_graph, create_graph, accumulating=False)
    return tuple(found.get(node) for node in nodes)


def as_list(tensors: Any) -> list[Any]:
    several = [tensors] if isinstance(tensors, arrays.Tensor) else list(tensors)
    checks.named(several)
    return several


def seed(roots: list[Any], given: list[Any], create_graph: bool) -> dict[Node, Value]:
    """First cotangents, copied from the caller's; roots that occur twice count twice."""
    checks.paired(roots, given)
    for root, cotangent in zip(roots, given, strict=True):
        checks.recorded(root)
        checks.cotangent(root, cotangent)
    pending: dict[Node, Value] = {}
    with modes.set_grad_enabled(create_graph):
        for root, cotangent in zip(roots, given, strict=True):
            start = arrays.Tensor(np.ones_like(root.data)) if cotangent is None else cotangent
            copy = call("cast", start, dtype=root.data.dtype)
            contribute(pending, root.node, copy if create_graph else copy.data)
    return pending


def sweep(
    seeds: dict[Node, Value],
    targets: set[Node | None] | None,
    retain_graph: bool | None,
    create_graph: bool,
    accumulating: bool,
) -> dict[Node | None, arrays.Tensor]:
    """Visit each node once, the latest first; returns the cotangents of `targets` unless accumulating."""
    path = sweep_order(seeds)
    if targets is not None:
        path = restrict(path, targets)
    visited = set(path)
    running = {node for node in path if any(port.node in visited for port in node.ports)}
    for node in running:
        checks.alive(node)
    keep = create_graph if retain_graph is None else retain_graph
    pending, found = dict(seeds), dict[Node | None, arrays.Tensor]()
    with modes.set_grad_enabled(create_graph):
        for node in path:
            if node not in pending:
                continue
            cotangent = pass_hooks(node, pending.pop(node))
            if accumulating:
                deliver(node, cotangent)
            elif targets is not None and node in targets:
                found[node] = cotangent if create_graph else as_tensor(np.copy(cotangent))
            if node in running:
                pull(node, cotangent, visited, pending)
                if not keep:
                    free(node)
    return found


def sweep_order(roots: Iterable[Node]) -> list[Node]:
    """Reachable nodes, the latest first; a leaf directly after the earliest node that used it."""
    reached = reachable(roots)
    steps = sorted((node for node in reached if node.ports), key=lambda node: node.number)
    placed: set[Node] = set()
    order: list[Node] = []
    for node in steps:  # from the earliest: where a leaf is met first, its cotangent is complete last
        leaves = dict.fromkeys(p.node for p in node.ports if p.node is not None and not p.node.ports)
        order.extend(leaf for leaf in reversed(leaves) if leaf not in placed)
        placed.update(leaves)
        order.append(node)
    order.extend(leaf for leaf in reached if not leaf.ports and leaf not in placed)
    return order[::-1]


def reachable(roots: Iterable[Node]) -> dict[Node, None]:
    """In order of discovery, by a worklist: depth costs no Python stack."""
    found = dict.fromkeys(roots)
    work = list(found)
    while work:
        for port in work.pop().ports:
            if port.node is not None and port.node not in found:
                found[port.node] = None
                work.append(port.node)
    return found


def restrict(path: Sequence[Node], targets: set[Node | None]) -> list[Node]:
    """Only what leads to a target: other nodes are not run, and other hooks not called."""
    leading: set[Node] = set()
    for node in reversed(path):
        if node in targets or any(port.node in leading for port in node.ports):
            leading.add(node)
    return [node for node in path if node in leading]


def pull(node: Node, cotangent: Value, visited: set[Node], pending: dict[Node, Value]) -> None:
    """The chain rule: run the VJP kernel of each operand on the way, and hand out contributions."""
    checks.alive(node)
    kernel = kernels.KERNELS[node.kernel]
    for port, saves, vjp in zip(node.ports, kernel.saves, kernel.vjps, strict=True):
        if port.node in visited:
            site = Site(call if modes.is_grad_enabled() else compute, port.shape)
            with np.errstate(all="ignore"):
                part = vjp(site, cotangent, *(unpack(node, letter) for letter in saves), **node.params)
            part = as_tensor(part) if modes.is_grad_enabled() else part
            contribute(pending, port.node, reduce_to(site, part, port))


def unpack(node: Node, letter: str) -> Value:
    """A saved value: the array, or in a recorded sweep a tensor in its old place in the graph."""
    saved = cast(dict[str, Saved], node.saved)[letter]
    if not modes.is_grad_enabled():
        return saved.array
    return arrays.Tensor(saved.array, node if letter == "y" else saved.node)


def reduce_to(site: Site, part: Value, port: Port) -> Value:
    """The one place for broadcasting: sum a cotangent down to the operand's shape, in the operand's dtype."""
    shape = kernels.raw(part).shape
    extra = len(shape) - len(port.shape)
    axes = tuple(i for i, n in enumerate(shape) if i < extra or port.shape[i - extra] != n)
    if axes:
        part = site("reshape", site("sum", part, axis=axes), shape=port.shape)
    return part if kernels.raw(part).dtype == port.dtype else site("cast", part, dtype=port.dtype)


def contribute(pending: dict[Node, Value], node: Node, part: Value) -> None:
    """Cotangents of several uses add up."""
    pending[node] = pending[node] + part if node in pending else part


def free(node: Node) -> None:
    """Forget saved values; a node that saved none stays as it is, and can run again."""
    if node.saved:
        node.saved = None


# ---- what becomes of a cotangent ---------------------------------------------------------------------------


def as_tensor(value: Value) -> arrays.Tensor:
    return value if isinstance(value, arrays.Tensor) else arrays.Tensor(np.asarray(value))


def as_value(of: arrays.Tensor) -> Value:
    """The form in which the running sweep keeps cotangents."""
    return of if modes.is_grad_enabled() else of.data


def pass_hooks(node: Node, cotangent: Value) -> Value:
    """Call the hooks that are registered now, in order; each sees what the one before returned."""
    for hook in list(node.hooks.values()):
        seen = as_tensor(cotangent)
        answer = hook(seen)
        if answer is not None:
            checks.answer(answer, seen)
            cotangent = as_value(answer)
    owner = node.owner() if node.owner is not None else None
    if owner is not None and not owner.is_leaf:
        fill(owner, cotangent)
    return cotangent


def fill(result: arrays.Tensor, cotangent: Value) -> None:
    """retain_grad: after the hooks, a result adds up its cotangents like a leaf, but never in place."""
    copy = call("clone", as_tensor(cotangent))
    result.grad = copy if result.grad is None else result.grad + copy


def deliver(node: Node, cotangent: Value) -> None:
    """A cotangent that has come to a leaf is accumulated, if the leaf still exists and still wants it."""
    leaf = node.owner() if node.owner is not None else None
    if leaf is not None and leaf.is_leaf and leaf.requires_grad:
        with ACCUMULATION:
            accumulate(leaf, as_tensor(cotangent))


def accumulate(leaf: arrays.Tensor, cotangent: arrays.Tensor) -> None:
    """Add to `.grad`: in the same memory, except in a recorded sweep; the first time, a copy."""
    if leaf.grad is None:
        leaf.grad = call("clone", cotangent)
    elif modes.is_grad_enabled():
        leaf.grad = leaf.grad + cotangent
    else:
        np.add(leaf.grad.data, cotangent.data, out=leaf.grad.data)
