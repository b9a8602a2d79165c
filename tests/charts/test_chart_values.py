"""The values in charts are those of summarize, with their counts and intervals."""

import polars as pl
import pytest
from polars import selectors
from support.chart_specs import longest_table, subtitle, tables

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.metrics import inward, ring_seconds

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), time_zone="Asia/Tokyo")


def summarized(
    calls: pl.DataFrame, by: list[str], measures: list[str], *, confidence: bool = False
) -> pl.DataFrame:
    """The summary, rounded to six decimals as in a chart."""
    return et.summarize(calls, by, measures, options=OPTIONS, confidence=confidence).with_columns(
        selectors.float().round(6)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "by",
    [
        "day",
        "week",
        "month",
        "hour",
        "half_hour",
        "quarter_hour",
        "weekday",
        "direction",
        "call_state",
    ],
)
def test_answer_rate(by: str, calls: pl.DataFrame):
    expected = summarized(
        calls, [by], ["offered", "answered", "missed", "calls", "answer_rate"], confidence=True
    )
    columns = [
        "offered",
        "answered",
        "missed",
        "calls",
        "answer_rate",
        "answer_rate_low",
        "answer_rate_high",
    ]

    chart = longest_table(charts.answer_rate(calls, by=by, options=OPTIONS), *columns)

    assert chart.sort(columns).rows() == expected.select(columns).sort(columns).rows()


@pytest.mark.parametrize(
    "measure",
    ["offered", "answer_rate", "asa_s", "talk_s", "offers", "fair_answer_rate", "ring_p90_s"],
)
def test_heatmap(measure: str, calls: pl.DataFrame):
    expected = summarized(calls, ["weekday", "hour"], [measure]).drop_nulls()
    chart = charts.heatmap(calls, measure=measure, options=OPTIONS)

    cells = {(row["weekday"], row["hour"]): row["value"] for rows in tables(chart) for row in rows}

    assert cells == {(weekday, hour): value for weekday, hour, value in expected.rows()}


def test_extension_performance(calls: pl.DataFrame):
    columns = [
        "target_number",
        "offers",
        "fair_answer_rate",
        "fair_answer_rate_low",
        "fair_answer_rate_high",
        "rna",
        "ring_p50_s",
        "ring_avg_s",
        "leg_talk_s",
    ]
    measures = ["offers", "fair_answer_rate", "rna", "ring_p50_s", "ring_avg_s", "leg_talk_s"]
    expected = summarized(inward(calls), ["target_number"], measures, confidence=True)

    chart = longest_table(charts.extension_performance(calls, options=OPTIONS), *columns)

    assert chart.sort("target_number").rows() == expected.select(columns).rows()


def test_outcomes_of_an_extension_are_those_of_its_offers(calls: pl.DataFrame):
    labels = {
        "answered": "answered",
        "rna_timeout": "rang out",
        "busy_or_rejected": "busy or rejected",
        "answered_elsewhere": "answered elsewhere",
        "caller_gave_up": "caller gave up",
    }
    expected = (
        summarized(inward(calls), ["target_number", "outcome"], ["offers"])
        .select(
            number=pl.col("target_number"),
            outcome=pl.col("outcome")
            .cast(pl.String)
            .replace_strict(labels, default="unreachable or other"),
            offers="offers",
        )
        .group_by("number", "outcome")
        .agg(pl.col("offers").sum())
    )

    chart = charts.extension_performance(calls, options=OPTIONS)

    parts = longest_table(chart, "number", "outcome", "offers")
    assert parts.sort("number", "outcome").equals(expected.sort("number", "outcome"))
    assert parts["outcome"].n_unique() > 3


def test_extensions_are_sorted_by_rate_and_small_ones_are_last(calls: pl.DataFrame):
    middle = int(
        et.summarize(inward(calls), ["target_number"], ["offers"], options=OPTIONS)[
            "offers"
        ].median()
        or 0
    )
    many = charts.extension_performance(calls, options=OPTIONS, min_offers=middle)

    chart = longest_table(many, "offers", "small", "fair_answer_rate")

    assert (
        chart["small"].to_list() == (chart["offers"] < middle).to_list() == sorted(chart["small"])
    )
    assert 0 < chart["small"].sum() < chart.height
    for _, group in chart.group_by("small"):
        assert group["fair_answer_rate"].is_sorted(descending=True)
    assert f"fewer than {middle} offers" in subtitle(many)


def test_no_external_number_is_an_extension(calls: pl.DataFrame):
    chart = longest_table(charts.extension_performance(calls, options=OPTIONS), "number")

    assert chart["number"].str.len_chars().max() == 3


def test_ring_durations(calls: pl.DataFrame):
    chart = charts.ring_durations(calls, options=OPTIONS)
    bins = ring_seconds(calls, options=OPTIONS).bins.with_columns(pl.col("group").cast(pl.String))

    histograms = tables(chart, "share")

    assert [
        (row["group"], row["from_s"], row["offers"]) for rows in histograms for row in rows
    ] == bins.select("group", "from_s", "offers").rows()


def test_rings_in_the_open_bin_alone_are_drawn(calls: pl.DataFrame):
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(ring_duration=pl.lit(0, pl.Int32))
    )
    very_long = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(ring_duration=pl.lit(7_200, pl.Int32))
    )
    at_once = calls.with_columns(
        call_targets=pl.when(pl.int_range(pl.len()) == pl.len() // 2)
        .then(very_long)
        .otherwise(legs)
    )

    chart = longest_table(charts.ring_durations(at_once), "begin", "end", "share")

    assert chart.select("begin", "end").unique().rows() == [(-0.5, 0.5)]
