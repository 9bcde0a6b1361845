"""Variable, the class that held a tensor, its flags and its gradient before 0.4, and what became of it."""

from __future__ import annotations

from math import prod

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, nonzero, vectors
from conformance.tensor import expect, expect_matches, native, native_value, refuses, tensor, variable

DATA = "torch 0.4 migration guide, What about .data?"


@clause(
    "dialect",
    mutant="gradients_are_the_values",
    dialect="variable",
    given={"a": arrays((2,)), "b": arrays((2,))},
)
def test_gradients_are_variables(a: Array, b: Array) -> None:
    """z = w*x + b has the gradients w.grad = x and b.grad = 1; x, which requires none, and the result y = w*x have none."""
    x, w, shift = variable(a), variable(b, requires_grad=True), variable(a, requires_grad=True)
    y = w * x
    z = y + shift
    expect(z, b * a + a)
    z.sum().backward()
    expect(w.grad, a)
    expect(w.grad.bound().volatile, False)
    expect(shift.grad, 0 * a + 1)
    expect(x.grad, None)
    expect(y.grad, None)


@clause(
    "dialect",
    mutant="variables_as_cotangents_are_ignored",
    dialect="variable",
    given={"a": arrays((3,)), "v": arrays((3,))},
)
def test_a_cotangent_may_be_a_variable(a: Array, v: Array) -> None:
    """y.backward(v) of y = x**2 + 2x gives v*(2x + 2), and nothing of it for v."""
    x, cotangent = variable(a, requires_grad=True), variable(v)
    (x**2 + x * 2).backward(cotangent)
    expect(x.grad, v * (2 * a + 2))
    expect(cotangent.grad, None)


@clause(
    "dialect",
    mutant="creators_are_forgotten",
    dialect="variable",
    given={"a": vectors(least=1)},
)
def test_the_creator_is_the_last_operator(a: Array) -> None:
    """The creator of z = w*x + b is named after the sum, that of w*x after the product; a leaf has none."""
    x, w, shift = variable(a), variable(a, requires_grad=True), variable(a, requires_grad=True)
    y = w * x
    z = y + shift
    expect_matches(z.creator(), "^Add")
    expect_matches(y.creator(), "^Mul")
    for leaf in (x, w):
        expect(leaf.creator(), "NoneType")


@clause(
    "dialect",
    mutant="entries_of_data_are_arrays",
    dialect="variable",
    given={"a": vectors(least=1)},
)
def test_an_entry_of_data_is_a_number(a: Array) -> None:
    """x.data[0] is a Python float, and a sum is read as z.data[0] too: no tensor was 0-d."""
    x = variable(a, requires_grad=True)
    z = x.sum()
    expect(x.data_entry(), repr(_float(a[0])))
    expect(z.data_entry(), repr(_float(sum(a, fmpq(0)))))
    expect(z.requires_grad, True, "reading changes nothing")


@clause(
    "dialect",
    mutant="data_is_absolute",
    dialect="variable",
    given={"a": arrays((3,), nonzero)},
)
def test_data_steers_the_program(a: Array) -> None:
    """The product of the entries whose data[0] is positive has as gradient the product of the others, and 0 elsewhere."""
    x = variable(a, requires_grad=True)
    result = None
    for entry, number in zip(x.unbind(), a, strict=True):
        expect(entry.data_entry(), repr(_float(number)))
        if number > 0:
            result = entry if result is None else entry * result
    (x.sum() * 0 if result is None else result).backward()
    taken = [i for i in range(3) if a[i] > 0]
    expect(x.grad, [prod((a[j] for j in taken if j != i), start=fmpq(1)) if i in taken else 0 for i in range(3)])


@clause(
    "dialect",
    mutant="retain_variables_is_ignored",
    dialect="variable",
    given={"a": vectors(least=1), "k": st.integers(1, 3)},
)
def test_retain_variables_keeps_the_graph(a: Array, k: int) -> None:
    """After backward(retain_variables=True) the graph can be run again, and each run adds its 2x to x.grad."""
    x = variable(a, requires_grad=True)
    y = (x * x).sum()
    for _ in range(k):
        y.backward(retain_variables=True)
    y.backward()
    expect(x.grad, (k + 1) * 2 * a)


