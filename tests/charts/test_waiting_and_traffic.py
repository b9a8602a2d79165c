"""The values in charts of waits, callbacks, traffic and staffing are those of metrics."""

from datetime import timedelta
from functools import partial

import polars as pl
import pytest
from polars import selectors
from polars.testing import assert_frame_equal
from support.chart_specs import longest_table, notes, subtitle, tables, title

import etelecom_analytics as et
from etelecom_analytics import charts, metrics
from etelecom_analytics.charts import survival

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), threshold_s=15, variant="no_short")


def rounded(table: pl.DataFrame) -> pl.DataFrame:
    """Rounded to six decimals as in a chart."""
    return table.with_columns(selectors.float().round(6))


@pytest.mark.slow
def test_the_table_has_six_service_levels_and_marks_one(calls: pl.DataFrame):
    chart = charts.service_level(calls, options=OPTIONS)
    levels = metrics.service_levels(calls, options=OPTIONS)
    columns = ("variant", "numerator", "denominator", "value", "low", "high")

    others = longest_table(chart, *columns, "selected", "text")
    assert others.filter(~pl.col("selected")).height == 5
    rows = [row for table in tables(chart, "selected") for row in table]
    drawn_levels = pl.DataFrame(rows).unique("variant")
    expected = rounded(levels).with_columns(pl.col("variant").cast(pl.String))
    assert_frame_equal(
        drawn_levels.select(columns).sort("variant"), expected.select(columns).sort("variant")
    )
    level = levels.filter(variant="no_short").row(0, named=True)
    assert drawn_levels.filter("selected")["variant"].to_list() == ["no_short"]
    assert f"{level['value'] * 100:.1f} % within 15 s" in title(chart)
    assert (
        f"{level['numerator']:,} of {level['denominator']:,} calls · formula no_short"
    ) in subtitle(chart)
    assert level["formula"] in notes(chart)


def test_service_level_curves_are_those_of_metrics(calls: pl.DataFrame):
    chart = charts.service_level(calls, until_s=40, options=OPTIONS)
    curves = [rows for rows in tables(chart, "threshold_s") if len(rows) > 6]
    points = pl.DataFrame([row for rows in curves for row in rows]).unique(
        ["variant", "threshold_s"]
    )

    thresholds = points["threshold_s"].unique().sort().to_list()
    assert (thresholds[0], thresholds[-1]) == (0, 40)
    assert 15 in thresholds
    expected = metrics.service_level_curve(calls, thresholds_s=thresholds, options=OPTIONS).filter(
        pl.col("value").is_not_null()
    )
    keys = ("variant", "threshold_s", "value", "numerator")
    expected = rounded(expected).with_columns(pl.col("variant").cast(pl.String)).select(keys)
    assert_frame_equal(points.select(keys).sort(keys), expected.sort(keys))


@pytest.mark.parametrize("until_s", [10.0, 90_000.0])
def test_the_threshold_may_exceed_the_axis(until_s: float, calls: pl.DataFrame):
    chart = charts.service_level(calls, until_s=until_s, options=OPTIONS)

    assert until_s in longest_table(chart, "threshold_s", "value")["threshold_s"].to_list()
    assert "within 15 s" in title(chart)


def test_wait_bins(calls: pl.DataFrame):
    waits = metrics.wait_seconds(calls, options=OPTIONS)
    chart = charts.wait_distribution(calls, options=OPTIONS)

    bins = [
        (row["group"], row["from_s"], row["calls"])
        for rows in tables(chart, "share")
        for row in rows
    ]
    assert bins == waits.bins.select(pl.col("group").cast(pl.String), "from_s", "calls").rows()
    assert f"{waits.groups['calls'].sum():,} offered calls of" in subtitle(chart)
    medians = zip(waits.groups["group"], waits.groups["wait_p50_s"], strict=True)
    assert all(f"{group} {median:.1f} s" in title(chart) for group, median in medians)


@pytest.mark.slow
def test_a_note_states_where_a_wait_begins(calls: pl.DataFrame):
    for draw in (charts.wait_distribution, charts.patience, charts.service_level):
        assert "first ring of a person" in notes(
            draw(calls, options=et.MetricOptions(wait_from="first_ring"))
        )
        assert "entry into the first queue" in notes(
            draw(calls, options=et.MetricOptions(wait_from="queue", queue_numbers=["8100"]))
        )
        assert "call's start" in notes(draw(calls))


