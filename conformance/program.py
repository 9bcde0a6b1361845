"""A program: instructions as data, which every engine executes and the model predicts.

An instruction is a verb with the names it binds (`out`), the operands it reads (`args`: names, or Python scalars), options and,
for a block, a body. `VERBS` says what each verb takes; reading a program from JSON checks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.errors import ConformanceError

SCHEMA: Final = 1


@dataclass(frozen=True)
class Scalar:
    """A Python number used as an operand; `text` is its exact value, such as 3 or 1/2."""

    text: str


Operand = str | Scalar


@dataclass(frozen=True)
class Verb:
    """What an instruction of one kind may carry: its options, and whether it has a body."""

    options: frozenset[str] = frozenset()
    block: bool = False


def _verb(*options: str, block: bool = False) -> Verb:
    return Verb(frozenset(options), block)


# What operators take besides operands.
ATTRIBUTES: Final = ("axis", "axes", "keepdim", "shape", "index", "low", "high", "widths", "shift")
_TUPLES: Final = frozenset({"shape", "axes", "widths"})
# Verbs that give gradients as values: their operands after the root are what to differentiate by, each with a result of its own.
DIFFERENTIATING: Final = ("gradients", "grad")

VERBS: Final[Mapping[str, Verb]] = {
    "leaf": _verb("value", "requires_grad", "dtype"),
    "variable": _verb("value", "requires_grad", "volatile"),
    "rewrap": _verb("requires_grad"),
    "apply": _verb("operator", *ATTRIBUTES),
    "gradients": _verb("cotangent"),
    "backward": _verb("cotangent", "retain_graph", "retain_variables", "create_graph", "inputs"),
    "grad": _verb("cotangent", "retain_graph", "create_graph", "allow_unused"),
    "read_grad": _verb(),
    "set_grad": _verb(),
    "unbind": _verb(),
    "drop": _verb(),
    "native": _verb("text"),
    "clear": _verb("how"),
    "write": _verb("how", "index"),
    "detach": _verb(),
    "require_grad": _verb("flag"),
    "retain_grad": _verb(),
    "hook": _verb("body", block=True),  # also of another hook's handle: its function is registered once more
    "remove": _verb(),
    "raise": _verb(),
    "no_grad": _verb(block=True),
    "enable_grad": _verb(block=True),
    "attempt": _verb(block=True),
    "catch": _verb(block=True),
    "warned": _verb(block=True),
    "thread": _verb(block=True),
    "repeat": _verb("times", block=True),
    "expect": _verb("observe", "relation", "value", "why", "when", "native"),
}


@dataclass(frozen=True)
class Instruction:
    """One step of a program."""

    verb: str
    out: tuple[str, ...] = ()
    args: tuple[Operand, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    body: tuple[Instruction, ...] = ()

    def __post_init__(self) -> None:
        known = VERBS.get(self.verb)
        if known is None:
            raise ConformanceError(f"a program has the unknown verb {self.verb!r}")
        if unknown := set(self.options) - known.options:
            raise ConformanceError(f"{self.verb} does not take {', '.join(sorted(unknown))}")
        if self.body and not known.block:
            raise ConformanceError(f"{self.verb} takes no body")

    def size(self) -> int:
        """How many numbers the instruction and its body take."""
        return 1 + sum(it.size() for it in self.body)


@dataclass(frozen=True)
class Program:
    """A sequence of instructions, and the dtype of its tensors.

    Instructions are numbered in the order of their first lines; a block's number comes before its body's.
    """

    dtype: str
    instructions: tuple[Instruction, ...]

    def to_json(self, answers: bool = True) -> dict[str, Any]:
        """The program as JSON, numbered; without `answers` it says what to look at, and not what is expected to be seen."""
        numbers = iter(range(10**9))
        instructions = _to_json(self.instructions, numbers, frozenset() if answers else ANSWERS)
        return {"schema": SCHEMA, "dtype": self.dtype, "instructions": instructions}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Program:
        """Reads a program; raises ConformanceError when `data` is not one."""
        try:
            if data["schema"] != SCHEMA:
                raise ConformanceError(f"a program of schema {data['schema']!r}; this version reads {SCHEMA}")
            return cls(data["dtype"], tuple(_instruction(part) for part in data["instructions"]))
        except (KeyError, TypeError, ValueError, AttributeError) as reason:
            raise ConformanceError(f"this is not a program: {type(reason).__name__} {reason}") from None

    def walk(self) -> Iterator[tuple[int, Instruction]]:
        """Every instruction with its number."""
        return enumerate(_flat(self.instructions))

    def until(self, last: int) -> Program:
        """The program cut after instruction `last`: what follows cannot have changed what was observed before."""
        return Program(self.dtype, _cut(self.instructions, last, 0)[0])

    def operators(self) -> tuple[str, ...]:
        """The operators that the program applies, each once, sorted."""
        return tuple(sorted({it.options["operator"] for _, it in self.walk() if it.verb == "apply"}))

    def reuses(self) -> bool:
        """Whether an operator reads a name that an operator read before, or reads one twice."""
        names = [arg for _, it in self.walk() if it.verb == "apply" for arg in it.args if isinstance(arg, str)]
        return len(names) != len(set(names))

    def accumulates(self) -> bool:
        """Whether backward runs more than once."""
        return sum(it.verb == "backward" for _, it in self.walk()) > 1

    def __len__(self) -> int:
        """How many instructions do something; expectations only look."""
        return sum(it.verb != "expect" for _, it in self.walk())


# The options of an expectation that are the judge's business, and not an engine's.
ANSWERS: Final = frozenset({"relation", "value", "why", "when"})


def attributes_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What an operator's rule takes besides operands, of an instruction's options: the lists of JSON are tuples there."""
    return {name: tuple(value) if name in _TUPLES else value for name, value in options.items() if name in ATTRIBUTES}


def _to_json(
    instructions: Sequence[Instruction], numbers: Iterator[int], hidden: frozenset[str]
) -> list[dict[str, Any]]:
    return [
        {
            "index": next(numbers),
            "verb": it.verb,
            "out": list(it.out),
            "args": [arg if isinstance(arg, str) else {"scalar": arg.text} for arg in it.args],
            "options": _shown(it, hidden),
            "body": _to_json(it.body, numbers, hidden) if it.body else [],
        }
        for it in instructions
    ]


def _shown(it: Instruction, hidden: frozenset[str]) -> dict[str, Any]:
    unseen = hidden if it.verb == "expect" else ()
    return {key: value for key, value in it.options.items() if key not in unseen}


def _instruction(data: Mapping[str, Any]) -> Instruction:
    return Instruction(
        data["verb"],
        tuple(data["out"]),
        tuple(arg if isinstance(arg, str) else Scalar(arg["scalar"]) for arg in data["args"]),
        dict(data["options"]),
        tuple(_instruction(part) for part in data["body"]),
    )


def _flat(instructions: Sequence[Instruction]) -> Iterator[Instruction]:
    for it in instructions:
        yield it
        if it.body:
            yield from _flat(it.body)


def _cut(instructions: Sequence[Instruction], last: int, number: int) -> tuple[tuple[Instruction, ...], int]:
    kept = []
    for it in instructions:
        if number > last:
            break
        body, number = _cut(it.body, last, number + 1)
        kept.append(Instruction(it.verb, it.out, it.args, it.options, body))
    return tuple(kept), number
