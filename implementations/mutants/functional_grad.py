"""Mutants of grad(), the functional gradient."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

FUNCTIONAL_GRAD: Final[tuple[Mutant, ...]] = (
    reference(
        "grad_ignores_the_cotangent",
        "grad() starts from ones whatever cotangent it is given",
        """
        def grad(root, inputs, grad_outputs=None, right=reference.grad, **options):
            return right(root, inputs, None if grad_outputs is None else root.detach() * 0 + 1, **options)
        reference.grad = grad
        """,
    ),
    reference(
        "grad_forgets_the_last_input",
        "grad() returns zeros for the last of its inputs",
        """
        def grad(root, inputs, right=reference.grad, **options):
            found = right(root, inputs, **options)
            return (*found[:-1], found[-1] * 0)
        reference.grad = grad
        """,
    ),
    reference(
        "grad_writes_into_leaves",
        "grad() accumulates into the leaves as backward does",
        """
        def grad(root, inputs, right=reference.grad, **options):
            root.backward(options.get("grad_outputs"), retain_graph=True)
            return right(root, inputs, **options)
        reference.grad = grad
        """,
    ),
    reference(
        "unused_input_gives_ones",
        "an input that the root does not depend on gets ones",
        """
        def grad(root, inputs, right=reference.grad, **options):
            found = right(root, inputs, **{**options, "allow_unused": True})
            return tuple(x.detach() * 0 + 1 if g is None else g for x, g in zip(inputs, found))
        reference.grad = grad
        """,
    ),
    reference(
        "gradients_are_always_recorded",
        "grad() records itself whether create_graph is asked or not",
        """
        def grad(root, inputs, right=reference.grad, **options):
            return right(root, inputs, **{**options, "create_graph": True})
        reference.grad = grad
        """,
    ),
    reference(
        "backward_is_never_recorded",
        "backward(create_graph=True) leaves gradients that are constants",
        """
        def backward(self, gradient=None, create_graph=False, right=core.Tensor.backward, **options):
            right(self, gradient, **options)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "unused_inputs_are_allowed",
        "an input that the root does not depend on is never refused",
        "refusals.check_used = lambda places, reached: None",
    ),
    reference(
        "cotangents_are_constants",
        "a product passes its cotangent on without its history",
        """
        forward, first, second = core.OPERATORS["mul"]
        core.OPERATORS["mul"] = (
            forward, lambda g, b: first(g.detach(), b), lambda g, a: second(g.detach(), a)
        )
        """,
    ),
)
