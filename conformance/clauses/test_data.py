"""The attribute .data: the values alone, behind the back of the graph."""

from __future__ import annotations

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import nonzero, vectors
from conformance.tensor import expect, expect_matches, native, native_value, tensor


@clause(
    "dialect",
    mutant="data_keeps_the_graph",
    dialect="torch",
    given={"a": vectors()},
)
def test_data_has_no_history(a: Array) -> None:
    """y.data has the values and the memory of y, but neither its flag nor its grad_fn; y keeps both."""
    y = tensor(a, requires_grad=True) * 2
    expect(native_value("{0}.data.requires_grad", y), False)
    expect(native_value("{0}.data.grad_fn is None", y), True)
    expect(native_value("{0}.data.tolist()", y), str([2.0 * int(n.p) for n in a]))
    expect(native_value("{0}.data.data_ptr() == {0}.data_ptr()", y), True)
    expect(y.requires_grad, True)


@clause(
    "dialect",
    mutant="data_is_doubled",
    dialect="torch",
    given={"a": vectors(nonzero), "limit": st.sampled_from([10, 1000])},
)
def test_data_steers_a_loop(a: Array, limit: int) -> None:
    """Doubling while y.data.norm() < limit takes the path of the values, and adds nothing to the gradient: it is 2**k."""
    x = tensor(a, requires_grad=True)
    y, multiplier = x * 2, 2
    while sum(entry * entry for entry in y.value) < limit * limit:
        expect(native_value(f"bool({{0}}.data.norm() < {limit})", y), True)
        y, multiplier = y * 2, multiplier * 2
    expect(native_value(f"bool({{0}}.data.norm() < {limit})", y), False)
    y.sum().backward()
    expect(x.grad, [multiplier] * len(a), "the executed multiplier")


@clause(
    "dialect",
    mutant="data_keeps_the_graph",
    dialect="torch",
    given={"n": st.integers(-4, 4).map(fmpq)},
)
def test_an_entry_of_data_is_a_tensor(n: fmpq) -> None:
    """x.data[0] is a 0-d tensor without history; data that is 0-d itself has no entry 0, and says to use item()."""
    x = tensor([n], requires_grad=True)
    expect(native_value("{0}.data[0].dim() == 0 and not {0}.data[0].requires_grad", x), True)
    expect(native_value("{0}.data[0].item()", x), str(float(int(n.p))))
    native("try:\n    said = str({0}.data[0])\nexcept IndexError as reason:\n    said = str(reason)", x.sum())
    expect_matches(native_value("said"), r"^invalid index of a 0-dim tensor\. Use `tensor\.item\(\)`")


@clause(
    "dialect",
    mutant="data_is_a_copy",
    dialect="torch",
    given={"a": vectors()},
)
def test_a_change_through_data_is_not_noticed(a: Array) -> None:
    """Adding 1 to x.data after y = x*x is neither refused nor counted as a version: the gradient is silently 2(x + 1)."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    native("{0}.data.add_(1)", x)
    expect(native_value("{0}._version", x), "0")
    y.backward()
    expect(native_value("{0}.grad.tolist()", x), str([2.0 * int(n.p + 1) for n in a]))


@clause("dialect", mutant="data_is_negated", dialect="torch", given={"n": st.integers(-3, 3)})
def test_data_chooses_a_branch(n: int) -> None:
    """`x if x.data[0] > 0 else -x` takes the branch of the value; its derivative, 1 or -1, knows nothing of the comparison."""
    x = tensor([n], requires_grad=True)
    expect(native_value("bool({0}.data[0] > 0)", x), n > 0)
    expect(native_value("({0}.data[0] > 0).requires_grad", x), False)
    y = x if n > 0 else -x
    y.backward()
    expect(x.grad, [1 if n > 0 else -1], "the branch")


@clause("dialect", mutant="data_is_doubled", dialect="torch", given={"a": vectors(nonzero)})
def test_a_norm_has_three_readings(a: Array) -> None:
    """y.norm(), y.detach().norm() and y.data.norm() are one number, and only the first is recorded."""
    y = tensor(a, requires_grad=True) * 2
    expect(native_value("{0}.norm().item() == {0}.detach().norm().item() == {0}.data.norm().item()", y), True)
    expect(native_value("{0}.norm().requires_grad", y), True)
    expect(native_value("{0}.detach().norm().requires_grad or {0}.data.norm().requires_grad", y), False)
