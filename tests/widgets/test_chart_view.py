"""ChartView: follows its panel, sends little data, and shows errors as text."""

import altair as alt
import polars as pl

import etelecom_analytics as et


def output(view: et.ChartView) -> dict[str, object]:
    return dict(view.outputs[0]["data"])


def test_chart_follows_the_panel(calls: pl.DataFrame):
    panel = et.FilterPanel(calls, debounce_s=0)
    heights: list[int] = []

    def draw(selection: et.metrics.Selection) -> alt.TopLevelMixin:
        heights.append(selection.height)
        return et.charts.answer_rate(selection, by="hour")

    view = et.ChartView(panel, draw)
    first = output(view)
    panel.restore({"direction": "out", "dates": "all"})

    assert heights == [calls.height, calls.filter(pl.col("direction") == "out").height]
    assert output(view) != first
    assert set(first) == {"application/vnd.vegalite.v5+json", "text/plain"}
    assert len(str(first)) < 60_000
    assert repr(view) == f"ChartView: {view.description}"
    assert "Answer rate by hour" in view.description


def test_error_is_shown_and_the_next_chart_is_drawn(calls: pl.DataFrame):
    panel = et.FilterPanel(calls, debounce_s=0)
    view = et.ChartView(
        panel,
        lambda selection: et.charts.answer_rate(
            selection, by="hour" if selection.height < calls.height else "hours"
        ),
    )

    assert "The chart failed: There is no dimension 'hours'" in view.description
    panel.restore({"direction": "in", "dates": "all"})
    assert "Answer rate by hour" in view.description
