"""Mutants of writes in place, views and versions."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

IN_PLACE: Final[tuple[Mutant, ...]] = (
    reference(
        "writes_are_not_recorded",
        "a write in place changes numbers and leaves no history",
        "inplace.rebase = lambda target, new: None",
    ),
    reference(
        "views_are_copies",
        "an entry, a slice and a reshaped tensor have memory of their own",
        """
        def join(result, operand):
            result.data = result.data.copy()
        inplace.join = join
        """,
    ),
    reference(
        "views_remember_the_old_base",
        "a view keeps the history that it had when its base is written",
        "inplace.refresh = lambda view: None",
    ),
    reference(
        "overwritten_entries_keep_their_gradient",
        "what was overwritten receives a gradient as if it had not been",
        """
        forward, _, written = core.OPERATORS["put"]
        core.OPERATORS["put"] = (forward, lambda g, at: g, written)
        """,
    ),
    reference(
        "leaves_may_be_written",
        "a leaf that requires grad is written while operators are recorded",
        "refusals.check_writable = lambda target, arguments: None",
    ),
    reference(
        "written_leaves_are_constants",
        "a leaf that was written under no_grad requires grad no more",
        """
        def write(target, operator, *arguments, right=inplace.write):
            written = right(target, operator, *arguments)
            target._wish = False
            return written
        inplace.write = write
        """,
    ),
    reference(
        "versions_are_not_checked",
        "a derivative is computed from whatever its numbers are by then",
        "refusals.check_unmodified = lambda node, tensor, version: None",
    ),
    reference(
        "every_version_is_checked",
        "a backward is refused when any operand was written since, needed or not",
        """
        def saved_values(edges, operands, result, right=core.saved_values):
            everything = {letter: (tensor, tensor._version) for letter, tensor in zip("ab", operands)}
            return {**everything, **right(edges, operands, result)}
        def recall(node, edge, right=core.recall):
            for tensor, version in (node.saved or {}).values():
                refusals.check_unmodified(node, tensor, version)
            return right(node, edge)
        core.saved_values, core.recall = saved_values, recall
        """,
    ),
    reference(
        "detached_writes_are_recorded",
        "a write through a detached alias becomes part of the history that it was detached from",
        """
        def detach(self, right=core.Tensor.detach):
            alias = right(self)
            alias.origin = self
            return alias
        def write(target, operator, *arguments, right=inplace.write):
            origin = getattr(target, "origin", None)
            old = None if origin is None else core.Tensor(origin.data.copy(), origin.grad_fn)
            written = right(target, operator, *arguments)
            if origin is not None and origin.grad_fn:
                origin.grad_fn = core.record(operator, old, *arguments).grad_fn
            return written
        core.Tensor.detach, inplace.write = detach, write
        """,
    ),
    reference(
        "hooks_move_on",
        "the hooks of a result that is written move to what it becomes",
        """
        def rebase(target, new, right=inplace.rebase):
            before = target.grad_fn
            right(target, new)
            target.grad_fn.hooks, before.hooks = before.hooks, {}
        inplace.rebase = rebase
        """,
    ),
    reference(
        "writes_count_twice",
        "a write counts as two versions",
        """
        def write(target, operator, *arguments, right=inplace.write):
            target.memory.version += 1
            return right(target, operator, *arguments)
        inplace.write = write
        """,
    ),
    reference(
        "writes_save_the_new_numbers",
        "a product that is written in place keeps the numbers that it puts there, not those that it multiplied",
        """
        def write(target, operator, *arguments, right=inplace.write):
            written = right(target, operator, *arguments)
            if target.grad_fn and "a" in target.grad_fn.saved:
                target.grad_fn.saved["a"] = (target.detach(), target._version)
            return written
        inplace.write = write
        """,
    ),
    reference(
        "retained_gradients_stay_behind",
        "a retained gradient is that of the result before it was written",
        """
        def rebase(target, new, right=inplace.rebase):
            before = target.grad_fn
            right(target, new)
            before.retained, target.grad_fn.retained = target.grad_fn.retained, None
        inplace.rebase = rebase
        """,
    ),
    reference(
        "writes_fit_by_broadcasting",
        "of a result that does not fit, as much is written as there is room for",
        """
        import numpy
        def check_fits(target, new):
            new.data = numpy.resize(new.data, target.shape)
        refusals.check_fits = check_fits
        """,
    ),
    reference(
        "writes_are_copied",
        "what is written is a copy of the result, and has the copy's node",
        "inplace.rebase = lambda target, new, right=inplace.rebase: right(target, new.clone())",
    ),
    reference(
        "views_of_no_grad_are_closed",
        "whatever is written through a view that was taken under no_grad is refused outside",
        """
        def check_writable(target, arguments, right=refusals.check_writable):
            right(target, arguments)
            if target.view and not target.view.recorded:
                raise errors.LeafInPlace("taken under no_grad")
        refusals.check_writable = check_writable
        """,
    ),
)
