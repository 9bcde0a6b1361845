"""The requires_grad flag: where it comes from, and what it decides."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import matrices, tensors, vectors
from conformance.tensor import apply, expect, expect_one_of, grad, native, native_value, refuses, same, tensor


@clause(
    "contract",
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


@clause("contract", mutant="requires_grad_flips_a_copy", given={"a": vectors()})
def test_flipping_the_flag_returns_the_tensor(a: Array) -> None:
    """What requires_grad_() returns is the tensor itself, not another one of the same values."""
    x = tensor(a)
    returned = x.requires_grad_()
    expect(same(returned, x), True)
    (returned * returned).sum().backward()
    expect(x.grad, 2 * a, "computed from what was returned")


@clause("contract", mutant="constants_are_recorded", given={"a": vectors()})
def test_a_result_of_constants_can_be_flipped(a: Array) -> None:
    """A result of constants is a leaf, so requires_grad_() is legal for it: with b = 3c + 1 flipped, d sum(b*b) = 2b."""
    c = tensor(a)
    b = c * 3 + 1
    expect(b.requires_grad, False)
    b.requires_grad_()
    expect(b.requires_grad, True)
    (b * b).sum().backward()
    expect(b.grad, 2 * (3 * a + 1), "2b")
    expect(c.requires_grad, False, "what it was computed from")


@clause("contract", mutant="backward_clears_the_flag", given={"a": vectors()})
def test_backward_changes_neither_values_nor_flag(a: Array) -> None:
    """Backward leaves a leaf's values and its flag as they are: what is computed from it afterwards is recorded."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    expect(x, a, "the leaf's values")
    expect(x.requires_grad, True)
    expect((x * 3).requires_grad, True, "computed afterwards")


@clause("contract", mutant="equal_leaves_are_one", given={"a": vectors()})
def test_a_new_leaf_starts_without_a_gradient(a: Array) -> None:
    """A leaf that is made anew, of the same values, has nothing of the gradient of the old one."""
    x = tensor(a, requires_grad=True)
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "the old leaf")
    w = tensor(a, requires_grad=True)
    expect_one_of(w.grad, [None, 0 * a])
    (w * 3).sum().backward()
    expect(w.grad, 0 * a + 3, "its own gradient alone")


FACTORIES = {
    "tensor": "tensor([1.0, 2.0]",
    "ones": "ones(2, 2",
    "arange": "arange(4.0",
    "rand": "rand(3, 3",
    "randn": "randn(2, 2",
    "number": "randn(size=()",
}


@clause("dialect", mutant="factories_forget_the_keyword", dialect="torch", factory=tuple(FACTORIES))
def test_a_factory_is_asked_for_the_flag(factory: str) -> None:
    """A factory gives a constant; with requires_grad=True a leaf that requires grad, without .grad and grad_fn yet."""
    call = FACTORIES[factory]
    expect(native_value(f"{{ns}}.{call}).requires_grad"), False)
    native(f"made = {{ns}}.{call}, requires_grad=True)")
    expect(native_value("made.requires_grad and made.is_leaf"), True)
    expect(native_value("made.grad is None and made.grad_fn is None"), True)


@clause("dialect", mutant="counting_is_in_integers", dialect="torch")
def test_counting_takes_the_dtype_of_its_bounds() -> None:
    """arange counts in float32 when a bound is a float, in int64 when none is; only the former may require grad."""
    expect(native_value("{ns}.arange(4.0).dtype"), "torch.float32")
    expect(native_value("{ns}.arange(0.0, 3).dtype"), "torch.float32")
    expect(native_value("{ns}.arange(0, 3).dtype"), "torch.int64")
    expect(native_value("{ns}.arange(9).view(3, 3).requires_grad"), False)
    expect(native_value("{ns}.arange(4.0, requires_grad=True).requires_grad"), True)


OPERANDS: dict[str, tuple[Any, ...]] = {
    "neg": (),
    "pow": (2,),
    "sum": (),
    "mean": (),
    "mm": ("x",),
    "mul": (3,),
    "add": (2,),
}


@clause("contract", mutant="powers_are_constants", operator=tuple(OPERANDS), given={"a": matrices(2, 2)})
def test_any_operator_passes_the_flag_on(operator: str, a: Array) -> None:
    """Whatever the operator, its result requires grad if its operand does, and does not if it does not."""
    for flag in (True, False):
        x = tensor(a, requires_grad=flag)
        result = apply(operator, x, *(x if operand == "x" else operand for operand in OPERANDS[operator]))
        expect(result.requires_grad, flag)


@clause("contract", mutant="requires_grad_flips_a_copy", given={"a": vectors()})
def test_a_results_flag_is_not_for_setting(a: Array) -> None:
    """requires_grad_(False) of a recorded result is refused; requires_grad_() says what holds already, and changes nothing."""
    x = tensor(a, requires_grad=True)
    y = x * 3
    with refuses("not_leaf"):
        y.requires_grad_(False)
    y.requires_grad_()
    expect(y.requires_grad, True)
    expect(y.is_leaf, False)
    (y * y).sum().backward()
    expect(x.grad, 18 * a, "through the result")
    expect(y.grad, None, "it is no leaf")


@clause("dialect", mutant="constants_are_unused_inputs", dialect="torch", given={"a": vectors()})
def test_no_gradient_is_asked_for_a_constant(a: Array) -> None:
    """A constant among the inputs of grad() is refused, also where unused inputs are allowed; so it is in backward(inputs=)."""
    x, c = tensor(a, requires_grad=True), tensor(a)
    y = (x * c).sum()
    with refuses("needs_grad"):
        grad(y, [x, c], allow_unused=True)
    with refuses("needs_grad"):
        y.backward(inputs=[c])
    y.backward(inputs=[x])
    expect(x.grad, a, "the accepted twin")


@clause("contract", mutant="the_flag_cannot_be_cleared", given={"a": vectors()})
def test_a_flag_that_returns_changes_no_graph(a: Array) -> None:
    """What was computed while a leaf's flag was cleared leads nowhere: set again, the leaf receives nothing of it."""
    x, w = tensor(a, requires_grad=True), tensor(a + 1, requires_grad=True)
    x.requires_grad_(False)
    z = (x * w).sum()
    x.requires_grad_()
    z.backward()
    expect(x.grad, None, "a constant when z was computed")
    expect(w.grad, a, "another leaf")
    (x * w).sum().backward()
    expect(x.grad, a + 1, "computed since")


@clause("contract", mutant="requires_grad_toggles", given={"a": vectors()})
def test_a_flag_that_is_set_again_changes_no_graph(a: Array) -> None:
    """requires_grad_() of a leaf that requires grad changes nothing: a graph that was there before still leads to it."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    x.requires_grad_()
    expect(grad(y, [x])[0], 2 * a, "2x")
    expect(x.requires_grad, True)
