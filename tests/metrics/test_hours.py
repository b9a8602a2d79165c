"""Business hours are stored in one form, and in_hours is a dimension."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle as sql
from support.fetch_coverage import local, missed_at, report
from support.measure_tables import CALL_MEASURES, LEG_MEASURES, OFFER_MEASURES, assert_agree

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import (
    MetricOptions,
    Selection,
    callback_rate,
    facts,
    patience,
    repeat_rate,
    summarize,
    summarize_fetched,
)

WEEK = {"mon-fri": ("08:00", "17:30"), "sat": [("08:00", "12:00")]}
STORED = (*((weekday, "08:00", "17:30") for weekday in range(1, 6)), (6, "08:00", "12:00"))

clock_times = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
some_hours = st.lists(
    st.tuples(st.integers(1, 7), clock_times, clock_times | st.just("24:00")).filter(
        lambda span: span[1] != span[2]
    ),
    min_size=1,
    max_size=9,
).map(tuple)


def is_open(moment: datetime, spans: Sequence[tuple[int, str, str]]) -> bool:
    """Whether a span contains this local time; a span past midnight continues on the next day."""
    weekday, text = moment.isoweekday(), f"{moment:%H:%M}"
    return any(
        (day == weekday and begin <= text and (text < end or end < begin))
        or (day % 7 + 1 == weekday and end < begin and text < end)
        for day, begin, end in spans
    )


@pytest.mark.parametrize(
    "hours",
    [
        WEEK,
        {"Monday-friday": ["8:00", " 17:30 "], 6: ("08:00", "12:00"), "sun": []},
        {
            **{day: [("08:00", "17:30")] for day in range(1, 6)},
            "6": [["08:00", "10:00"], ["09:30", "12:00"]],
        },
        {"mon - fri": [("12:00", "17:30"), ("08:00", "12:00")], "saturday": ("08:00", "12:00")},
        STORED,
        [list(span) for span in reversed(STORED)],
        [("mon-fri", "08:00", "17:30"), ("sat", "08:00", "12:00")],
    ],
)
def test_all_notations_have_one_stored_form(hours: Any):
    options = MetricOptions(business_hours=hours)

    assert options.business_hours == STORED
    assert options == MetricOptions(business_hours=WEEK)
    assert hash(options) == hash(MetricOptions(business_hours=WEEK))


def test_a_span_past_midnight_continues_on_the_next_day():
    assert MetricOptions(business_hours={"sat-mon": ("20:00", "04:00"), "tue": ("22:00",
        "00:00")}).business_hours == (
        (1, "00:00", "04:00"), (1, "20:00", "24:00"), (2, "00:00", "04:00"), (2, "22:00", "24:00"),
        (6, "20:00", "24:00"), (7, "00:00", "04:00"), (7, "20:00", "24:00"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({}, "None means always open"),
        ({"sun": []}, "None means always open"),
        ({"mon": ("08:00", "08:00")}, "a whole day is"),
        ({"mon": ("24:00", "08:00")}, "a whole day is"),
        ({"mon": ("08:00", "25:00")}, "'25:00'"),
        ({"mon": ("08:00", "17:60")}, "'17:60'"),
        ({"mon": ("08:00", "17:30:00")}, "'17:30:00'"),
        ({"mon": ("08:00",)}, "'08:00'"),
        ({"mon": "08:00-17:30"}, "08:00-17:30"),
        ({"mon": (8, 17)}, "got 8"),
        ({"mon": 8}, "got 8"),
        ({"mon-fri": ("08:00", "17:00"), 5: ("08:00", "16:00")}, "names a weekday twice: 5"),
        ({True: ("08:00", "17:00")}, "got True"),
        ({1.5: ("08:00", "17:00")}, r"got 1\.5"),
        ([("mon", "08:00")], "got"),
        ("mon-fri 8-17", "mon-fri 8-17"),
        (8, "got 8"),
    ],
)
def test_invalid_hours_raise(hours: Any, message: str):
    with pytest.raises(InputError, match=message):
        MetricOptions(business_hours=hours)


@pytest.mark.parametrize(
    ("day", "message"),
    [
        ("mond", "Did you mean mon"),
        ("0", "There is no weekday '0'"),
        ("8", "weekday '8'"),
        (9, "'9'"),
    ],
)
def test_an_unknown_weekday_raises_with_the_nearest_names(day: Any, message: str):
    with pytest.raises(UnknownName, match=message):
        MetricOptions(business_hours={day: ("08:00", "17:00")})


@pytest.mark.parametrize(
    "holidays",
    ["2026-09-02", ["2026-02-30"], [datetime(2026, 9, 2)], [20260902], 5, {"2026-09-02"}],
)
def test_holidays_must_be_dates(holidays: Any):
    with pytest.raises(InputError, match="holidays are local dates"):
        MetricOptions(holidays=holidays)


def test_holidays_are_sorted_without_duplicates():
    options = MetricOptions(holidays=["2027-01-01", date(2026, 9, 2), "2026-09-02"])  # type: ignore[arg-type]  # text is parsed

    assert options.holidays == (date(2026, 9, 2), date(2027, 1, 1))


@pytest.mark.slow
@given(
    hours=some_hours,
    moments=st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), max_size=12),
    days=st.sets(st.dates(date(2026, 3, 1), date(2026, 3, 9))),
)
def test_in_hours_follows_the_local_clock(
    hours: tuple[tuple[int, str, str], ...], moments: list[datetime], days: set[date]
):
    for zone in ("Asia/Ho_Chi_Minh", "America/New_York"):
        options = MetricOptions(business_hours=hours, holidays=tuple(days), time_zone=zone)
        local_moments = [
            moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for moment in moments
        ]
        expected = [
            is_open(moment, hours) and moment.date() not in days for moment in local_moments
        ]

        table = summarize(missed_at(*local_moments), ["in_hours"], ["calls"], options=options)
        assert dict(table.rows()) == {value: expected.count(value) for value in set(expected)}


@given(hours=some_hours, days=st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=4))
def test_options_round_trip_through_json(hours: tuple[tuple[int, str, str], ...], days: set[date]):
    options = MetricOptions(
        business_hours=hours,
        holidays=tuple(days),
        ivr_numbers=("8000",),
        as_of=datetime(2026, 11, 8, 9),
        threshold_s=12.5,
    )

    assert MetricOptions.from_dict(json.loads(json.dumps(options.to_dict()))) == options
    names: dict[str, Any] = {}
    exec(options.code(), names)  # noqa: S102  # as a user runs it
    assert names["options"] == options


def test_to_dict_has_the_zone_and_changed_options():
    assert MetricOptions().to_dict() == {"time_zone": "Asia/Ho_Chi_Minh"}
    assert MetricOptions(business_hours=WEEK, ivr_numbers=("8000",)).to_dict() == {
        "time_zone": "Asia/Ho_Chi_Minh",
        "ivr_numbers": ["8000"],
        "business_hours": {"mon-fri": ["08:00", "17:30"], "sat": ["08:00", "12:00"]},
    }
    assert MetricOptions(ivr_numbers=("8000",)).code() == (
        "import etelecom_analytics as et\n\n"
        'options = et.MetricOptions(time_zone="Asia/Ho_Chi_Minh", ivr_numbers=["8000"])\n'
    )


def test_an_unknown_option_raises_with_the_nearest_names():
    with pytest.raises(UnknownName, match="Did you mean holidays"):
        MetricOptions.from_dict({"holyday": ["2026-09-02"]})


# As a dimension.

HOURS: dict[str, Any] = {"business_hours": STORED, "holidays": (date(2026, 11, 4),)}


@pytest.mark.slow
def test_every_measure_in_hours_agrees_with_sql(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")
    options = MetricOptions(**HOURS)

    for measures, rows_in_sql in (
        (CALL_MEASURES, sql.call_measures),
        (OFFER_MEASURES, sql.offer_measures),
        (LEG_MEASURES, sql.leg_measures),
    ):
        table = summarize(calls, ["in_hours"], measures, options=options)
        assert table["in_hours"].to_list() == [False, True]
        assert_agree(table, rows_in_sql(tmp_path / "calls.parquet", "in_hours", **HOURS))


def test_the_edges_of_business_hours():
    begin, end = local("2026-11-02T08:00"), local("2026-11-02T17:30")
    moments = [
        begin - timedelta(microseconds=1),
        begin,
        end - timedelta(microseconds=1),
        end,
        local("2026-11-04T10:00"),
    ]
    table = summarize(
        missed_at(*moments), ["day", "hour", "in_hours"], ["calls"], options=MetricOptions(**HOURS)
    )

    assert [row[1:3] for row in table.rows()] == [
        (7, False),
        (8, True),
        (17, False),
        (17, True),
        (10, False),
    ]


def test_without_hours_every_call_is_in_hours_except_on_holidays():
    calls = pl.concat(
        [
            missed_at(local("2026-11-03T03:00"), local("2026-11-04T10:00")),
            missed_at(local("2026-11-03T03:00"))[:1],
        ]
    )
    calls = calls.with_columns(started_at=pl.when(pl.int_range(pl.len()) < 2).then("started_at"))

    assert summarize(calls, ["in_hours"], ["calls"]).rows() == [(True, 2), (None, 1)]
    assert summarize(calls, ["in_hours"], ["calls"],
        options=MetricOptions(holidays=HOURS["holidays"])).rows() == [
        (False, 1), (True, 1), (None, 1),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("of", [patience, repeat_rate, callback_rate, et.metrics.time_to_callback])
def test_other_functions_accept_in_hours(of: Any, calls: pl.DataFrame):
    options = MetricOptions(**HOURS)
    inside = facts(calls).select(
        in_hours=et.metrics.local_dimensions.start_dimensions(["in_hours"], options)["in_hours"]
    )["in_hours"]
    table = of(calls, ["in_hours"], options=options)

    assert table["in_hours"].unique().to_list() == [False, True]
    if of is patience:
        assert_frame_equal(
            table.filter("in_hours").drop("in_hours"), of(calls.filter(inside), options=options)
        )
    of_hours = of(calls, ["in_hours", "hour"], options=options)
    assert of_hours.filter(pl.col("hour") > 17)["in_hours"].any() is False
    assert_frame_equal(of(calls.lazy(), ["in_hours"], options=options).collect(), table)


@pytest.mark.slow
def test_a_selection_has_the_same_measures(calls: pl.DataFrame):
    for hours in (HOURS, {}):
        options = MetricOptions(**hours)
        expected = summarize(calls, ["in_hours"], ["calls", "offers", "asr"], options=options)
        assert_frame_equal(
            summarize(Selection(calls), ["in_hours"], ["calls", "offers", "asr"], options=options),
            expected,
        )


# Coverage.


def test_the_length_of_business_hours_is_exact_to_the_minute():
    hours = {"mon-tue": ("08:07", "17:31"), "wed": ("22:00", "04:00")}
    options = MetricOptions(business_hours=hours, holidays=(date(2026, 11, 3),))
    coverage = report(
        "2026-11-02T08:00",
        "2026-11-06T00:00",
        ("2026-11-02T10:00", "2026-11-02T10:30"),
        ("2026-11-02T18:00", "2026-11-02T18:20"),
    )

    table = summarize_fetched(
        missed_at(local("2026-11-02T08:30")),
        ["in_hours"],
        ["calls"],
        coverage=coverage,
        options=options,
    )
    inside = 9.4 + 2 + 4
    assert table["in_hours"].to_list() == [False, True]
    assert table["hours"].to_list() == pytest.approx([96 - inside, inside])
    assert table["fetched_hours"].to_list() == pytest.approx(
        [96 - inside - 8 - 1 / 3, inside - 0.5]
    )
    assert table["calls"].to_list() == [0, 1]


def test_each_day_has_its_hours_and_no_day_is_added():
    options = MetricOptions(business_hours={"mon": ("08:00", "17:30")})
    coverage = report("2026-11-02T00:00", "2026-11-04T00:00")

    for by in (["day", "in_hours"], ["day", "weekday", "in_hours"]):
        table = summarize_fetched(
            missed_at(local("2026-11-02T07:59")), by, ["calls"], coverage=coverage, options=options
        )
        assert table.select("day", "in_hours", "calls", "hours").rows() == [
            (date(2026, 11, 2), False, 1, 14.5), (date(2026, 11, 2), True, 0, 9.5), (date(2026, 11,
                3), False, 0, 24.0),
        ]  # fmt: skip


def test_a_chart_labels_in_hours_and_out_of_hours(calls: pl.DataFrame):
    spec = json.dumps(
        et.charts.answer_rate(calls, by="in_hours", options=MetricOptions(**HOURS)).to_dict()
    )

    assert '"in hours"' in spec
    assert '"out of hours"' in spec
