"""Hooks on tensors."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, tensors, vectors
from conformance.tensor import expect, recorded_dtype, refuses, tensor


@clause("contract", mutant="hook_runs_per_contribution", given={"a": vectors()})
def test_hook_sees_the_whole_cotangent_once(a: Array) -> None:
    """A hook on y is called once a backward, with the whole dL/dy, however often y was used; nothing else changes."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    hook = y.register_hook()
    (y * y + y).sum().backward()
    expect(hook.calls, [4 * a + 1], "2y + 1, once")
    expect(x.grad, 8 * a + 2, "an observing hook changes nothing")


@clause("contract", mutant="hook_removal_does_nothing", given={"a": vectors()})
def test_removed_hook_is_not_called(a: Array) -> None:
    """After remove() a hook is called no more; until then every backward calls it."""
    x = tensor(a, requires_grad=True)
    hook = x.register_hook()
    (x * x).sum().backward()
    (x * 3).sum().backward()
    hook.remove()
    (x * 5).sum().backward()
    expect(hook.calls, [2 * a, 0 * a + 3], "two calls, none after remove()")
    expect(x.grad, 2 * a + 8, "all three gradients")


@clause(
    "contract",
    mutant="hook_replacement_is_ignored",
    given={"a": arrays((2,)), "g": arrays((2,)), "k": st.integers(2, 4)},
)
def test_replacement_flows_on(a: Array, g: Array, k: int) -> None:
    """What a hook returns takes the cotangent's place, for the next hook and on the way to the leaves."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    first, second = y.register_hook(replace=g), y.register_hook(scale=k)
    y.sum().backward()
    expect(first.calls, [0 * a + 1], "the cotangent of the sum")
    expect(second.calls, [g], "what the first hook returned")
    expect(x.grad, 3 * k * g, "3 k g")


@clause("contract", mutant="hook_argument_requires_grad", given={"a": vectors()})
def test_the_argument_needs_no_grad(a: Array) -> None:
    """A hook's argument is a constant: whatever the hook computes leaves no graph behind."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    hook = y.register_hook(note="requires_grad")
    (y * y).sum().backward()
    expect(hook.calls, [False], "the argument's flag")
    expect(x.grad, 8 * a, "an observing hook changes nothing")


@clause("contract", mutant="hook_argument_is_detached", given={"a": vectors()})
def test_the_argument_of_a_recorded_backward_is_recorded(a: Array) -> None:
    """In a backward with create_graph a hook's argument has a history, which what the hook returns carries on."""
    x = tensor(a, requires_grad=True)
    y = x * x
    hook = y.register_hook(note="requires_grad")
    (y * y).sum().backward(create_graph=True)
    expect(hook.calls, [True], "the argument's flag")
    expect(x.grad, 4 * a * a * a, "4x**3")


@clause("contract", mutant="hook_argument_is_single", given={"a": vectors()})
def test_the_argument_has_its_tensors_dtype(a: Array) -> None:
    """A hook's argument has the dtype of its tensor."""
    x = tensor(a, requires_grad=True)
    hook = x.register_hook(note="dtype")
    (x * x).sum().backward()
    expect(hook.calls, [{"flag": recorded_dtype()}], "what is asked for")
    expect(x.grad, 2 * a, "an observing hook changes nothing")


@clause("contract", mutant="hook_argument_is_single", given={"a": tensors(), "k": st.integers(2, 4)})
def test_the_argument_looks_like_its_tensor(a: Array, k: int) -> None:
    """A hook's argument has its tensor's shape, and the gradient that comes of scaling it has shape and dtype of the tensor."""
    x = tensor(a, requires_grad=True)
    hook = x.register_hook(scale=k)
    (x * x).sum().backward()
    expect(hook.calls, [2 * a], "2x, in the shape of x")
    expect(x.grad, k * 2 * a, "in the shape and dtype of x")


