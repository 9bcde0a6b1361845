"""The page in a browser: what it says, by keyboard, without a script and a network, whatever an engine printed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.verdict import VERDICTS
from reports.html import render
from tests.example_clauses import CLAUSES
from tests.example_journals import case, journal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest_plugins = ["tests.example_browser"]


def test_every_verdict_is_there_without_javascript(browser: Browser, address: str) -> None:
    """With JavaScript off the page has headlines, clauses, and verdicts in words beside engines."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    shown = page.locator("main").inner_text()
    held = page.locator("main").text_content() or ""
    assert "61 passed, 7 failed, 6 declined of 84" in shown
    verdicts = page.locator("[id='clause-graph-deep_chain'] .verdicts > div").all_text_contents()
    assert [" ".join(text.split()) for text in verdicts] == [
        "✓ pass acme 0.3, mygrad 2.3.0, tinygrad 0.11.0, jax 0.6.2, reference 0.1.0, torch 2.13.0",
        f"{VERDICTS['crash'].symbol} crash micrograd 0.1.0",
        f"{VERDICTS['timeout'].symbol} timeout tensorflow 2.20.0",
    ]
    assert all(clause in held and facts["sentence"] in held for clause, facts in CLAUSES.items())
    context.close()


def test_no_request_leaves_the_page(browser: Browser, address: str) -> None:
    """The browser asks for the page itself and for nothing else."""
    page, requests = browser.new_page(), []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address, wait_until="networkidle")
    assert [url for url in requests if not url.startswith("data:")] == [address]
    page.close()


def test_a_failure_opens_by_keyboard(page: Page) -> None:
    """A folded failure takes the focus, shows it, and Enter unfolds the script that ran."""
    failure = page.locator("details.failure:not([open])", has_text="import mygrad").first
    identifier = failure.locator(".body").get_attribute("id")
    opened = page.locator("details.failure", has=page.locator(f"[id='{identifier}']"))
    summary = opened.locator("summary").first
    page.keyboard.press("Tab")
    summary.focus()
    assert summary.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    assert not opened.locator("pre.script").is_visible()
    page.keyboard.press("Enter")
    assert opened.locator("pre.script").is_visible()
    assert "import mygrad" in opened.locator("pre.script").inner_text()


def test_dialect_clauses_are_folded(page: Page) -> None:
    """Dialect clauses are out of sight until they are asked for; the others of an open chapter are in sight."""
    assert not page.get_by_text(CLAUSES["graph/grad_fn_names"]["sentence"]).is_visible()
    assert page.get_by_text(CLAUSES["graph/retained"]["sentence"]).is_visible()
    page.locator("#chapter-graph details.dialect > summary").click()
    assert page.get_by_text(CLAUSES["graph/grad_fn_names"]["sentence"]).is_visible()


def test_chapters_are_folded_unless_something_surprises(page: Page) -> None:
    """A chapter says its counts; only one with a case against expectation is open, and a cell's link opens another."""
    opened = page.locator("details.chapter[open] h3").all_inner_texts()
    assert [text.split()[0] for text in opened] == [
        *("accumulation", "detach", "modes", "hooks", "graph", "kinks"),
        "programs",
    ]
    summary = page.locator("details.chapter > summary", has=page.get_by_text("backward", exact=False)).first
    assert (
        summary.inner_text().split() == ["+", "backward", "5", "clauses", "✓", "73", "pass", "–", "2", "declined"][1:]
    )
    sentence = page.get_by_text(CLAUSES["backward/diamond"]["sentence"])
    assert not sentence.is_visible()
    page.locator("table.matrix tr", has_text="backward").locator("td a").first.click()
    assert sentence.is_visible()


def test_the_first_tab_skips_to_the_content(page: Page) -> None:
    """The first thing that the keyboard reaches is a visible link to the content."""
    page.keyboard.press("Tab")
    focus = page.locator(":focus")
    assert focus.inner_text() == "Skip to the content"
    assert focus.evaluate("each => each.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")


def test_every_link_within_the_page_leads_somewhere(page: Page) -> None:
    """Each anchor that is linked exists, and once only."""
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    targets = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(each => each.getAttribute('href').slice(1))"
    )
    assert len(targets) > 150
    assert set(targets) <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))


def test_a_red_cell_leads_to_its_failure(page: Page) -> None:
    """A cell of the matrix with a failure leads to that engine's failure in that chapter."""
    page.locator("table.matrix td.bad a", has_text="crash").click()
    opened = page.locator("details.failure[open]", has=page.locator(":target"))
    assert opened.locator("summary").first.inner_text().split()[1:3] == ["crash", "graph/deep_chain"]


