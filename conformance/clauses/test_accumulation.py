"""Accumulation: what backward does to a gradient that is already there, and to a tensor that is used several times."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, integers, powers_of_two, tensors, vectors
from conformance.tensor import expect, gradients, native, native_value, refuses, tensor


@clause(
    "contract",
    mutant="accumulate_overwrites",
    given={"a": vectors(), "k": st.integers(2, 3)},
)
def test_each_backward_adds(a: Array, k: int) -> None:
    """Each backward adds its gradient to the leaf's: after k backwards of sum(x*x), x.grad = k * 2x."""
    x = tensor(a, requires_grad=True)
    for _ in range(k):
        (x * x).sum().backward()
    expect(x.grad, k * 2 * a, "k times the gradient")


@clause(
    "law",
    mutant="contributions_keep_the_last",
    given={"a": tensors(integers)},
)
def test_several_uses_sum(a: Array) -> None:
    """Every use of a leaf contributes, and the contributions are summed: d(x*x + 3x + x) = 2x + 4."""
    x = tensor(a, requires_grad=True)
    received = gradients((x * x + 3 * x + x).sum(), [x])
    expect(received[0], 2 * a + 4, "the sum over four uses")


@clause(
    "law",
    mutant="third_contribution_is_dropped",
    given={"a": tensors(integers)},
)
def test_the_third_use_counts(a: Array) -> None:
    """However many uses a leaf has, each of them counts: d(x*x*x + x) = 3x**2 + 1."""
    x = tensor(a, requires_grad=True)
    received = gradients((x * x * x + x).sum(), [x])
    expect(received[0], 3 * a * a + 1, "the sum over four uses")


@clause(
    "law",
    mutant="places_run_when_first_reached",
    given={"a": tensors(integers)},
)
def test_an_uneven_diamond(a: Array) -> None:
    """A value passes its cotangent on when all its uses have contributed: with y = 2x, d((y*y + y)*y + x) = 24x**2 + 8x + 1."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    z = y * y + y
    received = gradients((z * y + x).sum(), [x])
    expect(received[0], 24 * a * a + 8 * a + 1, "(3y**2 + 2y) * 2 + 1")


@clause(
    "law",
    mutant="difference_with_itself_counts_once",
    given={"a": vectors(powers_of_two)},
)
def test_both_operands_the_same(a: Array) -> None:
    """A tensor that is both operands of one operator receives from both: x - x and x / x have the gradient 0."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    received = gradients((x - x).sum(), [x])
    expect(received[0], 0 * a, "1 - 1")
    received = gradients((w / w).sum(), [w])
    expect(received[0], 0 * a, "1/x - x/x**2")


@clause(
    "law",
    mutant="equal_leaves_are_merged",
    given={"a": tensors(integers)},
)
def test_equal_leaves_are_different(a: Array) -> None:
    """Two leaves of equal values are two leaves: of 3x + 5w each receives its own factor."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    received = gradients((x * 3 + w * 5).sum(), [x, w])
    expect(received[0], 0 * a + 3, "the factor of x")
    expect(received[1], 0 * a + 5, "the factor of w")


@clause(
    "contract",
    mutant="assigned_gradient_is_ignored",
    given={"a": arrays((3,)), "g": arrays((3,))},
)
def test_an_assigned_gradient_is_added_to(a: Array, g: Array) -> None:
    """A gradient that the user assigns is there, and the next backward adds to it: x.grad = g, then g + 2x."""
    x = tensor(a, requires_grad=True)
    x.grad = tensor(g)
    expect(x.grad, g, "as assigned")
    (x * x).sum().backward()
    expect(x.grad, g + 2 * a, "g + 2x")


@clause(
    "contract",
    mutant="leaves_share_a_gradient",
    given={"a": vectors()},
)
def test_leaves_share_no_gradient(a: Array) -> None:
    """What reaches one leaf changes no other leaf's gradient, even where one cotangent went to both."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    (x + w).sum().backward()
    (x * 3).sum().backward()
    expect(w.grad, 0 * a + 1, "the second backward does not concern w")


@clause("dialect", mutant="gradients_are_read_as_copies", dialect="torch", given={"a": vectors()})
def test_the_gradient_stays_the_same_tensor(a: Array) -> None:
    """A backward adds to the tensor that .grad is: who holds it from before sees the sum, zeroed in between or not."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    native("held = {0}.grad", x)
    native("{0}.backward()", (x * 3).sum())
    expect(native_value("held is {0}.grad", x), True)
    expect(native_value("held.tolist()"), str([2.0 * int(n.p) + 3 for n in a]))
    native("held.zero_()\n{0}.backward()", (x * 5).sum())
    expect(native_value("held is {0}.grad", x), True)
    expect(native_value("held.tolist()"), str([5.0] * len(a)))


@clause(
    "law",
    mutant="repeated_indices_count_once",
    given={"a": vectors(), "times": st.integers(2, 4)},
)
def test_an_index_counts_as_often_as_it_occurs(a: Array, times: int) -> None:
    """An entry that x[[0, ..., 0, 1]] picks several times receives a contribution for each time."""
    x = tensor(a, requires_grad=True)
    received = gradients((x[[0] * times + [1]] * 3).sum(), [x])
    expect(received[0], [3 * times, 3, *[0] * (len(a) - 2)], "3 for each time")


@clause(
    "dialect",
    mutant="any_gradient_may_be_assigned",
    dialect="torch",
    given={"a": arrays((2,)), "g": arrays((2,)), "shape": st.sampled_from([(), (1,), (3,), (1, 2), (2, 2)])},
)
def test_an_assigned_gradient_has_its_tensors_shape(a: Array, g: Array, shape: tuple[int, ...]) -> None:
    """x.grad = g is refused when g has another shape than x, though it could be broadcast, and x has no gradient then."""
    x = tensor(a, requires_grad=True)
    with refuses("shape_mismatch"):
        x.grad = tensor(np.ones(shape, dtype=int))
    expect(x.grad, None, "a refusal changes nothing")
    x.grad = tensor(g)
    expect(x.grad, g, "the accepted twin")
