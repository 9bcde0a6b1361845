"""Writing in place: views, detached aliases, and the versions of what was saved for a derivative."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import integers, nonzero, vectors
from conformance.tensor import (
    Tensor,
    attempting,
    expect,
    expect_one_of,
    gradients,
    no_grad,
    refuses,
    tensor,
)

factors = st.sampled_from([2, 3])


@clause(
    "law",
    mutant="writes_are_not_recorded",
    given={"a": vectors(), "k": factors},
)
def test_a_written_result_is_the_new_one(a: Array, k: int) -> None:
    """A result that is written goes on as what was written: after y = 2x, y *= k, y += x its gradient is 2k + 1."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    y.mul_(k)
    y.add_(x)
    expect(y, (2 * k + 1) * a, "the numbers")
    received = gradients(y.sum(), [x])
    expect(received[0], [2 * k + 1] * len(a), "2k + 1")


def _entry(y: Tensor) -> Tensor:
    return y[1]


def _slice(y: Tensor) -> Tensor:
    return y[1:2]


def _reshaped(y: Tensor) -> Tensor:
    return y.reshape(1, y.shape[0])[0:1][0][1]


VIEWS = {"entry": _entry, "slice": _slice, "view of a view": _reshaped}


@clause(
    "dialect",
    mutant="views_are_copies",
    dialect="torch",
    given={"a": vectors(nonzero), "k": factors},
    view=tuple(VIEWS),
)
def test_a_write_through_a_view_changes_its_base(view: str, a: Array, k: int) -> None:
    """What is written through a view of y is in y, numbers and history: entry 1 of 2x times k has the gradient 2k."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    VIEWS[view](y).mul_(k)
    expected = np.array([2, 2 * k, *[2] * (len(a) - 2)])
    expect(y, expected * a, "the numbers")
    y.sum().backward()
    expect(x.grad, expected, "k where it was written")


@clause(
    "dialect",
    mutant="views_remember_the_old_base",
    dialect="torch",
    given={"a": vectors(), "k": factors},
    view=tuple(VIEWS),
)
def test_a_write_to_the_base_changes_its_views(view: str, a: Array, k: int) -> None:
    """A view of y that was taken before y was written is a view of the new y, numbers and history: of k * 2x."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    v = VIEWS[view](y)
    y.mul_(k)
    expect(v.sum(), 2 * k * a[1], "the numbers")
    v.sum().backward()
    expect(x.grad, [0, 2 * k, *[0] * (len(a) - 2)], "what the view shows")


@clause(
    "law",
    mutant="overwritten_entries_keep_their_gradient",
    given={"a": vectors(), "n": integers, "i": st.integers(0, 1)},
)
def test_an_overwritten_entry_receives_nothing(a: Array, n: fmpq, i: int) -> None:
    """After y = x*x, y[i] = w, the gradient of sum(y) is 0 for the entry of x that was overwritten, and 1 for w."""
    x, w = tensor(a, requires_grad=True), tensor(n, requires_grad=True)
    y = x * x
    y[i] = w
    expect(y, np.array([n if j == i else entry * entry for j, entry in enumerate(a)], dtype=object), "the numbers")
    received = gradients(y.sum(), [x, w])
    expect(received[0], [0 if j == i else 2 * entry for j, entry in enumerate(a)], "2x but for the overwritten entry")
    expect(received[1], 1, "what was written")


@clause(
    "contract",
    mutant="writes_are_not_recorded",
    given={"a": vectors(), "n": integers},
)
def test_a_constant_becomes_a_result(a: Array, n: fmpq) -> None:
    """When w is written into a constant, the constant requires grad from then on, and w receives what flows to it."""
    c, w = tensor(a), tensor(n, requires_grad=True)
    c[0] = w
    expect(c.requires_grad, True)
    (c * 3).sum().backward()
    expect(w.grad, 3, "through what was a constant")


