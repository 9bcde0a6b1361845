"""Hooks as protocol programs draw them: what they answer, and what else they do when they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from conformance.generation.author import SCALARS, Author, Row
from conformance.generation.conditions import is_trained, requires, shape_of, small
from conformance.generation.play import ANSWERING
from conformance.program import Instruction, Operand


def _hook(author: Author) -> Instruction | None:
    a = author.any(requires) if author.chance(0.95) else author.any()
    if a is None:
        return None
    out = author.name("h"), author.name("g")
    steps = tuple(_steps(author, a, out)) if author.chance(0.5) else ()
    silent = bool(steps) and (steps[-1].verb == "raise" or author.chance(0.6))
    return Instruction("hook", out if steps else out[:1], (a,), {"body": [] if silent else _body(author, a)}, steps)


def _body(author: Author, a: str) -> list[dict[str, Any]]:
    """What a hook of `a` notes and answers."""
    shape = shape_of(author.state(a)) if author.chance(0.96) else (3,)
    bodies: list[list[dict[str, Any]]] = [
        [],
        [{"scale": author.draw.choice(SCALARS)}],
        [{"replace": author.value(shape)}],
        [{"note": "requires_grad"}, {"scale": "2"}],
    ]
    return author.draw.choices(bodies, (3, 4, 2, 1))[0]


def _steps(author: Author, a: str, out: tuple[str, ...]) -> Iterator[Instruction]:
    """What a hook of `a` does before it answers: `out` are the names of its handle and its argument."""
    rows = [row for row in MEDDLING if all(key in author.offered for key in row.needs)]
    for row in author.draw.choices(rows, [row.weight for row in rows], k=author.draw.choice((1, 1, 2, 3))):
        it = row.make(author, a, out)
        if it is not None:
            yield it
            if it.verb == "raise":
                return


def _answer(author: Author, a: str, out: tuple[str, ...]) -> Instruction:
    shape = shape_of(author.state(a))
    fitting = author.any(small, lambda s: shape_of(s) in (shape, ()))
    other: Operand = fitting if fitting and author.chance(0.4) else author.scalar()
    operator = author.draw.choice(ANSWERING)
    operands = (out[1], other) if author.chance(0.7) else (other, out[1])
    return Instruction("apply", out[1:], out[1:] if operator == "neg" else operands, {"operator": operator})


def _write_inside(author: Author, a: str, out: tuple[str, ...]) -> Instruction | None:
    shape = shape_of(author.state(a))
    others = author.player.shared | author.player.gradients
    c = author.any(small, lambda s: not s.requires_grad and s.memory not in others and shape_of(s) in (shape, ()))
    if c is None or author.chance(0.3):
        c = author.constant(shape)
    if c not in author.player.tensors:
        return None
    by = out[1] if shape_of(author.state(c)) == shape and author.chance(0.5) else author.scalar()
    return Instruction("write", (), (c, by), {"how": author.draw.choice(("add", "mul"))})


def _remove_inside(author: Author, a: str, out: tuple[str, ...]) -> Instruction:
    return Instruction("remove", (), (author.draw.choice((out[0], *author.player.hooks)),))


def _add_inside(author: Author, a: str, out: tuple[str, ...]) -> Instruction | None:
    """The function of a hook that is there, on a tensor of the shape of its own."""
    if not author.player.hooks:
        return None
    name = author.draw.choice(list(author.player.hooks))
    shape = shape_of(author.player.hooks[name][0])
    to = a if author.chance(0.3) else author.any(requires, lambda s: shape_of(s) == shape and s.base is None)
    return Instruction("hook", (), (to, name), {"body": []}) if to else None


@dataclass(frozen=True)
class Step:
    """What a hook may do: how often, how it is made, and which keys an engine must offer for it."""

    weight: float
    make: Callable[[Author, str, tuple[str, ...]], Instruction | None]
    needs: tuple[str, ...] = ()


MEDDLING: Final = (
    Step(6, _answer, ("neg", "add", "sub", "mul")),
    Step(3, _write_inside, ("write.add", "write.mul")),
    Step(4, _remove_inside, ("remove",)),
    Step(4, _add_inside),
    Step(1, lambda author, a, out: Instruction("raise")),
)


def _written_factor(author: Author) -> Instruction | None:
    """A product, and a hook that writes a factor: before the derivative needs it, or after."""
    a = author.any(requires, small)
    if a is None:
        return None
    c = author.constant(shape_of(author.state(a)))
    product = author.applied("mul", a, c)
    if product is None or not author.add(product):
        return None
    out = author.name("h"), author.name("g")
    write = Instruction("write", (), (c, author.draw.choice((out[1], author.scalar()))), {"how": "add"})
    hooked = author.draw.choice((a, *product.out))
    return Instruction("hook", out, (hooked,), {"body": []}, (write,))


def _removed_after(author: Author) -> Instruction | None:
    """Two hooks of a tensor, of which the first removes the second; others may come between them."""
    a = author.any(requires)
    if a is None:
        return None
    first, second, between = (author.name("h") for _ in range(3))
    removing = Instruction("remove", (), (author.draw.choice((second, second, first)),))
    author.add(Instruction("hook", (first, author.name("g")), (a,), {"body": []}, (removing,)))
    if author.chance(0.3):
        author.add(Instruction("hook", (between,), (a,), {"body": _body(author, a)}))
    return Instruction("hook", (second,), (a,), {"body": _body(author, a)})


def _swept_twice(author: Author) -> Instruction | None:
    """A hooked result of which no number is kept, so that a sweep that frees may be followed by another; each calls the hook."""
    a = author.any(is_trained, small)
    result = author.applied(author.draw.choice(("sum", "neg")), a) if a else None
    if result is None or not author.add(result):
        return None
    author.add(Instruction("hook", (author.name("h"),), result.out, {"body": _body(author, *result.out)}))
    shape = shape_of(author.state(result.out[0]))
    cotangent = {"cotangent": author.constant(shape)} if shape else {}
    author.add(Instruction("backward", (), result.out, cotangent))
    return Instruction("backward", (), result.out, cotangent)


def _remove(author: Author) -> Instruction | None:
    hooks = list(author.player.hooks)
    return Instruction("remove", (), (author.draw.choice(hooks),)) if hooks else None


def _retain_grad(author: Author) -> Instruction | None:
    a = author.any(requires) if author.chance(0.95) else author.any()
    return Instruction("retain_grad", (), (a,)) if a else None


HOOKING: Final[tuple[Row, ...]] = (
    Row("hooks", 4, _hook, ("hook",)),
    Row("hooks", 0.5, _removed_after, ("hook", "remove")),
    Row("hooks", 0.7, _written_factor, ("hook", "write.add")),
    Row("hooks", 0.4, _swept_twice, ("hook", "backward", "backward.cotangent")),
    Row("hooks", 1, _remove, ("remove",)),
    Row("hooks", 2, _retain_grad, ("retain_grad",)),
)
