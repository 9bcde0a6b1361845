"""What the minimiser tries: a table of edits, each of which makes smaller or plainer programs of one by changing one place.

An edit takes instructions and the number of one of them, and yields candidates, the boldest first. Each candidate is less than
what it was made of, so that trying comes to an end: fewer instructions, then fewer options, then earlier operands, then smaller
arrays, then plainer numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np

from conformance.generation.surgery import (
    TENSOR,
    Instructions,
    closed,
    exchanged,
    numbered,
    of_inputs,
    rebuilt,
    role,
    substituted,
)
from conformance.operators.table import OPERATORS
from conformance.program import DIFFERENTIATING, VERBS, Instruction, Scalar

Edit = Callable[[Instructions, int], Iterator[Instructions]]

# Options that may simply be left out, and flags that must be said and may be False.
_OPTIONAL: Final = (
    "retain_graph",
    "retain_variables",
    "create_graph",
    "inputs",
    "cotangent",
    "allow_unused",
    "keepdim",
)
_FLAGS: Final = ("requires_grad", "volatile")
# Verbs whose only result may be taken for one of their operands.
_TRANSPARENT: Final = ("apply", "detach", "rewrap", "read_grad", "require_grad")
_LEAVES: Final = ("leaf", "variable")


# --- instructions


def dropping(size: int) -> Edit:
    """Leaves out `size` instructions, with all that need their names."""

    def edit(instructions: Instructions, position: int) -> Iterator[Instructions]:
        if position % size == 0:
            gone = range(position, position + size)
            yield closed(rebuilt(instructions, lambda number, it: () if number in gone else (it,)))

    return edit


def unwrapping(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Puts a block's body in its place; of a loop, one round of it."""
    it = numbered(instructions)[position]
    if VERBS[it.verb].block:
        start = {it.out[0]: str(it.args[0])} if it.verb == "repeat" else {}
        yield closed(exchanged(instructions, position, *(substituted(inner, start) for inner in it.body)))


