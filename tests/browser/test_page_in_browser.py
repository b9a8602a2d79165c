"""Pages and reports as a colleague opens them: from a file, in a browser, with no network."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import polars as pl
import pytest

import etelecom_analytics as et

ROOT = Path(__file__).parent.parent.parent
CHARTS = ["answer_rate", "heatmap", "ring_durations", "extension_performance"]
REPORTS = {"weekly": 7, "extensions": 3}
"""The bundled reports, and how many charts each has."""
EVIL = "<img src=x onerror=document.title='pwned'></script><script>document.title='pwned'</script>"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_draws_every_chart_and_asks_for_nothing(
    dark: bool, watched: Callable[..., Any], tmp_path: Path
):
    path = et.write_page(et.read_snapshot(ROOT / "data" / "sample"), tmp_path / "report.html")
    page = watched(dark=dark)
    page.page.goto(path.as_uri())

    for name in CHARTS:
        page.page.wait_for_selector(f"#{name} svg")
        marks = page.page.locator(
            f"#{name} svg g[role='graphics-object'] :is(path, rect, line, text)"
        )
        assert marks.count() > 10, name
    page.picture(f"report-{'dark' if dark else 'light'}")
    page.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.picture(f"report-end-{'dark' if dark else 'light'}")
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def assert_well(page: Any) -> None:
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    options = {"ivr_numbers": ["8000", "8100"]}
    return {
        name: et.write_report(
            ROOT / "data" / "sample",
            folder / f"{name}.html",
            notebook=name,
            parameters={"options": options},
        )
        for name in REPORTS
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_draws_every_chart_and_asks_for_nothing(
    name: str, dark: bool, reports: dict[str, Path], watched: Callable[..., Any]
):
    page = watched(dark=dark)
    page.page.goto(reports[name].as_uri())

    for place in range(1, REPORTS[name] + 1):
        page.page.wait_for_selector(f"#chart-{place} svg")
        assert (
            page.page.locator(
                f"#chart-{place} svg g[role='graphics-object'] :is(path, rect, line, text)"
            ).count()
            > 10
        ), place
    assert page.page.locator("[id^=chart-]").count() == REPORTS[name]
    for place in range(1, REPORTS[name] + 1):
        page.picture_of(
            page.page.locator(f"#chart-{place}"), f"{name}-{place}-{'dark' if dark else 'light'}"
        )
    page.picture(f"{name}-{'dark' if dark else 'light'}")
    page.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.picture(f"{name}-end-{'dark' if dark else 'light'}")
    # They are interactive: what a bar tells shows when the mouse is over it.
    page.page.locator("#chart-1 svg g.mark-rect path").first.hover()
    page.page.wait_for_selector("#vg-tooltip-element.visible")
    assert_well(page)


def test_what_comes_from_outside_stays_text_in_a_report(
    watched: Callable[..., Any], tmp_path: Path
):
    """In titles, axes, tooltips, tables and words; the scripts of the report are the only ones that its policy lets run."""
    logs = et.read_snapshot(ROOT / "data" / "sample")
    legs = pl.element().struct.with_fields(target_number=pl.lit(EVIL), trunk_name=pl.lit(EVIL))
    evil = logs.calls.with_columns(
        note=pl.lit(EVIL),
        caller=pl.lit(EVIL),
        callee=pl.lit(EVIL),
        call_targets=pl.col("call_targets").list.eval(legs),
    )
    snapshot = et.write_snapshot(
        dataclasses.replace(logs, calls=evil.cast(logs.calls.schema)), tmp_path / "evil"
    )
    sources = [
        "import etelecom_analytics as et\nfrom IPython.display import HTML, Markdown, display\net.charts.use_offline_renderer()\n"
        "logs = et.read_snapshot(snapshot)\nnote = logs.calls['note'][0]\nlogs.calls.select('note', 'caller').head(2)",
        "et.reports.table(logs.calls.select('note', 'caller').head(2))",
        "display(HTML(note), Markdown(note)); print(note)",
        "et.charts.answer_rate(logs.calls, by='caller').properties(title=note, description=note)",
        "et.charts.extension_performance(logs.calls)",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in ['snapshot: str = ""', *sources]]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "evil.ipynb")
    report = et.write_report(snapshot, tmp_path / "evil.html", notebook=tmp_path / "evil.ipynb")
    page = watched()
    page.page.goto(report.as_uri())

    for place in (1, 2):
        page.page.wait_for_selector(f"#chart-{place} svg")
    page.page.locator("#chart-1 svg g.mark-rect path").first.hover()
    page.page.wait_for_selector("#vg-tooltip-element.visible")
    assert "<img src=x" in page.page.locator("#vg-tooltip-element").inner_text()
    assert page.page.locator("img").count() == 0
    assert page.page.locator("script").count() == 2
    assert "pwned" not in page.page.title()
    page.picture("report-evil")
    assert_well(page)


def test_a_script_that_came_in_all_the_same_would_not_run(
    reports: dict[str, Path], watched: Callable[..., Any], tmp_path: Path
):
    """The second wall: the policy holds where the first one, escaping, had a hole."""
    path = tmp_path / "hole.html"
    path.write_text(
        reports["extensions"].read_text(encoding="utf-8").replace("<h1>", f"{EVIL}<h1>", 1),
        encoding="utf-8",
    )
    page = watched()
    page.page.goto(path.as_uri())

    page.page.wait_for_selector("#chart-1 svg")
    assert page.page.locator("img").count() == 1
    assert "pwned" not in page.page.title()
    assert len(page.errors) >= 2  # the browser says what it did not run
