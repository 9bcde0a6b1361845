"""A reverse-mode autograd engine in one sitting: value, node, VJP table, backward, hooks, modes.

A *value* is computed by a row of the table and leaves a *node* behind; the row's VJPs turn the cotangent of
the result into cotangents of the operands. *Backward* visits nodes in an order in which each cotangent is
complete before it is used. *Hooks* watch cotangents pass, *modes* switch recording off and on. Around it:
`operators.py` (the table's other rows), `rules.py` (longer formulas), `values.py` (Python's syntax), `order.py`
(which node comes next in backward), `inplace.py` (writes), `legacy.py` (the old API), `refusals.py`, `errors.py`,
`text.py`.

Every rule is one function or method, looked up when it is called; `# chapter/name` is a clause that asks for it.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from . import inplace, operators, order, refusals, rules, text, values
from .values import Array, Value

Hook: TypeAlias = "Callable[[Tensor], Tensor | None]"
Saved: TypeAlias = "dict[str, tuple[Tensor, int]]"  # what VJPs need, and how often its memory had been written to
Params: TypeAlias = "tuple[Sequence[Any], dict[str, Any]]"  # what an operator takes besides operands
Cotangents: TypeAlias = "dict[Place, Tensor]"
Several: TypeAlias = "Tensor | Sequence[Tensor]"
Place: TypeAlias = "Node | Tensor"  # where cotangents arrive: the node that made a result, or a leaf itself

ACCUMULATING = threading.Lock()  # threads may share a leaf: threads/every_thread_adds_to_the_leaf
COUNTER = itertools.count()  # of nodes and hooks

# ---- value ------------------------------------------------------------------------------------------------


class Tensor(Value):
    """An array, `data`, and the node that made it, `grad_fn`; a leaf was made by none."""

    edges: tuple[Edge, ...] = ()  # backward sees a leaf as a place that passes nothing on
    retained: weakref.ref[Tensor] | None = None

    def __init__(self, data: Array, grad_fn: Node | None = None, memory: inplace.Memory | None = None) -> None:
        self.data = data
        self.memory = memory or inplace.Memory()
        self.view: inplace.View | None = None
        self.hooks: dict[int, Hook] = {}  # of a leaf; those of a result live on its node
        self._node = grad_fn
        self._grad: Tensor | None = None
        self._wish = False  # a leaf wishes for a gradient; a result inherits the wish through its node

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this value; that of a view is made anew after a write to its memory."""
        inplace.refresh(self)
        return self._node

    @grad_fn.setter
    def grad_fn(self, node: Node | None) -> None:
        if self._node and node:  # retain_grad follows the tensor; hooks stay with the node that they watch
            node.retained, self._node.retained = self._node.retained, None
        self._node = node

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None  # recording/constants_are_leaves

    @property
    def requires_grad(self) -> bool:
        """A result does when an operand did, a leaf when told to; NotALeaf when set on a result."""
        return self._wish or not self.is_leaf  # requires_grad/result_requires_grad_if_an_operand_does

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        refusals.check_wish(self, flag)
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
        self._grad = value  # zeroing/none_forgets

    def retain_grad(self) -> None:
        """Fill `.grad` of this result too; nothing changes for a leaf; NeedsGrad without gradient."""
        refusals.check_requires_grad(self)
        if self.grad_fn:
            self.grad_fn.retained = weakref.ref(self)  # weak: a node must not keep its own result alive

    def detach(self) -> Tensor:
        """A new leaf with the same values, in the same memory: a constant to every derivative."""
        return Tensor(self.data, memory=self.memory)  # detach/detached_is_a_constant

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Several | None = None,
    ) -> None:
        """Add the gradients of sum(gradient * self) to the `.grad` of every leaf, or only of `inputs`.

        `gradient` has self's shape (ShapeMismatch) and may be left out for one element (NotScalar). Saved values are
        freed unless `retain_graph`, which `create_graph`, to record the run, implies: GraphFreed refuses a second one.
        """
        seeds = seed(self, gradient, create_graph)
        targets = () if inputs is None else refusals.listed(inputs)
        for target in targets:
            target.retain_grad()
        sweep(seeds, {cast(Place, place_of(target)) for target in targets}, retain_graph, create_graph)

    def register_hook(self, hook: Hook) -> Handle:
        """Call `hook(cotangent)` in every backward through here; a tensor that it returns replaces it."""
        refusals.check_hookable(self)
        return Handle(cast(Place, place_of(self)).hooks, hook)


