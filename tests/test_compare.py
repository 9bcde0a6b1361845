"""What changed between journals: every transition, the exit code, and which runs are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.journal import Journal
from reports import changes
from reports.compare import TABLE, TRANSITIONS, Pair
from reports.summary import runs
from tests.example_journals import case, journal
from tests.test_merge import written

ONE = "vjp/one"
OTHERS = [
    case(f"vjp/other_{number}") for number in range(12)
]  # an undecided case in a small chapter is the suite's fault


# What another case may stand on; it fails in every run.
ROOT = case("operators/mul", "fail")
# A record of each state; of an absent case there is none.
STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "pass": ("pass", {}),
    "fails": ("fail", {}),
    "blocked": ("fail", {"stands_on": [ROOT["case"]]}),
    "declined": ("declined", {}),
    "undecided": ("inconclusive", {}),
}
# What a case was and is, the words for it, and whether that is a regression.
CHANGES: dict[tuple[str, str], tuple[str, bool]] = {
    ("pass", "fails"): ("newly failing", True),
    ("pass", "blocked"): ("newly blocked", True),
    ("pass", "declined"): ("newly declined", True),
    ("pass", "undecided"): ("no longer decided", False),
    ("pass", "absent"): ("disappeared", True),
    ("fails", "pass"): ("fixed", False),
    ("fails", "blocked"): ("fails in another way", False),
    ("fails", "declined"): ("failed, and is declined now", False),
    ("fails", "undecided"): ("no longer decided", False),
    ("fails", "absent"): ("disappeared", True),
    ("blocked", "pass"): ("fixed", False),
    ("blocked", "fails"): ("fails in another way", False),
    ("blocked", "declined"): ("failed, and is declined now", False),
    ("blocked", "absent"): ("disappeared", True),
    ("declined", "pass"): ("newly offered", False),
    ("declined", "fails"): ("newly failing", True),
    ("declined", "blocked"): ("newly blocked", True),
    ("declined", "absent"): ("disappeared", True),
    ("undecided", "pass"): ("fixed", False),
    ("undecided", "fails"): ("newly failing", True),
    ("undecided", "blocked"): ("newly blocked", True),
    ("undecided", "declined"): ("newly declined", True),
    ("undecided", "absent"): ("disappeared", True),
    ("absent", "pass"): ("new", False),
    ("absent", "fails"): ("new, and fails", False),
    ("absent", "blocked"): ("new, and fails", False),
    ("absent", "undecided"): ("new", False),
    ("absent", "declined"): ("new", False),
}
EXPECTED = {"verdict": "fail", "reason": "known since 0.1"}


def pair(base: list[dict[str, Any]], head: list[dict[str, Any]], **header: Any) -> Pair:
    before, after = runs([journal([*base, *OTHERS], version="1"), journal([*head, *OTHERS], version="2", **header)])
    return Pair(before, after)


def state(name: str, clause: str = ONE, **facts: Any) -> list[dict[str, Any]]:
    """The case in a state, if it is there."""
    if name == "absent":
        return []
    verdict, more = STATES[name]
    return [case(clause, verdict, **more, **(facts if verdict == "fail" else {}))]


def words(found: Pair) -> list[str]:
    return [change.transition.words for change in found.changes]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_each_change_has_its_word(before: str, after: str) -> None:
    """And is a regression, or none."""
    found = pair([ROOT, *state(before)], [ROOT, *state(after)])
    expected, regression = CHANGES[before, after]
    assert [(change.case, change.transition.words) for change in found.changes] == [("vjp/one[float64]", expected)]
    assert found.exit_code == (1 if regression else 0)


def test_no_row_of_the_table_is_forgotten() -> None:
    """Every row is above, and each transition is a row's, or has a test of its own."""
    assert TABLE.keys() <= CHANGES.keys()
    others = {"failed as expected, and fails against expectation", "not judged before the run ended"}
    assert {it.words for it in TRANSITIONS} == {expected for expected, _ in CHANGES.values()} | others


@pytest.mark.parametrize("verdict", ["crash", "error", "timeout", "unsupported", "flaky"])
def test_other_verdicts_are_failures_too(verdict: str) -> None:
    assert words(pair([case(ONE)], [case(ONE, verdict)])) == ["newly failing"]
    assert words(pair([case(ONE, "fail")], [case(ONE, verdict)])) == ["fails in another way"]


