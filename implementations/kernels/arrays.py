"""The tensor: an array with a place in the graph."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from . import checks, graph, sweep, views
from .graph import call
from .operators import Dim, Operators, axes, flat
from .printing import spell
from .rows import Array


def tensor(values: Any, dtype: str = "float64", requires_grad: bool = False) -> Tensor:
    """A leaf with a copy of `values` (a number or nested lists): float64, float32 or int64. NotFloating: integers and grad."""
    return Tensor(np.array(values, dtype=dtype)).requires_grad_(requires_grad)


# Ranks that have a product of their own.
PRODUCTS = {(1, 1): "dot", (2, 1): "mv", (2, 2): "mm"}


def parts(index: Any) -> tuple[Any, ...]:
    """What an index says of each axis."""
    return index if isinstance(index, tuple) else (index,)


def gathers(index: tuple[Any, ...]) -> bool:
    """Whether what it gives is a copy."""
    return any(isinstance(part, list) for part in index)


class Handle:
    """Returned by `register_hook`."""

    def __init__(self, hooks: dict[object, graph.Hook], hook: graph.Hook) -> None:
        self.hooks, self.key = hooks, object()
        hooks[self.key] = hook

    def remove(self) -> None:
        """The hook is not called again; any number of times."""
        self.hooks.pop(self.key, None)


class Tensor(Operators):
    """An array with a place in the graph: `node` is where its cotangents arrive, None for a constant."""

    __array_ufunc__ = None  # an array on the left defers to us
    __hash__ = object.__hash__

    def __init__(self, data: Array, node: graph.Node | None = None) -> None:
        self.data = data
        self.memory = views.Memory()
        self.origin: views.Origin | None = None  # of a view
        self.seen: graph.Node | None = None  # the base's node when this view got its own
        self._node = node
        self._wants = node is not None
        self._grad: Tensor | None = None

    @property
    def node(self) -> graph.Node | None:
        """Where cotangents arrive; a view follows its base, if that was rewritten."""
        views.follow(self)
        return self._node

    @node.setter
    def node(self, node: graph.Node) -> None:
        """retain_grad() goes along from the node before."""
        if self._node is not None and self._node.ports:
            node.owner, self._node.owner = self._node.owner, None
        self._node = node

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> str:
        return self.data.dtype.name

    @property
    def grad_fn(self) -> graph.Node | None:
        """The node that made this result; None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operator made it."""
        return self.node is None or not self.node.ports

    @property
    def requires_grad(self) -> bool:
        """True for a result that was recorded, and for a leaf that says so. NotALeaf if set on a result, NotFloating."""
        return self._wants or not self.is_leaf

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        checks.leaf(self)
        if flag:
            checks.floating(self)
            self._node = self._node or graph.AccumulateGrad((), {}, weakref.ref(self))
        self._wants = flag

    def requires_grad_(self, flag: bool = True) -> Tensor:
        """Set requires_grad and return self; True changes nothing on a result."""
        if self.is_leaf or not flag:
            self.requires_grad = flag
        return self

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient, or None. Setting what is not like the tensor: ShapeMismatch."""
        return self._grad

    @grad.setter
    def grad(self, given: Tensor | None) -> None:
        if given is not None:
            checks.assignable(self, given)
        self._grad = given

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Accumulate the vector-Jacobian product with `gradient` (same shape; 1 for one element) into leaves.

        Saved values are freed unless `retain_graph`. `create_graph` records the sweep, so that the gradients can be
        differentiated, and retains the graph unless told otherwise. With `inputs`, only those receive.
        Raises NeedsGrad, NotScalar, ShapeMismatch, TypeError, GraphFreed, VersionConflict.
        """
        sweep.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Give this result a `.grad` as well. NeedsGrad if nothing is recorded."""
        checks.recorded(self)
        assert self.node is not None
        self.node.owner = weakref.ref(self)  # as it was, if this is a leaf

    def register_hook(self, hook: graph.Hook) -> Handle:
        """In each sweep, `hook` gets this tensor's summed cotangent and may return another. HookError."""
        checks.hookable(self)
        assert self.node is not None
        return Handle(self.node.hooks, hook)

    # ---- reading ------------------------------------------------------------------------------------------

    def tolist(self) -> Any:
        return self.data.tolist()

    def item(self) -> Any:
        """The only element, as Python's; ValueError if there is not exactly one."""
        return self.data.item()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __repr__(self) -> str:
        note = "requires_grad=True" if self.requires_grad else ""
        return spell(self.data, note if self.is_leaf else f"grad_fn=<{type(self.node).__name__}>")

    def __format__(self, spec: str) -> str:
        """A 0-d tensor is formatted as its number."""
        return format(repr(self) if self.shape else self.item(), spec)

    # ---- views and writes ---------------------------------------------------------------------------------

    def detach(self) -> Tensor:
        """The same memory as a constant."""
        alias = Tensor(self.data)
        alias.memory = self.memory
        return alias

    def reshape(self, *shape: Any) -> Tensor:
        """To `shape`, as one tuple or as numbers, one of which may be -1: a view if the memory allows."""
        return views.view("reshape", self, shape=flat(shape))

    def t(self) -> Tensor:
        """A view of the transposed matrix."""
        return views.view("t", self)

    def permute(self, *dims: Any) -> Tensor:
        """A view with the axes in another order, given as one tuple or as numbers."""
        return views.view("permute", self, axes=normalize_axis_tuple(flat(dims), self.data.ndim))

    def squeeze(self, dim: Dim = None) -> Tensor:
        """A view without those of the axes, or of all, that have extent 1."""
        dropped = axes(self.data, dim)
        kept = [n for i, n in enumerate(self.shape) if n != 1 or i not in dropped]
        return views.view("squeeze", self, shape=tuple(kept))

    def unsqueeze(self, dim: int) -> Tensor:
        """A view with a new axis of extent 1."""
        return views.view("unsqueeze", self, shape=np.expand_dims(self.data, dim).shape)

    def expand(self, *shape: Any) -> Tensor:
        """A view, broadcast to `shape`, in which -1 is the extent that an axis has. Elements that it repeats are not written."""
        wanted = flat(shape)
        before = (1,) * (len(wanted) - self.data.ndim) + self.shape
        extents = tuple(old if new == -1 else new for old, new in zip(before, wanted, strict=True))
        return views.view("expand", self, shape=extents)

    def outer(self, other: Tensor) -> Tensor:
        """Every product of elements of two vectors; ValueError for other ranks."""
        checks.ranks(self.data, other.data, 1, 1)
        return self.unsqueeze(1) * other

    def __matmul__(self, other: Tensor) -> Tensor:
        """Products of matrices, over leading axes that broadcast; a vector is a row on the left and a column on the right."""
        product = PRODUCTS.get((self.data.ndim, other.data.ndim))
        if product:
            return call(product, self, other)
        left = self.unsqueeze(0) if self.data.ndim == 1 else self
        right = other.unsqueeze(1) if other.data.ndim == 1 else other
        result = call("mm", left, right)
        return result.squeeze(-1) if other.data.ndim == 1 else result.squeeze(-2) if self.data.ndim == 1 else result

    def __getitem__(self, index: Any) -> Tensor:
        """By an int, a slice, a list of ints, or a tuple of them: a view, but a list gathers a copy."""
        index = parts(index)
        if gathers(index):
            return call("index", self, index=index)
        return views.view("select" if isinstance(index[-1], int) else "slice", self, index=index)

    def __setitem__(self, index: Any, value: Any) -> None:
        target, index = self, parts(index)
        if checks.overlaps(self.data) and not gathers(index):
            target, index = self[index], ()  # which may well have memory of its own
        views.write("put", target, value, index=index)

    def add_(self, other: Any) -> Tensor:
        """Write the sum into this memory. LeafInPlace for a leaf that requires grad, unless in no_grad; so all writes."""
        return views.write("add", self, other)

    def mul_(self, other: Any) -> Tensor:
        """Write the product into this memory."""
        return views.write("mul", self, other)

    def zero_(self) -> Tensor:
        """Write 0 into this memory."""
        return views.write("zero", self)

    @property
    def _version(self) -> int:
        """How often this memory was written."""
        return self.memory.version
