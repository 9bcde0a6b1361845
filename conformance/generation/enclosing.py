"""Writes functional programs: balls enclose what they compute, and for each number tell how far a right engine may be off.

The truth comes from forward mode at a precision that rises until it is sharp (conformance.model.forward), the allowed error
from a reverse sweep at the engine's precision (conformance.model.bounds). Both play the same instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, Protocol

import numpy as np
from flint import arb, fmpq

from conformance.generation.reach import differentiable
from conformance.generation.sketch import Sketch, Unwritable
from conformance.model import bounds, numbers
from conformance.model.forward import GradientNode, Node, Value, evaluate, push, weighed
from conformance.model.functions import Undecided
from conformance.model.numbers import Array, mapped, plain, precision
from conformance.operators.rules import array_of
from conformance.operators.table import OPERATORS
from conformance.program import DIFFERENTIATING, Instruction, Operand, Program, Scalar, attributes_of

PRECISIONS: Final = (128, 256, 512, 1024)  # bits; the next is tried when a truth is not sharp
DIGITS: Final = 40
_SHARP: Final = 2.0**-16  # a truth's radius, as a part of the allowed error
# An unbound name, a shape or an axis that does not fit.
_UNPLAYABLE: Final = (KeyError, ValueError, IndexError)
_LEAST: Final = 5e-324  # the least number that binary64 holds
_SHAPE: Final = "a cotangent has its root's shape"


class Calculus(Protocol):
    """A way to compute values and gradients, with tensors of its own kind."""

    def leaf(self, array: Array) -> Any:
        """A tensor of exact numbers."""

    def apply(self, operator: str, operands: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        """An operator's result."""

    def detach(self, a: Any) -> Any:
        """The tensor as a constant."""

    def gradients(self, root: Any, inputs: Sequence[Any], cotangent: Any) -> list[Any]:
        """Vector-Jacobian products; raises ValueError unless the cotangent has its root's shape."""

    def read(self, a: Any) -> Array:
        """What is known of each number, as a ball."""


class _BallNode(Node):
    """A node whose numbers are balls, or carry them, where a rule has rationals: the sum of nothing, what it pads with."""

    def run(self, cut: Mapping[Value, Array], memo: dict[Value, Array]) -> Array:
        """The node's value where the tensors of `cut` are replaced."""
        array = super().run(cut, memo)
        return mapped(_as_ball, array) if fmpq in map(type, array.flat) else array


_UNKNOWN: Final = np.empty(0, dtype=object)  # an array that is never read


class Truth:
    """Values by balls at the present precision, gradients by forward mode; a value is computed when it is asked for."""

    def __init__(self) -> None:
        self.known: dict[Value, Array] = {}

    def leaf(self, array: Array) -> Value:
        """A leaf with exact numbers."""
        return Value(mapped(arb, array))

    def apply(self, operator: str, operands: Sequence[Value], attributes: Mapping[str, Any]) -> Value:
        """An operator's result."""
        return Value(_UNKNOWN, _BallNode(operator, tuple(operands), attributes))

    def detach(self, a: Value) -> Value:
        """The value as a constant."""
        return Value(self.read(a))

    def gradients(self, root: Value, inputs: Sequence[Value], cotangent: Value) -> list[Value]:
        """Vector-Jacobian products, each with its history; the root's own value comes with them."""
        weights = self.read(cotangent)
        [dual], level = push([root], inputs)
        if dual.shape != weights.shape:
            raise ValueError(_SHAPE)
        self.known[root] = mapped(_ball_of, dual)
        found = []
        for array, by in zip(weighed([dual], [weights], inputs, level), inputs, strict=True):
            node = GradientNode(((root, cotangent),), by, tuple(it for it in inputs if it is not by))
            found.append(Value(mapped(_ball_of, array), node))
            self.known[found[-1]] = found[-1].array
        return found

    def read(self, a: Value) -> Array:
        """The balls."""
        return evaluate(a, {}, self.known)


