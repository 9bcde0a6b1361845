"""Engines of single numbers: NumPy's object arrays hold the engine's numbers and apply its operators to them.

The elementwise rows are the engine's own operators, which NumPy calls once an element. Whatever moves or gathers
elements is NumPy's work over them (a sum is a chain of the engine's `+`): COMPOSED says so, and no case credits it
to the engine.
"""

from __future__ import annotations

from typing import Final

from implementations.shapes.spellings import table

# As functions, not as `a + b`: a number of the engine on the left would take an array on the right for a number.
_ELEMENTWISE: Final = {
    "scalar": "{value}",
    "add": "np.add({a}, {b})",
    "sub": "np.subtract({a}, {b})",
    "mul": "np.multiply({a}, {b})",
    "div": "np.divide({a}, {b})",
    "neg": "np.negative({a})",
    "pow": "np.power({a}, {b})",
}

_ARRAYS: Final = {
    "sum": "np.sum({a})",
    "sum_axis": "np.sum({a}, axis={axis}, keepdims={keepdim})",
    "prod": "np.prod({a})",
    "prod_axis": "np.prod({a}, axis={axis}, keepdims={keepdim})",
    "cumsum": "np.cumsum({a}, axis={axis})",
    "outer": "np.outer({a}, {b})",
    "mv": "np.dot({a}, {b})",
    "dot": "np.dot({a}, {b})",
    "mm": "np.dot({a}, {b})",
    "matmul": "{a} @ {b}",
    "reshape": "np.reshape({a}, {shape})[()]",
    "transpose": "np.transpose({a})",
    "permute": "np.transpose({a}, {axes})",
    "squeeze": "np.squeeze({a}, {axis})[()]",
    "unsqueeze": "np.expand_dims({a}, {axis})",
    "expand": "np.broadcast_to({a}, {shape})[()]",
    "gather": "np.take_along_axis({a}, np.array({index}), {axis})",
    "concat": "np.concatenate([{a}, {b}], {axis})",
    "stack": "np.stack([{a}, {b}], {axis})",
    "flip": "np.flip({a}, {axis})",
    "roll": "np.roll({a}, {shift}, {axis})",
    "index": "{a}[{index}]",
    "index.list": "{a}[{index}]",
}

COMPOSED: Final = tuple(_ARRAYS)


def object_arrays(*, boxed: bool = False) -> dict[str, str]:
    """What arrays of an engine's numbers spell; the prelude imports NumPy as `np`.

    boxed: NumPy cannot take one of the engine's numbers as it is; the prelude has a function `box` that puts it into an array.
    """
    spelled = table(_ELEMENTWISE, _ARRAYS, {"shape": "np.shape({a})"})
    if not boxed:
        return spelled
    return {key: text.replace("{a}", "box({a})").replace("{b}", "box({b})") for key, text in spelled.items()}
