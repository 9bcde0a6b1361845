"""Faults that random programs must find, by subject; and of every other mutant, why it is not asked for.

A program of the generators shows values, gradients, flags, versions, what hooks were called with, and the grad mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from implementations.mutants.table import Mutant


@dataclass(frozen=True)
class Planted:
    """A mutant, and what it is a fault of."""

    mutant: Mutant
    subject: str


# Of the reference and of torch; the subject of mutants of kernels is "numbers".
SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "accumulation": (
        *("implicit_cotangent_is_two", "non_scalar_root_is_summed", "cotangent_is_ignored", "cotangents_are_rounded"),
        *("gradient_aliases_the_cotangent", "accumulate_overwrites", "leaves_share_a_gradient"),
        *("assigned_gradient_is_ignored", "a_leaf_as_root_is_forgotten", "named_inputs_are_ignored"),
        *("contributions_keep_the_last", "third_contribution_is_dropped", "places_run_when_first_reached"),
        *("difference_with_itself_counts_once", "equal_leaves_are_merged", "mul_counts_one_use"),
        *("grad_ignores_the_cotangent", "grad_forgets_the_last_input", "grad_writes_into_leaves"),
        *("unused_input_gives_ones", "unused_inputs_are_allowed", "gradients_are_always_recorded"),
        *("backward_is_never_recorded", "saved_operand_is_detached", "cotangents_are_constants"),
        *("intermediates_keep_gradients", "retain_grad_does_nothing", "retained_gradients_are_the_last"),
        *(
            "retained_gradients_are_halved",
            "gradients_begin_as_zeros",
            "gradients_begin_as_ones",
            "equal_leaves_are_one",
        ),
        *("backward_is_always_recorded", "gradients_hide_their_graph", "unused_leaves_receive_ones"),
        *("the_third_backward_overwrites", "accumulation_replaces_the_tensor", "assigned_gradients_are_copied"),
        *("gradients_are_absolute", "gradients_are_read_as_copies", "recorded_cotangents_require_grad"),
        *("unused_inputs_receive_ones", "adding_to_a_gradient_does_not_count"),
    ),
    "zeroing": (
        *("zeroing_replaces_the_gradient", "zero_does_nothing", "forgetting_keeps_the_sum", "zero_halves"),
        *("zero_clears_the_first_entry", "zeroing_clears_the_leaf", "zeroing_forgets", "forgetting_zeroes"),
        *("forgetting_spoils_what_is_held", "forgetting_ends_recording", "forgetting_removes_hooks"),
        *("cleared_gradients_return", "clearing_a_gradient_does_not_count", "forgetting_zeroes_first"),
    ),
    "detach": (
        *("detach_keeps_the_graph", "detach_cuts_in_place", "detach_copies", "detached_writes_are_recorded"),
        *("detached_values_are_copies", "detached_values_require_grad", "detached_values_count_alone"),
        *("detach_removes_hooks", "detach_clears_the_flag", "products_with_detached_values_are_constants"),
        *("detach_forgets_the_gradient",),
    ),
    "modes": (
        *("no_grad_records", "no_grad_is_not_restored_after_an_exception", "leaving_an_inner_no_grad_re_enables"),
        *("enable_grad_is_not_restored", "backward_turns_recording_off", "backward_turns_recording_on"),
        *("grad_changes_the_mode", "backward_of_a_constant_is_silent", "the_mode_is_of_the_process"),
        *("other_threads_accumulate_nothing", "enable_grad_does_nothing", "no_grad_makes_constants"),
        *("nothing_accumulates_under_no_grad", "no_grad_leaves_sums_recorded", "no_grad_clears_the_operands_flag"),
        *("result_never_requires_grad", "requires_grad_flips_a_copy", "the_flag_cannot_be_cleared"),
        *("cleared_leaves_accumulate", "constants_are_recorded", "flipping_the_flag_does_nothing"),
        *("requires_grad_toggles", "backward_clears_the_flag", "two_reasons_cancel"),
    ),
    "hooks": (
        *("hook_runs_per_contribution", "hook_removal_does_nothing", "hook_replacement_is_ignored"),
        *("hook_argument_requires_grad", "hook_argument_is_detached", "hooks_run_in_reverse", "third_hook_is_lost"),
        *("removal_removes_every_hook", "hooks_are_called_once"),
        *("leaf_hooks_run_after_accumulation", "leaf_hook_runs_per_contribution", "root_hooks_do_not_run"),
        *("hooks_after_use_are_ignored", "retained_gradients_are_taken_before_hooks", "hooks_may_return_any_shape"),
        *("hooks_of_pieces_are_ignored", "silent_hooks_end_the_gradient"),
        *("added_hooks_run_at_once", "removed_hooks_are_passed_over", "removal_skips_the_next_hook"),
        *("hooks_are_listed_before_the_sweep", "hooks_added_inside_are_lost", "removal_inside_waits_for_a_second"),
        *("exceptions_of_hooks_are_swallowed", "a_raising_hook_leaves_recording_off"),
        *("a_raising_hook_breaks_the_next_backward", "writes_inside_hooks_are_not_noticed"),
    ),
    "lifetime": (
        *(
            "retained_graph_is_freed",
            "freed_values_read_as_zeros",
            "grad_ignores_retain_graph",
            "grad_retains_the_graph",
        ),
        *("graphs_are_never_freed", "graphs_die_with_names", "dropped_leaves_are_overwritten"),
        *("every_graph_is_retained", "create_graph_frees", "every_node_is_freed", "the_first_backward_retains"),
        *("freeing_removes_hooks", "dropped_results_pass_nothing_on"),
    ),
    "versions and views": (
        *("writes_are_not_recorded", "views_are_copies", "views_remember_the_old_base"),
        *("overwritten_entries_keep_their_gradient", "leaves_may_be_written", "written_leaves_are_constants"),
        *("versions_are_not_checked", "every_version_is_checked", "hooks_move_on", "writes_count_twice"),
        *("writes_save_the_new_numbers", "retained_gradients_stay_behind"),
        *("views_of_no_grad_are_closed", "writes_do_not_count", "only_the_first_write_counts"),
        *("writes_of_constants_do_not_count", "writes_through_views_stay_there", "writes_to_a_base_pass_everything_on"),
        *("written_products_forget_their_factor", "what_is_written_retains_its_gradient"),
    ),
    "shapes and dtypes": (
        *(
            "lone_gradients_become_vectors",
            "gradients_are_double",
            "broadcast_averages",
            "only_leading_axes_are_summed",
        ),
        *("cotangent_is_broadcast", "any_gradient_may_be_assigned", "writes_fit_by_broadcasting"),
        *("hook_argument_is_single", "empty_sums_are_one", "mm_forgets_to_transpose"),
        *("mm_forgets_to_transpose_the_left", "index_scatters_to_the_first", "repeated_indices_count_once"),
        *("gradients_are_flat", "gradients_of_squares_are_transposed", "products_with_numbers_are_double"),
        *("empty_leaves_receive_nothing", "lone_rows_lose_an_axis", "functional_gradients_are_single"),
        *("reshaping_goes_down_columns", "gradients_of_columns_are_averaged", "products_take_any_rank"),
    ),
}

# The other mutants, by the reason why no random program is asked to find them.
LEFT_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "The generators do not go there yet (docs/planted-faults.md says where).": (
        *("sigmoid_vjp_is_never_zero", "log1p_is_log_of_a_sum", "variance_in_one_pass", "ties_multiply"),
        *("relu_has_two_slopes_at_zero", "relu_is_zero_from_a_hundredth", "clamp_counts_each_bound_twice"),
        *("gradients_of_constants_are_ones", "second_removal_takes_another"),
        *("gradients_lead_back_to_their_root", "saved_results_have_nodes_of_their_own"),
        *("allowed_unused_inputs_receive_ones", "handles_look_at_the_newest_node"),
        *("written_leaves_are_left_behind", "parts_take_no_more_axes"),
    ),
    "It is a matter of texts, names or warnings, which programs do not look at.": (
        *("writes_are_copied", "node_names_are_swapped", "printed_text_hides_the_flag", "numbers_are_printed_by_numpy"),
        *(
            "everything_shows_the_flag",
            "results_remember_one_operand",
            "nodes_are_shown_by_name",
            "format_keeps_the_class",
        ),
        *("messages_are_lost", "reading_a_gradient_never_warns", "reading_a_gradient_always_warns"),
        *("reflected_products_are_quotients", "methods_take_a_step_more", "members_print_their_numbers"),
        *("numbers_print_two_decimals", "lines_hold_a_column_more", "lines_hold_a_column_less"),
        *(
            "exponents_are_never_printed",
            "the_size_is_not_shown",
            "the_warning_is_given_once",
            "creators_are_forgotten",
        ),
    ),
    "It is a word of one dialect, which programs do not speak.": (
        *("data_keeps_the_graph", "data_is_a_copy", "data_is_doubled", "data_is_negated", "variables_say_nothing"),
        *(
            "factories_forget_the_keyword",
            "counting_is_in_integers",
            "backward_returns_the_root",
            "naming_backward_runs_it",
        ),
        *("a_lone_gradient_is_no_tuple", "volatile_results_are_blank", "volatility_stops_after_one_operator"),
        *("volatility_comes_of_the_first_operand", "volatile_results_keep_their_node", "volatility_travels_with_data"),
        *("volatile_is_kept", "gradients_are_the_values", "variables_as_cotangents_are_ignored"),
        *("retain_variables_is_ignored", "variables_are_always_retained", "hooks_of_variables_see_tensors"),
        *("hooks_of_variables_replace_nothing", "entries_of_data_are_arrays", "data_is_absolute", "variables_copy"),
        *(
            "variables_are_a_class_of_their_own",
            "variables_copy_tensors",
            "creator_is_back",
            "retain_variables_is_back",
        ),
        *("volatile_is_ignored", "volatile_roots_are_run", "the_default_is_double"),
    ),
    "It shows at integers, bools or mixed dtypes; every tensor of a program has the program's dtype.": (
        *("integer_factors_count_as_one", "integers_make_doubles", "booleans_may_require_grad", "integers_are_floats"),
        *("cotangents_are_of_the_roots_dtype", "whole_numbers_cannot_require_grad"),
    ),
    "It shows in memory or time: thousands of operators, or what is never freed.": (
        *("backward_recurses", "the_jacobian_is_made", "sums_are_kept_for_ever"),
    ),
    "It is right for every program: only what looks without asking, or who asks before, can tell.": (
        *("backward_waits_for_a_reader",),
    ),
    "It is one operator's numbers; faults of that kind are planted in kernels.": (
        *("mul_by_a_number_forgets_it", "mean_forgets_to_divide", "functions_pass_the_cotangent_on"),
        *("reflected_subtraction_keeps_the_sign", "negation_forgets_the_sign", "powers_follow_one_rule"),
        *("powers_have_no_zeroth_factor", "powers_are_constants", "a_second_sum_is_a_constant"),
        *("products_with_one_are_constants", "norms_are_sums_of_absolute_values", "norms_are_squares"),
    ),
    "It chooses differently at a kink or a tie, within what is admissible, or in a comparison.": (
        *("ties_all_receive_everything", "relu_is_open_at_zero", "abs_is_a_branch", "greater_includes_equal"),
        *("comparisons_are_differentiable", "comparing_counts_as_a_use"),
    ),
    "It tells two refusals of torch's apart.": ("constants_are_unused_inputs",),
}


def planted(faults: Mapping[str, Mutant]) -> dict[str, Planted]:
    """Every planted fault by name: the numbers first, then the subjects in their order."""
    kept = {name: mutant for name, mutant in faults.items() if not any(name in names for names in LEFT_OUT.values())}
    numbers = {name: Planted(mutant, "numbers") for name, mutant in kept.items() if mutant.of == "kernels"}
    listed = ((name, subject) for subject, names in SUBJECTS.items() for name in names)
    return numbers | {name: Planted(faults[name], subject) for name, subject in listed}