class Rounded:
    """Values and gradients as an engine computes them in one dtype, in balls that hold every way of rounding."""

    def __init__(self, dtype: str) -> None:
        self.tape = bounds.Tape(dtype)

    def leaf(self, array: Array) -> Array:
        """A leaf with exact numbers."""
        return mapped(self.tape.number, array)

    def apply(self, operator: str, operands: Sequence[Array], attributes: Mapping[str, Any]) -> Array:
        """An operator's result."""
        array = array_of(OPERATORS[operator].forward(*operands, **attributes))
        return array if {bounds.Traced}.issuperset(map(type, array.flat)) else mapped(self.tape.traced, array)

    def detach(self, a: Array) -> Array:
        """The value as a constant."""
        return mapped(lambda number: self.tape.number(plain(number)), a)

    def gradients(self, root: Array, inputs: Sequence[Array], cotangent: Array) -> list[Array]:
        """Vector-Jacobian products by a sweep, which is on the tape too."""
        if root.shape != cotangent.shape:
            raise ValueError(_SHAPE)
        pairs = zip(root.flat, cotangent.flat, strict=True)
        found = iter(bounds.adjoints(pairs, list(chain.from_iterable(array.flat for array in inputs))))
        zero = self.tape.number(0)
        return [mapped(lambda _: next(found) or zero, array) for array in inputs]

    def read(self, a: Array) -> Array:
        """The balls."""
        return mapped(plain, a)


def write(sketch: Sketch, offered: Collection[str] = ()) -> Program:
    """The sketch as a program that expects every root and every gradient, whatever is offered; raises Unwritable."""
    with precision(bounds.BITS[sketch.dtype]):
        try:
            kept, balls = played(differentiable(sketch.instructions), Rounded(sketch.dtype))
        except bounds.OutOfRange:
            raise Unwritable("out of range") from None
        except Undecided:
            raise Unwritable("undecided") from None
    if not balls:
        raise Unwritable("nothing is differentiated")
    truths, wide = _truths(kept, balls)
    expectations = [enclosed(name, truth, balls[name], wide[name]) for name, truth in truths.items()]
    return Program(sketch.dtype, (*kept, *expectations))


def played(instructions: Sequence[Instruction], calculus: Calculus) -> tuple[tuple[Instruction, ...], dict[str, Array]]:
    """The instructions that can be played, and the balls of all roots and gradients by name."""
    names: dict[str, Any] = {}
    kept, watched = [], dict[str, None]()
    for it in instructions:
        try:
            results = _STEPS[it.verb](calculus, it, names)
        except _UNPLAYABLE:
            continue
        names.update(zip(it.out, results, strict=True))
        kept.append(it)
        if it.verb in DIFFERENTIATING:
            watched.update(dict.fromkeys([str(it.args[0]), *it.out]))
    return tuple(kept), {name: calculus.read(names[name]) for name in watched}


def _leaf(calculus: Calculus, it: Instruction, names: Mapping[str, Any]) -> list[Any]:
    value = it.options["value"]
    return [calculus.leaf(_exact(tuple(value["shape"]), tuple(value["values"])))]


@lru_cache(maxsize=64)
def _exact(shape: tuple[int, ...], values: tuple[str, ...]) -> Array:
    """A leaf's numbers: they are asked for by each calculus, at each precision."""
    return numbers.from_json({"shape": shape, "values": values})


def _apply(calculus: Calculus, it: Instruction, names: Mapping[str, Any]) -> list[Any]:
    operands = [_operand(calculus, arg, names) for arg in it.args]
    return [calculus.apply(it.options["operator"], operands, attributes_of(it.options))]


