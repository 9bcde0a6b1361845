"""Control flow: the executed path is what is differentiated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import arrays, nonzero, vectors
from conformance.tensor import Tensor, expect, gradients, native, native_value, recorded_dtype, tensor

small = st.integers(-64, 64).filter(bool).map(lambda n: fmpq(n, 16))


@clause(
    "law",
    mutant="mul_by_a_number_forgets_it",
    given={"a": small, "limit": st.sampled_from([4, 100, 1000])},
)
def test_loop_and_branch(a: fmpq, limit: int) -> None:
    """Doubling until |b| >= limit, then b or 100 b by its sign: the gradient is the multiplier that was executed."""
    x = tensor(a, requires_grad=True)
    c, multiplier = _doubled(x, limit)
    received = gradients(c, [x])
    expect(received[0], multiplier, "the executed multiplier")
    expect(c, a * multiplier, "c is linear along the path")


def _doubled(x: Tensor, limit: int) -> tuple[Tensor, int]:
    b, multiplier = x * 2, 2
    while abs(b.item()) < limit:
        b, multiplier = b * 2, multiplier * 2
    return (b, multiplier) if b.item() > 0 else (100 * b, 100 * multiplier)


@clause(
    "law",
    mutant="index_scatters_to_the_first",
    given={"a": vectors(st.integers(-3, 3).map(fmpq))},
)
def test_product_of_the_positive_entries(a: Array) -> None:
    """A loop that multiplies the positive entries gives each the product of the others, and 0 to the entries skipped."""
    x = tensor(a, requires_grad=True)
    result, used = x.sum() * 0 + 1, []
    for i, entry in enumerate(a):
        if entry > 0:
            result = x[i] * result
            used.append(i)
    received = gradients(result, [x])
    expected = [_product(a[j] for j in used if j != i) if i in used else fmpq(0) for i in range(len(a))]
    expect(received[0], expected, "the product of the others")


def _product(numbers: Iterable[fmpq]) -> fmpq:
    result = fmpq(1)
    for number in numbers:
        result *= number
    return result


# The documents' inputs, determined by the figures that they print: numerator, denominator, doublings, gradient.
PRINTED = {
    "000": (-612409, 2**22, 13, 819200),  # -0.1460096836090088
    "004": (-1182209, 2**21, 11, 204800),  # -0.5637211799621582
}


@clause(
    "law",
    mutant="mul_by_a_number_forgets_it",
    document=tuple(PRINTED),
)
def test_the_documents_loop(document: str) -> None:
    """The documents' inputs are negative: 13 and 11 doublings, then times 100, give the gradients 819200 and 204800."""
    numerator, denominator, doublings, gradient = PRINTED[document]
    a = fmpq(numerator, denominator)
    if recorded_dtype() == "float32":  # 100 * b must be exact: keep 17 bits, which still print as the document's
        a = fmpq(round(numerator / 2**5) * 2**5, denominator)
    x = tensor(a, requires_grad=True)
    c, multiplier = _doubled(x, 1000)
    received = gradients(c, [x])
    expect(received[0], gradient, "the document's gradient")
    expect(c, a * 100 * 2**doublings, "the number of doublings")
    expect(c / x, multiplier, "d is linear along the path: d / a is the gradient")


@clause(
    "law",
    mutant="mul_by_a_number_forgets_it",
    given={"a": small, "b": small, "limit": st.sampled_from([4, 100])},
)
def test_each_call_has_a_path_of_its_own(a: fmpq, b: fmpq, limit: int) -> None:
    """Two inputs of one function take paths of different length, and each receives the multiplier of its own."""
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    (c, first), (d, second) = _doubled(x, limit), _doubled(w, limit)
    received = gradients(c + d, [x, w])
    expect(received[0], first, "the first path")
    expect(received[1], second, "the second path")


