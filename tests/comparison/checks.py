"""torch's gradcheck and JAX's check_grads of an engine's operators, with their defaults; and comparisons at a fixed tolerance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import jax
import numpy as np
import torch
from jax.test_util import check_grads

from conformance.execution import Engine
from conformance.judge import Finding
from conformance.operators import OPERATORS
from conformance.program import Program
from tests.comparison.operators import Situation, real

jax.config.update("jax_enable_x64", True)

RTOL: Final = 1e-5


def gradcheck(engine: Engine, situation: Situation) -> bool:
    """Whether torch.autograd.gradcheck passes: finite differences of the result against the engine's gradients."""

    class Wrapped(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *operands: Any) -> Any:
            ctx.operands = [each.numpy() for each in operands]
            return torch.from_numpy(situation.computed(engine, ctx.operands)[0])

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            gradients = situation.computed(engine, ctx.operands, cotangent.numpy())[1:]
            return *_fixed(situation), *map(torch.from_numpy, gradients)

    fixed = len(_fixed(situation))
    operands = [torch.tensor(each, requires_grad=i >= fixed) for i, each in enumerate(situation.operands)]
    return bool(torch.autograd.gradcheck(Wrapped.apply, operands))


def checked_grads(engine: Engine, situation: Situation) -> bool:
    """Whether jax.test_util.check_grads passes, to first order in reverse mode: one random direction."""
    fixed = situation.operands[: len(_fixed(situation))]

    @jax.custom_vjp
    def function(*operands: Any) -> Any:
        return jax.numpy.asarray(situation.computed(engine, [*fixed, *map(np.asarray, operands)])[0])

    def forward(*operands: Any) -> tuple[Any, Any]:
        return function(*operands), operands

    def backward(operands: Any, cotangent: Any) -> Any:
        gradients = situation.computed(engine, [*fixed, *map(np.asarray, operands)], np.asarray(cotangent))[1:]
        return tuple(map(jax.numpy.asarray, gradients))

    function.defvjp(forward, backward)
    check_grads(function, tuple(map(jax.numpy.asarray, situation.operands[len(fixed) :])), order=1, modes=("rev",))
    return True


def _fixed(situation: Situation) -> tuple[None, ...]:
    """A place for each operand that has no gradient: the condition of `where`."""
    return (None,) if OPERATORS[situation.operator].reals[0] == "bits" else ()


def passes(check: Callable[[Engine, Situation], bool], engine: Engine, situation: Situation) -> bool:
    """Whether a check passes; it fails by raising, as it does when the engine raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return check(engine, situation)
        except (AssertionError, RuntimeError, ValueError, TypeError):
            return False


CHECKS: Final[Mapping[str, Callable[[Engine, Situation], bool]]] = {
    "gradcheck": gradcheck,
    "check_grads": checked_grads,
}


def agrees(engine: Engine, program: Program, atol: float) -> bool:
    """Whether all numbers that a functional program shows are the true ones, to RTOL of the truth and `atol`."""
    reply = engine.run(program)
    if isinstance(reply, Finding) or reply["failure"]:
        return False
    observed = dict(reply["observations"])
    pairs = (
        (observed[index], it.options["value"])
        for index, it in program.walk()
        if it.verb == "expect" and index in observed
    )
    return all(_near(seen.get("values", ()), wanted["values"], atol) for seen, wanted in pairs)


def _near(seen: Sequence[str], truth: Sequence[str], atol: float) -> bool:
    return len(seen) == len(truth) and all(_close(real(a), real(b), atol) for a, b in zip(seen, truth, strict=True))


def _close(a: float, b: float, atol: float) -> bool:
    return math.isfinite(a) and abs(a - b) <= atol + RTOL * abs(b)


def first_disagreement(engine: Engine, sound: Engine, programs: Iterable[Program], atol: float) -> int | None:
    """The index of the first program at which the broken engine is off by more, and the sound one is not."""
    for index, program in enumerate(programs):
        if not agrees(engine, program, atol) and agrees(sound, program, atol):
            return index
    return None
