"""The numbers in the charts of waiting, losing, calling back and traffic are those of metrics; what is thinned loses no peak."""

from datetime import timedelta
from functools import partial
from typing import Any

import polars as pl
import pytest
from polars import selectors
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics import charts, metrics
from etelecom_analytics.charts import survival

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), threshold_s=15, variant="no_short")


def drawn_rows(drawn: Any, *columns: str) -> pl.DataFrame:
    """The longest table of a chart that has these columns."""
    tables = [
        rows
        for rows in drawn.to_dict()["datasets"].values()
        if rows and set(columns) <= set(rows[0])
    ]
    return pl.DataFrame(max(tables, key=len), infer_schema_length=None).select(columns)


def rounded(table: pl.DataFrame) -> pl.DataFrame:
    """To the six decimals that a chart keeps."""
    return table.with_columns(selectors.float().round(6))


def title(drawn: Any) -> str:
    return " ".join(drawn.to_dict()["title"]["text"])


def notes(drawn: Any) -> str:
    return " ".join(drawn.to_dict()["title"]["subtitle"])


def test_the_six_service_levels_and_the_chosen_one(calls: pl.DataFrame):
    drawn = charts.service_level(calls, options=OPTIONS)
    levels = metrics.service_levels(calls, options=OPTIONS)
    columns = ("variant", "numerator", "denominator", "value", "low", "high")

    told = drawn_rows(drawn, *columns, "chosen", "reckoned")
    assert told.filter(~pl.col("chosen")).height == 5
    tables = [rows for rows in drawn.to_dict()["datasets"].values() if rows and "chosen" in rows[0]]
    found = pl.DataFrame([row for rows in tables for row in rows]).unique("variant")
    expected = rounded(levels).with_columns(pl.col("variant").cast(pl.String))
    assert_frame_equal(
        found.select(columns).sort("variant"), expected.select(columns).sort("variant")
    )
    chosen = levels.filter(variant="no_short").row(0, named=True)
    assert found.filter("chosen")["variant"].to_list() == ["no_short"]
    assert (
        f"{chosen['value']:.1%} within 15 s (no_short), {chosen['numerator']:,} of {chosen['denominator']:,} calls"
        in title(drawn)
    )
    assert chosen["formula"] in notes(drawn)


def test_the_curve_is_that_of_metrics(calls: pl.DataFrame):
    drawn = charts.service_level(calls, until_s=40, options=OPTIONS)
    curves = [
        rows
        for rows in drawn.to_dict()["datasets"].values()
        if len(rows) > 6 and "threshold_s" in rows[0]
    ]
    found = pl.DataFrame([row for rows in curves for row in rows]).unique(
        ["variant", "threshold_s"]
    )

    thresholds = found["threshold_s"].unique().sort().to_list()
    assert (thresholds[0], thresholds[-1]) == (0, 40)
    assert 15 in thresholds
    expected = metrics.service_level_curve(calls, thresholds_s=thresholds, options=OPTIONS).filter(
        pl.col("value").is_not_null()
    )
    keys = ("variant", "threshold_s", "value", "numerator")
    asked = rounded(expected).with_columns(pl.col("variant").cast(pl.String)).select(keys)
    assert_frame_equal(found.select(keys).sort(keys), asked.sort(keys))


@pytest.mark.parametrize("until_s", [10.0, 90_000.0])
def test_a_threshold_may_lie_beyond_what_is_drawn(until_s: float, calls: pl.DataFrame):
    drawn = charts.service_level(calls, until_s=until_s, options=OPTIONS)

    assert until_s in drawn_rows(drawn, "threshold_s", "value")["threshold_s"].to_list()
    assert "within 15 s" in title(drawn)


def test_wait_bins(calls: pl.DataFrame):
    waits = metrics.wait_seconds(calls, options=OPTIONS)
    histograms = [
        rows
        for rows in charts.wait_distribution(calls, options=OPTIONS).to_dict()["datasets"].values()
        if "share" in rows[0]
    ]

    found = [(row["group"], row["from_s"], row["calls"]) for rows in histograms for row in rows]
    assert found == waits.bins.select(pl.col("group").cast(pl.String), "from_s", "calls").rows()
    assert f"Waits of {waits.groups['calls'].sum():,} offered calls" in title(
        charts.wait_distribution(calls, options=OPTIONS)
    )


