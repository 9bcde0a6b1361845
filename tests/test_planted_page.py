"""docs/planted-faults.md: its tables are those of the command's lines at its end, and of the mutants as they are now."""

from __future__ import annotations

import pytest

from implementations.mutants import FAULTS, PLANTED
from implementations.mutants.planted import LEFT_OUT
from tests.planted_page import PAGE, Known, filled, of_subject, tables

TEXT = PAGE.read_text(encoding="utf-8")
OURS = Known.of(TEXT.splitlines())
UNREACHED = next(names for reason, names in LEFT_OUT.items() if "do not go there yet" in reason)


def test_the_page_has_the_rows_of_its_own_lines() -> None:
    """Every planted fault stands at the end, caught; the tables count what stands there, and the mutants that are left out."""
    assert set(OURS.hunts) == set(PLANTED)
    assert all(OURS.hunts[name]["subject"].strip() == it.subject for name, it in PLANTED.items())
    assert [name for name, hunt in OURS.hunts.items() if not hunt["case"]] == []
    for header, rows in tables(OURS):
        table = TEXT.partition(f"\n{header}")[2].partition("\n\n")[0].splitlines()[2:]
        assert table == rows, header


def test_the_page_says_what_would_show_what_no_program_shows() -> None:
    """Each fault that the generators do not reach has its row."""
    rows = TEXT.partition("| fault | what would show it |")[2].partition("\n\n")[0]
    assert [line.split("`")[1] for line in rows.splitlines()[2:]] == list(UNREACHED)


HUNTS = [
    f"{'SURVIVED' if name == 'zero_halves' else 'caught  '}  {it.subject:<19} {name:<43} "
    + (
        "900 programs"
        if name == "zero_halves"
        else "programs/functional[exact,float64] #7   8 programs   3 instructions  -"
    )
    for name, it in PLANTED.items()
]
MARKS = [f"| {name} | reference | - | found | {'found' if name in PLANTED else '-'} | - |" for name in FAULTS]


def test_tables_are_filled_from_what_the_commands_print() -> None:
    """A survivor counts as a fault and as none that was caught; what is said last of a fault counts."""
    zeroing, count = len(of_subject("zeroing")), len(PLANTED)
    page = filled(TEXT, Known.of([*MARKS, *HUNTS, "caught 1 of 2: all", "| sum_x | torch | - | - | - | - |"]))
    assert f"| zeroing | {zeroing} | {zeroing - 1} | 8 | 8 | 3 | 3 |\n" in page
    assert f"| all | {count} | {count - 1} | 8 | 8 | 3 | 3 |\n" in page
    assert f"| all planted | {count} | {count - 1} | {count} | {count} | 0 |\n" in page
    assert "| the derivative of x**2 is x | [exact,float64] #7 | 8 | 3 | found | found | - |\n" in page
    assert page.endswith("-\ncaught 1 of 2: all\n```\n")
    again = filled(page, Known.of([*MARKS, *HUNTS, *(line.replace("found", "-") for line in MARKS)]))
    assert f"| all planted | {count} | {count - 1} | 0 | 0 | 0 |\n" in again


def test_what_the_files_do_not_say_stays() -> None:
    """Without lines only the mutants that are left out are counted; without comparison the other checks stay as they are."""
    assert filled(TEXT, Known.of([])) == TEXT
    others = TEXT.partition("## What other checks find")[2].partition("## What is not asked for")[0]
    assert others in filled(TEXT, Known.of(HUNTS))
    assert "| the derivative of x**2 is x | [exact,float64] #7 | 8 | 3 | not run | not run | not run |" in filled(
        TEXT, Known.of(HUNTS)
    )


def test_a_page_without_the_table_is_refused() -> None:
    with pytest.raises(SystemExit, match="has 0 places"):
        filled(TEXT.replace("| reason | mutants |", "| reasons | mutants |"), Known.of([]))
