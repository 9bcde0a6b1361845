"""Printed text, as torch prints it."""

from __future__ import annotations

from collections.abc import Sequence

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
