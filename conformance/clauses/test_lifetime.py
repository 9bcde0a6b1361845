"""Lifetime: the graph keeps what it needs, whoever lets go of a name."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import drop, expect, gradients, repeated, tensor


@clause(
    "contract",
    mutant="graphs_die_with_names",
    given={"a": vectors(), "length": st.integers(1, 4)},
)
def test_dropped_results_stay_in_the_graph(a: Array, length: int) -> None:
    """When the names of all intermediate results go, the graph keeps what it needs: the gradient of sum(2**k x * x) is right."""
    x = tensor(a, requires_grad=True)
    y = x * x
    for _ in range(length):
        following = y * 2
        drop(y)
        y = following
    total = y.sum()
    drop(y)
    total.backward()
    expect(x.grad, 2 ** (length + 1) * a, "2**k times 2x")


@clause(
    "contract",
    mutant="dropped_leaves_are_overwritten",
    given={"a": vectors(), "b": st.integers(1, 4)},
)
def test_a_dropped_leaf_still_counts(a: Array, b: int) -> None:
    """When the name of a leaf goes before backward, its sibling's gradient is still computed from its values."""
    x, w = tensor(a, requires_grad=True), tensor(a + b, requires_grad=True)
    total = (x * w).sum()
    drop(w)
    total.backward()
    expect(x.grad, a + b, "w")


@clause(
    "law",
    mutant="contributions_keep_the_last",
    given={"n": st.integers(1, 4), "doublings": st.integers(30, 60)},
)
def test_a_shared_node_runs_once(n: int, doublings: int) -> None:
    """Doubling k times by y + y has 2**k paths and k nodes: the gradient 2**k is there at once."""
    x = tensor([n], requires_grad=True)
    y = x * 1
    for _ in range(doublings):
        y = y + y
    received = gradients(y.sum(), [x])
    expect(received[0], [2**doublings], "2**k")


@clause(
    "contract",
    mutant="backward_recurses",
)
def test_a_long_chain() -> None:
    """A chain of 20,000 operators, longer than any stack, is recorded, differentiated and freed: 20,000 times + x is 20,001."""
    x = tensor([1], requires_grad=True)
    y = repeated(20_000, "add", x, x)
    received = gradients(y.sum(), [x])
    expect(received[0], [20_001], "one for each use")
