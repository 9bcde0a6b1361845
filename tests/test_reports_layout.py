"""How the page looks in a browser: colours, widths, on a telephone and on paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytest_plugins = ["tests.example_browser"]

Scheme = Literal["light", "dark"]

_UNFOLD: Final = "document.querySelectorAll('details').forEach(each => each.open = true)"
_CONTRASTS: Final = (Path(__file__).parent / "contrasts.js").read_text(encoding="utf-8")


def _corner(shown: Locator) -> tuple[float, float]:
    box = shown.bounding_box()
    assert box is not None
    return box["x"], box["y"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_colour_schemes(browser: Browser, address: str, scheme: Scheme) -> None:
    """Every text has the contrast of WCAG AA, 4.5 to 1, with everything unfolded, in light and in dark."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(address)
    page.evaluate(_UNFOLD)
    contrasts = page.evaluate(_CONTRASTS)
    assert len(contrasts) > 500
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []
    page.close()


def test_the_colour_schemes_differ(browser: Browser, address: str) -> None:
    """The page is dark for a reader who prefers dark, and light otherwise."""
    levels = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(address)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        levels[scheme] = sum(int(part) for part in re.findall(r"\d+", colour)) / 3
        page.close()
    assert levels["light"] > 200
    assert levels["dark"] < 60


@pytest.mark.parametrize("width", [1280, 640, 400, 320])
def test_the_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    """With everything unfolded only the tables scroll sideways, on a desktop, enlarged to twice the size, and on a telephone."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    page.evaluate(_UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_matrix_is_whole_and_scrolls_sideways_alone(page: Page) -> None:
    """No row is cut off at any width; on a telephone the names of the chapters stay, and words say that there is more."""
    region = page.locator(".scroll", has=page.locator("table.matrix"))
    more = page.locator(".sheet", has=page.locator("table.matrix")).locator(".more")
    assert more.evaluate("each => each.clientHeight") == 0
    page.set_viewport_size({"width": 400, "height": 500})
    assert more.evaluate("each => each.clientHeight") > 0
    assert region.evaluate("each => each.scrollHeight <= each.clientHeight")
    left = _corner(region)[0]
    region.evaluate("each => each.scrollTo(400, 0)")
    assert region.evaluate("each => each.scrollLeft > 100")
    assert abs(_corner(page.locator("table.matrix tbody th").nth(7))[0] - left) <= 4


def test_figures_stand_below_each_other(page: Page) -> None:
    """In the table of numbers each column ends at one edge, the header too, and an engine's name stays when it scrolls."""
    table = page.locator("table.sums").first
    edges = table.evaluate(
        """table => [...table.rows].map(row => [...row.cells].slice(1).map(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return Math.round(range.getBoundingClientRect().right);
        }))"""
    )
    assert len(edges) > 3
    assert all(abs(edge - head) <= 1 for row in edges[1:] for edge, head in zip(row, edges[0], strict=True))
    widths = table.evaluate("table => [...table.rows[0].cells].slice(1).map(cell => Math.round(cell.clientWidth))")
    assert max(widths) - min(widths) <= 1
    page.set_viewport_size({"width": 320, "height": 700})
    name = table.locator("tbody th").first
    left = _corner(name)[0]
    page.locator(".scroll", has=page.locator("table.sums")).first.evaluate("each => each.scrollTo(300, 0)")
    assert page.locator(".scroll", has=page.locator("table.sums")).first.evaluate("each => each.scrollLeft > 100")
    assert abs(_corner(name)[0] - left) <= 1


def test_bars_are_as_high_as_their_counts(page: Page) -> None:
    """The bars of the lengths stand on one line, and their heights are as their counts."""
    page.evaluate(_UNFOLD)
    heights = (
        page.locator("svg.bins")
        .first.locator("rect")
        .evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    )
    assert [round(height / max(heights), 2) for height in heights] == [0.5, 1, 0.25, 0, 0.25]
    bottoms = (
        page.locator("svg.bins")
        .first.locator("rect")
        .evaluate_all("all => all.map(each => Math.round(each.getBoundingClientRect().bottom))")
    )
    assert len(set(bottoms)) == 1


def test_a_cell_is_as_green_as_what_passed(page: Page) -> None:
    """Where cases were declined, the cell says how many and is green up to the share that passed."""
    row = page.locator("table.matrix tr", has_text="graph")
    cell = row.locator("td", has_text="4 declined").last
    assert " ".join(cell.inner_text().split()) == "✓ 6 passed 4 declined"
    assert "60%" in cell.evaluate("each => getComputedStyle(each).backgroundImage")
    full = row.locator("td", has_text="10 passed")
    assert full.evaluate("each => getComputedStyle(each).backgroundImage") == "none"
    colours = [each.evaluate("each => getComputedStyle(each).backgroundColor") for each in (cell, full)]
    assert colours[0] != colours[1]


def test_an_expected_failure_is_amber_wherever_it_is(page: Page) -> None:
    """What an expectation explains has one colour, in the matrix, among the expected and among the clauses."""
    clause = page.locator("[id='clause-detach-cuts'] .verdict", has_text="expected fail")
    shown = [clause, page.locator("table.wide .verdict"), page.locator("table.matrix td", has_text="expected fail")]
    assert len({each.evaluate("each => getComputedStyle(each).color") for each in shown}) == 1
    assert clause.get_attribute("class") == "verdict known"


def test_the_header_of_a_telephone_has_two_lines(page: Page) -> None:
    """At 400 pixels the name is one line and the navigation another, which scrolls."""
    page.set_viewport_size({"width": 400, "height": 900})
    tops = {round(_corner(link)[1]) for link in page.locator("nav a").all()}
    assert len(tops) == 1
    height = page.locator("header.top").evaluate("each => each.clientHeight")
    assert height < 90


def test_a_command_is_not_broken_within_a_word(page: Page) -> None:
    """The command that runs a case again ends its lines at blanks, and can be copied."""
    page.set_viewport_size({"width": 400, "height": 900})
    page.evaluate(_UNFOLD)
    words = page.locator("pre.rerun").first.locator("span")
    assert words.evaluate_all("all => all.every(each => each.getClientRects().length === 1)")
    assert page.locator("pre.rerun").first.inner_text().strip() == (
        "autograd-conformance run --engine acme --select 'accumulation/each_backward_adds*' --seed 7"
    )


def test_paper_shows_everything(page: Page) -> None:
    """In print nothing is folded and no table is cut."""
    hidden = page.locator("details:not([open]) p.sentence, details:not([open]) pre.script")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    assert hidden.count() > 20
    assert hidden.evaluate_all("all => all.every(each => each.getBoundingClientRect().height > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