def test_where_a_wait_begins_is_told(calls: pl.DataFrame):
    for draw in (charts.wait_distribution, charts.patience, charts.service_level):
        assert "first ring of a person" in notes(
            draw(calls, options=et.MetricOptions(wait_from="first_ring"))
        )
        assert "call's start" in notes(draw(calls))


@pytest.mark.parametrize("name", ["patience", "time_to_callback"])
@pytest.mark.parametrize("by", [None, "weekday", "hour"])
def test_each_step_of_a_curve_is_one_of_the_table(name: str, by: str | None, calls: pl.DataFrame):
    draw, table_of = getattr(charts, name), getattr(metrics, name)
    drawn = draw(calls, by=by, options=OPTIONS)
    table = rounded(table_of(calls, [by] if by else [], options=OPTIONS)).with_columns(
        pl.col("low", "high").fill_null(pl.col("survival"))
    )

    found = drawn_rows(
        drawn, "key", "time_s", "survival", "low", "high", "left", "events", "censored"
    )
    assert found["key"].n_unique() <= 6
    known = set(table.select("time_s", "survival", "low", "high").iter_rows())
    steps = found.filter(pl.col("events") + pl.col("censored") > 0)
    assert set(steps.select("time_s", "survival", "low", "high").iter_rows()) <= known
    for _, curve in found.group_by("key"):
        assert curve["survival"].is_sorted(descending=True)
        assert curve["time_s"].to_list()[0] == 0


def test_no_event_is_lost_between_the_steps(calls: pl.DataFrame):
    drawn = charts.patience(calls, options=OPTIONS)
    found = drawn_rows(drawn, "time_s", "events", "censored", "left", "key")
    table = metrics.patience(calls, options=OPTIONS).filter(
        pl.col("time_s") <= found["time_s"].max()
    )

    assert found.select("events", "censored").sum().row(0) == table.select(
        "events", "censored"
    ).sum().row(0)
    left = metrics.patience(calls, options=OPTIONS)["at_risk"].max() - sum(
        table.select("events", "censored").sum().row(0)
    )
    assert found["left"].to_list()[-1] == left


def test_medians_are_those_of_metrics(calls: pl.DataFrame):
    drawn = charts.time_to_callback(calls, options=OPTIONS)
    median = metrics.median_survival(metrics.time_to_callback(calls, options=OPTIONS)).row(
        0, named=True
    )

    assert (
        f"of {median['n']:,} missed calls, {median['events']:,} of them called back or served"
        in title(drawn)
    )
    hours = drawn_rows(drawn, "median", "n")["median"].to_list()[0]
    assert any(hours * unit == pytest.approx(median["median_s"]) for unit in (1, 60, 3_600, 86_400))


@pytest.mark.parametrize(
    ("median", "words"),
    [
        ((None, None, None), "median not reached"),
        ((95.8, 65.5, None), "median 95.8 s (65.5 or more)"),
        ((720.0, 600.0, 900.0), "median 12 min (10 to 15)"),
        ((8.0, None, None), "median 8 s (no interval)"),
    ],
)
def test_a_median_in_words(median: tuple[float | None, ...], words: str):
    assert survival._median_words(*median) == words


def test_an_unknown_dimension_is_refused_with_the_nearest(calls: pl.DataFrame):
    for draw in (charts.patience, charts.time_to_callback):
        with pytest.raises(et.errors.UnknownName, match="weekday"):
            draw(calls, by="week_day")


@pytest.mark.parametrize("times", [1, 8])
def test_the_peak_is_drawn_however_many_calls_there_are(times: int, calls: pl.DataFrame):
    many = pl.concat(
        [
            calls.with_columns(pl.col("started_at", "ended_at") + pl.duration(weeks=week))
            for week in range(times)
        ]
    )
    found = metrics.concurrency(many)
    drawn = charts.concurrency(many)

    levels = drawn_rows(drawn, "since", "calls", "begin", "end")
    assert levels["calls"].max() == found.peak
    assert levels.height <= 1_000 < found.over_time.height
    assert f"{found.peak:,} at the most, first on" in title(drawn)
    assert "the most at once in every" in notes(drawn)
    words = {
        row["words"]
        for rows in drawn.to_dict()["datasets"].values()
        for row in rows
        if "words" in row
    }
    assert words == {f"peak {found.peak}"}


