"""What the reports say of random programs and of enclosed numbers: sums, holes, bars, and where a failure comes from."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from conformance.enclosure import OUTCOMES
from conformance.gate import OPEN_OUTCOMES
from conformance.generation.census import Census
from conformance.journal import Journal
from conformance.program import Instruction, Program
from reports import failures, html, junit, numbers, programs
from reports.numbers import Numbers, percentage
from reports.programs import Generated, bars, generated
from reports.summary import runs
from tests.example_journals import FEATURES, OPERATORS, case, census, journal

FUNCTIONAL, PROTOCOL, ADDS = "programs/functional", "programs/protocol", "accumulation/each_backward_adds"


def _made(*records: dict[str, Any], **header: Any) -> Generated:
    [run] = runs([journal(records, **header)])
    found = generated(run)
    assert found
    return found


def _page(*journals: Journal) -> str:
    return html.render(journals).split("</style>")[1]


# --- numbers


def test_numbers_are_summed_over_cases() -> None:
    """Counts add up, the ratio is the greatest, and a case that enclosed nothing adds nothing."""
    cases = [
        case(FUNCTIONAL, outcomes={"exact": 1, "pass": 2}, ratio=0.25),
        case(FUNCTIONAL, dtype="float32", outcomes={"pass": 5, "too wide": 2}, ratio=0.125),
        case(ADDS),
    ]
    [run] = runs([journal(cases)])
    sums = numbers.of_run(run)
    assert (sums.total, sums.ratio) == (10, 0.25)
    assert [cell[:2] for cell in sums.cells] == [("1", "10.0%"), ("7", "70.0%"), ("0", ""), ("2", "20.0%"), ("0", "")]
    assert sums.sentence == "10 numbers enclosed: 1 exact, 7 pass, 2 too wide; greatest error 0.25 × the accepted"


def test_numbers_are_told_apart_by_clause() -> None:
    """Each clause that enclosed numbers has the sums of every engine, the dtypes together."""
    cases = [case(FUNCTIONAL, dtype=dtype, outcomes={"pass": 2}, ratio=0.5) for dtype in ("float64", "float32")]
    cases.append(case("operators/value_and_gradient", outcomes={"pass": 1}, ratio=0.1))
    found = runs([journal(cases), journal([cases[0], case(ADDS)], name="b")])
    rows = {clause: [(label, sums.total) for label, sums in of] for clause, of in numbers.by_clause(found).items()}
    assert rows == {"operators/value_and_gradient": [("acme 0.3", 1)], FUNCTIONAL: [("acme 0.3", 4), ("b 0.3", 2)]}


@pytest.mark.parametrize(
    ("count", "total", "shown"),
    [(0, 5, ""), (5, 5, "100.0%"), (1, 3, "33.3%"), (1, 9999, "< 0.1%"), (9998, 9999, "> 99.9%")],
)
def test_a_share_is_never_rounded_to_none_or_all(count: int, total: int, shown: str) -> None:
    """Neither is a failure among many 0.0%, nor are all but one 100.0%."""
    assert percentage(count, total) == shown


def test_what_is_wrong_is_coloured() -> None:
    """A fail is red; open numbers are the suite's colour when they are too many together; none is quiet."""

    def tones(**outcomes: int) -> dict[str, str]:
        cells = Numbers({name.replace("_", " "): count for name, count in outcomes.items()}, 0.5).cells
        return {name: tone for name, (_, _, tone) in zip(OUTCOMES, cells, strict=True) if tone}

    assert tones(**{"pass": 80}, exact=10, undecided=5, too_wide=5) == {"fail": "quiet"}
    assert tones(**{"pass": 79}, exact=10, undecided=6, too_wide=5, fail=0) == {
        "fail": "quiet",
        "undecided": "broken",
        "too wide": "broken",
    }
    assert tones(**{"pass": 79}, exact=10, undecided=1, too_wide=1, fail=1) == {"fail": "bad"}


def test_an_error_without_measure_is_infinite() -> None:
    """Where a number is not finite, or nothing is allowed, the greatest error is ∞; where all are exact there is none."""
    assert Numbers({"fail": 1}, math.inf).sentence == "1 number enclosed: 1 fail; greatest error ∞ × the accepted"
    assert Numbers({"exact": 2}, 0.0).sentence == "2 numbers enclosed: 2 exact"


def test_the_open_outcomes_are_outcomes() -> None:
    """The gate counts outcomes that there are."""
    assert set(OPEN_OUTCOMES) < set(OUTCOMES)


