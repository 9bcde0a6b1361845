"""Mutants of what tensors keep: gradients that are cleared, detached values, modes, graphs, shapes and dtypes.

No clause names them: they are planted for random programs alone.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

STATE: Final[tuple[Mutant, ...]] = (
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
    # --- versions and views
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
    # --- shapes and dtypes
    reference(
        "gradients_are_flat",
        "the gradient of a matrix is a vector of its elements",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent)
            leaf._grad = core.Tensor(leaf.grad.data.ravel()) if leaf.data.ndim == 2 else leaf._grad
        core.accumulate = accumulate
        """,
    ),
    reference(
        "gradients_of_squares_are_transposed",
        "the gradient of a square matrix is transposed",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent.t() if leaf.data.ndim == 2 and leaf.shape[0] == leaf.shape[1] else cotangent)
        core.accumulate = accumulate
        """,
    ),
    reference(
        "products_with_numbers_are_double",
        "a product of float32 with a number is float64",
        """
        def record(operator, *arguments, right=core.record, **options):
            result = right(operator, *arguments, **options)
            if operator == "mul" and not all(isinstance(it, core.Tensor) for it in arguments):
                result.data = result.data.astype("float64")
            return result
        core.record = record
        """,
    ),
    reference(
        "empty_leaves_receive_nothing",
        "a leaf without elements has no gradient after backward",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            if leaf.data.size:
                right(leaf, cotangent)
        core.accumulate = accumulate
        """,
    ),
    reference(
        "lone_rows_lose_an_axis",
        "the gradient of a matrix of one row is a vector",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent)
            if leaf.data.ndim == 2 and leaf.shape[0] == 1:
                leaf._grad = core.Tensor(leaf.grad.data[0])
        core.accumulate = accumulate
        """,
    ),
    reference(
        "functional_gradients_are_single",
        "what grad() returns is float32",
        """
        def grad(*arguments, right=reference.grad, **options):
            return tuple(it if it is None else it.cast("float32") for it in right(*arguments, **options))
        reference.grad = grad
        """,
    ),
    reference(
        "reshaping_goes_down_columns",
        "the derivative of reshape reads elements column after column",
        """
        forward, _ = core.OPERATORS["reshape"]
        def vjp(g, s, *_):
            return g.reshape(tuple(reversed(s))).t() if len(s) == 2 else g.reshape(s)
        core.OPERATORS["reshape"] = (forward, vjp)
        """,
    ),
    reference(
        "gradients_of_columns_are_averaged",
        "a gradient is averaged over an axis of extent 1 that broadcasting stretched",
        """
        def unbroadcast(cotangent, edge, right=rules.unbroadcast):
            total = right(cotangent, edge)
            stretched = cotangent.data.ndim == len(edge.shape) and 0 < total.data.size < cotangent.data.size
            return total * (total.data.size / cotangent.data.size) if stretched else total
        rules.unbroadcast = unbroadcast
        """,
    ),
)
