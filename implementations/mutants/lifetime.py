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
    reference(
        "graphs_die_with_names",
        "a result's saved values go when its name goes",
        """
        core.Tensor.__del__ = lambda self: self.grad_fn and core.free(self.grad_fn)
        """,
    ),
    reference(
        "dropped_leaves_are_overwritten",
        "the memory of a leaf is reused when its name goes, though the graph needs it",
        """
        import weakref
        class Place(core.Tensor):
            pass
        def place_of(tensor, right=core.place_of):
            if right(tensor) is not tensor:
                return right(tensor)
            if not hasattr(tensor, "place"):
                tensor.place = Place(tensor.data)
                tensor.place.owner = weakref.ref(tensor)
            return tensor.place
        def accumulate(place, cotangent, right=core.accumulate):
            if place.owner() is not None:
                right(place.owner(), cotangent)
        def saved_values(*arguments, right=core.saved_values):
            return {letter: (value.detach(), version) for letter, (value, version) in right(*arguments).items()}
        def finalize(self):
            if hasattr(self, "place"):
                self.data[...] = 0
        core.place_of, core.accumulate, core.saved_values = place_of, accumulate, saved_values
        core.Tensor.__del__ = finalize
        """,
    ),
)