def test_the_page_has_the_numbers_of_each_engine() -> None:
    """A row an engine, and the clauses apart where there are several; without numbers there is no table."""
    enclosed = case(FUNCTIONAL, outcomes={"exact": 1200, "pass": 34, "fail": 1}, ratio=math.inf)
    page = _page(journal([enclosed]), journal([enclosed], name="b"))
    assert page.count("<td>1,200 <small>97.2%</small></td>") == 2
    assert '<td class="bad">1 <small>&lt; 0.1%</small></td>' in page
    assert '<td class="bad">∞</td>' in page
    assert "By clause" not in page
    assert "By clause" in _page(journal([enclosed, case(ADDS, outcomes={"exact": 1}, ratio=0.0)]))
    assert 'id="coverage"' not in _page(journal([case(ADDS)]))


# --- what was generated


def test_cases_are_merged() -> None:
    """Programs, counts and unwritable sketches of all cases are added."""
    made = _made(
        case(FUNCTIONAL, generated=census(FEATURES[:3], programs=100)),
        case(PROTOCOL, generated=census(FEATURES[3:6], programs=200)),
        case(ADDS),
    )
    assert (made.census.programs, made.sketches, made.unwritable) == (300, 309, 9)
    assert made.by_clause == {FUNCTIONAL: 100, PROTOCOL: 200}
    assert made.census.features == {name: (100, 50, 33, 200, 100, 66)[place] for place, name in enumerate(FEATURES[:6])}


def test_operators_that_never_occurred_are_named() -> None:
    """An operator that an engine offers and no program had is told from one that it does not offer."""
    made = _made(case(FUNCTIONAL, generated=census()), operators=OPERATORS)
    assert (made.never, made.not_offered, made.operators) == (
        ["where", "eq", "gt"],
        ["gather", "stack"],
        "31 of 36 operators",
    )
    page = _page(journal([case(FUNCTIONAL, generated=census())], operators=OPERATORS))
    assert "<dt>Operators that never occurred</dt><dd>where, eq, gt</dd>" in page
    assert "<dt>Operators not offered</dt><dd>gather, stack</dd>" in page


def test_without_a_table_nothing_is_said_to_be_missing() -> None:
    """A journal that does not name the operators of its suite shows those that occurred, and no others."""
    made = _made(case(FUNCTIONAL, generated=census()))
    assert (made.never, made.not_offered, made.operators) == ([], [], "31 operators")
    assert "never occurred</dt>" not in _page(journal([case(FUNCTIONAL, generated=census())]))


def test_pairs_that_never_met_are_counted_and_listed() -> None:
    """A pair counts as missing where cases of one kind had both features, whatever the dtype, and no program of any case."""
    apart = {"detach": "grad", "no_grad": "ties"}
    cases = [
        case(PROTOCOL, kind="hooks", dtype=dtype, generated=census(apart=apart)) for dtype in ("float64", "float32")
    ]
    made = _made(*cases)
    assert (made.pairs, made.missing) == ("64 of 66 pairs", (("detach", "grad"), ("no_grad", "ties")))
    met = _made(*cases, case(FUNCTIONAL, generated=census(("detach", "grad"))))
    assert (met.pairs, met.apart) == ("65 of 66 pairs", {"no_grad": ["ties"]})


def test_features_of_different_kinds_are_no_missing_pair() -> None:
    """What no generator could put into one program is no hole; what two dtypes of one kind had apart is one."""
    kinds = [case(PROTOCOL, kind=kind, generated=census((kind, "backward"))) for kind in ("views", "modes")]
    assert _made(*kinds).pairs == "2 of 2 pairs"
    dtypes = [case(PROTOCOL, dtype=dtype, generated=census((dtype, "backward"))) for dtype in ("float64", "float32")]
    assert _made(*dtypes).missing == (("float32", "float64"),)


def test_the_sums_are_those_of_the_census() -> None:
    """What the suite counts is what the reports read: one record a program, merged, is shown as it was counted."""
    square = Instruction("apply", ("y",), ("x", "x"), {"operator": "mul"})
    program = Program("float64", (square, Instruction("backward", (), ("y",), {"retain_graph": True})))
    counted = Census()
    counted.add(program, ["ties"])
    counted.unwritable["undecided"] += 2
    made = _made(case(FUNCTIONAL, generated=counted.to_json()), operators={"mul": True, "add": True})
    assert made.sentence == (
        "1 program generated; 1 of 2 operators, never add; 3 of 3 pairs of features together; "
        "2 sketches unwritable (2 undecided)"
    )
    assert made.lengths == [("0–4", 1)]


