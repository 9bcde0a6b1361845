"""The rows of the table in `core.py` that its own dozen do not show: functions, reductions, products, structure.

Each is (forward, a VJP for each operand), in the letters that are explained there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from . import core, rules

if TYPE_CHECKING:
    from .core import Row, Tensor

FUNCTIONS: dict[str, Row] = {  # element by element
    "abs": (np.abs, lambda g, a: g * a.sign()),
    "sign": (np.sign, rules.nothing),
    "square": (np.square, lambda g, a: g * (2 * a)),
    "sqrt": (np.sqrt, lambda g, y: g / (2 * y)),
    "reciprocal": (lambda a: 1 / a, lambda g, y: -g * (y * y)),
    "log1p": (np.log1p, lambda g, a: g / (a + 1)),
    "atan": (np.arctan, lambda g, a: g / (a * a + 1)),
    "sinh": (np.sinh, lambda g, a: g * a.cosh()),
    "cosh": (np.cosh, lambda g, a: g * a.sinh()),
    "sigmoid": (rules.sigmoid, lambda g, y: g * (y * (1 - y))),
    "clamp": (np.clip, lambda g, a, low, high: g.where((low <= a.data) & (a.data <= high), 0)),
    "maximum": (np.maximum, lambda g, a, b: rules.won(g, a, b), lambda g, a, b: rules.won(g, b, a)),
    "minimum": (np.minimum, lambda g, a, b: rules.won(g, b, a), lambda g, a, b: rules.won(g, a, b)),
}

REDUCTIONS: dict[str, Row] = {  # of all elements, or along `dim`
    "mean": (rules.mean, rules.average),
    "var": (rules.variance, rules.deviation),
    "norm": (rules.length, rules.norm),
    "prod": (lambda a, dim=None, keepdim=False: np.prod(a, dim, keepdims=keepdim), rules.others),
    **dict.fromkeys(
        ("max", "amax"), (lambda a, dim=None, keepdim=False: np.max(a, dim, keepdims=keepdim), rules.share)
    ),
    "cumsum": (lambda a, dim: np.cumsum(a, dim).reshape(a.shape), lambda g, dim: g.flip(dim).cumsum(dim).flip(dim)),
}

PRODUCTS: dict[str, Row] = {
    "outer": (rules.outer, lambda g, b: g.mv(b), lambda g, a: g.t().mv(a)),
    "mv": (rules.product(2, 1), lambda g, b: g.outer(b), lambda g, a: a.t().mv(g)),
    "matmul": (np.matmul, lambda g, b: g.matmul(rules.turned(b)), lambda g, a: rules.turned(a).matmul(g)),
}

STRUCTURE: dict[str, Row] = {  # the first three are views
    "permute": (np.transpose, rules.permuted_back),
    "squeeze": (
        lambda a, dim: a[...] if a.shape and a.shape[dim] != 1 else a.squeeze(dim),
        lambda g, s, _: g.reshape(s),
    ),
    "unsqueeze": (np.expand_dims, lambda g, s, _: g.reshape(s)),
    "flip": (lambda a, dim: np.flip(a, dim if a.ndim else ()).copy(), lambda g, dim: g.flip(dim)),
    "roll": (np.roll, lambda g, shift, dim: g.roll(-shift, dim)),
    "pad": (
        lambda a, widths: np.pad(a, [(0, 0)] * (a.ndim - 1) + [widths]),
        lambda g, s, widths: rules.part(g, -1, widths[0], s[-1]),
    ),
    "cat": (
        lambda a, b, dim: np.concatenate([a, b], dim),
        lambda g, s, dim: rules.part(g, dim, 0, s[dim]),
        lambda g, s, dim: rules.part(g, dim, g.shape[dim] - s[dim], s[dim]),
    ),
}


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after the other along an axis."""
    first, *rest = tensors
    return reduce(lambda a, b: core.record("cat", a, b, dim), rest, first) if rest else first.clone()


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape one after the other along a new axis."""
    return cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


def pad(tensor: Tensor, widths: Sequence[int]) -> Tensor:
    """So many zeros before and after, along the last axis."""
    return tensor.pad(tuple(widths))
