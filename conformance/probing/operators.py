"""The candidates of operators: Python's own, methods, and functions of the engine's modules. See candidates.py for the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.probing.candidates import Candidates

# What a program of one operator asks for: Python's operators, methods, and functions of the engine's modules.
_UNARY: Final = {
    **dict.fromkeys(
        ("exp", "log", "log1p", "sqrt", "sin", "cos", "sinh", "cosh", "tanh", "sigmoid", "relu", "square"), ()
    ),
    "abs": ("abs({a})",),
    "neg": ("-{a}",),
    "reciprocal": (),
    "atan": (),
}
_BINARY: Final = {
    "add": ("{a} + {b}",),
    "sub": ("{a} - {b}",),
    "mul": ("{a} * {b}",),
    "div": ("{a} / {b}",),
    "eq": ("?{a} == {b}",),
    "gt": ("{a} > {b}",),
    "pow": ("{a} ** {b}",),
    "matmul": ("{a} @ {b}",),
    "maximum": (),
    "minimum": (),
    "dot": (),
    "outer": (),
    "mv": (),
    "mm": (),
}
_OTHER_NAMES: Final = {
    "add": ("plus",),
    "sub": ("subtract", "minus"),
    "mul": ("multiply", "times"),
    "div": ("divide", "truediv"),
    "neg": ("negative",),
    "pow": ("power",),
    "gt": ("greater",),
    "eq": ("equal",),
    "atan": ("arctan",),
    "mv": ("matmul",),
    "mm": ("matmul",),
}
_REDUCED: Final = ("sum", "mean", "prod", "max", "norm", "var")
_ALONG: Final = (
    "{a}.NAME({axis}, keepdim={keepdim})",
    "{a}.NAME(dim={axis}, keepdim={keepdim})",
    "{a}.NAME(axis={axis}, keepdims={keepdim})",
    "{a}.NAME(axis={axis}, keepdim={keepdim})",
    "{a}.NAME(dim={axis}, keepdims={keepdim})",
    "NS.NAME({a}, axis={axis}, keepdims={keepdim})",
    "NS.NAME({a}, {axis}, keepdim={keepdim})",
    "NS.NAME({a}, dim={axis}, keepdim={keepdim})",
    "?{a}.NAME({axis}, {keepdim})",
)
_DIVIDED: Final = ("correction=0", "unbiased=False", "ddof=0")


def _called(name: str, operands: str) -> Candidates:
    first, _, rest = operands.partition(", ")
    return f"{first}.{name}({rest})", f"NS.{name}({operands})"


def _one(name: str, own: Candidates, operands: str) -> Candidates:
    named = [text for each in (name, *_OTHER_NAMES.get(name, ())) for text in _called(each, operands)]
    return (*own, *named)


def _along(name: str) -> Candidates:
    return tuple(text.replace("NAME", name) for text in _ALONG)


def _variance() -> Mapping[str, Candidates]:
    whole = [text for divided in _DIVIDED for text in (f"{{a}}.var({divided})", f"NS.var({{a}}, {divided})")]
    along = [text.replace(", keep", f", {divided}, keep") for divided in _DIVIDED for text in _along("var")]
    return {
        "var": (*whole, "?{a}.var()", "?NS.var({a})"),
        "var_axis": (*along, *(f"?{text.removeprefix('?')}" for text in _along("var"))),
    }


OPERATORS: Final[Mapping[str, Candidates]] = {
    **{name: _one(name, own, "{a}, {b}") for name, own in _BINARY.items()},
    **{name: _one(name, own, "{a}") for name, own in _UNARY.items()},
    **{name: _called(name, "{a}") for name in _REDUCED},
    **{f"{name}_axis": _along(name) for name in _REDUCED},
    **_variance(),
    "reciprocal": (*_called("reciprocal", "{a}"), "1 / {a}"),
    "sum": (
        "{a}.sum()",
        "NS.sum({a})",
        "{a}.sum().reshape(())",
        "{a}.sum()[0]",
        "{a}.total()",
        "NS.total({a})",
        "single({a}.sum())",
    ),
    "max_axis": ("{a}.amax({axis}, keepdim={keepdim})", *_along("max"), "{a}.max({axis}, keepdim={keepdim})[0]"),
    "norm": (*_called("norm", "{a}"), "NS.linalg.norm({a})"),
    "norm_axis": (*_along("norm"), "NS.linalg.norm({a}, axis={axis}, keepdims={keepdim})"),
    "clamp": tuple(t for n in ("clamp", "clip") for t in _called(n, "{a}, {low}, {high}")),
    "where": ("NS.where({a}, {b}, {c})", "{b}.where({a}, {c})", "MAKER.where({a}, {b}, {c})", "{a}.where({b}, {c})"),
    "cumsum": (
        "{a}.cumsum({axis})",
        "{a}.cumsum(axis={axis})",
        "NS.cumsum({a}, {axis})",
        "NS.cumsum({a}, axis={axis})",
    ),
    "reshape": (
        *("{a}.reshape({shape})", "{a}.reshape(*{shape})", "{a}.view({shape})", "{a}.view(*{shape})"),
        *("NS.reshape({a}, {shape})", "{a}.reshape(tuple({shape}))"),
    ),
    "transpose": (
        "{a}.t()",
        "{a}.T",
        "{a}.transpose()",
        "NS.transpose({a})",
        "{a}.transpose(0, 1)",
        "?NS.transpose({a}, 0, 1)",
    ),
    "permute": (
        *("{a}.permute({axes})", "{a}.permute(*{axes})", "NS.permute({a}, {axes})", "?{a}.transpose({axes})"),
        *("?{a}.transpose(*{axes})", "?NS.transpose({a}, {axes})", "{a}.permute(tuple({axes}))"),
    ),
    "squeeze": (
        "{a}.squeeze({axis})",
        "{a}.squeeze(axis={axis})",
        "NS.squeeze({a}, {axis})",
        "NS.squeeze({a}, axis={axis})",
    ),
    "unsqueeze": tuple(t for n in ("unsqueeze", "expand_dims") for t in _called(n, "{a}, {axis}")),
    "expand": (
        *("{a}.expand({shape})", "{a}.expand(*{shape})", "{a}.broadcast_to({shape})", "NS.broadcast_to({a}, {shape})"),
        *("{a}.broadcast_to(tuple({shape}))", "{a}.expand(tuple({shape}))", "{a}.broadcast({shape})"),
    ),
    "index": ("{a}[{index}]",),
    "index.list": ("{a}[{index}]",),
    "gather": (
        *(
            "{a}.gather({axis}, MAKER({index}))",
            "NS.take_along_axis({a}, np.array({index}), {axis})",
            "{a}.gather({axis}, {index})",
        ),
        *("{a}.gather({axis}, np.array({index}))", "NS.gather({a}, {axis}, MAKER({index}))"),
    ),
    "concat": tuple(
        form.replace("NAME", name)
        for name in ("cat", "concat", "concatenate")
        for form in (
            *("NS.NAME([{a}, {b}], {axis})", "MAKER.NAME([{a}, {b}], {axis})", "NS.NAME([{a}, {b}], axis={axis})"),
            *(
                "MAKER.NAME([{a}, {b}], axis={axis})",
                "NS.NAME([{a}, {b}], dim={axis})",
                "{a}.NAME({b}, {axis})",
                "{a}.NAME([{b}], {axis})",
            ),
        )
    ),
    "stack": (
        *("NS.stack([{a}, {b}], {axis})", "MAKER.stack([{a}, {b}], {axis})", "NS.stack([{a}, {b}], axis={axis})"),
        *("MAKER.stack([{a}, {b}], axis={axis})", "NS.stack([{a}, {b}], dim={axis})", "{a}.stack({b}, {axis})"),
    ),
    "pad": (
        *("NS.pad({a}, {widths})", "{a}.pad({widths})", "NS.pad({a}, [(0, 0)] * ({a}.ndim - 1) + [{widths}])"),
        "{a}.pad([(0, 0)] * ({a}.ndim - 1) + [{widths}])",
    ),
    "flip": _called("flip", "{a}, {axis}"),
    "roll": _called("roll", "{a}, {shift}, {axis}"),
}
