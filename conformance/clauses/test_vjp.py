"""Vector-Jacobian products: backward from a root of several elements."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, dyadics, integers, matrices, vectors
from conformance.tensor import expect, expect_matches, gradients, native, native_value, refuses, tensor

pairs = st.integers(1, 4).flatmap(lambda n: st.tuples(arrays((n,)), arrays((n,), dyadics)))


@clause(
    "contract",
    mutant="cotangent_is_ignored",
    given={"pair": pairs, "k": st.integers(0, 5)},
)
def test_backward_contracts_with_the_cotangent(pair: tuple[Array, Array], k: int) -> None:
    """y.backward(v) leaves v^T J in the leaf: after y = 2**k x it is v * 2**k, and v itself for y = x."""
    a, v = pair
    x = tensor(a, requires_grad=True)
    y = x
    for _ in range(k):
        y = y * 2
    y.backward(tensor(v))
    expect(x.grad, v * 2**k, "v times 2**k")


@clause(
    "law",
    mutant="cotangents_are_rounded",
    given={"pair": pairs, "u": st.integers(-3, 3), "w": st.integers(-3, 3)},
)
def test_linear_in_the_cotangent(pair: tuple[Array, Array], u: int, w: int) -> None:
    """The product is linear in v: the cotangent u*v + w*v gives (u + w) times what v gives."""
    a, v = pair
    x = tensor(a, requires_grad=True)
    received = gradients(x * x, [x], tensor(u * v + w * v))
    expect(received[0], (u + w) * v * 2 * a, "(u + w) times v * 2x")


@clause(
    "contract",
    mutant="cotangent_is_broadcast",
    given={"a": arrays((3,)), "wrong": st.sampled_from([(2,), (1,), (3, 1), ()])},
)
def test_cotangent_has_the_roots_shape(a: Array, wrong: tuple[int, ...]) -> None:
    """A cotangent of another shape than the root's is refused, and never broadcast; one of its shape is legal."""
    x = tensor(a, requires_grad=True)
    y = x * x
    with refuses("shape_mismatch"):
        y.backward(tensor(np.ones(wrong, dtype=int)))
    expect(x.grad, None, "a refusal changes nothing")
    y.backward(tensor(np.ones((3,), dtype=int)))
    expect(x.grad, 2 * a, "the accepted twin")


@clause(
    "contract",
    mutant="gradient_aliases_the_cotangent",
    given={"a": arrays((2,), integers), "v": arrays((2,), integers)},
)
def test_the_cotangent_is_not_kept(a: Array, v: Array) -> None:
    """The caller's cotangent is neither changed nor kept as the gradient: a second backward adds to the leaf, not to it."""
    x, c = tensor(a, requires_grad=True), tensor(v)
    (x + 1).backward(c)
    (x + 1).backward(c)
    expect(c, v, "the caller's cotangent is untouched")
    expect(x.grad, 2 * v, "twice v")


@clause(
    "law",
    mutant="mm_forgets_to_transpose_the_left",
    given={"a": matrices(2, 2), "b": matrices(2, 2), "v": matrices(2, 2)},
)
def test_a_square_matrix_product(a: Array, b: Array, v: Array) -> None:
    """The product x @ w passes v @ w^T to x and x^T @ v to w, transposed also where square shapes would fit without."""
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    received = gradients(x @ w, [x, w], tensor(v))
    expect(received[0], _product(v, b.T), "v @ w^T")
    expect(received[1], _product(a.T, v), "x^T @ v")


def _product(a: Array, b: Array) -> Array:
    return np.asarray((a[:, :, None] * b[None, :, :]).sum(axis=1), dtype=object)


@clause("law", mutant="mul_counts_one_use", given={"a": arrays((3,))})
def test_from_the_sum_or_with_ones(a: Array) -> None:
    """The gradient of sum(y) is the product of y with the cotangent ones, since d sum(y)/dy = 1: both give 2x for y = x*x."""
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    received = gradients((x * x).sum(), [x])
    expect(received[0], 2 * a, "from the sum")
    received = gradients(w * w, [w], tensor([1, 1, 1]))
    expect(received[0], 2 * a, "with ones")


@clause("law", mutant="contributions_keep_the_last", given={"a": arrays((3,))})
def test_a_gradient_as_cotangent_continues_the_chain(a: Array) -> None:
    """With v = dl/dy the product of y and v is dl/dx: for y = x*x + x and l = sum(y*y), 2y * (2x + 1) in two steps or in one."""
    y_value = a * a + a
    x, w = tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    received = gradients(x * x + x, [x], tensor(2 * y_value))
    expect(received[0], 2 * y_value * (2 * a + 1), "in two steps")
    y = w * w + w
    received = gradients((y * y).sum(), [w])
    expect(received[0], 2 * y_value * (2 * a + 1), "in one")


@clause(
    "dialect",
    mutant="cotangents_are_of_the_roots_dtype",
    dialect="torch",
    cotangent=("int64", "float32", "float64"),
    given={"a": vectors()},
)
def test_cotangents_are_cast(cotangent: str, a: Array) -> None:
    """A cotangent of another real dtype is cast to the root's, and the gradient has the leaf's; a complex one is refused."""
    x = tensor(a, requires_grad=True)
    y = x * x
    native(f"v = {{ns}}.ones({len(a)}, dtype={{ns}}.complex64)\nsaid = 'nothing'")
    tried = "try:\n    {0}.backward(v)\nexcept RuntimeError as reason:\n    said = str(reason)"
    native(tried, y)
    expect_matches(native_value("said"), "complex")
    native(f"v = {{ns}}.ones({len(a)}, dtype={{ns}}.{cotangent})\nsaid = 'nothing'")
    native(tried, y)
    expect(native_value("said"), "nothing", "a real one is cast")
    expect(native_value("{0}.grad.dtype == {0}.dtype", x), True)
    expect(native_value("{0}.grad.tolist()", x), str([2.0 * int(n.p) for n in a]))


@clause("dialect", mutant="the_jacobian_is_made", dialect="torch")
def test_no_jacobian_is_made() -> None:
    """The product needs memory for its vectors alone: of a million outputs, whose Jacobian has 10**12 entries, it is there."""
    native("x, said = {ns}.ones(10**6, requires_grad=True), 'enough'")
    native("try:\n    (x * 2).backward({ns}.ones(10**6))\nexcept RuntimeError:\n    said = 'no memory'")
    expect(native_value("said"), "enough")
    expect(native_value("bool((x.grad == 2).all())"), True)


@clause(
    "law",
    mutant="mul_by_a_number_forgets_it",
    given={"a": vectors(), "k": st.integers(1, 6)},
)
def test_doubling_multiplies_the_cotangent(a: Array, k: int) -> None:
    """After y = 2**k x the product of a cotangent v with the Jacobian is 2**k v."""
    x, v = tensor(a, requires_grad=True), tensor(a + 1)
    y = x
    for _ in range(k):
        y = y * 2
    received = gradients(y, [x], v)
    expect(received[0], 2**k * (a + 1), "2**k v")
