"""The tensor: an array with a place in the graph."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import numpy as np

from . import checks, engine
from .kernels import Array
from .printing import spell

KEYS = itertools.count()


def tensor(values: Any, dtype: str = "float64", requires_grad: bool = False) -> Tensor:
    """A leaf with a copy of `values` (a number or nested lists); TypeError unless float32 or float64."""
    if dtype not in ("float32", "float64"):
        raise TypeError(f"a tensor holds float32 or float64, not {dtype}; choose one")
    leaf = Tensor(np.array(values, dtype=dtype))
    leaf.requires_grad = requires_grad
    return leaf


class Handle:
    """Returned by `register_hook`."""

    def __init__(self, hooks: dict[int, engine.Hook], hook: engine.Hook) -> None:
        self.hooks, self.key = hooks, next(KEYS)
        hooks[self.key] = hook

    def remove(self) -> None:
        """The hook is not called again; any number of times."""
        self.hooks.pop(self.key, None)


class Tensor:
    """An array of float32 or float64; `node` is where its cotangents arrive, None for a constant.

    Operators broadcast and accept numbers on either side, which never change the dtype. Shapes that do not
    fit are a ValueError.
    """

    __array_ufunc__ = None  # an array on the left defers to us

    def __init__(self, data: Array, node: engine.Node | None = None) -> None:
        self.data = data
        self.node = node
        self._wants = node is not None
        self._grad: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> str:
        return self.data.dtype.name

    @property
    def grad_fn(self) -> engine.Node | None:
        """The node that made this result; None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def is_leaf(self) -> bool:
        return self.node is None or isinstance(self.node, engine.AccumulateGrad)

    @property
    def requires_grad(self) -> bool:
        """True for a result that was recorded, and for a leaf that says so. NotALeaf if set on a result."""
        return self._wants if self.is_leaf else True

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        checks.leaf(self)
        if flag and self.node is None:
            self.node = engine.AccumulateGrad((), {})
            self.node.owner = weakref.ref(self)
        self._wants = flag

    def requires_grad_(self, flag: bool = True) -> Tensor:
        """Set requires_grad and return self; True changes nothing on a result."""
        if self.is_leaf or not flag:
            self.requires_grad = flag
        return self

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient, or None. Setting a misfit: TypeError, ShapeMismatch, AutogradError."""
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
        inputs: engine.Tensors | None = None,
    ) -> None:
        """Accumulate the vector-Jacobian product with `gradient` (same shape; 1 for one element) into leaves.

        Saved values are freed unless `retain_graph`. `create_graph` records the sweep, so that the gradients
        can be differentiated, and retains the graph unless told otherwise. With `inputs`, only those receive.
        Raises NeedsGrad, NotScalar, ShapeMismatch, TypeError, GraphFreed.
        """
        engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory as a constant."""
        return Tensor(self.data)

    def zero_(self) -> Tensor:
        """Overwrite with 0, return self. AutogradError for a leaf that requires grad, unless in no_grad."""
        checks.writable(self)
        self.data.fill(0)
        if not self.is_leaf:  # zero is a constant
            self.node, self._wants = None, False
        return self

    def retain_grad(self) -> None:
        """Give this result a `.grad` as well. NeedsGrad if nothing is recorded."""
        checks.recorded(self)
        if self.grad_fn is not None:
            self.grad_fn.owner = weakref.ref(self)

    def register_hook(self, hook: engine.Hook) -> Handle:
        """In each sweep, `hook` gets this tensor's summed cotangent and may return another. HookError."""
        checks.hookable(self)
        assert self.node is not None
        return Handle(self.node.hooks, hook)

    def tolist(self) -> Any:
        return self.data.tolist()

    def item(self) -> float:
        """The only element; ValueError if there is not exactly one."""
        return float(self.data.item())

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        return self.item() != 0

    def __repr__(self) -> str:
        note = "requires_grad=True" if self.requires_grad else ""
        return spell(self.data, note if self.is_leaf else f"grad_fn=<{type(self.node).__name__}>")

    def __format__(self, spec: str) -> str:
        return format(self.item() if self.data.ndim == 0 else repr(self), spec)

    def __add__(self, other: Any) -> Tensor:
        return engine.call("add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return engine.call("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return engine.call("rsub", self, other)

    def __mul__(self, other: Any) -> Tensor:
        return engine.call("mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return engine.call("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return engine.call("div", other, self)

    def __pow__(self, exponent: Any) -> Tensor:
        return (
            engine.call("power", self, exponent)
            if isinstance(exponent, Tensor)
            else engine.call("pow", self, n=exponent)
        )

    def __rpow__(self, base: Any) -> Tensor:
        return engine.call("power", base, self)

    def __neg__(self) -> Tensor:
        return engine.call("neg", self)

    def __abs__(self) -> Tensor:
        return engine.call("abs", self)

    def __matmul__(self, other: Tensor) -> Tensor:
        """Inner product, matrix times vector, vector times matrix, or matrix product, by the ranks."""
        ranks = (self.data.ndim, other.data.ndim)
        kernel = {(1, 1): "dot", (1, 2): "vm", (2, 1): "mv", (2, 2): "mm"}.get(ranks)
        if kernel is None:
            raise ValueError(f"@ takes vectors and matrices, not ranks {ranks}; reshape first")
        return engine.call(kernel, self, other)

    def dot(self, other: Tensor) -> Tensor:
        """The inner product of two vectors; ValueError for other ranks."""
        if (self.data.ndim, other.data.ndim) != (1, 1):
            raise ValueError(f"dot takes vectors, not shapes {self.shape} and {other.shape}; reshape")
        return engine.call("dot", self, other)

    def mm(self, other: Tensor) -> Tensor:
        """The product of two matrices; ValueError for other ranks."""
        if (self.data.ndim, other.data.ndim) != (2, 2):
            raise ValueError(f"mm takes matrices, not shapes {self.shape} and {other.shape}; reshape")
        return engine.call("mm", self, other)

    def sum(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Over all elements, or over the given axes, which vanish."""
        return engine.call("sum", self, axis=axis)

    def mean(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        return engine.call("mean", self, axis=axis)

    def norm(self) -> Tensor:
        """The 2-norm of all elements; its derivative at 0 is 0."""
        return engine.call("norm", self)

    def max(self) -> Tensor:
        """The largest element; ties share its gradient equally."""
        return engine.call("max", self)

    def relu(self) -> Tensor:
        """The larger of x and 0; its derivative at 0 is 0."""
        return engine.call("relu", self)

    def exp(self) -> Tensor:
        return engine.call("exp", self)

    def log(self) -> Tensor:
        return engine.call("log", self)

    def sqrt(self) -> Tensor:
        return engine.call("sqrt", self)

    def sin(self) -> Tensor:
        return engine.call("sin", self)

    def cos(self) -> Tensor:
        return engine.call("cos", self)

    def tanh(self) -> Tensor:
        return engine.call("tanh", self)

    def reshape(self, *shape: Any) -> Tensor:
        """To `shape`, as one tuple or as numbers, one of which may be -1."""
        return engine.call("reshape", self, shape=shape[0] if isinstance(shape[0], tuple | list) else shape)

    def t(self) -> Tensor:
        """The transposed matrix."""
        return engine.call("t", self)

    transpose = t

    def __getitem__(self, index: Any) -> Tensor:
        """By an int, a slice, a list of ints, or a tuple of them: a view, but a list gathers a copy."""
        parts = index if isinstance(index, tuple) else (index,)
        gathers = any(isinstance(part, list | np.ndarray) for part in parts)
        kernel = "index" if gathers else "select" if isinstance(parts[-1], int) else "slice"
        return engine.call(kernel, self, index=index)