def test_patience_states_what_unknown_endings_are(calls: pl.DataFrame):
    assert 'Calls with an unknown end count as "gave up".' in notes(charts.patience(calls))
    censored = charts.patience(calls, options=et.MetricOptions(unknown_endings="censored"))
    assert "Calls with an unknown end are censored, too." in notes(censored)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["patience", "time_to_callback"])
@pytest.mark.parametrize("by", [(), "weekday", "hour", ["direction", "call_state"]], ids=str)
def test_each_step_of_a_survival_curve_is_in_the_table(
    name: str, by: str | list[str], calls: pl.DataFrame
):
    draw, table_of = getattr(charts, name), getattr(metrics, name)
    chart = draw(calls, by=by, options=OPTIONS)
    table = rounded(table_of(calls, by, options=OPTIONS)).with_columns(
        pl.col("low", "high").fill_null(pl.col("survival"))
    )

    points = longest_table(
        chart, "key", "time_s", "survival", "low", "high", "left", "events", "censored"
    )
    assert points["key"].n_unique() <= 6
    expected = set(table.select("time_s", "survival", "low", "high").iter_rows())
    steps = points.filter(pl.col("events") + pl.col("censored") > 0)
    assert set(steps.select("time_s", "survival", "low", "high").iter_rows()) <= expected
    for _, curve in points.group_by("key"):
        assert curve["survival"].is_sorted(descending=True)
        assert curve["time_s"].to_list()[0] == 0


def test_thinned_curves_have_every_event(calls: pl.DataFrame):
    chart = charts.patience(calls, options=OPTIONS)
    points = longest_table(chart, "time_s", "events", "censored", "left", "key")
    table = metrics.patience(calls, options=OPTIONS).filter(
        pl.col("time_s") <= points["time_s"].max()
    )

    assert points.select("events", "censored").sum().row(0) == table.select(
        "events", "censored"
    ).sum().row(0)
    left = metrics.patience(calls, options=OPTIONS)["at_risk"].max() - sum(
        table.select("events", "censored").sum().row(0)
    )
    assert points["left"].to_list()[-1] == left


def test_medians_are_those_of_metrics(calls: pl.DataFrame):
    chart = charts.time_to_callback(calls, options=OPTIONS)
    median = metrics.median_survival(metrics.time_to_callback(calls, options=OPTIONS)).row(
        0, named=True
    )

    assert (
        f"{median['n']:,} missed calls, {median['events']:,} of them called back or served"
        in subtitle(chart)
    )
    hours = longest_table(chart, "median", "n")["median"].to_list()[0]
    assert any(hours * unit == pytest.approx(median["median_s"]) for unit in (1, 60, 3_600, 86_400))


@pytest.mark.parametrize(
    ("median", "text"),
    [
        ((None, None, None), "median not reached"),
        ((95.8, 65.5, None), "median 1:36 (1:06 or more)"),
        ((720.0, 600.0, 900.0), "median 12:00 (10:00 to 15:00)"),
        ((8.0, None, None), "median 8 s (no interval)"),
    ],
)
def test_median_text(median: tuple[float | None, ...], text: str):
    assert survival._median_text(*median) == text


def test_an_unknown_dimension_raises_with_the_nearest_name(calls: pl.DataFrame):
    for draw in (charts.patience, charts.time_to_callback):
        with pytest.raises(et.errors.UnknownName, match="weekday"):
            draw(calls, by="week_day")


@pytest.mark.parametrize("times", [1, 8])
def test_the_peak_is_drawn_for_any_number_of_calls(times: int, calls: pl.DataFrame):
    many = pl.concat(
        [
            calls.with_columns(pl.col("started_at", "ended_at") + pl.duration(weeks=week))
            for week in range(times)
        ]
    )
    concurrency = metrics.concurrency(many)
    chart = charts.concurrency(many)

    levels = longest_table(chart, "since", "calls", "begin", "end")
    assert levels["calls"].max() == concurrency.peak
    assert levels.height <= 1_000 < concurrency.over_time.height
    assert f"peak {concurrency.peak:,}, first on" in title(chart)
    assert "the maximum of every" in subtitle(chart)
    texts = {row["text"] for rows in tables(chart, "text") for row in rows}
    assert texts == {f"peak {concurrency.peak}"}