def _repeat(calculus: Calculus, it: Instruction, names: Mapping[str, Any]) -> list[Any]:
    inside = {**names, it.out[0]: names[str(it.args[0])]}
    for inner in it.body * it.options["times"]:
        inside.update(zip(inner.out, _STEPS[inner.verb](calculus, inner, inside), strict=True))
    return [inside[it.out[0]]]


def _detach(calculus: Calculus, it: Instruction, names: Mapping[str, Any]) -> list[Any]:
    return [calculus.detach(names[str(it.args[0])])]


def _gradients(calculus: Calculus, it: Instruction, names: Mapping[str, Any]) -> list[Any]:
    root, *inputs = (names[str(arg)] for arg in it.args)
    given = it.options.get("cotangent")
    cotangent = names[given] if given else calculus.leaf(_exact((), ("1",)))
    return calculus.gradients(root, inputs, cotangent)


def _operand(calculus: Calculus, operand: Operand, names: Mapping[str, Any]) -> Any:
    if isinstance(operand, Scalar):
        return calculus.leaf(_exact((), (operand.text,)))
    return names[operand]


_STEPS: Final[Mapping[str, Callable[[Calculus, Instruction, Mapping[str, Any]], list[Any]]]] = {
    "leaf": _leaf,
    "apply": _apply,
    "detach": _detach,
    "repeat": _repeat,
    "grad": _gradients,
    "gradients": _gradients,
}


# --- truths that are sharp enough


def _truths(
    instructions: Sequence[Instruction], balls: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, list[int]]]:
    """The truth of each name, by a precision at which it is sharp beside the allowed error, or by the highest.

    With it, for each name, the positions at which it is not sharp.
    """
    for bits in PRECISIONS:
        with precision(bits):
            try:
                _, truths = played(instructions, Truth())
            except Undecided:
                continue
            wide = {name: _wide(truth, balls[name]) for name, truth in truths.items()}
            if bits == PRECISIONS[-1] or not any(wide.values()):
                return truths, wide
    raise Unwritable("undecided")


def _wide(truth: Array, rounded: Array) -> list[int]:
    """The positions at which the truth is not sharp beside the allowed error."""
    pairs = enumerate(zip(truth.flat, rounded.flat, strict=True))
    return [i for i, (t, r) in pairs if not t.rad() <= r.rad() * _SHARP]


def enclosed(name: str, truth: Array, rounded: Array, undecided: Sequence[int]) -> Instruction:
    """The expectation of a value by its truth, and the error that is allowed to each number.

    Where the truth itself is a wide ball, at a kink, every number that some choice there leads to is allowed. So is what its text
    leaves out.
    """
    allowed = [_allowed(t, r) for t, r in zip(truth.flat, rounded.flat, strict=True)]
    value = {
        "shape": list(truth.shape),
        "values": [_text(t) for t in truth.flat],
        "allowed": [repr(radius) for radius in allowed],
        **({"undecided": list(undecided)} if undecided else {}),
    }
    return Instruction("expect", (), (name,), {"observe": "tensor", "relation": "near", "value": value, "why": ""})


def _text(truth: arb) -> str:
    """An exact truth as a rational, others to more digits than any allowed error has."""
    return str(truth.fmpq()) if truth.is_exact() else str(truth.mid().str(DIGITS, radius=False))


def _allowed(truth: arb, rounded: arb) -> float:
    """The radius of what rounding can do; 0 only where nothing is rounded, however small a radius is.

    Both radii hold what a kink leaves open, and twice of what is allowed is accepted: here it counts once.
    """
    if truth.is_exact():
        return 0.0 if rounded.is_exact() else max(float(rounded.rad()), _LEAST)
    open_half, cut = float(truth.rad()) / 2, abs(float(truth)) * 10.0 ** (1 - DIGITS)
    return max(float(rounded.rad()) - open_half, open_half, _LEAST) + cut


def _as_ball(number: Any) -> Any:
    return arb(number) if isinstance(number, fmpq) else number


def _ball_of(number: Any) -> Any:
    return _as_ball(plain(number))
