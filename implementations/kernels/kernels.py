"""All mathematics of the engine in one table: KERNELS, name -> Kernel.

A forward kernel is whole-array NumPy. A VJP kernel is a formula over the cotangent `g` and the saved values: arrays in an
ordinary sweep, tensors when the sweep is itself recorded. `g * b` means the same for both, and `k("cos", a)` runs another
row of the table on either, so every row is differentiable to any order. Python loops over nothing in this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Value: TypeAlias = Any  # an array, or a tensor when the sweep is recorded


@dataclass(frozen=True)
class Kernel:
    """One operator: `forward(*arrays, **params)` and, for each operand, `vjp(k, g, *saved, **params)`.

    `saves` tells for each operand what its VJP needs: operands "a" and "b", the result "y". A row without VJPs has no
    derivative, and its results no history. `label` is what torch calls the node.
    """

    label: str
    forward: Callable[..., Any]
    saves: tuple[str, ...] = ()
    vjps: tuple[Callable[..., Value], ...] = ()


@dataclass(frozen=True)
class Site:
    """Where a VJP runs: `k.shape` is the operand's shape, `k(name, ...)` runs a kernel there."""

    run: Callable[..., Value]
    shape: tuple[int, ...]

    def __call__(self, name: str, *operands: Value, **params: Any) -> Value:
        return self.run(name, *operands, **params)


def raw(value: Value) -> Array:
    """The array of a value, for decisions that are constants to the derivative."""
    return cast(Array, value if isinstance(value, np.ndarray | np.generic) else value.data)


def passed(k: Site, g: Value, **params: Any) -> Value:
    """The operand was copied: so is the cotangent; the engine reduces what was broadcast."""
    return g


def negated(k: Site, g: Value) -> Value:
    return -g


def nothing(k: Site, g: Value) -> Value:
    """The result does not depend on this operand: a constant 0."""
    return np.zeros_like(raw(g))


def spread(k: Site, g: Value, axis: Any) -> Value:
    """A sum's cotangent goes to each of its summands."""
    kept = np.array(k.shape, dtype=int)
    kept[... if axis is None else np.array(axis, dtype=int)] = 1
    return k("expand", k("reshape", g, shape=kept), shape=k.shape)


def averaged(k: Site, g: Value) -> Value:
    return k("expand", g / math.prod(k.shape), shape=k.shape)


def shared(k: Site, g: Value, a: Value, y: Value) -> Value:
    """Elements that tie for the maximum receive equal shares."""
    ties = raw(a) == raw(y)
    return k("keep", g / np.count_nonzero(ties), chosen=ties)


def direction(k: Site, g: Value, a: Value, y: Value) -> Value:
    """a / |a|, and 0 at the zero vector, the smallest subgradient; no 0/0 on the way, for higher orders."""
    zero = raw(y) == 0
    return k("keep", a * (g / (y + zero)), chosen=~zero)


def power_rule(k: Site, g: Value, a: Value, n: float) -> Value:
    """n a^(n-1); for n = 0 a constant 0, also where a is 0."""
    return g * (n * k("pow", a, n=n - 1)) if n else nothing(k, g)


def scattered(k: Site, g: Value, index: Any) -> Value:
    return k("scatter", g, index=index, shape=k.shape)


def pick(a: Array, index: Any) -> Array:
    """A view unless the index holds a list; the ellipsis makes an element a 0-d view."""
    return a[(*index, ...)]


def put(a: Array, b: Array, index: Any) -> Array:
    """A copy of `a` with `b` at `index`."""
    result = a.copy()
    result[index] = b
    return result


