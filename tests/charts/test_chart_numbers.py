"""The numbers in a chart are those of summarize: by group, by hour, by number, with their counts and intervals."""

from typing import Any

import polars as pl
import pytest
from polars import selectors

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.metrics import inward, ring_seconds

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), time_zone="Asia/Tokyo")


def summarized(
    calls: pl.DataFrame, by: list[str], measures: list[str], *, confidence: bool = False
) -> pl.DataFrame:
    """The summary to the six decimals that a chart keeps."""
    return et.summarize(calls, by, measures, options=OPTIONS, confidence=confidence).with_columns(
        selectors.float().round(6)
    )


def rows_with(drawn: Any, *columns: str) -> pl.DataFrame:
    """The longest table of a chart that has these columns."""
    tables = [
        rows
        for rows in drawn.to_dict()["datasets"].values()
        if rows and set(columns) <= set(rows[0])
    ]
    return pl.DataFrame(max(tables, key=len), infer_schema_length=None).select(columns)


@pytest.mark.parametrize(
    "by", ["day", "week", "month", "hour", "quarter_hour", "weekday", "direction", "call_state"]
)
def test_answer_rate(by: str, calls: pl.DataFrame):
    asked = summarized(
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

    drawn = rows_with(charts.answer_rate(calls, by=by, options=OPTIONS), *columns)

    assert drawn.sort(columns).rows() == asked.select(columns).sort(columns).rows()


@pytest.mark.parametrize(
    "measure",
    ["offered", "answer_rate", "asa_s", "talk_s", "offers", "fair_answer_rate", "ring_p90_s"],
)
def test_heatmap(measure: str, calls: pl.DataFrame):
    asked = summarized(calls, ["weekday", "hour"], [measure]).drop_nulls()
    spec = charts.heatmap(calls, measure=measure, options=OPTIONS).to_dict()

    cells = {
        (row["weekday"], row["hour"]): row["value"]
        for rows in spec["datasets"].values()
        for row in rows
    }

    assert cells == {(weekday, hour): value for weekday, hour, value in asked.rows()}


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
    asked = summarized(inward(calls), ["target_number"], measures, confidence=True)

    drawn = rows_with(charts.extension_performance(calls, options=OPTIONS), *columns)

    assert drawn.sort("target_number").rows() == asked.select(columns).rows()


def test_extensions_are_sorted_and_small_ones_are_grey_and_last(calls: pl.DataFrame):
    middle = int(
        et.summarize(inward(calls), ["target_number"], ["offers"], options=OPTIONS)[
            "offers"
        ].median()
        or 0
    )
    many = charts.extension_performance(calls, options=OPTIONS, min_offers=middle)

    drawn = rows_with(many, "offers", "small", "fair_answer_rate")

    assert (
        drawn["small"].to_list() == (drawn["offers"] < middle).to_list() == sorted(drawn["small"])
    )
    assert 0 < drawn["small"].sum() < drawn.height
    for _, group in drawn.group_by("small"):
        assert group["fair_answer_rate"].is_sorted(descending=True)
    assert f"fewer than {middle} offers" in " ".join(many.to_dict()["title"]["subtitle"])


def test_no_outside_number_is_an_extension(calls: pl.DataFrame):
    drawn = rows_with(charts.extension_performance(calls, options=OPTIONS), "number")

    assert drawn["number"].str.len_chars().max() == 3


def test_ring_durations(calls: pl.DataFrame):
    spec = charts.ring_durations(calls, options=OPTIONS).to_dict()
    bins = ring_seconds(calls, options=OPTIONS).bins.with_columns(pl.col("group").cast(pl.String))

    histograms = [rows for rows in spec["datasets"].values() if "share" in rows[0]]

    assert [
        (row["group"], row["from_s"], row["offers"]) for rows in histograms for row in rows
    ] == bins.select("group", "from_s", "offers").rows()


def test_rings_that_all_fall_into_the_open_bin_are_drawn(calls: pl.DataFrame):
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(ring_duration=pl.lit(0, pl.Int32))
    )
    forgotten = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(ring_duration=pl.lit(7_200, pl.Int32))
    )
    at_once = calls.with_columns(
        call_targets=pl.when(pl.int_range(pl.len()) == pl.len() // 2)
        .then(forgotten)
        .otherwise(legs)
    )

    drawn = rows_with(charts.ring_durations(at_once), "begin", "end", "share")

    assert drawn.select("begin", "end").unique().rows() == [(-0.5, 0.5)]
