"""The scoreboard: who is first and why, what is counted, and twenty-four engines on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.journal import Journal
from reports.html import render
from reports.scores import scores
from reports.summary import chapters, runs
from tests.example_clauses import CLAUSES
from tests.example_journals import case, journal, showcase

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest_plugins = ["tests.example_browser"]

ADDS, CLEARS, CUTS = "accumulation/each_backward_adds", "accumulation/zero_clears", "detach/cuts"
KNOWN: Final = {"verdict": "fail", "reason": "until 0.4"}


def _order(*journals: Journal) -> list[str]:
    found = runs(journals)
    return [score.engine.name for score in scores(found, chapters(found))]


def test_fewest_problems_are_first() -> None:
    """A root cause counts once whatever it blocks and however many dtypes show it; then failed cases, then passed ones."""
    blocked = [case(CLEARS, "fail", dtype=dtype, uses=[f"{ADDS}[float64]"]) for dtype in ("float64", "float32")]
    twice = [case(ADDS, "fail", dtype=dtype) for dtype in ("float64", "float32")]
    assert _order(
        journal([case(ADDS, "fail"), case(CUTS, "fail")], name="two causes"),
        journal([*twice, *blocked], name="one cause, two cases"),
        journal([case(ADDS, "fail"), *blocked], name="one cause"),
        journal([case(ADDS)], name="one passed"),
        journal([case(ADDS), case(CUTS)], name="two passed"),
    ) == ["two passed", "one passed", "one cause", "one cause, two cases", "two causes"]


def test_what_is_declined_is_no_problem_and_no_credit() -> None:
    """Of two engines without a problem the one that offers more is first; one that offers nothing, or did not end, is last."""
    assert _order(
        journal([case(ADDS, "declined"), case(CUTS, "declined")], name="nothing"),
        journal([case(ADDS), case(CUTS)], name="unfinished", complete=False),
        journal([case(ADDS), case(CUTS, "declined")], name="half"),
        journal([case(ADDS), case(CUTS, "fail")], name="wrong"),
        journal([case(ADDS), case(CUTS)], name="all"),
    ) == ["all", "half", "wrong", "unfinished", "nothing"]


def test_an_expected_failure_is_a_problem_all_the_same() -> None:
    """A committed reason moves no engine up: known causes are counted, apart from the others."""
    found = runs(
        [
            journal([case(ADDS, "fail", expectation=KNOWN), case(CUTS, "fail", expectation=KNOWN)], name="reasons"),
            journal([case(ADDS, "fail"), case(CUTS)], name="honest"),
        ]
    )
    board = scores(found, chapters(found))
    assert [(score.engine.name, score.causes, score.known, score.problems) for score in board] == [
        ("honest", 1, 0, 1),
        ("reasons", 0, 2, 2),
    ]


def test_crashes_and_timeouts_are_counted() -> None:
    """Cases that lost the process are counted together; one that failed is none."""
    found = runs([journal([case(ADDS, "crash"), case(CLEARS, "timeout"), case(CUTS, "fail")])])
    [score] = scores(found, chapters(found))
    assert (score.lost, score.causes) == (2, 3)


def test_a_pass_against_expectation_is_no_root_cause() -> None:
    """What should have failed and passed stands against expectation, but is no problem of the engine."""
    found = runs([journal([case(CUTS, expectation=KNOWN)])])
    [score] = scores(found, chapters(found))
    assert score.problems == 0


def _many(count: int) -> list[Journal]:
    """`count` engines with what those of the showcase did."""
    made = []
    for index in range(count):
        example = showcase()[index % len(showcase())]
        engine = {**example.header["engine"], "name": f"engine{index:02}"}
        made.append(Journal({**example.header, "engine": engine}, example.cases, example.footer))
    return made


def test_twenty_four_engines_fit_a_board(browser: Browser) -> None:
    """Each engine is a line, with every chapter's mark; names stay while the rest scrolls, and the page itself does not."""
    page = browser.new_page(viewport={"width": 700, "height": 900})
    page.set_content(render(_many(24)))
    rows = page.locator("table.board tbody tr")
    assert rows.count() == 24
    assert {row.locator("td.mark").count() for row in rows.all()} == {page.locator("table.board th.slim").count()}
    assert max(row.evaluate("each => each.clientHeight") for row in rows.all()) < 110
    board = page.locator(".scroll", has=page.locator("table.board"))
    name = rows.first.locator("th")
    left = name.evaluate("each => each.getBoundingClientRect().left")
    board.evaluate("each => each.scrollTo(400, 0)")
    assert board.evaluate("each => each.scrollLeft") > 100
    assert name.evaluate("each => each.getBoundingClientRect().left") == left
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    page.close()


def test_a_mark_says_what_its_colour_says(browser: Browser) -> None:
    """A reader who does not see the colours hears the chapter's figures, and one who points at a mark reads them."""
    page = browser.new_page()
    page.set_content(render([journal([case(ADDS, "fail"), case(CUTS, "declined")], clauses=CLAUSES)]))
    marks = page.locator("table.board td.mark")
    assert [each.get_attribute("title") for each in marks.all()] == [
        "accumulation: 1 fail, 0 passed",
        "detach: declined",
    ]
    assert [each.locator(".unseen").text_content() for each in marks.all()] == ["1 fail, 0 passed", "declined"]
    page.close()
