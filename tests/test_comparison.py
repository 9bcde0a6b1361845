"""The comparison with other checks: they are made as a careful author makes them, and see what they can see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.adapter import load, resolve
from conformance.execution import Engine
from conformance.operators import OPERATORS

pytest.importorskip("torch", reason="torch is not installed: install the extra [torch]")
pytest.importorskip("jax", reason="jax is not installed: install the extra [jax]")

from tests.comparison.checks import CHECKS, agrees, passed
from tests.comparison.operators import Query, situations

FEW = [it for it in situations() if it.operator in ("mul", "where", "max", "pow", "exp")]


@pytest.fixture(scope="module")
def kernels() -> Iterator[Engine]:
    with Engine(load("kernels")) as engine:
        yield engine


def test_every_operator_is_checked() -> None:
    """Each operator that has a derivative stands in a situation, those of two operands with broadcasting too."""
    assert {it.operator for it in situations()} == {name for name, record in OPERATORS.items() if not record.result}
    shapes = {tuple(each.shape for each in it.operands) for it in situations() if it.operator == "div"}
    assert shapes == {((2, 3), (2, 3)), ((2, 1), (3,))}


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_engine_passes(name: str, kernels: Engine) -> None:
    """A check that it passes is one that it passes again, by the same answers."""
    for it in FEW:
        found = passed(CHECKS[name], kernels, it)
        assert found is not None, it.operator
        assert found.queries
        assert found.passes(kernels)


@pytest.mark.parametrize("name", CHECKS)
def test_a_gross_fault_is_found(name: str, kernels: Engine) -> None:
    """A second factor that receives nothing is found by either check, and the other operators pass."""
    with Engine(resolve("reference,mutant=mul_counts_one_use")) as broken:
        verdicts = {it.operator: passed(CHECKS[name], broken, it) is not None for it in FEW}
        assert verdicts == {"mul": False, "where": True, "max": True, "pow": True, "exp": True}
        before = [found for it in FEW if it.operator == "mul" and (found := passed(CHECKS[name], kernels, it))]
        assert not all(found.passes(broken) for found in before)


def test_what_is_asked_in_one_program_is_answered_query_after_query(kernels: Engine) -> None:
    """The result alone, or with a cotangent the gradients too; a condition has none."""
    (where, *_) = [it for it in FEW if it.operator == "where"]
    first, both = where.computed(kernels, Query(where.operands), Query(where.operands, where.operands[1]))
    assert len(first) == 1
    assert [each.shape for each in both] == [(2, 3)] * 3
    assert (both[1] + both[2] == where.operands[1]).all()


def test_a_fixed_tolerance_lets_a_small_fault_through(kernels: Engine) -> None:
    """sin's derivative off by a billionth: our bounds see it, 1e-5 does not."""
    from conformance.clause import specification
    from conformance.judge import Finding, judge
    from conformance.planted import Programs

    (case,) = [it for it in specification()["programs/functional"].cases() if it.id.endswith("[benign,float64]")]
    programs = [it for *_, it in Programs(kernels.adapter.offers, 0, 60).of(case) if "sin" in it.operators()]
    with Engine(resolve("kernels,mutant=sin_vjp_is_off_by_a_billionth")) as broken:
        assert all(agrees(broken, program, 1e-8) for program in programs)
        replies = [(program, broken.run(program)) for program in programs]
    assert any(judge(program, reply).finding for program, reply in replies if not isinstance(reply, Finding))