def tensor(data: Any, dtype: str = "float64", requires_grad: bool = False) -> Tensor:
    """A new leaf with a copy of `data`, nested lists or a number; only floats can require grad (NotFloating)."""
    return Tensor(np.array(data, dtype=dtype)).requires_grad_(requires_grad)


# ---- node -------------------------------------------------------------------------------------------------


class Edge(NamedTuple):
    """From a node to one operand: the VJP for it, where its result goes (None: a constant), and in which form."""

    pull: Vjp
    target: Place | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Node:
    """How one result came about: an operator applied to operands; each operator has a subclass."""

    operator = ""

    def __init__(self, edges: tuple[Edge, ...], params: Params, saved: Saved) -> None:
        self.edges = edges
        self.params = params
        self.saved: Saved | None = saved  # None once freed
        self.sequence = next(COUNTER)
        self.hooks: dict[int, Hook] = {}
        self.retained: weakref.ref[Tensor] | None = None


def record(operator: str, *arguments: Any, **options: Any) -> Tensor:
    """Compute from operands, then params; if an operand requires grad and recording is on, leave a node behind."""
    forward, *pulls = OPERATORS[operator]
    operands, params = values.lift(arguments[: len(pulls)]), arguments[len(pulls) :]
    with np.errstate(all="ignore"):  # 1/0 is inf, as in IEEE arithmetic, and no matter for a warning
        result = Tensor(np.asarray(forward(*(operand.data for operand in operands), *params, **options)))
    inplace.join(result, operands[0])
    if is_grad_enabled() and result.is_floating and any(operand.requires_grad for operand in operands):
        edges = tuple(Edge(pull, place_of(t), t.shape, t.data.dtype) for t, pull in zip(operands, pulls, strict=True))
        result.grad_fn = NODES[operator](edges, (params, options), saved_values(edges, operands, result))
    return result


def place_of(tensor: Tensor) -> Place | None:
    """The place where cotangents of this tensor arrive; None if it requires none."""
    return tensor.grad_fn or (tensor if tensor.requires_grad else None)


def saved_values(edges: Sequence[Edge], operands: Sequence[Tensor], result: Tensor) -> Saved:
    """What the VJPs for operands that require grad ask for."""
    tensors = {**dict(zip("ab", operands, strict=False)), "y": result.detach()}
    asked = "".join(rules.needs(edge.pull) for edge in edges if edge.target is not None)
    return {x: (tensor, tensor._version) for x, tensor in tensors.items() if x in asked}


def recall(node: Node, edge: Edge) -> list[Any]:
    """What one VJP needs. A result was saved without its node, which would be a cycle; here they meet again."""
    refusals.check_not_freed(node)  # second_backward/never_silently_wrong
    known: dict[str, Any] = {"s": edge.shape}
    for x, (tensor, version) in (node.saved or {}).items():
        if x in rules.needs(edge.pull):
            refusals.check_unmodified(node, tensor, version)  # in_place/overwritten_values_are_never_silently_used
            known[x] = Tensor(tensor.data, node) if x == "y" else tensor
    return [known[x] for x in rules.needs(edge.pull)]


def free(node: Node) -> None:
    """After its VJP ran, a node forgets what it saved; one that saved nothing may run again."""
    node.saved = None if node.saved else {}  # second_backward/freed_graph_is_refused


# ---- VJP table --------------------------------------------------------------------------------------------

Vjp: TypeAlias = Callable[..., Tensor]
Row: TypeAlias = tuple[Callable[..., Any], *tuple[Vjp, ...]]

