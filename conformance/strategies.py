"""What clauses draw: small exact inputs on which a right engine has nothing to round."""

from __future__ import annotations

from collections.abc import Mapping
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

_BROADCAST: Final = st.sampled_from(
    [((3,), (3,)), ((), (2,)), ((2,), ()), ((1,), (3,)), ((2, 1), (1, 3)), ((3,), (2, 3)), ((), ()), ((2, 2), (2, 2))]
)
_VECTOR: Final = st.integers(1, 4).map(lambda n: ((n,),) * 2)
_MATRIX: Final = st.tuples(*[st.integers(1, 3)] * 3).map(lambda e: ((e[0], e[1]), (e[1], e[2])))
# mean divides by the number of elements: exact only for powers of two.
_EVEN: Final = st.sampled_from([(), (1,), (2,), (4,), (2, 2), (1, 2)])

_SHAPES: Final[Mapping[str, SearchStrategy[tuple[Shape, ...]]]] = {
    "elementwise": _BROADCAST,
    "vector": _VECTOR,
    "matrix": _MATRIX,
    "even": _EVEN.map(lambda shape: (shape,)),
    "lone": st.sampled_from([(), (1,)]).map(lambda shape: (shape,)),
    "scalar": shapes.map(lambda shape: (shape, ())),
    "any": shapes.map(lambda shape: (shape,)),
}


def operands(operator: Operator) -> SearchStrategy[list[Array]]:
    """Exact operands for an operator, one array an operand; `pow`'s exponent is a whole number."""

    def fill(found: tuple[Shape, ...]) -> SearchStrategy[list[Array]]:
        return st.tuples(*[_operand(domain, shape) for domain, shape in zip(operator.domain, found, strict=False)]).map(
            list
        )

    return _SHAPES[operator.shapes].flatmap(fill)


def _operand(domain: str, shape: Shape) -> SearchStrategy[Array]:
    if domain == "distinct":
        return distinct(shape)
    if domain == "exponent":
        return arrays((), st.integers(1, 3).map(fmpq))
    return arrays(shape, DOMAINS[domain])


def attributes(operator: Operator, shape: Shape) -> SearchStrategy[dict[str, Any]]:
    """The attributes of an operator on an operand of `shape`."""
    choices: dict[str, SearchStrategy[Any]] = {
        "axis": st.integers(0, max(0, len(shape) - 1)),
        "shape": st.sampled_from(_refolded(shape)),
        "index": _indices(shape),
    }
    return st.fixed_dictionaries({name: choices[name] for name in operator.attributes})


def _refolded(shape: Shape) -> list[list[int]]:
    size = int(np.prod(shape, dtype=int))
    return [[size], [1, size], [size, 1]]


def _indices(shape: Shape) -> SearchStrategy[Any]:
    if not shape:
        return st.just(0)
    position = st.integers(0, shape[0] - 1)
    repeated = st.lists(position, min_size=1, max_size=3)
    return st.one_of(position, repeated, position.map(lambda i: {"slice": [i, None]}))
