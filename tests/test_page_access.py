"""The page and axe-core: no finding, in both colour schemes, on a desktop and a telephone, folded, unfolded and searched."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest_plugins = ["tests.example_browser"]

Scheme = Literal["light", "dark"]

_UNFOLD: Final = "document.querySelectorAll('details').forEach(each => each.open = true)"
# Without axe-core these tests are skipped, but not in CI.
_LOADED: Final = import_module if os.environ.get("CI") else pytest.importorskip
# Besides the rules that axe-core has enabled, the one of WCAG 2.2 that it has not.
_OPTIONS: Final = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def _findings(page: Page) -> list[str]:
    """What axe-core finds: the rule, how grave it is, and the first place."""
    axe = _LOADED("axe_playwright_python.sync_playwright")
    found: list[dict[str, Any]] = axe.Axe().run(page, options=_OPTIONS).response["violations"]
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing(browser: Browser, address: str, scheme: Scheme, width: int) -> None:
    """With everything unfolded no rule of axe-core is broken."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(address)
    page.evaluate(_UNFOLD)
    assert _findings(page) == []
    page.close()


def test_axe_finds_nothing_while_something_is_searched(page: Page) -> None:
    """With hits, and with none."""
    page.keyboard.press("/")
    page.keyboard.type("deep_chain")
    assert _findings(page) == []
    page.keyboard.type(" nowhere")
    assert _findings(page) == []


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        ("color-contrast", "document.querySelector('.hint').style.color = '#ccc'"),
        (
            "select-name",
            "document.querySelector('.find select').closest('label').replaceWith(document.querySelector('.find select'))",
        ),
        (
            "scrollable-region-focusable",
            "document.querySelectorAll('.scroll').forEach(each => each.removeAttribute('tabindex'))",
        ),
        (
            "label",
            "document.querySelector('.find .text').replaceWith(document.querySelector('.find input'))",
        ),
        (
            "target-size",
            "document.querySelectorAll('nav a').forEach(each => each.style.cssText ="
            "'all: revert; display: block; overflow: hidden; width: 6px; height: 6px; padding: 0; margin: 0')",
        ),
    ],
)
def test_axe_finds_what_is_broken_on_purpose(browser: Browser, address: str, rule: str, harm: str) -> None:
    """A page that was harmed has the finding, so that the tests above can fail."""
    page = browser.new_page(viewport={"width": 400, "height": 900}, color_scheme="light")
    page.goto(address)
    page.evaluate(harm)
    assert any(finding.startswith(f"{rule} ") for finding in _findings(page))
    page.close()


def test_text_twice_as_large_fits(browser: Browser, address: str) -> None:
    """With text of twice the size nothing but tables scrolls sideways, and the search is whole."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    page.evaluate(_UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    widths = page.locator(".clause h4").evaluate_all("all => all.map(each => each.clientWidth)")
    assert min(widths) > 400
    fields = page.locator(".find label, .find button")
    cut = "all => all.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
    assert fields.evaluate_all(cut) == []
    page.close()


def test_what_scrolls_is_scrolled_by_keyboard(page: Page) -> None:
    """On a telephone the scoreboard takes the focus, and the arrow keys scroll it; engines' names stay."""
    page.set_viewport_size({"width": 400, "height": 900})
    board = page.get_by_role("region", name="Scoreboard")
    board.focus()
    name = board.locator("tbody th").first
    left = name.evaluate("each => each.getBoundingClientRect().left")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert board.evaluate("each => each.scrollLeft") > 100
    assert abs(name.evaluate("each => each.getBoundingClientRect().left") - left) <= 1


def test_every_region_that_scrolls_has_a_name_and_takes_the_focus(page: Page) -> None:
    """Not every browser lets the keyboard reach what scrolls unless it is asked to."""
    regions = page.locator(".scroll, .figures")
    assert regions.count() > 10
    said = regions.evaluate_all("all => all.map(each => [each.role, each.tabIndex, each.getAttribute('tabindex')])")
    assert {tuple(each) for each in said} == {("region", 0, "0")}
    names = regions.evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    assert all(names)
    assert len(set(names)) == len(names)
