"""What changed, said in three ways: in text, in Markdown, and on a page that is looked at in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from conformance.cli import main
from reports import changes
from reports.compare import TRANSITIONS
from reports.summary import runs
from tests.example_journals import case, journal
from tests.test_compare import CHANGES, EXPECTED, ONE, OTHERS, ROOT, pair, state
from tests.test_merge import written

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest_plugins = ["tests.example_browser"]

HARMFUL = "<script>alert(1)</script>"


def test_all_three_reports_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under each transition, and there alone, its cases; and what an engine said is no markup."""
    expected, cases = _every_change()
    base = written(tmp_path / "base.jsonl", journal([ROOT, *cases[0]]))
    head = written(tmp_path / "head.jsonl", journal([ROOT, *cases[1]], version="0.4"))
    page, summary = tmp_path / "c.html", tmp_path / "c.md"
    assert main(["compare", str(base), str(head), "--html", str(page), "--markdown", str(summary)]) == 1
    said, marked, noted = capsys.readouterr().out, page.read_text(encoding="utf-8"), summary.read_text(encoding="utf-8")
    for report in (said, re.sub(r"<[^>]*>", "", marked), noted.replace("\\", "")):
        assert _sections(report) == expected
    for report in (marked, noted):
        assert HARMFUL not in report
        assert "&lt;script&gt;alert" in report


