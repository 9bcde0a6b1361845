"""What clauses draw: small exact inputs on which a right engine has nothing to round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, Final

import numpy as np
from flint import fmpq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.model.numbers import Array
from conformance.operators import Operator

Shape = tuple[int, ...]

integers: Final = st.integers(-4, 4).map(fmpq)
nonzero: Final = st.sampled_from([-4, -3, -2, -1, 1, 2, 3, 4]).map(fmpq)
dyadics: Final = st.integers(-16, 16).map(lambda n: fmpq(n, 4))
powers_of_two: Final = st.sampled_from([-4, -2, -1, 1, 2, 4]).map(fmpq)  # their quotients are exact

# Name in the table of operators -> where its operands come from. "distinct" is made whole arrays at a time.
DOMAINS: Final[Mapping[str, SearchStrategy[fmpq]]] = {
    "integers": integers,
    "nonzero": nonzero,
    "zero": st.just(fmpq(0)),
    "one": st.just(fmpq(1)),
    "squares": st.sampled_from([1, 4, 16]).map(fmpq),
    "powers of two": powers_of_two,
    "bits": st.integers(0, 1).map(fmpq),
    "even": st.integers(-2, 2).map(lambda n: fmpq(2 * n)),  # never equal to one of "odd"
    "odd": st.integers(-2, 1).map(lambda n: fmpq(2 * n + 1)),
    "odd halves": st.integers(-4, 3).map(lambda n: fmpq(2 * n + 1, 2)),  # never a bound, which is whole
    "exponent": st.integers(1, 3).map(fmpq),
}


def arrays(shape: Shape, elements: SearchStrategy[fmpq] = integers) -> SearchStrategy[Array]:
    """Object arrays of rationals of one shape."""
    size = int(np.prod(shape, dtype=int))
    return st.lists(elements, min_size=size, max_size=size).map(lambda numbers: _shaped(numbers, shape))


def _shaped(numbers: list[fmpq], shape: Shape) -> Array:
    flat = np.empty(len(numbers), dtype=object)
    flat[:] = numbers
    return flat.reshape(shape)


def distinct(shape: Shape) -> SearchStrategy[Array]:
    """Arrays whose elements all differ: no ties."""
    size = int(np.prod(shape, dtype=int))
    return st.permutations(range(-2, size - 2)).map(lambda numbers: _shaped([fmpq(n) for n in numbers], shape))


shapes: Final = st.sampled_from([(), (1,), (2,), (3,), (1, 2), (2, 2), (2, 3)])


def tensors(elements: SearchStrategy[fmpq] = integers) -> SearchStrategy[Array]:
    """Arrays of any small shape, 0-d included."""
    return shapes.flatmap(lambda shape: arrays(shape, elements))


def vectors(elements: SearchStrategy[fmpq] = integers, least: int = 2) -> SearchStrategy[Array]:
    """One-dimensional arrays of `least` to 4 elements."""
    return st.integers(least, 4).flatmap(lambda n: arrays((n,), elements))


def matrices(rows: int | None = None, columns: int | None = None) -> SearchStrategy[Array]:
    """Matrices, of the given extents or any small ones."""
    extent = st.integers(1, 3)
    pair = st.tuples(st.just(rows) if rows else extent, st.just(columns) if columns else extent)
    return pair.flatmap(arrays)


# --- operands of an operator

Shapes = SearchStrategy[tuple[Shape, ...]]


def _one(*several: Shape) -> Shapes:
    return st.sampled_from(several).map(lambda shape: (shape,))


def _same(shape: Shape) -> tuple[Shape, Shape]:
    return shape, shape


_BROADCAST: Final = st.sampled_from(
    [((3,), (3,)), ((), (2,)), ((2,), ()), ((1,), (3,)), ((2, 1), (1, 3)), ((3,), (2, 3)), ((), ()), ((2, 2), (2, 2))]
)
_CONDITIONAL: Final = st.sampled_from(
    [((2,), (2,), (2,)), ((), (), ()), ((2, 2), (2,), ()), ((3,), (), (2, 3)), ((), (2,), (2,)), ((2, 1), (1, 2), (2,))]
)
_BATCHES: Final = st.sampled_from(
    [
        *(((2, 3), (3, 2)), ((2,), (2,)), ((2, 3), (3,)), ((2,), (2, 3))),
        *(((2, 1, 2), (2, 2, 3)), ((2, 2), (3, 2, 1)), ((2, 1, 2, 2), (2, 2, 2))),
        *(((2, 2, 3), (3,)), ((2,), (3, 2, 2))),
    ]
)
_EXTENTS: Final = st.tuples(*[st.integers(1, 3)] * 3)

_SHAPES: Final[Mapping[str, Shapes]] = {
    "any": st.one_of(shapes, st.just((2, 1, 2))).map(lambda shape: (shape,)),
    "elementwise": _BROADCAST,
    "conditional": _CONDITIONAL,
    "scalar": shapes.map(lambda shape: (shape, ())),
    # A mean divides by a count: exact for a power of two. A variance divides twice, and squares in between.
    "even": _one((), (1,), (2,), (4,), (2, 2), (1, 2)),
    "pair": _one((), (1,), (2,), (1, 2), (2, 1)),
    "lone": _one((), (1,)),
    "matrix": _EXTENTS.map(lambda extents: (extents[:2],)),
    "even matrix": _one((1, 2), (2, 2), (2, 4), (4, 1), (2, 1, 2)),
    "pair matrix": _one((1, 2), (2, 1), (2, 2), (2, 1, 2)),
    "column": _one((1, 1), (3, 1), (2, 1, 2)),
    "row": _one((1,), (1, 1), (1, 3), (2, 1, 2)),
    "vector": st.integers(1, 4).map(lambda n: ((n,),) * 2),
    "vectors": _EXTENTS.map(lambda extents: (extents[:1], extents[1:2])),
    "matrix and vector": _EXTENTS.map(lambda extents: (extents[:2], extents[1:2])),
    "matrices": _EXTENTS.map(lambda extents: (extents[:2], extents[1:])),
    "batches": _BATCHES,
    "alike": st.sampled_from([(2,), (1, 2), (2, 2), (2, 1, 2)]).map(_same),
}
# Operators that are told where to act take any rank; transpose is told nothing.
_DEEP: Final = _SHAPES["matrix"] | _one((3,), (2, 1, 3), (2, 2, 2))


def operands(operator: Operator) -> SearchStrategy[list[Array]]:
    """Exact operands for an operator, one array an operand; `pow`'s exponent is a whole number."""
    found = _DEEP if operator.shapes == "matrix" and operator.attributes else _SHAPES[operator.shapes]
    return found.flatmap(lambda each: st.tuples(*map(_operand, operator.domain, each)).map(list))


