"""What each report promises to whoever reads it: the counts, the words, the order, and that no text breaks out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence

import pytest

from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports import failures, html, junit, matrix
from reports.summary import runs
from reports.text import columns, linked, visible, web_address
from tests.example_journals import case, journal, showcase

ADDS, CLEARS, ROOTS = "accumulation/each_backward_adds", "accumulation/zero_clears", "accumulation/two_roots"
NASTY = "<script>alert(1)</script> \x00 \x1b[31m \x9b \ud800 \u202e & ]]> \ufffe"


def _nasty() -> Journal:
    """A journal in which every text that an engine can make is hostile."""
    texts = {
        key: NASTY for key in ("message", "why", "expected", "got", "method", "script", "rerun", "declined")
    }
    cases = [
        case(ADDS, "fail", **texts),
        case(CLEARS, "declined", **texts),
        case(ROOTS, "fail", **texts, expectation={"verdict": "fail", "reason": NASTY, "link": "javascript:alert(1)"}),
        case("kinks/abs_at_zero", conventions={NASTY: NASTY}, lowered=[NASTY]),
    ]
    return journal(cases, name=f"acme{NASTY}", version=NASTY, platform=NASTY, command=NASTY)


def _matrix(journals: Sequence[Journal]) -> str:
    return matrix.render(journals, colour=False, width=100)


def _failures(journals: Sequence[Journal]) -> str:
    return failures.render(journals, colour=False)


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


@pytest.mark.parametrize("render", RENDERS)
def test_hostile_text_is_shown_as_escapes(render: Render) -> None:
    """Control characters, reordering marks and lone surrogates are shown as escapes, and the report encodes."""
    text = render([_nasty()])
    assert not set("\x00\x1b\x9b\ud800\u202e\ufffe") & set(text)
    assert "\\x00 \\x1b[31m \\x9b \\ud800 \\u202e" in text
    text.encode("utf-8")


@pytest.mark.parametrize("render", [html.render, junit.render])
def test_markup_in_text_is_escaped(render: Render) -> None:
    """A script that an engine prints stays text."""
    text = render([_nasty()])
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("render", RENDERS)
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


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", "//host/x", "http:x", "http://[", "", "https://a/\u202eb"]
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
    root, middle = case(ADDS, "fail"), case(CLEARS, "fail", prerequisites=[f"{ADDS}[float64]"])
    last = case(ROOTS, "fail", prerequisites=[f"{CLEARS}[float64]"])
    [run] = runs([journal([root, middle, last])])
    assert run.blocks == {f"{ADDS}[float64]": 2}
    [run] = runs([journal([{**middle, "prerequisites": [f"{ROOTS}[float64]"]}, last])])
    assert not run.blocks


@pytest.mark.parametrize("width", [40, 61, 80, 100, 132, 400])
def test_matrix_stays_within_its_width(width: int) -> None:
    """No line of the matrix is wider than asked, however many engines there are and however they are named."""
    journals = [*showcase(), journal([case(ADDS)], name="勾配" * 40), journal([case(ADDS)], name="x" * 90)]
    text = matrix.render(journals, colour=False, width=width)
    assert max(columns(line) for line in text.splitlines()) <= width


def test_matrix_continues_in_further_tables() -> None:
    """Engines that do not fit beside each other are all shown, each once, in tables that repeat the chapters."""
    text = matrix.render(showcase(), colour=False, width=60)
    heads = [line for line in text.splitlines() if line.startswith("chapter ")]
    assert len(heads) > 1
    assert all("".join(heads).count(run.label) == 1 for run in runs(showcase()))
    assert text.count("\naccumulation ") == len(heads)


def test_matrix_cells_are_figures_and_words() -> None:
    """A cell says what passed of what, each other verdict in words, and a dash when everything was declined."""
    cases = [case(ADDS), case(CLEARS, "fail"), case("hooks/order", "declined"), case("detach/cuts")]
    text = matrix.render([journal(cases)], colour=False, width=80)
    rows = [line.split(maxsplit=1) for line in text.splitlines()[1:6]]
    assert ["accumulation", "1/2"] in rows
    assert ["1", "fail"] in rows
    assert ["hooks", "–"] in rows
    assert ["detach", "1/1"] in rows
    assert "%" not in text


def test_matrix_tells_not_run_from_passed() -> None:
    """A chapter in which an engine has no case says so."""
    text = matrix.render([journal([case(ADDS)]), journal([case("detach/cuts")], name="b")], colour=False, width=80)
    assert text.count("not run") == 3  # one cell each, and the legend


def test_colour_is_only_added() -> None:
    """Without colour there is no escape; with it the words are the same."""
    plain, painted = (matrix.render(showcase(), colour=colour, width=90) for colour in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31m" in painted
    for code in ("0", "1", "2", "31", "32", "33", "35", "39"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plain


def test_failure_reads_like_the_sample() -> None:
    """A failure shows the case, the sentence, expected and got, the script that ran, the source and how to run it again."""
    blocked = case(CLEARS, "fail", prerequisites=[f"{ADDS}[float64]"])
    text = failures.render([journal([case(ADDS, "fail"), blocked])], colour=False)
    assert text == (
        "FAIL  accumulation/each_backward_adds        acme 0.3, float64        blocks 1 case\n"
        "  Each backward adds its gradient to the leaf's: after k runs of the same graph, .grad = k * d.\n"
        "  the second backward adds to the first\n"
        "  expected [4. 8.]    got [2. 4.]            exact: the inputs are small integers\n"
        "  witness, 4 instructions, as it ran:\n"
        "      import acme\n"
        "      x = acme.tensor([1., 2.], requires_grad=True)\n"
        "      (x * x).sum().backward()\n"
        "      (x * x).sum().backward()\n"
        "      print(x.grad)  # expected [4. 8.]\n"
        "  source torch autograd notes; 000 In[7]      "
        "again: autograd-conformance run --engine acme --select 'accumulation/each_backward_adds*' --seed 7\n"
        "\n"
        "BLOCKED  1 case  stand on accumulation/each_backward_adds[float64]  acme 0.3\n"
    )


def test_the_failure_that_blocks_most_comes_first() -> None:
    """Failures are sorted by how many cases they block, over all engines; vacuous cases come last."""
    roots = [case("detach/cuts", "vacuous"), case(ADDS, "fail"), case("modes/enable_inside", "fail")]
    blocked = [
        case(name, "fail", prerequisites=["modes/enable_inside[float64]"]) for name in (CLEARS, "hooks/order")
    ]
    text = failures.render([journal([case(ROOTS, "crash")], name="a"), journal(roots + blocked)], colour=False)
    heads = [line.split()[:2] for line in text.splitlines() if line[0:1].isupper() and "/" in line.split()[1]]
    assert heads == [["FAIL", "modes/enable_inside"], ["FAIL", ADDS], ["CRASH", ROOTS], ["VACUOUS", "detach/cuts"]]


def test_a_limit_counts_what_it_hides() -> None:
    """Failures beyond the limit are counted by chapter."""
    cases = [case(ADDS, "fail"), case(CLEARS, "fail"), case("detach/cuts", "fail")]
    text = failures.render([journal(cases)], colour=False, limit=1)
    assert text.count("FAIL  ") == 1
    assert "and 2 more: accumulation 1, detach 1\n" in text


def test_expected_failures_are_one_line_with_the_reason() -> None:
    """What an expectation explains is no failure, and its reason is shown."""
    known = case("detach/cuts", "fail", expectation={"verdict": "fail", "reason": "until 0.4"})
    text = failures.render([journal([known])], colour=False)
    assert text == "EXPECTED  fail  detach/cuts[float64]  acme 0.3: until 0.4\n"


def test_a_pass_against_expectation_is_shown() -> None:
    """A case that passes although a failure was expected stands against expectation in every report."""
    stale = journal([case("detach/cuts", expectation={"verdict": "fail", "reason": "until 0.4"})])
    sentence = "fail was expected: until 0.4; update the expectation"
    assert sentence in failures.render([stale], colour=False)
    assert sentence in html.render([stale])
    assert ET.fromstring(junit.render([stale])).get("failures") == "1"
    assert "1 unexpected pass" in matrix.render([stale], colour=False, width=80)


def test_a_crash_is_explained_by_its_message() -> None:
    """Where there is nothing to compare, the message says what happened."""
    text = failures.render([journal([case(ADDS, "crash", message="signal 11 at instruction 3")])], colour=False)
    assert "  signal 11 at instruction 3\n" in text


def test_values_of_several_lines_keep_their_shape() -> None:
    """A matrix is shown below its label, aligned."""
    text = failures.render([journal([case(ADDS, "fail", expected="[[1. 2.]\n [3. 4.]]")])], colour=False)
    assert "  expected [[1. 2.]\n            [3. 4.]]\n  got      [2. 4.]\n" in text


def test_nothing_wrong_is_said() -> None:
    """A report without failures is not empty."""
    assert failures.render([journal([case(ADDS)])], colour=False) == "no failure\n"


VERDICT_TAGS = {
    "pass": None, "fail": "failure", "flaky": "failure", "unsupported": "failure", "crash": "error",
    "timeout": "error", "error": "error", "vacuous": "error", "declined": "skipped", "inconclusive": "skipped",
    "blocked": "skipped",
}  # fmt: skip


@pytest.mark.parametrize("verdict", VERDICTS)
def test_junit_has_a_place_for_every_verdict(verdict: str) -> None:
    """Each verdict becomes the JUnit outcome that a CI service shows it as."""
    # Nine passes: one inconclusive case in a smaller chapter would be the suite's own fault.
    cases = [case(ADDS, verdict), *(case(f"accumulation/{number}") for number in range(9))]
    [found] = ET.fromstring(junit.render([journal(cases)])).findall(".//testcase[@name='each_backward_adds[float64]']")
    assert [child.tag for child in found] == ([VERDICT_TAGS[verdict]] if VERDICT_TAGS[verdict] else [])
    assert found.get("classname") == "acme.accumulation"
    assert found.get("time") == "0.120"


def test_junit_totals_are_the_sums_of_its_cases() -> None:
    """The counts of a suite and of the whole are those of the elements in it."""
    root = ET.fromstring(junit.render(showcase()))
    assert len(root.findall("testsuite")) == 8
    for element in (root, *root.findall("testsuite")):
        for name, path in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error")):
            inside = path if element is not root else f"testsuite/{path}"
            assert element.get(name) == str(len(element.findall(inside)))


def test_junit_expected_failures_are_skipped_with_the_reason() -> None:
    """What an expectation explains does not turn a CI service red."""
    known = case("detach/cuts", "crash", expectation={"verdict": "crash", "reason": "until 0.4"})
    skipped = ET.fromstring(junit.render([journal([known])])).find(".//skipped")
    assert skipped is not None
    assert skipped.get("message") == "crash, as expected: until 0.4"


def test_junit_incomplete_run_is_an_error() -> None:
    """A run that did not end is red although every recorded case passed."""
    root = ET.fromstring(junit.render([journal([case(ADDS)], complete=False)]))
    assert root.get("errors") == "1"
    assert "incomplete" in str(root.find(".//error").get("message"))  # type: ignore[union-attr]


def test_junit_undecided_chapter_is_an_error() -> None:
    """A chapter that the suite cannot decide is red, next to the failures of cases and apart from them."""
    cases = [case(ADDS, "inconclusive"), case("detach/cuts", "fail")]
    errors = ET.fromstring(junit.render([journal(cases)])).findall(".//error")
    assert [error.get("message") for error in errors] == [
        "acme: 1 of 1 cases of accumulation are inconclusive, the suite is at fault"
    ]


def test_junit_names_what_ran() -> None:
    """Seed, profile and versions are properties of the suite, so that a run can be repeated."""
    root = ET.fromstring(junit.render([journal([case(ADDS)])]))
    found = {item.get("name"): item.get("value") for item in root.iter("property")}
    assert found["seed"] == "7"
    assert found["engine.version"] == "0.3"
    assert found["suite.digest"] == "9f2c61d07be45a83c1"


def test_junit_failure_holds_the_script() -> None:
    """The text of a failure has what is needed to see it again."""
    failure = ET.fromstring(junit.render([journal([case(ADDS, "fail")])])).find(".//failure")
    assert failure is not None
    text = failure.text or ""
    assert "\n    import acme\n" in text
    assert "rerun: autograd-conformance run --engine acme" in text
    assert "source: torch autograd notes" in text


def test_page_shows_conventions_side_by_side() -> None:
    """What engines chose within an admissible set is shown, and where they differ."""
    observed = [case("kinks/relu_at_zero", conventions={"relu'(0)": value}) for value in ("0", "1/2")]
    page = html.render([journal([observed[0]]), journal([observed[1]], name="b")])
    assert "relu&#39;(0)</code> <span class=\"tag\">differs</span>" in page
    assert "<td>0</td><td>1/2</td>" in page
    assert "differs" not in html.render([journal([observed[0]])]).split("</style>")[1]


def test_page_never_links_to_a_script() -> None:
    """An expectation's link that is no web address is shown as text."""
    page = html.render([_nasty()])
    assert 'href="javascript' not in page
    assert "javascript:alert(1)" in page
