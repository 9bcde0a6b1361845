"""What a CI service is told: a summary in Markdown, a badge, annotations."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from conformance.cli import main
from conformance.journal import Journal
from reports import badge, failures, github, markdown
from tests.example_journals import case, journal, showcase
from tests.test_merge import written

HARMFUL = "<script>alert(1)</script> | `x` \x1b[31m\n## owned\r\n::error::owned"


def failing(**facts: str) -> Journal:
    return journal([case("hooks/order", "fail", **facts), case("vjp/one")])


# --- Markdown


def test_the_summary_says_what_failed_and_how_to_run_it_again() -> None:
    text = markdown.render([failing()])
    assert "❌ **acme 0.3**: 1 passed, 1 failed, 0 declined of 2" in text
    assert "1 fault against expectation" in text
    assert "expected [4. 8.]" in text
    assert "```python\nimport acme" in text
    assert "autograd-conformance run --engine acme --select 'hooks/order*' --seed 7" in text
    assert re.search(r"^\| hooks \| ❌ 0/1, 1 fail \|$", text, re.MULTILINE)


def test_a_run_that_conforms_has_no_faults() -> None:
    text = markdown.render([journal([case("vjp/one")])])
    assert "✅ **acme 0.3**: 1 passed, 0 failed, 0 declined of 1" in text
    assert "against expectation" not in text


def test_engines_texts_are_no_markup() -> None:
    """Outside of code nothing that an engine said is HTML or Markdown, nor begins a line."""
    text = markdown.render([failing(message=HARMFUL, expected="", got="", script="print('```')\n````\nx")])
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "owned" in outside
    assert "<script" not in outside
    assert re.search(r"\\\| \\`x\\`", outside)  # what would end a cell, and what would begin code
    assert "\x1b" not in text
    assert not re.search(r"^## owned", outside, re.MULTILINE)
    assert "`````python\nprint('```')\n````\nx\n`````" in text


@pytest.mark.parametrize("limit", [900, 3_000, 6_000])
def test_what_does_not_fit_is_left_out_and_counted(limit: int) -> None:
    journals = showcase()
    whole, cut = markdown.render(journals), markdown.render(journals, limit)
    assert len(whole.encode()) > limit >= len(cut.encode())
    assert re.search(r"_Cut here: \d+ more parts do not fit", cut)
    assert whole.startswith(cut[: cut.index("\n_Cut here")])


def test_the_limit_is_what_github_takes() -> None:
    assert markdown.LIMIT == 1_048_576
    many = [case(f"hooks/clause_{i}", "fail", script="x = 1\n" * 200, message=str(i)) for i in range(1500)]
    assert len(markdown.render([journal(many)]).encode()) <= markdown.LIMIT


# --- badge


BADGES = {
    "good": ([case("vjp/one"), case("vjp/two", "declined")], "brightgreen", "1 passed, 0 failed, 1 declined of 2"),
    "bad": ([case("vjp/one", "fail")], "red", "0 passed, 1 failed, 0 declined of 1"),
    "known": (
        [
            case("vjp/one"),
            case("vjp/two", "fail", expectation={"verdict": "fail", "reason": "known", "link": "", "script": ""}),
        ],
        "yellow",
        "1 passed, 1 failed, 0 declined of 2",
    ),
    "broken": ([case("vjp/one"), case("vjp/two", "error")], "red", "1 passed, 0 failed, 0 declined of 2"),
    "quiet": ([case("vjp/one", "declined")], "lightgrey", "0 passed, 0 failed, 1 declined of 1"),
}


@pytest.mark.parametrize("tone", BADGES)
def test_the_badge_counts(tone: str) -> None:
    cases, colour, message = BADGES[tone]
    found = json.loads(badge.render([journal(cases)]))
    assert found == {
        "schemaVersion": 1,
        "label": "autograd conformance",
        "message": message,
        "color": colour,
        "isError": tone in ("bad", "broken"),
    }


def test_the_badge_of_several_engines_has_the_colour_of_the_worst() -> None:
    found = json.loads(badge.render([journal([case("vjp/one")]), failing()]))
    assert found["color"] == "red"
    assert found["message"] == "2 passed, 1 failed, 0 declined of 3"


def test_an_incomplete_run_is_no_good_badge() -> None:
    found = json.loads(badge.render([journal([case("vjp/one")], complete=False)]))
    assert found["color"] == "lightgrey"
    assert "incomplete" in found["message"]


# --- annotations


def test_an_annotation_is_one_command_whatever_the_engine_said() -> None:
    """A runner decodes it to the whole text; nothing in it is another command."""
    text = github.render([failing(message=HARMFUL, expected="", got="")])
    assert text.count("\n") == 1
    match = re.fullmatch(r"::error title=([^,:]*)::([^\r\n]*)\n", text)
    assert match
    assert urllib.parse.unquote(match[1]) == "acme 0.3: fail hooks/order[float64]"
    assert "again: autograd-conformance run" in urllib.parse.unquote(match[2])


def test_an_annotation_is_at_the_adapters_file() -> None:
    """Of an engine whose adapter is in the repository; an engine of ours, or a file elsewhere, has no place there."""
    places = {
        "ci/acme_adapter.py": "file=ci/acme_adapter.py,",
        "a,patch=p.py": "",
        "/x/acme.py": "",
        "a.py,patch=p": "file=a.py,",
    }
    for spec, place in places.items():
        made = journal([case("hooks/order", "fail")])
        found = Journal({**made.header, "engine": {**made.header["engine"], "spec": spec}}, made.cases, None)
        lines = github.render([found]).splitlines()
        assert [line.partition("title=")[0] for line in lines] == [f"::error {place}"] * 2


REPORTS: Final[Mapping[str, Callable[[Sequence[Journal]], str]]] = {
    "annotations": github.render,
    "summary": markdown.render,
    "terminal": partial(failures.render, colour=False),
}


@pytest.mark.parametrize("report", REPORTS)
def test_the_fault_that_blocks_most_is_first(report: str) -> None:
    """Whatever its id and its engine; a pass against expectation, which blocks nothing, is last."""
    known = {"verdict": "fail", "reason": "known", "link": "", "script": ""}
    blocked = [case(f"vjp/{n}", "fail", uses=["hooks/zeroth[float64]"]) for n in range(3)]
    journals = [
        journal([case("hooks/apart", "fail"), case("hooks/a_pass", expectation=known)], name="first"),
        journal([case("hooks/zeroth", "fail"), *blocked], name="second"),
    ]
    text = REPORTS[report](journals)
    assert "blocks 3 cases" in text
    places = [text.index(name) for name in ("hooks/zeroth", "hooks/apart", "hooks/a_pass")]
    assert places == sorted(places)


def test_as_many_as_are_shown() -> None:
    cases = [case(f"hooks/clause_{i:02}", "fail", message=str(i)) for i in range(25)]
    lines = github.render([journal(cases)]).splitlines()
    assert len(lines) == github.MOST
    assert lines[-1].endswith("and 16 more; the report has them all")
    exactly = github.render([journal(cases[: github.MOST])]).splitlines()
    assert len(exactly) == github.MOST
    assert "more" not in exactly[-1]


def test_what_conforms_needs_no_annotation() -> None:
    assert github.render([journal([case("vjp/one")])]) == ""


def test_an_incomplete_run_is_annotated() -> None:
    assert "the journal is incomplete" in github.render([journal([case("vjp/one")], complete=False)])


def test_the_command_writes_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "j.jsonl", failing())
    files = {name: tmp_path / f"it.{name}" for name in ("html", "junit", "markdown", "badge")}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    assert main(["report", str(path), *options, "--annotations"]) == 1
    assert all(file.stat().st_size for file in files.values())
    assert capsys.readouterr().out.startswith("::error title=")
