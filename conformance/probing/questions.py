"""The questions: tiny programs whose numbers are known, which the model judges. Of the foundations, and of each operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from flint import fmpq

from conformance.operators import OPERATORS
from conformance.program import Program
from conformance.tensor import apply, expect, gradients, recording, tensor

Question = Callable[[], None]

# A number that binary64 holds and binary32 does not.
FINE: Final = 1 + fmpq(1, 2**30)


def asked(question: Question, dtype: str) -> Program:
    """The program of a question."""
    with recording(dtype) as recorder:
        question()
        return recorder.program()


# --- the foundations


def read(values: Any, requires_grad: bool = True) -> Question:
    """A tensor is made and read."""
    return lambda: expect(tensor(values, requires_grad=requires_grad), values)


def differentiated() -> None:
    """A gradient through two uses, a product and a sum."""
    x = tensor([1, 2], requires_grad=True)
    (gradient,) = gradients((x * x + x).sum(), [x])
    expect(gradient, [3, 5])


def differentiated_matrix() -> None:
    """The same of a matrix: its gradient has its shape."""
    x = tensor([[1, 2], [3, 4]], requires_grad=True)
    (gradient,) = gradients((x * x + x).sum(), [x])
    expect(gradient, [[3, 5], [7, 9]])


# --- one operator

_NUMBERS: Final[Mapping[str, list[Any]]] = {
    "integers": [2, -1, 3, 1, -2, 4],
    "nonzero": [2, -1, 3, 1, -2, 4],
    "distinct": [2, -1, 3, 1, -2, 4],
    "powers of two": [2, 1, -4, -2, 8, 16],
    "zero": [0] * 6,
    "one": [1] * 6,
    "squares": [4, 1, 9, 16, 25, 36],
    "odd halves": [fmpq(1, 2), fmpq(-7, 2), fmpq(5, 2), fmpq(-1, 2), fmpq(7, 2), fmpq(3, 2)],
    "even": [2, -4, 0, 6, 4, -2],
    "odd": [1, 3, -5, 7, -1, 5],
    "bits": [1, 0, 1, 0, 0, 1],
}
_SHAPES: Final[Mapping[str, tuple[tuple[int, ...], ...]]] = {
    "any": ((3,),),
    "elementwise": ((3,), (3,)),
    "conditional": ((3,), (3,), (3,)),
    "scalar": ((3,), ()),
    "even": ((4,),),
    "pair": ((2,),),
    "lone": ((1,),),
    "matrix": ((2, 3),),
    "even matrix": ((2, 2),),
    "pair matrix": ((2, 2),),
    "column": ((3, 1),),
    "row": ((1, 3),),
    "vector": ((3,), (3,)),
    "vectors": ((2,), (3,)),
    "matrix and vector": ((2, 3), (3,)),
    "matrices": ((2, 3), (3, 2)),
    "batches": ((2, 3), (3, 2)),
    "alike": ((2, 2), (2, 2)),
}
_ALONG: Final = ({"axis": 1, "keepdim": True}, {"axis": 1, "keepdim": False})
_EITHER: Final = ({"axis": 0}, {"axis": 1})
# What is asked of each. Where one value may be what the engine does without being told, another follows: an option that is
# swallowed and has no effect is not right.
_ATTRIBUTES: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    **{f"{name}_axis": _ALONG for name in ("sum", "mean", "prod", "max", "norm", "var")},
    "clamp": ({"low": -1, "high": 1},),
    "cumsum": _EITHER,
    "reshape": ({"shape": [3, 1]},),
    "permute": ({"axes": [1, 0]}, {"axes": [0, 1]}),
    "squeeze": ({"axis": 0},),
    "unsqueeze": _EITHER,
    "expand": ({"shape": [2, 3]},),
    "index": ({"index": 1},),
    "index.list": ({"index": [2, 0]},),
    "gather": ({"axis": 1, "index": [[2, 0], [1, 1]]},),
    "concat": _EITHER,
    "stack": _EITHER,
    "pad": ({"widths": [1, 2]},),
    "flip": ({"axis": 1},),
    "roll": ({"shift": 1, "axis": 1},),
}
_SHAPED: Final = {"permute": ((2, 3),), "max_axis": ((2, 3),), "squeeze": ((1, 1),)}


def operator(key: str) -> Question:
    """An operator's value, and what it passes back of a cotangent that differs from element to element."""
    record = OPERATORS[key.removesuffix(".list")]
    shapes = _SHAPED.get(record.name, _SHAPES[record.shapes])

    def question() -> None:
        operands = [_operand(domain, shape) for domain, shape in zip(record.domain, shapes, strict=False)]
        leaves = [it for it, domain in zip(operands, record.domain, strict=True) if domain not in ("bits", "exponent")]
        results = []
        for attributes in _ATTRIBUTES.get(key, ({},)):
            results.append(apply(record.name, *operands, **attributes))
            expect(results[-1], results[-1].value)
        y = results[0]
        if not record.result:
            weights = np.arange(1, y.value.size + 1).reshape(y.shape)
            for gradient in gradients((y * tensor(weights)).sum(), leaves):
                expect(gradient, gradient.value)

    return question


def value(key: str) -> Question:
    """An operator's value alone, before anything can be differentiated."""

    def question() -> None:
        x = tensor([1, 2, 3, 4], requires_grad=True)
        y = x.sum() if key == "sum" else apply(key, x, x)
        expect(y, y.value)

    return question


def _operand(domain: str, shape: tuple[int, ...]) -> Any:
    if domain == "exponent":
        return 2
    array = np.array(_NUMBERS[domain][: int(np.prod(shape, dtype=int))], dtype=object).reshape(shape)
    return tensor(array) > 0 if domain == "bits" else tensor(array, requires_grad=True)
