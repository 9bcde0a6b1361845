"""Mutants of torch: faults of leaves, hooks, modes, loops and second backwards, patched from outside."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, torch

TORCH_FAULTS: Final[tuple[Mutant, ...]] = (
    # --- leaves and data
    torch(
        "retained_gradients_are_the_last",
        "a retained gradient is that of the last backward alone",
        """
        def retain_grad(self):
            self.register_hook(lambda gradient: setattr(self, "grad", gradient))
        torch.Tensor.retain_grad = retain_grad
        """,
    ),
    torch(
        "retained_gradients_are_halved",
        "a retained gradient is half of what is passed on",
        """
        def retain_grad(self):
            self.register_hook(lambda gradient: setattr(self, "grad", gradient / 2))
        torch.Tensor.retain_grad = retain_grad
        """,
    ),
    torch(
        "data_is_negated",
        ".data holds the values with the other sign",
        "torch.Tensor.data = property(lambda self: -self.detach())",
    ),
    # --- dtypes, shapes, flags
    torch(
        "integers_make_doubles",
        "a product with integers is float64",
        """
        def mul(self, other, right=torch.Tensor.__mul__):
            product = right(self, other)
            return product if getattr(other, "dtype", None) != torch.int64 else product.double()
        torch.Tensor.__mul__ = mul
        """,
    ),
    torch(
        "booleans_may_require_grad",
        "requires_grad_() of booleans is ignored",
        """
        def requires_grad_(self, flag=True, right=torch.Tensor.requires_grad_):
            return self if self.dtype == torch.bool else right(self, flag)
        torch.Tensor.requires_grad_ = requires_grad_
        """,
    ),
    torch(
        "constants_are_unused_inputs",
        "grad() takes a constant for an input that was not used",
        """
        def grad(root, inputs, right=torch.autograd.grad, **options):
            return right(root, [each if each.requires_grad else torch.ones(1, requires_grad=True) for each in inputs], **options)
        torch.autograd.grad = grad
        """,
    ),
    torch(
        "requires_grad_toggles",
        "requires_grad_() flips the flag, whichever it is to be",
        """
        def requires_grad_(self, flag=True, right=torch.Tensor.requires_grad_):
            return right(self, not self.requires_grad)
        torch.Tensor.requires_grad_ = requires_grad_
        """,
    ),
    torch(
        "what_is_written_retains_its_gradient",
        "a tensor that is multiplied in place retains its gradient from then on",
        """
        def mul_(self, other, right=torch.Tensor.mul_):
            right(self, other)
            if self.requires_grad:
                self.retain_grad()
            return self
        torch.Tensor.mul_ = mul_
        """,
    ),
    torch(
        "products_take_any_rank",
        "dot and mm are the sum of all products, whatever the ranks",
        "torch.Tensor.dot = torch.Tensor.mm = lambda self, other: (self * other).sum()",
    ),
    torch(
        "empty_sums_are_one",
        "a gradient that is summed over no elements is 1",
        """
        def mul(self, other, right=torch.Tensor.__mul__):
            product = right(self, other)
            if not product.numel() and self.numel():
                self.register_hook(lambda gradient: gradient + 1)
            return product
        torch.Tensor.__mul__ = mul
        """,
    ),
    torch(
        "relu_is_open_at_zero",
        "relu passes the cotangent on at 0 too",
        "torch.Tensor.relu = lambda self: torch.where(self < 0, self * 0, self)",
    ),
    # --- hooks
    torch(
        "silent_hooks_end_the_gradient",
        "a hook that returns nothing is taken to return zeros",
        """
        def register_hook(self, hook, right=torch.Tensor.register_hook):
            def answered(gradient):
                answer = hook(gradient)
                return gradient * 0 if answer is None else answer
            return right(self, answered)
        torch.Tensor.register_hook = register_hook
        """,
    ),
    torch(
        "backward_waits_for_a_reader",
        "backward does its work when a gradient is read",
        """
        WAITING = []
        gradient = torch.Tensor.grad
        def backward(self, right=torch.Tensor.backward):
            WAITING.append(lambda: right(self))
        def grad(self):
            while WAITING:
                WAITING.pop(0)()
            return gradient.__get__(self)
        torch.Tensor.backward, torch.Tensor.grad = backward, property(grad, gradient.__set__)
        """,
    ),
    # --- the functional gradient
    torch(
        "a_lone_gradient_is_no_tuple",
        "grad() of one input returns its gradient, not a tuple",
        """
        def grad(*arguments, right=torch.autograd.grad, **options):
            found = right(*arguments, **options)
            return found if len(found) > 1 else found[0]
        torch.autograd.grad = grad
        """,
    ),
    torch(
        "gradients_of_constants_are_ones",
        "grad() of a root without history gives ones",
        """
        def grad(root, inputs, right=torch.autograd.grad, **options):
            return right(root, inputs, **options) if root.requires_grad else tuple(map(torch.ones_like, inputs))
        torch.autograd.grad = grad
        """,
    ),
    # --- modes
    torch(
        "no_grad_clears_the_operands_flag",
        "an operand of a product under no_grad requires grad no more",
        """
        def mul(self, other, right=torch.Tensor.__mul__):
            return right(self if torch.is_grad_enabled() else self.requires_grad_(False), other)
        torch.Tensor.__mul__ = mul
        """,
    ),
    torch(
        "sums_are_kept_for_ever",
        "every sum is kept, and with it its graph",
        """
        KEPT = []
        def total(self, *arguments, right=torch.Tensor.sum):
            KEPT.append(right(self, *arguments))
            return KEPT[-1]
        torch.Tensor.sum = total
        """,
    ),
    # --- control flow
    torch(
        "products_with_one_are_constants",
        "a product with the number 1 is a constant",
        """
        def mul(self, other, right=torch.Tensor.__mul__):
            return right(self, other).detach() if isinstance(other, float) and other == 1 else right(self, other)
        torch.Tensor.__mul__ = mul
        """,
    ),
    torch(
        "greater_includes_equal",
        "x > 0 holds at 0 too",
        "torch.Tensor.__gt__ = torch.Tensor.ge",
    ),
    torch(
        "comparing_counts_as_a_use",
        "a comparison adds 1 to the gradient of what is compared",
        """
        def greater(self, other, right=torch.Tensor.gt):
            if self.requires_grad:
                self.register_hook(lambda gradient: gradient + 1)
            return right(self, other)
        torch.Tensor.__gt__ = greater
        """,
    ),
    torch(
        "norms_are_sums_of_absolute_values",
        "the norm is the 1-norm",
        "torch.Tensor.norm = lambda self: self.abs().sum()",
    ),
    torch(
        "norms_are_squares",
        "the norm is the sum of squares, without its root",
        "torch.Tensor.norm = lambda self: (self * self).sum()",
    ),
    torch(
        "abs_is_a_branch",
        "abs passes the cotangent on as x if x > 0 else -x does",
        "torch.Tensor.abs = lambda self: torch.where(self > 0, self, -self)",
    ),
    # --- a second backward, higher order
    torch(
        "every_graph_is_retained",
        "backward keeps the graph whether it is asked to or not",
        """
        def backward(self, gradient=None, retain_graph=True, right=torch.Tensor.backward, **options):
            right(self, gradient, retain_graph=True, **options)
        torch.Tensor.backward = backward
        """,
    ),
    torch(
        "backward_is_always_recorded",
        "backward records itself whether create_graph is asked or not",
        """
        def backward(self, gradient=None, create_graph=True, right=torch.Tensor.backward, **options):
            right(self, gradient, create_graph=True, **options)
        torch.Tensor.backward = backward
        """,
    ),
    # --- printed text and warnings
    torch(
        "members_print_their_numbers",
        "the repr of a tensor is that of its numbers",
        "torch.Tensor.__repr__ = lambda self: repr(self.tolist())",
    ),
    torch(
        "numbers_print_two_decimals",
        "numbers are printed with two decimals",
        "torch.set_printoptions(precision=2)",
    ),
    torch("lines_hold_a_column_more", "lines of text have 81 columns", "torch.set_printoptions(linewidth=81)"),
    torch("lines_hold_a_column_less", "lines of text have 79 columns", "torch.set_printoptions(linewidth=79)"),
    torch("exponents_are_never_printed", "numbers have no exponents", "torch.set_printoptions(sci_mode=False)"),
    torch(
        "the_size_is_not_shown",
        "an empty tensor prints without its size",
        r"""
        import re
        torch.Tensor.__repr__ = lambda self, right=torch.Tensor.__repr__: re.sub(r"size=.*?\), ", "", right(self))
        """,
    ),
    torch(
        "integers_are_floats",
        "a tensor of integers is made of floats",
        """
        def tensor(value, dtype=None, right=torch.tensor, **options):
            return right(value, dtype=torch.float32 if dtype == torch.int64 else dtype, **options)
        torch.tensor = tensor
        """,
    ),
    torch(
        "the_warning_is_given_once",
        "of all accesses to the gradient of a result only the first one warns",
        """
        from warnings import catch_warnings, simplefilter, warn
        gradient, GIVEN = torch.Tensor.grad, []
        def grad(self):
            with catch_warnings():
                simplefilter("ignore")
                found = gradient.__get__(self)
            if found is None and not self.is_leaf and not GIVEN:
                GIVEN.append(warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed."))
            return found
        torch.Tensor.grad = property(grad, gradient.__set__)
        """,
    ),
)
