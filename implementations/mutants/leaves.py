"""Mutants of flags, leaves and detach."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

LEAVES: Final[tuple[Mutant, ...]] = (
    reference(
        "result_never_requires_grad",
        "a result does not inherit the flag of its operands",
        "core.Tensor.requires_grad = core.Tensor.requires_grad.getter(lambda self: self._wish)",
    ),
    reference(
        "requires_grad_flips_a_copy",
        "requires_grad_() returns a flipped copy and leaves the tensor as it is",
        """
        def requires_grad_(self, flag=True):
            copy = self.detach()
            copy.requires_grad = flag
            return copy
        core.Tensor.requires_grad_ = requires_grad_
        """,
    ),
    reference(
        "the_flag_cannot_be_cleared",
        "requires_grad_(False) leaves a leaf that requires grad as it is",
        """
        def requires_grad_(self, flag=True, right=core.Tensor.requires_grad_):
            return right(self, flag or self.requires_grad)
        core.Tensor.requires_grad_ = requires_grad_
        """,
    ),
    reference(
        "cleared_leaves_accumulate",
        "a leaf whose flag was cleared after the graph was built accumulates all the same",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            wish, leaf._wish = leaf._wish, True
            right(leaf, cotangent)
            leaf._wish = wish
        core.accumulate = accumulate
        """,
    ),
    reference(
        "constants_are_recorded",
        "operators on constants leave nodes behind",
        """
        def record(operator, *operands, right=core.record):
            constants = [t for t in operands if isinstance(t, core.Tensor) and not t.requires_grad]
            for constant in constants:
                constant._wish = True
            result = right(operator, *operands)
            for constant in constants:
                constant._wish = False
            return result
        core.record = record
        """,
    ),
    reference(
        "intermediates_keep_gradients",
        "every result keeps its gradient, asked or not",
        """
        def record(operator, *operands, right=core.record):
            result = right(operator, *operands)
            if result.requires_grad:
                result.retain_grad()
            return result
        core.record = record
        """,
    ),
    reference(
        "named_inputs_are_ignored",
        "backward(inputs=...) accumulates into every leaf",
        """
        def backward(self, gradient=None, inputs=None, right=core.Tensor.backward, **options):
            right(self, gradient, **options)
        core.Tensor.backward = backward
        """,
    ),
    reference("retain_grad_does_nothing", "retain_grad() is ignored", "core.Tensor.retain_grad = lambda self: None"),
    reference("detach_keeps_the_graph", "detach() returns the tensor itself", "core.Tensor.detach = lambda self: self"),
    reference(
        "detach_cuts_in_place",
        "detach() cuts the tensor itself from its graph",
        """
        def detach(self, right=core.Tensor.detach):
            self.grad_fn = None
            return right(self)
        core.Tensor.detach = detach
        """,
    ),
)
