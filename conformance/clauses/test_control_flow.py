"""Control flow: the executed path is what is differentiated."""

from __future__ import annotations

from collections.abc import Iterable

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import Tensor, expect, gradients, tensor

small = st.integers(-64, 64).filter(bool).map(lambda n: fmpq(n, 16))


@clause(
    "law",
    source="document 000 In[28] to In[36], 004 In[52] to In[56]",
    mutant="mul_by_a_number_forgets_it",
    given={"a": small, "limit": st.sampled_from([4, 100, 1000])},
)
def test_loop_and_branch(a: fmpq, limit: int) -> None:
    """Doubling until |b| >= limit, then b or 100 b by its sign: the gradient is the multiplier that was executed."""
    x = tensor(a, requires_grad=True)
    c, multiplier = _doubled(x, limit)
    received = gradients(c, [x])
    expect(received[0], multiplier, "the executed multiplier")
    expect(c, a * multiplier, "c is linear along the path")


def _doubled(x: Tensor, limit: int) -> tuple[Tensor, int]:
    b, multiplier = x * 2, 2
    while abs(b.item()) < limit:
        b, multiplier = b * 2, multiplier * 2
    return (b, multiplier) if b.item() > 0 else (100 * b, 100 * multiplier)


@clause(
    "law",
    source="document 002 In[6]",
    mutant="index_scatters_to_the_first",
    given={"a": vectors(st.integers(-3, 3).map(fmpq))},
)
def test_product_of_the_positive_entries(a: Array) -> None:
    """A loop that multiplies the positive entries gives each the product of the others, and 0 to the entries skipped."""
    x = tensor(a, requires_grad=True)
    result, used = x.sum() * 0 + 1, []
    for i, entry in enumerate(a):
        if entry > 0:
            result = x[i] * result
            used.append(i)
    received = gradients(result, [x])
    expected = [_product(a[j] for j in used if j != i) if i in used else fmpq(0) for i in range(len(a))]
    expect(received[0], expected, "the product of the others")


def _product(numbers: Iterable[fmpq]) -> fmpq:
    result = fmpq(1)
    for number in numbers:
        result *= number
    return result
