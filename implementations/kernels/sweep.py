"""Sweeping a graph: cotangents flow from the root to the leaves, each node passing on what it has received in sum.

From the latest node to the earliest *is* a topological order. Cotangents are plain arrays, unless the sweep is itself recorded
(`create_graph`): then they are tensors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Container, Sequence
from itertools import cycle
from typing import cast

import numpy as np

from . import arrays, checks, modes
from .graph import AccumulateGrad, Node, Port, Saved, call, compute
from .rows import Site, Value, raw

ACCUMULATION = threading.Lock()


def backward(
    root: arrays.Tensor,
    gradient: arrays.Tensor | None,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[arrays.Tensor] | None,
) -> None:
    """Accumulate into leaves, or into `inputs` only; see Tensor.backward."""
    path = way_down(root, gradient)
    if inputs is not None:
        for each in inputs:
            each.retain_grad()
        path = leading(path, {each.node for each in inputs})
    # Nodes of inputs that are results are called as well, though nothing goes on from them: torch's documentation says so.
    sweep(path, set(path), root, gradient, retain_graph, create_graph, deliver)


def grad(
    output: arrays.Tensor,
    inputs: arrays.Tensor | Sequence[arrays.Tensor],
    grad_outputs: arrays.Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[arrays.Tensor | None, ...]:
    """Gradients of `output`, one for each of `inputs` (leaves or results), after their hooks; no leaf's `.grad` changes.

    Raises NeedsGrad, NotScalar, ShapeMismatch, GraphFreed and VersionConflict as backward does, and UnusedInput for an input
    without influence, where `allow_unused` returns None.
    """
    path = way_down(output, grad_outputs)
    targets = [inputs] if isinstance(inputs, arrays.Tensor) else inputs
    for each in targets:
        checks.recorded(each)
    nodes = dict.fromkeys(each.node for each in targets)
    if not allow_unused:
        checks.used(nodes, set(path))
    path = leading(path, nodes)
    found = dict[Node | None, arrays.Tensor]()

    def collect(node: Node, cotangent: Value) -> None:
        if node.ports:  # a result that retains its gradient does so in any sweep
            deliver(node, cotangent)
        if node in nodes:
            found[node] = call("clone", as_tensor(cotangent))

    visited = set(path)
    passed = {node for node in path if goes_on(node, visited)}
    sweep(path, passed, output, grad_outputs, retain_graph, create_graph, collect)
    return tuple(found.get(each.node) for each in targets)


def way_down(root: arrays.Tensor, gradient: arrays.Tensor | None) -> list[Node]:
    """Every node on which the root depends, in the order of a sweep; refused if there is none, or no cotangent for it."""
    checks.recorded(root)
    checks.cotangent(root, gradient)
    return sweep_order(cast(Node, root.node))


def sweep_order(root: Node) -> list[Node]:
    """The latest first; leaves directly after the earliest node that used them, when their cotangents are complete."""
    order = {root: None}
    for node in sorted(reachable(root), key=lambda node: -node.number):
        leaves = [port.node for port in node.ports if isinstance(port.node, AccumulateGrad)]
        for each in (node, *leaves):
            order.pop(each, None)
            order[each] = None
    return list(order)


def reachable(root: Node) -> set[Node]:
    """The results among the nodes, by a worklist: depth costs no Python stack."""
    found, work = {root}, [root]
    while work:
        nodes = {port.node for port in work.pop().ports if port.node and not isinstance(port.node, AccumulateGrad)}
        work.extend(nodes - found)
        found |= nodes
    return found


def leading(path: Sequence[Node], targets: Collection[Node | None]) -> list[Node]:
    """Only what leads to a target: other nodes are not run, and other hooks not called."""
    kept = set[Node | None]()
    for node in reversed(path):
        if node in targets or goes_on(node, kept):
            kept.add(node)
    return [node for node in path if node in kept]


def goes_on(node: Node, path: Container[Node | None]) -> bool:
    """Whether one of the operands is on the path."""
    return any(port.node in path for port in node.ports)


def sweep(
    path: Sequence[Node],
    called: Collection[Node],
    root: arrays.Tensor,
    gradient: arrays.Tensor | None,
    retain_graph: bool | None,
    create_graph: bool,
    arrive: Callable[[Node, Value], None],
) -> None:
    """Visit each node of the path once: hooks, `arrive`, and for those that are called their VJP kernels."""
    for node in called:
        checks.readable(node)
    keep = create_graph if retain_graph is None else retain_graph
    visited = set(path)
    with np.errstate(all="ignore"), modes.set_grad_enabled(create_graph):
        pending = {root.node: seed(root, gradient)}
        for node in path:
            cotangent = pass_hooks(node, pending.pop(node))
            arrive(node, cotangent)
            if node in called:
                pull(node, cotangent, visited, pending)
                if not keep:
                    free(node)


def seed(root: arrays.Tensor, gradient: arrays.Tensor | None) -> Value:
    """The first cotangent, copied from the caller's."""
    given = arrays.Tensor(np.ones_like(root.data)) if gradient is None else gradient
    return as_value(call("cast", given, dtype=root.data.dtype))


