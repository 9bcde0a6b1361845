"""The table of mutants: each row is one fault, as statements that patch an engine from outside.

Patches are printed at the top of every witness, so a mutant's script is complete. They replace what an engine looks up when
it is called, and nothing in an engine knows about them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent
from typing import Final


@dataclass(frozen=True)
class Mutant:
    """One engine broken in one way. `operator`: the operator that it breaks, where it breaks just one."""

    name: str
    of: str
    fault: str
    patch: str
    operator: str | None = None


_MODULES: Final = ("engine", "hooks", "legacy", "modes", "order", "refusals", "vjps")


def _reference(name: str, fault: str, patch: str, operator: str | None = None) -> Mutant:
    used = [module for module in _MODULES if re.search(rf"\b{module}\.", patch)]
    imports = f"from implementations.reference import {', '.join(used)}\n" if used else ""
    return Mutant(name, "reference", fault, imports + dedent(patch).strip(), operator)


TABLE: Final = (
    # --- mathematics
    _reference(
        "mul_counts_one_use",
        "a product's second factor receives nothing",
        """
        first, second = vjps.VJPS["mul"]
        vjps.VJPS["mul"] = (first, vjps.Vjp("a", lambda g, a: g * 0))
        """,
        operator="mul",
    ),
    _reference(
        "mul_by_a_number_forgets_it",
        "a product with a number passes the cotangent on unchanged",
        """
        def forgetful(pull):
            return lambda g, factor: g if factor.shape == () else pull(g, factor)
        vjps.VJPS["mul"] = tuple(vjp._replace(pull=forgetful(vjp.pull)) for vjp in vjps.VJPS["mul"])
        """,
    ),
    _reference(
        "mean_forgets_to_divide",
        "every entry of a mean receives the whole cotangent",
        "vjps.fold = lambda g, shape: 1.0",
    ),
    _reference(
        "mm_forgets_to_transpose",
        "the left factor of a matrix product receives g @ w instead of g @ w^T",
        """
        vjps.VJPS["mm"] = (vjps.Vjp("b", lambda g, b: g.mm(b)), vjps.VJPS["mm"][1])
        """,
        operator="mm",
    ),
    _reference(
        "mm_forgets_to_transpose_the_left",
        "the right factor of a matrix product receives x @ g instead of x^T @ g",
        """
        vjps.VJPS["mm"] = (vjps.VJPS["mm"][0], vjps.Vjp("a", lambda g, a: a.mm(g)))
        """,
        operator="mm",
    ),
    _reference(
        "functions_pass_the_cotangent_on",
        "exp, sin, tanh and log pass the cotangent on, which is right at 0 and 1 alone",
        """
        for name in ("exp", "sin", "tanh", "log"):
            vjps.VJPS[name] = (vjps.Vjp("", lambda g: g),)
        """,
    ),
    _reference(
        "reflected_subtraction_keeps_the_sign",
        "2 - x has the derivative of x - 2",
        'vjps.VJPS["rsub"] = vjps.VJPS["sub"]',
        operator="sub",
    ),
    _reference(
        "index_scatters_to_the_first",
        "the cotangent of an entry lands on the first one",
        'vjps.VJPS["select"] = (vjps.Vjp("", lambda g, index, shape: g.scatter(0, shape)),)',
    ),
    _reference(
        "broadcast_averages",
        "a gradient is averaged, not summed, over what broadcasting repeated",
        """
        def unbroadcast(cotangent, edge, right=vjps.unbroadcast):
            total = right(cotangent, edge)
            return total / max(1, cotangent.data.size // max(1, total.data.size))
        vjps.unbroadcast = unbroadcast
        """,
    ),
    _reference(
        "contributions_keep_the_last",
        "of several uses of a value only the last one counts",
        """
        def add_contribution(cotangents, place, part):
            cotangents[place] = part
        engine.add_contribution = add_contribution
        """,
    ),
    _reference(
        "third_contribution_is_dropped",
        "of several uses of a value only the first two count",
        """
        def add_contribution(cotangents, place, part, right=engine.add_contribution):
            uses = getattr(cotangents.get(place), "uses", 0)
            if uses < 2:
                right(cotangents, place, part.detach())
                cotangents[place].uses = uses + 1
        engine.add_contribution = add_contribution
        """,
    ),
    _reference(
        "places_run_when_first_reached",
        "a node runs when the first of its uses has contributed, and what comes later is lost",
        """
        def topological_order(roots):
            found = list(roots)
            for place in found:
                found.extend(operand for operand in dict.fromkeys(order.sources(place)) if operand not in found)
            return found
        order.topological_order = topological_order
        """,
    ),
    _reference(
        "difference_with_itself_counts_once",
        "x - x and x / x pass a cotangent to one of their operands only",
        """
        def propagate(node, cotangent, wanted, right=engine.propagate):
            parts = list(right(node, cotangent, wanted))
            yield from dict(parts).items() if node.operator in ("sub", "div") else parts
        engine.propagate = propagate
        """,
    ),
    _reference(
        "equal_leaves_are_merged",
        "leaves of equal values count as one",
        """
        import weakref
        LEAVES = weakref.WeakValueDictionary()
        def source(tensor, right=engine.source):
            place = right(tensor)
            if isinstance(place, engine.Tensor):
                return LEAVES.setdefault((place.dtype, place.shape, place.data.tobytes()), place)
            return place
        engine.source = source
        """,
    ),
    _reference(
        "saved_operand_is_detached",
        "a recorded backward treats a saved factor as a constant",
        """
        first, second = vjps.VJPS["mul"]
        vjps.VJPS["mul"] = (first, vjps.Vjp("a", lambda g, a: g * a.detach()))
        """,
    ),
    # --- cotangents
    _reference(
        "implicit_cotangent_is_two",
        "backward() starts from 2 instead of 1",
        """
        def seed(roots, gradients, create_graph, right=engine.seed):
            twos = [root.detach() * 0 + 2 if given is None else given for root, given in zip(roots, gradients)]
            return right(roots, twos, create_graph)
        engine.seed = seed
        """,
    ),
    _reference(
        "non_scalar_root_is_summed",
        "backward() of several elements starts from ones",
        "refusals.check_cotangent = lambda root, gradient: None",
    ),
    _reference(
        "cotangent_is_ignored",
        "backward(v) starts from ones whatever v is",
        """
        def seed(roots, gradients, create_graph, right=engine.seed):
            return right(roots, [root.detach() * 0 + 1 for root in roots], create_graph)
        engine.seed = seed
        """,
    ),
    _reference(
        "cotangents_are_rounded",
        "a cotangent is rounded to whole numbers",
        """
        def seed(roots, gradients, create_graph, right=engine.seed):
            whole = [None if given is None else engine.Tensor(given.data.round()) for given in gradients]
            return right(roots, whole, create_graph)
        engine.seed = seed
        """,
    ),
    _reference(
        "cotangent_is_broadcast",
        "a cotangent of another shape is stretched to the root's",
        """
        import numpy
        def seed(roots, gradients, create_graph, right=engine.seed):
            pairs = zip(roots, gradients)
            fitted = [g if g is None else engine.Tensor(numpy.resize(g.data, root.shape)) for root, g in pairs]
            return right(roots, fitted, create_graph)
        engine.seed = seed
        """,
    ),
    _reference(
        "gradient_aliases_the_cotangent",
        "the caller's cotangent becomes the leaf's gradient",
        """
        def seed(roots, gradients, create_graph, right=engine.seed):
            seeds = right(roots, gradients, create_graph)
            return dict(zip(seeds, gradients))
        def accumulate(leaf, cotangent):
            if leaf.grad is None:
                leaf.grad = cotangent
            else:
                leaf.grad.data += cotangent.data
        engine.seed, engine.accumulate = seed, accumulate
        """,
    ),
    # --- accumulation and clearing
    _reference(
        "accumulate_overwrites",
        "a backward replaces the gradient that was there",
        """
        def accumulate(leaf, cotangent):
            leaf.grad = cotangent.clone()
        engine.accumulate = accumulate
        """,
    ),
    _reference(
        "lone_gradients_become_vectors",
        "the gradient of a 0-d leaf has the shape (1,)",
        """
        import numpy
        def accumulate(leaf, cotangent, right=engine.accumulate):
            right(leaf, cotangent)
            leaf._grad = engine.Tensor(numpy.atleast_1d(leaf.grad.data))
        engine.accumulate = accumulate
        """,
    ),
    _reference(
        "leaves_share_a_gradient",
        "a cotangent becomes the gradient of every leaf that it reaches, without a copy",
        """
        def accumulate(leaf, cotangent):
            if leaf.grad is None:
                leaf.grad = cotangent
            else:
                leaf.grad.data += cotangent.data
        engine.accumulate = accumulate
        """,
    ),
    _reference(
        "assigned_gradient_is_ignored",
        "x.grad = g has no effect, only backward writes it",
        """
        def set_grad(self, value):
            self._grad = value if value is None or engine.ACCUMULATING.locked() else self._grad
        engine.Tensor.grad = engine.Tensor.grad.setter(set_grad)
        """,
    ),
    _reference(
        "zeroing_replaces_the_gradient",
        "x.grad.zero_() gives x a new gradient of zeros and leaves the one that the user holds",
        """
        def get_grad(self):
            if self._grad is not None:
                self._grad.owner = self
            return self._grad
        def zero_(self):
            self.owner._grad = self.detach() * 0
        engine.Tensor.grad = engine.Tensor.grad.getter(get_grad)
        engine.Tensor.zero_ = zero_
        """,
    ),
    _reference("zero_does_nothing", "zero_() leaves the gradient as it is", "engine.Tensor.zero_ = lambda self: self"),
    _reference(
        "forgetting_keeps_the_sum",
        "x.grad = None has no effect",
        """
        def set_grad(self, value):
            self._grad = self._grad if value is None else value
        engine.Tensor.grad = engine.Tensor.grad.setter(set_grad)
        """,
    ),
    # --- flags, leaves, detach
    _reference(
        "result_never_requires_grad",
        "a result does not inherit the flag of its operands",
        "engine.Tensor.requires_grad = engine.Tensor.requires_grad.getter(lambda self: self._wish)",
    ),
    _reference(
        "requires_grad_flips_a_copy",
        "requires_grad_() returns a flipped copy and leaves the tensor as it is",
        """
        def requires_grad_(self, flag=True):
            copy = self.detach()
            copy.requires_grad = flag
            return copy
        engine.Tensor.requires_grad_ = requires_grad_
        """,
    ),
    _reference(
        "the_flag_cannot_be_cleared",
        "requires_grad_(False) leaves a leaf that requires grad as it is",
        """
        def requires_grad_(self, flag=True, right=engine.Tensor.requires_grad_):
            return right(self, flag or self.requires_grad)
        engine.Tensor.requires_grad_ = requires_grad_
        """,
    ),
    _reference(
        "cleared_leaves_accumulate",
        "a leaf whose flag was cleared after the graph was built accumulates all the same",
        """
        def accumulate(leaf, cotangent, right=engine.accumulate):
            wish, leaf._wish = leaf._wish, True
            right(leaf, cotangent)
            leaf._wish = wish
        engine.accumulate = accumulate
        """,
    ),
    _reference(
        "constants_are_recorded",
        "operators on constants leave nodes behind",
        """
        def record(operator, forward, *operands, params=(), right=engine.record):
            constants = [t for t in operands if isinstance(t, engine.Tensor) and not t.requires_grad]
            for constant in constants:
                constant._wish = True
            result = right(operator, forward, *operands, params=params)
            for constant in constants:
                constant._wish = False
            return result
        engine.record = record
        """,
    ),
    _reference(
        "intermediates_keep_gradients",
        "every result keeps its gradient, asked or not",
        """
        def record(operator, forward, *operands, params=(), right=engine.record):
            result = right(operator, forward, *operands, params=params)
            if result.requires_grad:
                result.retain_grad()
            return result
        engine.record = record
        """,
    ),
    _reference(
        "named_inputs_are_ignored",
        "backward(inputs=...) accumulates into every leaf",
        """
        def backward(self, gradient=None, inputs=None, right=engine.Tensor.backward, **options):
            right(self, gradient, **options)
        engine.Tensor.backward = backward
        """,
    ),
    _reference("retain_grad_does_nothing", "retain_grad() is ignored", "engine.Tensor.retain_grad = lambda self: None"),
    _reference(
        "detach_keeps_the_graph", "detach() returns the tensor itself", "engine.Tensor.detach = lambda self: self"
    ),
    _reference(
        "detach_cuts_in_place",
        "detach() cuts the tensor itself from its graph",
        """
        def detach(self, right=engine.Tensor.detach):
            self.grad_fn = None
            return right(self)
        engine.Tensor.detach = detach
        """,
    ),
    # --- hooks
    _reference(
        "hook_runs_per_contribution",
        "a hook is called for each use of its tensor, with that use's part",
        """
        def add_contribution(cotangents, place, part, right=engine.add_contribution, run_hooks=hooks.run_hooks):
            right(cotangents, place, run_hooks(place, part))
        engine.add_contribution = add_contribution
        hooks.run_hooks = lambda place, cotangent: cotangent
        """,
    ),
    _reference(
        "hook_removal_does_nothing", "a removed hook is still called", "hooks.Handle.remove = lambda self: None"
    ),
    _reference(
        "hook_replacement_is_ignored",
        "what a hook returns is thrown away",
        """
        def run_hooks(place, cotangent):
            for hook in tuple(place.hooks.values()):
                hook(cotangent)
            return cotangent
        hooks.run_hooks = run_hooks
        """,
    ),
    _reference(
        "hook_argument_requires_grad",
        "a hook's argument requires grad, so that what the hook computes is recorded",
        """
        def run_hooks(place, cotangent, right=hooks.run_hooks):
            return right(place, cotangent.detach().requires_grad_() if place.hooks else cotangent)
        hooks.run_hooks = run_hooks
        """,
    ),
    _reference(
        "hook_argument_is_single",
        "a hook's argument is float32, whatever its tensor is",
        """
        def run_hooks(place, cotangent, right=hooks.run_hooks):
            return right(place, cotangent.cast("float32") if place.hooks else cotangent)
        hooks.run_hooks = run_hooks
        refusals.check_grad = lambda tensor, value: None
        """,
    ),
    _reference(
        "hooks_run_in_reverse",
        "the last hook of a tensor runs first",
        """
        def run_hooks(place, cotangent, right=hooks.run_hooks):
            registered = place.hooks
            place.hooks = dict(reversed(registered.items()))
            replaced = right(place, cotangent)
            place.hooks = registered
            return replaced
        hooks.run_hooks = run_hooks
        """,
    ),
    _reference(
        "third_hook_is_lost",
        "a tensor holds two hooks at most",
        """
        def __init__(self, registered, hook, right=hooks.Handle.__init__):
            right(self, registered if len(registered) < 2 else {}, hook)
        hooks.Handle.__init__ = __init__
        """,
    ),
    _reference(
        "removal_removes_every_hook",
        "remove() ends all hooks of its tensor",
        "hooks.Handle.remove = lambda self: self.hooks.clear()",
    ),
    _reference(
        "second_removal_takes_another",
        "remove() ends the tensor's last hook if its own is gone",
        """
        def remove(self):
            if self.hooks.pop(self.key, None) is None and self.hooks:
                self.hooks.popitem()
        hooks.Handle.remove = remove
        """,
    ),
    _reference(
        "hooks_are_called_once",
        "a hook is forgotten after its first call",
        """
        def run_hooks(place, cotangent, right=hooks.run_hooks):
            replaced = right(place, cotangent)
            place.hooks.clear()
            return replaced
        hooks.run_hooks = run_hooks
        """,
    ),
    _reference(
        "leaf_hooks_run_after_accumulation",
        "a leaf's hook is called with the accumulated gradient, and what it returns is thrown away",
        """
        def run_hooks(place, cotangent, right=hooks.run_hooks):
            return cotangent if isinstance(place, engine.Tensor) else right(place, cotangent)
        def accumulate(leaf, cotangent, right=engine.accumulate, run=hooks.run_hooks):
            right(leaf, cotangent)
            run(leaf, leaf.grad)
        engine.accumulate, hooks.run_hooks = accumulate, run_hooks
        """,
    ),
    _reference(
        "leaf_hook_runs_per_contribution",
        "a leaf's hook is called for each use of the leaf, with that use's part",
        """
        def run_hooks(place, cotangent, right=hooks.run_hooks):
            return cotangent if isinstance(place, engine.Tensor) else right(place, cotangent)
        def add_contribution(cotangents, place, part, right=engine.add_contribution, run=hooks.run_hooks):
            right(cotangents, place, run(place, part) if isinstance(place, engine.Tensor) else part)
        engine.add_contribution, hooks.run_hooks = add_contribution, run_hooks
        """,
    ),
    _reference(
        "root_hooks_do_not_run",
        "a hook on the tensor that backward starts from is not called",
        """
        def sweep(seeds, *arguments, right=engine.sweep):
            registered = {place: place.hooks for place in seeds}
            for place in seeds:
                place.hooks = {}
            right(seeds, *arguments)
            for place in seeds:
                place.hooks = registered[place]
        engine.sweep = sweep
        """,
    ),
    _reference(
        "hooks_after_use_are_ignored",
        "a hook on a tensor that an operator has used already is not called",
        """
        def record(operator, forward, *operands, params=(), right=engine.record):
            for operand in operands:
                if isinstance(operand, engine.Tensor):
                    operand.used = True
            return right(operator, forward, *operands, params=params)
        def register_hook(self, hook, right=engine.Tensor.register_hook):
            return hooks.Handle({}, hook) if hasattr(self, "used") else right(self, hook)
        engine.record, engine.Tensor.register_hook = record, register_hook
        """,
    ),
    # --- functional grad
    _reference(
        "grad_ignores_the_cotangent",
        "grad() starts from ones whatever cotangent it is given",
        """
        def grad(root, inputs, grad_outputs=None, right=reference.grad, **options):
            return right(root, inputs, None if grad_outputs is None else root.detach() * 0 + 1, **options)
        reference.grad = grad
        """,
    ),
    _reference(
        "grad_forgets_the_last_input",
        "grad() returns zeros for the last of its inputs",
        """
        def grad(root, inputs, right=reference.grad, **options):
            found = right(root, inputs, **options)
            return (*found[:-1], found[-1] * 0)
        reference.grad = grad
        """,
    ),
    _reference(
        "grad_writes_into_leaves",
        "grad() accumulates into the leaves as backward does",
        """
        def grad(root, inputs, right=reference.grad, **options):
            root.backward(options.get("grad_outputs"), retain_graph=True)
            return right(root, inputs, **options)
        reference.grad = grad
        """,
    ),
    _reference(
        "unused_input_gives_ones",
        "an input that the root does not depend on gets ones",
        """
        def grad(root, inputs, right=reference.grad, **options):
            found = right(root, inputs, **{**options, "allow_unused": True})
            return tuple(x.detach() * 0 + 1 if g is None else g for x, g in zip(inputs, found))
        reference.grad = grad
        """,
    ),
    _reference(
        "gradients_are_always_recorded",
        "grad() records itself whether create_graph is asked or not",
        """
        def grad(root, inputs, right=reference.grad, **options):
            return right(root, inputs, **{**options, "create_graph": True})
        reference.grad = grad
        """,
    ),
    _reference(
        "backward_is_never_recorded",
        "backward(create_graph=True) leaves gradients that are constants",
        """
        def backward(self, gradient=None, create_graph=False, right=engine.Tensor.backward, **options):
            right(self, gradient, **options)
        engine.Tensor.backward = backward
        """,
    ),
    # --- modes
    _reference(
        "no_grad_records",
        "no_grad() changes nothing",
        """
        import contextlib
        reference.no_grad = contextlib.nullcontext
        """,
    ),
    _reference(
        "no_grad_is_not_restored_after_an_exception",
        "an exception leaves no_grad on",
        """
        import contextlib
        @contextlib.contextmanager
        def no_grad():
            previous = modes.enter_mode(False)
            yield
            modes.exit_mode(previous)
        reference.no_grad = no_grad
        """,
    ),
    _reference(
        "leaving_an_inner_no_grad_re_enables",
        "leaving any no_grad block turns recording on",
        "modes.exit_mode = lambda previous: setattr(modes.MODE, 'enabled', True)",
    ),
    _reference(
        "enable_grad_is_not_restored",
        "recording stays on after an enable_grad block",
        """
        import contextlib
        @contextlib.contextmanager
        def enable_grad():
            modes.enter_mode(True)
            yield
        reference.enable_grad = enable_grad
        """,
    ),
    _reference(
        "backward_turns_recording_off",
        "recording stays off after a backward",
        """
        def backward(self, *arguments, right=engine.Tensor.backward, **options):
            right(self, *arguments, **options)
            modes.enter_mode(False)
        engine.Tensor.backward = backward
        """,
    ),
    _reference(
        "backward_turns_recording_on",
        "a backward inside no_grad turns recording on",
        """
        def backward(self, *arguments, right=engine.Tensor.backward, **options):
            right(self, *arguments, **options)
            modes.enter_mode(True)
        engine.Tensor.backward = backward
        """,
    ),
    _reference(
        "grad_changes_the_mode",
        "grad() leaves recording as it was while it ran: on with create_graph, else off",
        """
        def grad(root, inputs, right=reference.grad, create_graph=False, **options):
            found = right(root, inputs, create_graph=create_graph, **options)
            modes.enter_mode(create_graph)
            return found
        reference.grad = grad
        """,
    ),
    _reference(
        "backward_of_a_constant_is_silent",
        "backward() of a tensor without history does nothing",
        """
        def backward(self, *arguments, right=engine.Tensor.backward, **options):
            if self.requires_grad:
                right(self, *arguments, **options)
        engine.Tensor.backward = backward
        """,
    ),
    # --- lifetime of the graph
    _reference(
        "retained_graph_is_freed",
        "retain_graph=True is ignored",
        """
        def backward(self, gradient=None, retain_graph=None, right=engine.Tensor.backward, **options):
            right(self, gradient, **options)
        engine.Tensor.backward = backward
        """,
    ),
    _reference(
        "freed_values_read_as_zeros",
        "a second backward reads zeros where saved values were freed",
        """
        def free(node):
            node.saved = {letter: value.detach() * 0 for letter, value in node.saved.items()}
        engine.free = free
        """,
    ),
    _reference(
        "grad_ignores_retain_graph",
        "grad(retain_graph=True) frees the graph",
        """
        def grad(root, inputs, right=reference.grad, retain_graph=None, **options):
            return right(root, inputs, **options)
        reference.grad = grad
        """,
    ),
    _reference(
        "grad_retains_the_graph",
        "grad() keeps the saved values whether it is asked to or not",
        """
        def grad(root, inputs, right=reference.grad, **options):
            return right(root, inputs, **{**options, "retain_graph": True})
        reference.grad = grad
        """,
    ),
    _reference("graphs_are_never_freed", "saved values are kept after backward", "engine.free = lambda node: None"),
    # --- dialects
    _reference(
        "node_names_are_swapped",
        "a product's node is named after a sum",
        'vjps.TORCH_NAMES["mul"] = "AddBackward0"',
        operator="mul",
    ),
    _reference(
        "printed_text_hides_the_flag",
        "the printed form shows neither requires_grad nor grad_fn",
        "engine.tensor_text = lambda data, suffixes, right=engine.tensor_text: right(data, [])",
    ),
    _reference(
        "volatile_is_ignored",
        "volatile has no effect on what is computed",
        "legacy.poisoned = lambda operands: False",
    ),
)
