"""Backward from a scalar."""

from __future__ import annotations

import numpy as np
from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, integers, matrices, vectors
from conformance.tensor import expect, expect_matches, gradients, native_value, refuses, tensor


@clause(
    "law",
    mutant="mul_counts_one_use",
    given={"a": vectors(least=1)},
)
def test_twice_the_squared_norm(a: Array) -> None:
    """d(2 x·x)/dx = 4x."""
    x = tensor(a, requires_grad=True)
    received = gradients(2 * x.binary("dot", x), [x])
    expect(received[0], 4 * a, "4x")


@clause(
    "law",
    mutant="mean_forgets_to_divide",
    given={"a": arrays((2, 2))},
)
def test_mean_of_squares(a: Array) -> None:
    """The mean over 4 entries of 3(x+2)**2 has the gradient 3/2 (x+2), which is 4.5 at x = 1."""
    x = tensor(a, requires_grad=True)
    z = (x + 2) ** 2 * 3
    received = gradients(z.unary("mean"), [x])
    expect(received[0], (a + 2) * 3 / 2, "3/2 (x+2)")


@clause(
    "law",
    mutant="mm_forgets_to_transpose",
    given={"a": matrices(2, 2), "b": matrices(2, 2)},
)
def test_sum_of_a_matrix_product(a: Array, b: Array) -> None:
    """d sum(x @ w): x receives ones @ w^T, the row sums of w; w receives x^T @ ones, the column sums of x."""
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    received = gradients(x.binary("mm", w).sum(), [x, w])
    rows = np.broadcast_to(b.sum(axis=1)[None, :], (2, 2))
    columns = np.broadcast_to(a.sum(axis=0)[:, None], (2, 2))
    expect(received[0], rows, "row sums of w")
    expect(received[1], columns, "column sums of x")


@clause(
    "contract",
    mutant="broadcast_averages",
    given={
        "pair": st.sampled_from(
            [((2, 1), (1, 3)), ((3,), (2, 3)), ((), (2, 3)), ((1,), (2, 3)), ((1, 1), ()), ((2,), ())]
        ),
        "data": st.data(),
    },
)
def test_gradient_has_the_leafs_shape(pair: tuple[tuple[int, ...], ...], data: st.DataObject) -> None:
    """A gradient has the shape and dtype of its leaf: what broadcasting repeated is summed again."""
    a, b = (data.draw(arrays(shape)) for shape in pair)
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    received = gradients((x * w).sum(), [x, w])
    full = np.broadcast_shapes(*pair)
    expect(received[0], _summed_to(np.broadcast_to(b, full), pair[0]), "w, summed over what x was repeated along")
    expect(received[1], _summed_to(np.broadcast_to(a, full), pair[1]), "x, summed over what w was repeated along")


def _summed_to(full: Array, shape: tuple[int, ...]) -> Array:
    padded = (1,) * (full.ndim - len(shape)) + shape
    axes = tuple(i for i, extent in enumerate(padded) if extent == 1)
    return np.asarray(full.sum(axis=axes) if axes else full, dtype=object).reshape(shape)