@clause(
    "dialect",
    mutant="variables_are_always_retained",
    dialect="variable",
    given={"a": vectors(least=1)},
)
def test_a_graph_that_is_not_retained_is_freed(a: Array) -> None:
    """Without retain_variables a second backward is refused, and adds nothing to x.grad = 2x."""
    x = variable(a, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with refuses("graph_freed"):
        y.backward()
    expect(x.grad, 2 * a)


@clause(
    "dialect",
    mutant="hooks_of_variables_see_tensors",
    dialect="variable",
    given={"a": vectors(least=1)},
)
def test_a_hooks_argument_is_a_variable(a: Array) -> None:
    """The argument of a hook on y = x*w is a Variable; what is computed of it leaves w.grad = x as it is."""
    x, w = variable(a, requires_grad=True), variable(a, requires_grad=True)
    y = x * w
    hook = y.register_hook(note="is_variable")
    y.sum().backward()
    expect(hook.calls, [True])
    expect(w.grad, a)


@clause(
    "dialect",
    mutant="hooks_of_variables_replace_nothing",
    dialect="variable",
    given={"a": vectors(least=1), "k": st.integers(2, 4)},
)
def test_a_hook_may_return_a_variable(a: Array, k: int) -> None:
    """A hook on x*w sees ones; the Variable that it returns, k times them, goes on: x.grad = k*w."""
    x, w = variable(a, requires_grad=True), variable(a, requires_grad=True)
    y = x * w
    hook = y.register_hook(scale=k)
    y.sum().backward()
    expect(hook.calls, [0 * a + 1])
    expect(x.grad, k * a)


@clause(
    "dialect",
    mutant="variables_copy",
    dialect="variable",
    given={"a": vectors(least=1), "flag": st.booleans()},
)
def test_a_variable_shares_its_tensor(a: Array, flag: bool) -> None:
    """Variable(x.data) holds the same memory, not a copy; its flag is its own, and neither x nor the flag of x is altered."""
    x = variable(a, requires_grad=not flag)
    v = x.rewrapped(requires_grad=flag)
    expect(v, a)
    expect(v.shares_memory(x), True)
    expect(v.requires_grad, flag)
    expect(x.requires_grad, not flag)
    expect(v.creator(), "NoneType")


# --- what became of it


@clause(
    "dialect",
    mutant="variables_are_a_class_of_their_own",
    dialect="torch",
    given={"a": vectors(), "flag": st.booleans()},
)
def test_a_variable_is_a_tensor_today(a: Array, flag: bool) -> None:
    """Variable is still imported from autograd; Variable(t, requires_grad=flag) is a plain tensor, and a Variable."""
    native("from {ns}.autograd import Variable")
    native(f"v = Variable({{0}}, requires_grad={flag})", tensor(a))
    expect(native_value("type(v) is {ns}.Tensor"), True)
    expect(native_value("isinstance(v, Variable)"), True)
    expect(native_value("v.requires_grad"), flag)
    expect(native_value("Variable(v).requires_grad"), False)


@clause(
    "dialect",
    mutant="variables_copy_tensors",
    dialect="torch",
    given={"a": vectors()},
)
def test_a_variable_of_today_shares_its_tensor(a: Array) -> None:
    """Variable(t, requires_grad=True) is a new tensor in the memory of t, and t still requires no grad."""
    t = tensor(a)
    native("v = {ns}.autograd.Variable({0}, requires_grad=True)", t)
    expect(native_value("v is {0}", t), False)
    expect(native_value("v.data_ptr() == {0}.data_ptr()", t), True)
    expect(t.requires_grad, False)
    expect(t, a)


@clause(
    "dialect",
    mutant="creator_is_back",
    dialect="torch",
    given={"a": vectors()},
)
def test_creator_is_grad_fn_today(a: Array) -> None:
    """A result has no attribute creator any more: what made it is grad_fn."""
    y = tensor(a, requires_grad=True) * 2
    expect(native_value("hasattr({0}, 'creator')", y), False)
    expect(native_value("type({0}.grad_fn).__name__", y), "MulBackward0")


@clause(
    "dialect",
    mutant="retain_variables_is_back",
    dialect="torch",
    given={"a": vectors()},
)
def test_retain_variables_is_retain_graph_today(a: Array) -> None:
    """backward(retain_variables=True) is an unknown argument and adds nothing; retain_graph=True is what it became."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    attempt = "{0}.backward(retain_variables=True)\n    said = 'accepted'"
    native(f"try:\n    {attempt}\nexcept TypeError as reason:\n    said = str(reason)", y)
    expect_matches(native_value("said"), "unexpected keyword argument 'retain_variables'")
    expect(x.grad, None)
    y.backward(retain_graph=True)
    y.backward()
    expect(x.grad, 4 * a)


@clause(
    "dialect",
    mutant="the_default_is_double",
    dialect="torch",
    given={"a": vectors()},
)
def test_a_tensor_of_numbers_is_single(a: Array) -> None:
    """Tensor([1, 1, 1]) is float32, as ever, though the numbers are whole; tensor([1, 1, 1]) is not."""
    numbers = [int(n.p) for n in a]
    expect(native_value(f"{{ns}}.Tensor({numbers}).dtype"), "torch.float32")
    expect(native_value(f"{{ns}}.Tensor({numbers}).tolist()"), str([float(n) for n in numbers]))
    expect(native_value("{ns}.tensor([1, 1, 1]).dtype"), "torch.int64")


def _float(number: fmpq) -> float:
    return int(number.p) / int(number.q)
