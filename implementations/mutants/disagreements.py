"""Mutants of what the model and torch once disagreed about, each shown by one witness of the corpus.

No clause names them: the lines PRG-04 to PRG-13 of the catalogue name the witnesses.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

DISAGREEMENTS: Final[tuple[Mutant, ...]] = (
    # --- sweeps that are recorded
    reference(
        "recorded_cotangents_require_grad",
        "the cotangent that a recorded sweep begins with requires grad",
        """
        def seed(root, gradient, create_graph, right=core.seed):
            (place, given), = right(root, gradient, create_graph).items()
            given._wish = create_graph
            return {place: given}
        core.seed = seed
        """,
    ),
    reference(
        "gradients_lead_back_to_their_root",
        "a sweep from a gradient goes through the root that it is the gradient of too, with zeros",
        """
        def grad(root, *arguments, right=reference.grad, **options):
            found = right(root, *arguments, **options)
            for gradient in found:
                if gradient is not None and gradient.requires_grad:
                    gradient.origin = root
            return found
        def seed(root, *arguments, right=core.seed):
            origin = getattr(root, "origin", None)
            more = {} if origin is None else {core.place_of(origin): origin.detach() * 0}
            return {**more, **right(root, *arguments)}
        reference.grad, core.seed = grad, seed
        """,
    ),
    reference(
        "saved_results_have_nodes_of_their_own",
        "a result that is saved gets another node than the one that it is known by",
        """
        import copy
        def saved_values(*arguments, right=core.saved_values):
            def again(tensor):
                return core.Tensor(tensor.data, copy.copy(tensor.grad_fn), tensor.memory) if tensor.grad_fn else tensor
            return {x: (again(tensor), version) for x, (tensor, version) in right(*arguments).items()}
        core.saved_values = saved_values
        """,
    ),
    # --- gradients that are held
    reference(
        "adding_to_a_gradient_does_not_count",
        "what backward adds to a gradient is no new version of it",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            before = None if leaf.grad is None else leaf.grad._version
            right(leaf, cotangent)
            if before is not None:
                leaf.grad.memory.version = before
        core.accumulate = accumulate
        """,
    ),
    reference(
        "clearing_a_gradient_does_not_count",
        "zero_() is no new version",
        """
        def zero_(self):
            self.data[...] = 0
            return self
        core.Tensor.zero_ = zero_
        """,
    ),
    reference(
        "forgetting_zeroes_first",
        "x.grad = None sets the gradient to zero before it is forgotten, though there may be none",
        """
        def set_grad(self, value, right=core.Tensor.grad.fset):
            if value is None:
                self._grad.zero_()
            right(self, value)
        core.Tensor.grad = core.Tensor.grad.setter(set_grad)
        """,
    ),
    # --- writes
    reference(
        "parts_take_no_more_axes",
        "what is assigned to a part of a tensor may have no more axes than the part",
        """
        def setitem(self, index, value, right=core.Tensor.__setitem__):
            if isinstance(value, core.Tensor) and value.ndim > self.data[index].ndim:
                raise reference.ShapeMismatch(f"a part of shape {self.data[index].shape} takes no {value.shape}")
            right(self, index, value)
        core.Tensor.__setitem__ = setitem
        """,
    ),
    reference(
        "handles_look_at_the_newest_node",
        "a handle looks for its hook where the tensor is now, not where the hook was registered",
        """
        def register_hook(self, hook, right=core.Tensor.register_hook):
            handle = right(self, hook)
            handle.remove = lambda: core.place_of(self).hooks.pop(handle.key, None)
            return handle
        core.Tensor.register_hook = register_hook
        """,
    ),
    reference(
        "written_leaves_are_left_behind",
        "a leaf that was written while its flag was cleared receives zeros from what was computed before",
        """
        def write(target, *arguments, right=inplace.write):
            written = right(target, *arguments)
            if not target.requires_grad:
                target.written = next(core.COUNTER)
            return written
        def propagate(node, *arguments, right=core.propagate):
            for place, part in right(node, *arguments):
                yield place, part if getattr(place, "written", -1) < node.sequence else part * 0
        inplace.write, core.propagate = write, propagate
        """,
    ),
    # --- refusals
    reference(
        "two_reasons_cancel",
        "backward of a constant of several elements does nothing, though there are two reasons to refuse it",
        """
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            if self.requires_grad or self.data.size == 1:
                right(self, *arguments, **options)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "unused_inputs_receive_ones",
        "an input that the root does not depend on receives ones, unless unused inputs are allowed",
        """
        def grad(root, inputs, *arguments, right=reference.grad, allow_unused=False, **options):
            found = right(root, inputs, *arguments, allow_unused=True, **options)
            if allow_unused:
                return found
            return tuple(x.detach() * 0 + 1 if it is None else it for x, it in zip(refusals.listed(inputs), found))
        reference.grad = grad
        """,
    ),
    reference(
        "allowed_unused_inputs_receive_ones",
        "with allow_unused the gradient of an input that the root does not depend on is ones",
        """
        def grad(root, inputs, *arguments, right=reference.grad, **options):
            found = right(root, inputs, *arguments, **options)
            return tuple(x.detach() * 0 + 1 if it is None else it for x, it in zip(refusals.listed(inputs), found))
        reference.grad = grad
        """,
    ),
)
