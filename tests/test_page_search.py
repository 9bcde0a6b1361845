"""Searching the page by the keyboard alone, copying a script, and what is left of both without a script and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest_plugins = ["tests.example_browser"]

_FOCUSED: Final = "(document.activeElement.closest('[data-entry]') ?? document.activeElement).dataset.entry"
_SELECTS: Final = ("engine", "verdict", "level", "chapter")


def _found(page: Page) -> str:
    return page.locator(".find output").inner_text()


def _search(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)


def _shown(page: Page, kind: str) -> int:
    return int(page.locator(f"[data-entry={kind}]:not([hidden])").count())


def _choose(page: Page, name: str, value: str) -> None:
    """Goes to a field by the tabulator, and types its value."""
    page.keyboard.press("/")
    for _ in range(_SELECTS.index(name) + 1):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == name
    page.keyboard.type(value)


def test_a_text_is_found_by_keyboard(page: Page) -> None:
    """`/` goes to the search from anywhere; the hits are counted aloud, and the rest is out of sight."""
    before = page.locator("details.chapter[open]").count()
    _search(page, "deep_chain")
    assert page.evaluate("document.activeElement.name") == "text"
    assert _found(page) == "2 failures, 1 clause"
    assert page.locator(".find output").get_attribute("aria-live") == "polite"
    assert (_shown(page, "failure"), _shown(page, "expected"), _shown(page, "clause")) == (2, 0, 1)
    assert page.locator("[id='clause-graph-deep_chain']").is_visible()
    assert page.locator("details.chapter:visible").count() == 1
    count = page.locator("details.chapter:visible .count")
    assert count.evaluate("each => getComputedStyle(each, '::after').content") == '", 1 found"'
    page.keyboard.press("Escape")
    assert _found(page) == ""
    assert page.locator("[data-entry][hidden]").count() == 0
    assert page.locator("details.chapter[open]").count() == before


def test_every_word_must_be_there(page: Page) -> None:
    """Words are looked for in any order and case; nothing found is said."""
    _search(page, "ADDS each_backward acme")
    assert _found(page) == "2 failures, 1 clause"
    page.keyboard.type(" nowhere")
    assert _found(page) == "nothing found"


def test_arrows_go_from_hit_to_hit(page: Page) -> None:
    """Down and up go through what was found and back to the text, Enter unfolds, and the focus is always seen."""
    _search(page, "deep_chain")
    seen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        seen.append(page.evaluate(_FOCUSED))
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"
        box = page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
        bar = page.evaluate("document.querySelector('.find').getBoundingClientRect().bottom")
        assert page.evaluate("document.activeElement.name") == "text" or bar <= box["top"] < box["bottom"] <= 900
    assert seen == ["failure", "failure", "clause", "clause", "failure", "failure", None]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("details.failure[open] pre.script:visible, details.failure[open] .body:visible").count()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.name") == "text"
    assert _found(page) == ""


def test_enter_goes_to_the_first_hit(page: Page) -> None:
    """Enter in the text goes to what was found first; arrows do nothing unless something is searched."""
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("modes/enable_inside")
    page.keyboard.press("Enter")
    assert "modes/enable_inside" in page.locator(":focus").inner_text()


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("engine", "micrograd", "1 failure, 40 clauses"),
        ("verdict", "crash", "1 failure, 1 clause"),
        ("verdict", "timeout", "1 failure, 1 clause"),
        ("level", "convention", "1 failure, 4 clauses"),
        ("chapter", "detach", "1 failure, 1 expected failure, 3 clauses"),
    ],
)
def test_the_search_is_narrowed_by_keyboard(page: Page, name: str, value: str, found: str) -> None:
    """Engine, verdict, level and chapter are reached by the tabulator, and narrow the search."""
    _choose(page, name, value)
    assert _found(page) == found
    page.keyboard.press("Escape")
    assert _found(page) == ""


def test_engine_and_verdict_are_of_one_case(page: Page) -> None:
    """A clause that crashed on one engine and passed on another is no crash of the other."""
    _choose(page, "verdict", "crash")
    _choose(page, "engine", "torch")
    assert _found(page) == "nothing found"
    _choose(page, "engine", "micrograd")
    assert _found(page) == "1 failure, 1 clause"


def test_a_slash_in_a_text_is_a_slash(page: Page) -> None:
    """An id can be typed: its slash is not the command."""
    _search(page, "graph/deep")
    assert page.locator(".find input").input_value() == "graph/deep"


def test_a_link_leads_to_what_the_search_has_hidden(page: Page) -> None:
    """A cell of the matrix leads to its failure, though the search left it out."""
    _search(page, "enable_inside")
    cell = page.locator("table.matrix td.bad a", has_text="crash")
    assert not page.locator(f"[id='{(cell.get_attribute('href') or '')[1:]}']").is_visible()
    cell.press("Enter")
    assert page.locator(":target").is_visible()
    assert _found(page) == ""


def test_a_script_is_copied(browser: Browser, address: str) -> None:
    """The button beside a script copies what it shows, says so aloud, and is reached by the tabulator."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(address)
    sample = page.locator("details.failure[open] .sample").first
    sample.get_by_role("button", name="Copy").press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == sample.locator("pre").text_content()
    assert page.locator("#copied").inner_text() == "Copied the text"
    context.close()


def test_a_script_is_selected_where_nothing_may_be_copied(page: Page) -> None:
    """Where the clipboard is denied, the text is selected for the reader to copy."""
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    sample = page.locator("details.failure[open] .sample").first
    sample.get_by_role("button").click()
    page.get_by_role("button", name="Selected").wait_for()
    assert page.evaluate("getSelection().toString().trim()") == sample.locator("pre").inner_text().strip()


def test_without_a_script_nothing_waits_for_one(browser: Browser, address: str) -> None:
    """With JavaScript off there is no search and no button; every failure and clause is there and unfolds."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert not page.locator(".find").is_visible()
    assert page.locator("button.copy").count() == 0
    assert page.locator("[data-entry][hidden]").count() == 0
    page.locator("details.failure:not([open]) summary").first.press("Enter")
    assert page.locator("details.failure[open]").count() == 2
    context.close()


def test_paper_has_no_search_and_no_buttons(page: Page) -> None:
    """In print nothing is there to be pressed, nothing stands over something else, and engines' sections are unfolded."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    assert page.locator(".find").is_visible() is False
    assert page.locator("button:visible").count() == 0
    sticky = "[...document.querySelectorAll('*')].filter(each => getComputedStyle(each).position === 'sticky').length"
    assert page.evaluate(sticky) == 0
    cut = (
        "[...document.querySelectorAll('.board td, .board th')].filter(each => each.scrollWidth > each.clientWidth + 1)"
    )
    assert page.evaluate(f"{cut}.map(each => each.textContent)") == []
    bodies = page.locator("details.run:not([open]) .body")
    assert bodies.count() > 5
    assert bodies.evaluate_all("all => all.every(each => each.getBoundingClientRect().height > 0)")


def test_a_script_that_is_not_ours_does_not_run(browser: Browser, address: str) -> None:
    """The page's policy lets one script run, by its hash, and no other."""
    page = browser.new_page()
    page.goto(address)
    assert page.locator(".find").is_visible()
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran") is None
    page.close()
