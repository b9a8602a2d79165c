"""The pages of the documentation: readable on a phone and a laptop, light and dark, offline."""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.browser import ROOT, barriers

pytestmark = pytest.mark.browser

PAGES = sorted(
    str(path.relative_to(ROOT / "docs").with_suffix(".html"))
    for path in (ROOT / "docs").rglob("*.md")
)
SWITCH = "scheme => document.querySelector(`input[data-md-color-scheme=${scheme}]`).click()"
SHOWS = "scheme => document.body.dataset.mdColorScheme === scheme"


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the documentation, which is built with --strict."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# The pages of the reference are long: axe takes seconds for each, and a minute for the longest.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name.startswith("reference/") else ())
        for name in PAGES
    ],
)
def test_page_is_readable(name: str, site: str, open_page: Callable[..., Any]):
    """The page is opened once: on a laptop in light, then on a phone in dark colours.

    The long pages of the reference, which are all alike, are only opened on a phone.
    """
    browser_page = open_page()
    page = browser_page.page
    page.goto(f"{site}/{name}")
    page.wait_for_function("document.querySelector('.md-search').ariaLabel")

    problems = []
    views = (
        [("slate", 390)] if name.startswith("reference/") else [("default", 1280), ("slate", 390)]
    )
    for scheme, width in views:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(SWITCH, scheme)
        page.wait_for_function(SHOWS, arg=scheme)
        page.wait_for_timeout(300)  # tables become focusable when they are laid out
        problems += [f"at {width}: {finding}" for finding in barriers(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"at {width}: scrolls sideways")
        browser_page.screenshot(f"docs-{Path(name).stem}-{width}-{scheme}")

    assert problems == []
    assert browser_page.errors == []
    assert [url for url in browser_page.requests if not url.startswith((site, "data:"))] == []


def test_pages_are_found():
    assert len(PAGES) > 15


@pytest.mark.parametrize(("dark", "scheme"), [(False, "default"), (True, "slate")])
def test_colours_are_those_of_the_browser(
    dark: bool, scheme: str, site: str, open_page: Callable[..., Any]
):
    page = open_page(dark=dark).page
    page.goto(f"{site}/{PAGES[0]}")

    page.wait_for_function(SHOWS, arg=scheme)