# operator: (forward, a VJP for each operand). The parameters of a VJP name what it needs: the cotangent g, the
# operands a and b, the result y, the shape s of its operand; then come the operator's params. VJPs are written with
# tensor operators: a derivative is itself a program, to be recorded and differentiated.
OPERATORS: dict[str, Row] = {
    "add": (np.add, lambda g: g, lambda g: g),
    "sub": (np.subtract, lambda g: g, lambda g: -g),
    "rsub": (lambda a, b: b - a, lambda g: -g, lambda g: g),
    "mul": (np.multiply, lambda g, b: g * b, lambda g, a: g * a),
    "div": (np.divide, lambda g, b: g / b, lambda g, a, b: -g * (a / b / b)),
    "neg": (np.negative, lambda g: -g),
    "pow": (lambda a, n: a**n, rules.power),
    "exp": (np.exp, lambda g, y: g * y),
    "log": (np.log, lambda g, a: g / a),
    "sin": (np.sin, lambda g, a: g * a.cos()),
    "cos": (np.cos, lambda g, a: -g * a.sin()),
    "tanh": (np.tanh, lambda g, y: g * (1 - y * y)),
    "relu": (lambda a: np.maximum(a, 0), lambda g, y: g.where(y.data > 0, 0)),
    "where": (lambda a, b, c: np.where(b, a, c), lambda g, b: g.where(b, 0), rules.nothing, rules.elsewhere),
    "sum": (rules.total, rules.spread),
    "dot": (rules.product(1, 1), lambda g, b: g * b, lambda g, a: g * a),
    "mm": (rules.product(2, 2), lambda g, b: g.mm(b.t()), lambda g, a: a.t().mm(g)),
    "t": (np.transpose, lambda g: g.t()),
    "reshape": (lambda a, *shape: a.reshape(*shape), lambda g, s, *_: g.reshape(s)),
    "expand": (rules.stretched, lambda g, _: g),  # `unbroadcast` sums
    **dict.fromkeys(rules.PIECES, (rules.piece, lambda g, s, index: g.scatter(index, s))),
    "scatter": (rules.scattered, lambda g, index, _: g[index]),
    "clone": (np.copy, lambda g: g),
    "cast": (lambda a, dtype: a.astype(dtype), lambda g, _: g),  # `unbroadcast` casts back
    "eq": (np.equal, rules.nothing, rules.nothing),  # never recorded: recording/comparisons_have_no_gradient
    "gt": (np.greater, rules.nothing, rules.nothing),
    **operators.FUNCTIONS,
    **operators.REDUCTIONS,
    **operators.PRODUCTS,
    **operators.STRUCTURE,
    **inplace.WRITES,  # what writes in place are made of
}
NODES = {name: type(text.node_name(name), (Node,), {"operator": name}) for name in OPERATORS}
for _operator in OPERATORS.keys() - vars(Value):  # every row is a method under its name, or spelled there
    setattr(Tensor, _operator, values.method(_operator))


# ---- backward ---------------------------------------------------------------------------------------------


