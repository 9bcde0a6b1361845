"""Engines whose operators are functions with NumPy's names: `jnp.sum(a)`, `autograd.numpy.exp(a)`, `mg.sqrt(a)`."""

from __future__ import annotations

from typing import Final

from implementations.shapes.spellings import table

# Python's own operators.
OPERATORS: Final = {
    "scalar": "{value}",
    "add": "{a} + {b}",
    "sub": "{a} - {b}",
    "mul": "{a} * {b}",
    "div": "{a} / {b}",
    "neg": "-{a}",
    "pow": "{a} ** {b}",
    "matmul": "{a} @ {b}",
    "index": "{a}[{index}]",
    "index.list": "{a}[{index}]",
}

_FUNCTIONS: Final = {
    "mm": "matmul({a}, {b})",
    "dot": "dot({a}, {b})",
    "abs": "abs({a})",
    "exp": "exp({a})",
    "log": "log({a})",
    "sqrt": "sqrt({a})",
    "sin": "sin({a})",
    "tanh": "tanh({a})",
    "sum": "sum({a})",
    "sum_axis": "sum({a}, axis={axis})",
    "mean": "mean({a})",
    "max": "max({a})",
    "norm": "linalg.norm({a})",
    "reshape": "reshape({a}, {shape})",
    "transpose": "transpose({a})",
}

_READING: Final = {"value": "{a}.tolist()", "shape": "{a}.shape", "dtype": "{a}.dtype"}


def numpy_named(module: str) -> dict[str, str]:
    """What a module spells whose functions are named as NumPy's and whose arrays are read as NumPy's."""
    return table(OPERATORS, {key: f"{module}.{call}" for key, call in _FUNCTIONS.items()}, _READING)
