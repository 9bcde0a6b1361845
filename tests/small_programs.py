"""Small random programs, and what they compute by NumPy's rules on FLINT's power series: nothing here is the suite's own.

`small(seed)` writes a program that applies one operator in particular and some others before and after it, away from kinks.
`played` runs it on `Taylor` numbers, which are power series in one variable t: the inputs may move along a line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from flint import arb, arb_series, fmpq

from conformance.model.numbers import Array, to_json
from conformance.program import Instruction, Operand, Scalar


class Tie(Exception):
    """Two numbers are too close to be compared."""


class Taylor:
    """A power series of FLINT without a length, which NumPy would take for a sequence."""

    __slots__ = ("series",)

    def __init__(self, series: arb_series) -> None:
        self.series = series

    def _with(self, other: Any, combine: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return Taylor(combine(self.series, other.series if isinstance(other, Taylor) else other))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b / a)

    def __neg__(self) -> Taylor:
        return Taylor(-self.series)

    def __abs__(self) -> Taylor:
        return self if self > 0 else -self

    __radd__ = __add__
    __rmul__ = __mul__

    def __gt__(self, other: Any) -> bool:
        distance = (self - other).series[0]
        if distance.contains(0):
            raise Tie
        return bool(distance > 0)

    def __lt__(self, other: Any) -> bool:
        return not self > other

    __ge__, __le__ = __gt__, __lt__

    def call(self, name: str) -> Taylor:
        return Taylor(getattr(self.series, name)())


# --- what operators compute: NumPy's functions, or a formula


def called(name: str) -> Callable[[Taylor], Taylor]:
    return lambda x: x.call(name)


def exp(x: Any) -> Any:
    return x.call("exp")


def log(x: Any) -> Any:
    return x.call("log")


def power(x: Any, exponent: Any) -> Any:
    whole = exponent.series[0].unique_fmpz()
    if whole is None:
        return exp(log(x) * exponent)
    result = 1 + 0 * x
    for _ in range(abs(int(whole))):
        result = result * x
    return result if whole >= 0 else 1 / result


def norm(a: Array, **axis: Any) -> Any:
    return np.frompyfunc(called("sqrt"), 1, 1)(np.sum(a * a, **axis))


def variance(a: Array, **axis: Any) -> Any:
    distance = a - mean(a, **{**axis, "keepdims": True})
    return mean(np.asarray(distance * distance), **axis)


def mean(a: Array, **axis: Any) -> Any:
    result = np.sum(a, **axis)
    return result / (a.size // np.size(result))


def along(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, axis, keepdim=False: function(a, axis=axis, keepdims=keepdim)


UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "exp": exp,
    "log": log,
    "log1p": lambda x: log(1 + x),
    "sqrt": called("sqrt"),
    "sin": called("sin"),
    "cos": called("cos"),
    "atan": called("atan"),
    "sinh": lambda x: (exp(x) - exp(-x)) / 2,
    "cosh": lambda x: (exp(x) + exp(-x)) / 2,
    "tanh": lambda x: 1 - 2 / (exp(2 * x) + 1),
    "sigmoid": lambda x: exp(x) / (exp(x) + 1),
    "abs": abs,
}
RULES: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: np.frompyfunc(function, 1, 1) for name, function in UNARY.items()},
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.frompyfunc(power, 2, 1),
    "gt": np.greater,
    "relu": lambda a: np.maximum(a, 0),
    "clamp": lambda a, low, high: np.minimum(np.maximum(a, low), high),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda condition, a, b: np.where(condition > constants(fmpq(1, 2)), a, b),
    "sum": np.sum,
    "mean": mean,
    "prod": np.prod,
    "max": np.max,
    "norm": norm,
    "var": variance,
    "sum_axis": along(np.sum),
    "mean_axis": along(mean),
    "prod_axis": along(np.prod),
    "max_axis": along(np.max),
    "norm_axis": along(norm),
    "var_axis": along(variance),
    "cumsum": np.cumsum,
    "dot": np.dot,
    "outer": np.outer,
    "mv": np.matmul,
    "mm": np.matmul,
    "matmul": np.matmul,
    "reshape": np.reshape,
    "transpose": np.transpose,
    "permute": np.transpose,
    "squeeze": np.squeeze,
    "unsqueeze": np.expand_dims,
    "expand": np.broadcast_to,
    "index": lambda a, index: a[slice(*index["slice"]) if isinstance(index, dict) else index],
    "gather": lambda a, axis, index: np.take_along_axis(a, np.array(index), axis),
    "concat": lambda a, b, axis: np.concatenate([a, b], axis),
    "stack": lambda a, b, axis: np.stack([a, b], axis),
    "pad": lambda a, widths: np.pad(a, [(0, 0)] * (a.ndim - 1) + [widths]),
    "flip": np.flip,
    "roll": np.roll,
}


# --- programs


@dataclass(frozen=True)
class Small:
    """A program that computes `root` from `leaves`; weights: of the root's elements. No leaf is a constant but the `fixed`."""

    operator: str
    instructions: tuple[Instruction, ...]
    leaves: Mapping[str, Array]
    fixed: Mapping[str, Array]
    root: str
    weights: Array


