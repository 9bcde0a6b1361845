"""Leaves and intermediate values: who keeps a gradient."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import expect, expect_one_of, grad, tensor


@clause(
    "contract",
    mutant="intermediates_keep_gradients",
    given={"a": vectors()},
)
def test_intermediates_keep_no_gradient(a: Array) -> None:
    """After backward the leaves hold their gradients; intermediate values, the root included, hold none."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    y = x * w
    z = y.sum()
    z.backward()
    expect(x.grad, a + 1, "w")
    expect(w.grad, a, "x")
    expect(y.grad, None, "an intermediate value")
    expect(z.grad, None, "the root")


@clause(
    "contract",
    mutant="retain_grad_does_nothing",
    given={"a": vectors()},
)
def test_retain_grad_keeps_it(a: Array) -> None:
    """After y.retain_grad() backward leaves dL/dy in y.grad as well: for z = sum(y * y) it is 2y."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward()
    expect(y.grad, 6 * a, "2y")
    expect(x.grad, 18 * a, "the leaf's own gradient")


@clause(
    "dialect",
    mutant="retained_gradients_are_taken_before_hooks",
    dialect="torch",
    given={"a": vectors(), "factor": st.integers(2, 4)},
)
def test_a_retained_gradient_is_what_the_hooks_made_of_it(a: Array, factor: int) -> None:
    """y.grad, when it is retained, is what y's hooks returned, whether they were registered before retain_grad() or after."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    y.register_hook(scale=factor)
    y.retain_grad()
    y.register_hook(scale=factor)
    y.sum().backward()
    expect(y.grad, [factor**2] * len(a), "scaled by both")
    expect(x.grad, [3 * factor**2] * len(a), "and passed on so")


@clause(
    "convention",
    mutant="unused_leaves_receive_ones",
    given={"a": vectors()},
)
def test_gradient_of_an_unused_leaf(a: Array) -> None:
    """A leaf that the root does not depend on has no gradient, or zeros."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    (x * x).sum().backward()
    expect(x.grad, 2 * a)
    expect_one_of(w.grad, [None, 0 * a], "gradient of an unused leaf")


@clause(
    "contract",
    mutant="named_inputs_are_ignored",
    given={"a": vectors()},
)
def test_only_the_named_inputs_receive(a: Array) -> None:
    """backward(inputs=[x]) accumulates into x alone; another leaf of the same root keeps what it had."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    (w * 3).sum().backward()
    (x * x * w).sum().backward(inputs=[x])
    expect(x.grad, 2 * a * (a + 1), "2xw")
    expect(w.grad, 0 * a + 3, "what was there before")


@clause("contract", mutant="retained_gradients_are_the_last", given={"a": vectors()})
def test_retained_gradients_add_up(a: Array) -> None:
    """A retained gradient adds up over backwards, as a leaf's does, and retaining it twice changes nothing: 2y, then 4y."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    y.retain_grad()
    y.retain_grad()
    z = (y * y).sum()
    z.backward(retain_graph=True)
    expect(y.grad, 6 * a, "2y")
    z.backward()
    expect(y.grad, 12 * a, "4y")


@clause("contract", mutant="retained_gradients_are_halved", given={"a": vectors()})
def test_three_ways_to_an_intermediate_gradient(a: Array) -> None:
    """What grad() returns, a hook sees and retain_grad() keeps of an intermediate value is one: 2y + 1 for sum(y*y + y)."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    returned = grad((y * y + y).sum(), [y])[0]
    hook = y.register_hook()
    y.retain_grad()
    (y * y + y).sum().backward()
    expect(returned, 4 * a + 1, "returned")
    expect(hook.calls, [4 * a + 1], "seen")
    expect(y.grad, 4 * a + 1, "kept")


@clause("dialect", mutant="named_inputs_are_ignored", dialect="torch", given={"a": vectors()})
def test_a_named_result_receives_and_the_leaf_behind_it_does_not(a: Array) -> None:
    """backward(inputs=[y]) accumulates into the result y as if it retained its gradient; x, from which y came, receives none."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    (y * y).sum().backward(inputs=[y])
    expect(y.grad, 6 * a, "2y")
    expect(x.grad, None, "not named")


@clause("dialect", mutant="retain_grad_does_nothing", dialect="torch", given={"a": vectors()})
def test_grad_fills_what_retains_its_gradient(a: Array) -> None:
    """A result that retains its gradient does so when grad() passes it as well; leaves are left alone."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    y.retain_grad()
    expect(grad((y * y).sum(), [x])[0], 18 * a, "what is returned")
    expect(y.grad, 6 * a, "2y")
    expect(x.grad, None, "the leaf")


@clause(
    "dialect",
    mutant="retained_gradients_are_the_last",
    dialect="torch",
    given={"a": vectors()},
    owner=("leaf", "result"),
)
def test_some_gradients_are_replaced_by_the_sum(owner: str, a: Array) -> None:
    """The sum of a result's gradients is a new tensor, and so is that of a leaf's when the backward is recorded."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    y.retain_grad()
    z = (y * y).sum()
    keeper, gradient = {"leaf": (x, 18 * a), "result": (y, 6 * a)}[owner]
    z.backward(retain_graph=True, create_graph=owner == "leaf")
    first = keeper.grad.bound()
    z.backward(create_graph=owner == "leaf")
    expect(first, gradient, "what was read after the first backward")
    expect(keeper.grad, 2 * gradient, "what is there after the second one")


@clause("dialect", mutant="what_is_written_retains_its_gradient", dialect="torch", given={"a": vectors()})
def test_a_leaf_that_becomes_a_result_keeps_no_gradient(a: Array) -> None:
    """A leaf whose flag was cleared, multiplied in place by another leaf, is a result: backward leaves nothing there."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    x.requires_grad_(False)
    x.mul_(w)
    expect(x.is_leaf, False)
    x.sum().backward()
    expect(x.grad, None, "no leaf any more")
    expect(w.grad, a, "what x was")
