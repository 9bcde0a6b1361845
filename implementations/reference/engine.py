"""A reverse-mode autograd engine in one sitting: value -> node -> VJP -> backward -> hooks -> modes.

A *value* computes forward (`values.py`) and leaves a *node* behind (`node.py`); `vjps.py` says how a node
turns the cotangent of its result into cotangents of its operands. *Backward* visits the nodes in an order in
which every cotangent is complete before it is used (`order.py`). Then read `hooks.py`, which watches
cotangents pass, and `modes.py`, which switches recording off and on.

Every rule is one module-level function or one method, looked up when it is called.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from . import hooks, modes, order, refusals, vjps
from .hooks import Hook
from .node import Edge, Node, Place, node_class
from .text import tensor_text
from .values import Array, Operand, Value

Several: TypeAlias = "Tensor | Sequence[Tensor]"

# ---- value ------------------------------------------------------------------------------------------------


class Tensor(Value):
    """A floating point array, `data`, and the node that made it, `grad_fn`; a leaf was made by none."""

    # Backward sees a leaf as a place where cotangents end: no edges pass them on.
    edges: tuple[Edge, ...] = ()
    sequence: int | None = None
    retained: weakref.ref[Tensor] | None = None

    def __init__(self, data: Array, grad_fn: Node | None = None) -> None:
        self.data = data
        self.grad_fn = grad_fn
        self.hooks: dict[int, Hook] = {}  # of a leaf; those of a result live on its node
        self._grad: Tensor | None = None
        self._wish = False  # a leaf wishes for a gradient; a result inherits the wish through its node

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """A result does when an operand did, a leaf when told to; NotALeaf when set on a result."""
        return self._wish or not self.is_leaf

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        refusals.check_leaf(self)
        self._wish = flag

    def requires_grad_(self, flag: bool = True) -> Tensor:
        """Set the flag, return self; a result already requires grad, and NotALeaf if told otherwise."""
        if self.is_leaf or not flag:
            self.requires_grad = flag
        return self

    @property
    def grad(self) -> Tensor | None:
        """What backward accumulated, or None; ShapeMismatch when set to another shape than self's."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        refusals.check_grad(self, value)
        self._grad = value

    def detach(self) -> Tensor:
        """A new leaf with the same values, in the same memory: a constant to every derivative."""
        return Tensor(self.data)

    def zero_(self) -> Tensor:
        """Set every element to 0 in place; a leaf that requires grad refuses while operators are recorded."""
        refusals.check_writable(self)
        self.data[...] = 0
        self.grad_fn = None  # zero depends on nothing
        return self

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Several | None = None,
    ) -> None:
        """Add the gradients of sum(gradient * self) to the `.grad` of every leaf, or only of `inputs`.

        `gradient` has self's shape (ShapeMismatch) and may be left out for one element (NotScalar). The run
        frees saved values unless `retain_graph`, and GraphFreed refuses a second one; `create_graph` records
        the run and implies it. NeedsGrad if self was not recorded.
        """
        seeds = seed([self], [gradient], create_graph)
        targets = None if inputs is None else listed(inputs)
        for target in targets or ():
            refusals.check_requires_grad(target)
        for target in targets or ():
            target.retain_grad()
        sweep(seeds, targets, retain_graph, create_graph)

    def retain_grad(self) -> None:
        """Fill `.grad` of this result too; nothing changes for a leaf; NeedsGrad without gradient."""
        refusals.check_requires_grad(self)
        if self.grad_fn is not None:
            self.grad_fn.retained = weakref.ref(self)  # weak: a node must not keep its own result alive

    def register_hook(self, hook: Hook) -> hooks.Handle:
        """Call `hook(cotangent)` in every backward through here; a tensor that it returns replaces it."""
        refusals.check_hookable(self)
        return hooks.Handle(cast(Place, source(self)).hooks, hook)

    def __repr__(self) -> str:
        if self.grad_fn is not None:
            return tensor_text(self.data, [f"grad_fn=<{type(self.grad_fn).__name__}>"])
        return tensor_text(self.data, ["requires_grad=True"] if self.requires_grad else [])


def tensor(values: Any, dtype: str = "float64", requires_grad: bool = False) -> Tensor:
    """A new leaf with a copy of `values`, nested lists or a number, in float32 or float64, else TypeError."""
    if dtype not in ("float32", "float64"):
        raise TypeError(f"only floating point values have gradients, not {dtype}: say float32 or float64")
    return Tensor(np.array(values, dtype=dtype)).requires_grad_(requires_grad)


# ---- node -------------------------------------------------------------------------------------------------


def record(operator: str, forward: Callable[..., Any], *operands: Operand, params: tuple[Any, ...] = ()) -> Tensor:
    """Compute `forward`; if an operand requires grad and recording is on, leave a node behind."""
    like = next(operand for operand in operands if isinstance(operand, Tensor))
    tensors = tuple(lift(operand, like) for operand in operands)
    with np.errstate(all="ignore"):  # 1/0 is inf, as in IEEE arithmetic, and no matter for a warning
        result = Tensor(np.asarray(forward(*(operand.data for operand in tensors))))
    if modes.is_grad_enabled() and any(operand.requires_grad for operand in tensors):
        edges = tuple(Edge(source(t), t.shape, t.data.dtype) for t in tensors)
        result.grad_fn = node_class(operator)(edges, params, saved_values(operator, tensors, result))
    return result