@clause(
    "dialect",
    mutant="leaves_may_be_written",
    dialect="torch",
    given={"a": vectors(), "k": factors},
    target=("leaf", "entry of a leaf", "view of a leaf", "leaf in a constant"),
)
def test_a_leaf_is_not_written_while_recording(target: str, a: Array, k: int) -> None:
    """A write into a leaf that requires grad, or a view of one, is refused while operators are recorded; a constant may be."""
    x, c = tensor(a, requires_grad=True), tensor(a)
    view, piece = c[0:1].requires_grad_(), x[0:1]
    with refuses("leaf_in_place"):
        if target == "leaf":
            x.mul_(k)
        elif target == "entry of a leaf":
            x[0] = k
        elif target == "view of a leaf":
            piece.mul_(k)
        else:
            view.mul_(k)
    expect(x, a, "a refusal changes nothing")
    c.mul_(k)
    expect(c, k * a, "the accepted twin")
    (x * c).sum().backward()
    expect(x.grad, k * a, "c")


@clause(
    "contract",
    mutant="written_leaves_are_constants",
    given={"a": vectors(), "k": factors},
)
def test_a_step_under_no_grad_leaves_a_leaf(a: Array, k: int) -> None:
    """Under no_grad a leaf may be written: it is the same leaf with other numbers, and its next gradient is of those."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    with no_grad():
        x.add_(k)
    expect(x, a + k, "the step")
    expect(x.is_leaf, True)
    expect(x.grad, 2 * a, "the gradient of before stays")
    (x * x).sum().backward()
    expect(x.grad, 4 * a + 2 * k, "2x, and 2(x + k)")


@clause(
    "contract",
    mutant="versions_are_not_checked",
    given={"a": vectors(nonzero), "k": factors},
    through=("itself", "a view", "a detached alias"),
)
def test_overwritten_values_are_never_silently_used(through: str, a: Array, k: int) -> None:
    """A backward that needs numbers which were overwritten since is refused, or right; it is never wrong."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    {"itself": y, "a view": y[0:2], "a detached alias": y.detach()}[through].mul_(k)
    with attempting("version_conflict") as late:
        z.backward()
    expect(x.grad, 8 * a, "an engine that kept the numbers", when=(late, "accepted"))


@clause(
    "dialect",
    mutant="every_version_is_checked",
    dialect="torch",
    given={"a": vectors(), "k": factors},
)
def test_numbers_that_no_derivative_needs_may_be_written(a: Array, k: int) -> None:
    """The derivative of a sum or of y + 1 needs no numbers of y: y may be written before backward, which is legal and right."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    z = (y + 1).sum()
    y.mul_(k)
    z.backward()
    expect(x.grad, [2] * len(a), "of the y that was summed")


@clause(
    "contract",
    mutant="detached_writes_are_recorded",
    given={"a": vectors(), "k": factors},
)
def test_a_write_through_a_detached_alias_is_no_history(a: Array, k: int) -> None:
    """What is written through y.detach() changes the numbers of y or does not, but never its gradient: that of 2x stays 2."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    y.detach().mul_(k)
    expect_one_of(y, [2 * k * a, 2 * a], "numbers that are shared, or copied")
    y.sum().backward()
    expect(x.grad, [2] * len(a), "as if nothing had been written")


