"""Protocol programs: random interleavings of everything that keeps state, legal for the most part."""

from __future__ import annotations

import random
from collections.abc import Mapping
from math import prod
from typing import Any, Final

from conformance.agent.lowering import NotOffered
from conformance.generation.author import SHAPES, Author, Row
from conformance.generation.conditions import (
    has_gradient,
    has_rows,
    is_result,
    is_trained,
    requires,
    shape_of,
    small,
)
from conformance.generation.hooking import HOOKING
from conformance.generation.sketch import Sketch
from conformance.generation.watching import WATCHED
from conformance.model.ways import reached
from conformance.program import Instruction, Operand, Scalar

KINDS: Final = ("functional", "accumulation", "lifetime", "modes", "hooks", "in_place", "views")
# What an engine must offer to be asked a kind: without it programs would be those of the kind before, or differentiate nothing.
ESSENTIAL: Final[Mapping[str, str]] = {
    "functional": "grad",
    "lifetime": "backward",
    "accumulation": "backward",
    "modes": "no_grad",
    "hooks": "hook",
    "in_place": "write.add",
    "views": "write.add",
}


def generate(draw: random.Random, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """A sketch of one of KINDS, of verbs and options that are `offered`: those of the kind prevail over those before it.

    Raises NotOffered when what is essential to the kind is not.
    """
    if ESSENTIAL[kind] not in offered:
        raise NotOffered(ESSENTIAL[kind])
    kinds = KINDS[: KINDS.index(kind) + 1]
    rows = [row for row in ROWS if row.kind in kinds and all(key in offered for key in row.needs)]
    author = Author(draw, dtype, offered, rows, [row.weight * (3 if row.kind == kind else 1) for row in rows])
    instructions = author.write()
    return Sketch(dtype, instructions, (kind, WATCHED) if author.chance(0.5) else (kind,))


# --- functional


def _unary(author: Author) -> Instruction | None:
    a = author.any(small)
    return author.applied(author.draw.choice(("neg", "sum", "sum", "square")), a) if a else None


def _binary(author: Author) -> Instruction | None:
    a = author.any(small)
    if a is None:
        return None
    shape = shape_of(author.state(a))
    b: Operand | None = author.any(small, lambda s: shape_of(s) in (shape, (), (1,)) or author.chance(0.05))
    if author.chance(0.25) or b is None:
        b = author.scalar()
    elif author.chance(0.15):
        b = a
    operands = (a, b) if author.chance(0.6) else (b, a)
    return author.applied(author.draw.choice(("add", "sub", "mul", "mul")), *operands)


def _matrix(author: Author) -> Instruction | None:
    a = author.any(small, lambda s: s.value.array.ndim == 2)
    if a is None:
        return None
    b = author.any(small, lambda s: s.value.array.ndim == 2 and shape_of(s)[0] == shape_of(author.state(a))[1])
    choices = [
        ("mm", (a, b or a), {}),
        ("sum_axis", (a,), {"axis": author.draw.randint(0, 1)}),
        ("transpose", (a,), {}),
    ]
    operator, operands, attributes = author.draw.choice(choices)
    return author.applied(operator, *operands, **attributes)


def _structure(author: Author) -> Instruction | None:
    a = author.any()
    if a is None:
        return None
    shape = shape_of(author.state(a))
    choices: list[tuple[str, dict[str, Any]]] = [("reshape", {"shape": list(author.draw.choice(_shapings(shape)))})]
    if shape and shape[0]:
        i, j = author.draw.randrange(shape[0]), author.draw.randrange(shape[0])
        low = author.draw.randrange(shape[0])
        high = author.draw.randint(low + 1, shape[0])
        choices += [("index", {"index": i}), ("index", {"index": {"slice": [low, high]}})]
        if author.offers("index.list"):
            choices += [("index", {"index": [i, j, i]})]
    operator, attributes = author.draw.choice(choices)
    return author.applied(operator, a, **attributes)


def _shapings(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes into which one may be brought."""
    size = prod(shape)
    whole = [(size,), (1, size), (size, 1)]
    return [*whole, (2, size // 2)] if size and size % 2 == 0 else whole


def _grad(author: Author) -> Instruction | None:
    root = author.any(requires)
    if root is None:
        return None
    count = author.draw.choice((1, 1, 2))
    inputs = _inputs(author, root, count)
    if not inputs:
        return None
    options = _options(author, "grad", ("retain_graph", 0.5), ("create_graph", 0.3), ("allow_unused", 0.05))
    names = tuple(author.name("g") for _ in inputs)
    return Instruction("grad", names, (root, *inputs), {**options, **_cotangent(author, "grad", root)})


def _inputs(author: Author, root: str, count: int) -> list[str]:
    """Different tensors that are asked for, most of them below the root."""
    below = reached(author.state(root).value)
    names = (author.any(requires, lambda s: s.value in below or author.chance(0.03)) for _ in range(count))
    return list(dict.fromkeys(name for name in names if name and name != root))


def _options(author: Author, verb: str, *chances: tuple[str, float]) -> dict[str, bool]:
    drawn = {name: author.chance(probability) for name, probability in chances}
    return {name: True for name, chosen in drawn.items() if chosen and author.offers(f"{verb}.{name}")}


def _cotangent(author: Author, verb: str, root: str) -> dict[str, str]:
    """A cotangent where one is needed, sometimes where none is, seldom of another shape."""
    state = author.state(root)
    needed = state.value.array.size != 1
    if not author.offers(f"{verb}.cotangent") or not author.chance(0.95 if needed else 0.3):
        return {}
    shape = shape_of(state) if author.chance(0.96) else author.draw.choice(SHAPES)
    return {"cotangent": author.constant(shape)}


# --- accumulation and lifetime


def _backward(author: Author) -> Instruction | None:
    root = author.any(requires) if author.chance(0.97) else author.any()
    if root is None:
        return None
    options: dict[str, Any] = _options(author, "backward", ("retain_graph", 0.5), ("create_graph", 0.12))
    if author.offers("backward.inputs") and author.chance(0.12):
        options["inputs"] = _inputs(author, root, author.draw.randint(1, 2))
    return Instruction("backward", (), (root,), {**options, **_cotangent(author, "backward", root)})


def _clear(author: Author) -> Instruction | None:
    a = author.any(has_gradient) if author.chance(0.93) else author.any()
    how = author.draw.choice(("zero", "none"))
    return Instruction("clear", (), (a,), {"how": how}) if a and author.offers(f"clear.{how}") else None


def _set_grad(author: Author) -> Instruction | None:
    a = author.any(is_trained)
    if a is None:
        return None
    shape = shape_of(author.state(a)) if author.chance(0.95) else author.draw.choice(SHAPES)
    return Instruction("set_grad", (), (a, author.constant(shape)))


def _read_grad(author: Author) -> Instruction | None:
    a = author.any(has_gradient)
    return Instruction("read_grad", (author.name("g"),), (a,)) if a else None


def _drop(author: Author) -> Instruction | None:
    a = author.any() if len(author.player.tensors) > 3 else None
    return Instruction("drop", (), (a,)) if a else None


def _repeat(author: Author) -> Instruction | None:
    a = author.any(small)
    if a is None:
        return None
    name = author.name("y")
    operator, other = author.draw.choice((("add", a), ("mul", Scalar("2")), ("sub", Scalar("1")), ("add", name)))
    body = Instruction("apply", (name,), (name, other), {"operator": operator})
    return Instruction("repeat", (name,), (a,), {"times": author.draw.randint(1, 3)}, (body,))


# --- modes


def _detach(author: Author) -> Instruction | None:
    a = author.any()
    return Instruction("detach", (author.name("u"),), (a,)) if a else None


def _require_grad(author: Author) -> Instruction | None:
    a = author.any(lambda s: s.is_leaf) if author.chance(0.9) else author.any(is_result)
    out = (author.name("q"),)
    return Instruction("require_grad", out, (a,), {"flag": author.chance(0.6)}) if a else None


# --- in place, and views


def _write(author: Author) -> Instruction | None:
    a = author.any(small, lambda s: not is_trained(s)) if author.chance(0.85) else author.any(small)
    how = author.draw.choice([how for how in ("add", "mul", "set") if author.offers(f"write.{how}")])
    if a is None:
        return None
    shape = shape_of(author.state(a))
    index: dict[str, Any] = {}
    if how == "set":
        if not shape or not shape[0]:
            return None
        i = author.draw.randrange(shape[0])
        index = {"index": author.draw.choice((i, {"slice": [0, i + 1]}))}
        shape = shape[1:] if index == {"index": i} else (i + 1, *shape[1:])
    fitting = author.any(small, lambda s: shape_of(s) in (shape, ()) or author.chance(0.03))
    b: Operand = fitting if fitting and author.chance(0.6) else author.scalar()
    return Instruction("write", (), (a, b), {"how": how, **index})


def _summed(author: Author, a: str) -> Instruction | None:
    """A sweep that begins with the sum of a tensor."""
    total = author.applied("sum", a)
    return Instruction("backward", (), total.out) if total and author.add(total) else None


def _retained_and_written(author: Author) -> Instruction | None:
    """A result whose gradient is retained, and a write to it: the gradient is that of what was written."""
    a = author.any(requires, is_result, small)
    if a is None or not author.add(Instruction("retain_grad", (), (a,))):
        return None
    how = author.draw.choice(("mul", "mul", "add"))
    return _summed(author, a) if author.add(Instruction("write", (), (a, author.scalar()), {"how": how})) else None


def _through_an_alias(author: Author) -> Instruction | None:
    """A view, at times one that is taken under no_grad, or what is detached; a write through it, which its base shows."""
    a = author.any(small, has_rows, lambda s: not is_trained(s))
    if a is None:
        return None
    i = author.draw.randrange(shape_of(author.state(a))[0])
    view = author.applied("index", a, index=author.draw.choice((i, {"slice": [0, i + 1]})))
    detached = Instruction("detach", (author.name("u"),), (a,))
    alias = detached if author.offers("detach") and author.chance(0.4) else view
    closed = author.offers("no_grad") and author.chance(0.3)
    if alias is None or not (author.under_no_grad(alias) if closed else author.add(alias)):
        return None
    write = Instruction("write", (), (*alias.out, author.scalar()), {"how": author.draw.choice(("mul", "mul", "add"))})
    return _summed(author, a) if author.add(write) else None


def _unbind(author: Author) -> Instruction | None:
    a = author.any(has_rows)
    if a is None:
        return None
    names = tuple(author.name("e") for _ in range(shape_of(author.state(a))[0]))
    return Instruction("unbind", names, (a,))


# --- the table


ROWS: Final[tuple[Row, ...]] = (
    Row("functional", 2, lambda author: author.leaf(trained=author.chance(0.8))),
    Row("functional", 3, _unary),
    Row("functional", 9, _binary),
    Row("functional", 3, _matrix),
    Row("functional", 3, _structure),
    Row("functional", 3, _grad, ("grad",)),
    Row("accumulation", 7, _backward, ("backward",)),
    Row("accumulation", 2, _clear, ("backward",)),
    Row("accumulation", 1, _set_grad, ("set_grad",)),
    Row("accumulation", 2, _read_grad, ("grad_of", "torch")),  # elsewhere a gradient may be an array, no tensor
    Row("lifetime", 1.5, _drop),
    Row("lifetime", 1, _repeat),
    Row("modes", 1.5, _detach, ("detach",)),
    Row("modes", 1.5, _require_grad, ("require_grad",)),
    Row("modes", 2.5, Author.block),
    *HOOKING,
    Row("in_place", 5, _write, ("write.add", "write.mul", "write.set")),
    Row("in_place", 0.7, _retained_and_written, ("retain_grad", "write.add", "write.mul", "backward")),
    Row("views", 1, _through_an_alias, ("write.add", "write.mul", "backward")),
    Row("views", 1.5, _unbind, ("unbind",)),
    Row("views", 5, _structure),
)