def test_few_changes_are_drawn_exactly(calls: pl.DataFrame):
    few = calls.sort("id").head(20)
    found = metrics.concurrency(few)
    levels = drawn_rows(charts.concurrency(few), "calls", "begin", "end")

    expected = found.over_time.filter(pl.col("calls") > 0)
    assert levels["calls"].to_list() == expected["calls"].to_list()
    zone = (
        expected["at"]
        .dt.convert_time_zone("Asia/Ho_Chi_Minh")
        .dt.replace_time_zone(None)
        .dt.cast_time_unit("ms")
    )
    assert levels["begin"].to_list() == zone.cast(pl.Int64).to_list()


def test_lines_of_a_trunk(calls: pl.DataFrame):
    trunk = metrics.trunk_peaks(calls).row(0, named=True)

    assert f"of {trunk['trunk_name']}: {trunk['peak']} at the most" in title(
        charts.concurrency(calls, trunk=trunk["trunk_name"])
    )
    assert trunk["trunk_name"] in title(charts.erlangs(calls, trunk=trunk["trunk_name"]))
    assert (
        "No leg held a line" in charts.concurrency(calls, trunk="nowhere").to_dict()["description"]
    )


def test_erlangs_by_hour_by_day_and_by_week(calls: pl.DataFrame):
    drawn = charts.erlangs(calls)
    hours, busy = metrics.erlangs(calls), metrics.busy_hour(calls).row(0, named=True)

    bars = drawn_rows(drawn, "clock", "erlangs", "calls")
    assert (
        bars["erlangs"].to_list()
        == rounded(hours).filter(pl.col("erlangs") > 0)["erlangs"].to_list()
    )
    day = [rows for rows in drawn.to_dict()["datasets"].values() if rows and "is_busy" in rows[0]]
    assert [row["hour"] for rows in day for row in rows if row["is_busy"]] == [busy["hour"]] * len(
        day
    )
    assert (
        f"Busy hour: {busy['hour']}:00 to {busy['hour'] + 1}:00, mean {busy['erlangs']:.2f}"
        in notes(drawn)
    )
    week = metrics.erlangs_profile(calls, ["weekday", "hour"])
    found = drawn_rows(drawn, "weekday", "hour", "erlangs", "peak")
    assert (
        found.sort("weekday", "hour").rows()
        == rounded(week).select("weekday", "hour", "erlangs", "peak").rows()
    )


def test_of_many_days_each_has_its_own_busiest_hour(calls: pl.DataFrame):
    many = pl.concat(
        [
            calls.with_columns(pl.col("started_at", "ended_at") + pl.duration(weeks=week))
            for week in range(20)
        ]
    )
    drawn = charts.erlangs(many)
    own = metrics.busy_hours(many)

    bars = drawn_rows(drawn, "clock", "erlangs", "calls", "begin")
    assert (
        bars["erlangs"].to_list() == rounded(own).filter(pl.col("erlangs") > 0)["erlangs"].to_list()
    )
    assert "each day's own busiest hour" in notes(drawn)


def test_agents(calls: pl.DataFrame):
    draw = partial(charts.agents_needed, calls, options=OPTIONS)
    table = metrics.agents_by_interval(calls, options=OPTIONS)

    points = drawn_rows(draw(), "key", "agents_needed", "arrivals", "traffic", "uneven")
    assert points["agents_needed"].to_list() == table["agents_needed"].to_list()
    assert points["arrivals"].to_list() == rounded(table)["arrivals"].to_list()
    assert f"from {table['calls'].sum():,} offered calls in" in title(draw())
    signs = drawn_rows(draw(agents=1), "key", "sign", "arrivals", "more_load_than_agents")
    assert (signs["sign"].str.contains("!", literal=True) == signs["more_load_than_agents"]).all()
    assert "Line: the 1 agent that there are." in notes(draw(agents=1))


