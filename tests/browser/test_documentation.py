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
from axe_playwright_python.sync_playwright import Axe
from support.browser import ROOT

pytestmark = pytest.mark.browser

PAGES = sorted(
    str(path.relative_to(ROOT / "docs").with_suffix(".html"))
    for path in (ROOT / "docs").rglob("*.md")
)


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


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)], ids=["laptop", "phone"])
def test_pages_are_readable(dark: bool, width: int, site: str, open_page: Callable[..., Any]):
    browser_page = open_page(dark=dark)
    page = browser_page.page
    page.set_viewport_size({"width": width, "height": 900})

    findings = []
    for name in PAGES:
        page.goto(f"{site}/{name}")
        page.wait_for_function("document.querySelector('.md-search').ariaLabel")
        page.wait_for_timeout(300)  # tables become focusable when they are laid out
        violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        findings += [
            f"{name} {violation['id']}: {node['html']}"
            for violation in violations
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            findings.append(f"{name} scrolls sideways")
        browser_page.screenshot(f"docs-{Path(name).stem}-{width}-{'dark' if dark else 'light'}")

    assert len(PAGES) > 15
    assert findings == []
    assert browser_page.errors == []
    assert [url for url in browser_page.requests if not url.startswith((site, "data:"))] == []