@clause(
    "law",
    mutant="negation_forgets_the_sign",
    given={"n": st.integers(-3, 3)},
)
def test_abs_by_branches(n: int) -> None:
    """abs as `x if x > 0 else -x` has the derivative of the branch that was executed: 1 above 0, -1 below and at 0 itself."""
    x = tensor([n], requires_grad=True)
    y = x if x.item() > 0 else -x
    received = gradients(y.sum(), [x])
    expect(y, [abs(n)], "the value")
    expect(received[0], [1 if n > 0 else -1], "the executed branch")


@clause(
    "law",
    mutant="mul_by_a_number_forgets_it",
    given={"a": vectors(nonzero) | arrays((2, 2), nonzero), "limit": st.sampled_from([4, 100])},
)
def test_loop_and_branch_of_a_vector(a: Array, limit: int) -> None:
    """Given a vector or matrix the loop's result is no scalar; its sum has the executed multiplier as gradient everywhere."""
    x = tensor(a, requires_grad=True)
    b, multiplier = x * 2, 2
    while (b.value * b.value).sum() < limit * limit:
        b, multiplier = b * 2, multiplier * 2
    if not b.value.sum() > 0:
        b, multiplier = 100 * b, 100 * multiplier
    received = gradients(b.sum(), [x])
    expect(received[0], 0 * a + multiplier, "the executed multiplier")


@clause(
    "contract",
    mutant="index_scatters_to_the_first",
    given={"a": vectors(st.integers(-3, 3).map(fmpq))},
)
def test_product_while_iterating(a: Array) -> None:
    """A product over `for entry in x`, begun with the number 1, gives each positive entry the product of the others."""
    x = tensor(a, requires_grad=True)
    result, used = x.sum() * 0, []
    product: Tensor | int = 1
    for i, entry in enumerate(x.unbind()):
        if entry.item() > 0:
            product = entry * product
            used.append(i)
    (result + product).backward()
    expected = [_product(a[j] for j in used if j != i) if i in used else fmpq(0) for i in range(len(a))]
    expect(x.grad, expected, "the product of the others")


STEPS = ("double", "branch", "add x", "grow", "square")


@clause(
    "law",
    mutant="contributions_keep_the_last",
    given={"a": small, "steps": st.lists(st.sampled_from(STEPS), min_size=1, max_size=6)},
)
def test_any_path_is_differentiated(a: fmpq, steps: list[str]) -> None:
    """Whatever loops and branches a program goes through, its gradient is the chain rule along what was executed."""
    x = tensor(a, requires_grad=True)
    y, slope = x * 1, fmpq(1)
    for step in steps:
        y, slope = _stepped(step, x, y, slope)
    received = gradients(y, [x])
    expect(received[0], slope, "the chain rule along the path")


def _stepped(step: str, x: Tensor, y: Tensor, slope: fmpq) -> tuple[Tensor, fmpq]:
    """The next value and its derivative by x."""
    if step == "double":
        return y * 2, slope * 2
    if step == "add x":
        return y + x, slope + 1
    if step == "square":
        return y * y, slope * 2 * y.item()
    if step == "branch":
        return (y * 3 - x, slope * 3 - 1) if y.item() > 0 else (-y, -slope)
    for _ in range(4):
        if abs(y.item()) < 8:
            y, slope = y + y, slope * 2
    return y, slope


@clause(
    "law",
    mutant="products_with_one_are_constants",
    given={"a": vectors(st.integers(-3, 3).map(fmpq)).filter(lambda a: max(a) > 0)},
)
def test_a_product_begins_with_a_number(a: Array) -> None:
    """A product that begins as the number 1 is recorded from its first factor on, as one that begins as a tensor is."""
    x = tensor(a, requires_grad=True)
    used = [i for i, entry in enumerate(a) if entry > 0]
    product: Any = 1
    for i in used:
        product = x[i] * product
    received = gradients(product, [x])
    expect(product, _product(a[i] for i in used), "the product")
    expected = [_product(a[j] for j in used if j != i) if i in used else fmpq(0) for i in range(len(a))]
    expect(received[0], expected, "the product of the others")