@clause(
    "dialect",
    mutant="hooks_move_on",
    dialect="torch",
    given={"a": vectors(), "k": factors},
)
def test_hooks_stay_with_what_they_were_registered_on(a: Array, k: int) -> None:
    """A hook on y stays with the y of before a write, and sees dL/dy of that; one registered afterwards sees the new one's."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    before = y.register_hook()
    y.mul_(k)
    after = y.register_hook()
    y.sum().backward()
    expect(after.calls, [[1] * len(a)], "the cotangent of the new y")
    expect(before.calls, [[k] * len(a)], "the cotangent of the old y")
    expect(x.grad, [2 * k] * len(a), "2k")


@clause(
    "law",
    mutant="writes_save_the_new_numbers",
    given={"a": vectors(), "b": integers},
)
def test_a_written_product_has_two_factors(a: Array, b: fmpq) -> None:
    """After y = 2x, y *= w, the gradient of sum(y) by w is the sum of the y that was there before, and by x it is 2w."""
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    y = x * 2
    y.mul_(w)
    received = gradients(y.sum(), [x, w])
    expect(received[0], [2 * b] * len(a), "2w")
    expect(received[1], 2 * a.sum(), "the old y")


@clause(
    "dialect",
    mutant="retained_gradients_stay_behind",
    dialect="torch",
    given={"a": vectors(), "k": factors},
)
def test_a_retained_gradient_is_that_of_the_newest(a: Array, k: int) -> None:
    """y.grad, when it is retained, is the gradient of what y has become, not of what it was before a write."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.mul_(k)
    y.sum().backward()
    expect(y.grad, [1] * len(a), "of the new y")
    expect(x.grad, [2 * k] * len(a), "2k")


@clause(
    "dialect",
    mutant="writes_count_twice",
    dialect="torch",
    given={"a": vectors(), "writes": st.integers(1, 3), "unrecorded": st.booleans()},
)
def test_aliases_share_one_version(a: Array, writes: int, unrecorded: bool) -> None:
    """Each write counts as one version of the memory, for its base, its views and its detached aliases, under no_grad too."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    v, u = y[0:1], y.detach()
    expect(y.version, 0)
    for writer in (v, u, y)[:writes]:
        with no_grad() if unrecorded else nullcontext():
            writer.mul_(2)
    for alias in (y, v, u):
        expect(alias.version, writes)
    expect((y * 1).version, 0, "a new result has memory of its own")


@clause(
    "dialect",
    mutant="writes_fit_by_broadcasting",
    dialect="torch",
    given={"a": vectors(), "k": factors, "leading": st.sampled_from([(1,), (2,), (1, 1)])},
)
def test_a_write_keeps_the_shape(a: Array, k: int, leading: tuple[int, ...]) -> None:
    """y *= w is refused when the product has another shape than y, and changes nothing; w may be broadcast to that of y."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    with refuses("shape_mismatch"):
        y.mul_(tensor(np.full((*leading, len(a)), k)))
    expect(y, 2 * a, "a refusal changes nothing")
    expect(y.version, 0)
    y.mul_(tensor([k]))
    y.sum().backward()
    expect(x.grad, [2 * k] * len(a), "the accepted twin")


@clause(
    "dialect",
    mutant="writes_are_copied",
    dialect="torch",
    given={"a": vectors(), "k": factors, "dtype": st.sampled_from(["float32", "float64"])},
)
def test_a_write_keeps_the_dtype(a: Array, k: int, dtype: str) -> None:
    """y *= w leaves y its dtype, whatever that of w, and its node is that of a product, not of a conversion."""
    x, w = tensor(a, requires_grad=True), tensor([k], dtype=dtype)
    y = x * 2
    y.mul_(w)
    expect(y, 2 * k * a, "of the dtype of x")
    expect(y.node_name(), "MulBackward0")
    y.sum().backward()
    expect(x.grad, [2 * k] * len(a), "2k, in the leaf's dtype")
    c = tensor([k] * len(a), dtype=dtype)
    c.mul_(x)
    c.sum().backward()
    expect(x.grad, [3 * k] * len(a), "and k more, in the leaf's dtype")


@clause("dialect", mutant="views_of_no_grad_are_closed", dialect="torch", given={"a": vectors(), "k": factors})
def test_a_view_that_was_taken_under_no_grad_may_be_written(a: Array, k: int) -> None:
    """A view that was taken of a constant under no_grad may be written outside as well, with a constant; its base shows it."""
    x, c = tensor(a, requires_grad=True), tensor(a)
    with no_grad():
        v = c[1:2]
    v.mul_(tensor([k]))
    written = np.array([1, k, *[1] * (len(a) - 2)]) * a
    expect(c, written, "the base")
    expect(c.requires_grad, False)
    (x * c).sum().backward()
    expect(x.grad, written, "c")
