"""Printed text, as torch prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from flint import fmpq
from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import matrices, vectors
from conformance.tensor import expect, native_value, recorded_dtype, tensor


@clause(
    "dialect",
    mutant="printed_text_hides_the_flag",
    dialect="torch",
    given={"n": st.integers(2, 4)},
)
def test_a_tensor_shows_its_history(n: int) -> None:
    """A leaf shows requires_grad=True, a result its grad_fn, a constant neither."""
    entries = ", ".join(f"{i}." for i in range(n))
    dtype = ", dtype=torch.float64" if recorded_dtype() == "float64" else ""
    x = tensor(list(range(n)), requires_grad=True)
    y = x + 0
    expect(x.text(), f"tensor([{entries}]{dtype}, requires_grad=True)")
    expect(y.text(), f"tensor([{entries}]{dtype}, grad_fn=<AddBackward0>)")
    expect(y.detach().text(), f"tensor([{entries}]{dtype})")


def _dtype() -> str:
    return ", dtype=torch.float64" if recorded_dtype() == "float64" else ""


def _row(cells: Sequence[str]) -> str:
    """Cells as wide as the widest."""
    width = max(map(len, cells))
    return f"[{', '.join(cell.rjust(width) for cell in cells)}]"


FORMS = {
    "whole": (st.integers(-20, 20).map(fmpq), "{:.0f}."),
    # Odd sixteenths: no number is whole, and none is a thousand times another.
    "fractions": (st.integers(-120, 120).map(lambda n: fmpq(2 * n + 1, 16)), "{:.4f}"),
    "wide": (st.sampled_from([-8192, -4096, 4096, 8192]).map(fmpq), "{:.4e}"),
}


@clause(
    "dialect",
    mutant="numbers_are_printed_by_numpy",
    dialect="torch",
    given={"data": st.data()},
    form=tuple(FORMS),
)
def test_numbers_share_one_form(form: str, data: st.DataObject) -> None:
    """Entries print alike, right-aligned: 1. if whole, else four decimals; exponents if one is over 1000 times another."""
    elements, spec = FORMS[form]
    a = data.draw(vectors(elements))
    if form == "wide":
        a[0] = fmpq(1, 2)
    a = a[:3]  # four with exponents fill the line
    x = tensor(a)
    expect(x.text(), f"tensor({_row([spec.format(int(n.p) / int(n.q)) for n in a])}{_dtype()})")


@clause(
    "dialect",
    mutant="numbers_are_printed_by_numpy",
    dialect="torch",
    given={"n": st.integers(-30, 30)},
)
def test_a_number_prints_without_brackets(n: int) -> None:
    """A 0-d tensor prints its number alone, with its history: tensor(28., grad_fn=<MulBackward0>)."""
    x = tensor(n, requires_grad=True)
    expect(x.text(), f"tensor({n}.{_dtype()}, requires_grad=True)")
    expect((x * 2).text(), f"tensor({2 * n}.{_dtype()}, grad_fn=<MulBackward0>)")


@clause(
    "dialect",
    mutant="numbers_are_printed_by_numpy",
    dialect="torch",
    given={"a": matrices()},
)
def test_rows_start_under_each_other(a: Array) -> None:
    """A matrix prints a row a line, each under the one before it, all its numbers of one width."""
    cells = [f"{int(n.p)}." for n in a.flat]
    width = max(map(len, cells))
    padded = [cell.rjust(width) for cell in cells]
    columns = a.shape[1]
    rows = [f"[{', '.join(padded[start : start + columns])}]" for start in range(0, a.size, columns)]
    matrix = f"[{(',' + chr(10) + ' ' * 8).join(rows)}]"
    expect(tensor(a, requires_grad=True).text(), f"tensor({matrix}{_dtype()}, requires_grad=True)")


@clause(
    "dialect",
    mutant="everything_shows_the_flag",
    dialect="torch",
    given={"n": st.integers(1, 4)},
)
def test_a_gradient_shows_no_history(n: int) -> None:
    """What backward left in .grad prints its numbers alone."""
    x = tensor(list(range(n)), requires_grad=True)
    (x * 2).sum().backward()
    expect(x.grad.bound().text(), f"tensor({_row(['2.'] * n)}{_dtype()})")


@clause("dialect", mutant="integers_are_floats", dialect="torch", given={"a": vectors(st.integers(-20, 20).map(fmpq))})
def test_integers_print_without_points(a: Array) -> None:
    """Integers print without a point, right-aligned, and int64 goes without saying."""
    expect(tensor(a, dtype="int64").text(), f"tensor({_row([str(int(n.p)) for n in a])})")


@clause(
    "dialect",
    mutant="comparisons_are_differentiable",
    dialect="torch",
    given={"a": vectors()},
)
def test_comparisons_print_words(a: Array) -> None:
    """The result of a comparison prints True and False, right-aligned, and neither a dtype nor a history."""
    x = tensor(a, requires_grad=True)
    expect((x > 0).text(), f"tensor({_row([str(entry > 0) for entry in a])})")
    expect((x * x).sum().eq(sum(entry * entry for entry in a)).text(), "tensor(True)")


@clause(
    "dialect",
    mutant="format_keeps_the_class",
    dialect="torch",
    given={"n": st.integers(0, 9)},
)
def test_a_formatted_number_is_bare(n: int) -> None:
    """In an f-string a 0-d tensor is its number, y=6.0; a tensor with entries is what print shows."""
    x = tensor([n, 1], requires_grad=True)
    expect(native_value("format({0})", x.sum()), f"{n + 1}.0")
    expect(native_value("format({0})", x), f"tensor([{n}., 1.]{_dtype()}, requires_grad=True)")
    expect(native_value("repr(({0}, {1}))", x.detach(), x.sum() > n), f"(tensor([{n}., 1.]{_dtype()}), tensor(True))")


@clause("dialect", mutant="members_print_their_numbers", dialect="torch", given={"n": st.integers(2, 4)})
def test_a_tuple_shows_its_members(n: int) -> None:
    """A tuple of tensors is shown, when a line does not hold it, as its members, each as it prints, under one another."""
    x = tensor(list(range(n)), requires_grad=True)
    y = x * x
    u = y.detach()
    squares = [f"{i * i}." for i in range(n)]
    members = [
        f"tensor({_row(squares)}{_dtype()}, grad_fn=<MulBackward0>)",
        f"tensor({_row(squares)}{_dtype()})",
        f"tensor({_row([f'{i}.' for i in range(n)])}{_dtype()}, requires_grad=True)",
        f"tensor({_row(['True'] * n)})",
    ]
    expect(native_value("__import__('pprint').pformat(({0}, {1}, {2}, {0} == {1}))", y, u, x), f"({_lines(members)})")


def _lines(members: Sequence[str]) -> str:
    return ",\n ".join(members)


# The notes after the numbers, and how they share an 80-column line with them.


def _notes(*notes: str) -> list[str]:
    return [*(["dtype=torch.float64"] if recorded_dtype() == "float64" else []), *notes]


def _noted(numbers: str, notes: Sequence[str]) -> str:
    """A note goes on where 78 columns hold it, before the bracket that closes; else it begins a line, under the numbers."""
    text = f"tensor({numbers}"
    for note in notes:
        last = text.splitlines()[-1]
        text += f", {note}" if len(f"{last}, {note}") <= 78 else f",\n{' ' * 7}{note}"
    return f"{text})"


@clause("dialect", mutant="lines_hold_a_column_more", dialect="torch", entry=("1", "10", "100", "1000"))
def test_a_note_that_does_not_fit_starts_a_line(entry: str) -> None:
    """A dtype or a flag stands behind the numbers while the line has room for it, and else on a line of its own below."""
    for rank, columns in ((1, 73), (2, 72)):
        for n in range(1, columns // len(f"{entry}., ") + 1):
            x = tensor(np.full((1,) * (rank - 1) + (n,), int(entry)), requires_grad=True)
            numbers = "[" * rank + ", ".join([f"{entry}."] * n) + "]" * rank
            expect(x.text(), _noted(numbers, _notes("requires_grad=True")), f"{n} entries")


def _nested(array: Array, cells: Mapping[Any, str], indent: int) -> str:
    """Vectors fill lines of 80 columns; matrices are parted by an empty line, and by one more for each rank above."""
    if array.ndim > 1:
        parts = [_nested(part, cells, indent + 1) for part in array]
        return f"[{(',' + chr(10) * (array.ndim - 1) + ' ' * (indent + 1)).join(parts)}]"
    entries = [cells[entry] for entry in array]
    per_line = (80 - indent) // (len(entries[0]) + len(", "))
    lines = [", ".join(entries[start : start + per_line]) for start in range(0, len(entries), per_line)]
    return f"[{(',' + chr(10) + ' ' * (indent + 1)).join(lines)}]"


@clause("dialect", mutant="lines_hold_a_column_less", dialect="torch", greatest=("9", "99", "999", "9999", "99999"))
def test_long_rows_are_folded(greatest: str) -> None:
    """A row goes on below when 80 columns are full, under its first entry; matrices are parted by an empty line."""
    high, low = int(greatest), 10 ** (len(greatest) - 1)
    row = np.array([low, high] * 10 + [low])
    for shape in ((), (2,), (2, 2)):
        a = np.broadcast_to(row, shape + row.shape)
        x = tensor(a, requires_grad=True)
        expect(x.text(), _noted(_nested(a, {low: f"{low}.", high: f"{high}."}, 7), _notes("requires_grad=True")))
        expect((x > low).text(), f"tensor({_nested(a, {low: 'False', high: ' True'}, 7)})", "a comparison")


SHAPES: Final = ((2, 0), (0, 3), (0, *[1] * 15), (0, 10, *[1] * 18), (0, 1, *[1] * 19), (0, *[1] * 28))


@clause("dialect", mutant="the_size_is_not_shown", dialect="torch")
def test_an_empty_tensor_shows_its_size() -> None:
    """Without entries a tensor prints [], its size unless that is (0,), and its dtype unless that is torch.float32."""
    x = tensor(np.empty(0), requires_grad=True)
    expect(x.text(), _noted("[]", _notes("requires_grad=True")))
    expect((x > 0).text(), _noted("[]", ["dtype=torch.bool"]), "a comparison")
    expect(tensor(np.empty(0), dtype="int64").text(), _noted("[]", ["dtype=torch.int64"]), "integers")
    for shape in SHAPES:
        y = x.reshape(*shape)
        expect((y * 2).text(), _noted("[]", [f"size={shape}", *_notes("grad_fn=<MulBackward0>")]))
        expect(y.detach().text(), _noted("[]", [f"size={shape}", *_notes()]), "a constant")


# Numbers -> how they print: a thousand times the smallest, 10**8 and 10**-4 are where exponents begin.
SIZES: Final[Mapping[str, tuple[tuple[Any, ...], str]]] = {
    "a thousand times": ((1, -1000), "[    1., -1000.]"),
    "more than a thousand times": ((1, -1001), "[ 1.0000e+00, -1.0010e+03]"),
    "less, with a smallest of 2": ((2, 1999), "[   2., 1999.]"),
    "a thousand times a fraction": ((fmpq(1, 4), 250), "[  0.2500, 250.0000]"),
    "more than a thousand times a fraction": ((fmpq(1, 4), 251), "[2.5000e-01, 2.5100e+02]"),
    "a hundred million": ((10**8,), "[100000000.]"),
    "more than a hundred million": ((10**8 + 8, 0), "[1.0000e+08, 0.0000e+00]"),
    "more than a ten thousandth": ((fmpq(1, 2**13), 0), "[0.0001, 0.0000]"),
    "less than a ten thousandth": ((fmpq(-1, 2**14), 0), "[-6.1035e-05,  0.0000e+00]"),
    "zeros": ((0, 0), "[0., 0.]"),
    "zeros beside a whole number": ((0, 1000, 0), "[   0., 1000.,    0.]"),
    "one fraction": ((1, fmpq(1, 2)), "[1.0000, 0.5000]"),
}


@clause("dialect", mutant="exponents_are_never_printed", dialect="torch", numbers=tuple(SIZES))
def test_exponents_begin_at_thresholds(numbers: str) -> None:
    """Exponents are printed past a ratio of 1000, past 10**8 and below 10**-4, and not there; zeros have no say in it."""
    entries, text = SIZES[numbers]
    expect(tensor(entries).text(), f"tensor({text}{_dtype()})")


# The least numbers above 10**8, and not below 10**-4.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "float64": (np.nextafter(1e8, 1e9), 1e-4),
    "float32": (
        float(np.nextafter(np.float32(1e8), np.float32(1e9))),
        float(np.nextafter(np.float32(1e-4), np.float32(1))),
    ),
}


@clause("dialect", mutant="exponents_are_never_printed", dialect="torch")
def test_thresholds_are_exact() -> None:
    """The least number above 10**8 is printed with an exponent, the least one not below 10**-4 without."""
    large, small = (fmpq(*bound.as_integer_ratio()) for bound in BOUNDS[recorded_dtype()])
    expect(tensor([large]).text(), f"tensor([1.0000e+08]{_dtype()})")
    expect(tensor([small]).text(), f"tensor([0.0001]{_dtype()})")


# Document 004's loop: the input that its figures determine, and every line that it prints.
INPUT = fmpq(-1182209, 2**21)
LOOP = (
    *("-0.5637", "-1.1274", "-2.2549", "-4.5098", "-9.0195", "-18.0391", "-36.0782", "-72.1563", "-144.3126"),
    *("-288.6252", "-577.2505", "-1154.5010"),
)


@clause("dialect", mutant="numbers_print_two_decimals", dialect="torch")
def test_the_documents_loop_is_printed() -> None:
    """Doubled 11 times document 004's input prints as there, figure by figure, each product with grad_fn=<MulBackward0>."""
    b = tensor(INPUT, requires_grad=True)
    expect(b.text(), f"tensor({LOOP[0]}{_dtype()}, requires_grad=True)")
    for figure in LOOP[1:]:
        b = b * 2
        expect(b.text(), f"tensor({figure}{_dtype()}, grad_fn=<MulBackward0>)")