def scatter(a: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros with `a` added at `index`: unbuffered, so that an index may occur several times."""
    result = np.zeros(shape, a.dtype)
    np.add.at(result, index, a)
    return result


TIMES: tuple[Callable[..., Value], ...] = (lambda k, g, b: g * b, lambda k, g, a: g * a)

KERNELS: dict[str, Kernel] = {
    "add": Kernel("AddBackward0", np.add, ("", ""), (passed, passed)),
    "sub": Kernel("SubBackward0", np.subtract, ("", ""), (passed, negated)),
    "neg": Kernel("NegBackward0", np.negative, ("",), (negated,)),
    "mul": Kernel("MulBackward0", np.multiply, ("b", "a"), TIMES),
    "div": Kernel("DivBackward0", np.divide, ("b", "ab"), (lambda k, g, b: g / b, lambda k, g, a, b: -g * (a / b / b))),
    "eq": Kernel("", np.equal),
    "gt": Kernel("", np.greater),
    "pow": Kernel("PowBackward0", lambda a, n: a**n, ("a",), (power_rule,)),
    "abs": Kernel("AbsBackward0", np.abs, ("a",), (lambda k, g, a: g * np.sign(raw(a)),)),
    "exp": Kernel("ExpBackward0", np.exp, ("y",), (lambda k, g, y: g * y,)),
    "log": Kernel("LogBackward0", np.log, ("a",), (lambda k, g, a: g / a,)),
    "sqrt": Kernel("SqrtBackward0", np.sqrt, ("y",), (lambda k, g, y: g / (2 * y),)),
    "sin": Kernel("SinBackward0", np.sin, ("a",), (lambda k, g, a: g * k("cos", a),)),
    "cos": Kernel("CosBackward0", np.cos, ("a",), (lambda k, g, a: -g * k("sin", a),)),
    "tanh": Kernel("TanhBackward0", np.tanh, ("y",), (lambda k, g, y: g * (1 - y * y),)),
    "relu": Kernel(
        "ReluBackward0", lambda a: np.maximum(a, 0), ("y",), (lambda k, g, y: k("keep", g, chosen=raw(y) > 0),)
    ),
    "sum": Kernel("SumBackward0", lambda a, axis: np.sum(a, axis=axis), ("",), (spread,)),
    "mean": Kernel("MeanBackward0", lambda a: np.sum(a) / a.size, ("",), (averaged,)),
    "max": Kernel("MaxBackward1", np.max, ("ay",), (shared,)),
    "norm": Kernel("LinalgVectorNormBackward0", lambda a: np.sqrt(np.sum(np.square(a))), ("ay",), (direction,)),
    "dot": Kernel("DotBackward0", np.dot, ("b", "a"), TIMES),
    "mm": Kernel(
        "MmBackward0",
        np.matmul,
        ("b", "a"),
        (lambda k, g, b: k("mm", g, k("t", b)), lambda k, g, a: k("mm", k("t", a), g)),
    ),
    "t": Kernel("TBackward0", np.transpose, ("",), (lambda k, g: k("t", g),)),
    "reshape": Kernel(
        "ViewBackward0",
        lambda a, shape: np.reshape(a, shape),
        ("",),
        (lambda k, g, shape: k("reshape", g, shape=k.shape),),
    ),
    "select": Kernel("SelectBackward0", pick, ("",), (scattered,)),
    "slice": Kernel("SliceBackward0", pick, ("",), (scattered,)),
    "index": Kernel("IndexBackward0", pick, ("",), (scattered,)),
    # Rows that write.
    "zero": Kernel("ZeroBackward0", np.zeros_like, ("",), (nothing,)),
    "put": Kernel(
        "IndexPutBackward0",
        put,
        ("", ""),
        (lambda k, g, index: k("put", g, 0, index=index), lambda k, g, index: k("index", g, index=index)),
    ),
    # Rows that only VJPs and sweeps ask for.
    "scatter": Kernel("ScatterBackward0", scatter, ("",), (lambda k, g, index, shape: k("index", g, index=index),)),
    "expand": Kernel("ExpandBackward0", lambda a, shape: np.broadcast_to(a, shape), ("",), (passed,)),
    "keep": Kernel(
        "WhereBackward0",
        lambda a, chosen: np.where(chosen, a, 0),
        ("",),
        (lambda k, g, chosen: k("keep", g, chosen=chosen),),
    ),
    "clone": Kernel("CloneBackward0", np.copy, ("",), (passed,)),
    "cast": Kernel("ToCopyBackward0", lambda a, dtype: a.astype(dtype), ("",), (passed,)),
}
