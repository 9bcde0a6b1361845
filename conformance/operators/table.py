"""The table of operators."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from conformance.model import functions
from conformance.model.numbers import Function, reciprocal
from conformance.operators import rules
from conformance.operators.rules import along, each, over_all, pairs


@dataclass(frozen=True)
class Operator:
    """One operator.

    forward: object arrays (and attributes) to an object array, shapes as NumPy's.
    domain: which exact numbers its operands may be drawn from, one name an operand (see `strategies.DOMAINS`).
    shapes: how operand shapes hang together (see `strategies`): elementwise (broadcast), vector, matrix, any …
    attributes: what it takes besides operands.
    reals: where each operand may lie on the real line when results are rounded (see `generation.reals`).
    singular: where it has no derivative, in words; empty where it is smooth on its domain.
    result: the result's dtype when it is not the operands': then nothing flows back.
    saves: for each operand the values that its derivative needs, "a" and "b" the operands, "y" the result (torch's rule).
    rank: what each operand must have, where others are refused.
    views: whether the result looks at the operand's memory where an engine has views at all.
    """

    name: str
    forward: Callable[..., Any]
    domain: tuple[str, ...] = ("integers",)
    shapes: str = "any"
    attributes: tuple[str, ...] = ()
    reals: tuple[str, ...] = ("any",)
    singular: str = ""
    saves: tuple[str, ...] = ("",)
    rank: int | None = None
    views: bool = False
    result: str | None = None


_TWO: Final = ("integers", "integers")
_BOTH: Final = ("any", "any")
_NONE: Final = ("", "")
_AXIS: Final = ("axis", "keepdim")


def _elementwise(name: str, forward: Callable[..., Any], **fields: Any) -> Operator:
    """An operator of two broadcast operands."""
    return Operator(name, forward, **{"domain": _TWO, "shapes": "elementwise", "reals": _BOTH, **fields})


def _smooth(name: str, function: Function, point: str, saves: str, reals: str = "moderate") -> Operator:
    """A smooth function, rational at one point only."""
    return Operator(name, each(function), (point,), saves=(saves,), reals=(reals,))


_TABLE: Final = (
    # --- arithmetic
    _elementwise("add", lambda a, b: a + b, saves=_NONE),
    _elementwise("sub", lambda a, b: a - b, saves=_NONE),
    _elementwise("mul", lambda a, b: a * b, saves=("b", "a")),
    _elementwise(
        "div", lambda a, b: a / b, domain=("integers", "powers of two"), reals=("any", "nonzero"), saves=("b", "ab")
    ),
    _elementwise("eq", lambda a, b: functions.compared(a, b, operator.eq), result="bool", saves=_NONE),
    _elementwise("gt", lambda a, b: functions.compared(a, b, operator.gt), result="bool", saves=_NONE),
    Operator("neg", lambda a: -a),
    Operator("square", each(lambda x: x * x), saves=("a",)),
    Operator("reciprocal", each(reciprocal), ("powers of two",), saves=("y",), reals=("nonzero",)),
    Operator("pow", rules.power, ("integers", "exponent"), "scalar", saves=("a", ""), reals=("any", "exponent")),
    # --- functions
    _smooth("exp", functions.exp, "zero", "y"),
    _smooth("log", functions.log, "one", "a", "positive"),
    _smooth("log1p", functions.log1p, "zero", "a", "positive"),
    _smooth("sqrt", functions.sqrt, "squares", "y", "positive"),
    _smooth("sin", functions.sin, "zero", "a"),
    _smooth("cos", functions.cos, "zero", "a"),
    _smooth("atan", functions.atan, "zero", "a"),
    _smooth("sinh", functions.sinh, "zero", "a"),
    _smooth("cosh", functions.cosh, "zero", "a"),
    _smooth("tanh", functions.tanh, "zero", "y"),
    _smooth("sigmoid", functions.sigmoid, "zero", "y"),
    # --- pieces
    Operator("abs", each(functions.absolute), ("nonzero",), saves=("a",), singular="0"),
    Operator("relu", each(functions.relu), ("nonzero",), saves=("y",), singular="0"),
    Operator("clamp", rules.clamp, ("odd halves",), attributes=("low", "high"), saves=("a",), singular="the bounds"),
    _elementwise(
        "maximum",
        pairs(lambda p, q: functions.greatest([p, q])),
        domain=("even", "odd"),
        saves=("ab", "ab"),
        singular="ties",
    ),
    _elementwise(
        "minimum",
        pairs(lambda p, q: functions.least([p, q])),
        domain=("even", "odd"),
        saves=("ab", "ab"),
        singular="ties",
    ),
    Operator(
        "where",
        rules.where,
        ("bits", "integers", "integers"),
        "conditional",
        reals=("bits", "any", "any"),
        saves=("", "a", "a"),
    ),
    # --- reductions
    Operator("sum", over_all(functions.total)),
    Operator("mean", over_all(rules.mean), ("integers",), "even"),
    Operator("prod", over_all(functions.product), ("nonzero",), saves=("ay",)),
    Operator("max", over_all(functions.greatest), ("distinct",), saves=("ay",), singular="ties"),
    Operator("norm", over_all(rules.norm), ("nonzero",), "lone", saves=("ay",), singular="0"),
    Operator("var", over_all(rules.variance), ("integers",), "pair", saves=("a",)),
    Operator("sum_axis", along(functions.total), ("integers",), "matrix", _AXIS),
    Operator("mean_axis", along(rules.mean), ("integers",), "even matrix", _AXIS),
    Operator("prod_axis", along(functions.product), ("nonzero",), "matrix", _AXIS, saves=("ay",)),
    Operator("max_axis", along(functions.greatest), ("distinct",), "matrix", _AXIS, saves=("ay",), singular="ties"),
    Operator("norm_axis", along(rules.norm), ("nonzero",), "column", _AXIS, saves=("ay",), singular="0"),
    Operator("var_axis", along(rules.variance), ("integers",), "pair matrix", _AXIS, saves=("a",)),
    Operator("cumsum", rules.running_sum, ("integers",), "matrix", ("axis",)),
    # --- products
    Operator("dot", rules.dot, _TWO, "vector", saves=("b", "a"), rank=1, reals=_BOTH),
    Operator("outer", rules.outer, _TWO, "vectors", saves=("b", "a"), rank=1, reals=_BOTH),
    Operator("mv", rules.matmul, _TWO, "matrix and vector", saves=("b", "a"), reals=_BOTH),
    Operator("mm", rules.matmul, _TWO, "matrices", saves=("b", "a"), rank=2, reals=_BOTH),
    Operator("matmul", rules.matmul, _TWO, "batches", saves=("b", "a"), reals=_BOTH),
    # --- structure
    Operator("reshape", lambda a, shape: a.reshape(shape), attributes=("shape",), views=True),
    Operator("transpose", lambda a: a.T, ("integers",), "matrix", views=True),
    Operator("permute", lambda a, axes: a.transpose(axes), attributes=("axes",), views=True),
    Operator("squeeze", lambda a, axis: a.squeeze(axis), ("integers",), "row", ("axis",), views=True),
    Operator("unsqueeze", np.expand_dims, attributes=("axis",), views=True),
    Operator("expand", np.broadcast_to, attributes=("shape",), views=True),
    Operator("index", rules.index, ("integers",), "vector", ("index",), views=True),
    Operator("gather", rules.gather, ("integers",), "matrix", ("axis", "index")),
    Operator(
        "concat", lambda a, b, axis: np.concatenate([a, b], axis), _TWO, "alike", ("axis",), saves=_NONE, reals=_BOTH
    ),
    Operator("stack", lambda a, b, axis: np.stack([a, b], axis), _TWO, "alike", ("axis",), saves=_NONE, reals=_BOTH),
    Operator("pad", rules.pad, ("integers",), "matrix", ("widths",)),
    Operator("flip", np.flip, ("integers",), "matrix", ("axis",)),
    Operator("roll", np.roll, ("integers",), "matrix", ("shift", "axis")),
)

OPERATORS: Final[Mapping[str, Operator]] = {record.name: record for record in _TABLE}
