"""Attribution: which clause of the specification a minimal witness breaks, where one can be named.

A generated program breaks no clause by name, but a minimal one has nothing in it that the fault does not need. So what is in it,
and what was seen, tells the clause: the first row whose marks all hold.
"""

from __future__ import annotations

from typing import Final

from conformance.generation.marks import marks
from conformance.judge import Finding
from conformance.program import Program

# A clause, and the marks (see marks.py) of a witness that breaks it; one after a minus must not be there.
RULES: Final[tuple[tuple[str, str], ...]] = (
    # --- threads, and what lives how long
    ("threads/a_new_thread_records", "thread, sees.grad_enabled"),
    ("threads/a_new_thread_records", "thread, sees.requires_grad"),
    ("threads/every_thread_adds_to_the_leaf", "thread"),
    ("lifetime/a_long_chain", "repeat"),
    ("lifetime/a_dropped_leaf_still_counts", "drop.on.leaf"),
    ("lifetime/dropped_results_stay_in_the_graph", "drop"),
    # --- whole numbers
    ("leaf_dtypes/integers_that_are_to_require_grad", "leaf.dtype, refused.dtype"),
    ("leaf_dtypes/flipping_the_flag_of_integers", "leaf.dtype, require_grad"),
    ("leaf_dtypes/integers_that_are_to_require_grad", "leaf.dtype, awaits.dtype"),
    ("leaf_dtypes/integers_are_constants", "leaf.dtype"),
    # --- refusals that did not come
    ("second_backward/grad_frees_the_graph", "awaits.graph_freed, grad, -backward"),
    ("second_backward/backward_after_grad_is_never_silently_wrong", "awaits.graph_freed, grad, backward"),
    ("second_backward/a_new_root_is_refused_too", "awaits.graph_freed, new.root"),
    ("second_backward/freed_graph_is_refused", "awaits.graph_freed"),
    ("functional_grad/an_unused_input_is_refused", "awaits.unused_input"),
    ("functional_grad/non_scalar_root_needs_a_cotangent", "awaits.not_scalar, grad"),
    ("scalar_backward/non_scalar_root_needs_a_cotangent", "awaits.not_scalar"),
    ("functional_grad/cotangent_has_the_roots_shape", "awaits.shape_mismatch, grad.cotangent"),
    ("vjp/cotangent_has_the_roots_shape", "awaits.shape_mismatch, backward.cotangent"),
    ("vjp/cotangent_has_the_roots_shape", "awaits.shape_mismatch, gradients.cotangent"),
    ("in_place/a_write_keeps_the_shape", "awaits.shape_mismatch, write"),
    ("accumulation/an_assigned_gradient_has_its_tensors_shape", "awaits.shape_mismatch, set_grad"),
    ("hooks/a_replacement_has_the_tensors_shape", "awaits.shape_mismatch, hook"),
    ("operators/products_take_one_rank", "awaits.shape_mismatch"),
    ("in_place/a_leaf_is_not_written_while_recording", "awaits.leaf_in_place"),
    ("in_place/overwritten_values_are_never_silently_used", "awaits.version_conflict"),
    ("requires_grad/a_results_flag_is_not_for_setting", "awaits.not_leaf"),
    ("leaf_dtypes/only_floats_may_require_grad", "awaits.dtype"),
    ("requires_grad/no_gradient_is_asked_for_a_constant", "awaits.needs_grad, grad"),
    ("no_grad/unrecorded_root_is_refused", "awaits.needs_grad"),
    ("errors/there_is_no_gradient_before_backward", "awaits.no_gradient"),
    # --- writes
    ("in_place/hooks_stay_with_what_they_were_registered_on", "write, hook"),
    ("in_place/a_retained_gradient_is_that_of_the_newest", "write, retain_grad"),
    ("detach/detached_shares_its_version", "sees.version, detach, -write"),
    ("in_place/aliases_share_one_version", "sees.version"),
    ("in_place/numbers_that_no_derivative_needs_may_be_written", "write, refused.version_conflict"),
    ("in_place/a_view_that_was_taken_under_no_grad_may_be_written", "write, refused.leaf_in_place, no_grad"),
    ("in_place/a_step_under_no_grad_leaves_a_leaf", "write.in.no_grad"),
    ("in_place/a_constant_becomes_a_result", "write, sees.requires_grad"),
    ("in_place/a_constant_becomes_a_result", "write, sees.is_leaf"),
    ("in_place/a_write_through_a_detached_alias_is_no_history", "write, detach"),
    ("in_place/overwritten_values_are_never_silently_used", "write, attempt"),
    ("in_place/a_write_through_a_view_changes_its_base", "write.on.view"),
    ("in_place/an_overwritten_entry_receives_nothing", "write.set"),
    ("in_place/a_write_to_the_base_changes_its_views", "write, operator.index"),
    ("in_place/a_written_product_has_two_factors", "write.mul, -write.add"),
    ("in_place/a_written_result_is_the_new_one", "write"),
    # --- hooks
    ("hooks/removing_twice_is_harmless", "2 remove"),
    ("hooks/removing_one_keeps_the_others", "remove, 2 hook"),
    ("hooks/removed_hook_is_not_called", "remove"),
    ("hooks/the_argument_has_its_tensors_dtype", "hook.note.dtype"),
    ("hooks/the_argument_of_a_recorded_backward_is_recorded", "hook.note.requires_grad, backward.create_graph"),
    ("hooks/the_argument_needs_no_grad", "hook.note.requires_grad"),
    ("leaves/a_retained_gradient_is_what_the_hooks_made_of_it", "hook, retain_grad"),
    ("hooks/the_argument_looks_like_its_tensor", "hook, got.dtype"),
    ("hooks/every_hook_is_called", "3 hook"),
    ("hooks/hooks_run_in_the_order_of_registration", "2 hook"),
    ("hooks/a_leafs_hook_runs_before_accumulation", "hook.on.leaf, hook.after.backward"),
    ("hooks/a_hook_stays", "hook, 2 backward"),
    ("hooks/a_hook_on_the_root_replaces_the_seed", "hook.on.root, -root.is.leaf"),
    ("hooks/a_leafs_hook_sees_the_sum_of_its_uses", "hook.on.leaf, hook.several.uses, sees.calls"),
    ("hooks/hook_sees_the_whole_cotangent_once", "hook.several.uses, sees.calls, -hook.late"),
    ("hooks/a_piece_has_hooks_of_its_own", "hook.on.view"),
    ("hooks/a_hook_may_come_after_the_forward", "hook.late"),
    ("hooks/replacement_flows_on", "hook.replace"),
    ("hooks/replacement_flows_on", "hook.scale, sees.grad"),
    ("hooks/an_observer_sees_what_backward_does", "hook, sees.grad"),
    ("hooks/hook_sees_the_whole_cotangent_once", "hook"),
    # --- what leaves and results keep
    ("leaves/a_named_result_receives_and_the_leaf_behind_it_does_not", "backward.inputs, of.apply"),
    ("leaves/only_the_named_inputs_receive", "backward.inputs"),
    ("leaves/grad_fills_what_retains_its_gradient", "retain_grad, grad, -backward"),
    ("leaves/retained_gradients_add_up", "retain_grad, 2 backward"),
    ("leaves/retain_grad_keeps_it", "retain_grad"),
    ("zeroing/a_held_gradient_is_cleared_too", "clear.zero, of.read_grad"),
    ("zeroing/another_leafs_gradient_stays", "clear.zero, of.another"),
    ("zeroing/zero_clears", "clear.zero"),
    ("zeroing/none_forgets", "clear.none"),
    ("accumulation/an_assigned_gradient_is_added_to", "set_grad"),
    # --- modes
    ("no_grad/an_exception_restores_the_mode", "raise"),
    ("no_grad/backward_inside_leaves_recording_off", "sees.grad_enabled, backward, no_grad"),
    ("no_grad/backward_leaves_recording_on", "sees.grad_enabled, backward"),
    ("no_grad/grad_leaves_the_mode_alone", "sees.grad_enabled, grad"),
    ("no_grad/leaving_enable_grad_restores_the_outer_mode", "enable_grad"),
    ("no_grad/leaving_an_inner_block_restores_the_outer_mode", "modes.nested"),
    ("no_grad/flags_inside_and_after", "sees.grad_enabled"),
    ("recording/nothing_is_recorded_under_no_grad", "no_grad, sees.recorded"),
    ("no_grad/one_expression_before_inside_and_after", "no_grad, sees.requires_grad"),
    ("no_grad/an_older_result_keeps_its_graph", "no_grad, got.absent"),
    ("no_grad/nothing_inside_is_recorded", "no_grad"),
    # --- detached values
    ("detach/detached_is_another_object", "detach, sees.same"),
    ("detach/detached_is_a_new_leaf", "detach, of.detach"),
    ("detach/a_product_with_a_detached_value_is_recorded", "detach, sees.requires_grad"),
    ("detach/detach_leaves_the_source_alone", "detach, refused.needs_grad"),
    ("detach/detached_is_a_constant", "detach"),
    # --- the flag
    ("requires_grad/flipping_the_flag_returns_the_tensor", "require_grad, sees.same"),
    ("requires_grad/a_flag_that_returns_changes_no_graph", "require_grad.off, require_grad.on"),
    ("requires_grad/a_cleared_leaf_receives_nothing", "require_grad.off, expects.absent"),
    ("requires_grad/clearing_the_flag_ends_recording", "require_grad.off"),
    ("requires_grad/a_flag_that_is_set_again_changes_no_graph", "require_grad.on, refused.needs_grad"),
    ("requires_grad/flipping_the_flag_records_from_then_on", "require_grad"),
    # --- graphs of gradients, and graphs that are run again
    ("second_backward/grad_retains_the_graph", "refused.graph_freed, grad.retain_graph"),
    ("second_backward/retained_graph_adds_again", "refused.graph_freed"),
    ("second_backward/a_new_root_over_a_freed_graph", "freed, new.root, backward, -grad"),
    ("second_backward/backward_after_grad_is_never_silently_wrong", "freed, grad, backward"),
    ("second_backward/never_silently_wrong", "freed, backward"),
    ("second_backward/retained_graph_adds_again", "again, backward, -2 grad"),
    ("higher_order/backward_can_be_recorded", "backward.create_graph"),
    ("higher_order/accumulated_gradients_are_constants_unless_asked", "read_grad, sees.requires_grad"),
    ("higher_order/gradients_are_constants_unless_asked", "sees.requires_grad, of.grad"),
    ("higher_order/second_derivative_of_a_linear_function", "grad.create_graph, expects.absent"),
    ("operators/derivatives_of_higher_order", "grad.create_graph, one operator"),
    ("higher_order/derivatives_of_a_cube", "grad.create_graph"),
    # --- what can be seen of one result
    ("singular_points/ties_of_max", "relation.within, operator.max"),
    ("singular_points/subgradient_at_zero", "relation.within"),
    ("leaf_dtypes/a_gradient_has_the_dtype_of_its_leaf", "got.dtype, sees.grad"),
    ("leaf_dtypes/a_gradient_has_the_dtype_of_its_leaf", "got.dtype, of.gradients"),
    ("recording/comparisons_have_no_gradient", "compares"),
    ("requires_grad/backward_changes_neither_values_nor_flag", "sees.requires_grad, of.leaf, backward"),
    ("requires_grad/result_requires_grad_if_an_operand_does", "sees.requires_grad"),
    ("recording/constants_are_leaves", "sees.is_leaf"),
    ("recording/constants_are_leaves", "sees.recorded"),
    # --- the functional gradient
    ("functional_grad/touches_no_accumulated_gradient", "grad, sees.grad"),
    ("functional_grad/contracts_with_the_cotangent", "grad.cotangent"),
    ("functional_grad/allowed_unused_input", "grad.allow_unused"),
    ("functional_grad/unused_input_is_never_made_up", "grad, expects.absent"),
    ("functional_grad/an_intermediate_value_with_several_uses", "grad.by.result, 2 uses"),
    ("functional_grad/returns_the_gradients", "grad"),
    # --- which tensor has which gradient
    ("zeroing/before_any_backward", "sees.grad, -backward"),
    ("leaves/intermediates_keep_no_gradient", "sees.grad, of.apply"),
    ("leaves/gradient_of_an_unused_leaf", "expects.absent, sees.grad"),
    ("vjp/the_cotangent_is_not_kept", "backward.cotangent, 2 backward"),
    ("vjp/the_cotangent_is_not_kept", "backward.cotangent, of.leaf, sees.tensor"),
    ("accumulation/leaves_share_no_gradient", "2 backward, 2 leaf"),
    ("accumulation/each_backward_adds", "2 backward"),
    ("recording/iteration_gives_recorded_entries", "unbind"),
    ("vjp/backward_contracts_with_the_cotangent", "backward.cotangent"),
    ("vjp/backward_contracts_with_the_cotangent", "gradients.cotangent, root.is.leaf"),
    ("recording/a_function_may_return_its_argument", "root.is.leaf, got.absent"),
    ("scalar_backward/implicit_cotangent_is_one", "root.is.leaf"),
    # --- mathematics
    ("scalar_backward/a_lone_number_keeps_its_shape", "got.rank"),
    ("singular_points/powers_at_zero", "operator.pow, got.nan"),
    ("operators/value_and_gradient", "operator.pow, one operator"),
    ("accumulation/an_index_counts_as_often_as_it_occurs", "index.repeated"),
    ("scalar_backward/gradient_has_the_leafs_shape", "broadcasts, one operator"),
    ("operators/a_number_on_either_side", "scalar, one operator"),
    ("accumulation/the_third_use_counts", "3 uses"),
    ("accumulation/several_uses_sum", "operator.add, 2 uses"),
    ("accumulation/equal_leaves_are_different", "operator.add, leaf.equal, one operator"),
    ("operators/value_and_gradient", "one operator"),
    ("accumulation/several_uses_sum", "2 uses"),
    ("accumulation/equal_leaves_are_different", "leaf.equal, -2 uses"),
)


def clause_of(program: Program, finding: Finding) -> str | None:
    """The id of the clause that a minimal witness breaks; None where no row tells."""
    found = marks(program, finding)
    return next((clause for clause, text in RULES if _holds(text, found)), None)


def _holds(text: str, found: frozenset[str]) -> bool:
    words = text.split(", ")
    return all((word.removeprefix("-") in found) != word.startswith("-") for word in words)
