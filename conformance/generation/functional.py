"""Draws functional programs: leaves, operators, one root, and its gradients by the leaves it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import prod
from typing import Any, Final

import numpy as np

from conformance.generation.kinds import CLEAR, EXACT, GRID, KINDS, POWERS_OF_TWO, SPECIALS, Draw, Kind
from conformance.generation.operands import LARGEST, WAYS, Pool, broadcastable
from conformance.generation.reals import KINKS, REALS, Register, rough, size
from conformance.generation.sketch import Sketch
from conformance.operators.table import OPERATORS
from conformance.program import Instruction, Scalar

__all__ = ["KINDS", "generate"]

# What brings a number where an operator is defined; the operators are applied one after the other.
_FITTING: Final[Mapping[str, tuple[tuple[str, str | None], ...]]] = {
    "positive": (("square", None), ("add", "1/2")),
    "nonzero": (("square", None), ("add", "1")),
    "moderate": (("atan", None),),
}
# What a loop goes round by, which keeps the shape: names of operators of one operand, and of two.
_ROUNDS: Final = ("sin", "tanh", "atan", "neg", "sigmoid", "mul", "add", "sub", "mul", "maximum")
# Which operators are drawn after a sum was negative, and after it was not.
_BRANCHES: Final = (("neg", "sin", "square", "exp"), ("tanh", "mul", "sqrt", "reshape"))


@lru_cache
def _menu(exact: bool, offered: frozenset[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The operators that may be drawn, and their weights, accumulated."""
    names = tuple(name for name in WAYS if name in offered and (not exact or name in EXACT))
    return names, tuple(accumulate(WAYS[name].weight for name in names))