def lift(operand: Operand, like: Tensor) -> Tensor:
    """A Python number becomes a constant in the dtype of the tensor that it meets: numbers never promote."""
    return operand if isinstance(operand, Tensor) else Tensor(np.asarray(operand, like.data.dtype))


def source(tensor: Tensor) -> Place | None:
    """The place where cotangents of this tensor arrive; None if it requires none."""
    return tensor.grad_fn or (tensor if tensor.requires_grad else None)


def saved_values(operator: str, operands: Sequence[Tensor], result: Tensor) -> dict[str, Tensor]:
    """What VJPs will need, by letter: operands "a", "b", result "y"; only for operands that require grad."""
    values = dict(zip("ab", operands, strict=False)) | {"y": result.detach()}
    rows = zip(vjps.VJPS[operator], operands, strict=True)
    return {letter: values[letter] for vjp, operand in rows if operand.requires_grad for letter in vjp.saves}


def recall(node: Node, letters: str) -> list[Tensor]:
    """Saved values. A result was saved without its node, which would be a cycle; here they meet again."""
    refusals.check_not_freed(node)
    saved = node.saved or {}
    return [Tensor(saved["y"].data, node) if letter == "y" else saved[letter] for letter in letters]


def free(node: Node) -> None:
    """After its VJP ran, a node forgets what it saved; one that saved nothing may run again."""
    node.saved = None if node.saved else {}


# ---- backward ---------------------------------------------------------------------------------------------


def grad(
    outputs: Several,
    inputs: Several,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs' sum with respect to each input, leaf or not; no `.grad` is written.

    Raises like `backward`, and UnusedInput for an input that no output depends on (None if `allow_unused`).
    """
    roots, targets = listed(outputs), listed(inputs)
    seeds = seed(roots, [None] * len(roots) if grad_outputs is None else listed(grad_outputs), create_graph)
    for target in targets:
        refusals.check_requires_grad(target)
    places = [source(target) for target in targets]
    if not allow_unused:
        refusals.check_used(places, set(order.topological_order(seeds)))
    found: dict[Place | None, Tensor] = {}
    sweep(seeds, targets, retain_graph, create_graph, found)
    return tuple(found.get(place) for place in places)


def listed(tensors: Any) -> list[Any]:
    """One tensor or several."""
    several = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    refusals.check_not_empty(several)
    return several


def seed(roots: Sequence[Tensor], gradients: Sequence[Tensor | None], create_graph: bool) -> dict[Place, Tensor]:
    """The cotangents to begin with: copies, so that no `.grad` and no hook ever holds the caller's tensor."""
    refusals.check_paired(roots, gradients)
    for root, gradient in zip(roots, gradients, strict=True):
        refusals.check_requires_grad(root)
        refusals.check_cotangent(root, gradient)
    seeds: dict[Place, Tensor] = {}
    with modes.set_grad_enabled(create_graph):
        for root, gradient in zip(roots, gradients, strict=True):
            given = Tensor(np.ones_like(root.data)) if gradient is None else gradient.cast(root.data.dtype)
            add_contribution(seeds, cast(Place, source(root)), given)
    return seeds


def sweep(
    seeds: dict[Place, Tensor],
    targets: Sequence[Tensor] | None,
    retain_graph: bool | None,
    create_graph: bool,
    found: dict[Place | None, Tensor] | None = None,
) -> None:
    """Visit every place once, when its cotangent is complete; accumulate, or collect targets in `found`."""
    path = order.topological_order(seeds)
    ends = {source(target) for target in targets or ()}
    if targets is not None:
        path = order.leading_to(path, ends)
    wanted = set(path)
    running = {place for place in path if isinstance(place, Node) and not wanted.isdisjoint(order.sources(place))}
    for node in running:
        refusals.check_not_freed(node)
    cotangents = dict(seeds)
    with modes.set_grad_enabled(create_graph):
        for place in path:
            if place not in cotangents:
                continue
            cotangent = hooks.run_hooks(place, cotangents.pop(place))
            if found is not None and place in ends:
                found[place] = cotangent if create_graph else cotangent.clone()
            elif found is None and isinstance(place, Tensor):
                accumulate(place, cotangent)
            if isinstance(place, Node) and place in running:
                for operand, part in propagate(place, cotangent, wanted):
                    add_contribution(cotangents, operand, part)
                if not (create_graph if retain_graph is None else retain_graph):
                    free(place)


def propagate(node: Node, cotangent: Tensor, wanted: set[Place]) -> Iterator[tuple[Place, Tensor]]:
    """The chain rule at one node: a contribution to each operand that is wanted."""
    for edge, vjp in zip(node.edges, vjps.VJPS[node.operator], strict=True):
        if edge.source in wanted:
            part = vjp.pull(cotangent, *recall(node, vjp.saves), *node.params)
            yield edge.source, vjps.unbroadcast(part, edge)


def add_contribution(cotangents: dict[Place, Tensor], place: Place, part: Tensor) -> None:
    """Several uses of one value: their cotangents sum."""
    cotangents[place] = cotangents[place] + part if place in cotangents else part


def accumulate(leaf: Tensor, cotangent: Tensor) -> None:
    """Accumulation: each backward adds to `.grad`, in place unless the run is recorded, sharing no memory."""
    if not leaf.requires_grad:  # it was told so after the graph had been built
        return
    with ACCUMULATING:
        if leaf.grad is None or modes.is_grad_enabled():
            leaf.grad = cotangent.clone() if leaf.grad is None else leaf.grad + cotangent
        else:
            leaf.grad.data += cotangent.data


ACCUMULATING = threading.Lock()  # threads may share a leaf
