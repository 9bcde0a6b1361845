"""Mutants of the graph's lifetime, and of names and printed texts."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

LIFETIME: Final[tuple[Mutant, ...]] = (
    # --- lifetime of the graph
    reference(
        "retained_graph_is_freed",
        "retain_graph=True is ignored",
        """
        def backward(self, gradient=None, retain_graph=None, right=core.Tensor.backward, **options):
            right(self, gradient, **options)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "freed_values_read_as_zeros",
        "a second backward reads zeros where saved values were freed",
        """
        def free(node):
            node.saved = {letter: (value.detach() * 0, 0) for letter, (value, _) in node.saved.items()}
        core.free = free
        """,
    ),
    reference(
        "grad_ignores_retain_graph",
        "grad(retain_graph=True) frees the graph",
        """
        def grad(root, inputs, right=reference.grad, retain_graph=None, **options):
            return right(root, inputs, **options)
        reference.grad = grad
        """,
    ),
    reference(
        "grad_retains_the_graph",
        "grad() keeps the saved values whether it is asked to or not",
        """
        def grad(root, inputs, right=reference.grad, **options):
            return right(root, inputs, **{**options, "retain_graph": True})
        reference.grad = grad
        """,
    ),
    reference("graphs_are_never_freed", "saved values are kept after backward", "core.free = lambda node: None"),
    # --- dialects
    reference(
        "node_names_are_swapped",
        "a product's node is named after a sum",
        'core.NODES["mul"].__name__ = "AddBackward0"',
        operator="mul",
    ),
    reference(
        "printed_text_hides_the_flag",
        "the printed form shows neither requires_grad nor grad_fn",
        "values.tensor_text = lambda data, suffixes, right=values.tensor_text: right(data, [])",
    ),
    reference(
        "volatile_is_ignored",
        "volatile has no effect on what is computed",
        "legacy.poisoned = lambda operands: False",
    ),
    reference(
        "backward_recurses",
        "backward visits a chain by a function that calls itself",
        """
        def topological_order(roots, ends=None, right=order.topological_order):
            seen = set()
            def visit(place):
                if place not in seen:
                    seen.add(place)
                    for operand in order.targets(place):
                        visit(operand)
            for root in roots:
                visit(root)
            return right(roots, ends)
        order.topological_order = topological_order
        """,
    ),
)
