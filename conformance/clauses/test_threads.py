"""Threads: the mode is a thread's own, leaves are everybody's."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, grad_enabled, in_thread, no_grad, tensor


@clause(
    "contract",
    mutant="the_mode_is_of_the_process",
    given={"a": vectors()},
)
def test_a_new_thread_records(a: Array) -> None:
    """The grad mode is a thread's own: a thread started under no_grad records, and the block around it still does not."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        with in_thread():
            y = x * x
            expect(grad_enabled(), True, "in the new thread")
        z = x * x
    expect(y.requires_grad, True, "computed in the new thread")
    expect(z.requires_grad, False, "computed under no_grad")
    y.sum().backward()
    expect(x.grad, 2 * a, "2x")


@clause(
    "contract",
    mutant="other_threads_accumulate_nothing",
    given={"a": vectors(), "threads": st.integers(1, 3)},
)
def test_every_thread_adds_to_the_leaf(a: Array, threads: int) -> None:
    """Backward in other threads, one after another, adds to the same leaf: after k of them and one here, x.grad = (k + 1) 2x."""
    x = tensor(a, requires_grad=True)
    for _ in range(threads):
        with in_thread():
            (x * x).sum().backward()
    (x * x).sum().backward()
    expect(x.grad, (threads + 1) * 2 * a, "a sum over the threads")