@clause(
    "contract",
    mutant="implicit_cotangent_is_two",
    given={"a": vectors(least=1), "shape": st.sampled_from([(), (1,), (1, 1, 1)])},
)
def test_implicit_cotangent_is_one(a: Array, shape: tuple[int, ...]) -> None:
    """A root of one element, of whatever shape, needs no cotangent: backward() is backward(ones)."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().reshape(*shape).backward()
    expect(x.grad, 2 * a, "backward()")
    w = tensor(a, requires_grad=True)
    (w * w).sum().reshape(*shape).backward(tensor(np.ones(shape, dtype=int)))
    expect(w.grad, 2 * a, "backward(ones)")


@clause(
    "contract",
    mutant="non_scalar_root_is_summed",
    given={"a": vectors(least=2)},
)
def test_non_scalar_root_needs_a_cotangent(a: Array) -> None:
    """backward() without a cotangent is refused for a root of several elements; with one it is legal."""
    x = tensor(a, requires_grad=True)
    y = x * x
    with refuses("not_scalar"):
        y.backward()
    expect(x.grad, None, "a refusal changes nothing")
    y.backward(tensor(np.ones(a.shape, dtype=int)))
    expect(x.grad, 2 * a, "the accepted twin")


@clause(
    "contract",
    mutant="lone_gradients_become_vectors",
    given={"n": integers, "a": vectors()},
)
def test_a_lone_number_keeps_its_shape(n: fmpq, a: Array) -> None:
    """The gradient of a 0-d leaf is 0-d, whether the leaf is the root's only operand or was broadcast against a vector."""
    x, w = tensor(n, requires_grad=True), tensor(n, requires_grad=True)
    received = gradients(x * x, [x])
    expect(received[0], 2 * n, "2x, of shape ()")
    received = gradients((w * tensor(a)).sum(), [w])
    expect(received[0], a.sum(), "the sum of the vector, of shape ()")


@clause("contract", mutant="cotangent_is_broadcast", given={"a": vectors(least=1)})
def test_a_lone_cotangent_is_no_vector(a: Array) -> None:
    """A cotangent of shape (1,) is refused for a root that is 0-d, and never reshaped; one that is 0-d is legal."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    with refuses("shape_mismatch"):
        y.backward(tensor([1]))
    expect(x.grad, None, "a refusal changes nothing")
    y.backward(tensor(1))
    expect(x.grad, 2 * a, "the accepted twin")


@clause("dialect", mutant="backward_returns_the_root", dialect="torch", given={"a": vectors()})
def test_backward_returns_nothing(a: Array) -> None:
    """backward() returns None: the gradient is read from the leaf."""
    x = tensor(a, requires_grad=True)
    expect(native_value("{0}.backward() is None", (x * x).sum()), True)
    expect(native_value("{0}.grad.tolist()", x), str([2.0 * int(n.p) for n in a]))


@clause("dialect", mutant="naming_backward_runs_it", dialect="torch", given={"a": vectors()})
def test_naming_backward_runs_nothing(a: Array) -> None:
    """y.backward without parentheses is the method, printed with its tensor; no gradient is computed."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    printed = r"^<bound method Tensor\.backward of tensor\(.*, grad_fn=<SumBackward0>\)>$"
    expect_matches(native_value("str({0}.backward)", y), printed)
    expect(native_value("{0}.grad is None", x), True)


@clause(
    "law",
    mutant="only_leading_axes_are_summed",
    given={"a": arrays((2, 1)), "b": arrays((1, 3))},
)
def test_an_axis_of_one_is_summed_again(a: Array, b: Array) -> None:
    """Broadcasting repeats an axis of extent 1 as it does a missing one: in sum(x * w) x of shape (2, 1) receives sums of w."""
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    received = gradients((x * w).sum(), [x, w])
    expect(received[0], [[b.sum()]] * 2, "over the columns")
    expect(received[1], [[a.sum()] * 3], "over the rows")


@clause("dialect", mutant="non_scalar_root_is_summed", dialect="torch")
def test_a_root_without_elements_needs_a_cotangent() -> None:
    """backward() of a tensor without elements is refused as that of several is; its sum is a scalar, and its gradient empty."""
    x = tensor(np.empty(0), requires_grad=True)
    y = x * 2
    with refuses("not_scalar"):
        y.backward()
    y.sum().backward()
    expect(x.grad, np.empty(0), "no elements")


@clause("dialect", mutant="empty_sums_are_one", dialect="torch", given={"n": integers})
def test_broadcast_against_nothing(n: fmpq) -> None:
    """Broadcast against no elements, a leaf of shape (1,) receives the empty sum, 0, in its own shape."""
    x = tensor([n], requires_grad=True)
    received = gradients((x * tensor(np.empty(0))).sum(), [x])
    expect(received[0], [0], "the sum of nothing")
