"""report.html as a colleague opens it: from a file, in a browser, with no network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import etelecom_analytics as et

ROOT = Path(__file__).parent.parent.parent
CHARTS = ["answer_rate", "heatmap", "ring_durations", "extension_performance"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_draws_every_chart_and_asks_for_nothing(dark: bool, watched: Callable[..., Any], tmp_path: Path):
    path = et.write_page(et.read_snapshot(ROOT / "data" / "sample"), tmp_path / "report.html")
    page = watched(dark=dark)
    page.page.goto(path.as_uri())

    for name in CHARTS:
        page.page.wait_for_selector(f"#{name} svg")
        marks = page.page.locator(f"#{name} svg g[role='graphics-object'] :is(path, rect, line, text)")
        assert marks.count() > 10, name
    page.picture(f"report-{'dark' if dark else 'light'}")
    page.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.picture(f"report-end-{'dark' if dark else 'light'}")
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
