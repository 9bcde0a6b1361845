"""What changed between journals: every transition, the exit code, and the three ways to say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.journal import Journal
from reports import changes
from reports.compare import TRANSITIONS, Pair, Transition
from reports.summary import runs
from tests.example_journals import case, journal
from tests.test_merge import written

ONE = "vjp/one"
OTHERS = [
    case(f"vjp/other_{number}") for number in range(12)
]  # an undecided case in a small chapter is the suite's fault


def pair(base: list[dict[str, Any]], head: list[dict[str, Any]], **header: Any) -> Pair:
    before, after = runs([journal([*base, *OTHERS], version="1"), journal([*head, *OTHERS], version="2", **header)])
    return Pair(before, after)


# What a case was and is, the words for it, and whether that is a regression.
CHANGES: dict[str, tuple[str | None, str | None, str, bool]] = {
    "it fails now": ("pass", "fail", "newly failing", True),
    "it crashes now": ("pass", "crash", "newly failing", True),
    "the adapter is broken now": ("pass", "error", "newly failing", True),
    "it is declined now": ("pass", "declined", "newly declined", True),
    "nobody knows now": ("pass", "inconclusive", "no longer decided", False),
    "it is gone": ("pass", None, "disappeared", True),
    "a failure is gone": ("fail", None, "disappeared", True),
    "it is mended": ("fail", "pass", "fixed", False),
    "a failure is declined now": ("fail", "declined", "failed, and is declined now", False),
    "it fails otherwise": ("fail", "crash", "fails in another way", False),
    "it is offered now": ("declined", "pass", "newly offered", False),
    "it is offered now and fails": ("declined", "fail", "newly failing", True),
    "it is new": (None, "pass", "new", False),
    "it is new and fails": (None, "fail", "new, and fails", False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_has_its_word(what: str) -> None:
    before, after, words, regression = CHANGES[what]
    found = pair([case(ONE, before)] if before else [], [case(ONE, after)] if after else [])
    assert [(change.case, change.transition.words) for change in found.changes] == [("vjp/one[float64]", words)]
    assert found.exit_code == (1 if regression else 0)


@pytest.mark.parametrize("verdict", ["pass", "fail", "declined", "inconclusive", "crash"])
def test_what_stays_as_it_was_is_no_change(verdict: str) -> None:
    found = pair([case(ONE, verdict)], [case(ONE, verdict)])
    assert found.changes == ()
    assert found.exit_code == 0


def test_a_blocked_case_that_passed_is_a_regression() -> None:
    """The cause is newly failing, and what stands on it is newly blocked, after it."""
    broken = [case("operators/mul", "fail"), case(ONE, "fail", stands_on=["operators/mul[float64]"])]
    found = pair([case("operators/mul"), case(ONE)], broken)
    assert [change.transition.words for change in found.changes] == ["newly failing", "newly blocked"]
    assert found.exit_code == 1


def test_the_same_failure_with_another_value() -> None:
    """It is told where the inputs were the same; with another seed another value says nothing."""
    base, head = [case(ONE, "fail")], [case(ONE, "fail", got="[1. 1.]")]
    assert [change.transition.words for change in pair(base, head).changes] == ["fails in another way"]
    assert pair(base, head, seed=8).changes == ()


def test_what_an_incomplete_run_lacks_has_not_disappeared() -> None:
    """The exit code is that of an incomplete journal; a regression that it shows is shown."""
    found = pair([case(ONE), case("vjp/two")], [case("vjp/two", "fail")], complete=False)
    assert [change.transition.words for change in found.changes] == ["newly failing", "not judged before the run ended"]
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


HARMFUL = "<script>alert(1)</script>"


def test_all_three_reports_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each transition that occurred, with its cases, in text, Markdown and page; and what an engine said is no markup."""
    base = written(tmp_path / "base.jsonl", journal([case(f"vjp/{i}", v) for i, (v, _) in enumerate(_verdicts()) if v]))
    cases = [
        case(f"vjp/{i}", v, **({"got": HARMFUL} if v == "fail" else {})) for i, (_, v) in enumerate(_verdicts()) if v
    ]
    head = written(tmp_path / "head.jsonl", journal(cases, version="0.4"))
    page, summary = tmp_path / "c.html", tmp_path / "c.md"
    assert main(["compare", str(base), str(head), "--html", str(page), "--markdown", str(summary)]) == 1
    reports = [capsys.readouterr().out, page.read_text(encoding="utf-8"), summary.read_text(encoding="utf-8")]
    for transition in _occurring():
        assert all(transition.words in report for report in reports), transition.words
    for report in reports[1:]:
        assert HARMFUL not in report.replace("```python", "")


def _verdicts() -> list[tuple[str | None, str | None]]:
    return [(before, after) for before, after, _, _ in CHANGES.values()]


def _occurring() -> list[Transition]:
    return [
        transition for transition in TRANSITIONS if transition.words in {words for _, _, words, _ in CHANGES.values()}
    ]


def test_the_trend_of_several_runs() -> None:
    """A row a run with its counts and its bar; each run is compared with the one before it."""
    steps = [[journal([case(ONE, v), *OTHERS], version=str(i))] for i, v in enumerate(("pass", "fail", "pass"))]
    (series,) = changes.in_a_row([step[0] for step in steps])
    assert [[change.transition.words for change in it.changes] for it in series.pairs] == [["newly failing"], ["fixed"]]
    assert series.trend[1] == ("acme 1", [("good", 12, 100 * 12 / 13), ("bad", 1, 100 / 13)])
    page = changes.page([series])
    assert page.count("<rect") == 4
    assert "acme over 3 runs" in page
