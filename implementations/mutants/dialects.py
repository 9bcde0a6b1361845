"""Mutants of what only a dialect says: names, texts, warnings, identities. Some are faults of torch, patched from outside."""

from __future__ import annotations

from textwrap import dedent
from typing import Final

from implementations.mutants.table import Mutant


def _torch(name: str, fault: str, patch: str) -> Mutant:
    return Mutant(name, "torch", fault, dedent(patch).strip())


def _reference(name: str, fault: str, patch: str) -> Mutant:
    return Mutant(name, "reference", fault, dedent(patch).strip())


DIALECTS: Final[tuple[Mutant, ...]] = (
    # --- recording
    _reference(
        "a_leaf_as_root_is_forgotten",
        "backward() from a leaf does nothing",
        """
        from implementations.reference import core
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            if not self.is_leaf:
                right(self, *arguments, **options)
        core.Tensor.backward = backward
        """,
    ),
    _torch(
        "comparisons_are_differentiable",
        "a comparison gives floats that require grad",
        """
        def smooth(compare):
            return lambda self, other: compare(self, other).to(self.dtype) + 0 * self
        torch.Tensor.__eq__ = smooth(torch.Tensor.eq)
        torch.Tensor.__gt__ = smooth(torch.Tensor.gt)
        """,
    ),
    _torch(
        "gradients_hide_their_graph",
        "a recorded gradient is one node, which differentiates nothing",
        """
        def grad(*arguments, right=torch.autograd.grad, **options):
            return tuple(found.detach().requires_grad_().clone() for found in right(*arguments, **options))
        torch.autograd.grad = grad
        """,
    ),
    _torch(
        "results_remember_one_operand",
        "a sum is recorded as if its operands came in the other order",
        """
        torch.Tensor.__add__ = lambda self, other: torch.add(other, self)
        """,
    ),
    _torch(
        "nodes_are_shown_by_name",
        "grad_fn is the node's name, not the node",
        """
        node = torch.Tensor.grad_fn
        torch.Tensor.grad_fn = property(lambda self: type(node.__get__(self)).__name__)
        """,
    ),
    # --- printed text
    _reference(
        "numbers_are_printed_by_numpy",
        "numbers are printed as NumPy prints them",
        """
        from implementations.reference import text
        text.array_text = lambda data, number, indent: repr(data.tolist())
        """,
    ),
    _reference(
        "everything_shows_the_flag",
        "every tensor is printed as if it required grad",
        """
        from implementations.reference import values
        values.tensor_text = lambda data, suffixes, right=values.tensor_text: right(data, ["requires_grad=True"])
        """,
    ),
    _torch(
        "format_keeps_the_class",
        "an f-string shows a 0-d tensor with its class around the number",
        "torch.Tensor.__format__ = lambda self, form: f'tensor({self.tolist()})'",
    ),
    # --- errors and warnings
    _torch(
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
    _torch(
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
    _torch(
        "reading_a_gradient_never_warns",
        "the gradient of a result is None without a word",
        """
        gradient = torch.Tensor.grad
        torch.Tensor.grad = property(lambda self: gradient.__get__(self) if self.is_leaf else None)
        """,
    ),
    _torch(
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
    _torch("data_keeps_the_graph", ".data is the tensor itself", "torch.Tensor.data = property(lambda self: self)"),
    _torch(
        "data_is_a_copy",
        ".data is a copy of the values",
        "torch.Tensor.data = property(lambda self: self.detach().clone())",
    ),
    _torch(
        "data_is_doubled",
        ".data holds twice the values",
        "torch.Tensor.data = property(lambda self: self.detach() * 2)",
    ),
    _torch(
        "detach_copies",
        "detach() copies the values",
        """
        def detach(self, right=torch.Tensor.detach):
            return right(self).clone()
        torch.Tensor.detach = detach
        """,
    ),
    # --- volatile
    _reference(
        "volatile_roots_are_run",
        "backward() from a volatile result does nothing, without a word",
        """
        from implementations.reference import legacy
        def backward(self, *arguments, right=legacy.Variable.backward, **options):
            if not self.volatile:
                right(self, *arguments, **options)
        legacy.Variable.backward = backward
        """,
    ),
    _torch(
        "variables_say_nothing",
        "Variable() takes volatile=True without a word",
        """
        def variable(data, requires_grad=False, volatile=False):
            return data.detach().requires_grad_(requires_grad)
        torch.autograd.Variable = variable
        """,
    ),
    # --- control flow, singular points
    _reference(
        "negation_forgets_the_sign",
        "-x passes the cotangent on unchanged",
        """
        from implementations.reference import core
        core.OPERATORS["neg"] = (core.OPERATORS["neg"][0], lambda g: g)
        """,
    ),
    _reference(
        "powers_follow_one_rule",
        "x**0 is differentiated as 0 * x**-1, which is NaN at 0",
        """
        from implementations.reference import core
        core.OPERATORS["pow"] = (core.OPERATORS["pow"][0], lambda g, a, n: g * (n * a ** (n - 1)))
        """,
    ),
    _reference(
        "powers_have_no_zeroth_factor",
        "the derivative of x**n is computed as n * x**n / x, which is NaN at 0",
        """
        from implementations.reference import core
        core.OPERATORS["pow"] = (core.OPERATORS["pow"][0], lambda g, a, n: g * (n * a ** n / a))
        """,
    ),
    # --- lifetime and threads
    _reference(
        "graphs_die_with_names",
        "a result's saved values go when its name goes",
        """
        from implementations.reference import core
        core.Tensor.__del__ = lambda self: self.grad_fn and core.free(self.grad_fn)
        """,
    ),
    _reference(
        "dropped_leaves_are_overwritten",
        "the memory of a leaf is reused when its name goes, though the graph needs it",
        """
        import weakref
        from implementations.reference import core
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
    _reference(
        "the_mode_is_of_the_process",
        "no_grad in one thread turns recording off in all",
        """
        from implementations.reference import core
        core.MODE = type("Mode", (), {"enabled": True})()
        """,
    ),
    _reference(
        "other_threads_accumulate_nothing",
        "a backward outside the main thread leaves no gradient",
        """
        import threading
        from implementations.reference import core
        def accumulate(leaf, cotangent, right=core.accumulate):
            if threading.current_thread() is threading.main_thread():
                right(leaf, cotangent)
        core.accumulate = accumulate
        """,
    ),
    # --- dtypes
    _torch(
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
    _torch(
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
    _torch(
        "powers_are_constants",
        "a power is not recorded",
        "torch.Tensor.__pow__ = lambda self, exponent: torch.pow(self.detach(), exponent)",
    ),
    _torch(
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
    _torch(
        "factories_forget_the_keyword",
        "factories ignore requires_grad=True",
        """
        def forgetful(factory):
            return lambda *arguments, requires_grad=False, **options: factory(*arguments, **options)
        for name in ("tensor", "ones", "arange", "rand", "randn"):
            setattr(torch, name, forgetful(getattr(torch, name)))
        """,
    ),
    _torch(
        "counting_is_in_integers",
        "arange counts in integers whatever its bounds are",
        """
        def arange(*bounds, right=torch.arange, **options):
            return right(*map(int, bounds), **options)
        torch.arange = arange
        """,
    ),
    _torch(
        "a_second_sum_is_a_constant",
        "the first sum of a tensor is recorded, later ones are not",
        """
        def total(self, *arguments, right=torch.Tensor.sum):
            seen, self.seen = getattr(self, "seen", False), True
            return right(self.detach() if seen else self, *arguments)
        torch.Tensor.sum = total
        """,
    ),
    _torch(
        "reflected_products_are_quotients",
        "2 * x is recorded as x / (1 / 2)",
        "torch.Tensor.__rmul__ = lambda self, other: self / (1 / other)",
    ),
    _torch(
        "methods_take_a_step_more",
        "x.mul(w) adds 0 to x * w",
        "torch.Tensor.mul = lambda self, other: self * other + 0",
    ),
    _torch(
        "backward_returns_the_root",
        "backward() returns the tensor that it started from",
        """
        def backward(self, *arguments, right=torch.Tensor.backward, **options):
            right(self, *arguments, **options)
            return self
        torch.Tensor.backward = backward
        """,
    ),
    _torch(
        "naming_backward_runs_it",
        "looking up y.backward runs it",
        """
        def backward(self, right=torch.Tensor.backward):
            right(self)
            return right.__get__(self)
        torch.Tensor.backward = property(backward)
        """,
    ),
    _torch(
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
    _torch(
        "the_jacobian_is_made",
        "backward makes room for the whole Jacobian first",
        """
        def backward(self, *arguments, right=torch.Tensor.backward, **options):
            torch.empty(self.numel(), self.numel())
            right(self, *arguments, **options)
        torch.Tensor.backward = backward
        """,
    ),
    _torch(
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
    _torch(
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