@pytest.mark.parametrize("header", [{}, {"seed": 8}])
def test_a_failure_of_which_no_expectation_speaks_any_more_is_a_regression(header: dict[str, Any]) -> None:
    """The gate let the base pass; another failure in its place is red, whatever the inputs were."""
    expected = case(ONE, "fail", expectation=EXPECTED)
    found = pair([expected], [case(ONE, "fail", got="[1. 1.]")], **header)
    assert words(found) == ["failed as expected, and fails against expectation"]
    assert found.exit_code == 1
    assert "the gate: known failures → against expectation" in changes.text([changes.Series((found.base, found.head))])


def test_a_failure_that_is_expected_before_and_after_is_no_regression() -> None:
    """Nor is one that was against expectation all along."""
    expected = case(ONE, "fail", expectation=EXPECTED)
    assert pair([expected], [expected]).changes == ()
    again = pair([expected], [{**expected, "got": "[1. 1.]"}])
    assert (words(again), again.exit_code) == (["fails in another way"], 0)
    assert "the gate" not in changes.text([changes.Series((again.base, again.head))])
    assert pair([case(ONE, "fail")], [case(ONE, "fail")]).changes == ()


@pytest.mark.parametrize("verdict", ["pass", "fail", "declined", "inconclusive", "crash"])
def test_what_stays_as_it_was_is_no_change(verdict: str) -> None:
    found = pair([case(ONE, verdict)], [case(ONE, verdict)])
    assert found.changes == ()
    assert found.exit_code == 0


def test_a_blocked_case_that_passed_is_a_regression() -> None:
    """The cause is newly failing, and what stands on it is newly blocked, after it."""
    broken = [case("operators/mul", "fail"), case(ONE, "fail", stands_on=["operators/mul[float64]"])]
    found = pair([case("operators/mul"), case(ONE)], broken)
    assert words(found) == ["newly failing", "newly blocked"]
    assert found.exit_code == 1


@pytest.mark.parametrize(
    "header", [{"seed": 8}, {"profile": "quick"}, {"suite": {"version": "1", "digest": "other"}}], ids=str
)
def test_the_same_failure_with_another_value(header: dict[str, Any]) -> None:
    """It is told where the inputs were the same; elsewhere another value says nothing."""
    base, head = [case(ONE, "fail")], [case(ONE, "fail", got="[1. 1.]")]
    assert words(pair(base, head)) == ["fails in another way"]
    assert pair(base, head, **header).changes == ()


def test_what_an_incomplete_run_lacks_has_not_disappeared() -> None:
    """The exit code is that of an incomplete journal; a regression that it shows is shown."""
    found = pair([case(ONE), case("vjp/two")], [case("vjp/two", "fail")], complete=False)
    assert words(found) == ["newly failing", "not judged before the run ended"]
    assert found.exit_code == 6


def test_a_convention_that_changed_is_told() -> None:
    """Only where both runs passed; the same choice seen in arrays of other shapes is no change."""
    base = [case(ONE, conventions={"relu'(0)": "[0. 0.]", "ties": "0.5"}), case("vjp/two", conventions={"gone": "1"})]
    head = [
        case(ONE, conventions={"relu'(0)": "0.5", "ties": "[0.5 0.5]"}),
        case("vjp/two", "fail", conventions={"gone": "2"}),
    ]
    found = pair(base, head)
    assert [(it.name, it.base, it.head) for it in found.conventions] == [("relu'(0)", "0", "0.5")]


def test_different_inputs_are_remarked() -> None:
    remarks = pair([case(ONE)], [case(ONE)], seed=9, profile="quick", suite={"version": "1", "digest": "other"}).remarks
    assert [remark.split(":")[0] for remark in remarks] == [
        "the suites differ",
        "the profiles differ, gate and quick",
        "the seeds differ, 7 and 9",
    ]


# --- the command


def journals(folder: Path, name: str, **verdicts: str) -> Path:
    folder.mkdir(exist_ok=True)
    it: Journal = journal([case(f"vjp/{clause}", verdict) for clause, verdict in verdicts.items()], name=name)
    return written(folder / f"{name}.jsonl", it)


