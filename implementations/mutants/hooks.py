"""Mutants of hooks."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

HOOKS: Final[tuple[Mutant, ...]] = (
    reference(
        "hook_runs_per_contribution",
        "a hook is called for each use of its tensor, with that use's part",
        """
        def add_contribution(cotangents, place, part, right=core.add_contribution, run_hooks=core.run_hooks):
            right(cotangents, place, run_hooks(place, part))
        core.add_contribution = add_contribution
        core.run_hooks = lambda place, cotangent: cotangent
        """,
    ),
    reference("hook_removal_does_nothing", "a removed hook is still called", "core.Handle.remove = lambda self: None"),
    reference(
        "hook_replacement_is_ignored",
        "what a hook returns is thrown away",
        """
        def run_hooks(place, cotangent):
            for hook in tuple(place.hooks.values()):
                hook(cotangent)
            return cotangent
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "hook_argument_requires_grad",
        "a hook's argument requires grad, so that what the hook computes is recorded",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            return right(place, cotangent.detach().requires_grad_() if place.hooks else cotangent)
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "hook_argument_is_detached",
        "a hook's argument is a constant in a recorded backward too",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            hooks = dict(place.hooks)
            for key, hook in hooks.items():
                place.hooks[key] = lambda g, hook=hook: hook(g.detach())
            passed = right(place, cotangent)
            place.hooks.update(hooks)
            return passed
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "hook_argument_is_single",
        "a hook's argument is float32, whatever its tensor is",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            return right(place, cotangent.cast("float32") if place.hooks else cotangent)
        core.run_hooks = run_hooks
        refusals.check_grad = lambda tensor, value: None
        """,
    ),
    reference(
        "hooks_run_in_reverse",
        "the last hook of a tensor runs first",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            registered = place.hooks
            place.hooks = dict(reversed(registered.items()))
            replaced = right(place, cotangent)
            place.hooks = registered
            return replaced
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "third_hook_is_lost",
        "a tensor holds two hooks at most",
        """
        def __init__(self, registered, hook, right=core.Handle.__init__):
            right(self, registered if len(registered) < 2 else {}, hook)
        core.Handle.__init__ = __init__
        """,
    ),
    reference(
        "removal_removes_every_hook",
        "remove() ends all hooks of its tensor",
        "core.Handle.remove = lambda self: self.hooks.clear()",
    ),
    reference(
        "second_removal_takes_another",
        "remove() ends the tensor's last hook if its own is gone",
        """
        def remove(self):
            if self.hooks.pop(self.key, None) is None and self.hooks:
                self.hooks.popitem()
        core.Handle.remove = remove
        """,
    ),
    reference(
        "hooks_are_called_once",
        "a hook is forgotten after its first call",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            replaced = right(place, cotangent)
            place.hooks.clear()
            return replaced
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "leaf_hooks_run_after_accumulation",
        "a leaf's hook is called with the accumulated gradient, and what it returns is thrown away",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            return cotangent if isinstance(place, core.Tensor) else right(place, cotangent)
        def accumulate(leaf, cotangent, right=core.accumulate, run=core.run_hooks):
            right(leaf, cotangent)
            run(leaf, leaf.grad)
        core.accumulate, core.run_hooks = accumulate, run_hooks
        """,
    ),
    reference(
        "leaf_hook_runs_per_contribution",
        "a leaf's hook is called for each use of the leaf, with that use's part",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            return cotangent if isinstance(place, core.Tensor) else right(place, cotangent)
        def add_contribution(cotangents, place, part, right=core.add_contribution, run=core.run_hooks):
            right(cotangents, place, run(place, part) if isinstance(place, core.Tensor) else part)
        core.add_contribution, core.run_hooks = add_contribution, run_hooks
        """,
    ),
    reference(
        "root_hooks_do_not_run",
        "a hook on the tensor that backward starts from is not called",
        """
        def sweep(seeds, *arguments, right=core.sweep):
            registered = {place: place.hooks for place in seeds}
            for place in seeds:
                place.hooks = {}
            right(seeds, *arguments)
            for place in seeds:
                place.hooks = registered[place]
        core.sweep = sweep
        """,
    ),
    reference(
        "hooks_after_use_are_ignored",
        "a hook on a tensor that an operator has used already is not called",
        """
        def record(operator, *operands, right=core.record):
            for operand in operands:
                if isinstance(operand, core.Tensor):
                    operand.used = True
            return right(operator, *operands)
        def register_hook(self, hook, right=core.Tensor.register_hook):
            return core.Handle({}, hook) if hasattr(self, "used") else right(self, hook)
        core.record, core.Tensor.register_hook = record, register_hook
        """,
    ),
    reference(
        "retained_gradients_are_taken_before_hooks",
        "a retained gradient is what arrives, before the tensor's hooks",
        """
        def run_hooks(place, cotangent, right=core.run_hooks, retain=core.retain):
            retain(place, cotangent)
            return right(place, cotangent)
        core.run_hooks, core.retain = run_hooks, lambda place, cotangent: None
        """,
    ),
    reference(
        "hooks_may_return_any_shape",
        "what a hook returns is taken in whatever shape, and stretched to that of its tensor",
        """
        import numpy
        def run_hooks(place, cotangent, right=core.run_hooks):
            returned = right(place, cotangent)
            return core.Tensor(numpy.resize(returned.data, cotangent.shape))
        core.run_hooks = run_hooks
        refusals.check_replacement = lambda cotangent, replacement: None
        """,
    ),
    reference(
        "hooks_of_pieces_are_ignored",
        "a hook on a view is not called",
        """
        def register_hook(self, hook, right=core.Tensor.register_hook):
            return core.Handle({}, hook) if self.view else right(self, hook)
        core.Tensor.register_hook = register_hook
        """,
    ),
)

# Faults that show only when a hook does more than answer: no clause asks that, random programs do.
INSIDE_HOOKS: Final[tuple[Mutant, ...]] = (
    reference(
        "added_hooks_run_at_once",
        "a hook that is added by another hook of its tensor is called in the same sweep",
        """
        def run_hooks(place, cotangent):
            called = set()
            while fresh := [key for key in place.hooks if key not in called]:
                called.add(fresh[0])
                replacement = place.hooks[fresh[0]](cotangent)
                if replacement is not None:
                    refusals.check_replacement(cotangent, replacement)
                    cotangent = replacement
            return cotangent
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "removed_hooks_are_passed_over",
        "a hook that an earlier hook of its tensor removes is not called in the same sweep",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            hooks = dict(place.hooks)
            for key, hook in hooks.items():
                place.hooks[key] = lambda g, key=key, hook=hook: hook(g) if key in place.hooks else None
            passed = right(place, cotangent)
            place.hooks.update((key, hook) for key, hook in hooks.items() if key in place.hooks)
            return passed
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "removal_skips_the_next_hook",
        "a hook that removes itself makes the sweep skip the hook after it",
        """
        def run_hooks(place, cotangent):
            position = 0
            while position < len(place.hooks):
                replacement = list(place.hooks.values())[position](cotangent)
                if replacement is not None:
                    refusals.check_replacement(cotangent, replacement)
                    cotangent = replacement
                position += 1
            return cotangent
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "hooks_are_listed_before_the_sweep",
        "what a hook adds to or removes from tensors that the sweep reaches later takes effect from the next sweep on",
        """
        LISTED = [None]
        def sweep(seeds, *arguments, right=core.sweep):
            LISTED[0] = {place: tuple(place.hooks.values()) for place in order.topological_order(seeds)}
            right(seeds, *arguments)
        class Listed:
            def __init__(self, place):
                self.hooks = dict(enumerate(LISTED[0][place]))
        def run_hooks(place, cotangent, right=core.run_hooks):
            return right(Listed(place), cotangent)
        core.sweep, core.run_hooks = sweep, run_hooks
        """,
    ),
    reference(
        "hooks_added_inside_are_lost",
        "a hook that another hook adds is never called",
        """
        DEPTH = [0]
        def run_hooks(place, cotangent, right=core.run_hooks):
            DEPTH[0] += 1
            try:
                return right(place, cotangent)
            finally:
                DEPTH[0] -= 1
        def register_hook(self, hook, right=core.Tensor.register_hook):
            return core.Handle({}, hook) if DEPTH[0] else right(self, hook)
        core.run_hooks, core.Tensor.register_hook = run_hooks, register_hook
        """,
    ),
    reference(
        "removal_inside_waits_for_a_second",
        "a hook that removes itself is removed after its second call",
        """
        RUNNING, WISHED = [0], set()
        def run_hooks(place, cotangent, right=core.run_hooks):
            RUNNING[0] += 1
            try:
                return right(place, cotangent)
            finally:
                RUNNING[0] -= 1
        def remove(self, right=core.Handle.remove):
            if RUNNING[0] and self.key not in WISHED:
                WISHED.add(self.key)
            else:
                right(self)
        core.run_hooks, core.Handle.remove = run_hooks, remove
        """,
    ),
    reference(
        "exceptions_of_hooks_are_swallowed",
        "a hook that raises counts as one that returned nothing",
        """
        def run_hooks(place, cotangent, right=core.run_hooks):
            hooks = dict(place.hooks)
            def quiet(hook):
                def call(g):
                    try:
                        return hook(g)
                    except ZeroDivisionError:
                        return None
                return call
            place.hooks.update((key, quiet(hook)) for key, hook in hooks.items())
            passed = right(place, cotangent)
            place.hooks.update((key, hook) for key, hook in hooks.items() if key in place.hooks)
            return passed
        core.run_hooks = run_hooks
        """,
    ),
    reference(
        "a_raising_hook_leaves_recording_off",
        "nothing is recorded any more after a hook's exception ended a sweep",
        """
        def sweep(*arguments, right=core.sweep):
            try:
                right(*arguments)
            except ZeroDivisionError:
                core.enter_mode(False)
                raise
        core.sweep = sweep
        """,
    ),
    reference(
        "a_raising_hook_breaks_the_next_backward",
        "after a hook's exception the next backward adds nothing",
        """
        import weakref
        BROKEN = weakref.WeakSet()
        def sweep(seeds, *arguments, right=core.sweep):
            if BROKEN:
                return BROKEN.clear()
            try:
                right(seeds, *arguments)
            except ZeroDivisionError:
                BROKEN.update(seeds)
                raise
        core.sweep = sweep
        """,
    ),
    reference(
        "writes_inside_hooks_are_not_noticed",
        "what a hook writes into a saved value is used, since versions are compared before the sweep alone",
        """
        SWEEPING = [0]
        def check_unmodified(node, tensor, version, right=refusals.check_unmodified):
            if not SWEEPING[0]:
                right(node, tensor, version)
        def run_hooks(place, cotangent, right=core.run_hooks):
            SWEEPING[0] = 1
            return right(place, cotangent)
        def sweep(*arguments, right=core.sweep):
            try:
                right(*arguments)
            finally:
                SWEEPING[0] = 0
        refusals.check_unmodified, core.run_hooks, core.sweep = check_unmodified, run_hooks, sweep
        """,
    ),
)
