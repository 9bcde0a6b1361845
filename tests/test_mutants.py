"""Every clause kills its mutant, and the witness that is printed shows the fault when it is run as a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from conformance.adapter import load
from conformance.clause import Clause, specification
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.mutation import attacked, missing, scripts_of
from conformance.operators import OPERATORS
from conformance.showing import said
from tests.forked import Forked

CLAUSES = list(specification().values())


@pytest.fixture(scope="module", autouse=True)
def _scripts_are_forked() -> Iterator[None]:
    with Forked() as forked, pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.showing.alone", forked.alone)
        yield


def receivers(operator: str) -> int:
    """How many operands receive a gradient."""
    return sum(domain not in ("bits", "exponent") for domain in OPERATORS[operator].domain)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_the_clause_kills_its_mutant(clause: Clause) -> None:
    """The verdict on the mutant is `fail`, and the witness, run as a script, prints what the record says was seen.

    On the engine without the fault it prints something else.
    """
    if engine := missing(clause):
        pytest.skip(f"its mutant is one of {engine}, which is not installed")
    record = attacked(clause, seed=0)
    assert record["verdict"] == "fail", record["message"]
    scripts = scripts_of(clause, record)
    assert scripts.broken == record["script"]
    output = said(scripts.broken)
    last = "\n".join(output.strip().splitlines()[-1 - record["got"].count("\n") :])
    assert shows(last, record["got"]), f"{record['script']}\nprinted {last!r}, recorded {record['got']!r}"
    assert said(scripts.sound) != output, record["script"]


# Faults that engines are known for, with the clause that describes each: the mutant is the fault, which the test above tries.
FAULTS = {
    "third use of a leaf dropped": ("third_contribution_is_dropped", "accumulation/the_third_use_counts"),
    "two leaves share one gradient buffer": ("leaves_share_a_gradient", "accumulation/leaves_share_no_gradient"),
    "the caller's cotangent becomes .grad": ("gradient_aliases_the_cotangent", "vjp/the_cotangent_is_not_kept"),
    "zeroing replaces the object": ("zeroing_replaces_the_gradient", "zeroing/a_held_gradient_is_cleared_too"),
    "hook called per contribution": ("hook_runs_per_contribution", "hooks/hook_sees_the_whole_cotangent_once"),
    "hook order reversed": ("hooks_run_in_reverse", "hooks/hooks_run_in_the_order_of_registration"),
    "retain_grad taken before hooks": (
        "retained_gradients_are_taken_before_hooks",
        "leaves/a_retained_gradient_is_what_the_hooks_made_of_it",
    ),
    "nested no_grad re-enables": (
        "leaving_an_inner_no_grad_re_enables",
        "no_grad/leaving_an_inner_block_restores_the_outer_mode",
    ),
    "grad mode shared by threads": ("the_mode_is_of_the_process", "threads/a_new_thread_records"),
    "functional grad fills .grad": ("grad_writes_into_leaves", "functional_grad/touches_no_accumulated_gradient"),
    "a freed graph gives zeros": ("freed_values_read_as_zeros", "second_backward/never_silently_wrong"),
    "broadcast gradient averaged": ("broadcast_averages", "scalar_backward/gradient_has_the_leafs_shape"),
    "only leading axes reduced": ("only_leading_axes_are_summed", "scalar_backward/an_axis_of_one_is_summed_again"),
    "0-d leaf gets shape (1,)": ("lone_gradients_become_vectors", "scalar_backward/a_lone_number_keeps_its_shape"),
    "float32 leaf gets a float64 gradient": (
        "gradients_are_double",
        "leaf_dtypes/a_gradient_has_the_dtype_of_its_leaf",
    ),
    "an uneven diamond in the wrong order": ("places_run_when_first_reached", "accumulation/an_uneven_diamond"),
    "equal tensors merged by value": ("equal_leaves_are_merged", "accumulation/equal_leaves_are_different"),
    "square matmul without transpose": ("mm_forgets_to_transpose_the_left", "vjp/a_square_matrix_product"),
    "repeated index counted once": (
        "repeated_indices_count_once",
        "accumulation/an_index_counts_as_often_as_it_occurs",
    ),
    "x - x and x / x": ("difference_with_itself_counts_once", "accumulation/both_operands_the_same"),
    "a dropped temporary loses its graph": ("graphs_die_with_names", "lifetime/dropped_results_stay_in_the_graph"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_known_fault_has_a_clause(fault: str) -> None:
    """Each fault is the mutant of a clause whose sentence describes it."""
    mutant, clause = FAULTS[fault]
    assert specification()[clause].mutant == mutant


# What is spoiled at every operator alike, as a patch of the reference, and which operators the clause may then pass.
SPOILED = {
    "the value": (
        """