def bypassing(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Takes an operand for the result, and an earlier leaf for a leaf."""
    every = numbered(instructions)
    it = every[position]
    if it.verb in _TRANSPARENT:
        instead = [arg for arg in it.args if isinstance(arg, str)]
    elif it.verb in _LEAVES:
        instead = [other.out[0] for other in every[:position] if other.verb in _LEAVES]
    else:
        return
    for name in dict.fromkeys(instead):
        names = {it.out[0]: name}

        def change(number: int, other: Instruction, names: Mapping[str, str] = names) -> tuple[Instruction, ...]:
            dropped = other.verb == "drop" and other.args[0] in names
            return () if number == position or dropped else (substituted(other, names),)

        yield closed(rebuilt(instructions, change))


# --- options and operands


def without_options(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Leaves out an option, an input of several, an action of a hook; fewer rounds of a loop."""
    it = numbered(instructions)[position]
    for simpler in _with_fewer_options(it):
        yield closed(exchanged(instructions, position, simpler))


def _with_fewer_options(it: Instruction) -> Iterator[Instruction]:
    options = it.options
    for name in _OPTIONAL:
        if options.get(name):
            yield replace(it, options={key: value for key, value in options.items() if key != name})
    for name in _FLAGS:
        if options.get(name):
            yield replace(it, options={**options, name: False})
    for name in ("inputs", "body"):
        parts = list(options.get(name) or ())
        for place in range(len(parts) if len(parts) > 1 or name == "body" else 0):
            yield replace(it, options={**options, name: parts[:place] + parts[place + 1 :]})
    if it.verb in DIFFERENTIATING and len(it.out) > 1:
        for place in range(len(it.out)):
            yield of_inputs(it, [other for other in range(len(it.out)) if other != place])
    if it.verb == "repeat" and options["times"] > 1:
        for times in dict.fromkeys((1, 2, options["times"] // 2, options["times"] - 1)):
            if 0 < times < options["times"]:
                yield replace(it, options={**options, "times": times})


def earlier_operands(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Reads a name that was bound earlier, in one place."""
    every = numbered(instructions)
    it = every[position]
    bound = list(dict.fromkeys(name for other in every[:position] if role(other) == TENSOR for name in other.out))
    for place, arg in enumerate(it.args):
        if arg not in bound or (it.verb in DIFFERENTIATING and place):
            continue
        for name in bound[: bound.index(str(arg))]:
            args = (*it.args[:place], name, *it.args[place + 1 :])
            yield closed(exchanged(instructions, position, replace(it, args=args)))
    cotangent = it.options.get("cotangent")
    for name in bound[: bound.index(cotangent)] if cotangent in bound else ():
        yield exchanged(instructions, position, replace(it, options={**it.options, "cotangent": name}))


# An operator of one or two operands that does nothing of its own to what flows through it, by the shapes it takes.
_PLAIN: Final = {"elementwise": "add", "any": "neg"}


def plainer_operators(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Adds, or changes the sign, instead of something harder: then the operator is not at fault."""
    it = numbered(instructions)[position]
    operator = OPERATORS.get(it.options.get("operator", ""))
    plain = _PLAIN.get(operator.shapes) if operator and not operator.attributes else None
    if plain and operator and operator.name not in _PLAIN.values() and len(it.args) == len(OPERATORS[plain].domain):
        yield exchanged(instructions, position, replace(it, options={"operator": plain}))


# --- shapes

Array = np.ndarray[Any, np.dtype[Any]]
Cut = Callable[[Array], Array]
Shaped = Callable[[list[int]], list[int]]


def smaller_arrays(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Cuts every array that goes with this one: to a number, without an axis, every axis of one extent shorter."""
    it = numbered(instructions)[position]
    if it.verb not in _LEAVES:
        return
    shape = tuple(it.options["value"]["shape"])
    if 0 in shape:
        return
    if shape:
        yield _all_cut(instructions, _first, lambda _: [])
    for axis in range(len(shape)):
        yield _all_cut(instructions, *_without_axis(axis, len(shape)))
    for extent in dict.fromkeys(shape):
        for shorter in _shorter(extent):
            yield _all_cut(instructions, *_with_extent(extent, shorter))


def smaller_array(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Cuts the array of one leaf."""
    it = numbered(instructions)[position]
    if it.verb not in _LEAVES:
        return
    shape = tuple(it.options["value"]["shape"])
    if not shape or 0 in shape:
        return
    cuts = [_first, *(_without_axis(axis, len(shape))[0] for axis in range(len(shape)))]
    cuts += [_cut_along(axis, shorter) for axis, extent in enumerate(shape) for shorter in _shorter(extent)]
    for cut in cuts:
        yield exchanged(instructions, position, _cut(it, cut, None))


def _shorter(extent: int) -> list[int]:
    return [shorter for shorter in dict.fromkeys((1, 2, extent // 2, extent - 1)) if 0 < shorter < extent]


def _first(array: Array) -> Array:
    return array.reshape(-1)[:1].reshape(()) if array.size else array


def _without_axis(axis: int, rank: int) -> tuple[Cut, Shaped]:
    def cut(array: Array) -> Array:
        return np.asarray(array.take(0, axis)) if array.ndim == rank and array.size else array

    return cut, lambda shape: shape[:axis] + shape[axis + 1 :] if len(shape) == rank else shape


def _with_extent(extent: int, shorter: int) -> tuple[Cut, Shaped]:
    def cut(array: Array) -> Array:
        return array[tuple(slice(shorter) if size == extent else slice(None) for size in array.shape)]

    return cut, lambda shape: [shorter if size == extent else size for size in shape]


def _cut_along(axis: int, shorter: int) -> Cut:
    return lambda array: array[(slice(None),) * axis + (slice(shorter),)]


def _all_cut(instructions: Instructions, cut: Cut, shaped: Shaped) -> Instructions:
    """Every array cut, and every `shape` that an operator takes with it."""
    return rebuilt(instructions, lambda _, it: (_cut(it, cut, shaped),))


def _cut(it: Instruction, cut: Cut, shaped: Shaped | None) -> Instruction:
    options = dict(it.options)
    if it.verb in _LEAVES:
        options["value"] = _cut_value(options["value"], cut)
    elif it.verb == "hook":
        actions = options["body"]
        options["body"] = [
            {**act, "replace": _cut_value(act["replace"], cut)} if "replace" in act else act for act in actions
        ]
    elif "shape" in options and shaped:
        options["shape"] = shaped(list(options["shape"]))
    return replace(it, options=options)


def _cut_value(value: Mapping[str, Any], cut: Cut) -> dict[str, Any]:
    elements = np.empty(len(value["values"]), dtype=object)
    elements[:] = value["values"]
    array = np.asarray(cut(elements.reshape(value["shape"])), dtype=object)
    return {"shape": list(array.shape), "values": list(array.flat)}


# --- numbers


def plainer_attributes(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """The first axis, the first index, a shorter list of indices."""
    it = numbered(instructions)[position]
    for name in ("axis", "index", "shift"):
        for plainer in _plainer_attribute(it.options.get(name)):
            yield exchanged(instructions, position, replace(it, options={**it.options, name: plainer}))


def _plainer_attribute(value: Any) -> Iterator[Any]:
    if isinstance(value, int) and value not in (0, False):
        yield from (0, 1) if value != 1 else (0,)
    elif isinstance(value, list):
        if any(value):
            yield [max(0, place - 1) for place in value]
        if len(value) > 1:
            yield from (value[:place] + value[place + 1 :] for place in reversed(range(len(value))))


def plainer_numbers(instructions: Instructions, position: int) -> Iterator[Instructions]:
    """Plainer numbers: all at once, then one after the other."""
    it = numbered(instructions)[position]
    texts = _texts(it)
    tries = [[_plainest(text, goal) for text in texts] for goal in _GOALS]
    tries.append([_plainest(text, *map(str, _near(text))) for text in texts])
    for place, text in enumerate(texts):
        plainer = dict.fromkeys(_plainest(text, other) for other in (*_GOALS, *map(str, _near(text))))
        tries += [[*texts[:place], other, *texts[place + 1 :]] for other in plainer]
    for numbers in tries:
        if numbers != texts:
            yield exchanged(instructions, position, _with_texts(it, numbers))


_GOALS: Final = ("1", "2", "0")
_BITS: Final = (0, 1, 2, 4, 8, 16)  # of a fraction that is still short


def plainness(text: str) -> tuple[Any, ...]:
    """A key by which plain numbers come first: 1, 2, 0, then the shorter, the smaller, the positive."""
    if text in _GOALS:
        return (0, _GOALS.index(text))
    return (1, len(text), abs(Fraction(text)), text.startswith("-"))


def _plainest(text: str, *others: str) -> str:
    """The first of `others` that is plainer than `text`; else the text."""
    return next((other for other in others if plainness(other) < plainness(text)), text)


def _near(text: str) -> list[Fraction]:
    value = Fraction(text)
    return [Fraction(round(value * 2**bits), 2**bits) for bits in _BITS] + [abs(value)]


def _texts(it: Instruction) -> list[str]:
    """The numbers of an instruction: a leaf's elements, Python scalars, what a hook scales or replaces by."""
    texts = list(it.options["value"]["values"]) if it.verb in _LEAVES else []
    texts += [arg.text for arg in it.args if isinstance(arg, Scalar)]
    for action in it.options.get("body", ()):
        texts += [action["scale"]] if "scale" in action else list(action.get("replace", {}).get("values", ()))
    return texts


def _with_texts(it: Instruction, texts: Sequence[str]) -> Instruction:
    left, options = iter(texts), dict(it.options)
    if it.verb in _LEAVES:
        options["value"] = _filled(options["value"], left)
    args = tuple(Scalar(next(left)) if isinstance(arg, Scalar) else arg for arg in it.args)
    if "body" in options:
        options["body"] = [_filled_action(action, left) for action in options["body"]]
    return replace(it, args=args, options=options)


def _filled_action(action: Mapping[str, Any], left: Iterator[str]) -> dict[str, Any]:
    if "scale" in action:
        return {**action, "scale": next(left)}
    return {**action, "replace": _filled(action["replace"], left)} if "replace" in action else dict(action)


def _filled(value: Mapping[str, Any], left: Iterator[str]) -> dict[str, Any]:
    return {**value, "values": [next(left) for _ in value["values"]]}


# In this order, again and again, until none of them helps.
EDITS: Final[tuple[Edit, ...]] = (
    *(dropping(size) for size in (16, 8, 4, 2, 1)),
    unwrapping,
    bypassing,
    without_options,
    earlier_operands,
    plainer_operators,
    smaller_arrays,
    smaller_array,
    plainer_attributes,
    plainer_numbers,
)
