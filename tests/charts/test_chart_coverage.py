"""Coverage in charts: times not fetched are shaded, fetched times without calls are zero."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from support.chart_specs import notes, subtitle, tables

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.logs import Gap

ZONE = "Asia/Ho_Chi_Minh"


CHARTS = [
    charts.answer_rate,
    charts.ring_durations,
    charts.extension_performance,
    charts.heatmap,
    charts.service_level,
    charts.wait_distribution,
    charts.outbound_answer_rate,
    charts.outbound_attempts,
    charts.outbound_hours,
    charts.outbound_levels,
    charts.patience,
    charts.time_to_callback,
    charts.concurrency,
    charts.erlangs,
    charts.agents_by_interval,
    charts.trunk_failures,
    charts.funnel,
    charts.hunt_paths,
]


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00")


def position(text: str) -> int:
    """Local wall-clock time as on the axis of a chart."""
    return int((datetime.fromisoformat(text) - datetime(1970, 1, 1)) / timedelta(milliseconds=1))


GAPS = (("2026-11-03T18:00", "2026-11-05T08:00"), ("2026-11-06T14:30", "2026-11-09T00:00"))
COVERAGE = et.FetchReport(
    rows=0,
    received=0,
    repeated=0,
    outside=0,
    pages=1,
    began_at=local("2026-11-06T14:30"),
    complete_from=local("2026-11-01T12:00"),
    complete_to=local("2026-11-06T14:30"),
    seconds=0.1,
    gaps=tuple(Gap(*map(local, gap)) for gap in GAPS),
)


@pytest.fixture(scope="module")
def fetched(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls of a fetch with this coverage; none of them on 1 November."""
    start = pl.col("started_at")
    inside = (start >= local("2026-11-02T00:00")) & (start < local("2026-11-06T14:30"))
    return calls.filter(inside, ~((start >= local(GAPS[0][0])) & (start < local(GAPS[0][1]))))


def rows(chart: Any, *columns: str) -> list[tuple[Any, ...]]:
    """The distinct rows of the tables with all of these columns, sorted."""
    values = (row for table in tables(chart, *columns) for row in table)
    return sorted({tuple(row[column] for column in columns) for row in values}, key=str)


def test_only_times_that_were_not_fetched_are_shaded(fetched: pl.DataFrame):
    shaded = rows(charts.answer_rate(fetched, coverage=COVERAGE), "since", "begin", "end")

    assert sorted((begin, end) for _, begin, end in shaded) == [
        (position("2026-11-01T00:00"), position("2026-11-01T12:00")),
        (position("2026-11-03T18:00"), position("2026-11-05T08:00")),
        (position("2026-11-06T14:30"), position("2026-11-09T00:00")),
    ]


@pytest.mark.parametrize(
    "draw", [charts.answer_rate, charts.measure_by], ids=["answer_rate", "measure_by"]
)
def test_shading_distinguishes_not_requested_from_not_fetched(draw: Any, fetched: pl.DataFrame):
    query = et.CallQuery(date_from="2026-11-03", date_to="2026-11-06")  # Tuesday and Friday
    coverage = COVERAGE.clip(query.date_from, query.date_to)
    chart = draw(fetched.filter(query.to_expr()), by="week", coverage=coverage)

    assert "shaded: not fetched or not requested" in subtitle(chart)
    assert rows(chart, "why", "begin", "end") == [
        ("not fetched", position("2026-11-03T18:00"), position("2026-11-05T08:00")),
        ("not requested", position("2026-11-02T00:00"), position("2026-11-03T00:00")),
        ("not requested", position("2026-11-06T00:00"), position("2026-11-09T00:00")),
    ]


def test_times_after_a_fetch_are_not_fetched_unless_the_query_ends_before(fetched: pl.DataFrame):
    def why(coverage: et.FetchReport) -> dict[int, str]:
        return {
            begin: why
            for why, begin in rows(
                charts.measure_by(fetched, by="month", coverage=coverage), "why", "begin"
            )
        }

    open_ended = replace(COVERAGE, gaps=())
    assert why(open_ended) == {
        position("2026-11-01T00:00"): "not requested",
        position("2026-11-06T14:30"): "not fetched",
    }
    assert (
        why(replace(open_ended, began_at=local("2026-11-20T09:00")))[position("2026-11-06T14:30")]
        == "not requested"
    )
    ends_ahead = replace(
        open_ended, gaps=(Gap(local("2026-11-06T14:30"), local("2026-11-09T00:00")),)
    )
    assert why(ends_ahead)[position("2026-11-09T00:00")] == "not requested"
    later = {
        name: local(f"2026-12-{day}T00:00")
        for name, day in (("complete_from", "05"), ("complete_to", "06"), ("began_at", "08"))
    }
    assert why(replace(open_ended, **later)) == {
        position("2026-11-01T00:00"): "not requested",
        position("2026-12-06T00:00"): "not requested",
    }


def test_a_fetched_day_without_calls_is_zero_and_an_unfetched_day_is_null(
    fetched: pl.DataFrame,
):
    chart = {
        key: offered
        for key, offered, _ in rows(
            charts.answer_rate(fetched, coverage=COVERAGE), "key", "offered", "fetched"
        )
    }

    assert chart["Sun 1 Nov 2026"] == 0
    assert chart["Wed 4 Nov 2026"] is None
    assert chart["Sat 7 Nov 2026"] is None
    assert all(chart[day] > 0 for day in ("Mon 2 Nov 2026", "Thu 5 Nov 2026", "Fri 6 Nov 2026"))


def test_a_tooltip_states_the_fetched_part_of_a_day(fetched: pl.DataFrame):
    parts = dict(rows(charts.answer_rate(fetched, coverage=COVERAGE), "key", "fetched"))

    assert parts["Mon 2 Nov 2026"] == "all"
    assert parts["Tue 3 Nov 2026"] == "18 of 24 h"
    assert parts["Wed 4 Nov 2026"] == "no"