def _operand(domain: str, shape: Shape) -> SearchStrategy[Array]:
    return distinct(shape) if domain == "distinct" else arrays(shape, DOMAINS[domain])


# --- attributes

# The axes that an operator may be told of, counted from the front: most take any; these do not.
_LONE: Final = ("column", "row")  # an axis of extent 1: its norm is exact, and it can be squeezed away
_NEW: Final = ("unsqueeze", "stack")  # an axis of the result


def attributes(operator: Operator, shape: Shape) -> SearchStrategy[dict[str, Any]]:
    """The attributes of an operator on an operand of `shape`."""
    if not operator.attributes:
        return st.just({})
    if operator.name == "gather":
        return _axis(shape).flatmap(lambda axis: _choices(shape, axis).map(lambda at: {"axis": axis, "index": at}))
    rank = len(shape)
    choices: dict[str, SearchStrategy[Any]] = {
        "axis": _axis(shape, lone=operator.shapes in _LONE, new=operator.name in _NEW),
        "axes": st.sampled_from([[i - rank * (i % 2) for i in order] for order in permutations(range(rank))]),
        "keepdim": st.booleans(),
        "shape": st.sampled_from(list((_stretched if operator.name == "expand" else _refolded)(shape))),
        "index": _indices(shape),
        "low": st.integers(-2, 0),
        "high": st.integers(1, 2),
        "widths": st.tuples(*[st.integers(0, 2)] * 2).map(list),
        "shift": st.integers(-2, 3),
    }
    return st.fixed_dictionaries({name: choices[name] for name in operator.attributes})


def _axis(shape: Shape, lone: bool = False, new: bool = False) -> SearchStrategy[int]:
    """An axis, counted from the front or from the back; 0 where there is none."""
    rank = len(shape) + new
    axes = [axis for axis in range(rank) if not lone or shape[axis] == 1]
    return st.sampled_from([*axes, *(axis - rank for axis in axes)] or [0])


def _refolded(shape: Shape) -> Iterator[list[int]]:
    """Other shapes for as many elements."""
    size = int(np.prod(shape, dtype=int))
    yield from ([size], [1, size], [size, 1])


def _stretched(shape: Shape) -> Iterator[list[int]]:
    """Shapes to which `shape` broadcasts."""
    wide = [3 if extent == 1 else extent for extent in shape]
    yield from ([2, *shape], wide, [2, 1, *wide])


def _indices(shape: Shape) -> SearchStrategy[Any]:
    if not shape:
        return st.just(0)
    position = st.integers(0, shape[0] - 1)
    repeated = st.lists(position, min_size=1, max_size=3)
    return st.one_of(position, repeated, position.map(lambda i: {"slice": [i, None]}))


def _choices(shape: Shape, axis: int) -> SearchStrategy[Any]:
    """For each place of a like shape a position along an axis, as nested lists."""
    positions = st.integers(0, shape[axis] - 1).map(fmpq)
    return st.integers(1, 3).flatmap(lambda n: arrays(_replaced(shape, axis, n), positions)).map(_whole)


def _replaced(shape: Shape, axis: int, extent: int) -> Shape:
    return tuple(extent if i == axis % len(shape) else n for i, n in enumerate(shape))


def _whole(array: Array) -> Sequence[Any]:
    numbers: Sequence[Any] = array.astype(int).tolist()
    return numbers