def test_two_folders_are_compared_engine_by_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case of one engine says nothing of another; an engine that is missing has disappeared as a whole."""
    base, head = tmp_path / "base", tmp_path / "head"
    journals(base, "acme", one="pass")
    journals(base, "gone", one="pass")
    journals(base, "other", one="fail")
    journals(head, "acme", one="pass")
    journals(head, "other", one="pass")
    assert main(["compare", str(base), str(head)]) == 1
    said = capsys.readouterr().out
    assert "gone 0.3: has disappeared as a whole" in said
    assert "fixed: 1 case" in said
    assert "newly failing" not in said
    journals(head, "gone", one="pass")
    assert main(["compare", str(base), str(head)]) == 0


def test_a_folder_of_one_journal_is_of_its_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another engine in the head is no later state of the base's: that has disappeared."""
    journals(tmp_path / "base", "acme", one="pass")
    journals(tmp_path / "head", "other", one="pass")
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "head")]) == 1
    assert "acme 0.3: has disappeared as a whole" in capsys.readouterr().out


def test_two_journals_of_an_engine_in_a_folder_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one, a shard perhaps, would not be looked at."""
    for folder in ("base", "head"):
        path = journals(tmp_path / folder, "acme", one="pass")
        path.with_name("second.jsonl").write_bytes(path.read_bytes())
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "head")]) == 2
    assert "2 journals of acme" in capsys.readouterr().err


def test_two_engines_are_compared_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = journals(tmp_path, "acme", one="pass"), journals(tmp_path, "other", one="declined")
    assert main(["compare", str(one), str(two)]) == 1
    assert "newly declined: 1 case" in capsys.readouterr().out


def test_what_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, empty = journals(tmp_path / "a", "acme", one="pass"), tmp_path / "empty"
    empty.mkdir()
    other = written(tmp_path / "b.jsonl", journal([case(ONE)], seed=8))
    for arguments, sentence in (
        ([str(one)], "needs a BASE and a HEAD"),
        ([str(one), str(empty)], "there is no journal in"),
        ([str(one), str(tmp_path / "nowhere.jsonl")], "cannot read the journal"),
        ([str(one), str(other), "--strict"], "the seeds differ"),
    ):
        assert main(["compare", *arguments]) == 2
        assert sentence in capsys.readouterr().err


def test_an_engine_that_appears_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its failures are the gate's to judge; that its journal is incomplete is not passed over."""
    base, head = tmp_path / "base", tmp_path / "head"
    journals(base, "acme", one="pass")
    journals(head, "acme", one="pass")
    journals(head, "nova", one="fail")
    page, summary = tmp_path / "c.html", tmp_path / "c.md"
    assert main(["compare", str(base), str(head), "--html", str(page), "--markdown", str(summary)]) == 0
    for report in (capsys.readouterr().out, page.read_text(encoding="utf-8"), summary.read_text(encoding="utf-8")):
        assert "nova 0.3: has appeared" in report
        assert "acme 0.3: has appeared" not in report
    written(head / "nova.jsonl", journal([case(ONE, "fail")], name="nova", complete=False))
    assert main(["compare", str(base), str(head)]) == 6
    assert "nova 0.3: has appeared; its journal is incomplete" in capsys.readouterr().out


def test_an_engine_that_disappears_before_its_run_ended_is_incomplete(tmp_path: Path) -> None:
    journals(tmp_path / "base", "acme", one="pass")
    journals(tmp_path / "head", "acme", one="pass")
    written(tmp_path / "base" / "gone.jsonl", journal([case(ONE)], name="gone", complete=False))
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "head")]) == 6


def test_equal_versions_are_told_apart_by_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the folders that both are in; by a number where the place is the same."""
    base, head = journals(tmp_path / "base", "acme", one="pass"), journals(tmp_path / "head", "acme", one="fail")
    for arguments, labels in (
        ([base.parent, head.parent], ["acme 0.3 (base)", "acme 0.3 (head)"]),
        ([base, head], ["acme 0.3 (base/acme.jsonl)", "acme 0.3 (head/acme.jsonl)"]),
        ([base, base], ["acme 0.3 #1", "acme 0.3 #2"]),
    ):
        main(["compare", *map(str, arguments)])
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines[:2]] == labels


def test_versions_that_differ_need_no_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = written(tmp_path / "1.jsonl", journal([case(ONE)], version="1"))
    two = written(tmp_path / "2.jsonl", journal([case(ONE)], version="2"))
    assert main(["compare", str(one), str(two)]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[:2]] == ["acme 1", "acme 2"]
