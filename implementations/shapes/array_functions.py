"""Engines whose operators are functions with NumPy's names: `jnp.sum(a)`, `autograd.numpy.exp(a)`, `mg.sqrt(a)`."""

from __future__ import annotations

from typing import Final

from implementations.shapes.spellings import COMPARISONS, table

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
    "log1p": "log1p({a})",
    "sqrt": "sqrt({a})",
    "sin": "sin({a})",
    "cos": "cos({a})",
    "atan": "arctan({a})",
    "sinh": "sinh({a})",
    "cosh": "cosh({a})",
    "tanh": "tanh({a})",
    "square": "square({a})",
    "reciprocal": "reciprocal({a})",
    "clamp": "clip({a}, {low}, {high})",
    "maximum": "maximum({a}, {b})",
    "minimum": "minimum({a}, {b})",
    "where": "where({a}, {b}, {c})",
    "sum": "sum({a})",
    "mean": "mean({a})",
    "prod": "prod({a})",
    "max": "max({a})",
    "norm": "linalg.norm({a})",
    "var": "var({a})",
    "sum_axis": "sum({a}, axis={axis}, keepdims={keepdim})",
    "mean_axis": "mean({a}, axis={axis}, keepdims={keepdim})",
    "prod_axis": "prod({a}, axis={axis}, keepdims={keepdim})",
    "max_axis": "max({a}, axis={axis}, keepdims={keepdim})",
    "norm_axis": "linalg.norm({a}, axis={axis}, keepdims={keepdim})",
    "var_axis": "var({a}, axis={axis}, keepdims={keepdim})",
    "cumsum": "cumsum({a}, axis={axis})",
    "outer": "outer({a}, {b})",
    "mv": "matmul({a}, {b})",
    "reshape": "reshape({a}, {shape})",
    "transpose": "transpose({a})",
    "permute": "transpose({a}, {axes})",
    "squeeze": "squeeze({a}, {axis})",
    "unsqueeze": "expand_dims({a}, {axis})",
    "expand": "broadcast_to({a}, {shape})",
    "concat": "concatenate([{a}, {b}], {axis})",
    "stack": "stack([{a}, {b}], {axis})",
    "pad": "pad({a}, [(0, 0)] * ({a}.ndim - 1) + [{widths}], 'constant')",
    "flip": "flip({a}, {axis})",
    "roll": "roll({a}, {shift}, {axis})",
}

_READING: Final = {"value": "{a}.tolist()", "shape": "{a}.shape", "dtype": "{a}.dtype"}


def numpy_named(module: str) -> dict[str, str]:
    """What a module spells whose functions are named as NumPy's and whose arrays are read as NumPy's."""
    return table(OPERATORS, COMPARISONS, {key: f"{module}.{call}" for key, call in _FUNCTIONS.items()}, _READING)
