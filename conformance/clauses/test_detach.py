"""Detach: a value without its history."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import tensors, vectors
from conformance.tensor import expect, expect_matches, gradients, native, native_value, same, tensor


@clause(
    "law",
    mutant="detach_keeps_the_graph",
    given={"a": tensors()},
)
def test_detached_is_a_constant(a: Array) -> None:
    """With u = (x*x).detach(), u counts as a constant: d sum(u*x) = u, not 3x**2."""
    x = tensor(a, requires_grad=True)
    u = (x * x).detach()
    expect(u, a * a, "the value is kept")
    received = gradients((u * x).sum(), [x])
    expect(received[0], a * a, "u")


@clause(
    "contract",
    mutant="detach_cuts_in_place",
    given={"a": vectors()},
)
def test_detach_leaves_the_source_alone(a: Array) -> None:
    """y itself keeps its graph when it is detached: after y.detach(), d sum(y) is still 2x."""
    x = tensor(a, requires_grad=True)
    y = x * x
    u = y.detach()
    received = gradients(y.sum(), [x])
    expect(received[0], 2 * a, "2x")
    expect(u, a * a, "what was detached")


@clause(
    "contract",
    mutant="detach_keeps_the_graph",
    given={"a": vectors()},
)
def test_detached_is_a_new_leaf(a: Array) -> None:
    """y.detach() has the values of y, needs no grad, has no history and so is a leaf; the flag of y is as it was."""
    x = tensor(a, requires_grad=True)
    y = x * x
    u = y.detach()
    expect(u, a * a, "the values of y")
    expect(u.requires_grad, False)
    expect(u.is_leaf, True)
    expect(u.recorded, False)
    expect(y.requires_grad, True)


@clause(
    "contract",
    mutant="detach_keeps_the_graph",
    given={"a": vectors()},
)
def test_detached_is_another_object(a: Array) -> None:
    """y.detach() is not y, and a detached leaf is a leaf of its own: each receives only what flows to itself."""
    x = tensor(a, requires_grad=True)
    d = x.detach()
    expect(same(x, d), False)
    d.requires_grad_()
    (x * 3 + d * 5).sum().backward()
    expect(x.grad, [3] * len(a), "the leaf's own factor")
    expect(d.grad, [5] * len(a), "the factor of its detached twin")


@clause(
    "dialect",
    mutant="detach_copies",
    dialect="torch",
    given={"a": vectors()},
)
def test_detached_shares_its_memory(a: Array) -> None:
    """What is written into u = y.detach() is seen in y: they share their memory."""
    y = tensor(a, requires_grad=True) * 1
    u = y.detach()
    expect(native_value("{0}.data_ptr() == {1}.data_ptr()", y, u), True)
    native("{0}[0] = 100", u)
    expect(native_value("{0}[0].item()", y), "100.0")


@clause(
    "dialect",
    mutant="detach_copies",
    dialect="torch",
    given={"a": vectors()},
)
def test_detached_shares_its_version(a: Array) -> None:
    """A write through u = y.detach() counts as a new version of y, and a backward that needs the old one is refused."""
    x = tensor(a, requires_grad=True)
    y = x * 1
    z = (y * y).sum()
    native("{0}.zero_()", y.detach())
    expect(native_value("{0}._version", y), "1")
    native("try:\n    {0}.backward(); said = 'accepted'\nexcept RuntimeError as reason:\n    said = str(reason)", z)
    expect_matches(native_value("said"), r"modified by an inplace operation: .* is at version 1; expected version 0")
    (x * 2).sum().backward()
    expect(x.grad, [2] * len(a), "the accepted twin")


@clause("contract", mutant="result_never_requires_grad", given={"a": tensors()})
def test_a_product_with_a_detached_value_is_recorded(a: Array) -> None:
    """A product of a detached value and a leaf is recorded on account of the leaf: of u and z = u*x only z requires grad."""
    x = tensor(a, requires_grad=True)
    u = (x * x).detach()
    z = u * x
    expect(z, a * a * a, "x**3")
    expect(u.requires_grad, False)
    expect(z.requires_grad, True)
    expect(z.recorded, True)


@clause("contract", mutant="detach_cuts_in_place", given={"a": vectors()})
def test_both_graphs_can_be_run(a: Array) -> None:
    """What is made of a detached value and its source are two graphs: z = u*x gives u and nothing of 2x, y then adds its 2x."""
    x = tensor(a, requires_grad=True)
    y = x * x
    z = y.detach() * x
    z.sum().backward()
    expect(x.grad, a * a, "u")
    expect(y.requires_grad, True)
    y.sum().backward()
    expect(x.grad, a * a + 2 * a, "2x added to it")
