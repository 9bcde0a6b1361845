"""Mutants of the API before 0.4, and of what became of it in torch."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference, torch

VARIABLES: Final[tuple[Mutant, ...]] = (
    # --- volatile
    reference(
        "volatile_results_are_blank",
        "a result of a volatile operand is all zeros",
        """
        def wrapped(tensor, volatile=False, right=legacy.wrapped):
            return right(tensor * 0 if volatile else tensor, volatile)
        legacy.wrapped = wrapped
        """,
    ),
    reference(
        "volatility_stops_after_one_operator",
        "a volatile leaf makes results volatile, a volatile result does not",
        """
        def wrapped(tensor, volatile=False, right=legacy.wrapped):
            result = right(tensor, volatile)
            result.made = True
            return result
        def poisoned(operands, right=legacy.poisoned):
            return right([operand for operand in operands if not hasattr(operand, "made")])
        legacy.wrapped, legacy.poisoned = wrapped, poisoned
        """,
    ),
    reference(
        "volatility_comes_of_the_first_operand",
        "only the first operand makes a result volatile",
        "legacy.poisoned = lambda operands, right=legacy.poisoned: right(operands[:1])",
    ),
    reference(
        "volatile_results_keep_their_node",
        "volatile results are recorded like any other, though their flags deny it",
        """
        from contextlib import nullcontext
        legacy.no_grad = nullcontext
        legacy.Variable.requires_grad = property(lambda self: self.tensor.requires_grad and not self.volatile)
        """,
    ),
    reference(
        "volatility_travels_with_data",
        "a Variable made of a volatile one's data is volatile",
        """
        def initialize(self, data, *flags, right=legacy.Variable.__init__, **named):
            right(self, data, *flags, **named)
            self.volatile = self.volatile or getattr(data, "poison", False)
        def data(self, right=legacy.Variable.data.fget):
            found = right(self)
            found.poison = self.volatile
            return found
        legacy.Variable.__init__, legacy.Variable.data = initialize, property(data)
        """,
    ),
    torch(
        "volatile_is_kept",
        "volatile is an attribute like any other, without a word",
        """
        def keep(self, flag):
            self.kept = flag
        torch.Tensor.volatile = property(lambda self: getattr(self, "kept", False), keep)
        """,
    ),
    # --- gradients and graphs of Variables
    reference(
        "gradients_are_the_values",
        "a Variable's gradient, when there is one, reads as its values",
        """
        def gradient(self, right=legacy.Variable.grad.fget):
            return right(self) and legacy.wrapped(self.tensor.detach())
        legacy.Variable.grad = property(gradient)
        """,
    ),
    reference(
        "variables_as_cotangents_are_ignored",
        "backward(v) of a Variable v starts from ones",
        """
        def backward(self, gradient=None, right=legacy.Variable.backward, **options):
            right(self, None if gradient is None else gradient * 0 + 1, **options)
        legacy.Variable.backward = backward
        """,
    ),
    reference("creators_are_forgotten", "nothing has a creator", "legacy.Variable.creator = None"),
    reference(
        "retain_variables_is_ignored",
        "backward(retain_variables=True) frees the graph",
        """
        def backward(self, gradient=None, retain_variables=False, right=legacy.Variable.backward):
            right(self, gradient)
        legacy.Variable.backward = backward
        """,
    ),
    reference(
        "variables_are_always_retained",
        "backward keeps the graph whether it is asked to or not",
        """
        def backward(self, gradient=None, retain_variables=False, right=legacy.Variable.backward):
            right(self, gradient, retain_variables=True)
        legacy.Variable.backward = backward
        """,
    ),
    reference(
        "hooks_of_variables_see_tensors",
        "a hook on a Variable is called with what the Variable holds",
        "legacy.Variable.register_hook = lambda self, hook: self.tensor.register_hook(hook)",
    ),
    reference(
        "hooks_of_variables_replace_nothing",
        "what a hook on a Variable returns is thrown away",
        """
        def register_hook(self, hook, right=legacy.Variable.register_hook):
            return right(self, lambda gradient: (hook(gradient), None)[1])
        legacy.Variable.register_hook = register_hook
        """,
    ),
    # --- data
    reference(
        "entries_of_data_are_arrays",
        "an entry of data is NumPy's number, not Python's",
        """
        import numpy
        legacy.Data.__getitem__ = numpy.ndarray.__getitem__
        """,
    ),
    reference(
        "data_is_absolute",
        "data is read without its signs",
        "legacy.Variable.data = property(lambda self, right=legacy.Variable.data.fget: abs(right(self)))",
    ),
    reference(
        "variables_copy",
        "Variable(data) copies the data",
        """
        def initialize(self, data, *flags, right=legacy.Variable.__init__, **named):
            right(self, data, *flags, **named)
            self.tensor.data = self.tensor.data.copy()
        legacy.Variable.__init__ = initialize
        """,
    ),
    # --- what became of it
    torch(
        "variables_are_a_class_of_their_own",
        "Variable(t) is no plain tensor",
        """
        class Variable(torch.Tensor):
            def __new__(cls, data, requires_grad=False):
                return data.detach().as_subclass(cls).requires_grad_(requires_grad)
        torch.autograd.Variable = Variable
        """,
    ),
    torch(
        "variables_copy_tensors",
        "Variable(t) copies t",
        """
        def variable(data, requires_grad=False):
            return data.detach().clone().requires_grad_(requires_grad)
        torch.autograd.Variable = variable
        """,
    ),
    torch(
        "creator_is_back",
        "grad_fn is called creator as well",
        "torch.Tensor.creator = property(lambda self: self.grad_fn)",
    ),
    torch(
        "retain_variables_is_back",
        "backward takes retain_variables for retain_graph",
        """
        def backward(self, gradient=None, retain_graph=None, right=torch.Tensor.backward, retain_variables=False):
            right(self, gradient, retain_graph=retain_graph or retain_variables)
        torch.Tensor.backward = backward
        """,
    ),
    torch(
        "the_default_is_double",
        "tensors of numbers are float64 unless they are told otherwise",
        "torch.set_default_dtype(torch.float64)",
    ),
    reference(
        "volatile_is_ignored",
        "volatile has no effect on what is computed",
        "legacy.poisoned = lambda operands: False",
    ),
    reference(
        "volatile_roots_are_run",
        "backward() from a volatile result does nothing, without a word",
        """
        def backward(self, *arguments, right=legacy.Variable.backward, **options):
            if not self.volatile:
                right(self, *arguments, **options)
        legacy.Variable.backward = backward
        """,
    ),
)
