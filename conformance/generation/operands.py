"""Which operands and attributes an operator takes: one row for each operator of the table."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from conformance.generation.reals import Register
from conformance.program import Scalar

LARGEST: Final = 24  # elements of a result
SCALARS: Final = ("2", "-1", "1/2", "3", "-3/2", "1/4", "-2", "0", "1")
_FACTORS: Final = ("2", "4", "-2", "1/2", "-1")  # quotients by these are exact
_EXPONENTS: Final = ("2", "3", "-1", "1/2", "3/2", "-2", "0", "1")

Chosen = Sequence[Register | Scalar] | None


@dataclass
class Pool:
    """What may be read: `tensors` of the dtype, and `bits` that a comparison made."""

    draw: random.Random
    tensors: list[Register]
    bits: list[Register]

    def any(self, fits: Callable[[Register], bool] = lambda register: True) -> Register | None:
        """A register that fits, a late one rather than an early one."""
        for _ in range(4):
            late = self.draw.random()
            found = self.tensors[-1 - int(late * late * len(self.tensors))]
            if fits(found):
                return found
        return None


# --- operands


def _alone(found: Register | None, *others: Scalar) -> Chosen:
    return None if found is None else [found, *others]


def _one(pool: Pool) -> Chosen:
    return _alone(pool.any())


def _fitting(fits: Callable[[Register], bool]) -> Callable[[Pool], Chosen]:
    def choose(pool: Pool) -> Chosen:
        return _alone(pool.any(fits))

    return choose


def _second(fits: Callable[[Register, Register], bool], first: Callable[[Register], bool]) -> Callable[[Pool], Chosen]:
    """Two registers: one that fits `first`, and one that fits it; now and then the same one twice."""

    def choose(pool: Pool) -> Chosen:
        a = pool.any(first)
        if a is None:
            return None
        if pool.draw.random() < 0.15 and fits(a, a):
            return [a, a]
        b = pool.any(lambda other: fits(a, other))
        return None if b is None else [a, b]

    return choose


def broadcastable(a: Register, b: Register) -> bool:
    """Whether two shapes broadcast, to a result that is small."""
    size = 1
    p, q = a.value.shape, b.value.shape
    if len(p) < len(q):
        p, q = q, p
    for m, n in zip(p, (1,) * (len(p) - len(q)) + q, strict=True):
        if m != n and m != 1 and n != 1:
            return False
        size *= n if m == 1 else m
    return size <= LARGEST


_pair: Final = _second(broadcastable, lambda a: True)


def _elementwise(pool: Pool) -> Chosen:
    """Two broadcast operands, the first or the second of which may be a Python number."""
    found = _compared(pool)
    return found[::-1] if found and isinstance(found[1], Scalar) and pool.draw.random() < 0.3 else found


def _compared(pool: Pool) -> Chosen:
    """Two broadcast operands, the second of which may be a Python number: few engines take it for the first of a comparison."""
    if pool.draw.random() > 0.2:
        return _pair(pool)
    return _alone(pool.any(), Scalar(pool.draw.choice(SCALARS)))


def _by_number(pool: Pool) -> Chosen:
    """A quotient of two, or by a power of two, or of a number."""
    chance = pool.draw.random()
    if chance < 0.6:
        return _pair(pool)
    found = pool.any()
    if found is None:
        return None
    return [found, Scalar(pool.draw.choice(_FACTORS))] if chance < 0.85 else [Scalar(pool.draw.choice(SCALARS)), found]


def _power(pool: Pool) -> Chosen:
    return _alone(pool.any(), Scalar(pool.draw.choice(_EXPONENTS)))


def _conditional(pool: Pool) -> Chosen:
    """A condition and two operands, all broadcast together."""
    if not pool.bits:
        return None
    condition, both = pool.draw.choice(pool.bits), _pair(pool)
    if both is None:
        return None
    a, b = both
    if not all(isinstance(it, Register) and broadcastable(condition, it) for it in (a, b)):
        return None
    shapes = [it.value.shape for it in (condition, a, b) if isinstance(it, Register)]
    try:
        return [condition, a, b] if math.prod(np.broadcast_shapes(*shapes)) <= LARGEST else None
    except ValueError:
        return None


def _product(p: tuple[int, ...], q: tuple[int, ...]) -> bool:
    """Whether the two last axes of two shapes match as a product of matrices does."""
    if not p or not q or p[-1] != (q[-2] if len(q) > 1 else q[-1]):
        return False
    rows, columns = (p[-2] if len(p) > 1 else 1), (q[-1] if len(q) > 1 else 1)
    try:
        batch = np.broadcast_shapes(p[:-2], q[:-2])
    except ValueError:
        return False
    return math.prod(batch) * rows * columns <= LARGEST


def _ranks(first: int, other: int) -> Callable[[Pool], Chosen]:
    """The operands of a product of two given ranks."""
    return _second(
        lambda a, b: b.value.ndim == other and _product(a.value.shape, b.value.shape), lambda a: a.value.ndim == first
    )


_alike: Final = _second(
    lambda a, b: a.value.shape == b.value.shape and 2 * len(a.numbers) <= LARGEST, lambda a: a.value.ndim > 0
)
_filled: Final = _fitting(lambda a: bool(a.numbers))
_axial: Final = _fitting(lambda a: a.value.ndim > 0)
_rows: Final = _fitting(lambda a: a.value.ndim > 0 and bool(a.numbers))
_small: Final = _fitting(lambda a: a.value.ndim < 4 and 2 * len(a.numbers) <= LARGEST)


# --- attributes

Attributes = Callable[[random.Random, Register], dict[str, Any]]


def _axis(draw: random.Random, a: Register, more: int = 0) -> int:
    """One of the axes, counted from the front or from the back."""
    rank = a.value.ndim + more
    axis = int(draw.random() * rank)
    return axis - rank if draw.random() < 0.3 else axis


def _nothing(draw: random.Random, a: Register) -> dict[str, Any]:
    return {}


def _along(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"axis": _axis(draw, a)}


def _reduced(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"axis": _axis(draw, a), "keepdim": draw.random() < 0.4}


def _new_axis(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"axis": _axis(draw, a, 1)}


def _lone_axis(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"axis": draw.choice([axis for axis, extent in enumerate(a.value.shape) if extent == 1])}


def _bounds(draw: random.Random, a: Register) -> dict[str, Any]:
    low = draw.choice((-2, -1, 0))
    return {"low": low, "high": low + draw.choice((1, 2, 3))}


def _refolded(draw: random.Random, a: Register) -> dict[str, Any]:
    shape, left = [], len(a.numbers)
    for factor in (2, 3, 1):
        if left and left % factor == 0 and draw.random() < 0.5:
            shape.append(factor)
            left //= factor
    shape.append(left)
    draw.shuffle(shape)
    return {"shape": shape}


def _expanded(draw: random.Random, a: Register) -> dict[str, Any]:
    """A new axis in front, and axes of extent 1 stretched, as far as it stays small."""
    shape, size = list(a.value.shape), max(1, len(a.numbers))
    for axis, extent in enumerate(shape):
        if extent == 1 and size * 3 <= LARGEST:
            shape[axis] = draw.choice((1, 2, 3))
            size *= shape[axis]
    return {"shape": [2, *shape] if 2 * size <= LARGEST and len(shape) < 4 else shape}


def _axes(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"axes": draw.sample(range(a.value.ndim), a.value.ndim)}


def _index(draw: random.Random, a: Register) -> dict[str, Any]:
    extent = a.value.shape[0]
    position = int(draw.random() * extent)
    several = [int(draw.random() * extent) for _ in range(draw.choice((1, 2, 3)))]
    return {"index": draw.choice((position, several, {"slice": [position, None]}, {"slice": [None, position]}))}


def _gathered(draw: random.Random, a: Register) -> dict[str, Any]:
    axis = _axis(draw, a)
    shape = list(a.value.shape)
    extent, shape[axis] = shape[axis], draw.choice((1, 2))
    flat = np.array([int(draw.random() * extent) for _ in range(math.prod(shape))])
    return {"axis": axis, "index": flat.reshape(shape).tolist()}


def _widths(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"widths": [draw.choice((0, 1)), draw.choice((0, 1, 2))]}


def _rolled(draw: random.Random, a: Register) -> dict[str, Any]:
    return {"shift": draw.choice((-2, -1, 1, 2)), "axis": _axis(draw, a)}


# --- the table


@dataclass(frozen=True)
class Way:
    """How often an operator is drawn, and how its operands and attributes are."""

    weight: int
    operands: Callable[[Pool], Chosen]
    attributes: Attributes = _nothing


WAYS: Final[Mapping[str, Way]] = {
    "add": Way(8, _elementwise),
    "sub": Way(6, _elementwise),
    "mul": Way(10, _elementwise),
    "div": Way(5, _by_number),
    "eq": Way(1, _compared),
    "gt": Way(2, _compared),
    "neg": Way(2, _one),
    "square": Way(3, _one),
    "reciprocal": Way(2, _one),
    "pow": Way(3, _power),
    **{name: Way(2, _one) for name in ("exp", "log", "log1p", "sqrt", "sin", "cos", "atan")},
    **{name: Way(2, _one) for name in ("sinh", "cosh", "tanh", "sigmoid", "abs", "relu")},
    "clamp": Way(2, _one, _bounds),
    "maximum": Way(2, _pair),
    "minimum": Way(2, _pair),
    "where": Way(12, _conditional),
    "sum": Way(2, _one),
    "prod": Way(2, _one),
    **{name: Way(1, _filled) for name in ("mean", "max", "norm", "var")},
    "sum_axis": Way(3, _axial, _reduced),
    "prod_axis": Way(2, _axial, _reduced),
    **{name: Way(2, _rows, _reduced) for name in ("mean_axis", "max_axis", "norm_axis", "var_axis")},
    "cumsum": Way(2, _axial, _along),
    "dot": Way(4, _ranks(1, 1)),
    "outer": Way(
        3,
        _second(
            lambda a, b: b.value.ndim == 1 and len(a.numbers) * len(b.numbers) <= LARGEST, lambda a: a.value.ndim == 1
        ),
    ),
    "mv": Way(4, _ranks(2, 1)),
    "mm": Way(6, _ranks(2, 2)),
    "matmul": Way(6, _second(lambda a, b: _product(a.value.shape, b.value.shape), lambda a: a.value.ndim > 0)),
    "reshape": Way(2, _one, _refolded),
    "transpose": Way(3, _fitting(lambda a: a.value.ndim == 2)),
    "permute": Way(2, _axial, _axes),
    "squeeze": Way(3, _fitting(lambda a: 1 in a.value.shape), _lone_axis),
    "unsqueeze": Way(2, _fitting(lambda a: a.value.ndim < 4), _new_axis),
    "expand": Way(2, _small, _expanded),
    "index": Way(3, _fitting(lambda a: a.value.ndim > 0 and a.value.shape[0] > 0), _index),
    "gather": Way(2, _rows, _gathered),
    "concat": Way(2, _alike, _along),
    "stack": Way(2, _alike, _new_axis),
    "pad": Way(2, _fitting(lambda a: a.value.ndim > 0 and 2 * len(a.numbers) <= LARGEST), _widths),
    "flip": Way(2, _axial, _along),
    "roll": Way(2, _axial, _rolled),
}
