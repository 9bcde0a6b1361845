"""The five documents, each replayed from top to bottom in one pass, with the figures that they print.

A printed figure stands for an interval of half its last digit; what a document computes from inputs that it shows only rounded is
expected as far as those inputs determine it. Cells that print only names, texts or flags are asked in other chapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import fmpq

from conformance.clause import clause
from conformance.model.numbers import Array, exact_array
from conformance.tensor import Tensor, expect, expect_within, recorded_dtype, tensor


def _nearest(figures: Any, bits: int) -> Array:
    """The numbers of so many binary places that are nearest to printed ones; exact in both dtypes."""
    rounded: Array = np.vectorize(lambda text: fmpq(round(float(text) * 2**bits), 2**bits), otypes=[object])(figures)
    return rounded


def _decimal(figures: Any) -> Array:
    """Printed figures, exactly."""
    exact: Array = np.vectorize(_rational, otypes=[object])(figures)
    return exact


def _rational(text: str) -> fmpq:
    whole, _, digits = text.partition(".")
    return fmpq(int(whole + digits), 10 ** len(digits))


HALF = fmpq(5, 10**5)  # of the last of four decimals
LOOPS = {"000": (-612409, 2**22), "004": (-1182209, 2**21)}


def _input(document: str) -> tuple[fmpq, fmpq]:
    """The loop's input, and how far it is from the document's own: in float32 17 bits of it, so that 100 * b is exact."""
    numerator, denominator = LOOPS[document]
    kept = round(numerator / 2**5) * 2**5 if recorded_dtype() == "float32" else numerator
    return fmpq(kept, denominator), fmpq(abs(kept - numerator), denominator)


def _doubled(a: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What f of documents 000 and 004 gives: its result, and every b on the way."""
    b = a * 2
    steps = [b]
    while abs(b.item()) < 1000:
        b = b * 2
        steps.append(b)
    return (b if b.item() > 0 else 100 * b), steps


@clause("contract", mutant="zero_does_nothing")
def test_000_simple_example() -> None:
    """Document 000: 2x.x gives [0, 4, 8, 12], its sum after zero_() ones, x*x [0, 2, 4, 6]; u*x gives u, and the loop 819200."""
    x = tensor(range(4), requires_grad=True)
    (2 * x.binary("dot", x)).backward()
    expect(x.grad, [0, 4, 8, 12], "In[4]")
    x.grad.zero_()
    expect(x.grad, [0, 0, 0, 0], "In[6]")
    x.sum().backward()
    expect(x.grad, [1, 1, 1, 1], "In[7]")
    x.grad.zero_()
    y = x * x
    expect(y, [0, 1, 4, 9], "In[11]")
    expect(y.sum(), 14, "In[10]")
    y.sum().backward()
    expect(x.grad, [0, 2, 4, 6], "In[8]")

    x = tensor(range(4), requires_grad=True)
    (2 * x.binary("dot", x)).backward()
    x.grad.zero_()
    u = (x * x).detach()
    z = u * x
    expect(z, [0, 1, 8, 27], "In[24]")
    z.sum().backward()
    expect(x.grad, [0, 1, 4, 9], "In[27]: u")

    number, off = _input("000")
    a = tensor(number, requires_grad=True)
    d, _ = _doubled(a)
    figure, reach = _rational("-119611.1328"), HALF + 819200 * off
    expect_within(d, figure - reach, figure + reach, "In[31]")
    d.backward()
    expect(a.grad, 819200, "In[34]")
    expect(d / a, 819200, "In[35]")


@clause("contract", mutant="cotangent_is_ignored")
def test_001_mean_and_vector_jacobian_product() -> None:
    """Document 001: the mean of 3(x + 2)**2 is 27 with gradients 4.5; x doubled nine times takes v to v times 512."""
    x = tensor(np.ones((2, 2), dtype=int), requires_grad=True)
    y = x + 2
    z = y * y * 3
    out = z.unary("mean")
    expect(y, [[3, 3], [3, 3]], "In[3]")
    expect(z, [[27, 27], [27, 27]], "In[5]")
    expect(out, 27, "In[5]")
    out.backward()
    expect(x.grad, [[fmpq(9, 2)] * 2] * 2, "In[8]")

    figures = ["-468.6488", "15.7427", "897.0353"]
    x = tensor(_nearest(figures, 13) / fmpq(512), requires_grad=True)
    y = x * 2
    while sum(entry * entry for entry in y.value) < 1000**2:
        y = y * 2
    reach = HALF + fmpq(1, 2**14)
    expect_within(y, _decimal(figures) - reach, _decimal(figures) + reach, "In[9]")
    v = exact_array([fmpq(*np.float32(n).as_integer_ratio()) for n in ("0.1", "1.0", "0.0001")])
    y.backward(tensor(v))
    expect(x.grad, 512 * v, "In[10]: as many doublings as the document's")
    printed, halves = _decimal(["51.200", "512.00", "0.051200"]), _decimal(["0.0005", "0.005", "0.0000005"])
    expect_within(x.grad.bound(), printed - halves, printed + halves, "In[10]")