def test_few_changes_are_drawn_exactly(calls: pl.DataFrame):
    few = calls.sort("id").head(20)
    concurrency = metrics.concurrency(few)
    levels = longest_table(charts.concurrency(few), "calls", "begin", "end")

    expected = concurrency.over_time.filter(pl.col("calls") > 0)
    assert levels["calls"].to_list() == expected["calls"].to_list()
    zone = (
        expected["at"]
        .dt.convert_time_zone("Asia/Ho_Chi_Minh")
        .dt.replace_time_zone(None)
        .dt.cast_time_unit("ms")
    )
    assert levels["begin"].to_list() == zone.cast(pl.Int64).to_list()


def test_traffic_of_one_trunk(calls: pl.DataFrame):
    trunk = metrics.trunk_peaks(calls).row(0, named=True)

    assert f"of trunk {trunk['trunk_name']}: peak {trunk['peak']}" in title(
        charts.concurrency(calls, trunk=trunk["trunk_name"])
    )
    assert trunk["trunk_name"] in title(charts.erlangs(calls, trunk=trunk["trunk_name"]))
    assert (
        "No leg held a line" in charts.concurrency(calls, trunk="nowhere").to_dict()["description"]
    )


def test_erlangs_by_hour_and_by_weekday(calls: pl.DataFrame):
    chart = charts.erlangs(calls)
    hours, busy = metrics.erlangs(calls), metrics.busy_hour(calls).row(0, named=True)

    bars = longest_table(chart, "clock", "erlangs", "calls")
    assert (
        bars["erlangs"].to_list()
        == rounded(hours).filter(pl.col("erlangs") > 0)["erlangs"].to_list()
    )
    day = tables(chart, "is_busy")
    assert [row["hour"] for rows in day for row in rows if row["is_busy"]] == [busy["hour"]] * len(
        day
    )
    assert (
        f"busy hour {busy['hour']}:00 to {busy['hour'] + 1}:00, mean {busy['erlangs']:.2f}"
        in title(chart)
    )
    week = metrics.erlangs_profile(calls, ["weekday", "hour"])
    cells = longest_table(chart, "weekday", "hour", "erlangs", "peak")
    assert (
        cells.sort("weekday", "hour").rows()
        == rounded(week).select("weekday", "hour", "erlangs", "peak").rows()
    )


def test_many_days_have_one_bar_for_their_busiest_hour(calls: pl.DataFrame):
    many = pl.concat(
        [
            calls.with_columns(pl.col("started_at", "ended_at") + pl.duration(weeks=week))
            for week in range(20)
        ]
    )
    chart = charts.erlangs(many)
    busiest = metrics.busy_hours(many)

    bars = longest_table(chart, "clock", "erlangs", "calls", "begin")
    assert (
        bars["erlangs"].to_list()
        == rounded(busiest).filter(pl.col("erlangs") > 0)["erlangs"].to_list()
    )
    assert "the busiest hour of each day" in subtitle(chart)


@pytest.mark.slow
def test_agents_by_interval(calls: pl.DataFrame):
    draw = partial(charts.agents_by_interval, calls, options=OPTIONS)
    table = metrics.agents_by_interval(calls, options=OPTIONS)

    points = longest_table(draw(), "key", "agents_needed", "arrivals", "traffic", "uneven")
    assert points["agents_needed"].to_list() == table["agents_needed"].to_list()
    assert points["arrivals"].to_list() == rounded(table)["arrivals"].to_list()
    assert f"{table['calls'].sum():,} inbound offered calls on" in subtitle(draw())
    signs = longest_table(draw(agents=1), "key", "sign", "arrivals", "more_load_than_agents")
    assert (signs["sign"].str.contains("!", literal=True) == signs["more_load_than_agents"]).all()
    assert "line: 1 available agent" in subtitle(draw(agents=1))


