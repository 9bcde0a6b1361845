"""Every operator on a handful of generic inputs, computed by an engine in its own process: what a careful author checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from conformance.execution import Engine
from conformance.judge import Finding
from conformance.operators import OPERATORS
from conformance.program import Instruction, Program, Scalar

Array = npt.NDArray[np.float64]
Shape = tuple[int, ...]

_UNARY: Final = (((2, 3),),)
_BROADCAST: Final = (((2, 3), (2, 3)), ((2, 1), (3,)))
_MATRIX: Final = (((2, 3),),)
# The shapes of an operator's operands, where they are not those of `_UNARY` and `_BROADCAST`.
_SHAPES: Final[dict[str, Sequence[Sequence[Shape]]]] = {
    "where": (((2, 3), (2, 3), (2, 3)), ((3,), (2, 3), (2, 1))),
    "dot": (((5,), (5,)),),
    "outer": (((2,), (3,)),),
    "mv": (((2, 3), (3,)),),
    "mm": (((2, 3), (3, 4)), ((3, 3), (3, 3))),
    "matmul": (((2, 3), (3, 2)), ((3,), (3,)), ((2, 2, 3), (3, 2))),
    "concat": (((2, 3), (2, 3)),),
    "stack": (((2, 3), (2, 3)),),
    "squeeze": (((1, 3),),),
    "expand": (((1, 3),),),
    **dict.fromkeys(("transpose", "gather", "flip", "roll", "pad", "cumsum", "permute", "reshape"), _MATRIX),
}
_ATTRIBUTES: Final[dict[str, dict[str, Any]]] = {
    "clamp": {"low": -1, "high": 1},
    "reshape": {"shape": [3, -1]},
    "permute": {"axes": [1, 0]},
    "squeeze": {"axis": 0},
    "unsqueeze": {"axis": 0},
    "expand": {"shape": [2, 3]},
    "index": {"index": [0, 1, 0]},
    "gather": {"axis": 1, "index": [[0, 0], [2, 1]]},
    "pad": {"widths": [1, 2]},
    "roll": {"shift": 1, "axis": 1},
    **{name: {"axis": 1} for name in ("cumsum", "flip", "concat", "stack")},
    **{name: {"axis": 1, "keepdim": False} for name in OPERATORS if name.endswith("_axis")},
}


@dataclass(frozen=True)
class Query:
    """What a check asks: the operands, and the cotangent where it asks for gradients."""

    operands: tuple[Array, ...]
    cotangent: Array | None = None


@dataclass(frozen=True)
class Situation:
    """An operator, its operands, and what else it takes. An operand of bits is made by comparing with 0, and has no gradient."""

    operator: str
    operands: tuple[Array, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    def computed(self, engine: Engine, *queries: Query) -> list[list[Array]]:
        """For each query the result, and with a cotangent the gradients of the operands as well.

        Raises RuntimeError when the engine refuses.
        """
        program = self.program(queries)
        reply = engine.run(program)
        if isinstance(reply, Finding) or reply["failure"] or reply["declined"]:
            raise RuntimeError("the engine does not compute it")
        seen = iter([_array(it) for _, it in reply["observations"]])
        return [[next(seen) for _ in range(len(self.looks(query)))] for query in queries]

    def bits(self) -> bool:
        """Whether the first operand is a condition."""
        return OPERATORS[self.operator].reals[0] == "bits"

    def looks(self, query: Query) -> list[tuple[str, str]]:
        """What is looked at of which name."""
        gradients = range(self.bits(), len(query.operands)) if query.cotangent is not None else ()
        return [("tensor", "y"), *(("grad", f"x{i}") for i in gradients)]

    def program(self, queries: Sequence[Query]) -> Program:
        """One program that computes all of it, one after the other."""
        steps = list[Instruction]()
        for number, query in enumerate(queries):
            names = [f"x{i}_{number}" for i in range(len(query.operands))]
            for i, (name, array) in enumerate(zip(names, query.operands, strict=True)):
                steps.append(_leaf(name, array, not (self.bits() and i == 0)))
            args: list[Any] = list(names)
            if self.bits():
                steps.append(Instruction("apply", (f"b_{number}",), (names[0], Scalar("0")), {"operator": "gt"}))
                args[0] = f"b_{number}"
            if self.operator == "pow":
                args.append(Scalar("3"))
            options = {"operator": self.operator, **self.attributes}
            steps.append(Instruction("apply", (f"y_{number}",), tuple(args), options))
            if query.cotangent is not None:
                steps.append(_leaf(f"v_{number}", query.cotangent, False))
                steps.append(Instruction("backward", (), (f"y_{number}",), {"cotangent": f"v_{number}"}))
            steps += [_look(what, f"{name}_{number}") for what, name in self.looks(query)]
        return Program("float64", tuple(steps))


def _array(seen: Mapping[str, Any]) -> Array:
    """What was seen; a gradient that is absent is no numbers at all."""
    if "values" not in seen:
        raise RuntimeError("there is nothing to see")
    return np.array([real(text) for text in seen["values"]]).reshape(seen["shape"])


def real(text: str) -> float:
    """The number that an engine's text stands for."""
    return float(Fraction(text)) if "/" in text else float(text)


def _leaf(name: str, array: Any, requires_grad: bool) -> Instruction:
    array = np.asarray(array, np.float64)
    value = {"shape": list(array.shape), "values": [str(Fraction(x)) for x in array.ravel().tolist()]}
    return Instruction("leaf", (name,), (), {"value": value, "requires_grad": requires_grad})


def _look(what: str, name: str) -> Instruction:
    nothing = {"observe": what, "relation": "equals", "value": {"shape": [], "values": []}, "why": ""}
    return Instruction("expect", (), (name,), nothing)


def situations() -> Iterator[Situation]:
    """Each differentiable operator on a few shapes; the inputs are the same ever after, and lie where the operator is smooth."""
    generator = np.random.default_rng(0)
    for operator in OPERATORS.values():
        if operator.result:
            continue
        usual = (
            _BROADCAST if operator.shapes == "elementwise" else _MATRIX if operator.name.endswith("_axis") else _UNARY
        )
        for shapes in _SHAPES.get(operator.name, usual):
            drawn = tuple(_drawn(generator, *each) for each in zip(shapes, operator.reals, strict=False))
            yield Situation(operator.name, drawn, _ATTRIBUTES.get(operator.name, {}))


def _drawn(generator: np.random.Generator, shape: Shape, reals: str) -> Array:
    normal = generator.standard_normal(shape)
    return np.abs(normal) + 0.5 if reals in ("positive", "nonzero") else normal