def test_agents_that_are_too_few_are_marked(calls: pl.DataFrame):
    busy = calls.with_columns(
        duration=pl.lit(20_000, pl.Int32), call_targets=pl.lit([], calls.schema["call_targets"])
    )
    drawn = charts.agents_needed(busy, agents=1)

    assert "! more load than agents" in notes(drawn)


def test_trunk_failures(calls: pl.DataFrame):
    table = metrics.fail_codes(calls, options=OPTIONS).filter(pl.col("trunk_name").is_not_null())
    drawn = charts.trunk_failures(calls, options=OPTIONS)
    failed = table.filter(pl.col("fail_code") != 0)

    found = pl.DataFrame(
        [row for rows in drawn.to_dict()["datasets"].values() for row in rows if "meaning" in row],
        infer_schema_length=None,
    )
    keys = ("trunk_name", "fail_code", "legs", "share", "meaning", "side")
    expected = rounded(failed).with_columns(pl.col("side").cast(pl.String)).select(keys)
    assert sorted(found.select(keys).rows()) == sorted(expected.rows())
    assert f"{failed['legs'].sum():,} of {table['legs'].sum():,} legs failed" in title(drawn)


def test_the_funnel_adds_up_in_the_chart_too(calls: pl.DataFrame):
    drawn = charts.funnel(calls, options=OPTIONS)
    found = dict(drawn_rows(drawn, "stage", "calls").iter_rows())

    assert found == dict(
        metrics.funnel(calls, options=OPTIONS)
        .select(pl.col("stage").cast(pl.String), "calls")
        .iter_rows()
    )
    assert (
        found["calls"] == found["running"] + found["unknown"] + found["answered"] + found["missed"]
    )
    assert found["missed"] == sum(found[stage] for stage in metrics.LOST_STAGES)


def test_two_legs_without_a_code_are_told_apart_from_none(calls: pl.DataFrame):
    """A leg whose code is not told did not fail with one: it is its own row."""
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(fail_code=pl.lit(None, pl.Int32))
    )
    drawn = charts.trunk_failures(calls.with_columns(call_targets=legs))

    assert set(drawn_rows(drawn, "code", "meaning").rows()) == {("(none)", "not told")}


def test_waits_of_hours_are_told_in_hours(calls: pl.DataFrame):
    missed = pl.lit("not_answered", calls.schema["call_state"])
    late = calls.with_columns(ended_at=pl.col("started_at") + timedelta(hours=9), call_state=missed)

    assert "wait, h" in charts.patience(late).to_json()


def test_hunt_paths_with_their_steps_one_after_the_other(calls: pl.DataFrame):
    table = metrics.hunt_paths(calls, options=OPTIONS, limit=10)
    drawn = charts.hunt_paths(calls, options=OPTIONS, limit=10)

    found = drawn_rows(drawn, "path", "calls", "answered", "answer_rate", "low", "high")
    assert (
        found.rows()
        == rounded(table).select("path", "calls", "answered", "answer_rate", "low", "high").rows()
    )
    steps = drawn_rows(drawn, "path", "step", "seconds", "begin", "end", "place").sort(
        "path", "place"
    )
    for (path,), of_path in steps.group_by("path"):
        expected = table.filter(path=path).row(0, named=True)
        assert of_path["step"].to_list() == expected["steps"]
        assert of_path["seconds"].to_list() == pytest.approx(expected["lost_s"], abs=1e-6)
        assert of_path["begin"].to_list() == pytest.approx(
            [0, *of_path["end"].to_list()[:-1]], abs=1e-5
        )
    assert f"{table['calls'].sum():,} of {table['of'].item(0):,} calls" in title(drawn)


def test_hunt_paths_tell_names(calls: pl.DataFrame):
    numbers = pl.col("call_targets").list.eval(
        pl.format("An {}", pl.element().struct.field("target_number"))
    )
    of_few_legs = calls.filter(pl.col("call_targets").list.len() <= 2)
    drawn = charts.hunt_paths(of_few_legs.with_columns(target_names=numbers), options=OPTIONS)

    assert drawn_rows(drawn, "path", "calls")["path"].str.contains("An").any()