def played(
    program: Small, inputs: Mapping[str, Array], detached: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    """Every value of a program whose leaves are replaced; `detached`: what a constant is, where not its own present value."""
    values = {**inputs, **{name: constants(array) for name, array in program.fixed.items()}}
    for it in program.instructions:
        if it.verb == "apply":
            values[it.out[0]] = applied(it, [operand(arg, values) for arg in it.args])
        elif it.verb == "detach":
            name = it.out[0]
            values[name] = detached[name] if detached else constants(values[str(it.args[0])])
    return values


def operand(arg: Operand, values: Mapping[str, Array]) -> Array:
    return constants(fmpq(*map(int, arg.text.split("/")))) if isinstance(arg, Scalar) else values[arg]


def applied(it: Instruction, operands: Sequence[Array]) -> Array:
    attributes = {key: value for key, value in it.options.items() if key != "operator"}
    found: Any = np.asarray(RULES[it.options["operator"]](*operands, **attributes), dtype=object)
    return np.asarray(
        np.frompyfunc(lambda x: x if isinstance(x, Taylor) else constant(int(x)), 1, 1)(found), dtype=object
    )


def constant(value: Any, terms: int = 3) -> Taylor:
    return Taylor(arb_series([arb(value)], prec=terms))


def constants(values: Any) -> Array:
    """Series without slope of rationals, or of the values of other series."""
    held = np.frompyfunc(lambda x: constant(x.series[0] if isinstance(x, Taylor) else x), 1, 1)
    return np.asarray(held(np.asarray(values, dtype=object)), dtype=object)


def moved(array: Array, direction: Array, step: Any = None) -> Array:
    """The series point + t * direction, or its value at t = step."""
    line: Callable[[Any, Any], Taylor] = (
        (lambda x, d: Taylor(arb_series([arb(x), arb(d)], prec=3)))
        if step is None
        else (lambda x, d: constant(arb(x) + step * arb(d), 1))
    )
    return np.asarray(np.frompyfunc(line, 2, 1)(array, direction), dtype=object)


def eighths(rng: random.Random, shape: Sequence[int], least: int = 1, greatest: int = 15) -> Array:
    """Multiples of 1/8, none of them 0, of either sign."""
    size = int(np.prod(shape, dtype=int))
    flat = np.empty(size, dtype=object)
    flat[:] = [fmpq(rng.choice((-1, 1)) * rng.randint(least, greatest), 8) for _ in range(size)]
    return flat.reshape(tuple(shape))


SHAPES: Final = ((), (1,), (2,), (3,), (4,), (1, 2), (2, 2), (2, 3), (3, 1), (2, 1, 2))
OPERATORS: Final = tuple(sorted(set(RULES) - {"gt"}))  # what is compared has no derivative: it only makes conditions
RANKS: Final = {"dot": 1, "outer": 1, "mv": 2, "mm": 2}
AXES: Final = frozenset({"pad", "cumsum", "flip", "roll", *(name for name in OPERATORS if name.endswith("_axis"))})
UNSUITABLE: Final = (ValueError, IndexError, ZeroDivisionError, Tie)
LARGEST: Final = 100


@dataclass
class Maker:
    """Writes a program step by step, knowing the values so far."""

    rng: random.Random
    instructions: list[Instruction] = field(default_factory=list)
    leaves: dict[str, Array] = field(default_factory=dict)
    fixed: dict[str, Array] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)

    def leaf(self, shape: Sequence[int], array: Array | None = None) -> str:
        """A new leaf; with an array, one that counts as a constant."""
        name, given = f"x{len(self.values)}", eighths(self.rng, shape) if array is None else array
        (self.leaves if array is None else self.fixed)[name] = given
        self.values[name] = constants(given)
        options = {"value": to_json(given), "requires_grad": array is None}
        self.instructions.append(Instruction("leaf", (name,), (), options))
        return name

    def apply(self, operator: str, *args: Operand, **attributes: Any) -> str:
        name = f"x{len(self.values)}"
        it = Instruction("apply", (name,), args, {"operator": operator, **attributes})
        value = applied(it, [operand(arg, self.values) for arg in args])
        if value.size == 0 or value.size > 12 or value.ndim > 4:
            raise ValueError("a modest shape")
        if not all(x.series[0].is_finite() and abs(x.series[0]) < LARGEST for x in value.flat):
            raise ValueError("a modest value")
        self.values[name] = value
        self.instructions.append(it)
        return name

    def detach(self, arg: str) -> str:
        name = f"x{len(self.values)}"
        self.values[name] = constants(self.values[arg])
        self.instructions.append(Instruction("detach", (name,), (arg,)))
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        return self.values[name].shape

    def like(self, a: str, shape: Sequence[int]) -> str:
        """A second operand: `a` itself or an earlier value of that shape, or a new leaf."""
        old = [name for name, value in self.values.items() if value.shape == tuple(shape)]
        return self.rng.choice(old) if old and self.rng.random() < 0.5 else self.leaf(shape)

    def positive(self, a: str) -> str:
        """A value that is well above 0, made of `a`."""
        return self.apply("add", self.apply("square", self.moderate(a)), Scalar(self.rng.choice(("1/4", "1", "1/2"))))

    def moderate(self, a: str) -> str:
        """`a`, where it is small enough for an exponential."""
        return a if all(abs(x.series[0]) < 3 for x in self.values[a].flat) else self.apply("atan", a)

    def step(self, operator: str, a: str) -> str:
        """Applies an operator to `a` and whatever else it needs; raises one of UNSUITABLE."""
        return self.apply(operator, *self.operands(operator, a), **self.attributes(operator, a))

    def operands(self, operator: str, a: str) -> list[Operand]:
        rng, shape = self.rng, self.shape(a)
        n = shape[-1] if shape else 0
        if RANKS.get(operator, len(shape)) != len(shape):
            raise ValueError("another rank")
        if operator in ("add", "sub", "mul", "maximum", "minimum"):
            return [a, self.like(a, self.broadcast(shape))] if rng.random() < 0.5 else [self.like(a, shape), a]
        if operator == "div":
            return [a, self.positive(self.like(a, self.broadcast(shape)))]
        if operator == "where":
            bits = self.leaf(
                shape, np.array([fmpq(rng.randint(0, 1)) for _ in range(self.values[a].size)]).reshape(shape)
            )
            return [rng.choice((bits, self.apply("gt", a, Scalar("1/3")))), a, self.like(a, shape)]
        if operator == "pow":
            exponent = rng.choice(("2", "3", "1", "-1", "-2", "1/2", "-3/2", "5/4"))
            return [a if exponent in ("1", "2", "3") else self.positive(a), Scalar(exponent)]
        if operator in ("log", "log1p", "sqrt", "reciprocal"):
            return [self.positive(a)]
        if operator in UNARY:
            return [self.moderate(a)]
        second: dict[str, Callable[[], Sequence[int]]] = {
            "dot": lambda: (n,),
            "outer": lambda: (rng.randint(1, 3),),
            "mv": lambda: (n,),
            "mm": lambda: (n, rng.randint(1, 3)),
            "matmul": lambda: rng.choice(((n,), (n, 2), (2, n, 1))),
            "concat": lambda: shape,
            "stack": lambda: shape,
        }
        return [a, self.like(a, second[operator]())] if operator in second else [a]

    def broadcast(self, shape: Sequence[int]) -> Sequence[int]:
        rng = self.rng
        fewer = tuple(rng.choice((extent, 1)) for extent in shape)[rng.randint(0, len(shape)) :]
        return rng.choice((shape, fewer, (2, *shape)))

    def attributes(self, operator: str, a: str) -> dict[str, Any]:
        rng, shape = self.rng, self.shape(a)
        rank, size = len(shape), self.values[a].size
        if operator in AXES and not shape:
            raise ValueError("no axis")
        axis = rng.randrange(max(1, rank))
        if operator.endswith("_axis"):
            return {"axis": axis, "keepdim": rng.random() < 0.5}
        ones = [i for i, extent in enumerate(shape) if extent == 1]
        made: dict[str, Callable[[], dict[str, Any]]] = {
            "clamp": lambda: {"low": rng.choice((-1, 0)), "high": 1},
            "cumsum": lambda: {"axis": axis},
            "reshape": lambda: {"shape": rng.choice(((size,), (1, size), (size, 1), (2, -(-size // 2))))},
            "permute": lambda: {"axes": tuple(rng.sample(range(rank), rank))},
            "squeeze": lambda: {"axis": rng.choice(ones or [rank])},
            "unsqueeze": lambda: {"axis": rng.randint(0, rank)},
            "expand": lambda: {"shape": (2, *(2 if extent == 1 else extent for extent in shape))},
            "index": lambda: {"index": index(rng, shape)},
            "gather": lambda: {"axis": axis, "index": positions(rng, shape, axis)},
            "concat": lambda: {"axis": axis},
            "stack": lambda: {"axis": rng.randint(0, rank)},
            "pad": lambda: {"widths": (rng.randint(0, 1), rng.randint(0, 2))},
            "flip": lambda: {"axis": axis},
            "roll": lambda: {"shift": rng.randint(-2, 3), "axis": axis},
        }
        return made[operator]() if operator in made else {}


def index(rng: random.Random, shape: Sequence[int]) -> Any:
    if not shape:
        raise ValueError("nothing to index")
    i = rng.randrange(shape[0])
    return rng.choice((i, [rng.randrange(shape[0]) for _ in range(3)], {"slice": [i, None]}))


def positions(rng: random.Random, shape: Sequence[int], axis: int) -> Any:
    if not shape:
        raise ValueError("nothing to gather")
    size = int(np.prod(shape))
    return np.array([rng.randrange(shape[axis]) for _ in range(size)]).reshape(tuple(shape)).tolist()


def small(seed: int, steps: int = 5) -> Small:
    """A random program; of every len(OPERATORS) in a row each applies another operator for certain."""
    rng = random.Random(seed)
    wanted = OPERATORS[seed % len(OPERATORS)]
    while True:
        maker = Maker(rng)
        maker.leaf(rng.choice(SHAPES))
        try:
            attempt(maker, steps)
            found = maker.step(wanted, rng.choice(list(maker.values)))
            attempt(maker, steps, found)
            root = joined(maker, found)
        except UNSUITABLE:
            continue
        if sum(array.size for array in maker.leaves.values()) > 16:
            continue
        weights = eighths(rng, maker.shape(root))
        return Small(wanted, tuple(maker.instructions), maker.leaves, maker.fixed, root, weights)


def attempt(maker: Maker, steps: int, start: str | None = None) -> None:
    """Up to so many steps; what turns out not to suit is left out."""
    for _ in range(maker.rng.randint(0, steps)):
        before = len(maker.instructions)
        a = start or maker.rng.choice(list(maker.values))
        start = None
        try:
            maker.step(maker.rng.choice(OPERATORS), a)
            if maker.rng.random() < 0.1:
                maker.detach(a)
        except UNSUITABLE:
            forget(maker, before)


def forget(maker: Maker, before: int) -> None:
    for it in maker.instructions[before:]:
        for kept in (maker.values, maker.leaves, maker.fixed):
            kept.pop(it.out[0], None)
    del maker.instructions[before:]


def joined(maker: Maker, last: str) -> str:
    """A value that depends on whatever nothing else reads."""
    read = {arg for it in maker.instructions for arg in it.args}
    ends = [name for name in maker.values if name not in read and name not in maker.fixed and name != last]
    for end in ends:
        last = maker.apply("add", last, maker.apply("mean", maker.apply("mul", end, Scalar("3/4"))))
    return last
