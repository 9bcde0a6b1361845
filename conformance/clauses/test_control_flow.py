"""Control flow: the executed path is what is differentiated."""

from __future__ import annotations

from collections.abc import Iterable

from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import nonzero, vectors
from conformance.tensor import Tensor, expect, gradients, recorded_dtype, tensor

small = st.integers(-64, 64).filter(bool).map(lambda n: fmpq(n, 16))


@clause(
    "law",
    source="document 000 In[28] to In[36], 004 In[52] to In[56]",
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
    source="document 002 In[6]",
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
    source="document 000 In[29] to In[36], 004 In[52] to In[56]",
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
    source="document 004 In[52]; define-by-run",
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
    source="document 002 In[4], In[5]",
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
    source="document 004, exercise 3",
    mutant="mul_by_a_number_forgets_it",
    given={"a": vectors(nonzero), "limit": st.sampled_from([4, 100])},
)
def test_loop_and_branch_of_a_vector(a: Array, limit: int) -> None:
    """Given a vector the loop's result is no scalar; the gradient of its sum is the executed multiplier for every entry."""
    x = tensor(a, requires_grad=True)
    b, multiplier = x * 2, 2
    while sum(entry * entry for entry in b.value) < limit * limit:
        b, multiplier = b * 2, multiplier * 2
    if not sum(b.value) > 0:
        b, multiplier = 100 * b, 100 * multiplier
    received = gradients(b.sum(), [x])
    expect(received[0], [multiplier] * len(a), "the executed multiplier")


@clause(
    "contract",
    source="document 002 In[6]",
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
    source="document 004, exercise 4; Griewank and Walther, Evaluating Derivatives, chapter 4",
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
