"""Singular points: where a function has no derivative, each convention has an admissible set."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import apply, expect, expect_within, gradients, tensor


@clause(
    "convention",
    mutant="relu_has_two_slopes_at_zero",
    given={"n": st.integers(1, 3)},
    operator=("relu", "abs"),
)
def test_subgradient_at_zero(operator: str, n: int) -> None:
    """At 0 the gradient lies in the subdifferential: relu'(0) in [0, 1], abs'(0) in [-1, 1]."""
    x = tensor([0] * n, requires_grad=True)
    received = gradients(x.unary(operator).sum(), [x])
    low = {"relu": 0, "abs": -1}[operator]
    expect_within(received[0], [low] * n, [1] * n, f"{operator}'(0)")


@clause(
    "convention", mutant="clamp_counts_each_bound_twice", given={"low": st.integers(-3, 3), "width": st.integers(1, 3)}
)
def test_clamp_at_its_bounds(low: int, width: int) -> None:
    """At a bound, where clamping begins, an element of clamp receives between 0 and 1 times its cotangent."""
    x = tensor([low, low + width], requires_grad=True)
    received = gradients(apply("clamp", x, low=low, high=low + width).sum(), [x])
    expect_within(received[0], [0, 0], [1, 1], "clamp' at its bounds")


@clause(
    "convention",
    mutant="ties_all_receive_everything",
    given={"n": st.integers(2, 4)},
)
def test_ties_of_max(n: int) -> None:
    """Where several elements are the greatest, each receives a weight between 0 and 1."""
    x = tensor([2] * n, requires_grad=True)
    received = gradients(x.unary("max"), [x])
    expect_within(received[0], [0] * n, [1] * n, "weights of a tie of max")
    expect_within(received[0].sum(), 1, 1, "sum of the weights of a tie of max")


@clause(
    "law",
    mutant="powers_have_no_zeroth_factor",
    given={"exponent": st.integers(1, 3), "n": st.integers(1, 3)},
)
def test_powers_at_zero(exponent: int, n: int) -> None:
    """Positive powers have a derivative at 0: that of x**1 is 1, those of x**2 and x**3 are 0."""
    x = tensor([0] * n, requires_grad=True)
    y = x**exponent
    received = gradients(y.sum(), [x])
    expect(y, [0] * n, "the power")
    expect(received[0], [int(exponent == 1)] * n, "n 0**(n-1)")


@clause(
    "law",
    mutant="powers_follow_one_rule",
    given={"a": vectors()},
)
def test_the_zeroth_power_is_constant(a: Array) -> None:
    """The power x**0 is 1 everywhere, and so its derivative is 0 everywhere, at 0 too."""
    x = tensor(a, requires_grad=True)
    y = x**0
    received = gradients(y.sum(), [x])
    expect(y, [1] * len(a), "one")
    expect(received[0], [0] * len(a), "a constant's derivative")


@clause(
    "dialect",
    mutant="relu_is_open_at_zero",
    dialect="torch",
    operator=("relu", "abs", "norm"),
    given={"n": st.integers(1, 3)},
)
def test_the_smallest_subgradient(operator: str, n: int) -> None:
    """Where relu, abs and the norm have a kink, at 0, torch takes of all subgradients the smallest: 0."""
    x = tensor([0] * n, requires_grad=True)
    y = x.unary(operator)
    received = gradients(y.sum(), [x])
    expect(y, 0 * y.value, "the value")
    expect(received[0], [0] * n, "the smallest of the subgradients")


@clause("dialect", mutant="ties_all_receive_everything", dialect="torch", given={"n": st.integers(2, 4)})
def test_ties_share_equally(n: int) -> None:
    """Of 4 elements, n of which are the greatest, torch gives each of these an nth: of a cotangent of 12 all in all."""
    x = tensor([2] * n + [1] * (4 - n), requires_grad=True)
    received = gradients(x.unary("max") * 12, [x])
    expect(received[0], [12 // n] * n + [0] * (4 - n), "equal shares")