def _every_change() -> tuple[dict[str, list[str]], tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """For each transition the clauses that make it, and the cases of base and head."""
    expected: dict[str, list[str]] = {}
    base, head = list(OTHERS), list(OTHERS)
    for number, ((before, after), (what, _)) in enumerate(CHANGES.items()):
        clause = f"vjp/c{number:02}"
        expected.setdefault(what, []).append(clause)
        base += state(before, clause)
        head += state(after, clause, got=HARMFUL)
    expected["failed as expected, and fails against expectation"] = ["vjp/c99"]
    base.append(case("vjp/c99", "fail", expectation=EXPECTED))
    head.append(case("vjp/c99", "fail", got=HARMFUL))
    return expected, (base, head)


def _sections(report: str) -> dict[str, list[str]]:
    """The clauses under the heading of each transition, which says how many cases there are."""
    names = "|".join(re.escape(it.words) for it in TRANSITIONS)
    headings = list(re.finditer(rf"(?<=[ ])({names})\W+(\d+) cases?", report))
    ends = [*(heading.start() for heading in headings[1:]), len(report)]
    found = {
        heading[1]: sorted(set(re.findall(r"vjp/c\d\d", report[heading.end() : end])))
        for heading, end in zip(headings, ends, strict=True)
    }
    assert {heading[1]: int(heading[2]) for heading in headings} == {what: len(ids) for what, ids in found.items()}
    return found


def _blocking() -> changes.Series:
    """A run in which one fault blocks three cases, and another one nothing."""
    root = [case("operators/mul", dtype=dtype) for dtype in ("float64", "float32")]
    others = [case(f"hooks/{name}") for name in ("one", "two", "three")]
    broken = [{**it, **case("operators/mul", "fail", dtype=it["parameters"]["dtype"])} for it in root]
    blocked = [
        case(f"hooks/{name}", "fail", stands_on=[root[0]["case"]], got="[7.]") for name in ("one", "two", "three")
    ]
    alone = case("accumulation/alone", "fail", got="[5. 5.]")
    found = pair([*root, *others, case("accumulation/alone")], [alone, *broken, *blocked])
    return changes.Series((found.base, found.head))


def test_blocked_cases_are_said_with_what_blocks_them() -> None:
    """The root cause comes first, with its two values; those that it blocks are one line, without theirs."""
    assert changes.text([_blocking()]).splitlines()[2:] == [
        "  the gate: conforms → against expectation",
        "  newly failing: 3 cases",
        "    operators/mul, float64 and float32  (pass → fail), blocks 3 cases",
        "      x.grad: expected [4. 8.], got [2. 4.]",
        "    accumulation/alone[float64]  (pass → fail)",
        "      x.grad: expected [4. 8.], got [5. 5.]",
        "  newly blocked: 3 cases",
        "    hooks/one, hooks/three and hooks/two, 3 cases  (pass → blocked)",
        "      blocked by operators/mul, float64 and float32",
        "  Worse: 3 newly failing; 3 newly blocked",
        "",
    ]


def test_the_summary_counts_and_says_what_is_more() -> None:
    summary = changes.markdown([_blocking()])
    assert "**Worse: 3 newly failing; 3 newly blocked.** The gate: conforms → against expectation.\n" in summary
    assert "| acme 1 | 18 | 0 | 0 | 0 | 18 |\n| acme 2 | 12 (−6) | 3 (+3) | 3 (+3) | 0 | 18 |\n" in summary
    assert "blocked by operators/mul, float64 and float32\n" in summary


def test_what_is_no_regression_is_summed_up_too() -> None:
    base = [case("vjp/a", "fail"), case(ONE, conventions={"ties": "1"})]
    found = pair(base, [case("vjp/a"), case(ONE, conventions={"ties": "0.5"}), case("vjp/b")])
    assert found.sentence == "No regression: 1 fixed; 1 new; 1 convention chosen otherwise"


def test_a_script_is_fenced_in_its_language() -> None:
    """That of the engine that failed."""
    engine = {"name": "acme", "language": "javascript", "version": "2"}
    found = pair([case(ONE)], [case(ONE, "fail")], engine=engine)
    summary = changes.markdown([changes.Series((found.base, found.head))])
    assert "```javascript\nimport acme\n" in summary
    assert "```python" not in summary


def test_what_is_declined_or_undecided_now_says_why() -> None:
    head = [
        case("vjp/a", "declined", declined="does not offer hook"),
        case("vjp/b", "inconclusive", message="zero is in it"),
    ]
    found = pair([case("vjp/a"), case("vjp/b")], head)
    said = changes.text([changes.Series((found.base, found.head))])
    assert "vjp/a[float64]  (pass → declined)\n      does not offer hook\n" in said
    assert "vjp/b[float64]  (pass → inconclusive)\n      zero is in it\n" in said


def test_nothing_changed_is_said() -> None:
    """And nothing else, but of an incomplete run."""
    for header, sentence in (({}, "Nothing changed"), ({"complete": False}, "Incomplete")):
        found = pair([case(ONE)], [case(ONE)], **header)
        assert found.sentence == sentence
        assert changes.text([changes.Series((found.base, found.head))]).splitlines()[-2:] == [f"  {sentence}", ""]


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """The page of a blocking fault, of a third run, and of engines that come and go; in a scheme and a width."""
    scheme: Literal["light", "dark"]
    scheme, width = getattr(request, "param", ("light", 1280))
    third = runs([journal([case(ONE, conventions={"ties": "1"}), *OTHERS], version="3")])
    lost, new = runs([journal([case(ONE)], name="gone"), journal([case(ONE)], name="nova", complete=False)])
    series = [
        changes.Series((*_blocking().runs, *third)),
        changes.Series((lost,), lost=True),
        changes.Series((new,), appeared=True),
    ]
    (tmp_path / "page.html").write_text(changes.page(series), encoding="utf-8")
    opened = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    opened.goto((tmp_path / "page.html").as_uri())
    yield opened
    opened.close()


def test_the_page_says_first_what_it_comes_to(page: Page) -> None:
    """A line a comparison, in its tone, that leads to it."""
    banners = page.locator(".banner")
    assert [text.split("\n")[0] for text in banners.all_inner_texts()] == [
        "✗ acme 1 → acme 2",
        "✗ acme 2 → acme 3",
        "✗ gone 0.3: has disappeared as a whole.",
        "? nova 0.3: has appeared; its journal is incomplete.",
    ]
    assert "Worse: 3 newly failing; 3 newly blocked. The gate: conforms → against" in banners.first.inner_text()
    target = banners.first.locator("a").get_attribute("href")
    assert page.locator(f"{target}").count() == 1


def test_the_root_cause_is_open_and_has_what_it_blocks(page: Page) -> None:
    """Its script is shown, the cases that it blocks are folded; no other failure is open."""
    first = page.locator("details.failure[open]").first
    assert page.locator(".changed").first.locator("details.failure[open]").count() == 1
    assert "operators/mul float64 and float32" in first.locator("summary").first.inner_text()
    assert "x = acme.tensor" in first.locator("pre.script").inner_text()
    blocked = first.locator("details.blocked").last
    assert not blocked.locator("li").first.is_visible()
    blocked.locator("summary").click()
    assert blocked.locator("li").all_inner_texts() == [
        "hooks/one[float64]",
        "hooks/three[float64]",
        "hooks/two[float64]",
    ]


@pytest.mark.parametrize(
    "page", [(scheme, width) for scheme in ("light", "dark") for width in (1280, 400)], indirect=True
)
def test_axe_finds_nothing_on_it(page: Page) -> None:
    """In both schemes, on a desktop and a telephone, with everything unfolded; and the page is no wider than its window."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_trend_of_several_runs() -> None:
    """A row a run with its counts and its bar; each run is compared with the one before it."""
    steps = [[journal([case(ONE, v), *OTHERS], version=str(i))] for i, v in enumerate(("pass", "fail", "pass"))]
    (series,) = changes.in_a_row([step[0] for step in steps])
    assert [[change.transition.words for change in it.changes] for it in series.pairs] == [["newly failing"], ["fixed"]]
    assert [row.counts for row in series.rows] == [(13, 0, 0, 0, 13), (12, 1, 0, 0, 13), (13, 0, 0, 0, 13)]
    assert [count for count, _ in series.rows[1].cells] == [12, 1, 0, 0, 13]
    assert [more for _, more in series.rows[1].cells] == ["−1", "+1", "", "", ""]
    assert [more for _, more in series.rows[0].cells] == [""] * 5
    assert series.rows[1].engine.segments == [("good", 0, 12), ("bad", 12, 1)]
    page = changes.page([series])
    assert page.count("<rect") == 4
    assert "acme over 3 runs" in page
