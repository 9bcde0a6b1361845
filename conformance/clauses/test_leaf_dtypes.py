"""Dtypes of leaves: integers have no derivative."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import attempting, expect, gradients, recorded_dtype, refuses, tensor


@clause(
    "convention",
    mutant="whole_numbers_cannot_require_grad",
    given={"a": vectors()},
)
def test_integers_that_are_to_require_grad(a: Array) -> None:
    """A leaf of integers that is to require grad is refused, or promoted; the same leaf of floats is legal."""
    with attempting("dtype"):
        tensor(a, requires_grad=True, dtype="int64")
    x = tensor(a, requires_grad=True)
    received = gradients((x * x).sum(), [x])
    expect(received[0], 2 * a, "the accepted twin")


@clause(
    "convention",
    mutant="flipping_the_flag_does_nothing",
    given={"a": vectors()},
)
def test_flipping_the_flag_of_integers(a: Array) -> None:
    """requires_grad_() of integers is refused, or does what it says; requires_grad_(False) is legal for them."""
    c, x = tensor(a, dtype="int64"), tensor(a)
    with attempting("dtype"):
        c.requires_grad_()
    tensor(a, dtype="int64").requires_grad_(False)
    x.requires_grad_()
    expect(x.requires_grad, True, "the accepted twin")


@clause(
    "contract",
    mutant="gradients_are_double",
    given={"a": vectors()},
)
def test_a_gradient_has_the_dtype_of_its_leaf(a: Array) -> None:
    """The gradient of a float32 leaf is float32, that of a float64 leaf float64."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "2x, in the leaf's dtype")


@clause(
    "law",
    mutant="integer_factors_count_as_one",
    given={"a": vectors(), "k": vectors()},
)
def test_integers_are_constants(a: Array, k: Array) -> None:
    """A tensor of integers is a constant factor like any other: d sum(c * x) = c, in the dtype of x."""
    k = k[[i % len(k) for i in range(len(a))]]
    x, c = tensor(a, requires_grad=True), tensor(k, dtype="int64")
    received = gradients((x * c).sum(), [x])
    expect(received[0], k, "c")


@clause("dialect", mutant="integers_make_doubles", dialect="torch", given={"a": vectors(), "k": st.integers(2, 9)})
def test_the_kind_of_dtype_decides(a: Array, k: int) -> None:
    """Floats that meet integers or booleans keep their dtype, and integers that meet booleans keep theirs."""
    x, c = tensor(a, requires_grad=True), tensor([k] * len(a), dtype="int64")
    mask = x > 0
    expect(x * c, k * a, "of the dtype of x")
    expect(c * x, k * a, "of the dtype of x")
    expect(mask * x, (a > 0) * a, "of the dtype of x")
    expect((mask * c).text(), f"tensor({_row([k * int(entry > 0) for entry in a])})", "integers")
    expect((mask + c).text(), f"tensor({_row([k + int(entry > 0) for entry in a])})", "integers")


def _row(entries: Sequence[int]) -> str:
    """Integers as torch prints them."""
    width = max(len(str(entry)) for entry in entries)
    return f"[{', '.join(str(entry).rjust(width) for entry in entries)}]"


OTHER = {"float32": "float64", "float64": "float32"}


@clause("dialect", mutant="gradients_are_double", dialect="torch", given={"a": vectors(), "k": vectors()})
def test_a_factor_of_another_float_dtype(a: Array, k: Array) -> None:
    """A float32 leaf that is multiplied by float64 numbers has a float32 gradient, and the other way round."""
    k = k[[i % len(k) for i in range(len(a))]]
    x = tensor(a, requires_grad=True)
    c = tensor(k, dtype=OTHER[recorded_dtype()])
    (x * c).sum().backward()
    expect(x.grad, k, "c, in the leaf's dtype")


@clause("dialect", mutant="booleans_may_require_grad", dialect="torch", given={"a": vectors()})
def test_only_floats_may_require_grad(a: Array) -> None:
    """requires_grad_() of integers and of what a comparison gave is refused; requires_grad_(False) is legal."""
    x, c = tensor(a), tensor(a, dtype="int64")
    mask = x > 0
    with refuses("dtype"):
        c.requires_grad_()
    with refuses("dtype"):
        mask.requires_grad_()
    mask.requires_grad_(False)
    expect(mask.requires_grad, False)
    x.requires_grad_()
    expect(x.requires_grad, True, "the accepted twin")


@clause("dialect", mutant="gradients_are_double", dialect="torch", given={"a": vectors()})
def test_a_summand_of_another_float_dtype(a: Array) -> None:
    """A leaf that is added in place to numbers of another float dtype has a gradient of its own dtype all the same."""
    x = tensor(a, requires_grad=True)
    c = tensor([0] * len(a), dtype=OTHER[recorded_dtype()])
    c.add_(x)
    c.sum().backward()
    expect(x.grad, [1] * len(a), "in the leaf's dtype")