def test_the_sections_are_called_what_the_links_to_them_say(page: Page) -> None:
    """A link of the navigation is the heading that it leads to."""
    for link in page.locator("nav a").all():
        assert page.locator(f"h2{link.get_attribute('href')}").text_content() == link.text_content()


def test_a_folded_failure_says_what_differed(page: Page) -> None:
    """The summary of a failure has its values, not that they differ."""
    summary = page.locator("details.failure:not([open]) summary", has_text="modes/enable_inside")
    assert summary.locator(".gist").inner_text() == "x.grad: expected [4. 8.], got [2. 4.]"


def test_what_was_generated_unfolds_without_javascript(browser: Browser, address: str) -> None:
    """Each engine has a line about its programs; the keyboard unfolds what occurred, what never did, and the lengths."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    entry = page.locator("details.census", has_text="torch 2.13.0")
    assert entry.locator("summary").first.inner_text().split("\n")[-4:] == [
        "2,400 programs",
        "31 of 36 operators",
        "64 of 66 pairs of features",
        "76 sketches unwritable",
    ]
    assert not entry.get_by_text("where, eq, gt").is_visible()
    entry.locator("summary").first.press("Enter")
    assert entry.get_by_text("where, eq, gt").is_visible()
    assert entry.get_by_text("76 sketches of 2,476: 48 out of range, 28 undecided").is_visible()
    assert "10–14: 1,200" in (entry.get_by_role("img").locator("title").text_content() or "")
    assert [each.inner_text().split() for each in entry.locator(".apart > div").all()] == [
        ["hook", "observe", "hook", "replace"],
        ["no_grad", "ties"],
    ]
    context.close()


def test_a_failure_leads_to_the_clause_that_it_breaks(page: Page) -> None:
    """The link of a random program's failure opens the chapter of the clause that its witness breaks."""
    failure = page.locator("details.failure", has_text="program 17 of seed 7")
    failure.locator("summary").first.click()
    failure.get_by_role("link", name="accumulation/each_backward_adds").click()
    assert page.locator(":target h4").inner_text().split()[0] == "accumulation/each_backward_adds"
    assert page.locator(":target").is_visible()


def test_the_structure_can_be_read_aloud(page: Page) -> None:
    """Language, landmarks, one first heading, no level left out, and a scope for every table header."""
    assert page.locator("html").get_attribute("lang") == "en"
    assert [page.get_by_role(role).count() for role in ("main", "navigation", "banner", "contentinfo")] == [
        1,
        1,
        1,
        1,
    ]
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => Number(each.tagName[1]))")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("th").count() > 20
    assert page.locator("th:not([scope])").count() == 0


def test_an_incomplete_journal_has_a_banner(page: Page) -> None:
    """A run that did not end is announced above the figures."""
    banner = page.get_by_role("note", name="tinygrad")
    assert "incomplete" in banner.inner_text()
    assert "figures are not final" in banner.inner_text()


def test_an_engine_with_known_failures_is_not_said_to_conform(browser: Browser, written: Callable[[str], str]) -> None:
    """An engine whose failures are all expected passes the gate, and the page still names its failures."""
    known = {"verdict": "fail", "reason": "until 0.4", "link": "https://example.org/12", "script": "print(1)"}
    page = browser.new_page()
    page.goto(written(render([journal([case("detach/cuts", "fail", expectation=known)])])))
    assert page.locator(".state").inner_text().split() == ["✗", "known", "failures"]
    assert page.locator("table.matrix td a").get_attribute("href") == "#expected"
    assert page.get_by_role("link", name="https://example.org/12").is_visible()
    page.get_by_text("Script", exact=True).click()
    assert page.get_by_text("print(1)").is_visible()
    page.close()


def test_an_injected_script_does_not_run(browser: Browser, written: Callable[[str], str]) -> None:
    """Markup that an engine made is text in every place, also where the page's policy is not enforced."""
    attack = (
        "</pre></style></title><script>window.ran = 1</script>"
        "<img src=x onerror='window.ran = 1'>\" onfocus=\"window.ran=1"
    )
    texts = dict.fromkeys(("message", "why", "expected", "got", "method", "script", "rerun"), attack)
    clause = dict.fromkeys(("sentence", "level", "source", "mutant", "dialect"), attack)
    cases = [case("leaves/flag_is_kept", "fail", **texts), case("leaves/other", conventions={attack: attack})]
    text = render([journal(cases, name=attack, version=attack, clauses={"leaves/flag_is_kept": clause})])
    page = browser.new_context(bypass_csp=True).new_page()
    page.goto(written(text))
    assert page.evaluate("window.ran") is None
    assert (
        page.locator("script, img, [onfocus], [onerror]").count()
        == page.locator("body > script:last-child").count()
        == 1
    )
    assert page.locator("pre.script").inner_text().strip() == attack
    page.context.close()
