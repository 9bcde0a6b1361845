"""Engines of single numbers: NumPy's object arrays hold them. What moves or gathers elements is NumPy's work, and composed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from conformance.adapter import Adapter
from conformance.probing import candidates as table
from conformance.probing.laboratory import NOTHING, RIGHT, Guess, Laboratory, Outcome
from conformance.probing.protocol import QUESTIONS
from conformance.probing.questions import differentiated, read

# One number, written as `v`: how it is made, read, and asked for its gradient.
_ARGUMENTS: Final = (
    "requires_grad=True",
    "stop_gradient=False",
    "constant=False",
    "trainable=True",
    "",
    "True",
    "'x'",
    "name='x'",
)
_MAKINGS: Final = tuple(f"MAKER({', '.join(filter(None, ('v', argument)))})" for argument in _ARGUMENTS)
_READINGS: Final = (
    "v.data",
    "v.value",
    "v.val",
    "v.item()",
    "float(v)",
    "v.v",
    "v.x",
    "v.data()",
    "v.value()",
    "v.get_value()",
    "v.num",
)
_GRADIENTS: Final = (
    "v.grad",
    "v.gradient",
    "v.g",
    "v.grad()",
    "v.gradient()",
    "v._grad",
    "v.derivative",
    "v.adjoint",
    "v.deriv",
    "v.d",
    "v.get_grad()",
    "v.grad_value",
    "v.grad.data",
    "v.grad.value",
    "v.der",
)
_HELPERS: Final = """
def each(function, array):
    return np.frompyfunc(function, 1, 1)(array)

def number(v):
    return READING if isinstance(v, type(MAKER)) else v
"""
_FUNCTIONS: Final = ("exp", "log", "log1p", "sqrt", "sin", "cos", "sinh", "cosh", "tanh", "sigmoid", "relu", "square")


def _each(name: str) -> tuple[str, str]:
    return f"each(lambda v: v.{name}(), {{a}})", f"each(NS.{name}, {{a}})"


OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "sub": ("np.subtract({a}, {b})",),
    "div": ("np.divide({a}, {b})",),
    "neg": ("np.negative({a})",),
    "pow": ("np.power({a}, {b})",),
    "gt": ("np.greater({a}, {b})",),
    "eq": ("?np.equal({a}, {b})",),
    "abs": ("np.abs({a})",),
    **{name: _each(name) for name in _FUNCTIONS},
    "atan": tuple(spelling for name in ("atan", "arctan") for spelling in _each(name)),
}
_STATE: Final[Mapping[str, tuple[str, ...]]] = {
    "scalar": ("{value}",),
    "clear.zero": ("each(lambda v: v.zero_grad(), {a})", "each(lambda v: setattr(v, 'GRADIENT', 0.0), {a})"),
    "clear.none": ("?each(lambda v: setattr(v, 'GRADIENT', None), {a})",),
    "backward.retain_graph": ("?",),
    "detach": ("each(lambda v: v.detach(), {a})",),
    **{key: table.STATE[key] for key in ("no_grad", "enable_grad", "grad_enabled")},
}


def founded(laboratory: Laboratory, maker: str) -> bool:
    """Looks for the foundations of an engine of single numbers; whether they were found."""
    from implementations.shapes.scalar import COMPOSED, object_arrays

    if "import numpy" not in laboratory.draft.prelude:
        return False
    start = laboratory.draft
    shared = {key: text for key, text in object_arrays().items() if key in ("add", "mul", "shape", *COMPOSED)}
    for making in _MAKINGS:
        for reading in _READINGS:
            draft = _spelled(start, maker, making.replace("MAKER", maker), reading, shared)
            laboratory.draft = replace(draft, composed=COMPOSED)
            outcome = laboratory.tried(laboratory.draft, read([1, -2]))
            if outcome.spelling == "leaf":
                break
            if outcome.worth < RIGHT:
                continue
            for text in (
                "np.asarray({root}).item().backward()",
                "np.asarray({root}).item().backprop()",
                "NS.backward(np.asarray({root}).item())",
            ):
                for backward in laboratory.expanded([text]):
                    if _differentiates(laboratory, backward):
                        return True
    return False


def _spelled(start: Adapter, maker: str, making: str, reading: str, shared: Mapping[str, str]) -> Adapter:
    prelude = (
        start.prelude.rstrip()
        + "\n"
        + _HELPERS.replace("READING", reading).replace("MAKER", making.replace("(v", "(1.0"))
    )
    make = maker if making == f"{maker}(v)" else f"lambda v: {making}"
    leaf = f"each({make}, {{value}})"
    own = {"leaf": leaf, "constant": leaf, "value": "np.asarray(each(number, {a})).tolist()"}
    return replace(start, prelude=prelude, spellings={**shared, **own})


def _differentiates(laboratory: Laboratory, backward: str) -> bool:
    """The first way to read a gradient that is right, else the first that gives a number."""
    best: tuple[Outcome, str] | None = None
    for gradient in _GRADIENTS:
        grad_of = f"each(lambda v: {gradient}, {{a}})"
        outcome = laboratory.tried(laboratory.spelt(backward=backward, grad_of=grad_of), differentiated)
        if outcome.worth != NOTHING and (best is None or outcome.worth > best[0].worth):
            best = outcome, grad_of
        if outcome.worth == RIGHT or outcome.spelling == "backward":
            break
    if best is None:
        return False
    laboratory.draft = laboratory.spelt(backward=backward, grad_of=best[1])
    for key in ("leaf", "value", "add", "mul", "sum", "backward", "grad_of"):
        laboratory.guesses.append(Guess(key, laboratory.draft.spellings[key], best[0]))
    laboratory.choose("constant", [laboratory.draft.spellings["leaf"]], QUESTIONS["constant"])
    return True


def rows(laboratory: Laboratory, maker: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What else is tried."""
    gradient = laboratory.draft.spellings["grad_of"].partition("v.")[2].partition(",")[0]
    named = gradient.isidentifier()
    yield "scalar", _STATE["scalar"]
    for key, texts in (*OPERATORS.items(), *_STATE.items()):
        yield (
            key,
            tuple(
                t.replace("GRADIENT", gradient).replace("MAKER", maker) for t in texts if named or "GRADIENT" not in t
            ),
        )
