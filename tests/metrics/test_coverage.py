"""summarize_fetched: fetched groups without calls are 0, groups that were not fetched are null."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.fetch_coverage import local, missed_at, report

import etelecom_analytics as et
from etelecom_analytics.logs import Gap
from etelecom_analytics.metrics import MEASURES, compare, explain, inward, summarize_fetched
from etelecom_analytics.metrics.registry import Mean, Quantile

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"


def test_a_day_without_calls_is_zero_if_fetched_else_null():
    calls = missed_at(local("2026-11-02T10:00"), local("2026-11-05T10:00"))
    coverage = report(
        "2026-11-02T06:00",
        "2026-11-06T12:00",
        ("2026-11-04T00:00", "2026-11-05T00:00"),
        ("2026-11-06T12:00", "2026-11-08T00:00"),
    )

    table = summarize_fetched(
        calls, ["day"], ["offered", "answer_rate"], coverage=coverage, confidence=True
    )

    assert table["day"].to_list() == [date(2026, 11, day) for day in range(2, 8)]
    assert table["offered"].to_list() == [1, 0, None, 1, 0, None]
    assert table["answer_rate"].to_list() == [0.0, None, None, 0.0, None, None]
    assert table["answer_rate_den"].to_list() == [1, 0, None, 1, 0, None]
    assert table["hours"].to_list() == [24.0] * 6
    assert table["fetched_hours"].to_list() == [18.0, 24.0, 0.0, 24.0, 12.0, 0.0]


def test_hours_that_were_not_requested_are_null():
    calls = missed_at(local("2026-11-02T10:00"))

    table = summarize_fetched(
        calls, ["hour"], ["calls"], coverage=report("2026-11-02T08:00", "2026-11-02T11:30")
    )

    assert table["calls"].to_list() == [*[None] * 8, 0, 0, 1, 0, *[None] * 12]
    assert table.filter(hour=11)["fetched_hours"].item() == 0.5


@pytest.mark.parametrize(
    ("by", "first", "last", "hours"),
    [
        ("week", date(2026, 10, 26), date(2026, 11, 2), 168.0),
        ("month", date(2026, 11, 1), date(2026, 11, 1), 720.0),
    ],
)
def test_a_week_or_month_may_be_fetched_in_part(by: str, first: date, last: date, hours: float):
    calls = missed_at(local("2026-11-02T10:00"))

    table = summarize_fetched(
        calls, [by], ["calls"], coverage=report("2026-11-01T00:00", "2026-11-03T00:00")
    )

    assert (table[by][0], table[by][-1]) == (first, last)
    assert table["hours"].unique().to_list() == [hours]
    assert table["fetched_hours"].sum() == 48.0


def test_a_fetch_without_a_first_day_begins_at_the_first_call():
    calls = missed_at(local("2026-11-02T10:00"))

    table = summarize_fetched(calls, ["day"], ["calls"], coverage=report(None, "2026-11-04T00:00"))

    assert table.select("day", "calls", "fetched_hours").rows() == [
        (date(2026, 11, 2), 1, 24.0),
        (date(2026, 11, 3), 0, 24.0),
    ]


def test_a_call_at_the_end_of_the_fetch_has_its_day():
    calls = missed_at(local("2026-11-03T00:00"))

    table = summarize_fetched(
        calls, ["day"], ["calls"], coverage=report("2026-11-02T00:00", "2026-11-03T00:00")
    )

    assert table.select("day", "calls", "fetched_hours").rows() == [
        (date(2026, 11, 2), 0, 24.0),
        (date(2026, 11, 3), 1, 0.0),
    ]


def test_a_day_with_a_clock_change_has_its_own_length():
    calls = missed_at(datetime(2026, 10, 25, 12, tzinfo=UTC))
    coverage = report("2026-10-25T05:00", "2026-10-26T06:00")  # midnight to midnight in Berlin

    table = summarize_fetched(
        calls,
        ["day"],
        ["calls"],
        coverage=coverage,
        options=et.MetricOptions(time_zone="Europe/Berlin"),
    )

    assert table.select("hours", "fetched_hours").rows() == [(25.0, 25.0)]


@pytest.mark.parametrize("kind", [pl.DataFrame.lazy, pl.DataFrame.clone])
def test_without_coverage_the_table_is_the_summary(
    calls: pl.DataFrame, kind: Callable[[pl.DataFrame], pl.DataFrame]
):
    table = summarize_fetched(kind(calls), ["day"], ["offered"], coverage=None)

    assert_frame_equal(
        table.drop("hours", "fetched_hours"), et.summarize(calls, ["day"], ["offered"])
    )
    assert table["fetched_hours"].is_null().all()


def test_groups_with_calls_are_those_of_the_summary(calls: pl.DataFrame):
    coverage = report("2020-01-01T00:00", "2026-11-03T00:00")

    table = summarize_fetched(
        calls, ["weekday", "hour"], ["calls", "talk_avg_s"], coverage=coverage
    )

    assert_frame_equal(
        table.filter(pl.col("calls") > 0).drop("hours", "fetched_hours"),
        et.summarize(calls, ["weekday", "hour"], ["calls", "talk_avg_s"]),
    )
    assert table.height == 7 * 24


def test_other_dimensions_have_no_hours(calls: pl.DataFrame):
    table = summarize_fetched(
        calls, ["direction"], ["calls"], coverage=report(None, "2026-11-03T00:00")
    )

    assert table["hours"].is_null().all()


@pytest.mark.parametrize("by", [["caller"], ["day"]])
def test_unsorted_groups_are_the_same_groups(calls: pl.DataFrame, by: list[str]):
    arguments = (calls, by, ["calls", "answer_rate"])
    coverage = report("2026-11-02T00:00", "2026-11-10T00:00")

    unsorted = summarize_fetched(*arguments, coverage=coverage, confidence=True, in_order=False)
    assert_frame_equal(
        unsorted.sort(by, nulls_last=True),
        summarize_fetched(*arguments, coverage=coverage, confidence=True),
    )


def test_overlapping_gaps_are_merged():
    coverage = report(
        "2026-11-02T00:00",
        "2026-11-06T00:00",
        ("2026-11-03T00:00", "2026-11-04T00:00"),
        ("2026-11-03T12:00", "2026-11-05T00:00"),
    )

    assert coverage.gaps_between(local("2026-11-01T00:00"), local("2026-11-07T00:00")) == (
        Gap(local("2026-11-01T00:00"), local("2026-11-02T00:00")),
        Gap(local("2026-11-03T00:00"), local("2026-11-05T00:00")),
        Gap(local("2026-11-06T00:00"), local("2026-11-07T00:00")),
    )
    assert coverage.gaps_between(local("2026-11-02T00:00"), local("2026-11-03T00:00")) == ()


def test_inward_has_one_of_the_two_logs_of_an_internal_call(calls: pl.DataFrame):
    result = inward(calls)

    assert set(result["direction"].cast(pl.String)) == {"in", "ext_in"}
    internal = result.filter(direction="ext_in")["external_session_id"]
    assert internal.is_unique().all()
    assert_frame_equal(inward(calls.lazy()).collect(), result)


def test_a_weekday_that_was_not_requested_has_no_hours():
    calls = missed_at(local("2026-11-04T10:00"))

    table = summarize_fetched(
        calls, ["weekday"], ["calls"], coverage=report("2026-11-03T00:00", "2026-11-05T00:00")
    )

    assert table["calls"].to_list() == [None, 0, 1, None, None, None, None]
    assert (
        table["hours"].to_list()
        == table["fetched_hours"].to_list()
        == [0.0, 24.0, 24.0, 0.0, 0.0, 0.0, 0.0]
    )


def test_days_outside_the_query_have_no_rows():
    logs = et.read_snapshot(SAMPLE)
    query = et.CallQuery(date_from="2026-11-05", date_to="2026-11-07")
    coverage = logs.report.clip(query.date_from, query.date_to)
    table = et.metrics.summarize_fetched(
        logs.calls.filter(query.to_expr()), ["day"], ["offered"], coverage=coverage
    )

    assert table["day"].to_list() == [date(2026, 11, 5), date(2026, 11, 6)]
    assert table["fetched_hours"].to_list() == [24, 24]
    by_month = et.metrics.summarize_fetched(logs.calls, ["month"], ["offered"], coverage=coverage)
    assert by_month.select("hours", "fetched_hours").row(0) == (720, 48)
    assert logs.report.clip(None, None) == logs.report


@pytest.mark.parametrize(
    ("since", "begin", "end", "complete", "gaps"),
    [
        (None, None, 5, (None, 5), [(3, 4)]),
        (None, 2, None, (2, 8), [(3, 4)]),
        (None, 2, 5, (2, 5), [(3, 4)]),
        (None, 2, 20, (2, 8), [(3, 4), (8, 20)]),
        (None, 9, 12, (9, 9), [(9, 12)]),
        (None, 3, 4, (3, 4), [(3, 4)]),
        (2, 1, 6, (2, 6), [(1, 2), (3, 4)]),
        (5, 1, 4, (4, 4), [(1, 4)]),
        (5, None, 7, (5, 7), []),
    ],
)
def test_a_clipped_report_has_the_gaps_of_its_range(
    since: int | None,
    begin: int | None,
    end: int | None,
    complete: tuple[int | None, int],
    gaps: list[tuple[int, int]],
):
    def on(day: int | None) -> datetime | None:
        return None if day is None else datetime(2026, 11, day, tzinfo=UTC)

    gap = (
        ()
        if since == 5
        else (Gap(datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)),)
    )
    clipped = replace(report(None, "2026-11-08T07:00"), complete_from=on(since), gaps=gap).clip(
        on(begin), on(end)
    )

    assert (clipped.complete_from, clipped.complete_to) == tuple(map(on, complete))
    assert clipped.gaps == tuple((on(first), on(after)) for first, after in gaps)
    assert clipped.has_no_coverage is (complete[0] == complete[1] or begin == 3)


@pytest.mark.slow
def test_means_and_quantiles_have_the_number_of_their_values(calls: pl.DataFrame):
    """An offer that did not ring has no ring time, so it does not count in the mean ring."""
    measures = [
        name for name, each in MEASURES.items() if isinstance(each.aggregation, Mean | Quantile)
    ]
    table = summarize_fetched(calls, [], [*measures, "offers"], coverage=None, confidence=True)
    changes = compare(calls, calls, measures)

    for row in changes.iter_rows(named=True):
        name = row["measure"]
        n = table[f"{name}_n"].item()
        assert n == row["after_n"] == explain(calls, name).n > 0
    assert table["ring_avg_s_n"].item() < table["offers"].item()


@pytest.mark.parametrize(
    ("name", "population"),
    [
        ("answer_rate", "offered calls"),
        ("service_level", "calls"),
        ("asa_s", "answered calls"),
        ("agent_talk_avg_s", "answered calls"),
        ("abandon_wait_s", "abandoned calls"),
        ("fair_answer_rate", "offers"),
        ("ring_p90_s", "offers that rang"),
        ("post_dial_delay_avg_s", "legs that rang"),
        ("asr", "legs"),
    ],
)
def test_the_population_of_a_measure(name: str, population: str):
    assert MEASURES[name].population == population
