"""Mutants of the cotangents that backward starts from, and of what it leaves in leaves."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

ACCUMULATION: Final[tuple[Mutant, ...]] = (
    # --- cotangents
    reference(
        "implicit_cotangent_is_two",
        "backward() starts from 2 instead of 1",
        """
        def seed(root, gradient, create_graph, right=core.seed):
            return right(root, root.detach() * 0 + 2 if gradient is None else gradient, create_graph)
        core.seed = seed
        """,
    ),
    reference(
        "non_scalar_root_is_summed",
        "backward() of several elements starts from ones",
        "refusals.check_root = lambda root, gradient: None",
    ),
    reference(
        "cotangent_is_ignored",
        "backward(v) starts from ones whatever v is",
        """
        def seed(root, gradient, create_graph, right=core.seed):
            return right(root, root.detach() * 0 + 1, create_graph)
        core.seed = seed
        """,
    ),
    reference(
        "cotangents_are_rounded",
        "a cotangent is rounded to whole numbers",
        """
        def seed(root, gradient, create_graph, right=core.seed):
            return right(root, None if gradient is None else core.Tensor(gradient.data.round()), create_graph)
        core.seed = seed
        """,
    ),
    reference(
        "cotangent_is_broadcast",
        "a cotangent of another shape is stretched to the root's",
        """
        import numpy
        def seed(root, gradient, create_graph, right=core.seed):
            fitted = gradient if gradient is None else core.Tensor(numpy.resize(gradient.data, root.shape))
            return right(root, fitted, create_graph)
        core.seed = seed
        """,
    ),
    reference(
        "gradient_aliases_the_cotangent",
        "the caller's cotangent becomes the leaf's gradient",
        """
        def seed(root, gradient, create_graph, right=core.seed):
            return dict.fromkeys(right(root, gradient, create_graph), gradient)
        def accumulate(leaf, cotangent):
            if leaf.grad is None:
                leaf.grad = cotangent
            else:
                leaf.grad.data += cotangent.data
        core.seed, core.accumulate = seed, accumulate
        """,
    ),
    # --- accumulation and clearing
    reference(
        "accumulate_overwrites",
        "a backward replaces the gradient that was there",
        """
        def accumulate(leaf, cotangent):
            leaf.grad = cotangent.clone()
        core.accumulate = accumulate
        """,
    ),
    reference(
        "lone_gradients_become_vectors",
        "the gradient of a 0-d leaf has the shape (1,)",
        """
        import numpy
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent)
            leaf._grad = core.Tensor(numpy.atleast_1d(leaf.grad.data))
        core.accumulate = accumulate
        """,
    ),
    reference(
        "leaves_share_a_gradient",
        "a cotangent becomes the gradient of every leaf that it reaches, without a copy",
        """
        def accumulate(leaf, cotangent):
            if leaf.grad is None:
                leaf.grad = cotangent
            else:
                leaf.grad.data += cotangent.data
        core.accumulate = accumulate
        """,
    ),
    reference(
        "assigned_gradient_is_ignored",
        "x.grad = g has no effect, only backward writes it",
        """
        def set_grad(self, value):
            self._grad = value if value is None or core.ACCUMULATING.locked() else self._grad
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "zeroing_replaces_the_gradient",
        "x.grad.zero_() gives x a new gradient of zeros and leaves the one that the user holds",
        """
        def get_grad(self):
            if self._grad is not None:
                self._grad.owner = self
            return self._grad
        def zero_(self):
            self.owner._grad = self.detach() * 0
        core.Tensor.grad = core.Tensor.grad.getter(get_grad)
        core.Tensor.zero_ = zero_
        """,
    ),
    reference("zero_does_nothing", "zero_() leaves the gradient as it is", "core.Tensor.zero_ = lambda self: self"),
    reference(
        "forgetting_keeps_the_sum",
        "x.grad = None has no effect",
        """
        def set_grad(self, value):
            self._grad = self._grad if value is None else value
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "gradients_are_double",
        "every leaf's gradient is float64",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent)
            leaf._grad = leaf.grad.cast("float64")
        core.accumulate = accumulate
        """,
    ),
    reference(
        "any_gradient_may_be_assigned",
        "x.grad = g takes a g of whatever shape",
        "refusals.check_grad = lambda tensor, value: None",
    ),
    reference(
        "a_leaf_as_root_is_forgotten",
        "backward() from a leaf does nothing",
        """
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            if not self.is_leaf:
                right(self, *arguments, **options)
        core.Tensor.backward = backward
        """,
    ),
)
