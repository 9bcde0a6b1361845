"""Attribution: minimal witnesses name the clause that they break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from conformance.clause import specification
from conformance.generation.attribution import RULES, clause_of
from conformance.generation.marks import marks
from conformance.judge import Finding
from conformance.mutation import attacked, missing
from conformance.operators.table import OPERATORS
from conformance.program import Instruction, Program, Scalar
from tests.example_writer import expect

# A witness in a line: statements (`y = mul x 2`, options after a dot, bodies in braces), then what the finding saw:
# an observation and its subject, `outcome KIND` that was awaited, or `refused KIND` by the last instruction; then what was odd.
EXAMPLES: Final = r"""
threads/a_new_thread_records: x = leaf; thread { y = mul x x } | grad_enabled
threads/a_new_thread_records: x = leaf; thread { y = mul x x } | requires_grad y
threads/every_thread_adds_to_the_leaf: x = leaf; thread { backward x } | grad x
lifetime/a_long_chain: x = leaf; y = repeat x .times=9 { y = add y x }; backward y | refused exhausted
lifetime/a_dropped_leaf_still_counts: x = leaf; x2 = leaf; y = mul x x2; drop x2; backward y | grad x
lifetime/dropped_results_stay_in_the_graph: x = leaf; y = mul x x; z = neg y; drop y; backward z | grad x
leaf_dtypes/integers_that_are_to_require_grad: x = leaf .dtype=int64 | refused dtype
leaf_dtypes/flipping_the_flag_of_integers: x = leaf .c .dtype=int64; q = require_grad x .flag | requires_grad x
leaf_dtypes/integers_that_are_to_require_grad: attempt = attempt { x = leaf .dtype=int64 } | outcome dtype
leaf_dtypes/integers_are_constants: x = leaf; c = leaf .c .dtype=int64; y = mul x c; backward y | grad x
second_backward/grad_frees_the_graph: x = leaf; y = mul x x; g = grad y x; attempt = attempt { g2 = grad y x } \
| outcome graph_freed
second_backward/backward_after_grad_is_never_silently_wrong: x = leaf; y = mul x x; g = grad y x; \
attempt = attempt { backward y } \
| outcome graph_freed
second_backward/a_new_root_is_refused_too: x = leaf; y = mul x x; backward y; attempt = attempt { z = neg y; \
backward z } \
| outcome graph_freed
second_backward/freed_graph_is_refused: x = leaf; y = mul x x; backward y; attempt = attempt { backward y } \
| outcome graph_freed
functional_grad/an_unused_input_is_refused: x = leaf; x2 = leaf; attempt = attempt { g = grad x x2 } \
| outcome unused_input
functional_grad/non_scalar_root_needs_a_cotangent: x = leaf; attempt = attempt { g = grad x x } | outcome not_scalar
scalar_backward/non_scalar_root_needs_a_cotangent: x = leaf; attempt = attempt { backward x } | outcome not_scalar
functional_grad/cotangent_has_the_roots_shape: x = leaf; c = leaf .c; attempt = attempt { g = grad x x .cotangent=c } \
| outcome shape_mismatch
vjp/cotangent_has_the_roots_shape: x = leaf; c = leaf .c; attempt = attempt { backward x .cotangent=c } \
| outcome shape_mismatch
vjp/cotangent_has_the_roots_shape: x = leaf; c = leaf .c; attempt = attempt { g = gradients x x .cotangent=c } \
| outcome shape_mismatch
in_place/a_write_keeps_the_shape: x = leaf; y = neg x; attempt = attempt { write y x .how=add } | outcome shape_mismatch
accumulation/an_assigned_gradient_has_its_tensors_shape: x = leaf; c = leaf .c; attempt = attempt { set_grad x c } \
| outcome shape_mismatch
hooks/a_replacement_has_the_tensors_shape: x = leaf; hook = hook x .body=replace; attempt = attempt { backward x } \
| outcome shape_mismatch
operators/products_take_one_rank: x = leaf; attempt = attempt { y = dot x x } | outcome shape_mismatch
in_place/a_leaf_is_not_written_while_recording: x = leaf; attempt = attempt { write x x .how=mul } \
| outcome leaf_in_place
in_place/overwritten_values_are_never_silently_used: x = leaf; y = neg x; z = mul y y; write y 2 .how=mul; \
attempt = attempt { backward z } | outcome version_conflict
requires_grad/a_results_flag_is_not_for_setting: x = leaf; y = neg x; attempt = attempt { q = require_grad y .flag=0 } \
| outcome not_leaf
leaf_dtypes/only_floats_may_require_grad: x = leaf .c; y = gt x 0; attempt = attempt { q = require_grad y .flag } \
| outcome dtype
requires_grad/no_gradient_is_asked_for_a_constant: x = leaf; c = leaf .c; attempt = attempt { g = grad x c } \
| outcome needs_grad
no_grad/unrecorded_root_is_refused: x = leaf; no_grad { y = neg x }; attempt = attempt { backward y } \
| outcome needs_grad
errors/there_is_no_gradient_before_backward: x = leaf; attempt = attempt { clear x .how=zero } | outcome no_gradient
in_place/hooks_stay_with_what_they_were_registered_on: x = leaf; y = neg x; hook = hook y; write y 2 .how=mul; \
backward y | calls hook
in_place/a_retained_gradient_is_that_of_the_newest: x = leaf; y = neg x; retain_grad y; write y 2 .how=mul; backward y \
| grad y
detach/detached_shares_its_version: x = leaf; u = detach x | version u
in_place/aliases_share_one_version: x = leaf; y = neg x; write y 2 .how=mul | version y
in_place/numbers_that_no_derivative_needs_may_be_written: x = leaf; y = neg x; z = neg y; write y 2 .how=mul; \
backward z \
| refused version_conflict
in_place/a_view_that_was_taken_under_no_grad_may_be_written: c = leaf .c; no_grad { y = index c .index=0 }; \
write y 2 .how=mul \
| refused leaf_in_place
in_place/a_step_under_no_grad_leaves_a_leaf: x = leaf; no_grad { write x 2 .how=mul } | tensor x
in_place/a_constant_becomes_a_result: x = leaf; c = leaf .c; write c x .how=mul | requires_grad c
in_place/a_constant_becomes_a_result: x = leaf; c = leaf .c; write c x .how=mul | is_leaf c
in_place/a_write_through_a_detached_alias_is_no_history: x = leaf; y = neg x; u = detach y; write u 2 .how=mul; \
backward y | grad x
in_place/overwritten_values_are_never_silently_used: x = leaf; y = neg x; z = mul y y; write y 2 .how=mul; \
attempt = attempt { backward z } | grad x
in_place/a_write_through_a_view_changes_its_base: x = leaf; y = neg x; z = index y .index=0; write z 2 .how=mul \
| tensor y
in_place/an_overwritten_entry_receives_nothing: x = leaf; y = neg x; write y 2 .how=set; backward y | grad x
in_place/a_write_to_the_base_changes_its_views: x = leaf; y = neg x; z = index y .index=0; write y 2 .how=mul | tensor z
in_place/a_written_product_has_two_factors: x = leaf; y = neg x; write y x .how=mul; backward y | grad x
in_place/a_written_result_is_the_new_one: x = leaf; y = neg x; write y x .how=add; backward y | grad x
hooks/removing_twice_is_harmless: x = leaf; hook = hook x; remove hook; remove hook; backward x | grad x
hooks/removing_one_keeps_the_others: x = leaf; hook = hook x; hook2 = hook x; remove hook; backward x | calls hook2
hooks/removed_hook_is_not_called: x = leaf; hook = hook x; remove hook; backward x | calls hook
hooks/the_argument_has_its_tensors_dtype: x = leaf; hook = hook x .body=note:dtype; backward x | calls hook
hooks/the_argument_of_a_recorded_backward_is_recorded: x = leaf; hook = hook x .body=note:requires_grad; \
backward x .create_graph \
| calls hook
hooks/the_argument_needs_no_grad: x = leaf; hook = hook x .body=note:requires_grad; backward x | calls hook
leaves/a_retained_gradient_is_what_the_hooks_made_of_it: x = leaf; y = neg x; hook = hook y .body=scale; \
retain_grad y; backward y | grad y
hooks/the_argument_looks_like_its_tensor: x = leaf; hook = hook x .body=scale; backward x | grad x dtype
hooks/every_hook_is_called: x = leaf; hook = hook x; hook2 = hook x; hook3 = hook x; backward x | calls hook3
hooks/hooks_run_in_the_order_of_registration: x = leaf; hook = hook x .body=scale; hook2 = hook x; backward x \
| calls hook2
hooks/a_leafs_hook_runs_before_accumulation: x = leaf; backward x; hook = hook x; backward x | calls hook
hooks/a_hook_stays: x = leaf; hook = hook x; backward x; backward x | calls hook
hooks/a_hook_on_the_root_replaces_the_seed: x = leaf; y = neg x; hook = hook y .body=scale; backward y | calls hook
hooks/a_leafs_hook_sees_the_sum_of_its_uses: x = leaf; hook = hook x; y = add x x; backward y | calls hook
hooks/hook_sees_the_whole_cotangent_once: x = leaf; z = neg x; hook = hook z; y = add z z; backward y | calls hook
hooks/a_piece_has_hooks_of_its_own: x = leaf; z = index x .index=0; hook = hook z; y = neg z; backward y | calls hook
hooks/a_hook_may_come_after_the_forward: x = leaf; z = neg x; y = neg z; hook = hook z; backward y | calls hook
hooks/replacement_flows_on: x = leaf; z = neg x; hook = hook z .body=replace; y = neg z; backward y | grad x
hooks/replacement_flows_on: x = leaf; z = neg x; hook = hook z .body=scale; y = neg z; backward y | grad x
hooks/an_observer_sees_what_backward_does: x = leaf; z = neg x; hook = hook z; y = neg z; backward y | grad x
hooks/hook_sees_the_whole_cotangent_once: x = leaf; z = neg x; hook = hook z; y = neg z; backward y | calls hook
leaves/a_named_result_receives_and_the_leaf_behind_it_does_not: x = leaf; y = neg x; backward y .inputs=y | grad y
leaves/only_the_named_inputs_receive: x = leaf; x2 = leaf; y = mul x x2; backward y .inputs=x | grad x2
leaves/grad_fills_what_retains_its_gradient: x = leaf; y = neg x; retain_grad y; g = grad y x | grad y
leaves/retained_gradients_add_up: x = leaf; y = neg x; retain_grad y; backward y; backward y | grad y
leaves/retain_grad_keeps_it: x = leaf; y = neg x; retain_grad y; backward y | grad y
zeroing/a_held_gradient_is_cleared_too: x = leaf; backward x; g = read_grad x; clear x .how=zero | tensor g
zeroing/another_leafs_gradient_stays: x = leaf; x2 = leaf; y = add x x2; backward y; clear x .how=zero | grad x2
zeroing/zero_clears: x = leaf; backward x; clear x .how=zero | grad x
zeroing/none_forgets: x = leaf; backward x; clear x .how=none | grad x
accumulation/an_assigned_gradient_is_added_to: x = leaf; c = leaf .c; set_grad x c; backward x | grad x
no_grad/an_exception_restores_the_mode: x = leaf; catch { no_grad { raise } }; y = neg x | requires_grad y
no_grad/backward_inside_leaves_recording_off: x = leaf; no_grad { backward x } | grad_enabled
no_grad/backward_leaves_recording_on: x = leaf; backward x | grad_enabled
no_grad/grad_leaves_the_mode_alone: x = leaf; g = grad x x | grad_enabled
no_grad/leaving_enable_grad_restores_the_outer_mode: no_grad { enable_grad {  } } | grad_enabled
no_grad/leaving_an_inner_block_restores_the_outer_mode: no_grad { no_grad {  } } | grad_enabled
no_grad/flags_inside_and_after: no_grad {  } | grad_enabled
recording/nothing_is_recorded_under_no_grad: x = leaf; no_grad { y = neg x } | recorded y
no_grad/one_expression_before_inside_and_after: x = leaf; no_grad { y = neg x } | requires_grad x
no_grad/an_older_result_keeps_its_graph: x = leaf; y = neg x; no_grad { z = neg x }; backward y | grad x none
no_grad/nothing_inside_is_recorded: x = leaf; no_grad { y = neg x }; z = mul y x; backward z | grad x
detach/detached_is_another_object: x = leaf; u = detach x | same u
detach/detached_is_a_new_leaf: x = leaf; u = detach x | requires_grad u
detach/a_product_with_a_detached_value_is_recorded: x = leaf; u = detach x; y = mul x u | requires_grad y
detach/detach_leaves_the_source_alone: x = leaf; y = neg x; u = detach y; backward y | refused needs_grad
detach/detached_is_a_constant: x = leaf; u = detach x; y = mul x u; backward y | grad x
requires_grad/flipping_the_flag_returns_the_tensor: c = leaf .c; q = require_grad c .flag | same q
requires_grad/a_flag_that_returns_changes_no_graph: x = leaf; y = neg x; q = require_grad x .flag=0; \
q2 = require_grad x .flag; backward y \
| grad x
requires_grad/a_cleared_leaf_receives_nothing: x = leaf; y = neg x; q = require_grad x .flag=0; backward y \
| grad x absent
requires_grad/clearing_the_flag_ends_recording: x = leaf; q = require_grad x .flag=0; y = neg x | requires_grad y
requires_grad/a_flag_that_is_set_again_changes_no_graph: x = leaf; y = neg x; q = require_grad x .flag; backward y \
| refused needs_grad
requires_grad/flipping_the_flag_records_from_then_on: c = leaf .c; q = require_grad c .flag; y = neg c | requires_grad y
second_backward/grad_retains_the_graph: x = leaf; y = mul x x; g = grad y x .retain_graph; g2 = grad y x \
| refused graph_freed
second_backward/retained_graph_adds_again: x = leaf; y = mul x x; backward y .retain_graph; backward y \
| refused graph_freed
second_backward/a_new_root_over_a_freed_graph: x = leaf; y = mul x x; backward y; z = neg y; backward z | grad x
second_backward/backward_after_grad_is_never_silently_wrong: x = leaf; y = mul x x; g = grad y x; backward y | grad x
second_backward/never_silently_wrong: x = leaf; y = mul x x; backward y; backward y | grad x
second_backward/retained_graph_adds_again: x = leaf; y = mul x x; backward y .retain_graph; backward y | grad x
higher_order/backward_can_be_recorded: x = leaf; y = mul x x; backward y .create_graph; g = read_grad x \
| requires_grad g
higher_order/accumulated_gradients_are_constants_unless_asked: x = leaf; y = mul x x; backward y; g = read_grad x \
| requires_grad g
higher_order/gradients_are_constants_unless_asked: x = leaf; y = mul x x; g = grad y x | requires_grad g
higher_order/second_derivative_of_a_linear_function: x = leaf; y = neg x; g = grad y x .create_graph; g2 = grad g x \
| tensor g2 absent
operators/derivatives_of_higher_order: x = leaf; y = exp x; g = grad y x .create_graph; g2 = grad g x | tensor g2
higher_order/derivatives_of_a_cube: x = leaf; y = mul x x; z = mul y x; g = grad z x .create_graph; g2 = grad g x \
| tensor g2
singular_points/ties_of_max: x = leaf; y = max x; g = gradients y x | tensor g within
singular_points/subgradient_at_zero: x = leaf; y = relu x; g = gradients y x | tensor g within
leaf_dtypes/a_gradient_has_the_dtype_of_its_leaf: x = leaf; backward x | grad x dtype
leaf_dtypes/a_gradient_has_the_dtype_of_its_leaf: x = leaf; g = gradients x x | tensor g dtype
recording/comparisons_have_no_gradient: x = leaf; y = gt x 0 | tensor y
requires_grad/backward_changes_neither_values_nor_flag: x = leaf; backward x | requires_grad x
requires_grad/result_requires_grad_if_an_operand_does: x = leaf; y = neg x | requires_grad y
recording/constants_are_leaves: c = leaf .c; y = neg c | is_leaf y
recording/constants_are_leaves: c = leaf .c; y = neg c | recorded y
functional_grad/touches_no_accumulated_gradient: x = leaf; g = grad x x | grad x
functional_grad/contracts_with_the_cotangent: x = leaf; c = leaf .c; g = grad x x .cotangent=c | tensor g
functional_grad/allowed_unused_input: x = leaf; x2 = leaf; g = grad x x2 .allow_unused | tensor g
functional_grad/unused_input_is_never_made_up: x = leaf; x2 = leaf; g = grad x x2 | tensor g absent
functional_grad/an_intermediate_value_with_several_uses: x = leaf; y = neg x; z = mul y y; g = grad z y | tensor g
functional_grad/returns_the_gradients: x = leaf; y = neg x; g = grad y x | tensor g
zeroing/before_any_backward: x = leaf | grad x absent
leaves/intermediates_keep_no_gradient: x = leaf; y = neg x; backward y | grad y absent
leaves/gradient_of_an_unused_leaf: x = leaf; x2 = leaf; backward x | grad x2 absent
vjp/the_cotangent_is_not_kept: x = leaf; c = leaf .c; backward x .cotangent=c; backward x .cotangent=c | grad x
vjp/the_cotangent_is_not_kept: x = leaf; c = leaf .c; backward x .cotangent=c | tensor c
accumulation/leaves_share_no_gradient: x = leaf; x2 = leaf; y = add x x2; backward y; backward x | grad x2
accumulation/each_backward_adds: x = leaf; backward x; backward x | grad x
recording/iteration_gives_recorded_entries: x = leaf; y = unbind x; backward y | grad x
vjp/backward_contracts_with_the_cotangent: x = leaf; c = leaf .c; y = neg x; backward y .cotangent=c | grad x
vjp/backward_contracts_with_the_cotangent: x = leaf; c = leaf .c; g = gradients x x .cotangent=c | tensor g
recording/a_function_may_return_its_argument: x = leaf; backward x | grad x none
scalar_backward/implicit_cotangent_is_one: x = leaf; backward x | grad x
scalar_backward/a_lone_number_keeps_its_shape: x = leaf; y = neg x; backward y | grad x rank
singular_points/powers_at_zero: x = leaf; y = pow x 1; backward y | grad x nan
operators/value_and_gradient: x = leaf; y = pow x 3; backward y | grad x
accumulation/an_index_counts_as_often_as_it_occurs: x = leaf; y = index x .index=0,0; z = sum y; backward z | grad x
scalar_backward/gradient_has_the_leafs_shape: x = leaf; x2 = leaf .two; y = mul x x2; z = sum y; backward z | grad x
operators/a_number_on_either_side: x = leaf; y = sub 2 x; backward y | grad x
accumulation/the_third_use_counts: x = leaf; y = add x x; z = add y x; backward z | grad x
accumulation/several_uses_sum: x = leaf; y = add x x; backward y | grad x
accumulation/equal_leaves_are_different: x = leaf; x2 = leaf; y = add x x2; backward y | grad x
operators/value_and_gradient: x = leaf; y = exp x; z = sum y; backward z | grad x
accumulation/several_uses_sum: x = leaf; y = exp x; z = mul y y; backward z | grad x
accumulation/equal_leaves_are_different: x = leaf; x2 = leaf; y = exp x; z = mul y x2; backward z | grad x
"""


def examples() -> Iterator[tuple[str, Program, Finding]]:
    """Each line as the clause, the program and the finding."""
    for line in EXAMPLES.replace("\\\n", "").strip().splitlines():
        clause, _, rest = line.partition(": ")
        text, _, seen = rest.partition(" | ")
        yield clause, *_example(text, seen.split())


def _example(text: str, seen: list[str]) -> tuple[Program, Finding]:
    tokens = text.replace(";", " ;").split()
    body = _statements(tokens)
    if seen[0] == "refused":
        program = Program("float64", body)
        last = sum(1 for _ in program.walk()) - 1
        return program, Finding("fail", last, f"it was refused as {seen[1]}, but it is legal", "no exception", "X: y")
    odd = seen[2] if len(seen) > 2 else ""
    subject = seen[1] if len(seen) > 1 else "nothing"
    looked = expect(seen[0], subject, {"absent": True} if odd == "absent" else {"flag": True})
    if seen[0] == "outcome":
        looked = expect("outcome", "attempt", {"outcome": "refused", "kind": seen[1]})
    if odd == "within":
        looked.options["relation"] = "within"  # type: ignore[index]
    got = {"none": "no gradient", "nan": "[nan]", "rank": "[2.]", "dtype": "1. of float32, not float64"}.get(odd, "1.")
    program = Program("float64", (*body, looked))
    last = sum(1 for _ in program.walk()) - 1
    return program, Finding("fail", last, "it is not what the specification says", "2.", got)


def _statements(tokens: list[str]) -> tuple[Instruction, ...]:
    """Reads statements up to a closing brace."""
    found: list[Instruction] = []
    words: list[str] = []
    inner: tuple[Instruction, ...] = ()
    while tokens:
        token = tokens.pop(0)
        if token == "{":
            inner = _statements(tokens)
        elif token in (";", "}"):
            found += [_statement(words, inner)] if words else []
            words, inner = [], ()
            if token == "}":
                return tuple(found)
        else:
            words.append(token)
    return (*found, _statement(words, inner)) if words else tuple(found)


def _statement(words: list[str], body: tuple[Instruction, ...]) -> Instruction:
    out = (words[0],) if "=" in words else ()
    verb, *rest = words[2:] if out else words
    args = tuple(Scalar(word) if word.isdigit() else word for word in rest if not word.startswith("."))
    options: dict[str, Any] = dict(_option(word) for word in rest if word.startswith("."))
    if verb in OPERATORS:
        return Instruction("apply", out, args, {"operator": verb, **options})
    if verb == "leaf":
        value = {"shape": [2], "values": ["1", "1"]} if options.pop("two", False) else {"shape": [], "values": ["1"]}
        options = {"value": value, "requires_grad": not options.pop("c", False), **options}
    if verb == "hook":
        options.setdefault("body", [])
    if verb == "require_grad":
        options["flag"] = options["flag"] is True
    return Instruction(verb, out, args, options, body)


def _option(word: str) -> tuple[str, Any]:
    name, _, text = word[1:].partition("=")
    if name == "body":
        key, _, value = text.partition(":")
        return name, [{key: value or "2"}]
    if name == "inputs":
        return name, [text]
    if name in ("index", "times"):
        numbers = [int(part) for part in text.split(",")]
        return name, numbers if len(numbers) > 1 else numbers[0]
    return name, text or True


def _row(program: Program, finding: Finding) -> int:
    """Which row is the first that holds."""
    found = marks(program, finding)
    return next(
        row
        for row, (_, text) in enumerate(RULES)
        if all((word.removeprefix("-") in found) != word.startswith("-") for word in text.split(", "))
    )


def test_every_clause_of_the_table_exists() -> None:
    """The rows name clauses of the specification, and no row is there twice."""
    assert {clause for clause, _ in RULES} <= set(specification())
    assert len(set(RULES)) == len(RULES)


@pytest.mark.parametrize(("clause", "program", "finding"), list(examples()))
def test_an_example_breaks_its_clause(clause: str, program: Program, finding: Finding) -> None:
    """Each minimal witness names the clause that a person would name."""
    assert clause_of(program, finding) == clause


def test_every_row_has_an_example() -> None:
    """No row is hidden by an earlier one, and none is untried."""
    hit = {_row(program, finding) for _, program, finding in examples()}
    assert [RULES[row] for row in range(len(RULES)) if row not in hit] == []


def test_what_no_row_tells_is_left_open() -> None:
    """A program that could break anything names nothing."""
    program, finding = _example("x = leaf; y = exp x; z = neg y; backward z", ["grad", "x"])
    assert clause_of(program, finding) is None


def test_a_crash_is_attributed_too() -> None:
    """A finding without an expectation is attributed by what the program does."""
    program, _ = _example("x = leaf; hook = hook x; backward x", ["grad", "x"])
    assert clause_of(program, Finding("crash", 2, "the engine's process exited with code 1, in backward")) == (
        "hooks/hook_sees_the_whole_cotangent_once"
    )
    assert clause_of(program, Finding("timeout", None, "no answer")) is not None


# Clauses of different subjects whose witness under their mutant names them, or one of their chapter.
ATTACKED: Final = {
    "accumulation/each_backward_adds": True,
    "accumulation/several_uses_sum": False,
    "detach/detached_is_a_constant": True,
    "functional_grad/returns_the_gradients": True,
    "functional_grad/touches_no_accumulated_gradient": True,
    "higher_order/backward_can_be_recorded": True,
    "hooks/removed_hook_is_not_called": True,
    "hooks/every_hook_is_called": True,
    "hooks/replacement_flows_on": False,
    "in_place/a_written_result_is_the_new_one": True,
    "leaves/retain_grad_keeps_it": True,
    "leaves/only_the_named_inputs_receive": True,
    "lifetime/a_dropped_leaf_still_counts": True,
    "no_grad/nothing_inside_is_recorded": True,
    "no_grad/an_exception_restores_the_mode": True,
    "requires_grad/clearing_the_flag_ends_recording": True,
    "second_backward/freed_graph_is_refused": True,
    "second_backward/retained_graph_adds_again": True,
    "singular_points/subgradient_at_zero": True,
    "threads/every_thread_adds_to_the_leaf": True,
    "vjp/backward_contracts_with_the_cotangent": True,
    "zeroing/zero_clears": True,
    "zeroing/none_forgets": True,
}


@pytest.mark.parametrize("name", ATTACKED)
def test_the_witness_of_a_mutant_names_its_clause(name: str) -> None:
    """What a clause found on its mutant is attributed to that clause, or to one of its chapter where it is not minimal."""
    clause = specification()[name]
    if missing(clause):
        pytest.skip(f"{missing(clause)} is not installed")
    record = attacked(clause, 0)
    finding = Finding(*(record[key] for key in ("verdict", "at", "message", "expected", "got", "why")))
    named = clause_of(Program.from_json(record["witness"]), finding)
    assert named is not None
    assert named.split("/")[0] == clause.chapter
    assert named == name or not ATTACKED[name]
