"""Clearing gradients."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, expect_one_of, native, native_value, tensor


@clause(
    "contract",
    mutant="zero_does_nothing",
    given={"a": vectors()},
)
def test_zero_clears(a: Array) -> None:
    """x.grad.zero_() leaves zeros and x itself unchanged, and the next backward starts from them: 4x, 0, 1."""
    x = tensor(a, requires_grad=True)
    (2 * x.binary("dot", x)).backward()
    expect(x.grad, 4 * a, "before")
    x.grad.zero_()
    expect(x.grad, 0 * a, "cleared")
    expect(x, a, "the leaf itself")
    x.sum().backward()
    expect(x.grad, 0 * a + 1, "the next gradient alone")


@clause(
    "contract",
    mutant="forgetting_keeps_the_sum",
    given={"a": vectors()},
)
def test_none_forgets(a: Array) -> None:
    """x.grad = None forgets the gradient, and the next backward makes a new one."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    x.grad = None
    expect(x.grad, None)
    (x * 3).sum().backward()
    expect(x.grad, 0 * a + 3, "the next gradient alone")


@clause(
    "dialect",
    mutant="zeroing_replaces_the_gradient",
    dialect="torch",
    given={"a": vectors()},
)
def test_a_held_gradient_is_cleared_too(a: Array) -> None:
    """x.grad.zero_() works in place: whoever holds the gradient sees zeros, and does not keep the old numbers."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    held = x.grad.bound()
    expect(held, 2 * a, "before")
    x.grad.zero_()
    expect(held, 0 * a, "what the user holds")


@clause(
    "contract",
    mutant="leaves_share_a_gradient",
    given={"a": vectors()},
)
def test_another_leafs_gradient_stays(a: Array) -> None:
    """Zeroing a leaf's gradient clears no other: after (x + w).sum().backward() and x.grad.zero_() that of w is still 1."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    (x + w).sum().backward()
    x.grad.zero_()
    expect(x.grad, 0 * a, "cleared")
    expect(w.grad, 0 * a + 1, "not cleared")


@clause("dialect", mutant="gradients_are_read_as_copies", dialect="torch", given={"a": vectors()})
def test_zeroing_returns_the_gradient(a: Array) -> None:
    """x.grad.zero_() returns x.grad itself, which then prints zeros."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    native("cleared = {0}.grad.zero_()", x)
    expect(native_value("cleared is {0}.grad", x), True)
    expect(native_value("cleared.tolist()"), str([0.0] * len(a)))


@clause("convention", mutant="gradients_begin_as_ones", given={"a": vectors()})
def test_before_any_backward(a: Array) -> None:
    """Before the first backward a leaf has no gradient, or zeros; afterwards it has that of this backward alone."""
    x = tensor(a, requires_grad=True)
    expect_one_of(x.grad, [None, 0 * a], "the gradient before any backward")
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "2x")
