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
    native,
    native_value,
    no_grad,
    refuses,
    tensor,
)


@clause(
    "contract",
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


@clause("contract", mutant="no_grad_clears_the_operands_flag", given={"a": vectors()})
def test_one_expression_before_inside_and_after(a: Array) -> None:
    """x*x requires grad before the block and after it, and does not inside; x itself requires it all the time."""
    x = tensor(a, requires_grad=True)
    expect((x * x).requires_grad, True, "before")
    with no_grad():
        expect((x * x).requires_grad, False, "inside")
        expect(x.requires_grad, True, "the operand, inside")
    expect((x * x).requires_grad, True, "after")
    expect(x.requires_grad, True, "the operand, after")


@clause("contract", mutant="no_grad_clears_the_operands_flag", given={"a": vectors()})
def test_an_older_result_keeps_its_graph(a: Array) -> None:
    """Computing an expression again under no_grad does nothing to the older result: its graph can still be run."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    with no_grad():
        again = (x * x).sum()
    expect(again, (a * a).sum(), "the newer result")
    expect(y, (a * a).sum(), "the older one")
    y.backward()
    expect(x.grad, 2 * a, "2x")


@clause("dialect", mutant="sums_are_kept_for_ever", dialect="torch", given={"a": vectors()})
def test_a_rebound_name_lets_its_graph_go(a: Array) -> None:
    """When the name of a recorded result is bound anew under no_grad, its graph goes, and with it what its hooks held."""
    x = tensor(a, requires_grad=True)
    native("import weakref\nclass Probe: pass\nprobe = Probe()\ngone = weakref.ref(probe)")
    native("result = ({0} * {0}).sum()\nresult.register_hook(lambda g, held=probe: None)\ndel probe", x)
    expect(native_value("gone() is None"), False, "as long as the name is bound to it")
    native("with {ns}.no_grad():\n    result = ({0} * {0}).sum()", x)
    expect(native_value("gone() is None"), True, "bound anew")
    expect(native_value("result.requires_grad"), False)