def test_intervals_with_too_few_agents_are_marked(calls: pl.DataFrame):
    long = calls.with_columns(
        duration=pl.lit(20_000, pl.Int32), call_targets=pl.lit([], calls.schema["call_targets"])
    )
    busy = long.with_columns(ended_at=pl.col("started_at") + pl.duration(seconds=20_000))
    chart = charts.agents_by_interval(busy, agents=1)

    assert "! more load than agents" in subtitle(chart)
    # A duration above the call's length is no talk.
    assert "no inbound offered calls of known talk" in title(charts.agents_by_interval(long))


def test_trunk_failures(calls: pl.DataFrame):
    table = metrics.fail_codes(calls, options=OPTIONS).filter(pl.col("trunk_name").is_not_null())
    chart = charts.trunk_failures(calls, options=OPTIONS)
    failed = table.filter(pl.col("fail_code") != 0)

    codes = pl.DataFrame(
        [row for rows in tables(chart, "meaning") for row in rows], infer_schema_length=None
    )
    keys = ("trunk_name", "fail_code", "legs", "share", "meaning", "side")
    expected = rounded(failed).with_columns(pl.col("side").cast(pl.String)).select(keys)
    assert sorted(codes.select(keys).rows()) == sorted(expected.rows())
    assert f"{failed['legs'].sum():,} of {table['legs'].sum():,} legs failed" in title(chart)


def test_the_funnel_adds_up(calls: pl.DataFrame):
    chart = charts.funnel(calls, options=OPTIONS)
    counts = dict(longest_table(chart, "stage", "calls").iter_rows())

    assert counts == dict(
        metrics.funnel(calls, options=OPTIONS)
        .select(pl.col("stage").cast(pl.String), "calls")
        .iter_rows()
    )
    assert (
        counts["calls"]
        == counts["running"] + counts["unknown"] + counts["answered"] + counts["missed"]
    )
    assert counts["missed"] == sum(counts[stage] for stage in metrics.LOST_STAGES)


def test_legs_without_a_fail_code_have_their_own_row(calls: pl.DataFrame):
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(fail_code=pl.lit(None, pl.Int32))
    )
    chart = charts.trunk_failures(calls.with_columns(call_targets=legs))

    assert set(longest_table(chart, "code", "meaning").rows()) == {("(none)", "not reported")}


def test_long_waits_are_in_hours(calls: pl.DataFrame):
    missed = pl.lit("not_answered", calls.schema["call_state"])
    late = calls.with_columns(ended_at=pl.col("started_at") + timedelta(hours=9), call_state=missed)

    assert "wait (h)" in charts.patience(late).to_json()


def test_hunt_paths_and_their_steps_are_those_of_metrics(calls: pl.DataFrame):
    table = metrics.hunt_paths(calls, options=OPTIONS, limit=10)
    chart = charts.hunt_paths(calls, options=OPTIONS, limit=10)

    parts = ("", "_num", "_low", "_high")
    columns = ("path", "calls", *(f"answer_rate{part}" for part in parts))
    assert longest_table(chart, *columns).rows() == rounded(table).select(columns).rows()
    steps = longest_table(chart, "path", "step", "seconds", "begin", "end", "place").sort(
        "path", "place"
    )
    for (path,), rows in steps.group_by("path"):
        expected = table.filter(path=path).row(0, named=True)
        assert rows["step"].to_list() == expected["steps"]
        assert rows["seconds"].to_list() == pytest.approx(expected["lost_s"], abs=1e-6)
        assert rows["begin"].to_list() == pytest.approx([0, *rows["end"].to_list()[:-1]], abs=1e-5)
    assert f"{table['calls'].sum():,} of {table['share_den'].item(0):,} calls" in subtitle(chart)


def test_hunt_paths_have_names(calls: pl.DataFrame):
    numbers = pl.col("call_targets").list.eval(
        pl.format("An {}", pl.element().struct.field("target_number"))
    )
    short = calls.filter(pl.col("call_targets").list.len() <= 2)
    chart = charts.hunt_paths(short.with_columns(target_names=numbers), options=OPTIONS)

    assert longest_table(chart, "path", "calls")["path"].str.contains("An").any()
