"""Concurrency and Erlangs match hand-written cases, Python and SQL, in any time zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle as sql
from support.call_cases import call, frame, leg, moment, talk
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.metrics import (
    MetricOptions,
    Selection,
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
    "Asia/Ho_Chi_Minh": datetime(2026, 11, 1, 17, tzinfo=UTC),  # local midnight
    "Asia/Kathmandu": datetime(2026, 11, 1, 18, 15, tzinfo=UTC),  # local midnight, UTC+5:45
    "Europe/London": datetime(2026, 3, 29, 1, tzinfo=UTC),  # 1:00 to 2:00 is skipped
    "America/New_York": datetime(2026, 11, 1, 6, tzinfo=UTC),  # 1:00 to 2:00 is repeated
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=UTC),  # 1:30 to 2:00 is repeated
    "America/Sao_Paulo": datetime(2018, 11, 4, 3, tzinfo=UTC),  # the first hour of a day is skipped
    "America/Havana": datetime(2026, 11, 1, 5, tzinfo=UTC),  # the first hour of a day is repeated
    "Pacific/Apia": datetime(2011, 12, 30, 10, tzinfo=UTC),  # 30 December is skipped
}
"""Time zones, each with a moment near which its hours are irregular."""


def on_line(spans: Sequence[Span]) -> pl.DataFrame:
    """Calls that hold lines in these spans, with their positions as ids."""
    rows = [
        {"id": str(position), "started_at": begin, "ended_at": end}
        for position, (begin, end) in enumerate(spans)
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


def line_spans(calls: pl.DataFrame) -> list[tuple[datetime, datetime, str]]:
    """The spans of the calls that hold a line; a call of more than 12 h holds none."""
    rows = calls.select("started_at", "ended_at", "id").iter_rows()
    return [
        (begin, end, name)
        for begin, end, name in rows
        if begin is not None and end is not None and begin < end <= begin + timedelta(hours=12)
    ]


whole_seconds = st.integers(0, 5).map(float)
some_seconds = whole_seconds | st.none() | st.floats(0, 5).map(lambda value: round(value, 6))
some_spans = st.lists(
    st.tuples(whole_seconds, whole_seconds) | st.tuples(some_seconds, some_seconds), max_size=14
)
some_calls = some_spans.map(lambda spans: seconds(*spans))


@st.composite
def calls_in_a_zone(draw: st.DrawFn) -> tuple[pl.DataFrame, str]:
    """Calls near an irregular moment of a zone, many from one full quarter hour to another."""
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


# Concurrency.


def test_concurrency_counts_ends_before_begins():
    # 0-10 and 10-20 do not overlap. 5-5, 6-?, ?-50 and 60-59 have no span. 31-40 overlaps 31-41,
    # but not 25-31 and 40-45.
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
    result = concurrency(calls)

    assert (result.peak, result.at, result.call_ids, result.without_span) == (
        2,
        moment(31),
        ("4", "5"),
        4,
    )
    assert result.over_time.rows() == [
        (moment(0), 1),
        (moment(20), 0),
        (moment(25), 1),
        (moment(31), 2),
        (moment(41), 1),
        (moment(45), 0),
    ]
    assert result.over_time.schema == {"at": pl.Datetime("us", "UTC"), "calls": pl.Int64}


@given(calls=some_calls)
def test_concurrency_matches_counting_at_every_moment(calls: pl.DataFrame):
    lines, result = line_spans(calls), concurrency(calls)
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

    assert result.over_time.rows() == changes
    assert (result.peak, result.at) == (peak, at)
    assert result.call_ids == tuple(
        sorted(name for begin, end, name in lines if at is not None and begin <= at < end)
    )
    assert len(result.call_ids) == result.peak
    assert result.without_span == calls.height - len(lines)


@pytest.mark.slow
@examples(40)
@given(calls=some_calls, seed=st.integers(0, 9))
def test_traffic_does_not_depend_on_row_order_or_kind_of_table(calls: pl.DataFrame, seed: int):
    expected, shuffled = concurrency(calls), calls.sample(fraction=1, shuffle=True, seed=seed)

    for same in (shuffled, calls.lazy(), Selection(calls)):
        result = concurrency(same)
        assert (result.peak, result.at, result.call_ids, result.without_span) == (
            expected.peak, expected.at, expected.call_ids, expected.without_span,
        )  # fmt: skip
        assert_frame_equal(result.over_time, expected.over_time)
    for table in (erlangs, busy_hours, busy_hour):
        assert table(shuffled).equals(table(calls))


def test_peak_of_simulated_calls_matches_sql(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")
    result = concurrency(calls)

    assert (result.peak, microseconds(result.at)) == sql.peak_concurrency(
        tmp_path / "calls.parquet"
    )
    assert result.without_span == calls["ended_at"].null_count()


def microseconds(at: datetime | None) -> int | None:
    return (
        None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    )


# Lines of a trunk.

OUT = "0900000002"
FAILOVER = (
    # Trunk A fails at 3 and B takes over. The call holds one line after the other.
    call(
        "f",
        leg(OUT, 0, None, None, 3, code=503, trunk="A"),
        talk(OUT, 3, 8, 60, trunk="B"),
        state="answered",
        ended=60,
    ),
    # One call rings two numbers through B at once, from 5 to 15.
    call(
        "t",
        leg("0900000003", 5, 6, None, 15, trunk="B"),
        leg("0900000004", 5, 6, None, 15, trunk="B"),
        ended=15,
    ),
    # A leg without add_time holds a line from its ring. A leg without an end holds none, but the
    # other leg of this running call does.
    call(
        "r",
        leg("0900000005", None, 10, None, 20, trunk="A"),
        leg("0900000006", 12, None, None, None, trunk="A"),
    ),
    call("x", leg("101", 0, 1, None, 30), ended=30),
    call("z", leg("0900000007", 9, 9, None, 9, trunk="C"), ended=9),
)


def test_legs_hold_the_lines_of_a_trunk():
    table = trunk_peaks(frame(*FAILOVER))

    assert table.rows() == [
        ("A", 1, moment(0), 3, 1),
        ("B", 3, moment(5), 3, 0),
        ("C", 0, None, 1, 1),
    ]
    assert table.columns == ["trunk_name", "peak", "at", "legs", "without_span"]
    trunk_b = concurrency(frame(*FAILOVER), trunk="B")
    assert (trunk_b.peak, trunk_b.at, trunk_b.call_ids) == (3, moment(5), ("f", "t", "t"))
    assert concurrency(frame(*FAILOVER), trunk="A").over_time.rows() == [
        (moment(0), 1),
        (moment(3), 0),
        (moment(10), 1),
        (moment(20), 0),
    ]
    assert erlangs(frame(*FAILOVER), trunk="B")["erlangs"].sum() == (57 + 2 * 10) / 3600
    assert busy_hour(frame(*FAILOVER), trunk="A")["erlangs"].item() == 13 / 3600


def test_an_unknown_trunk_has_no_lines():
    result = concurrency(frame(*FAILOVER), trunk="D")

    assert (
        result.peak,
        result.at,
        result.call_ids,
        result.without_span,
        result.over_time.height,
    ) == (
        0,
        None,
        (),
        0,
        0,
    )
    assert erlangs(frame(*FAILOVER), trunk="D").is_empty()


@pytest.mark.slow
@given(a=some_spans, b=some_spans)
def test_trunk_peaks_match_the_concurrency_of_calls(
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


def test_trunk_peaks_match_the_concurrency_of_each_trunk(simulation: Simulation):
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


# Erlangs.


def local_hours(
    begin: datetime, end: datetime, zone: str
) -> list[tuple[datetime, datetime, date, int]]:
    """Every local hour of the local days from `begin` to `end`, built from quarter hours."""
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
    for (day, hour, _), group in groupby(quarters, key=lambda quarter: quarter[1]):
        times = [at for at, _ in group]
        hours.append((times[0], times[-1] + QUARTER, day, hour))
    return hours


def hour_by_hour(calls: pl.DataFrame, zone: str) -> list[tuple[datetime, date, int, float, int]]:
    """The table of Erlangs, from the overlap of each hour with each call."""
    lines = line_spans(calls)
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


@pytest.mark.slow
@examples(150)
@given(case=calls_in_a_zone())
def test_erlangs_match_the_overlaps_of_hours_and_calls(case: tuple[pl.DataFrame, str]):
    calls, zone = case

    assert erlangs(calls, options=MetricOptions(time_zone=zone)).rows() == [
        (begin, day, hour, pytest.approx(carried, rel=1e-15), count)
        for begin, day, hour, carried, count in hour_by_hour(calls, zone)
    ]


@pytest.mark.slow
@examples(60)
@given(case=calls_in_a_zone())
def test_erlangs_add_up_to_the_duration_of_all_calls(case: tuple[pl.DataFrame, str]):
    calls, zone = case
    table = erlangs(calls, options=MetricOptions(time_zone=zone))

    assert table["erlangs"].sum() == pytest.approx(
        sum((end - begin for begin, end, _ in line_spans(calls)), timedelta()) / timedelta(hours=1)
    )
    assert table["hour_begin"].is_sorted()
    assert table["hour_begin"].is_unique().all()


def test_erlangs_of_three_calls():
    # Second 0 is 08:00 local time. Calls: 8:30 to 10:00, one second from 8:59:59.5, and an empty
    # one.
    table = erlangs(seconds((1800, 7200), (3599.5, 3600.5), (50, 50)))

    assert table.height == 24
    assert table.columns == ["hour_begin", "day", "hour", "erlangs", "calls"]
    assert table["hour"].to_list() == list(range(24))
    assert table["hour_begin"][8] == moment(0)
    assert table.filter(pl.col("calls") > 0).select("hour", "erlangs", "calls").rows() == [
        (8, 1800.5 / 3600, 2), (9, 3600.5 / 3600, 2),
    ]  # fmt: skip


def test_a_repeated_hour_has_two_rows_and_a_skipped_hour_none():
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


def test_a_call_of_several_years_counts_in_every_hour():
    begin = datetime(2020, 1, 1, 0, 30, tzinfo=UTC)
    calls = on_line(
        [(begin, datetime(2026, 1, 1, tzinfo=UTC)), (begin, begin + timedelta(minutes=1))]
    )
    table = erlangs(calls, options=MetricOptions(longest_call_s=7 * 366 * 86_400))

    # Two leap days, and one more local day because of the time zone.
    assert table.height == (6 * 365 + 2 + 1) * 24
    assert table["calls"].max() == 2
    assert table.filter(pl.col("erlangs") == 1).height == (6 * 365 + 2) * 24 - 1
    assert erlangs(calls)["erlangs"].sum() == pytest.approx(1 / 60)


def test_erlangs_of_simulated_calls_match_sql(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")

    assert_same_hours(erlangs(calls), sql.erlangs(tmp_path / "calls.parquet"))


def assert_same_hours(table: pl.DataFrame, oracle: list[dict[str, object]]) -> None:
    expected = pl.DataFrame(oracle, schema=dict(table.drop("hour_begin").schema))
    assert expected["calls"].sum() > 1_000
    assert_frame_equal(table.drop("hour_begin"), expected, abs_tol=1e-12)


# The busy hour.


def test_busy_hour_by_both_definitions():
    # Second 0 is Monday 8:00. Monday: 0.5 at 9:00, 0.4 at 14:00. Tuesday: none. Wednesday: 0.4 at
    # 14:00, 0.1 at 9:00.
    day, share = 86_400, 3600
    calls = seconds(
        (3600, 3600 + 0.5 * share),
        (6 * 3600, 6 * 3600 + 0.4 * share),
        (2 * day + 6 * 3600, 2 * day + 6 * 3600 + 0.4 * share),
        (2 * day + 3600, 2 * day + 3600 + 0.1 * share),
    )

    assert busy_hour(calls).row(0, named=True) == {
        "hour": 14,
        "erlangs": pytest.approx(0.8 / 3),
        "days": 3,
        "daily_peak_erlangs": pytest.approx(0.9 / 3),
    }
    assert busy_hours(calls).rows() == [
        (date(2026, 11, 2), moment(3600), 9, 0.5, 1),
        (date(2026, 11, 3), None, None, 0.0, 0),
        (date(2026, 11, 4), moment(2 * day + 6 * 3600), 14, 0.4, 1),
    ]


def test_the_first_of_tied_hours_is_the_busy_hour():
    calls = seconds((7200, 7300), (0, 100))

    assert busy_hour(calls).row(0) == (8, 100 / 3600, 1, 100 / 3600)
    assert busy_hours(calls)["hour"].to_list() == [8]


@pytest.mark.slow
@examples(60)
@given(case=calls_in_a_zone())
def test_busy_hours_match_the_hours(case: tuple[pl.DataFrame, str]):
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
            begin if count else None,
            hour if count else None,
            pytest.approx(carried, rel=1e-15),
            count,
        )
        for begin, day, hour, carried, count in own
    ]
    assert row["days"] == len(own)
    assert row["erlangs"] == (None if highest is None else pytest.approx(highest))
    assert row["daily_peak_erlangs"] == (
        pytest.approx(sum(each[3] for each in own) / len(own)) if own else None
    )
    if highest is not None:
        assert sum(means[row["hour"]]) / len(means[row["hour"]]) == pytest.approx(highest)


def test_the_daily_peak_is_at_least_the_busy_hour(calls: pl.DataFrame):
    row = busy_hour(calls).row(0, named=True)

    assert row["daily_peak_erlangs"] > row["erlangs"] > 0
    assert row["daily_peak_erlangs"] == pytest.approx(busy_hours(calls)["erlangs"].mean())


# Tables.


@by_table
def test_tables_of_lazy_frames_and_of_the_streaming_engine(table, calls: pl.DataFrame):
    expected = table(calls)

    assert isinstance(table(calls.lazy()), pl.LazyFrame)
    assert_frame_equal(table(calls.lazy()).collect(), expected)
    assert_frame_equal(table(calls.lazy()).collect(engine="streaming"), expected)


@by_table
def test_no_calls_and_null_rows_give_the_same_schema(table, calls: pl.DataFrame):
    for empty in (calls.clear(), calls.clear(3)):
        rows = table(empty)
        assert rows.schema == table(calls).schema
        assert rows.rows() == ([(None, None, 0, None)] if table is busy_hour else [])
        assert concurrency(empty).without_span == empty.height
        assert concurrency(empty).over_time.schema == concurrency(calls).over_time.schema


def test_one_call_is_the_peak(calls: pl.DataFrame):
    one = calls.filter(pl.col("ended_at").is_not_null()).head(1)
    result = concurrency(one)

    assert (result.peak, result.at, result.call_ids) == (
        1,
        one["started_at"].item(),
        (one["id"].item(),),
    )


# Real calls.


@needs_real_calls
def test_traffic_of_real_calls(tmp_path: Path):
    calls = real_calls()
    calls.write_parquet(tmp_path / "calls.parquet")
    result, at = concurrency(calls), datetime(1999, 2, 3, 11, 29, 11, tzinfo=UTC)
    on_line = calls.filter(pl.col("started_at") <= at, pl.col("ended_at") > at)

    assert (result.peak, result.at) == (28, at)
    assert result.call_ids == tuple(on_line["id"].sort())
    assert_same_hours(erlangs(calls), sql.erlangs(tmp_path / "calls.parquet"))
