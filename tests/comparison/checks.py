"""torch's gradcheck and JAX's check_grads of an engine's operators, with their defaults; and comparisons at a fixed tolerance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np
import torch
from jax.test_util import check_grads

from conformance.execution import Engine
from conformance.judge import Finding
from conformance.program import Program
from tests.comparison.operators import Array, Query, Situation, real

jax.config.update("jax_enable_x64", True)

RTOL: Final = 1e-5


Compute = Callable[[Query], list[Array]]
Check = Callable[[Compute, Situation], None]


def gradcheck(compute: Compute, situation: Situation) -> None:
    """torch.autograd.gradcheck: finite differences of the result against the engine's gradients, entry by entry."""

    class Wrapped(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *operands: Any) -> Any:
            ctx.operands = tuple(each.numpy().copy() for each in operands)
            return torch.from_numpy(compute(Query(ctx.operands))[0])

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            gradients = compute(Query(ctx.operands, cotangent.numpy().copy()))[1:]
            return *([None] * situation.bits()), *map(torch.from_numpy, gradients)

    fixed = situation.bits()
    torch.autograd.gradcheck(
        Wrapped.apply, [torch.tensor(each, requires_grad=i >= fixed) for i, each in enumerate(situation.operands)]
    )


def grads_checked(compute: Compute, situation: Situation) -> None:
    """jax.test_util.check_grads, to first order in reverse mode: one random direction."""
    fixed = situation.operands[: situation.bits()]

    def asked(operands: Any, cotangent: Any = None) -> list[Any]:
        given = None if cotangent is None else np.array(cotangent)
        return [jax.numpy.asarray(each) for each in compute(Query((*fixed, *map(np.array, operands)), given))]

    function = jax.custom_vjp(lambda *operands: asked(operands)[0])
    function.defvjp(
        lambda *operands: (asked(operands)[0], operands),
        lambda operands, cotangent: tuple(asked(operands, cotangent)[1:]),
    )
    check_grads(function, tuple(map(jax.numpy.asarray, situation.operands[len(fixed) :])), order=1, modes=("rev",))


CHECKS: Final[Mapping[str, Check]] = {"gradcheck": gradcheck, "check_grads": grads_checked}


@dataclass(frozen=True)
class Passed:
    """A check that the engine without a fault passes in one situation: what it asked, and what it was told."""

    check: Check
    situation: Situation
    queries: tuple[Query, ...]
    answers: tuple[list[Array], ...]

    def passes(self, engine: Engine) -> bool:
        """Whether another engine passes it. One that answers the very same, query after query, does; else it is checked."""
        try:
            answers = self.situation.computed(engine, *self.queries)
        except RuntimeError:
            return False
        same = len(answers) == len(self.answers) and all(
            len(a) == len(b) and all(map(np.array_equal, a, b)) for a, b in zip(answers, self.answers, strict=True)
        )
        return same or passed(self.check, engine, self.situation) is not None


def passed(check: Check, engine: Engine, situation: Situation) -> Passed | None:
    """The check, if the engine passes it; it fails by raising, and so it does when the engine raises."""
    queries, answers = list[Query](), list[list[Array]]()

    def compute(query: Query) -> list[Array]:
        (answer,) = situation.computed(engine, query)
        queries.append(query)
        answers.append([each.copy() for each in answer])
        return answer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(compute, situation)
        except (AssertionError, RuntimeError, ValueError, TypeError):
            return None
    return Passed(check, situation, tuple(queries), tuple(answers))


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
