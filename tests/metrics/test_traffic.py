"""Traffic: known peaks, the same by counting call by call and in SQL, and what must hold for any calls in any zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import sql_oracle as sql
from cases import call, frame, leg, moment, talk
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.metrics import MetricOptions, Selection
from etelecom_analytics.metrics.traffic import (
    busy_hour,
    busy_hours,
    concurrency,
    erlangs,
    trunk_peaks,
)
from etelecom_analytics.simulator import Simulation

Span = tuple[datetime | None, datetime | None]
TABLES = [erlangs, busy_hours, busy_hour, trunk_peaks]
by_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
QUARTER = timedelta(minutes=15)

EDGES = {
    "Asia/Ho_Chi_Minh": datetime(2026, 11, 1, 17, tzinfo=UTC),  # its midnight
    "Asia/Kathmandu": datetime(2026, 11, 1, 18, 15, tzinfo=UTC),  # its midnight, at UTC+5:45
    "Europe/London": datetime(2026, 3, 29, 1, tzinfo=UTC),  # 1:00 to 2:00 is left out
    "America/New_York": datetime(2026, 11, 1, 6, tzinfo=UTC),  # 1:00 to 2:00 comes twice
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=UTC),  # 1:30 to 2:00 comes twice
    "America/Sao_Paulo": datetime(2018, 11, 4, 3, tzinfo=UTC),  # a day without its first hour
    "America/Havana": datetime(2026, 11, 1, 5, tzinfo=UTC),  # a day whose first hour comes twice
    "Pacific/Apia": datetime(2011, 12, 30, 10, tzinfo=UTC),  # 30 December is left out
}
"""Zones, and a moment at which their hours are not like the others."""


def on_line(spans: Sequence[Span]) -> pl.DataFrame:
    """Calls that held lines in these spans; each is called by its place."""
    rows = [
        {"id": str(place), "started_at": begin, "ended_at": end}
        for place, (begin, end) in enumerate(spans)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "id": pl.String,
            "started_at": pl.Datetime("us", "UTC"),
            "ended_at": pl.Datetime("us", "UTC"),
        },
    )


def seconds(*spans: tuple[float | None, float | None]) -> pl.DataFrame:
    return on_line([(moment(begin), moment(end)) for begin, end in spans])


def held(calls: pl.DataFrame) -> list[tuple[datetime, datetime, str]]:
    rows = calls.select("started_at", "ended_at", "id").iter_rows()
    return [
        (begin, end, name)
        for begin, end, name in rows
        if begin is not None and end is not None and begin < end
    ]


whole_seconds = st.integers(0, 5).map(float)
some_seconds = whole_seconds | st.none() | st.floats(0, 5).map(lambda value: round(value, 6))
some_spans = st.lists(
    st.tuples(whole_seconds, whole_seconds) | st.tuples(some_seconds, some_seconds), max_size=14
)
some_calls = some_spans.map(lambda spans: seconds(*spans))


@st.composite
def calls_in_a_zone(draw: st.DrawFn) -> tuple[pl.DataFrame, str]:
    """Some calls around the moment at which the zone is odd, many of them from one full quarter to another."""
    zone = draw(st.sampled_from(sorted(EDGES)))
    minutes = st.integers(-6, 6).map(lambda quarters: quarters * QUARTER) | st.integers(
        -1500, 1500
    ).map(lambda n: timedelta(minutes=n))
    begins = st.tuples(
        minutes,
        st.sampled_from(
            [timedelta(), timedelta(microseconds=1), timedelta(seconds=59, microseconds=999_999)]
        ),
    )
    spans = draw(st.lists(st.tuples(begins, begins), max_size=8))
    return on_line(
        [
            (EDGES[zone] + sum(begin, timedelta()), EDGES[zone] + sum(end, timedelta()))
            for begin, end in spans
        ]
    ), zone


# How many at once.


def test_by_hand_with_ends_first_at_a_tie():
    # 0-10 and 10-20 never meet; 5-5, 6-?, ?-50 and 60-59 have no span; 31-40 meets 31-41, as 25-31
    # has ended; 40-45 begins as 31-40 ends.
    calls = seconds(
        (0, 10),
        (10, 20),
        (5, 5),
        (6, None),
        (31, 40),
        (31, 41),
        (40, 45),
        (None, 50),
        (60, 59),
        (25, 31),
    )
    found = concurrency(calls)

    assert (found.peak, found.at, found.call_ids, found.without_span) == (
        2,
        moment(31),
        ("4", "5"),
        4,
    )
    assert found.over_time.rows() == [
        (moment(0), 1), (moment(20), 0), (moment(25), 1), (moment(31), 2), (moment(41), 1), (moment(45), 0),
    ]  # fmt: skip
    assert found.over_time.schema == {"at": pl.Datetime("us", "UTC"), "calls": pl.Int64}


@given(calls=some_calls)
def test_concurrency_is_what_counting_at_every_moment_gives(calls: pl.DataFrame):
    lines, found = held(calls), concurrency(calls)
    levels = [
        (at, sum(begin <= at < end for begin, end, _ in lines))
        for at in sorted({at for line in lines for at in line[:2]})
    ]
    changes = [
        (at, level)
        for (at, level), (_, before) in zip(levels, [(None, 0), *levels], strict=False)
        if level != before
    ]
    peak = max((level for _, level in levels), default=0)
    at = next((at for at, level in levels if level == peak), None)

    assert found.over_time.rows() == changes
    assert (found.peak, found.at) == (peak, at)
    assert found.call_ids == tuple(
        sorted(name for begin, end, name in lines if at is not None and begin <= at < end)
    )
    assert len(found.call_ids) == found.peak
    assert found.without_span == calls.height - len(lines)


@settings(max_examples=40)
@given(calls=some_calls, seed=st.integers(0, 9))
def test_neither_the_order_of_calls_nor_their_kind_of_table_changes_anything(
    calls: pl.DataFrame, seed: int
):
    expected, shuffled = concurrency(calls), calls.sample(fraction=1, shuffle=True, seed=seed)

    for same in (shuffled, calls.lazy(), Selection(calls)):
        found = concurrency(same)
        assert (found.peak, found.at, found.call_ids, found.without_span) == (
            expected.peak, expected.at, expected.call_ids, expected.without_span,
        )  # fmt: skip
        assert_frame_equal(found.over_time, expected.over_time)
    for table in (erlangs, busy_hours, busy_hour):
        assert table(shuffled).equals(table(calls))


def test_the_peak_of_simulated_calls_agrees_with_the_second_reckoning(
    calls: pl.DataFrame, tmp_path: Path
):
    calls.write_parquet(tmp_path / "calls.parquet")
    found = concurrency(calls)

    assert (found.peak, microseconds(found.at)) == sql.peak_concurrency(tmp_path / "calls.parquet")
    assert found.without_span == calls["ended_at"].null_count()


def microseconds(at: datetime | None) -> int | None:
    return (
        None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    )


# Lines of a trunk.

OUT = "0900000002"
FAILOVER = (
    # Trunk A fails at 3, B takes over; both are held by the one call, each in its time.
    call(
        "f",
        leg(OUT, 0, None, None, 3, code=503, trunk="A"),
        talk(OUT, 3, 8, 60, trunk="B"),
        state="answered",
        ended=60,
    ),
    # Two numbers rung through B at once, by one call, over 5 to 15.
    call(
        "t",
        leg("0900000003", 5, 6, None, 15, trunk="B"),
        leg("0900000004", 5, 6, None, 15, trunk="B"),
        ended=15,
    ),
    # No add_time: held from the ring. The last leg has no end, and the first of the running call
    # has.
    call(
        "r",
        leg("0900000005", None, 10, None, 20, trunk="A"),
        leg("0900000006", 12, None, None, None, trunk="A"),
    ),
    call("x", leg("101", 0, 1, None, 30), ended=30),
    call("z", leg("0900000007", 9, 9, None, 9, trunk="C"), ended=9),
)


def test_a_trunk_is_held_by_its_legs():
    table = trunk_peaks(frame(*FAILOVER))

    assert table.rows() == [
        ("A", 1, moment(0), 3, 1),
        ("B", 3, moment(5), 3, 0),
        ("C", 0, None, 1, 1),
    ]
    assert table.columns == ["trunk_name", "peak", "at", "legs", "without_span"]
    of_b = concurrency(frame(*FAILOVER), trunk="B")
    assert (of_b.peak, of_b.at, of_b.call_ids) == (3, moment(5), ("f", "t", "t"))
    assert concurrency(frame(*FAILOVER), trunk="A").over_time.rows() == [
        (moment(0), 1),
        (moment(3), 0),
        (moment(10), 1),
        (moment(20), 0),
    ]
    assert erlangs(frame(*FAILOVER), trunk="B")["erlangs"].sum() == (57 + 2 * 10) / 3600
    assert busy_hour(frame(*FAILOVER), trunk="A")["erlangs"].item() == 13 / 3600


def test_a_trunk_that_nobody_has_holds_nothing():
    found = concurrency(frame(*FAILOVER), trunk="D")

    assert (found.peak, found.at, found.call_ids, found.without_span, found.over_time.height) == (
        0,
        None,
        (),
        0,
        0,
    )
    assert erlangs(frame(*FAILOVER), trunk="D").is_empty()


@given(a=some_spans, b=some_spans)
def test_legs_hold_lines_of_their_trunk_as_calls_do(
    a: list[tuple[float, float]], b: list[tuple[float, float]]
):
    legs = [
        leg(OUT, begin, ended=end, trunk=trunk)
        for trunk, spans in (("A", a), ("B", b))
        for begin, end in spans
    ]
    expected = {
        trunk: concurrency(seconds(*spans)) for trunk, spans in (("A", a), ("B", b)) if spans
    }

    assert trunk_peaks(frame(call("1", *legs))).rows() == [
        (trunk, lines.peak, lines.at, len(spans), lines.without_span)
        for (trunk, lines), spans in zip(expected.items(), filter(None, (a, b)), strict=True)
    ]


def test_the_peaks_of_all_trunks_are_those_of_each_alone(simulation: Simulation):
    calls = simulation.calls
    table = trunk_peaks(calls)

    assert table["trunk_name"].to_list() == sorted(
        et.call_targets(calls)["trunk_name"].drop_nulls().unique()
    )
    assert table["legs"].sum() == et.call_targets(calls)["trunk_name"].count()
    for trunk, peak, at, _, without_span in table.iter_rows():
        alone = concurrency(calls, trunk=trunk)
        assert (alone.peak, alone.at, alone.without_span) == (peak, at, without_span)
        assert peak > 1


# Erlangs, hour by hour.


def local_hours(
    begin: datetime, end: datetime, zone: str
) -> list[tuple[datetime, datetime, date, int]]:
    """Every local hour from the first of the local day of `begin` to the last of that of `end`, found quarter by quarter."""
    local_zone, last = ZoneInfo(zone), end - timedelta(microseconds=1)
    days = begin.astimezone(local_zone).date(), last.astimezone(local_zone).date()
    at = begin.replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
    quarters = []
    while at < end + timedelta(hours=30):
        local = at.astimezone(local_zone)
        if days[0] <= local.date() <= days[1]:
            quarters.append((at, (local.date(), local.hour, local.utcoffset())))
        at += QUARTER
    hours = []
    for (day, hour, _), of_hour in groupby(quarters, key=lambda quarter: quarter[1]):
        times = [at for at, _ in of_hour]
        hours.append((times[0], times[-1] + QUARTER, day, hour))
    return hours


def hour_by_hour(calls: pl.DataFrame, zone: str) -> list[tuple[datetime, date, int, float, int]]:
    """The table of Erlangs, each hour held against each call."""
    lines = held(calls)
    if not lines:
        return []
    table = []
    for begin, end, day, hour in local_hours(
        min(line[0] for line in lines), max(line[1] for line in lines), zone
    ):
        overlaps = [min(end, line[1]) - max(begin, line[0]) for line in lines]
        shared = [overlap for overlap in overlaps if overlap > timedelta()]
        table.append((begin, day, hour, sum(shared, timedelta()) / timedelta(hours=1), len(shared)))
    return table


@settings(max_examples=150)
@given(case=calls_in_a_zone())
def test_erlangs_are_what_holding_each_hour_against_each_call_gives(case: tuple[pl.DataFrame, str]):
    calls, zone = case

    assert erlangs(calls, options=MetricOptions(time_zone=zone)).rows() == [
        (begin, day, hour, pytest.approx(carried, rel=1e-15), there)
        for begin, day, hour, carried, there in hour_by_hour(calls, zone)
    ]


@settings(max_examples=60)
@given(case=calls_in_a_zone())
def test_no_second_is_lost_or_counted_twice(case: tuple[pl.DataFrame, str]):
    calls, zone = case
    table = erlangs(calls, options=MetricOptions(time_zone=zone))

    assert table["erlangs"].sum() == pytest.approx(
        sum((end - begin for begin, end, _ in held(calls)), timedelta()) / timedelta(hours=1)
    )
    assert table["hour_begin"].is_sorted()
    assert table["hour_begin"].is_unique().all()


def test_by_hand_from_hour_to_hour():
    # 08:00 there is second 0. One from 8:30 to 10:00, one from 8:59:59.5 for a second, and one of
    # no length.
    table = erlangs(seconds((1800, 7200), (3599.5, 3600.5), (50, 50)))

    assert table.height == 24
    assert table.columns == ["hour_begin", "day", "hour", "erlangs", "calls"]
    assert table["hour"].to_list() == list(range(24))
    assert table["hour_begin"][8] == moment(0)
    assert table.filter(pl.col("calls") > 0).select("hour", "erlangs", "calls").rows() == [
        (8, 1800.5 / 3600, 2), (9, 3600.5 / 3600, 2),
    ]  # fmt: skip


def test_an_hour_that_comes_twice_is_two_rows_and_one_left_out_is_none():
    autumn, spring = datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)
    options = MetricOptions(time_zone="Europe/London")
    back = erlangs(on_line([(autumn, autumn + timedelta(hours=2))]), options=options)
    forward = erlangs(on_line([(spring, spring + timedelta(hours=2))]), options=options)

    assert back["hour"].to_list() == [0, 1, 1, *range(2, 24)]
    assert back.filter(pl.col("erlangs") > 0).select("hour_begin", "hour", "erlangs").rows() == [
        (autumn, 1, 1.0), (autumn + timedelta(hours=1), 1, 1.0),
    ]  # fmt: skip
    assert forward["hour"].to_list() == [0, *range(2, 24)]
    assert forward.filter(pl.col("erlangs") > 0)["hour"].to_list() == [0, 2]


def test_a_call_of_years_is_on_the_line_in_every_hour():
    begin = datetime(2020, 1, 1, 0, 30, tzinfo=UTC)
    table = erlangs(
        on_line([(begin, datetime(2026, 1, 1, tzinfo=UTC)), (begin, begin + timedelta(minutes=1))])
    )

    assert (
        table.height == (6 * 365 + 2 + 1) * 24
    )  # two leap days, and the day on which it is already tomorrow there
    assert table["calls"].max() == 2
    assert table.filter(pl.col("erlangs") == 1).height == (6 * 365 + 2) * 24 - 1


def test_erlangs_of_simulated_calls_agree_with_the_second_reckoning(
    calls: pl.DataFrame, tmp_path: Path
):
    calls.write_parquet(tmp_path / "calls.parquet")

    assert_same_hours(erlangs(calls), sql.erlangs(tmp_path / "calls.parquet"))


def assert_same_hours(table: pl.DataFrame, second: list[dict[str, object]]) -> None:
    expected = pl.DataFrame(second, schema=dict(table.drop("hour_begin").schema))
    assert expected["calls"].sum() > 1_000
    assert_frame_equal(table.drop("hour_begin"), expected, abs_tol=1e-12)


# The busy hour, both ways.


def test_the_busy_hour_both_ways_by_hand():
    # Second 0 is 8:00 of Monday. Monday: 9:00 with 0.5, 14:00 with 0.4; Tuesday nothing; Wednesday:
    # 14:00 with 0.4, 9:00 with 0.1.
    day, share = 86_400, 3600
    calls = seconds(
        (3600, 3600 + 0.5 * share), (6 * 3600, 6 * 3600 + 0.4 * share),
        (2 * day + 6 * 3600, 2 * day + 6 * 3600 + 0.4 * share), (2 * day + 3600, 2 * day + 3600 + 0.1 * share),
    )  # fmt: skip

    assert busy_hour(calls).row(0, named=True) == {
        "hour": 14, "erlangs": pytest.approx(0.8 / 3), "days": 3, "daily_peak_erlangs": pytest.approx(0.9 / 3),
    }  # fmt: skip
    assert busy_hours(calls).rows() == [
        (date(2026, 11, 2), moment(3600), 9, 0.5, 1),
        (date(2026, 11, 3), None, None, 0.0, 0),
        (date(2026, 11, 4), moment(2 * day + 6 * 3600), 14, 0.4, 1),
    ]


def test_at_a_tie_the_first_hour_is_the_busy_one():
    calls = seconds((7200, 7300), (0, 100))

    assert busy_hour(calls).row(0) == (8, 100 / 3600, 1, 100 / 3600)
    assert busy_hours(calls)["hour"].to_list() == [8]


@settings(max_examples=60)
@given(case=calls_in_a_zone())
def test_busy_hours_are_what_the_hours_give(case: tuple[pl.DataFrame, str]):
    calls, zone = case
    options = MetricOptions(time_zone=zone)
    hours = hour_by_hour(calls, zone)
    own = [max(rows, key=lambda row: row[3]) for _, rows in groupby(hours, key=lambda row: row[1])]
    means = {hour: [row[3] for row in hours if row[2] == hour] for hour in range(24)}
    highest = max((sum(rows) / len(rows) for rows in means.values() if rows), default=None)
    (row,) = busy_hour(calls, options=options).iter_rows(named=True)

    assert busy_hours(calls, options=options).rows() == [
        (
            day,
            begin if there else None,
            hour if there else None,
            pytest.approx(carried, rel=1e-15),
            there,
        )
        for begin, day, hour, carried, there in own
    ]
    assert row["days"] == len(own)
    assert row["erlangs"] == (None if highest is None else pytest.approx(highest))
    assert row["daily_peak_erlangs"] == (
        pytest.approx(sum(each[3] for each in own) / len(own)) if own else None
    )
    if highest is not None:
        assert sum(means[row["hour"]]) / len(means[row["hour"]]) == pytest.approx(highest)


def test_each_days_own_hour_is_no_less_busy_than_the_one_of_all_days(calls: pl.DataFrame):
    row = busy_hour(calls).row(0, named=True)

    assert row["daily_peak_erlangs"] > row["erlangs"] > 0
    assert row["daily_peak_erlangs"] == pytest.approx(busy_hours(calls)["erlangs"].mean())


# Shape.


@by_table
def test_tables_agree_lazily_and_streamed(table, calls: pl.DataFrame):
    expected = table(calls)

    assert isinstance(table(calls.lazy()), pl.LazyFrame)
    assert_frame_equal(table(calls.lazy()).collect(), expected)
    assert_frame_equal(table(calls.lazy()).collect(engine="streaming"), expected)


@by_table
def test_nothing_and_calls_of_nulls_give_tables_of_the_same_types(table, calls: pl.DataFrame):
    for nothing in (calls.clear(), calls.clear(3)):
        found = table(nothing)
        assert found.schema == table(calls).schema
        assert found.rows() == ([(None, None, 0, None)] if table is busy_hour else [])
        assert concurrency(nothing).without_span == nothing.height
        assert concurrency(nothing).over_time.schema == concurrency(calls).over_time.schema


def test_one_call_is_its_own_peak(calls: pl.DataFrame):
    one = calls.filter(pl.col("ended_at").is_not_null()).head(1)
    found = concurrency(one)

    assert (found.peak, found.at, found.call_ids) == (
        1,
        one["started_at"].item(),
        (one["id"].item(),),
    )


# Real calls.


@needs_real_calls
def test_the_traffic_of_real_calls(tmp_path: Path):
    calls = real_calls()
    calls.write_parquet(tmp_path / "calls.parquet")
    found, at = concurrency(calls), datetime(1999, 2, 3, 11, 29, 11, tzinfo=UTC)
    there = calls.filter(pl.col("started_at") <= at, pl.col("ended_at") > at)

    assert (found.peak, found.at) == (28, at)
    assert found.call_ids == tuple(there["id"].sort())
    assert_same_hours(erlangs(calls), sql.erlangs(tmp_path / "calls.parquet"))