def test_a_null_rate_has_no_point_and_interrupts_the_line(fetched: pl.DataFrame):
    runs = dict(rows(charts.answer_rate(fetched, coverage=COVERAGE), "key", "run"))

    assert runs == {
        "Mon 2 Nov 2026": 0,
        "Tue 3 Nov 2026": 0,
        "Thu 5 Nov 2026": 1,
        "Fri 6 Nov 2026": 1,
    }


@pytest.mark.slow
def test_complete_coverage_shades_nothing(sample: et.CallLogs):
    for by in ("day", "week", "hour", "weekday"):
        assert rows(charts.answer_rate(sample.calls, by=by, coverage=sample.report), "since") == []
    assert "×" not in " ".join(
        charts.heatmap(sample.calls, coverage=sample.report).to_dict()["title"]["subtitle"]
    )


def test_without_coverage_no_group_is_zero(fetched: pl.DataFrame):
    chart = rows(charts.answer_rate(fetched), "key", "offered")

    assert [key for key, _ in chart] == [
        "Fri 6 Nov 2026",
        "Mon 2 Nov 2026",
        "Thu 5 Nov 2026",
        "Tue 3 Nov 2026",
    ]
    assert all(offered > 0 for _, offered in chart)


def test_a_weekday_that_was_never_fetched_is_null(fetched: pl.DataFrame):
    chart = dict(
        rows(charts.answer_rate(fetched, by="weekday", coverage=COVERAGE), "key", "offered")
    )

    assert chart["Wed"] is None
    assert chart["Sat"] is None
    assert chart["Sun"] == 0


def test_heatmap_cells_are_zero_if_fetched_and_crossed_if_not(fetched: pl.DataFrame):
    chart = charts.heatmap(fetched, coverage=COVERAGE)
    cells = {
        (row[0], row[1]): (row[2], row[3])
        for row in rows(chart, "weekday_key", "hour_key", "value", "fetched")
    }

    assert len(cells) == 7 * 24
    assert cells["Wed", "10"] == (None, "no")
    assert cells["Sun", "11"] == (None, "no")
    assert cells["Sun", "12"] == (0.0, "1 of 2 h")  # of the first Sunday only
    assert cells["Fri", "14"][1] == "0.5 of 1 h"
    assert cells["Mon", "10"][1] == "all"
    assert "×: not fetched" in subtitle(chart)


def test_heatmap_distinguishes_not_requested_from_not_fetched(fetched: pl.DataFrame):
    query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-03")  # a Monday
    chart = charts.heatmap(
        fetched.filter(query.to_expr()), coverage=COVERAGE.clip(query.date_from, query.date_to)
    )
    cells = {row[0] for row in rows(chart, "weekday_key", "value") if row[1] is not None}

    assert cells == {"Mon"}
    assert "×: not requested" in subtitle(chart)


def test_a_share_without_calls_is_not_zero(fetched: pl.DataFrame):
    cells = rows(
        charts.heatmap(fetched, measure="answer_rate", coverage=COVERAGE),
        "weekday_key",
        "hour_key",
        "value",
    )

    assert ("Sun", "12", 0.0) not in cells


@pytest.mark.slow
@pytest.mark.parametrize("draw", CHARTS)
def test_the_subtitle_states_the_coverage(draw: Any, fetched: pl.DataFrame):
    text = notes(draw(fetched, coverage=COVERAGE))

    assert (
        "Complete from Sun 1 Nov 2026 12:00 through Fri 6 Nov 2026 14:30, "
        "except Tue 3 Nov 2026 18:00 to Thu 5 Nov 2026 08:00"
    ) in text
    assert "not fetched: Fri 6 Nov 2026 14:30 to Mon 9 Nov 2026 00:00" in text


@pytest.mark.parametrize("draw", CHARTS)
def test_an_empty_chart_states_the_coverage(draw: Any, no_call: pl.DataFrame):
    chart = draw(no_call, coverage=COVERAGE)

    assert "No calls." in chart.to_dict()["description"]
    assert "Complete from" in notes(chart)


@pytest.mark.parametrize("draw", [charts.concurrency, charts.erlangs])
def test_traffic_is_shaded_where_it_was_not_fetched(draw: Any, fetched: pl.DataFrame):
    chart = draw(fetched, coverage=COVERAGE)

    assert (
        "Tue 3 Nov 2026 18:00",
        position("2026-11-03T18:00"),
        position("2026-11-05T08:00"),
    ) in rows(chart, "since", "begin", "end")
    assert "shaded: not fetched" in subtitle(chart)
    assert rows(draw(fetched), "since", "until") == []


def test_hours_that_were_not_fetched_are_left_out_of_means(fetched: pl.DataFrame):
    covered, bare = (charts.erlangs(fetched, coverage=coverage) for coverage in (COVERAGE, None))
    days = {key: hours for key, hours in rows(covered, "key", "hours") if key in ("9", "20")}

    # 9:00 was fetched completely on 2, 3, 5 and 6 November, 20:00 on 2 and 5 November.
    assert days == {"9": 4, "20": 2}
    assert {hours for _, hours in rows(bare, "key", "hours") if hours > 1} == {5}


def test_an_hour_within_a_gap_has_no_bar(calls: pl.DataFrame):
    """Calls in a gap are of another fetch."""
    hours = {
        clock for clock, _ in rows(charts.erlangs(calls, coverage=COVERAGE), "clock", "erlangs")
    }

    assert "Wed 4 Nov 2026 10:00" not in hours
    assert "Tue 3 Nov 2026 10:00" in hours