@clause("contract", mutant="index_scatters_to_the_first")
def test_002_variables() -> None:
    """Document 002: abs by branches gives 1 and -1, the positive entries' product [0, 0, 0, 6, 3, 2], x**2 + 2x [2, 4, 6]."""
    for number in (1, -1):
        x = tensor([number], requires_grad=True)
        y = x if x.item() > 0 else -x
        y.backward()
        expect(x.grad, [number], f"abs at {number}: In[4], In[5]")

    x = tensor(range(-2, 4), requires_grad=True)
    result: Any = 1
    for i in range(6):
        if x[i].item() > 0:
            result = x[i] * result
    result.backward()
    expect(x.grad, [0, 0, 0, 6, 3, 2], "In[6]")

    x, w = tensor([1, 1, 1], requires_grad=True), tensor([1, 1, 1], requires_grad=True)
    y = x * w
    y.sum().backward()
    expect(x.grad, [1, 1, 1], "In[12]")
    expect(w.grad, [1, 1, 1], "In[12]")

    x = tensor(range(3), requires_grad=True)
    (x**2 + x * 2).sum().backward()
    expect(x.grad, [2, 4, 6], "In[18]: from z")
    x = tensor(range(3), requires_grad=True)
    (x**2 + x * 2).backward(tensor([1, 1, 1]))
    expect(x.grad, [2, 4, 6], "In[19]: from y, as it was meant")


@clause("contract", mutant="mm_forgets_to_transpose")
def test_003_matrix_products() -> None:
    """Document 003: sum(x @ w) gives the row sums of w and the column sums of x; a detached product is the product."""
    first = [["0.4568", "0.3014", "0.1629"], ["0.9983", "0.9308", "0.4588"], ["0.7727", "0.1441", "0.9768"]]
    x, off = _replayed(first)
    w = tensor(np.ones((3, 3), dtype=int), requires_grad=True)
    y = x.binary("mm", w).sum()
    _expect_figures(y, "15.6081", 27 * off, "cell 6")
    y.backward()
    expect(x.grad, [[3, 3, 3]] * 3, "cell 7")
    _expect_figures(w.grad.bound(), [["2.2278"] * 3, ["1.3763"] * 3, ["1.5986"] * 3], 3 * off, "cell 7")

    x, off = _replayed([["0.2699", "0.2150", "0.4124"], ["0.5506", "0.1069", "0.6992"], ["0.1359", "0.9054", "0.6022"]])
    w, _ = _replayed([["0.3951", "0.9469", "0.1590"], ["0.0279", "0.3368", "0.9199"], ["0.0966", "0.1213", "0.7982"]])
    product = w.binary("mm", x)
    products = [["0.6496", "0.3302", "0.9208"], ["0.3180", "0.8749", "0.8009"], ["0.2013", "0.7564", "0.6053"]]
    _expect_figures(product.detach(), products, 3 * 2 * off, "cell 8")
    product.sum().backward()  # the document's mean is a ninth of it, which no binary number is
    _expect_ninths(x.grad.bound(), [["0.0577"] * 3, ["0.1561"] * 3, ["0.2086"] * 3], 3 * off)
    _expect_ninths(w.grad.bound(), [["0.0997", "0.1507", "0.1826"]] * 3, 3 * off)


def _replayed(figures: Sequence[Sequence[str]]) -> tuple[Tensor, fmpq]:
    """A leaf that is printed so, and how far its entries may be from the document's; in float32 products of 11 bits are exact."""
    bits = 11 if recorded_dtype() == "float32" else 14
    return tensor(_nearest(figures, bits), requires_grad=True), HALF + fmpq(1, 2 ** (bits + 1))


def _expect_figures(subject: Any, figures: Any, reach: fmpq, where: str) -> None:
    printed = _decimal(figures)
    expect_within(subject, printed - (HALF + reach), printed + (HALF + reach), where)


def _expect_ninths(subject: Any, figures: Any, reach: fmpq) -> None:
    printed = 9 * _decimal(figures)
    expect_within(subject, printed - (9 * HALF + reach), printed + (9 * HALF + reach), "cell 8, nine times its figures")


@clause("contract", mutant="detach_keeps_the_graph")
def test_004_automatic_differentiation() -> None:
    """Document 004: one leaf through [0, 4, 8, 12], ones, [0, 2, 4, 6], u and 2x, cleared in between; the loop gives 204800."""
    x = tensor(range(4), requires_grad=True)
    y = 2 * x.binary("dot", x)
    expect(y, 28, "In[3]")
    y.backward()
    expect(x.grad, [0, 4, 8, 12], "In[4]")
    x.grad.zero_()
    expect(x.grad, [0, 0, 0, 0], "In[6]")
    y = x.sum()
    expect(y, 6, "In[6]")
    y.backward()
    expect(x.grad, [1, 1, 1, 1], "In[6]")
    expect(x, [0, 1, 2, 3], "In[6]: untouched")
    x.grad.zero_()
    y = x * x
    y.sum().backward()
    expect(x.grad, [0, 2, 4, 6], "In[10]")

    x.grad.zero_()
    y = x * x
    u = y.detach()
    z = u * x
    z.sum().backward()
    expect(z, [0, 1, 8, 27], "In[24]")
    expect(x.grad, [0, 1, 4, 9], "In[24]: u")
    x.grad.zero_()
    y.sum().backward()
    expect(x.grad, [0, 2, 4, 6], "In[25]: 2x")

    number, off = _input("004")
    a = tensor(number, requires_grad=True)
    d, steps = _doubled(a)
    figures = [
        *("-1.1274", "-2.2549", "-4.5098", "-9.0195", "-18.0391", "-36.0782", "-72.1563", "-144.3126", "-288.6252"),
        *("-577.2505", "-1154.5010"),
    ]
    for power, (b, figure) in enumerate(zip(steps, figures, strict=True), start=1):
        _expect_figures(b, figure, 2**power * off, f"In[53], after {power} doublings")
    d.backward()
    expect(a.grad, 204800, "In[56]")
    expect(d / a, 204800, "In[56]")
