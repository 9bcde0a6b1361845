"""The scoreboard: who is first and why, what is counted, and twenty-four engines on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.journal import Journal
from reports.account import accounts
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
    passed = [case(f"leaves/{number}") for number in range(5)]
    assert _order(
        journal([case(ADDS, "fail"), case(CUTS, "fail"), *passed], name="a: two causes"),
        journal([*twice, *blocked, *passed], name="b: one cause, two cases"),
        journal([case(ADDS, "fail"), *blocked], name="c: one cause"),
        journal([case(ADDS)], name="d: one passed"),
        journal([case(ADDS), case(CUTS)], name="e: two passed"),
    ) == ["e: two passed", "d: one passed", "c: one cause", "b: one cause, two cases", "a: two causes"]


def test_what_is_declined_is_no_problem_and_no_credit() -> None:
    """Of two engines without a problem the one that offers more is first.

    Last is what offers nothing, did not end, or was asked a part of the specification.
    """
    assert _order(
        journal([case(ADDS, "declined"), case(CUTS, "declined")], name="nothing"),
        journal([case(ADDS), case(CUTS)], name="apart", complete=False),
        journal([case(ADDS), case(CLEARS), case(CUTS)], name="chosen", specified=4),
        journal([case(ADDS), case(CUTS, "declined")], name="half"),
        journal([case(ADDS), case(CLEARS), case(CUTS, "fail")], name="bad"),
        journal([case(ADDS), case(CUTS)], name="all"),
    ) == ["all", "half", "bad", "chosen", "apart", "nothing"]


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


def test_an_account_says_what_a_cause_blocks() -> None:
    """Beside the dtypes of its cases; a cause that blocks nothing has these alone."""
    blocked = [case(CLEARS, "fail", dtype=dtype, uses=[f"{ADDS}[float64]"]) for dtype in ("float64", "float32")]
    [account] = accounts(runs([journal([case(ADDS, "fail"), case(CUTS, "fail"), *blocked])]))
    assert [cause.note for cause in account.causes] == ["float64; blocks 2 cases", "float64"]


def _many(count: int) -> list[Journal]:
    """`count` engines with what those of the showcase did."""
    made = []
    for index in range(count):
        example = showcase()[index % len(showcase())]
        engine = {**example.header["engine"], "name": f"engine{index:02}"}
        made.append(Journal({**example.header, "engine": engine}, example.cases, example.footer))
    return made


_LINES: Final = "\n".join(f"y{line} = engine.multiply(y{line - 1}, x, where=None)" for line in range(1, 16)) + "\n"


def _large(name: str) -> Journal:
    """A journal as large as the suite's own, of an engine with sixteen distinct failures."""
    facts = {
        "level": "law",
        "dialect": None,
        "mutant": "cotangent_is_ignored",
        "source": "torch.Tensor.backward; chain rule",
    }
    clauses = {
        f"chapter{number % 27:02}/a_sentence_of_the_specification_{number}": facts
        | {"sentence": f"It is so: {number} = 1. " * 4}
        for number in range(270)
    }
    cases = []
    for number, clause in enumerate(clauses):
        verdict = "fail" if number % 36 == 0 else "declined" if number % 2 else "pass"
        for kind in ("first", "second"):
            texts = {"script": _LINES} if verdict == "fail" else {"example": _LINES} if verdict == "pass" else {}
            cases += [case(clause, verdict, kind=kind, dtype=dtype, **texts) for dtype in ("float64", "float32")]
    return journal(cases, name=name, clauses=clauses)


def test_twenty_engines_are_less_than_two_megabytes() -> None:
    """A page of twenty engines over a thousand cases, each with sixteen failures, can be sent and opened."""
    page = render([_large(f"engine{index:02}") for index in range(20)])
    assert page.count('<details class="failure"') == 20 * 16
    assert len(page.encode()) < 2_000_000


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