def pull(node: Node, cotangent: Value, visited: Container[Node | None], pending: dict[Node | None, Value]) -> None:
    """The chain rule: run the VJP kernel of each operand on the path, and add up what each node receives."""
    checks.readable(node)  # again: a hook may have freed or written what was saved
    operands = zip(node.ports, cycle(node.kernel.saves), cycle(node.kernel.vjps), strict=False)
    for place, (port, saves, vjp) in enumerate(operands):
        if port.node in visited:
            site = Site(call if modes.is_grad_enabled() else compute, port.shape, place)
            part = vjp(site, cotangent, *(unpack(node, letter) for letter in saves), **node.params)
            part = reduce_to(site, as_tensor(part) if modes.is_grad_enabled() else part, port)
            pending[port.node] = pending[port.node] + part if port.node in pending else part


def unpack(node: Node, letter: str) -> Value:
    """A saved value: the array, or in a recorded sweep a tensor in its old place in the graph."""
    saved = cast("dict[str, Saved]", node.saved)[letter]
    if not modes.is_grad_enabled():
        return saved.array
    tensor = arrays.Tensor(saved.array, node if letter == "y" else saved.node)
    tensor.memory = saved.memory
    return tensor


def reduce_to(site: Site, part: Value, port: Port) -> Value:
    """The one place for broadcasting: sum a cotangent down to the operand's shape, in the operand's dtype."""
    shape = raw(part).shape
    if shape != port.shape:
        extra = len(shape) - len(port.shape)  # negative where a write stripped leading ones
        axes = tuple(i for i, n in enumerate(shape) if i < extra or port.shape[i - extra] != n)
        part = site("reshape", site("sum", part, axis=axes), shape=port.shape)
    return part if raw(part).dtype == port.dtype else site("cast", part, dtype=port.dtype)


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
    return cotangent


def deliver(node: Node, cotangent: Value) -> None:
    """A cotangent is accumulated by the tensor that keeps it, if there is one that still exists and still wants it."""
    owner = node.owner() if node.owner else None
    if owner is not None and owner.requires_grad:
        accumulate(owner, as_tensor(cotangent))


def accumulate(tensor: arrays.Tensor, cotangent: arrays.Tensor) -> None:
    """Add to `.grad`: the first time a copy; into the same memory if it is a leaf's and the sweep is not recorded."""
    with ACCUMULATION:
        if tensor.grad is None:
            tensor.grad = call("clone", cotangent)
        elif tensor.is_leaf and not modes.is_grad_enabled():
            tensor.grad.add_(cotangent)
        else:
            tensor.grad = tensor.grad + cotangent
