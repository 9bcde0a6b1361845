"""Rows of the table: which elements go where."""

from __future__ import annotations

from typing import Any

import numpy as np

from .rows import Array, Kernel, Site, Value, nothing, passed, raw, reshaped

Index = Any  # what an index says of each axis, as a tuple


def pick(a: Array, index: Index) -> Array:
    """A view unless the index holds a list; the ellipsis makes an element a 0-d view."""
    return a[(*index, ...)]


def put(a: Array, b: Array, index: Index) -> Array:
    """A copy of `a` with `b` at `index`."""
    result = a.copy()
    result[(*index, ...)] = b
    return result


def scatter(a: Array, index: Index, shape: tuple[int, ...]) -> Array:
    """Zeros with `a` added at `index`: unbuffered, so that an index may occur several times."""
    result = np.zeros(shape, a.dtype)
    np.add.at(result, index, a)
    return result


def scattered(k: Site, g: Value, index: Index) -> Value:
    return k("scatter", g, index=index, shape=k.shape)


def patch(a: Array, b: Array, cells: Array) -> Array:
    """A copy of `a` with `b` at `cells`, which number the elements of `a`."""
    result = np.array(a)  # of a lone number too, whose copy() cannot be written
    np.put(result, cells, b)
    return result


def unpatched(k: Site, g: Value, cells: Array) -> Value:
    return k("patch", g, 0, cells=cells)


def expand(a: Array, shape: tuple[int, ...]) -> Array:
    """A view, in which an element may stand at several places; who writes has to look."""
    result = np.broadcast_to(a, shape)
    result.flags.writeable = a.flags.writeable
    return result


def along(b: Array, axis: int) -> Index:
    """The index that `gather` means: `b` along the axis, each place itself along the others."""
    places = np.indices(b.shape, sparse=True)
    return (*places[:axis], b, *places[axis + 1 :])


def whole(rank: int) -> Index:
    """The index of everything along so many axes."""
    return (slice(None),) * rank


def pad(a: Array, before: int, after: int) -> Array:
    """Zeros along the last axis."""
    return np.pad(a, [(0, 0)] * (a.ndim - 1) + [(before, after)])


def unpadded(k: Site, g: Value, before: int, after: int) -> Value:
    inside = slice(before, before + k.shape[-1])
    return k("slice", g, index=(*whole(len(k.shape) - 1), inside))


def joined(k: Site, g: Value, axis: int, starts: tuple[int, ...]) -> Value:
    """The piece that was this operand's."""
    start = starts[k.place]
    return k("slice", g, index=(*whole(axis), slice(start, start + k.shape[axis])))


def reorder(k: Site, g: Value, axes: tuple[int, ...]) -> Value:
    return k("permute", g, axes=tuple(np.argsort(axes)))


def reshape(a: Array, shape: tuple[int, ...]) -> Array:
    return np.reshape(a, shape)


ROWS: dict[str, Kernel] = {
    # Views, where the memory allows.
    "t": Kernel("TBackward0", np.transpose, ("",), (lambda k, g: k("t", g),)),
    "mT": Kernel("TransposeBackward0", np.matrix_transpose, ("",), (lambda k, g: k("mT", g),)),
    "permute": Kernel("PermuteBackward0", lambda a, axes: np.transpose(a, axes), ("",), (reorder,)),
    "reshape": Kernel("ViewBackward0", reshape, ("",), (reshaped,)),
    "squeeze": Kernel("SqueezeBackward1", reshape, ("",), (reshaped,)),
    "unsqueeze": Kernel("UnsqueezeBackward0", reshape, ("",), (reshaped,)),
    "expand": Kernel("ExpandBackward0", expand, ("",), (passed,)),
    "select": Kernel("SelectBackward0", pick, ("",), (scattered,)),
    "slice": Kernel("SliceBackward0", pick, ("",), (scattered,)),
    # Copies.
    "index": Kernel("IndexBackward0", pick, ("",), (scattered,)),
    "gather": Kernel(
        "GatherBackward0",
        lambda a, b, axis: a[along(b, axis)],
        ("b", ""),
        (lambda k, g, b, axis: scattered(k, g, along(raw(b), axis)), nothing),
        apart=1,
    ),
    "cat": Kernel("CatBackward0", lambda *arrays, axis, starts: np.concatenate(arrays, axis), ("",), (joined,)),
    "stack": Kernel(
        "StackBackward0",
        lambda *arrays, axis: np.stack(arrays, axis),
        ("",),
        (lambda k, g, axis: k("select", g, index=(*whole(axis), k.place)),),
    ),
    "pad": Kernel("ConstantPadNdBackward0", pad, ("",), (unpadded,)),
    "flip": Kernel(
        "FlipBackward0",
        lambda a, axis: np.flip(a, axis).copy(),
        ("",),
        (lambda k, g, axis: k("flip", g, axis=axis),),
    ),
    "roll": Kernel(
        "RollBackward0",
        lambda a, shift, axis: np.roll(a, shift, axis),
        ("",),
        (lambda k, g, shift, axis: k("roll", g, shift=-shift, axis=axis),),
    ),
    # Rows that write.
    "zero": Kernel("ZeroBackward0", np.zeros_like, ("",), (nothing,)),
    "put": Kernel(
        "IndexPutBackward0",
        put,
        ("", ""),
        (lambda k, g, index: k("put", g, 0, index=index), lambda k, g, index: k("index", g, index=index)),
    ),
    "patch": Kernel("CopySlices", patch, ("", ""), (unpatched, lambda k, g, cells: k("take", g, cells=cells))),
    # Rows that only VJPs and sweeps ask for.
    "scatter": Kernel("ScatterBackward0", scatter, ("",), (lambda k, g, index, shape: k("index", g, index=index),)),
    "take": Kernel(
        "TakeBackward0",
        lambda a, cells: np.take(a, cells),
        ("",),
        (lambda k, g, cells: k("patch", np.zeros(k.shape, raw(g).dtype), g, cells=cells),),
    ),
    "keep": Kernel(
        "WhereBackward0",
        lambda a, chosen: np.where(chosen, a, 0),
        ("",),
        (lambda k, g, chosen: k("keep", g, chosen=chosen),),
    ),
    "clone": Kernel("CloneBackward0", np.copy, ("",), (passed,)),
    "cast": Kernel("ToCopyBackward0", lambda a, dtype: a.astype(dtype), ("",), (passed,)),
}
