"""The requires_grad flag: where it comes from, and what it decides."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import tensors, vectors
from conformance.tensor import expect, tensor

NOTES = "torch autograd notes, Setting requires_grad"


@clause(
    "contract",
    source=f"{NOTES}; document 002 In[7], In[11]",
    mutant="result_never_requires_grad",
    given={"a": tensors(), "left": st.booleans(), "right": st.booleans()},
)
def test_result_requires_grad_if_an_operand_does(a: Array, left: bool, right: bool) -> None:
    """A result requires grad if and only if one of its operands does."""
    x, w = tensor(a, requires_grad=left), tensor(a, requires_grad=right)
    y = x * w
    expect(x.requires_grad, left)
    expect(w.requires_grad, right)
    expect(y.requires_grad, left or right, "the flags of the operands, or-ed")
    expect(y, a * a, "the flag changes no value")


@clause(
    "contract",
    source=f"{NOTES}; document 004 In[2], 001 In[6]",
    mutant="requires_grad_flips_a_copy",
    given={"a": vectors()},
)
def test_flipping_the_flag_records_from_then_on(a: Array) -> None:
    """requires_grad_() flips the flag of this very tensor: what is computed from then on is recorded, nothing before."""
    x = tensor(a)
    before = x * x
    x.requires_grad_()
    expect(x.requires_grad, True)
    expect(before.requires_grad, False, "computed before the flip")
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "computed after the flip")


@clause(
    "contract",
    source=f"{NOTES}; torch.Tensor.requires_grad_",
    mutant="the_flag_cannot_be_cleared",
    given={"a": vectors()},
)
def test_clearing_the_flag_ends_recording(a: Array) -> None:
    """After requires_grad_(False) a leaf counts as a constant: results need no grad because of it, and it receives none."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    x.requires_grad_(False)
    y = x * x
    expect(x.requires_grad, False)
    expect(y.requires_grad, False, "computed from it")
    (y * w).sum().backward()
    expect(x.grad, None, "nothing accumulates")
    expect(w.grad, a * a, "another leaf")


@clause(
    "contract",
    source=f"{NOTES}; torch.Tensor.requires_grad_",
    mutant="cleared_leaves_accumulate",
    given={"a": vectors()},
)
def test_a_cleared_leaf_receives_nothing(a: Array) -> None:
    """requires_grad_(False) after the graph was built is no error: backward leaves nothing there; other leaves have theirs."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    z = (x * w).sum()
    x.requires_grad_(False)
    z.backward()
    expect(x.grad, None, "it was told to need none")
    expect(w.grad, a, "another leaf")
