"""Mutants of torch: names, texts, warnings, identities and dtypes, patched from outside."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, torch

DIALECTS: Final[tuple[Mutant, ...]] = (
    # --- recording
    torch(
        "comparisons_are_differentiable",
        "a comparison gives floats that require grad",
        """
        def smooth(compare):
            return lambda self, other: compare(self, other).to(self.dtype) + 0 * self
        torch.Tensor.__eq__ = smooth(torch.Tensor.eq)
        torch.Tensor.__gt__ = smooth(torch.Tensor.gt)
        """,
    ),
    torch(
        "gradients_hide_their_graph",
        "a recorded gradient is one node, which differentiates nothing",
        """
        def grad(*arguments, right=torch.autograd.grad, **options):
            return tuple(found.detach().requires_grad_().clone() for found in right(*arguments, **options))
        torch.autograd.grad = grad
        """,
    ),
    torch(
        "results_remember_one_operand",
        "a sum is recorded as if its operands came in the other order",
        """
        torch.Tensor.__add__ = lambda self, other: torch.add(other, self)
        """,
    ),
    torch(
        "nodes_are_shown_by_name",
        "grad_fn is the node's name, not the node",
        """
        node = torch.Tensor.grad_fn
        torch.Tensor.grad_fn = property(lambda self: type(node.__get__(self)).__name__)
        """,
    ),
    # --- printed text
    torch(
        "format_keeps_the_class",
        "an f-string shows a 0-d tensor with its class around the number",
        "torch.Tensor.__format__ = lambda self, form: f'tensor({self.tolist()})'",
    ),
    # --- errors and warnings
    torch(
        "messages_are_lost",
        "what is refused is refused without a reason",
        """
        def mute(call):
            def muted(*arguments, **options):
                try:
                    return call(*arguments, **options)
                except (RuntimeError, TypeError) as reason:
                    raise type(reason)("no") from None
            return muted
        torch.tensor = mute(torch.tensor)
        torch.Tensor.backward = mute(torch.Tensor.backward)
        torch.Tensor.requires_grad_ = mute(torch.Tensor.requires_grad_)
        """,
    ),
    torch(
        "gradients_begin_as_zeros",
        "a leaf has a gradient of zeros before its first backward",
        """
        gradient = torch.Tensor.grad
        def grad(self):
            found = gradient.__get__(self)
            return torch.zeros_like(self) if found is None and self.is_leaf else found
        torch.Tensor.grad = property(grad, gradient.__set__)
        """,
    ),
    torch(
        "reading_a_gradient_never_warns",
        "the gradient of a result is None without a word",
        """
        gradient = torch.Tensor.grad
        torch.Tensor.grad = property(lambda self: gradient.__get__(self) if self.is_leaf else None)
        """,
    ),
    torch(
        "reading_a_gradient_always_warns",
        "every access to a gradient warns",
        """
        from warnings import warn
        gradient = torch.Tensor.grad
        def grad(self):
            warn("The .grad attribute of a Tensor is being accessed.")
            return gradient.__get__(self)
        torch.Tensor.grad = property(grad, gradient.__set__)
        """,
    ),
    # --- data and detach
    torch("data_keeps_the_graph", ".data is the tensor itself", "torch.Tensor.data = property(lambda self: self)"),
    torch(
        "data_is_a_copy",
        ".data is a copy of the values",
        "torch.Tensor.data = property(lambda self: self.detach().clone())",
    ),
    torch(
        "data_is_doubled",
        ".data holds twice the values",
        "torch.Tensor.data = property(lambda self: self.detach() * 2)",
    ),
    torch(
        "detach_copies",
        "detach() copies the values",
        """
        def detach(self, right=torch.Tensor.detach):
            return right(self).clone()
        torch.Tensor.detach = detach
        """,
    ),
    # --- volatile
    torch(
        "variables_say_nothing",
        "Variable() takes volatile=True without a word",
        """
        def variable(data, requires_grad=False, volatile=False):
            return data.detach().requires_grad_(requires_grad)
        torch.autograd.Variable = variable
        """,
    ),
    # --- dtypes
    torch(
        "integer_factors_count_as_one",
        "a product with integers passes the cotangent on unchanged",
        """
        def mul(self, other, right=torch.Tensor.__mul__):
            if self.is_floating_point() and not getattr(other, "dtype", self.dtype).is_floating_point:
                return right(self, other).detach() + self - self.detach()
            return right(self, other)
        torch.Tensor.__mul__ = mul
        """,
    ),
    # --- what torch's own words say of leaves, nodes, backward and gradients
    torch(
        "backward_clears_the_flag",
        "after backward the leaves require grad no more",
        """
        def backward(self, *arguments, right=torch.Tensor.backward, **options):
            nodes = [self.grad_fn]
            for node in nodes:
                nodes.extend(source for source, _ in node.next_functions if source)
            leaves = [node.variable for node in nodes if hasattr(node, "variable")]
            right(self, *arguments, **options)
            for leaf in leaves:
                leaf.requires_grad_(False)
        torch.Tensor.backward = backward
        """,
    ),
    torch(
        "powers_are_constants",
        "a power is not recorded",
        "torch.Tensor.__pow__ = lambda self, exponent: torch.pow(self.detach(), exponent)",
    ),
    torch(
        "equal_leaves_are_one",
        "making a leaf of the same values gives the leaf that is already there",
        """
        import weakref
        LEAVES = weakref.WeakValueDictionary()
        def tensor(value, right=torch.tensor, **options):
            return LEAVES.setdefault(f"{value} {options}", right(value, **options))
        torch.tensor = tensor
        """,
    ),
    torch(
        "factories_forget_the_keyword",
        "factories ignore requires_grad=True",
        """
        def forgetful(factory):
            return lambda *arguments, requires_grad=False, **options: factory(*arguments, **options)
        for name in ("tensor", "ones", "arange", "rand", "randn"):
            setattr(torch, name, forgetful(getattr(torch, name)))
        """,
    ),
    torch(
        "counting_is_in_integers",
        "arange counts in integers whatever its bounds are",
        """
        def arange(*bounds, right=torch.arange, **options):
            return right(*map(int, bounds), **options)
        torch.arange = arange
        """,
    ),
    torch(
        "a_second_sum_is_a_constant",
        "the first sum of a tensor is recorded, later ones are not",
        """
        def total(self, *arguments, right=torch.Tensor.sum):
            seen, self.seen = getattr(self, "seen", False), True
            return right(self.detach() if seen else self, *arguments)
        torch.Tensor.sum = total
        """,
    ),
    torch(
        "reflected_products_are_quotients",
        "2 * x is recorded as x / (1 / 2)",
        "torch.Tensor.__rmul__ = lambda self, other: self / (1 / other)",
    ),
    torch(
        "methods_take_a_step_more",
        "x.mul(w) adds 0 to x * w",
        "torch.Tensor.mul = lambda self, other: self * other + 0",
    ),
    torch(
        "backward_returns_the_root",
        "backward() returns the tensor that it started from",
        """
        def backward(self, *arguments, right=torch.Tensor.backward, **options):
            right(self, *arguments, **options)
            return self
        torch.Tensor.backward = backward
        """,
    ),
    torch(
        "naming_backward_runs_it",
        "looking up y.backward runs it",
        """
        def backward(self, right=torch.Tensor.backward):
            right(self)
            return right.__get__(self)
        torch.Tensor.backward = property(backward)
        """,
    ),
    torch(
        "cotangents_are_of_the_roots_dtype",
        "a cotangent of another dtype than the root's is refused",
        """
        def backward(self, cotangent=None, right=torch.Tensor.backward, **options):
            if cotangent is not None and cotangent.dtype != self.dtype:
                raise RuntimeError(f"a cotangent is {self.dtype}, not {cotangent.dtype}")
            right(self, cotangent, **options)
        torch.Tensor.backward = backward
        """,
    ),
    torch(
        "the_jacobian_is_made",
        "backward makes room for the whole Jacobian first",
        """
        def backward(self, *arguments, right=torch.Tensor.backward, **options):
            torch.empty(self.numel(), self.numel())
            right(self, *arguments, **options)
        torch.Tensor.backward = backward
        """,
    ),
    torch(
        "gradients_are_read_as_copies",
        "each access to .grad gives a copy",
        """
        gradient = torch.Tensor.grad
        def grad(self):
            found = gradient.__get__(self)
            return found if found is None else found.clone()
        torch.Tensor.grad = property(grad, gradient.__set__)
        """,
    ),
    torch(
        "gradients_begin_as_ones",
        "a leaf has a gradient of ones before its first backward",
        """
        gradient = torch.Tensor.grad
        def grad(self):
            found = gradient.__get__(self)
            return torch.ones_like(self) if found is None and self.is_leaf else found
        torch.Tensor.grad = property(grad, gradient.__set__)
        """,
    ),
)
