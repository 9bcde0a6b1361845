"""The functional gradient: derivatives returned, not stored."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, dyadics, vectors
from conformance.tensor import attempting, expect, expect_one_of, grad, native, native_value, refuses, tensor


@clause(
    "law",
    mutant="grad_forgets_the_last_input",
    given={"a": vectors()},
)
def test_returns_the_gradients(a: Array) -> None:
    """grad(z, [x, w]) returns dz/dx and dz/dw in this order."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    received = grad((x * x * w).sum(), [x, w])
    expect(received[0], 2 * a * (a + 1), "2xw")
    expect(received[1], a * a, "x**2")


@clause(
    "contract",
    mutant="grad_writes_into_leaves",
    given={"a": vectors()},
)
def test_touches_no_accumulated_gradient(a: Array) -> None:
    """grad(z, y) works for an intermediate y and leaves every .grad as it was."""
    x = tensor(a, requires_grad=True)
    (x * 3).sum().backward()
    y = x * x
    received = grad((y * y).sum(), [y])
    expect(received[0], 2 * a * a, "2y")
    expect(x.grad, 0 * a + 3, "what was there before")
    expect(y.grad, None)


@clause(
    "contract",
    mutant="unused_input_gives_ones",
    given={"a": vectors()},
)
def test_unused_input_is_never_made_up(a: Array) -> None:
    """An input that the root does not depend on is refused, or gets no gradient, or zeros; never anything else."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    with attempting("unused_input"):
        received = grad((x * x).sum(), [x, w])
        expect(received[0], 2 * a, "the input that is used")
        expect_one_of(received[1], [None, 0 * a], "the input that is not")
    received = grad((x * w).sum(), [x, w])
    expect(received[1], a, "when both are used")


@clause(
    "contract",
    mutant="cotangent_is_broadcast",
    given={"a": arrays((3,)), "v": arrays((3,)), "wrong": st.sampled_from([(2,), (1,), (3, 1), ()])},
)
def test_cotangent_has_the_roots_shape(a: Array, v: Array, wrong: tuple[int, ...]) -> None:
    """grad refuses a cotangent of another shape than the root's, and never broadcasts it; one of its shape is legal."""
    x = tensor(a, requires_grad=True)
    y = x * x
    with refuses("shape_mismatch"):
        grad(y, [x], tensor(np.ones(wrong, dtype=int)))
    received = grad(y, [x], tensor(v))
    expect(received[0], v * 2 * a, "the accepted twin")


@clause(
    "contract",
    mutant="non_scalar_root_is_summed",
    given={"a": arrays((3,))},
)
def test_non_scalar_root_needs_a_cotangent(a: Array) -> None:
    """grad without a cotangent is refused for a root of several elements; from its sum it is legal."""
    x = tensor(a, requires_grad=True)
    y = x * x
    with refuses("not_scalar"):
        grad(y, [x])
    received = grad(y.sum(), [x])
    expect(received[0], 2 * a, "the accepted twin")


@clause(
    "law",
    mutant="grad_ignores_the_cotangent",
    given={
        "a": arrays((3,)),
        "v": arrays((3,), dyadics),
        "w": arrays((3,), dyadics),
        "k": st.integers(-3, 3),
    },
)
def test_contracts_with_the_cotangent(a: Array, v: Array, w: Array, k: int) -> None:
    """grad(y, x, v) is v^T J, linear in v: for y = x*x and the cotangent v + kw it is (v + kw) * 2x."""
    x = tensor(a, requires_grad=True)
    received = grad(x * x, [x], tensor(v + k * w))
    expect(received[0], (v + k * w) * 2 * a, "(v + kw) times 2x")


@clause(
    "contract",
    mutant="unused_input_gives_ones",
    given={"a": vectors()},
)
def test_allowed_unused_input(a: Array) -> None:
    """With allow_unused an input that the root does not depend on has no gradient, or zeros; the others have theirs."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    received = grad((x * x).sum(), [x, w], allow_unused=True)
    expect(received[0], 2 * a, "the input that is used")
    expect_one_of(received[1], [None, 0 * a], "the input that is not")


@clause(
    "contract",
    mutant="grad_ignores_the_cotangent",
    given={"a": arrays((3,)), "b": arrays((3,)), "v": arrays((3,), dyadics)},
)
def test_agrees_with_backward(a: Array, b: Array, v: Array) -> None:
    """grad(y, [x, w], v) returns what y.backward(v) adds to x.grad and w.grad: for y = x*x*w they are 2xwv and x**2 v."""
    x, w, c = tensor(a, requires_grad=True), tensor(b, requires_grad=True), tensor(v)
    received = grad(x * x * w, [x, w], c)
    (x * x * w).backward(c)
    for gradient, leaf, formula in zip(received, (x, w), (2 * a * b * v, a * a * v), strict=True):
        expect(gradient, formula, "returned")
        expect(leaf.grad, formula, "accumulated")


@clause("contract", mutant="contributions_keep_the_last", given={"a": vectors()})
def test_an_intermediate_value_with_several_uses(a: Array) -> None:
    """grad(z, y) by an intermediate y is the sum over the uses of y: 2y + 3 for z = sum(y*y + 3y)."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    received = grad((y * y + 3 * y).sum(), [y])
    expect(received[0], 4 * a + 3, "2y + 3")


@clause("dialect", mutant="a_lone_gradient_is_no_tuple", dialect="torch", given={"a": vectors()})
def test_a_single_input_gives_a_tuple(a: Array) -> None:
    """grad(z, y) gives a tuple of one, for an intermediate y as well: (ones,) for a sum."""
    y = tensor(a, requires_grad=True) * 2
    native("found = {ns}.autograd.grad({0}, {1})", y.sum(), y)
    expect(native_value("isinstance(found, tuple) and len(found) == 1"), True)
    expect(native_value("found[0].tolist()"), str([1.0] * len(a)))


@clause("dialect", mutant="unused_inputs_are_allowed", dialect="torch", given={"a": vectors()})
def test_an_unused_input_is_refused(a: Array) -> None:
    """Unless it is allowed, an input that the root does not depend on is refused, beside one that it depends on as well."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    for inputs in ([w], [x, w], [w, x]):
        with refuses("unused_input"):
            grad((x * x).sum(), inputs)
    received = grad((x * x).sum(), [x, w], allow_unused=True)
    expect(received[0], 2 * a, "the accepted twin")
