"""Rows of the table: arithmetic, functions and choices, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from .rows import Array, Kernel, Site, Value, nothing, passed, raw


def negated(k: Site, g: Value) -> Value:
    return -g


def power_rule(k: Site, g: Value, a: Value, n: float) -> Value:
    """n a^(n-1); for n = 0 a constant 0, also where a is 0."""
    return g * (n * k("pow", a, n=n - 1)) if n else nothing(k, g)


def logistic(a: Array) -> Array:
    """1 / (1 + exp(-a)), by the exponential that cannot overflow."""
    small = np.exp(-np.abs(a))
    return cast(Array, np.where(a < 0, small, 1) / (1 + small))


def within(k: Site, g: Value, a: Value, low: float, high: float) -> Value:
    """The cotangent passes between the bounds and at them."""
    return k("keep", g, chosen=raw(a) == np.clip(raw(a), low, high))


def won(k: Site, g: Value, winner: Value, loser: Value) -> Value:
    """The greater element receives the cotangent; equal ones half of it each."""
    above, tied = raw(winner), raw(loser)
    share = np.where(above == tied, 0.5, 1).astype(raw(g).dtype)
    return k("keep", g * share, chosen=~(above < tied))


TIMES: tuple[Callable[..., Value], ...] = (lambda k, g, b: g * b, lambda k, g, a: g * a)

ROWS: dict[str, Kernel] = {
    "add": Kernel("AddBackward0", np.add, ("", ""), (passed, passed)),
    "sub": Kernel("SubBackward0", np.subtract, ("", ""), (passed, negated)),
    "neg": Kernel("NegBackward0", np.negative, ("",), (negated,)),
    "mul": Kernel("MulBackward0", np.multiply, ("b", "a"), TIMES),
    "div": Kernel("DivBackward0", np.divide, ("b", "ab"), (lambda k, g, b: g / b, lambda k, g, a, b: -g * (a / b / b))),
    "eq": Kernel("", np.equal),
    "gt": Kernel("", np.greater),
    "square": Kernel("PowBackward0", np.square, ("a",), (lambda k, g, a: g * (2 * a),)),
    "reciprocal": Kernel("ReciprocalBackward0", lambda a: 1 / a, ("y",), (lambda k, g, y: -g * (y * y),)),
    "pow": Kernel("PowBackward0", lambda a, n: a**n, ("a",), (power_rule,)),
    "exp": Kernel("ExpBackward0", np.exp, ("y",), (lambda k, g, y: g * y,)),
    "log": Kernel("LogBackward0", np.log, ("a",), (lambda k, g, a: g / a,)),
    "log1p": Kernel("Log1PBackward0", np.log1p, ("a",), (lambda k, g, a: g / (1 + a),)),
    "sqrt": Kernel("SqrtBackward0", np.sqrt, ("y",), (lambda k, g, y: g / (2 * y),)),
    "sin": Kernel("SinBackward0", np.sin, ("a",), (lambda k, g, a: g * k("cos", a),)),
    "cos": Kernel("CosBackward0", np.cos, ("a",), (lambda k, g, a: -g * k("sin", a),)),
    "atan": Kernel("AtanBackward0", np.arctan, ("a",), (lambda k, g, a: g / (1 + a * a),)),
    "sinh": Kernel("SinhBackward0", np.sinh, ("a",), (lambda k, g, a: g * k("cosh", a),)),
    "cosh": Kernel("CoshBackward0", np.cosh, ("a",), (lambda k, g, a: g * k("sinh", a),)),
    "tanh": Kernel("TanhBackward0", np.tanh, ("y",), (lambda k, g, y: g * (1 - y * y),)),
    "sigmoid": Kernel("SigmoidBackward0", logistic, ("y",), (lambda k, g, y: g * (y * (1 - y)),)),
    "abs": Kernel("AbsBackward0", np.abs, ("a",), (lambda k, g, a: g * np.sign(raw(a)),)),
    "relu": Kernel(
        "ReluBackward0", lambda a: np.maximum(a, 0), ("y",), (lambda k, g, y: k("keep", g, chosen=raw(y) > 0),)
    ),
    "clamp": Kernel("ClampBackward1", lambda a, low, high: np.clip(a, low, high), ("a",), (within,)),
    "maximum": Kernel("MaximumBackward0", np.maximum, ("ab", "ab"), (won, lambda k, g, a, b: won(k, g, b, a))),
    "minimum": Kernel("MinimumBackward0", np.minimum, ("ab", "ab"), (lambda k, g, a, b: won(k, g, b, a), won)),
    "where": Kernel(
        "WhereBackward0",
        np.where,
        ("", "a", "a"),
        (nothing, lambda k, g, a: k("where", a, g, 0), lambda k, g, a: k("where", a, 0, g)),
        apart=0,
    ),
}
