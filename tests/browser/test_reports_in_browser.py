"""Pages and reports opened from a file in a browser, without a network."""

import dataclasses
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import polars as pl
import pytest
from support.browser import barriers

import etelecom_analytics as et
from etelecom_analytics.charts import theme
from etelecom_analytics.language import speaking
from etelecom_analytics.reports.page import chart_figure, page_html
from etelecom_analytics.reports.pdf import find_browser, write_pdf

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent.parent
CHARTS = ["answer_rate", "heatmap", "ring_durations", "extension_performance"]
REPORTS = {"weekly": 7, "extensions": 3}
"""The bundled reports, and their numbers of charts."""
# The attribute is set after the last of the passes in which a chart finds its width.
_ALL_ARE_DRAWN = (
    "[...document.querySelectorAll('figure > div')]"
    ".every((each) => each.querySelector('svg[aria-hidden]'))"
)
HOSTILE = (
    "<img src=x onerror=document.title='pwned'></script><script>document.title='pwned'</script>"
)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_draws_every_chart_without_requests(
    dark: bool, open_page: Callable[..., Any], tmp_path: Path
):
    path = et.write_page(et.read_snapshot(ROOT / "data" / "sample"), tmp_path / "report.html")
    page = open_page(dark=dark)
    page.page.goto(path.as_uri())

    for name in CHARTS:
        page.page.wait_for_selector(f"#{name} svg")
        marks = page.page.locator(
            f"#{name} svg g[role='graphics-object'] :is(path, rect, line, text)"
        )
        assert marks.count() > 10, name
    page.screenshot(f"report-{'dark' if dark else 'light'}")
    page.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.screenshot(f"report-end-{'dark' if dark else 'light'}")
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def gallery_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every chart."""
    return write_gallery(tmp_path_factory.mktemp("gallery"), "en")


@pytest.fixture(scope="module")
def vietnamese_gallery_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same page in Vietnamese, whose texts are longer."""
    return write_gallery(tmp_path_factory.mktemp("gallery"), "vi")


def write_gallery(folder: Path, language: str) -> Path:
    logs = et.read_snapshot(ROOT / "data" / "sample")
    options = et.MetricOptions(ivr_numbers=["8000", "8100"])
    inbound = logs.calls.filter(direction="in")
    blocked = {"02471080002": date(2026, 11, 17)}
    desk = et.simulator.simulate_outbound(1_500, blocked=blocked).calls
    with speaking(language):
        charts = {
            **dict(et.charts.gallery(logs.calls, options=options, coverage=logs.report)),
            "control": et.charts.control(logs.calls, options=options),
            "group_limits": et.charts.group_limits(logs.calls, options=options),
            "by_callee": et.charts.answer_rate(inbound, by="callee", options=options),
            "waits": et.charts.measure_by(logs.calls, measure="asa_s", by="hour", options=options),
            "talk": et.charts.heatmap(logs.calls, measure="agent_talk_avg_s", options=options),
            "around_target": et.charts.heatmap(inbound, measure="answer_rate", target=0.8),
            "outbound_answer_rate": et.charts.outbound_answer_rate(desk, by="prefix"),
            "outbound_attempts": et.charts.outbound_attempts(desk, by="carrier"),
            "outbound_hours": et.charts.outbound_hours(desk),
            "outbound_levels": et.charts.outbound_levels(desk),
            "journey": et.charts.journey(logs.calls, logs.calls["id"].item(0)),
        }
        specs = {name: chart.to_dict() for name, chart in charts.items()}
        parts = [chart_figure(name, spec) for name, spec in specs.items()]
        page = page_html(title="Charts", parts=parts, charts=specs, facts=[])
    path = folder / "gallery.html"
    path.write_text(page, "utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_chart_fits_a_phone_and_follows_its_page(
    dark: bool, gallery_page: Path, open_page: Callable[..., Any]
):
    page = open_page(dark=dark)
    page.page.set_viewport_size({"width": 390, "height": 900})
    page.page.goto(gallery_page.as_uri())
    figures = page.page.locator("figure")
    page.page.wait_for_function(_ALL_ARE_DRAWN)

    for index in range(figures.count()):
        figure = figures.nth(index)
        box = figure.locator("svg").first.bounding_box()
        assert box["x"] >= 0, index
        assert box["x"] + box["width"] <= 390, index
        assert figure.get_by_text("About this chart").is_visible()
        # A chart that was shrunk as an image would have unreadable text.
        assert float(figure.locator("svg").first.get_attribute("width")) <= 1.1 * 350, index
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    colour = figures.first.locator("svg .role-axis-label text").first.get_attribute("fill")
    assert colour == (theme.DARK if dark else theme.LIGHT)["axis"]["labelColor"]
    page.screenshot(f"gallery-390-{'dark' if dark else 'light'}")
    page.page.emulate_media(color_scheme="light" if dark else "dark")
    other = (theme.LIGHT if dark else theme.DARK)["axis"]["labelColor"]
    page.page.wait_for_function(
        f"document.querySelector('svg .role-axis-label text')?.getAttribute('fill') === '{other}'"
    )
    assert page.warnings == []
    assert_no_errors(page)