@clause(
    "contract",
    mutant="hooks_run_in_reverse",
    given={"a": arrays((2,)), "g": arrays((2,)), "k": st.integers(2, 4)},
)
def test_hooks_run_in_the_order_of_registration(a: Array, g: Array, k: int) -> None:
    """Hooks of one tensor run in the order of their registration, each on what the one before it returned."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    first, second, third = y.register_hook(scale=k), y.register_hook(replace=g), y.register_hook(scale=k + 1)
    (y * y).sum().backward()
    expect(first.calls, [6 * a], "2y")
    expect(second.calls, [k * 6 * a], "k times 2y")
    expect(third.calls, [g], "the replacement")
    expect(x.grad, 3 * (k + 1) * g, "what the third returned, on to x")


@clause("contract", mutant="third_hook_is_lost", given={"a": vectors(), "n": st.integers(3, 4)})
def test_every_hook_is_called(a: Array, n: int) -> None:
    """Each of several hooks of one tensor is called, on a leaf as well."""
    x = tensor(a, requires_grad=True)
    hooks = [x.register_hook() for _ in range(n)]
    (x * x).sum().backward()
    for hook in hooks:
        expect(hook.calls, [2 * a], "each of them, once")


@clause("contract", mutant="removal_removes_every_hook", given={"a": vectors(), "gone": st.integers(0, 2)})
def test_removing_one_keeps_the_others(a: Array, gone: int) -> None:
    """remove() ends one hook; the others of the same tensor are still called."""
    x = tensor(a, requires_grad=True)
    hooks = [x.register_hook() for _ in range(3)]
    hooks[gone].remove()
    (x * x).sum().backward()
    for i, hook in enumerate(hooks):
        expect(hook.calls, [] if i == gone else [2 * a], "removed" if i == gone else "not removed")


@clause("contract", mutant="second_removal_takes_another", given={"a": vectors()})
def test_removing_twice_is_harmless(a: Array) -> None:
    """Calling remove() a second time does nothing: it is not refused, and ends no other hook."""
    x = tensor(a, requires_grad=True)
    kept, hook = x.register_hook(), x.register_hook()
    hook.remove()
    hook.remove()
    (x * x).sum().backward()
    expect(kept.calls, [2 * a], "another hook")
    expect(hook.calls, [], "the removed one")


@clause("contract", mutant="hooks_are_called_once", given={"a": vectors(), "k": st.integers(2, 3)})
def test_a_hook_stays(a: Array, k: int) -> None:
    """A hook that is not removed is called in every later backward, and scales each gradient: x.grad = k * 3 * 2x."""
    x = tensor(a, requires_grad=True)
    hook = x.register_hook(scale=3)
    for _ in range(k):
        (x * x).sum().backward()
    expect(hook.calls, [2 * a] * k, "once a backward")
    expect(x.grad, k * 6 * a, "all scaled")


@clause(
    "contract",
    mutant="leaf_hooks_run_after_accumulation",
    given={"a": vectors(), "k": st.integers(2, 4)},
)
def test_a_leafs_hook_runs_before_accumulation(a: Array, k: int) -> None:
    """A leaf's hook sees this backward's gradient, not the sum so far, and what it returns is added: 3 + k * 2x."""
    x = tensor(a, requires_grad=True)
    (x * 3).sum().backward()
    hook = x.register_hook(scale=k)
    (x * x).sum().backward()
    expect(hook.calls, [2 * a], "this backward's gradient alone")
    expect(x.grad, 3 + k * 2 * a, "what was there, and the scaled gradient")


@clause("contract", mutant="leaf_hook_runs_per_contribution", given={"a": vectors()})
def test_a_leafs_hook_sees_the_sum_of_its_uses(a: Array) -> None:
    """A leaf's hook is called once a backward, with the sum over all uses: for sum(x*x + x) with 2x + 1."""
    x = tensor(a, requires_grad=True)
    hook = x.register_hook()
    (x * x + x).sum().backward()
    expect(hook.calls, [2 * a + 1], "three uses, one call")