def generate(draw: Draw, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """A program of one of KINDS that uses what an adapter's spellings offer; the same for the same state of `draw`."""
    draft = _Draft(draw, dtype, KINDS[kind], offered)
    with np.errstate(all="ignore"):
        draft.leaves()
        for _ in range(draw.randint(*draft.kind.length)):
            draft.step()
        draft.root()
    return Sketch(dtype, tuple(draft.instructions), tuple(draft.marks))


class _Draft:
    """A program in the making."""

    def __init__(self, draw: Draw, dtype: str, kind: Kind, offered: frozenset[str]) -> None:
        self.draw, self.dtype, self.kind, self.offered = draw, dtype, kind, offered
        self.names, self.weights = _menu(kind.exact, offered)
        self.instructions: list[Instruction] = []
        self.marks: dict[str, None] = {}
        self.counts: dict[str, int] = {}
        self.inputs: list[Register] = []
        self.pool = Pool(draw, [], [])

    def mark(self, kind: str) -> None:
        """Notes what was put into the program."""
        self.marks[kind] = None

    def name(self, letter: str) -> str:
        """A name of its own. Few different names make many equal statements, which an agent compiles once."""
        self.counts[letter] = self.counts.get(letter, -1) + 1
        return f"{letter}{self.counts[letter]}"

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.draw.random() < probability

    # --- leaves

    def leaves(self) -> None:
        """One to four leaves, whose extents are so few that their shapes fit one another."""
        extents = self.draw.choices((1, 2, 3, 4), (2, 5, 4, 1), k=2)
        if self.chance(0.05):
            extents[0] = 0
            self.mark("size 0")
        for i in range(self.draw.choice(self.kind.leaves)):
            constant = i > 0 and self.chance(0.15)
            leaf = self.leaf("c" if constant else "x", self.shape(extents), 0 if constant else 1 << i)
            self.pool.tensors.append(leaf)
            if leaf.on:
                self.inputs.append(leaf)

    def shape(self, extents: Sequence[int]) -> tuple[int, ...]:
        """A shape of few elements made of few extents."""
        rank = self.draw.choices((0, 1, 2, 3, 4), (15, 30, 35, 12, 8))[0]
        shape = tuple(1 if self.chance(0.15) else self.draw.choice(extents) for _ in range(rank))
        if not _written(shape) or prod(shape) > LARGEST // 2:
            shape = shape[:1]
        if rank in (0, 4):
            self.mark(f"{len(shape)}-d")
        return shape

    def leaf(self, letter: str, shape: tuple[int, ...], on: int) -> Register:
        """A leaf with numbers of its own."""
        texts, numbers = list[str](), list[float]()
        for _ in range(prod(shape)):
            special = self.special(texts) if self.kind.specials and self.chance(self.kind.specials) else None
            number = _number(special) if special else float(self.kind.number(self.draw, self.dtype))
            texts.append(special or _exact(number))
            numbers.append(number)
        name = self.name(letter)
        value = {"shape": list(shape), "values": texts}
        self.instructions.append(Instruction("leaf", (name,), (), {"value": value, "requires_grad": on > 0}))
        return Register(name, np.array(numbers).reshape(shape), numbers, on, True)

    def special(self, texts: Sequence[str]) -> str:
        """A special number: one of SPECIALS, or one that was there before."""
        if texts and self.chance(0.4):
            self.mark("tie")
            return texts[-1]
        kind = self.draw.choices(tuple(SPECIALS), (4, 4, 1, 1))[0]
        self.mark(kind)
        return SPECIALS[kind](self.draw, self.dtype)

    # --- operators

    def step(self) -> None:
        """One more operator, or a loop or a detached value; nothing if what is tried fits nowhere."""
        if self.chance(self.kind.blocks) and (self.loop() if self.chance(0.5) else self.branch()):
            return
        if "detach" in self.offered and self.chance(0.02):
            self.detach()
            return
        for _ in range(6):
            if self.drawn(self.draw.choices(self.names, cum_weights=self.weights)[0]):
                return

    def drawn(self, operator: str) -> bool:
        """Applies an operator to operands that are drawn; whether it could be."""
        way = WAYS[operator]
        operands = way.operands(self.pool)
        if not operands:
            return False
        if operator != "where":
            operands = [
                self.fitted(it, reals) for it, reals in zip(operands, OPERATORS[operator].reals * 2, strict=False)
            ]
        first = operands[0]
        attributes = way.attributes(self.draw, first) if isinstance(first, Register) else {}
        return self.applied(operator, operands, attributes) is not None

    def fitted(self, operand: Register | Scalar, reals: str) -> Register | Scalar:
        """The operand, or what other operators make of it to bring it where the next one is defined."""
        if isinstance(operand, Scalar) or REALS[reals](operand.numbers):
            return operand
        found: Register | None = operand
        for operator, number in _FITTING[reals]:
            if found is not None and operator in self.offered:
                found = self.applied(operator, [found, Scalar(number)] if number else [found], {})
        return found or operand

    def applied(
        self, operator: str, operands: Sequence[Register | Scalar], attributes: Mapping[str, Any]
    ) -> Register | None:
        """Applies an operator, if its operands are where it is defined and its result is where it should be."""
        record = OPERATORS[operator]
        arrays = [np.array(_number(it.text)) if isinstance(it, Scalar) else it.value for it in operands]
        if not self.admits(operator, operands, arrays, attributes):
            return None
        value = rough(operator, arrays, attributes)
        numbers = value.ravel().tolist()
        if not self.sound(numbers):
            return None
        registers = [it for it in operands if isinstance(it, Register)]
        for register in registers:
            register.used = True
        on = 0
        if record.result is None:
            for register in registers:
                on |= register.on
        name = self.name("y")
        args = tuple(it if isinstance(it, Scalar) else it.name for it in operands)
        self.instructions.append(Instruction("apply", (name,), args, {"operator": operator, **attributes}))
        made = Register(name, value, numbers, on)
        (self.pool.bits if record.result else self.pool.tensors).append(made)
        return made

    def admits(
        self, operator: str, operands: Sequence[Register | Scalar], arrays: Sequence[Any], attributes: Mapping[str, Any]
    ) -> bool:
        """Whether an operator is defined at its operands, away from kinks, and offered as it is to be spelled."""
        if isinstance(attributes.get("index"), list) and operator == "index" and "index.list" not in self.offered:
            return False
        if self.kind.exact and operator in ("mean", "mean_axis"):
            extents = arrays[0].shape if operator == "mean" else (arrays[0].shape[attributes["axis"]],)
            if prod(extents) not in POWERS_OF_TWO:
                return False
        if operator == "pow" and not _has_power(operands[0], operands[1]):
            return False
        for it, array, reals in zip(operands, arrays, OPERATORS[operator].reals * 2, strict=False):
            if not REALS[reals](it.numbers if isinstance(it, Register) else [float(array)]):
                return False
        kink = KINKS.get(operator)
        return kink is None or self.clear(kink(*arrays, **attributes), operator, operands)

    def clear(self, distance: float, operator: str, operands: Sequence[Register | Scalar]) -> bool:
        """Whether it is certain on which side of a kink operands lie; or, of special programs, that they lie on it."""
        exact = all(isinstance(it, Scalar) or it.exact for it in operands)
        if distance == 0 and OPERATORS[operator].result:
            return exact or self.kind.exact
        if (
            distance == 0
            and self.kind.specials
            and exact
            and operator not in ("norm", "norm_axis")
            and self.chance(0.8)
        ):
            self.mark("kink")
            return True
        largest = max(size(it.numbers) for it in operands if isinstance(it, Register))
        return distance > (0 if self.kind.exact else CLEAR * largest)

    def sound(self, numbers: Sequence[float]) -> bool:
        """Whether a result may stand in the program."""
        if len(numbers) > LARGEST:
            return False
        if not size(numbers) <= self.kind.greatest:  # NaN is not
            return False
        return not self.kind.exact or all(x * GRID % 1 == 0 for x in numbers)

    def detach(self) -> None:
        """A value as a constant."""
        source = self.pool.any()
        if source is not None:
            name = self.name("d")
            self.instructions.append(Instruction("detach", (name,), (source.name,)))
            self.pool.tensors.append(Register(name, source.value, source.numbers))
            self.mark("detach")

    def loop(self) -> bool:
        """One operator, applied to its own result several times."""
        operator, start = self.draw.choice(_ROUNDS), self.pool.any()
        if operator not in self.names or start is None:
            return False
        two = len(OPERATORS[operator].domain) > 1
        other = self.pool.any(lambda it: broadcastable(start, it) and _keeps(start, it)) if two else None
        if two and other is None:
            return False
        times, now = self.draw.randint(2, 5), start
        for _ in range(times):
            arrays = [now.value, *([other.value] if other else [])]
            if not self.admits(operator, [now, *([other] if other else [])], arrays, {}):
                return False
            value = rough(operator, arrays, {})
            now = Register("", value, value.ravel().tolist(), start.on | (other.on if other else 0))
            if not self.sound(now.numbers):
                return False
        now.name = self.name("y")
        args = (now.name, other.name) if other else (now.name,)
        body = Instruction("apply", (now.name,), args, {"operator": operator})
        self.instructions.append(Instruction("repeat", (now.name,), (start.name,), {"times": times}, (body,)))
        self.pool.tensors.append(now)
        self.mark("loop")
        return True

    def branch(self) -> bool:
        """An operator that depends on the sign of a sum."""
        read = self.pool.any()
        operator = self.draw.choice(_BRANCHES[read is not None and sum(read.numbers) >= 0])
        if operator not in self.names or not self.drawn(operator):
            return False
        self.mark("branch")
        return True

    # --- roots

    def root(self) -> None:
        """What is differentiated: a result with a cotangent of its shape, or a weighted sum of several results."""
        results = [it for it in self.pool.tensors if it.on and not it.exact] or [self.fallback()]
        ends = [it for it in results if not it.used] or results
        if self.kind.order == 1 and self.chance(0.35) and _written(ends[-1].value.shape):
            root, cotangent = ends[-1], self.leaf("v", ends[-1].value.shape, 0).name
            self.mark("cotangent")
        else:
            chosen = self.draw.sample(ends, min(len(ends), self.draw.choice((1, 2, 2, 3))))
            self.mark("several roots" if len(chosen) > 1 else "one root")
            root, cotangent = self.total(chosen), None
        inputs = [it for it in self.inputs if it.on & root.on]
        if any(it is not root and not it.used for it in self.pool.tensors):
            self.mark("dead end")
        if self.kind.order == 2:
            root = self.differentiated(root, inputs)
        options = {"cotangent": cotangent} if cotangent else {}
        self.gradients("gradients", root, inputs, options)

    def fallback(self) -> Register:
        """A result that depends on the first leaf, where no other does."""
        leaf = self.inputs[0]
        return self.op("add", leaf, leaf)

    def total(self, parts: Sequence[Register]) -> Register:
        """A number made of all elements of `parts`, each with a weight of its own."""
        found: Register | None = None
        for part in parts:
            heavy = self.chance(0.7) and _written(part.value.shape)
            weighted = self.op("mul", part, self.leaf("w", part.value.shape, 0)) if heavy else part
            term = self.op("sum", weighted) if part.value.shape else weighted
            found = self.op("add", found, term) if found else term
        assert found is not None
        return found

    def op(self, operator: str, *operands: Register) -> Register:
        """An operator whatever comes of it."""
        name = self.name("y")
        args = tuple(it.name for it in operands)
        self.instructions.append(Instruction("apply", (name,), args, {"operator": operator}))
        on = 0
        for it in operands:
            it.used = True
            on |= it.on
        value = rough(operator, [it.value for it in operands], {})
        return Register(name, value, value.ravel().tolist(), on)

    def gradients(
        self, verb: str, root: Register, inputs: Sequence[Register], options: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Differentiates; the names of the gradients."""
        names = tuple(self.name("g") for _ in inputs)
        self.instructions.append(Instruction(verb, names, (root.name, *(it.name for it in inputs)), options))
        return names

    def differentiated(self, root: Register, inputs: Sequence[Register]) -> Register:
        """A number made of a root and its gradients, which is to be differentiated again."""
        functional = "gradient" in self.offered
        if not functional and not {"grad", "grad.create_graph"} <= self.offered:
            return root
        names = self.gradients("grad", root, inputs, {"create_graph": True})
        parts = [Register(name, it.value, it.numbers, root.on) for name, it in zip(names, inputs, strict=True)]
        self.mark("second order")
        return self.total([root, *(self.op("mul", it, it) if self.chance(0.3) else it for it in parts)])


def _written(shape: Sequence[int]) -> bool:
    """Whether nested lists can tell a shape: nothing is inside of an empty one."""
    return 0 not in shape[:-1]


def _exact(number: float) -> str:
    p, q = number.as_integer_ratio()
    return f"{p}/{q}" if q > 1 else str(p)


@lru_cache(maxsize=64)
def _number(text: str) -> float:
    """The number of a text; the same few are used as Python's numbers."""
    p, _, q = text.partition("/")
    return int(p) / int(q or 1)


def _has_power(base: Register | Scalar, exponent: Register | Scalar) -> bool:
    """Whether a power is defined: a negative one of what is not 0, a broken one of what is positive."""
    assert isinstance(base, Register)
    assert isinstance(exponent, Scalar)
    n = _number(exponent.text)
    needed = "any" if n.is_integer() and n >= 0 else "nonzero" if n.is_integer() else "positive"
    return REALS[needed](base.numbers)


def _keeps(start: Register, other: Register) -> bool:
    """Whether a result has the shape of `start`."""
    return np.broadcast_shapes(start.value.shape, other.value.shape) == start.value.shape