def grad(
    output: Tensor,
    inputs: Several,
    grad_outputs: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of sum(grad_outputs * output) with respect to each input, leaf or not; no `.grad` is written.

    Raises like `backward`, and UnusedInput for an input that the output does not depend on (None if `allow_unused`).
    """
    seeds = seed(output, grad_outputs, create_graph)
    places = [cast(Place, place_of(target)) for target in refusals.listed(inputs)]
    if not allow_unused:  # functional_grad/unused_input_is_never_made_up
        refusals.check_used(places, set(order.topological_order(seeds)))
    found: Cotangents = {}
    sweep(seeds, set(places), retain_graph, create_graph, found)
    return tuple(found.get(place) for place in places)


def seed(root: Tensor, gradient: Tensor | None, create_graph: bool) -> Cotangents:
    """The cotangent to begin with: a copy, so that no `.grad` and no hook ever holds the caller's tensor."""
    refusals.check_root(root, gradient)
    with grad_mode(create_graph):  # scalar_backward/implicit_cotangent_is_one
        given = Tensor(np.ones_like(root.data)) if gradient is None else gradient.cast(root.data.dtype)
    return {cast(Place, place_of(root)): given}


def sweep(
    seeds: Cotangents, ends: set[Place], retain_graph: bool | None, create_graph: bool, found: Cotangents | None = None
) -> None:
    """Visit every place once, when its cotangent is complete; accumulate into leaves, or collect `ends` in `found`."""
    path = order.topological_order(seeds, ends)
    wanted, cotangents = set(path), dict(seeds)
    refusals.check_saved(path, wanted)
    keep = create_graph if retain_graph is None else retain_graph
    with grad_mode(create_graph):  # higher_order/gradients_are_constants_unless_asked
        for place in path:
            cotangent = run_hooks(place, cotangents.pop(place))
            retain(place, cotangent)
            if found is not None:
                if place in ends:
                    found[place] = cotangent
            elif isinstance(place, Tensor):
                accumulate(place, cotangent)
            parts = list(propagate(cast(Node, place), cotangent, wanted))
            for operand, part in parts:
                add_contribution(cotangents, operand, part)
            if parts and not keep:  # what passed nothing on may still be run: it was an end of this path
                free(cast(Node, place))  # second_backward/retained_graph_adds_again


def propagate(node: Node, cotangent: Tensor, wanted: set[Place]) -> Iterator[tuple[Place, Tensor]]:
    """The chain rule at one node: a contribution to each operand that is wanted."""
    for edge in node.edges:
        if edge.target in wanted:
            params, options = node.params
            part = edge.pull(cotangent, *recall(node, edge), *params, **options)
            yield edge.target, rules.unbroadcast(part, edge)


def add_contribution(cotangents: Cotangents, place: Place, part: Tensor) -> None:
    """Several uses of one value: their cotangents sum."""  # accumulation/several_uses_sum
    cotangents[place] = cotangents[place] + part if place in cotangents else part


def accumulate(leaf: Tensor, cotangent: Tensor) -> None:
    """Each backward adds to `.grad`, in place unless the run is recorded, sharing no memory."""
    if not leaf.requires_grad:  # requires_grad/a_cleared_leaf_receives_nothing
        return
    with ACCUMULATING:  # accumulation/each_backward_adds
        if leaf.grad is None:
            leaf.grad = cotangent.clone()  # accumulation/leaves_share_no_gradient
        elif is_grad_enabled():
            leaf.grad = leaf.grad + cotangent
        else:
            leaf.grad.add_(cotangent)  # accumulation/the_gradient_stays_the_same_tensor


# ---- hooks ------------------------------------------------------------------------------------------------


class Handle:
    """Ends a hook: `remove()`, as often as you like."""

    def __init__(self, hooks: dict[int, Hook], hook: Hook) -> None:
        self.hooks, self.key = hooks, next(COUNTER)
        hooks[self.key] = hook

    def remove(self) -> None:
        self.hooks.pop(self.key, None)  # hooks/removing_twice_is_harmless


def run_hooks(place: Place, cotangent: Tensor) -> Tensor:
    """Hooks see the complete cotangent, in the order of registration, each what the one before returned."""
    for hook in tuple(place.hooks.values()):  # a copy: changes to the hooks take effect in the next run
        replacement = hook(cotangent)
        if replacement is not None:  # hooks/replacement_flows_on
            refusals.check_replacement(cotangent, replacement)
            cotangent = replacement
    return cotangent


def retain(place: Place, cotangent: Tensor) -> None:
    """What hooks made of the cotangent is added to the `.grad` of a result that retains it."""
    if place.retained and (result := place.retained()) is not None:  # leaves/retain_grad_keeps_it
        result.grad = cotangent.clone() if result.grad is None else result.grad + cotangent


# ---- modes ------------------------------------------------------------------------------------------------

MODE = threading.local()  # whether operators record: each thread has its own, which starts enabled


def is_grad_enabled() -> bool:
    return getattr(MODE, "enabled", True)  # threads/a_new_thread_records


def enter_mode(flag: bool) -> bool:
    """Set this thread's mode and return the previous one, which is what to restore."""
    previous, MODE.enabled = is_grad_enabled(), flag
    return previous


@contextmanager
def grad_mode(flag: bool) -> Iterator[None]:
    """`flag` inside; the previous mode returns at the end, also after an exception."""
    previous = enter_mode(flag)
    try:
        yield
    finally:
        enter_mode(previous)  # no_grad/an_exception_restores_the_mode


no_grad, enable_grad = partial(grad_mode, False), partial(grad_mode, True)


class set_grad_enabled(AbstractContextManager[None]):  # noqa: N801 (torch's spelling)
    """Sets the mode at once; used with `with`, restores the previous one at the end."""

    def __init__(self, flag: bool) -> None:
        self.previous = enter_mode(flag)

    def __exit__(self, *exception: object) -> None:
        enter_mode(self.previous)
