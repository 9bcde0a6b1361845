"""Mutants that leave the admissible set of a convention."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

CONVENTIONS: Final[tuple[Mutant, ...]] = (
    reference(
        "relu_has_two_slopes_at_zero",
        "at 0 relu passes the cotangent on twice",
        """
        forward, _ = core.OPERATORS["relu"]
        core.OPERATORS["relu"] = (forward, lambda g, a: g.where(a.data >= 0, 0) + g.where(a.data == 0, 0))
        """,
        operator="relu",
    ),
    reference(
        "clamp_counts_each_bound_twice",
        "an element that lies at a bound of clamp receives its cotangent twice",
        """
        forward, within = core.OPERATORS["clamp"]
        def vjp(g, a, low, high):
            return within(g, a, low, high) + g.where((a.data == low) | (a.data == high), 0)
        core.OPERATORS["clamp"] = (forward, vjp)
        """,
        operator="clamp",
    ),
    reference(
        "ties_all_receive_everything",
        "of several elements that are the greatest each receives the whole cotangent",
        """
        forward, _ = core.OPERATORS["max"]
        core.OPERATORS["max"] = (forward, lambda g, a, y: g.where(a.data == y.data, 0))
        """,
    ),
    reference(
        "unused_leaves_receive_ones",
        "a leaf that the root does not depend on receives ones",
        """
        LEAVES = []
        def tensor(*arguments, right=core.tensor, **options):
            LEAVES.append(right(*arguments, **options))
            return LEAVES[-1]
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            right(self, *arguments, **options)
            for leaf in LEAVES:
                if leaf.requires_grad and leaf.grad is None:
                    leaf.grad = leaf.detach() * 0 + 1
        core.Tensor.backward = backward
        reference.tensor = tensor
        """,
    ),
    reference(
        "whole_numbers_cannot_require_grad",
        "a leaf of floats that happen to be whole numbers is refused as if they were integers",
        """
        def tensor(data, *arguments, right=core.tensor, requires_grad=False, **options):
            leaf = right(data, *arguments, **options)
            if requires_grad and not (leaf.data % 1).any():
                raise errors.NotFloating("these are whole numbers")
            return leaf.requires_grad_(requires_grad)
        reference.tensor = tensor
        """,
    ),
    reference(
        "flipping_the_flag_does_nothing",
        "requires_grad_() gives the tensor back as it is",
        "core.Tensor.requires_grad_ = lambda self, flag=True: self",
    ),
)