OVERLAPS = """svg => {
  const boxes = [...svg.querySelectorAll('text')]
    .filter((each) => each.textContent.trim() && getComputedStyle(each).opacity > 0)
    .map((each) => [each.textContent, each.getBoundingClientRect()]);
  const frame = svg.getBoundingClientRect();
  const found = [];
  boxes.forEach(([text, box], place) => {
    if (box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) found.push(`cut: ${text}`);
    for (const [other, next] of boxes.slice(place + 1)) {
      const width = Math.min(box.right, next.right) - Math.max(box.left, next.left);
      const height = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
      // Boxes are higher than letters.
      const share = height / Math.min(box.height, next.height);
      if (width > 1 && share > 0.35) found.push(`${text} | ${other}`);
    }
  });
  return found;
}"""
"""The texts of a chart that overlap or are cut."""


@pytest.mark.parametrize("gallery", ["gallery_page", "vietnamese_gallery_page"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_text_of_a_chart_is_cut_or_overlaps(
    width: int, gallery: str, request: pytest.FixtureRequest, open_page: Callable[..., Any]
):
    page = open_page()
    page.page.set_viewport_size({"width": width, "height": 900})
    page.page.goto(request.getfixturevalue(gallery).as_uri())
    page.page.wait_for_function(_ALL_ARE_DRAWN)

    figures = page.page.locator("figure > div").all()
    overlaps = {
        figure.get_attribute("id"): figure.locator("svg").first.evaluate(OVERLAPS)
        for figure in figures
    }

    assert len(overlaps) > 20
    assert {name: texts for name, texts in overlaps.items() if texts} == {}


def assert_no_errors(page: Any) -> None:
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []


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
def test_report_draws_every_chart_without_requests(
    name: str, dark: bool, reports: dict[str, Path], open_page: Callable[..., Any]
):
    page = open_page(dark=dark)
    page.page.goto(reports[name].as_uri())

    for number in range(1, REPORTS[name] + 1):
        page.page.wait_for_selector(f"#chart-{number} svg")
        assert (
            page.page.locator(
                f"#chart-{number} svg g[role='graphics-object'] :is(path, rect, line, text)"
            ).count()
            > 10
        ), number
    assert page.page.locator("[id^=chart-]").count() == REPORTS[name]
    for number in range(1, REPORTS[name] + 1):
        page.screenshot_of(
            page.page.locator(f"#chart-{number}"), f"{name}-{number}-{'dark' if dark else 'light'}"
        )
    page.screenshot(f"{name}-{'dark' if dark else 'light'}")
    page.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.screenshot(f"{name}-end-{'dark' if dark else 'light'}")
    # Charts are interactive: a bar shows its tooltip when the mouse is over it.
    page.page.locator("#chart-1 svg g.mark-rect path").first.hover()
    page.page.wait_for_selector("#vg-tooltip-element.visible")
    assert_no_errors(page)


def test_values_of_calls_are_escaped_in_a_report(open_page: Callable[..., Any], tmp_path: Path):
    """In titles, axes, tooltips, tables and text; only the report's own scripts run."""
    logs = et.read_snapshot(ROOT / "data" / "sample")
    legs = pl.element().struct.with_fields(
        target_number=pl.lit(HOSTILE), trunk_name=pl.lit(HOSTILE)
    )
    hostile = logs.calls.with_columns(
        note=pl.lit(HOSTILE),
        caller=pl.lit(HOSTILE),
        callee=pl.lit(HOSTILE),
        user_id=pl.lit(HOSTILE),  # phone numbers are drawn in normal form, without brackets
        call_targets=pl.col("call_targets").list.eval(legs),
    )
    snapshot = et.write_snapshot(
        dataclasses.replace(logs, calls=hostile.cast(logs.calls.schema)), tmp_path / "hostile"
    )
    sources = [
        "import etelecom_analytics as et\nfrom IPython.display import HTML, Markdown, display\n"
        "et.charts.use_offline_renderer()\nlogs = et.read_snapshot(snapshot)\n"
        "note = logs.calls['note'][0]\nlogs.calls.select('note', 'caller').head(2)",
        "et.reports.table(logs.calls.select('note', 'caller').head(2))",
        "display(HTML(note), Markdown(note)); print(note)",
        "et.charts.answer_rate(logs.calls, by='user_id').properties(title=note, description=note)",
        "et.charts.extension_performance(logs.calls)",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in ['snapshot: str = ""', *sources]]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "hostile.ipynb")
    report = et.write_report(
        snapshot, tmp_path / "hostile.html", notebook=tmp_path / "hostile.ipynb"
    )
    page = open_page()
    page.page.goto(report.as_uri())

    for number in (1, 2):
        page.page.wait_for_selector(f"#chart-{number} svg")
    page.page.locator("#chart-1 svg g.mark-rect path").first.hover()
    page.page.wait_for_selector("#vg-tooltip-element.visible")
    assert "<img src=x" in page.page.locator("#vg-tooltip-element").inner_text()
    assert page.page.locator("img").count() == 0
    assert page.page.locator("script").count() == 2
    assert "pwned" not in page.page.title()
    page.screenshot("report-hostile")
    assert_no_errors(page)


def test_content_policy_blocks_other_scripts(
    reports: dict[str, Path], open_page: Callable[..., Any], tmp_path: Path
):
    """The content security policy protects even where a value is not escaped."""
    path = tmp_path / "hole.html"
    path.write_text(
        reports["extensions"].read_text(encoding="utf-8").replace("<h1>", f"{HOSTILE}<h1>", 1),
        encoding="utf-8",
    )
    page = open_page()
    page.page.goto(path.as_uri())

    page.page.wait_for_selector("#chart-1 svg")
    assert page.page.locator("img").count() == 1
    assert "pwned" not in page.page.title()
    assert len(page.errors) >= 2  # the browser reports the blocked scripts


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_scrolls_sideways_but_wide_tables(
    width: int, reports: dict[str, Path], open_page: Callable[..., Any]
):
    page = open_page()
    page.page.set_viewport_size({"width": width, "height": 900})
    page.page.goto(reports["weekly"].as_uri())
    page.page.wait_for_selector("#chart-1 svg")

    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.page.evaluate(
        "width => [...document.querySelectorAll('.overview *, header *')]"
        ".filter(each => each.getBoundingClientRect().right > width + 1)"
        ".map(each => each.outerHTML.slice(0, 80))",
        width,
    )
    assert beyond == []
    columns = page.page.evaluate(
        "getComputedStyle(document.querySelector('.cards')).gridTemplateColumns.split(' ').length"
    )
    assert columns == (1 if width == 390 else 6)
    wide = page.page.locator(".wide").first
    assert wide.get_attribute("tabindex") == "0"
    # Shadows at the edges show that there is more.
    assert wide.evaluate("each => getComputedStyle(each).backgroundImage").count("gradient") == 4
    page.screenshot(f"weekly-{width}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_barrier(
    dark: bool, reports: dict[str, Path], open_page: Callable[..., Any]
):
    page = open_page(dark=dark)
    page.page.goto(reports["weekly"].as_uri())
    page.page.wait_for_selector(f"#chart-{REPORTS['weekly']} svg")
    page.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert barriers(page.page) == []


def test_report_is_printed_on_a4_with_cards_in_rows_of_three(
    reports: dict[str, Path], open_page: Callable[..., Any], tmp_path: Path
):
    page = open_page(dark=True)
    page.page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins
    page.page.emulate_media(media="print")
    page.page.goto(reports["weekly"].as_uri())

    def style(selector: str, name: str) -> str:
        return str(
            page.page.evaluate(
                "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]",
                [selector, name],
            )
        )

    assert len(style(".cards", "gridTemplateColumns").split()) == 3
    assert style("body", "backgroundColor") == "rgb(255, 255, 255)"  # no dark paper
    page.page.wait_for_selector("#chart-1 svg")
    assert "invert(1)" in style("#chart-1", "filter")  # no light text on white paper
    assert style("h2", "breakAfter") == "avoid"
    for selector in (".card", ".output table", "figure"):
        assert style(selector, "breakInside") == "avoid"
    assert style(".overview", "breakAfter") == "page"
    page.page.wait_for_selector("#chart-7 svg")
    # Else the browser would shrink the whole page to fit.
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 688
    height = page.page.evaluate("document.querySelector('.overview').offsetHeight")
    assert height < 940  # the first page is one page: 1,009 pixels without the title

    assert find_browser()
    pdf = write_pdf(reports["weekly"], tmp_path / "weekly.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 50_000
    pages = re.findall(rb"/Type\s*/Pages\b.*?/Count (\d+)", pdf, re.DOTALL)
    assert 4 <= max(map(int, pages)) <= 14