@clause("contract", mutant="root_hooks_do_not_run", given={"a": vectors(), "k": st.integers(2, 4)})
def test_a_hook_on_the_root_replaces_the_seed(a: Array, k: int) -> None:
    """A hook on the root is called with the cotangent that backward starts from, and may replace it."""
    x = tensor(a, requires_grad=True)
    z = (x * x).sum()
    hook = z.register_hook(replace=k)
    z.backward()
    expect(hook.calls, [1], "the implicit cotangent")
    expect(x.grad, k * 2 * a, "k times 2x")


@clause(
    "contract",
    mutant="hooks_after_use_are_ignored",
    given={"a": vectors(), "k": st.integers(2, 4)},
)
def test_a_hook_may_come_after_the_forward(a: Array, k: int) -> None:
    """A hook only needs to be registered before backward: a tensor that was used already takes one as well."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    z = (y * y).sum()
    hook = y.register_hook(scale=k)
    z.backward()
    expect(hook.calls, [6 * a], "2y")
    expect(x.grad, k * 18 * a, "k times 6y")


@clause("contract", mutant="silent_hooks_end_the_gradient", given={"a": vectors(), "b": st.integers(1, 4)})
def test_an_observer_sees_what_backward_does(a: Array, b: int) -> None:
    """A hook on y = x*w that returns nothing sees the ones of sum(y), and x and w receive one another as without it."""
    x, w = tensor(a, requires_grad=True), tensor(a + b, requires_grad=True)
    y = x * w
    hook = y.register_hook()
    y.sum().backward()
    expect(hook.calls, [0 * a + 1], "the cotangent of a sum")
    expect(x.grad, a + b, "w")
    expect(w.grad, a, "x")


@clause("contract", mutant="backward_waits_for_a_reader", given={"a": vectors()})
def test_a_hook_runs_before_backward_returns(a: Array) -> None:
    """Hooks are called while backward runs: when it returns they have been, though nobody has read a gradient yet."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    upper, lower = y.register_hook(), x.register_hook()
    (y * y).sum().backward()
    expect(upper.calls, [4 * a], "the intermediate value's")
    expect(lower.calls, [8 * a], "the leaf's")
    expect(x.grad, 8 * a, "read after them")


@clause(
    "dialect",
    mutant="hooks_may_return_any_shape",
    dialect="torch",
    given={"a": arrays((2,)), "shape": st.sampled_from([(), (1,), (3,), (1, 2), (2, 2)]), "k": st.integers(2, 4)},
)
def test_a_replacement_has_the_tensors_shape(a: Array, shape: tuple[int, ...], k: int) -> None:
    """What a hook returns is refused when its shape is not its argument's, though it could be broadcast; x receives nothing."""
    x = tensor(a, requires_grad=True)
    y, z = x * 3, x * 3
    y.register_hook(replace=np.full(shape, k))
    z.register_hook(replace=np.full(2, k))
    with refuses("shape_mismatch"):
        y.sum().backward()
    expect(x.grad, None, "a refusal leaves no gradient")
    z.sum().backward()
    expect(x.grad, [3 * k] * 2, "the accepted twin")


@clause("contract", mutant="hooks_of_pieces_are_ignored", given={"a": vectors(), "k": st.integers(2, 4)})
def test_a_piece_has_hooks_of_its_own(a: Array, k: int) -> None:
    """A hook on a slice or on a reshaped tensor sees the cotangent of that piece, and scales what it passes on."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    piece, whole = y[1:2], y.reshape(1, len(a))
    hooks = piece.register_hook(scale=k), whole.register_hook()
    (piece * 3).sum().backward(retain_graph=True)
    (whole * 5).sum().backward()
    expect(hooks[0].calls, [[3]], "of the slice")
    expect(hooks[1].calls, [[[5] * len(a)]], "of the reshaped tensor")
    expect(x.grad, [10, 10 + 6 * k, *[10] * (len(a) - 2)], "10, and 6k for the slice")
