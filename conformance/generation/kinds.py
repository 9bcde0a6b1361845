"""The kinds of functional programs: from which numbers they start, how long they are, and how far their values may go."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.generation.operands import WAYS

Draw = random.Random


# --- numbers


def _single(x: float) -> float:
    """The nearest number of binary32, so that both dtypes hold it."""
    return float(struct.unpack("f", struct.pack("f", x))[0])


def _small_dyadic(draw: Draw, dtype: str) -> float:
    return draw.choice((-3, -2, -1, 1, 2, 3, 0, 0.5, -1.5))


def _benign(draw: Draw, dtype: str) -> float:
    return _single(draw.gauss(0, 1))


def _magnitudes(draw: Draw, dtype: str) -> float:
    return _single(draw.choice((-1, 1)) * 10.0 ** draw.uniform(-3, 3))


# Least normal number, as an exponent of 2.
_LEAST: Final = {"float32": -126, "float64": -1022}
_LARGE: Final = {"float32": (30, 50), "float64": (100, 400)}

# Numbers that are drawn on purpose, as text.
SPECIALS: Final[Mapping[str, Callable[[Draw, str], str]]] = {
    "zero": lambda draw, dtype: "0",
    "negative zero": lambda draw, dtype: "-0",
    "large": lambda draw, dtype: str(draw.choice((-3, 1, 5)) << draw.randint(*_LARGE[dtype])),
    "subnormal": lambda draw, dtype: f"{draw.choice((-1, 1, 3))}/{1 << draw.randint(2, 20) - _LEAST[dtype]}",
}


# --- kinds


@dataclass(frozen=True)
class Kind:
    """What one kind of programs is drawn from.

    number: a leaf's number. length: how many operators, at least and at most. leaves: how many, one of these. exact: nothing is
    ever rounded. specials: how often a number is special; with them, kinks are met on purpose. order: how often it is
    differentiated. greatest: a result beyond is not drawn. blocks: how often a step is a loop, or depends on a sign.
    """

    number: Callable[[Draw, str], float]
    length: tuple[int, int] = (2, 7)
    leaves: tuple[int, ...] = (1, 2, 2, 3, 3, 4)
    exact: bool = False
    specials: float = 0.0
    order: int = 1
    greatest: float = 1e4
    blocks: float = 0.02


KINDS: Final[Mapping[str, Kind]] = {
    "exact": Kind(_small_dyadic, exact=True, greatest=60),
    "benign": Kind(_benign),
    "mixed": Kind(_magnitudes, greatest=1e8),
    "special": Kind(_benign, specials=0.2, greatest=1e200),
    "second": Kind(_benign, length=(2, 4), leaves=(1, 1, 2), order=2, greatest=1e3),
    "deep": Kind(_benign, length=(10, 16), greatest=1e3, blocks=0.15),
}

# What is exact on small dyadic numbers, whatever the formula.
_ROUNDED: Final = ("exp", "log", "log1p", "sqrt", "sin", "cos", "atan", "sinh", "cosh", "tanh", "sigmoid")
EXACT: Final = frozenset(WAYS) - {*_ROUNDED, "div", "reciprocal", "pow", "norm", "var", "norm_axis", "var_axis"}
POWERS_OF_TWO: Final = frozenset(2.0**i for i in range(8))
GRID: Final = 16  # exact results are multiples of 1/16
CLEAR: Final = 2.0**-9  # how far from a kink, beside the operands' size, no rounding can reach
