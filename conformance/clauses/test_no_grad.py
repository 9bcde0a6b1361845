"""Grad modes: what is computed without recording."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import tensors, vectors
from conformance.tensor import (
    catching,
    enable_grad,
    expect,
    grad_enabled,
    gradients,
    interrupt,
    no_grad,
    refuses,
    tensor,
)

MODES = "torch autograd notes, Grad modes"


@clause(
    "contract",
    source=f"{MODES}; document 001 In[11], 003 cell 8",
    mutant="no_grad_records",
    given={"a": tensors()},
)
def test_nothing_inside_is_recorded(a: Array) -> None:
    """What is computed under no_grad counts as a constant: with c = x*x made inside, d sum(c*x) = c."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        c = x * x
    received = gradients((c * x).sum(), [x])
    expect(received[0], a * a, "c")


@clause(
    "contract",
    source=f"{MODES}; document 001 In[11], 003 cell 8",
    mutant="no_grad_records",
    given={"a": vectors()},
)
def test_flags_inside_and_after(a: Array) -> None:
    """Under no_grad results need no grad and operands keep their flag; after the block recording goes on."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        inside = x * x
        expect(grad_enabled(), False)
        with enable_grad():
            again = x * x
    after = x * x
    expect(inside.requires_grad, False)
    expect(inside.is_leaf, True)
    expect(again.requires_grad, True, "enable_grad inside no_grad")
    expect(after.requires_grad, True)
    expect(x.requires_grad, True)
    expect(grad_enabled(), True)


@clause(
    "contract",
    source=f"{MODES}; contextlib's protocol",
    mutant="no_grad_is_not_restored_after_an_exception",
    given={"a": vectors()},
)
def test_an_exception_restores_the_mode(a: Array) -> None:
    """A no_grad block that is left by an exception restores the mode that was there before it."""
    x = tensor(a, requires_grad=True)
    with catching(), no_grad():
        x * x
        interrupt()
    received = gradients((x * x).sum(), [x])
    expect(received[0], 2 * a, "recorded again")


@clause(
    "contract",
    source=f"{MODES}; torch test suite, nested no_grad",
    mutant="leaving_an_inner_no_grad_re_enables",
    given={"a": vectors()},
)
def test_leaving_an_inner_block_restores_the_outer_mode(a: Array) -> None:
    """A no_grad block inside another restores the mode that was there before it: what follows is still not recorded."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        with no_grad():
            x * x
        c = x * x
    received = gradients((c * x).sum(), [x])
    expect(received[0], a * a, "c is a constant")


@clause(
    "contract",
    source=f"{MODES}; torch.Tensor.backward",
    mutant="backward_of_a_constant_is_silent",
    given={"a": vectors()},
)
def test_unrecorded_root_is_refused(a: Array) -> None:
    """Backward from a result of no_grad is refused: it has no history; the same expression outside is legal."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        y = (x * x).sum()
    with refuses("needs_grad"):
        y.backward()
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "the accepted twin")
