"""Cutting programs up: instructions replaced by their number, what lost a name left out, names exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from conformance.program import DIFFERENTIATING, Instruction, Operand

Instructions = tuple[Instruction, ...]

# What a name stands for, by the verb that binds it; any other verb binds tensors.
_ROLES: Final[Mapping[str, str]] = {"hook": "hook", "attempt": "attempt", "warned": "warned"}
TENSOR: Final = "tensor"
# The names that the recorder of clauses would give, by verb; a result is a y.
_STEMS: Final[Mapping[str, str]] = {
    "leaf": "x",
    "variable": "v",
    "rewrap": "v",
    "detach": "u",
    "require_grad": "q",
    "read_grad": "g",
    "gradients": "g",
    "grad": "g",
    **_ROLES,
}


def numbered(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Every instruction, bodies included, in the order of their numbers."""
    return [inner for it in instructions for inner in (it, *numbered(it.body))]


def rebuilt(instructions: Instructions, change: Callable[[int, Instruction], Iterable[Instruction]]) -> Instructions:
    """The instructions with each replaced by what `change` makes of its number and itself."""
    numbers = count()

    def rebuild(part: Instructions) -> Iterator[Instruction]:
        for it in part:
            number = next(numbers)
            yield from change(number, replace(it, body=tuple(rebuild(it.body))) if it.body else it)

    return tuple(rebuild(instructions))


def exchanged(instructions: Instructions, position: int, *others: Instruction) -> Instructions:
    """The instructions with that at `position` exchanged for `others`."""
    return rebuilt(instructions, lambda number, it: others if number == position else (it,))


def reads(it: Instruction) -> list[str]:
    """The names that an instruction reads itself; its body's are the body's."""
    options = it.options
    cotangent = [options["cotangent"]] if options.get("cotangent") else []
    return [arg for arg in it.args if isinstance(arg, str)] + cotangent + list(options.get("inputs") or ())


def role(it: Instruction) -> str:
    """What the names that an instruction binds stand for."""
    return _ROLES.get(it.verb, TENSOR)


def closed(instructions: Instructions) -> Instructions:
    """What is left when nothing may read a name that is not bound: instructions go, of several inputs the unbound ones.

    A hook may remove one that is bound after it.
    """
    known: set[str] = set()
    handles = {it.out[0] for it in numbered(instructions) if it.verb == "hook" and it.out}

    def keep(part: Instructions, hooked: bool = False) -> Iterator[Instruction]:
        for given in part:
            it = _narrowed(given, known)
            bound = handles if hooked and it.verb == "remove" else known
            if not bound.issuperset(reads(it)) or (it.verb in DIFFERENTIATING and not it.out):
                continue
            if it.verb == "drop":
                known.difference_update(reads(it))
            if it.verb in (
                "repeat",
                "hook",
            ):  # its body reads the name that it goes round by, or its argument and its handle
                known.update(it.out)
            body = tuple(keep(it.body, it.verb == "hook"))
            known.update(it.out)
            yield it if body == it.body else replace(it, body=body)

    return tuple(keep(instructions))


def _narrowed(it: Instruction, known: set[str]) -> Instruction:
    """An instruction without those of several inputs that are not known."""
    if it.verb in DIFFERENTIATING:
        return of_inputs(it, [place for place, name in enumerate(it.args[1:]) if name in known])
    inputs = it.options.get("inputs")
    if not inputs or known.issuperset(inputs):
        return it
    left = [name for name in inputs if name in known]
    return replace(it, options={**it.options, "inputs": left}) if left else it


def of_inputs(it: Instruction, places: Sequence[int]) -> Instruction:
    """A differentiating instruction with some of its inputs only, by their places."""
    if len(places) == len(it.out):
        return it
    args = (it.args[0], *(it.args[1 + place] for place in places))
    return replace(it, args=args, out=tuple(it.out[place] for place in places))


def substituted(it: Instruction, names: Mapping[str, str]) -> Instruction:
    """An instruction that reads other names; inputs that become the same are one."""

    def exchange(operand: Operand) -> Operand:
        return names.get(operand, operand) if isinstance(operand, str) else operand

    options = dict(it.options)
    if options.get("cotangent"):
        options["cotangent"] = exchange(options["cotangent"])
    if options.get("inputs"):
        options["inputs"] = list(dict.fromkeys(names.get(name, name) for name in options["inputs"]))
    result = replace(it, args=tuple(map(exchange, it.args)), options=options)
    if it.verb not in DIFFERENTIATING:
        return result
    inputs = result.args[1:]
    return of_inputs(result, [place for place, name in enumerate(inputs) if name not in inputs[:place]])


def renamed(instructions: Instructions) -> Instructions:
    """The same instructions with the names that a clause would have: x, x2, y …, in the order in which they are bound."""
    names: dict[str, str] = {}
    used: dict[str, int] = {}

    def fresh(it: Instruction, place: int) -> str:
        stem = "c" if it.verb == "leaf" and not it.options.get("requires_grad") else _STEMS.get(it.verb, "y")
        stem = "g" if it.verb == "hook" and place else stem  # its argument
        used[stem] = used.get(stem, 0) + 1
        return stem if used[stem] == 1 else f"{stem}{used[stem]}"

    for it in numbered(instructions):
        for place, name in enumerate(it.out):
            if name not in names:
                names[name] = fresh(it, place)

    def rename(_: int, it: Instruction) -> tuple[Instruction]:
        return (replace(substituted(it, names), out=tuple(names[name] for name in it.out)),)

    return rebuilt(instructions, rename)
