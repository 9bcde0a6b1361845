"""Grad modes: what is computed without recording."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import tensors, vectors
from conformance.tensor import (
    catching,
    enable_grad,
    expect,
    grad,
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
            expect(grad_enabled(), True, "enable_grad inside no_grad")
        expect(grad_enabled(), False, "after the inner block")
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
    """backward from a result of no_grad is refused: it has no history; the same expression outside is legal."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        y = (x * x).sum()
    with refuses("needs_grad"):
        y.backward()
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "the accepted twin")


@clause(
    "contract",
    source=f"{MODES}; torch.enable_grad",
    mutant="enable_grad_is_not_restored",
    given={"a": vectors()},
)
def test_leaving_enable_grad_restores_the_outer_mode(a: Array) -> None:
    """An enable_grad block inside no_grad records, and what follows it in the outer block is not recorded."""
    x = tensor(a, requires_grad=True)
    with no_grad():
        with enable_grad():
            y = x * 3
        c = x * x
    received = gradients((c * y).sum(), [x])
    expect(received[0], 3 * a * a, "c is a constant, y is not")


@clause(
    "contract",
    source=f"{MODES}; torch.Tensor.backward",
    mutant="backward_turns_recording_off",
    given={"a": vectors()},
)
def test_backward_leaves_recording_on(a: Array) -> None:
    """A backward leaves the grad mode as it was: what is computed after it is recorded."""
    x = tensor(a, requires_grad=True)
    (x * 3).sum().backward()
    expect(grad_enabled(), True)
    y = x * x
    expect(y.requires_grad, True, "recorded")


@clause(
    "contract",
    source=f"{MODES}; torch test suite, backward inside no_grad",
    mutant="backward_turns_recording_on",
    given={"a": vectors()},
)
def test_backward_inside_leaves_recording_off(a: Array) -> None:
    """A graph that was recorded outside no_grad can be run inside it, and nothing is recorded there afterwards either."""
    x = tensor(a, requires_grad=True)
    z = (x * x).sum()
    with no_grad():
        z.backward()
        expect(grad_enabled(), False)
        c = x * x
    expect(x.grad, 2 * a, "the gradient")
    expect(c.requires_grad, False, "computed after backward, inside the block")


@clause(
    "contract",
    source=f"{MODES}; torch.autograd.grad",
    mutant="grad_changes_the_mode",
    given={"a": vectors()},
)
def test_grad_leaves_the_mode_alone(a: Array) -> None:
    """The functional gradient leaves the grad mode as it was, recorded itself or not, inside no_grad and outside."""
    x = tensor(a, requires_grad=True)
    received = grad((x * x).sum(), [x])
    expect(received[0], 2 * a)
    expect(grad_enabled(), True, "after grad")
    z = (x * x * x).sum()
    with no_grad():
        received = grad(z, [x], create_graph=True)
        expect(grad_enabled(), False, "after grad inside no_grad")
    expect(received[0], 3 * a * a)
