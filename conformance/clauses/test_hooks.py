"""Hooks on tensors."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, vectors
from conformance.tensor import expect, tensor

HOOKS = "torch.Tensor.register_hook"


@clause("contract", source=f"{HOOKS}; document 002 In[16]", mutant="hook_runs_per_contribution", given={"a": vectors()})
def test_hook_sees_the_whole_cotangent_once(a: Array) -> None:
    """A hook on y is called once a backward, with the whole dL/dy, however often y was used; nothing else changes."""
    x = tensor(a, requires_grad=True)
    y = x * 2
    hook = y.register_hook()
    (y * y + y).sum().backward()
    expect(hook.calls, [4 * a + 1], "2y + 1, once")
    expect(x.grad, 8 * a + 2, "an observing hook changes nothing")


@clause("contract", source=f"{HOOKS}; document 002 In[16]", mutant="hook_removal_does_nothing", given={"a": vectors()})
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
    source=HOOKS,
    mutant="hook_replacement_is_ignored",
    given={"a": arrays((2,)), "g": arrays((2,)), "k": st.integers(2, 4)},
)
def test_replacement_flows_on(a: Array, g: Array, k: int) -> None:
    """What a hook returns takes the cotangent's place, for the next hook and for everything upstream."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    first, second = y.register_hook(replace=g), y.register_hook(scale=k)
    y.sum().backward()
    expect(first.calls, [0 * a + 1], "the cotangent of the sum")
    expect(second.calls, [g], "what the first hook returned")
    expect(x.grad, 3 * k * g, "3 k g")
