"""What each report promises to its readers: the counts, the words, and that no text breaks out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports import failures, html, junit, matrix, programs
from reports.summary import runs
from reports.text import counted, joined, linked, some, visible, web_address
from tests.example_journals import case, census, journal, showcase

ADDS, CLEARS, ROOTS = "accumulation/each_backward_adds", "accumulation/zero_clears", "accumulation/two_roots"
NASTY = "<script>alert(1)</script> \x00 \x1b[31m \x9b \ud800 \u202e & ]]> \ufffe"


def _nasty() -> Journal:
    """A journal in which every text that an engine can make is hostile."""
    texts = dict.fromkeys(("message", "why", "expected", "got", "method", "script", "rerun", "declined"), NASTY)
    cases = [
        case(ADDS, "fail", **texts, attributed=NASTY, outcomes={"pass": 1}, ratio=0.5, generated=_hostile_census()),
        case(CLEARS, "declined", **texts),
        case(
            ROOTS,
            "fail",
            **texts,
            expectation={"verdict": "fail", "reason": NASTY, "link": "javascript:alert(1)"},
        ),
        case("kinks/abs_at_zero", conventions={NASTY: NASTY}, lowered=[NASTY]),
    ]
    return journal(
        cases, name=f"acme{NASTY}", version=NASTY, platform=NASTY, command=NASTY, operators={NASTY: True, "b": True}
    )


def _hostile_census() -> dict[str, Any]:
    """A census whose every name is hostile."""
    counts = {NASTY: 1}
    return {**census((NASTY, "x", "y"), apart={"x": NASTY}), "operators": counts, "unwritable": counts}


def _matrix(journals: Sequence[Journal]) -> str:
    return matrix.render(journals, colour=False, width=100)


def _failures(journals: Sequence[Journal]) -> str:
    return failures.render(journals, colour=False)


def _programs(journals: Sequence[Journal]) -> str:
    return programs.render(journals, width=100)


RENDERS = [
    pytest.param(render, id=name)
    for name, render in (
        ("matrix", _matrix),
        ("failures", _failures),
        ("html", html.render),
        ("junit", junit.render),
    )
]
Render = Callable[[Sequence[Journal]], str]


@pytest.mark.parametrize("render", [*RENDERS, pytest.param(_programs, id="programs")])
def test_hostile_text_is_shown_as_escapes(render: Render) -> None:
    """Control characters, reordering marks and lone surrogates become escapes, and the report encodes."""
    text = render([_nasty()])
    assert not set("\x00\x1b\x9b\ud800\u202e\ufffe") & set(text)
    assert "\\x00 \\x1b[31m \\x9b \\ud800 \\u202e" in text
    text.encode("utf-8")


@pytest.mark.parametrize("render", [html.render, junit.render], ids=["html", "junit"])
def test_markup_in_text_is_escaped(render: Render) -> None:
    """A script that an engine prints stays text."""
    text = render([_nasty()])
    assert "<script>alert" not in text
    assert text.count("<script") == text.count("<html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("render", [*RENDERS, pytest.param(_programs, id="programs")])
def test_the_same_journals_give_the_same_report(render: Render) -> None:
    """A report is a pure function of journals: no clock, no order of hashes, nothing else of the machine."""
    assert render(showcase()) == render(showcase())


@pytest.mark.parametrize("render", RENDERS)
def test_no_journal_is_no_error(render: Render) -> None:
    """Every report can be made of nothing."""
    assert render([]).strip()


@pytest.mark.parametrize("render", RENDERS)
def test_a_case_outside_the_catalogue_is_shown(render: Render) -> None:
    """A journal whose header does not know a clause is still reported."""
    assert "mystery" in render([journal([case("mystery/unknown", "fail")])])


def test_visible_keeps_lines_and_plain_text() -> None:
    """Newlines, tabs and every printable character stay as they are."""
    assert visible("a\n\tß 梯度 ∇ 😀") == "a\n\tß 梯度 ∇ 😀"
    assert visible("\r\x7f\u200b") == "\\x0d\\x7f\\u200b"


def test_words_agree_with_their_number() -> None:
    """One is singular, a list ends with `and`, and what is left out of it is counted."""
    assert [counted(number, "case") for number in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
    assert [joined(list(text)) for text in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
    assert [some(list(text), 2) for text in ("a", "ab", "abc", "abcd")] == [
        "a",
        "a and b",
        "a, b and 1 more",
        "a, b and 2 more",
    ]


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "data:text/html,x", "//host/x", "http:x", "http://[", "", "https://a/\u202eb"],
)
def test_only_web_addresses_become_links(text: str) -> None:
    """Nothing but an absolute http or https address is linked."""
    assert web_address(text) is None
    assert web_address("https://example.org/a?b=c#d") == "https://example.org/a?b=c#d"


def test_addresses_are_found_within_a_text() -> None:
    """An address inside a sentence is linked without the punctuation around it."""
    assert linked("notes (https://example.org/a), In[7]") == [
        ("notes (", None),
        ("https://example.org/a", "https://example.org/a"),
        ("), In[7]", None),
    ]


def test_headline_counts_declined_cases() -> None:
    """The headline is passed, failed and declined of all cases, never of those that were left."""
    cases = [case(ADDS), case(CLEARS, "declined"), case(ROOTS, "crash"), case("detach/cuts", "inconclusive")]
    [run] = runs([journal(cases, name="torch", version="2.13.0")])
    assert run.headline == (
        "torch 2.13.0: 1 passed, 1 failed, 1 declined of 4 (1 inconclusive; 1 crash among the failed)"
    )


@pytest.mark.parametrize("verdict", VERDICTS)
def test_headline_accounts_for_every_verdict(verdict: str) -> None:
    """Passed, failed, declined and what stands in brackets add up to the number of cases."""
    [run] = runs([journal([case(ADDS, verdict)])])
    tally = run.tally
    others = sum(int(note.split()[0]) for note in tally.notes if "among" not in note)
    assert tally.verdicts["pass"] + tally.failed + tally.verdicts["declined"] + others == tally.total == 1


def test_headline_says_that_a_run_did_not_end() -> None:
    """The headline of an incomplete journal says how many of the selected cases are in it."""
    [run] = runs([journal([case(ADDS)], complete=False)])
    assert run.headline.endswith("(incomplete, 1 of 21 cases recorded)")


def test_equal_engines_get_different_labels() -> None:
    """Two runs of the same engine and version can be told apart."""
    assert [run.label for run in runs([journal([]), journal([])])] == ["acme 0.3 #1", "acme 0.3 #2"]


def test_blocked_cases_lead_to_the_root_cause() -> None:
    """A case blocked through another is counted at the end of the chain, and a circle of causes ends."""
    root, middle = case(ADDS, "fail"), case(CLEARS, "fail", uses=[f"{ADDS}[float64]"])
    last = case(ROOTS, "fail", uses=[f"{CLEARS}[float64]"])
    [run] = runs([journal([root, middle, last])])
    assert [fault.blocked for fault in run.faults] == [(f"{ROOTS}[float64]", f"{CLEARS}[float64]")]
    [run] = runs([journal([{**middle, "uses": [f"{ROOTS}[float64]"]}, last])])
    assert [fault.blocked for fault in run.faults] == [(), ()]


def test_cases_that_differ_in_their_dtype_are_one_fault() -> None:
    """Cases of one clause, verdict, expected, got and message are one fault; another operator or value is another."""
    alike = [
        case("operators/reuse_sums", "fail", dtype=dtype, got=f"[2. 4.] of {dtype}")
        for dtype in ("float32", "float64", "float16")
    ]
    others = [
        case("operators/reuse_sums", "fail", dtype="bfloat16", got="[0. 0.]"),
        case("operators/reuse_sums", "crash", dtype="float8"),
        {**case("operators/reuse_sums", "fail"), "case": "x", "parameters": {"operator": "mul", "dtype": "float64"}},
    ]
    [run] = runs([journal([*alike, *others])])
    assert sorted(fault.parameters for fault in run.faults) == [
        "bfloat16",
        "float64, float16 and float32",
        "float8",
        "mul, float64",
    ]


def test_a_fault_of_several_dtypes_blocks_each_case_once() -> None:
    """What two cases of one fault block is counted together, and a case that both block once."""
    roots = [case(ADDS, "fail", dtype=dtype) for dtype in ("float32", "float64")]
    uses = [f"{ADDS}[float32]", f"{ADDS}[float64]"]
    [run] = runs([journal([*roots, case(CLEARS, "fail", uses=uses), case(ROOTS, "fail", uses=uses[:1])])])
    assert [len(fault.blocked) for fault in run.faults] == [2]


def test_a_pass_against_expectation_is_shown() -> None:
    """A case that passes although a failure was expected stands against expectation in every report."""
    stale = journal([case("detach/cuts", expectation={"verdict": "fail", "reason": "until 0.4"})])
    sentence = "fail was expected: until 0.4; update the expectation"
    assert sentence in failures.render([stale], colour=False)
    assert sentence in html.render([stale])
    assert ET.fromstring(junit.render([stale])).get("failures") == "1"
    assert "1 unexpected pass" in matrix.render([stale], colour=False, width=80)


def test_page_never_links_to_a_script() -> None:
    """An expectation's link that is no web address is shown as text."""
    page = html.render([_nasty()])
    assert 'href="javascript' not in page
    assert "javascript:alert(1)" in page