@clause("dialect", mutant="greater_includes_equal", dialect="torch", given={"a": vectors(st.integers(-3, 0).map(fmpq))})
def test_without_a_factor_it_stays_a_number(a: Array) -> None:
    """A product over the positive entries that begins as the number 1 is this number when there are none, which 0 is not."""
    x = tensor(a, requires_grad=True)
    native("product = 1\nfor entry in {0}:\n    if entry > 0:\n        product = entry * product", x)
    expect(native_value("type(product).__name__"), "int")
    expect(native_value("hasattr(product, 'backward')"), False)


@clause("law", mutant="comparing_counts_as_a_use", given={"a": vectors(nonzero)})
def test_conditions_add_nothing(a: Array) -> None:
    """What is computed for a condition adds nothing to a gradient: comparing b and sum(b) with 0 leaves d sum(kb) = k."""
    x = tensor(a, requires_grad=True)
    b = x * 2
    positive, above = b > 0, b.sum() > 0
    factor = 1 if above.item() else 100
    received = gradients((factor * b).sum(), [x])
    expect(positive, [int(entry > 0) for entry in a], "true or false")
    expect(received[0], [2 * factor] * len(a), "the executed branch alone")


@clause(
    "dialect",
    mutant="norms_are_sums_of_absolute_values",
    dialect="torch",
    given={"a": vectors(nonzero), "limit": st.sampled_from([4, 100, 1000])},
)
def test_conditions_are_answered_by_values(a: Array, limit: int) -> None:
    """`b.norm() < limit` and `b.sum() > 0` are true or false by the 2-norm and the sum of b's values, recorded as b may be."""
    x = tensor(a, requires_grad=True)
    b, multiplier = x * 2, 2
    while (b.value * b.value).sum() < limit * limit:
        expect(native_value(f"bool({{0}}.norm() < {limit})", b), True)
        b, multiplier = b * 2, multiplier * 2
    expect(native_value(f"bool({{0}}.norm() < {limit})", b), False)
    expect(native_value("bool({0}.sum() > 0)", b), bool(b.value.sum() > 0))
    b.sum().backward()
    expect(x.grad, [multiplier] * len(a), "the executed multiplier")


LOOP = """
count, b = 1, {0} * 2
while b.norm() < 1000:
    count, b = count + 1, b * 2
d = b if b.sum() > 0 else 100 * b
d.backward()
""".strip()


@clause("dialect", mutant="norms_are_squares", dialect="torch", document=tuple(PRINTED))
def test_the_loop_counts_as_in_the_documents(document: str) -> None:
    """Left to its own conditions the documents' loop doubles their inputs 13 and 11 times; d / a is the gradient."""
    numerator, denominator, doublings, gradient = PRINTED[document]
    x = tensor(fmpq(numerator, denominator), requires_grad=True)
    native(LOOP, x)
    expect(native_value("count"), str(doublings))
    expect(native_value("{0}.grad.item()", x), str(float(gradient)))
    expect(native_value("bool({0}.grad == d / {0})", x), True)


@clause("law", mutant="norms_are_squares", given={"n": nonzero})
def test_the_norm_of_a_number(n: fmpq) -> None:
    """The norm of a 0-d tensor is its absolute value, and has its derivative: 2 times the sign of x for norm(x + x)."""
    x = tensor(n, requires_grad=True)
    y = (x + x).unary("norm")
    received = gradients(y, [x])
    expect(y, abs(2 * n), "the absolute value")
    expect(received[0], 2 if n > 0 else -2, "twice the sign")


@clause("dialect", mutant="abs_is_a_branch", dialect="torch", given={"n": st.integers(1, 3)})
def test_abs_itself_is_flat_at_zero(n: int) -> None:
    """The operator abs has the derivative 0 at 0, where `x if x > 0 else -x` has -1."""
    x = tensor([0] * n, requires_grad=True)
    native("{0}.abs().sum().backward()", x)
    expect(native_value("[abs(g) for g in {0}.grad.tolist()]", x), str([0.0] * n))