def test_lengths_are_in_order_without_gaps() -> None:
    """Bins go from the shortest to the longest by number, not by name, and an empty one has its place."""
    made = _made(case(PROTOCOL, generated=census(programs=80)))
    assert made.lengths == [("5–9", 20), ("10–14", 40), ("15–19", 10), ("20–24", 0), ("25–29", 10)]
    drawn = bars(made)
    assert [bar.count for bar in drawn] == ["20", "40", "10", "0", "10"]
    assert max(bar.height for bar in drawn) == drawn[1].height == programs.BOTTOM - programs.TOP
    assert [bar.height / drawn[1].height for bar in drawn] == [0.5, 1, 0.25, 0, 0.25]
    assert all(bar.y + bar.height == programs.BOTTOM for bar in drawn)


def test_a_run_without_a_program_can_be_shown() -> None:
    """A case that drew nothing, as one that was declined, breaks no report."""
    nothing = case(PROTOCOL, "declined", generated=Census().to_json())
    assert (_made(nothing).lengths, _made(nothing).pairs) == ([], "0 of 0 pairs")
    assert "0 programs" in _page(journal([nothing]))
    [run] = runs([journal([case(ADDS)])])
    assert generated(run) is None


@pytest.mark.parametrize(("most", "folded"), [(programs.FEW, False), (programs.FEW + 1, True)])
def test_many_missing_pairs_are_folded(most: int, folded: bool) -> None:
    """A short list of missing pairs is seen at once, a long one is asked for."""
    names = [f"f{number:02}" for number in range(most + 1)]
    data = census(names)
    data["pairs"] = {pair: count for pair, count in data["pairs"].items() if not pair.startswith("f00 ")}
    page = _page(journal([case(PROTOCOL, generated=data)]))
    opening = "<details>" if folded else "<details open>"
    assert f"{opening}<summary>{most} pairs of features that no program had together</summary>" in page


# --- in a terminal


def test_a_terminal_has_two_lines_an_engine() -> None:
    """Numbers and programs of an engine are a line each, folded to the width; other engines have none."""
    cases = [case(FUNCTIONAL, outcomes={"pass": 3}, ratio=0.4321, generated=census())]
    found = [journal(cases, operators=OPERATORS), journal([case(ADDS)], name="b")]
    assert programs.render(found, width=300).splitlines() == [
        "acme 0.3: 3 numbers enclosed: 3 pass; greatest error 0.432 × the accepted",
        "acme 0.3: 600 programs generated; 31 of 36 operators, never where, eq and gt; 66 of 66 pairs of features together; "
        "19 sketches unwritable (12 out of range, 7 undecided)",
    ]
    narrow = programs.render(found, width=60).splitlines()
    assert max(map(len, narrow)) <= 60
    assert " ".join(line.strip() for line in narrow) == " ".join(programs.render(found, width=300).splitlines())
    assert programs.render([journal([case(ADDS)])], width=80) == ""


# --- where a failure comes from


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"index": 0, "attributed": ADDS}, f"program 0 of seed 7 breaks {ADDS}"),
        ({"index": 17}, "program 17 of seed 7"),
        ({"attributed": ADDS}, f"breaks {ADDS}"),
    ],
)
def test_a_failure_names_its_program_and_the_clause_that_it_breaks(facts: dict[str, Any], sentence: str) -> None:
    """The index and seed that draw the program again, and the clause of its smallest witness, in every report."""
    found = journal([case(FUNCTIONAL, "fail", **facts)])
    assert f"  {sentence}\n" in failures.render([found], colour=False)
    account = ET.fromstring(junit.render([found])).findtext(".//failure") or ""
    assert sentence in account.splitlines()
    assert "of seed" not in failures.render([journal([case(FUNCTIONAL, "fail")])], colour=False)


def test_the_page_links_the_broken_clause_when_it_shows_it() -> None:
    """The clause is a link where the page has it, else text."""
    failing = case(FUNCTIONAL, "fail", index=17, attributed=ADDS)
    linked = '<p class="why">program 17 of seed 7 breaks <a href="#clause-accumulation-each_backward_adds">'
    assert linked in _page(journal([failing, case(ADDS)]))
    alone = _page(journal([failing]))
    assert "breaks accumulation/<wbr>each_backward_adds</p>" in alone
    assert "#clause-accumulation" not in alone


def test_failures_of_different_clauses_are_different_faults() -> None:
    """Two dtypes that fail alike are one fault, unless their witnesses break different clauses."""
    same = [case(FUNCTIONAL, "fail", dtype=dtype, attributed=ADDS) for dtype in ("float64", "float32")]
    [run] = runs([journal(same)])
    assert len(run.faults) == 1
    [run] = runs([journal([same[0], {**same[1], "attributed": "hooks/order"}])])
    assert len(run.faults) == 2
