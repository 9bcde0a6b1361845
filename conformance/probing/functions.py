"""The functional shape: functions of arrays are differentiated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Final

from conformance.probing.laboratory import RIGHT, Laboratory
from conformance.probing.protocol import QUESTIONS
from conformance.probing.questions import FINE, differentiated, read, value

SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "gradient": (
        "NS.grad({f}, {positions})({inputs})",
        "NS.grad({f}, argnums={positions})({inputs})",
        "NS.grad({f}, argnum={positions})({inputs})",
        "[NS.grad({f}, i)({inputs}) for i in {positions}]",
        "[NS.grad({f})({inputs})]",
        "NS.gradient({f})({inputs})",
        "NS.grad({f}, [{inputs}])",
        "NS.gradient({f}, [{inputs}])",
        "NS.grad({f})({inputs})",
    ),
    "vjp": (
        "NS.vjp({f}, {inputs})[1]({cotangent})",
        "NS.make_vjp({f}, {positions})({inputs})[0]({cotangent})",
        "?[NS.make_vjp({f}, i)({inputs})[0]({cotangent}) for i in {positions}]",
    ),
}
_LEAVES: Final = (
    "NS.numpy.array({value}, dtype={dtype})",
    "NS.array({value}, dtype={dtype})",
    "np.array({value}, dtype={dtype})",
    "NS.asarray({value}, dtype={dtype})",
    "np.array({value}, dtype=float)",
)
_VALUES: Final = ("{a}.tolist()", "np.asarray({a}).tolist()")
_DTYPES: Final = {"float64": "np.float64", "float32": "np.float32"}

_ELEMENTWISE: Final = (
    "exp",
    "log",
    "log1p",
    "sqrt",
    "sin",
    "cos",
    "sinh",
    "cosh",
    "tanh",
    "square",
    "reciprocal",
    "abs",
)
_REDUCTIONS: Final = ("sum", "mean", "prod", "max", "var")


def _numpys(name: str, operands: str, *rest: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}({', '.join([operands, *rest])})" for module in ("NS.numpy", "NS"))


OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: _numpys(name, "{a}") for name in (*_ELEMENTWISE, *_REDUCTIONS, "transpose")},
    "atan": _numpys("arctan", "{a}"),
    **{name: _numpys(name, "{a}, {b}") for name in ("maximum", "minimum", "dot", "outer", "matmul")},
    "mm": _numpys("matmul", "{a}, {b}"),
    "mv": _numpys("matmul", "{a}, {b}"),
    "norm": _numpys("linalg.norm", "{a}"),
    **{
        f"{name}_axis": _numpys({"norm": "linalg.norm"}.get(name, name), "{a}", "axis={axis}", "keepdims={keepdim}")
        for name in (*_REDUCTIONS, "norm")
    },
    "clamp": _numpys("clip", "{a}, {low}, {high}"),
    "where": _numpys("where", "{a}, {b}, {c}"),
    "cumsum": _numpys("cumsum", "{a}", "axis={axis}"),
    "reshape": _numpys("reshape", "{a}, {shape}"),
    "permute": _numpys("transpose", "{a}, {axes}"),
    "squeeze": _numpys("squeeze", "{a}, {axis}"),
    "unsqueeze": _numpys("expand_dims", "{a}, {axis}"),
    "expand": (*_numpys("broadcast_to", "{a}, {shape}"), *_numpys("broadcast_to", "{a}, tuple({shape})")),
    "concat": _numpys("concatenate", "[{a}, {b}], {axis}"),
    "stack": _numpys("stack", "[{a}, {b}], {axis}"),
    "gather": _numpys("take_along_axis", "{a}, np.array({index}), {axis}"),
    "flip": _numpys("flip", "{a}, {axis}"),
    "roll": _numpys("roll", "{a}, {shift}, {axis}"),
}


def founded(laboratory: Laboratory) -> bool:
    """Looks for the foundations of an engine that differentiates functions; whether they were found."""
    start = replace(laboratory.draft, shape="functional", dtypes=_DTYPES)
    sums = list(laboratory.expanded(OPERATORS["sum"]))
    for leaf, reading in product(laboratory.expanded(_LEAVES), _VALUES):
        core = {"leaf": leaf, "constant": leaf, "value": reading, "add": "{a} + {b}", "mul": "{a} * {b}"}
        laboratory.draft = replace(start, spellings=core)
        if laboratory.tried(laboratory.draft, read([FINE, -2])).worth < RIGHT:
            continue
        for total in sums:
            laboratory.draft = replace(start, spellings={**core, "sum": total})
            if laboratory.tried(laboratory.draft, value("sum")).worth < RIGHT:
                continue
            noted = len(laboratory.guesses)
            if laboratory.choose("gradient", SPELLINGS["gradient"], differentiated).text:
                for key, text in {**core, "sum": total}.items():
                    laboratory.choose(key, [text], QUESTIONS["constant"])
                return True
            del laboratory.guesses[noted:]
    return False
