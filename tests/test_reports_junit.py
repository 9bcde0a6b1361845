"""The JUnit XML: an outcome for every verdict, sums that are right, what a CI service must not miss."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import junitparser
import pytest

from conformance.verdict import VERDICTS
from reports import junit
from reports.summary import runs
from tests.example_journals import case, journal, showcase

ADDS = "accumulation/each_backward_adds"
VERDICT_TAGS: Final = {
    "pass": None, "fail": "failure", "flaky": "failure", "unsupported": "failure",
    "crash": "error", "timeout": "error", "error": "error", "vacuous": "error",
    "declined": "skipped", "inconclusive": "skipped", "blocked": "skipped",
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
        for name, path in (
            ("tests", "testcase"),
            ("failures", "testcase/failure"),
            ("errors", "testcase/error"),
            ("skipped", "testcase/skipped"),
        ):
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


def test_a_common_reader_counts_the_same(tmp_path: Path) -> None:
    """`junitparser`, which services build on, finds the suites, and in each the outcomes that the gate decides by."""
    path = tmp_path / "junit.xml"
    path.write_text(junit.render(showcase()), encoding="utf-8")
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert [suite.name for suite in suites] == [run.label for run in runs(showcase())]
    for suite, run in zip(suites, runs(showcase()), strict=True):
        results = [type(case.result[0]) if case.result else None for case in suite]
        surprises = sum(item.surprise for item in run.settled) + len(run.reasons)
        assert results.count(junitparser.Failure) + results.count(junitparser.Error) == surprises
        assert suite.failures == results.count(junitparser.Failure)
        assert suite.errors == results.count(junitparser.Error)
        assert suite.skipped == results.count(junitparser.Skipped)
        names = [(case.classname, case.name) for case in suite]
        assert len(set(names)) == len(names) == suite.tests
