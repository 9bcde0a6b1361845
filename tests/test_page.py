"""The page in a browser: both colour schemes, two widths, by keyboard, without a script and a network."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest

from conformance.verdict import VERDICTS
from reports.html import render
from tests.example_clauses import CLAUSES
from tests.example_journals import case, journal, showcase

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

Scheme = Literal["light", "dark"]

_UNFOLD: Final = "document.querySelectorAll('details').forEach(each => each.open = true)"

_CONTRASTS: Final = (Path(__file__).parent / "contrasts.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skips where there is none, unless this is CI, where its absence is a failure."""
    path = shutil.which("chromium")
    if path is None and not os.environ.get("CI"):
        pytest.skip("Chromium is not installed: `apt install chromium` to test the page")
    if path is None:
        pytest.fail("Chromium is not installed, and CI must test the page")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of the showcase is."""
    return _written(tmp_path_factory.mktemp("page"), render(showcase()))


def _written(folder: Path, text: str) -> str:
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def _corner(shown: Locator) -> tuple[float, float]:
    box = shown.bounding_box()
    assert box is not None
    return box["x"], box["y"]


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page of the showcase, opened."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.goto(address)
    yield opened
    opened.close()


def test_every_verdict_is_there_without_javascript(browser: Browser, address: str) -> None:
    """With JavaScript off the page has headlines, clauses, and verdicts in words beside engines."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    shown = page.locator("main").inner_text()
    held = page.locator("main").text_content() or ""
    assert "58 passed, 6 failed, 6 declined of 80" in shown
    verdicts = page.locator("[id='clause-graph-deep_chain'] .verdicts > div").all_inner_texts()
    assert [" ".join(text.split()) for text in verdicts] == [
        "✓ pass torch 2.13.0, jax 0.6.2, mygrad 2.3.0, tinygrad 0.11.0, acme 0.3, reference 0.1.0",
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


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    """With everything unfolded only the tables scroll sideways, at desktop and at telephone width."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    page.evaluate(_UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_failure_opens_by_keyboard(page: Page) -> None:
    """A folded failure takes the focus, shows it, and Enter unfolds the script that ran."""
    failure = page.locator("details.failure:not([open])", has_text="import mygrad").first
    identifier = failure.get_attribute("id")
    opened = page.locator(f"[id='{identifier}']")
    summary = opened.locator("summary").first
    page.keyboard.press("Tab")
    summary.focus()
    assert summary.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    assert not opened.locator("pre.script").is_visible()
    page.keyboard.press("Enter")
    assert opened.locator("pre.script").is_visible()
    assert "import mygrad" in opened.locator("pre.script").inner_text()


def test_dialect_clauses_are_folded(page: Page) -> None:
    """Dialect clauses are out of sight until they are asked for; the others are in sight."""
    assert not page.get_by_text(CLAUSES["graph/grad_fn_names"]["sentence"]).is_visible()
    assert page.get_by_text(CLAUSES["graph/retained"]["sentence"]).is_visible()
    page.locator("#chapter-graph ~ details.dialect summary").click()
    assert page.get_by_text(CLAUSES["graph/grad_fn_names"]["sentence"]).is_visible()


def test_the_first_tab_skips_to_the_content(page: Page) -> None:
    """The first thing that the keyboard reaches is a visible link to the content."""
    page.keyboard.press("Tab")
    focus = page.locator(":focus")
    assert focus.inner_text() == "Skip to the content"
    assert _corner(focus)[1] >= 0
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
    assert page.locator(":target summary").first.inner_text().split()[1:3] == ["crash", "graph/deep_chain"]


def test_the_head_of_the_matrix_stays(page: Page) -> None:
    """Engines and chapters stay in sight while the matrix scrolls, at a size where it has to."""
    page.set_viewport_size({"width": 500, "height": 400})
    region = page.locator(".scroll", has=page.locator("table.matrix"))
    region.evaluate("each => each.scrollTo(400, 250)")
    left, top = _corner(region)
    head, chapter = page.locator("table.matrix thead th").nth(4), page.locator("table.matrix tbody th").nth(7)
    assert region.evaluate("each => each.scrollLeft > 100 && each.scrollTop > 100")
    assert abs(_corner(head)[1] - top) <= 4
    assert abs(_corner(chapter)[0] - left) <= 4


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


def test_an_engine_with_known_failures_is_not_said_to_conform(browser: Browser, tmp_path: Path) -> None:
    """An engine whose failures are all expected passes the gate, and the page still names its failures."""
    known = {"verdict": "fail", "reason": "until 0.4", "link": "https://example.org/12", "script": "print(1)"}
    page = browser.new_page()
    page.goto(_written(tmp_path, render([journal([case("detach/cuts", "fail", expectation=known)])])))
    assert page.locator(".state").inner_text().split() == ["✗", "known", "failures"]
    assert page.locator("table.matrix td a").get_attribute("href") == "#expected"
    assert page.get_by_role("link", name="https://example.org/12").is_visible()
    page.get_by_text("Script", exact=True).click()
    assert page.get_by_text("print(1)").is_visible()
    page.close()


def test_an_injected_script_does_not_run(browser: Browser, tmp_path: Path) -> None:
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
    page.goto(_written(tmp_path, text))
    assert page.evaluate("window.ran") is None
    assert page.locator("script, img, [onfocus], [onerror]").count() == 0
    assert page.locator("pre.script").inner_text().strip() == attack
    page.context.close()
