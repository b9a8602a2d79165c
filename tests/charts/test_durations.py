"""Durations in charts: seconds, or m:ss for a minute or more, as text and on axes."""

import altair as alt
import polars as pl
import pytest
from support.chart_specs import longest_table, svg

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.charts import durations
from etelecom_analytics.formatting import format_value

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))


def test_durations_of_a_minute_or_more_are_minutes_and_seconds():
    calls = pl.DataFrame({"seconds": [None, 0.04, 59.94, 59.96, 75.0, 3_599.6, 36_000.0]})

    texts = calls.select(durations.duration_text("seconds")).to_series().to_list()

    assert texts == [None, "0.0 s", "59.9 s", "1:00", "1:15", "1:00:00", "10:00:00"]


@pytest.mark.parametrize(
    ("seconds", "zero", "ticks", "labels"),
    [
        ([2.0, 11.0], True, [0, 2, 4, 6, 8, 10], ["0 s", "2 s", "4 s"]),
        ([146.0, 167.0], False, [150, 155, 160, 165], ["2:30", "2:35"]),
        ([600.0, 5_000.0], True, [0, 900, 1_800], ["0:00", "15:00", "30:00"]),
        ([3e9], True, [0, 432_000_000], ["0 days", "5,000 days"]),
        ([36_000.0], True, [0, 7_200, 14_400], ["0 h", "2 h", "4 h"]),
        ([0.0], False, [0], ["0 s"]),
        ([], True, [0], ["0 s"]),
    ],
)
def test_axis_of_durations(seconds: list[float], zero: bool, ticks: list[float], labels: list[str]):
    axis = durations.duration_axis(seconds, zero=zero)

    assert axis["values"][: len(ticks)] == ticks
    assert len(axis["values"]) <= 7
    drawn = svg(
        alt.Chart(pl.DataFrame({"s": axis["values"]}))
        .mark_point()
        .encode(alt.X("s:Q", axis=alt.Axis(labelOverlap=False, **axis)))
    )
    assert [label for label in labels if label not in drawn] == []


@pytest.mark.parametrize("measure", ["asa_s", "agent_talk_avg_s"])
def test_control_chart_of_a_duration(measure: str, calls: pl.DataFrame):
    chart = charts.control(calls, measure, options=OPTIONS)

    texts = longest_table(chart, "value", "value_text")
    expected = [None if value is None else format_value(value, "s") for value in texts["value"]]
    assert texts["value_text"].to_list() == expected
