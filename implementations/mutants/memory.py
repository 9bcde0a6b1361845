"""Mutants of what tensors share: versions and views.

No clause names them: they are planted for random programs alone.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

MEMORY: Final[tuple[Mutant, ...]] = (
    reference(
        "writes_do_not_count",
        "a write is no new version",
        """
        def write(target, operator, *arguments, right=inplace.write):
            version = target.memory.version
            written = right(target, operator, *arguments)
            target.memory.version = version
            return written
        inplace.write = write
        """,
    ),
    reference(
        "only_the_first_write_counts",
        "a version is whether a memory was written, not how often",
        """
        def write(target, operator, *arguments, right=inplace.write):
            written = right(target, operator, *arguments)
            target.memory.version = 1
            return written
        inplace.write = write
        """,
    ),
    reference(
        "writes_of_constants_do_not_count",
        "a write that is not recorded is no new version",
        """
        def write(target, operator, *arguments, right=inplace.write):
            version = target.memory.version
            written = right(target, operator, *arguments)
            if not target.requires_grad:
                target.memory.version = version
            return written
        inplace.write = write
        """,
    ),
    reference(
        "writes_through_views_stay_there",
        "a write through a view becomes history of the view, not of its base",
        """
        def rebase(target, new):
            target.grad_fn = new.grad_fn
        inplace.rebase = rebase
        """,
    ),
    reference(
        "writes_to_a_base_pass_everything_on",
        "what is written over an entry of a base leaves the gradient of the entry's old value whole",
        """
        forward, first, second = core.OPERATORS["put"]
        core.OPERATORS["put"] = (forward, lambda g, at: g, lambda g, at: g.window(at))
        """,
    ),
    reference(
        "written_products_forget_their_factor",
        "x.mul_(y) passes nothing to y",
        """
        def write(target, operator, *arguments, right=inplace.write):
            factors = [it.detach() if isinstance(it, core.Tensor) and operator == "mul" else it for it in arguments]
            return right(target, operator, *factors)
        inplace.write = write
        """,
    ),
)
