"""Mutants of the grad mode."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

MODES: Final[tuple[Mutant, ...]] = (
    reference(
        "no_grad_records",
        "no_grad() changes nothing",
        """
        import contextlib
        reference.no_grad = contextlib.nullcontext
        """,
    ),
    reference(
        "no_grad_is_not_restored_after_an_exception",
        "an exception leaves no_grad on",
        """
        import contextlib
        @contextlib.contextmanager
        def no_grad():
            previous = core.enter_mode(False)
            yield
            core.enter_mode(previous)
        reference.no_grad = no_grad
        """,
    ),
    reference(
        "leaving_an_inner_no_grad_re_enables",
        "leaving any no_grad block turns recording on",
        """
        import contextlib
        @contextlib.contextmanager
        def no_grad():
            core.enter_mode(False)
            try:
                yield
            finally:
                core.enter_mode(True)
        reference.no_grad = no_grad
        """,
    ),
    reference(
        "enable_grad_is_not_restored",
        "recording stays on after an enable_grad block",
        """
        import contextlib
        @contextlib.contextmanager
        def enable_grad():
            core.enter_mode(True)
            yield
        reference.enable_grad = enable_grad
        """,
    ),
    reference(
        "backward_turns_recording_off",
        "recording stays off after a backward",
        """
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            right(self, *arguments, **options)
            core.enter_mode(False)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "backward_turns_recording_on",
        "a backward inside no_grad turns recording on",
        """
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            right(self, *arguments, **options)
            core.enter_mode(True)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "grad_changes_the_mode",
        "grad() leaves recording as it was while it ran: on with create_graph, else off",
        """
        def grad(root, inputs, right=reference.grad, create_graph=False, **options):
            found = right(root, inputs, create_graph=create_graph, **options)
            core.enter_mode(create_graph)
            return found
        reference.grad = grad
        """,
    ),
    reference(
        "backward_of_a_constant_is_silent",
        "backward() of a tensor without history does nothing",
        """
        def backward(self, *arguments, right=core.Tensor.backward, **options):
            if self.requires_grad:
                right(self, *arguments, **options)
        core.Tensor.backward = backward
        """,
    ),
    reference(
        "the_mode_is_of_the_process",
        "no_grad in one thread turns recording off in all",
        """
        core.MODE = type("Mode", (), {"enabled": True})()
        """,
    ),
    reference(
        "other_threads_accumulate_nothing",
        "a backward outside the main thread leaves no gradient",
        """
        import threading
        def accumulate(leaf, cotangent, right=core.accumulate):
            if threading.current_thread() is threading.main_thread():
                right(leaf, cotangent)
        core.accumulate = accumulate
        """,
    ),
)
