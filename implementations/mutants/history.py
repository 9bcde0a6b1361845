"""Mutants of what is remembered and how long: detached values, modes, graphs.

No clause names them: they are planted for random programs alone.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

HISTORY: Final[tuple[Mutant, ...]] = (
    # --- detach
    reference(
        "detached_values_are_copies",
        "detach() copies the values, so that a write does not show",
        """
        def detach(self, right=core.Tensor.detach):
            return core.Tensor(self.data.copy())
        core.Tensor.detach = detach
        """,
    ),
    reference(
        "detached_values_require_grad",
        "what detach() gives is a leaf that requires grad",
        """
        def detach(self, right=core.Tensor.detach):
            alias = right(self)
            alias._wish = self.requires_grad
            return alias
        core.Tensor.detach = detach
        """,
    ),
    reference(
        "detached_values_count_alone",
        "a detached alias counts writes of its own",
        "core.Tensor.detach = lambda self: core.Tensor(self.data)",
    ),
    reference(
        "detach_removes_hooks",
        "detach() removes the hooks of its source",
        """
        def detach(self, right=core.Tensor.detach):
            (self.grad_fn or self).hooks.clear()
            return right(self)
        core.Tensor.detach = detach
        """,
    ),
    reference(
        "detach_clears_the_flag",
        "detach() of a leaf clears the leaf's flag",
        """
        def detach(self, right=core.Tensor.detach):
            self._wish = False
            return right(self)
        core.Tensor.detach = detach
        """,
    ),
    reference(
        "products_with_detached_values_are_constants",
        "a product with a detached value is not recorded",
        """
        def detach(self, right=core.Tensor.detach):
            alias = right(self)
            alias.detached = True
            return alias
        def record(operator, *arguments, right=core.record):
            result = right(operator, *arguments)
            if operator == "mul" and any(hasattr(it, "detached") for it in arguments):
                result.grad_fn = None
            return result
        core.Tensor.detach, core.record = detach, record
        """,
    ),
    reference(
        "detach_forgets_the_gradient",
        "detach() leaves its source without a gradient",
        """
        def detach(self, right=core.Tensor.detach):
            self._grad = None
            return right(self)
        core.Tensor.detach = detach
        """,
    ),
    # --- modes
    reference(
        "enable_grad_does_nothing",
        "enable_grad() inside of no_grad changes nothing",
        """
        import contextlib
        reference.enable_grad = contextlib.nullcontext
        """,
    ),
    reference(
        "no_grad_makes_constants",
        "a leaf that is made under no_grad does not require grad",
        """
        def tensor(*arguments, right=reference.tensor, requires_grad=False, **options):
            return right(*arguments, requires_grad=requires_grad and core.is_grad_enabled(), **options)
        reference.tensor = tensor
        """,
    ),
    reference(
        "nothing_accumulates_under_no_grad",
        "backward inside of no_grad leaves no gradient",
        """
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            if core.is_grad_enabled():
                right(self, *arguments, **options)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "no_grad_leaves_sums_recorded",
        "a sum under no_grad is recorded all the same",
        """
        def record(operator, *arguments, right=core.record, **options):
            with core.grad_mode(core.is_grad_enabled() or operator == "sum"):
                return right(operator, *arguments, **options)
        core.record = record
        """,
    ),
    # --- lifetime
    reference(
        "create_graph_frees",
        "backward(create_graph=True) and grad(create_graph=True) free the graph that they were recorded on",
        """
        def sweep(seeds, ends, retain_graph, *arguments, right=core.sweep):
            return right(seeds, ends, bool(retain_graph), *arguments)
        core.sweep = sweep
        """,
    ),
    reference(
        "every_node_is_freed",
        "nodes that saved nothing cannot run a second time either",
        """
        def free(node):
            node.saved = None
        core.free = free
        """,
    ),
    reference(
        "the_first_backward_retains",
        "a graph is freed by the second backward only",
        """
        def free(node, right=core.free):
            node.runs = getattr(node, "runs", 0) + 1
            if node.runs > 1:
                right(node)
        core.free = free
        """,
    ),
    reference(
        "freeing_removes_hooks",
        "a node that is freed forgets its hooks",
        """
        def free(node, right=core.free):
            right(node)
            node.hooks.clear()
        core.free = free
        """,
    ),
    reference(
        "dropped_results_pass_nothing_on",
        "a result whose name is gone passes no gradient on",
        """
        import weakref
        def record(operator, *arguments, right=core.record, **options):
            result = right(operator, *arguments, **options)
            if result.grad_fn:
                result.grad_fn.made = weakref.ref(result)
            return result
        def propagate(node, cotangent, wanted, right=core.propagate):
            made = getattr(node, "made", None)
            factor = 0 if made and made() is None else 1
            for place, part in right(node, cotangent, wanted):
                yield place, part * factor
        core.record, core.propagate = record, propagate
        """,
    ),
)
