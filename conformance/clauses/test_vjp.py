"""Vector-Jacobian products: backward from a root of several elements."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, dyadics, integers, matrices
from conformance.tensor import expect, gradients, refuses, tensor

pairs = st.integers(1, 4).flatmap(lambda n: st.tuples(arrays((n,)), arrays((n,), dyadics)))


@clause(
    "contract",
    source="torch.Tensor.backward; document 001 In[10], 004 2.5.2",
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
    source="document 001, the Jacobian; Griewank and Walther, Evaluating Derivatives, chapter 3",
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
    source="torch.autograd.backward",
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
    source="torch test suite, input buffer accumulation",
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
    source="document 003, cells 5 and 7; Giles, matrix derivative results, section 2.2.2",
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