from implementations.reference import core
def record(*arguments, right=core.record, **options):
    result = right(*arguments, **options)
    if core.is_grad_enabled():
        result.data = result.data + 1
    return result
core.record = record
""",
        set(),
    ),
    **{
        f"what operand {position} receives": (
            f"""
from implementations.reference import core
def propagate(*arguments, right=core.propagate):
    for position, (place, part) in enumerate(right(*arguments)):
        yield place, part * 2 if position == {position} else part
core.propagate = propagate
""",
            passing,
        )
        for position, passing in ((0, {"cos", "cosh"}), (1, {name for name in OPERATORS if receivers(name) < 2}))
    },
}


@pytest.mark.parametrize("part", SPOILED)
def test_no_operator_goes_unexamined(part: str) -> None:
    """The clause fails each operator that is spoiled; cos and cosh, whose derivative at 0 is 0, fall to that of higher orders."""
    patch, passing = SPOILED[part]
    clause = specification()["operators/value_and_gradient"]
    cases = [case for case in clause.cases() if case.dtype == "float64"]
    with Engine(load("reference").patched(patch)) as engine:
        records = {case.parameters["operator"]: examine(case, engine, Effort("quick", 0)) for case in cases}
    assert len(records) > 50
    survivors = {operator: record["verdict"] for operator, record in records.items() if record["verdict"] != "fail"}
    assert survivors == dict.fromkeys(passing & records.keys(), "pass")


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
FLAG = re.compile(r"\b(?:True|False|float\d+)\b")
NAMES = re.compile(r"dtype=\S+|\bfloat\d+")


def shows(printed: str, said: str) -> bool:
    """Whether a script's last line says the same as a record: the same numbers, or the same words."""
    if is_array(said):
        return numbers(printed) == numbers(said.partition(" of shape ")[0])
    if " calls" in said:
        calls = said.partition(" calls")[2]
        return numbers(printed) == numbers(calls) and FLAG.findall(printed) == FLAG.findall(calls)
    return {"None": "no gradient"}.get(printed, printed) == said or printed.endswith(f".{said}")


def is_array(said: str) -> bool:
    """Whether a record says the numbers of a tensor."""
    return said.startswith("[") or NUMBER.fullmatch(said.partition(" of ")[0]) is not None


def numbers(text: str) -> list[float]:
    """The numbers in a text, without those in the names of dtypes."""
    return [float(number) for number in NUMBER.findall(NAMES.sub("", text))]


@pytest.mark.parametrize(
    ("printed", "said", "same"),
    [
        ("[2.0, 4.0]", "[2. 4.]", True),
        ("[2.0, 4.0]", "[2. 5.]", False),
        ("3.0", "3.", True),
        ("tensor(3.)", "3. of float32, not float64", True),
        ("[3.0]", "[3.] of shape (1,), not ()", True),
        ("tensor([2., 4.], dtype=torch.float64)", "[2. 4.]", True),
        ("None", "no gradient", True),
        ("None", "[0. 0.]", False),
        ("[[1.0], [2.0]]", "2 calls [1.] [2.]", True),
        ("[True]", "1 calls True", True),
        ("[True]", "1 calls False", False),
        ("['torch.float32']", "1 calls float64", False),
        ("['torch.float32']", "1 calls float32", True),
        ("accepted", "refused as not_scalar", False),
        ("reference.errors.GraphFreed: twice", "GraphFreed: twice", True),
        ("tensor([0., 1.])", "tensor([0., 1.], requires_grad=True)", False),
        ("True", "True", True),
    ],
)
def test_what_counts_as_showing(printed: str, said: str, same: bool) -> None:
    """A printed line shows a value when its numbers or its words are the same."""
    assert shows(printed, said) is same


def test_a_mutant_that_survives_ends_the_command_as_a_fault_of_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    """When a clause passes on its mutant, `mutants` says SURVIVED and returns 3."""
    from dataclasses import replace

    from conformance import mutation
    from implementations.mutants import MUTANTS

    clause = specification()["zeroing/zero_clears"]
    harmless: Mapping[str, Any] = {**MUTANTS, "zero_does_nothing": replace(MUTANTS["zero_does_nothing"], patch="")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("implementations.mutants.MUTANTS", harmless)
        assert mutation.killed((clause.id,), 0, None) == 3
    assert "SURVIVED as pass  zeroing/zero_clears" in capsys.readouterr().out
