"""The fixtures of the tests that look at the page in a browser; they are asked for by `pytest_plugins`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.html import render
from tests.example_journals import showcase

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skips where there is none, unless this is CI, where its absence is a failure."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
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
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Writes a page and says its address."""

    def write(text: str) -> str:
        path: Path = tmp_path_factory.mktemp("page") / "page.html"
        path.write_text(text, encoding="utf-8")
        return path.as_uri()

    return write


@pytest.fixture(scope="module")
def address(written: Callable[[str], str]) -> str:
    """Where the page of the showcase is."""
    return written(render(showcase()))


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page of the showcase, opened."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.goto(address)
    yield opened
    opened.close()
