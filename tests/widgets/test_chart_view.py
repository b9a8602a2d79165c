"""ChartView: follows its panel, sends little, and says in words what fails."""

import altair as alt
import polars as pl

import etelecom_analytics as et


def drawn(view: et.ChartView) -> dict[str, object]:
    return dict(view.outputs[0]["data"])


def test_it_draws_what_the_panel_lets_through_and_follows_it(calls: pl.DataFrame):
    panel = et.FilterPanel(calls, debounce_s=0)
    seen: list[int] = []

    def draw(some: pl.DataFrame) -> alt.TopLevelMixin:
        seen.append(some.height)
        return et.charts.answer_rate(some, by="hour")

    view = et.ChartView(panel, draw)
    first = drawn(view)
    panel.restore({"direction": "out", "dates": "all"})

    assert seen == [calls.height, calls.filter(pl.col("direction") == "out").height]
    assert drawn(view) != first
    assert set(first) == {"application/vnd.vegalite.v5+json", "text/plain"}
    assert len(str(first)) < 60_000
    assert repr(view) == f"ChartView: {view.description}"
    assert "Answer rate by hour" in view.description


def test_a_chart_that_fails_is_said_in_words_and_the_next_one_is_drawn(calls: pl.DataFrame):
    panel = et.FilterPanel(calls, debounce_s=0)
    view = et.ChartView(
        panel,
        lambda some: et.charts.answer_rate(
            some, by="hour" if some.height < calls.height else "hours"
        ),
    )

    assert "The chart failed: There is no dimension 'hours'" in view.description
    panel.restore({"direction": "in", "dates": "all"})
    assert "Answer rate by hour" in view.description
