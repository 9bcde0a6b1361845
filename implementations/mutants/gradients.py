"""Mutants of what leaves receive: gradients that are added up and cleared.

No clause names them: they are planted for random programs alone.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

GRADIENTS: Final[tuple[Mutant, ...]] = (
    # --- accumulation
    reference(
        "the_third_backward_overwrites",
        "of several backwards the third replaces what was there",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            leaf.runs = getattr(leaf, "runs", 0) + 1
            if leaf.runs == 3:
                leaf._grad = None
            right(leaf, cotangent)
        core.accumulate = accumulate
        """,
    ),
    reference(
        "accumulation_replaces_the_tensor",
        "each backward leaves a new tensor as the gradient, and the one that the user holds as it was",
        """
        def accumulate(leaf, cotangent):
            if leaf.requires_grad:
                leaf.grad = cotangent.clone() if leaf.grad is None else leaf.grad + cotangent
        core.accumulate = accumulate
        """,
    ),
    reference(
        "assigned_gradients_are_copied",
        "x.grad = g keeps a copy of g",
        """
        def set_grad(self, value):
            refusals.check_grad(self, value)
            self._grad = value if value is None or core.ACCUMULATING.locked() else value.detach().clone()
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "gradients_are_absolute",
        "what is added to a gradient is added without its sign",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent if leaf.grad is None else cotangent.abs())
        core.accumulate = accumulate
        """,
    ),
    # --- zeroing
    reference(
        "zero_halves",
        "zero_() halves the gradient",
        """
        def zero_(self):
            return self.mul_(0.5)
        core.Tensor.zero_ = zero_
        """,
    ),
    reference(
        "zero_clears_the_first_entry",
        "zero_() clears the first entry alone",
        """
        def zero_(self):
            self.data.flat[:1] = 0
            self.memory.version += 1
            return self
        core.Tensor.zero_ = zero_
        """,
    ),
    reference(
        "zeroing_clears_the_leaf",
        "x.grad.zero_() sets x to zero as well",
        """
        def get_grad(self):
            if self._grad is not None:
                self._grad.owner = self
            return self._grad
        def zero_(self, right=core.Tensor.zero_):
            if hasattr(self, "owner"):
                self.owner.data[...] = 0
            return right(self)
        core.Tensor.grad = core.Tensor.grad.getter(get_grad)
        core.Tensor.zero_ = zero_
        """,
    ),
    reference(
        "zeroing_forgets",
        "x.grad.zero_() leaves x without a gradient",
        """
        def get_grad(self):
            if self._grad is not None:
                self._grad.owner = self
            return self._grad
        def zero_(self):
            self.owner._grad = None
        core.Tensor.grad = core.Tensor.grad.getter(get_grad)
        core.Tensor.zero_ = zero_
        """,
    ),
    reference(
        "forgetting_zeroes",
        "x.grad = None leaves a gradient of zeros",
        """
        def set_grad(self, value, right=core.Tensor.grad.fset):
            right(self, self._grad.detach() * 0 if value is None and self._grad is not None else value)
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "forgetting_spoils_what_is_held",
        "x.grad = None sets the gradient that the user holds to zero",
        """
        def set_grad(self, value, right=core.Tensor.grad.fset):
            if value is None and self._grad is not None:
                self._grad.data[...] = 0
            right(self, value)
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "forgetting_ends_recording",
        "x.grad = None clears x's flag as well",
        """
        def set_grad(self, value, right=core.Tensor.grad.fset):
            right(self, value)
            if value is None and self.is_leaf:
                self._wish = False
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "forgetting_removes_hooks",
        "x.grad = None removes x's hooks",
        """
        def set_grad(self, value, right=core.Tensor.grad.fset):
            right(self, value)
            if value is None:
                self.hooks.clear()
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    reference(
        "cleared_gradients_return",
        "a backward after zero_() brings back what was cleared",
        """
        def zero_(self):
            self.cleared = self.data.copy()
            self.data[...] = 0
            self.memory.version += 1
            return self
        def accumulate(leaf, cotangent, right=core.accumulate):
            cleared = getattr(leaf.grad, "cleared", 0)
            right(leaf, cotangent)
            leaf.grad.data[...] += cleared
            leaf.grad.cleared = 0
        core.Tensor.zero_, core.accumulate = zero_, accumulate
        """,
    ),
)
