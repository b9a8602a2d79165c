"""What was not fetched is shaded, and never drawn as zero; what was fetched and had no calls is zero."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.logs import Gap

ZONE = "Asia/Ho_Chi_Minh"


EVERY = [
    charts.answer_rate,
    charts.ring_durations,
    charts.extension_performance,
    charts.heatmap,
    charts.service_level,
    charts.wait_distribution,
    charts.patience,
    charts.time_to_callback,
    charts.concurrency,
    charts.erlangs,
    charts.agents_needed,
    charts.trunk_failures,
    charts.funnel,
    charts.hunt_paths,
]


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00")


def wall(text: str) -> int:
    """Local wall-clock time as the charts' axis has it."""
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
    """The calls that such a fetch would have brought; none of them on 1 November."""
    began = pl.col("started_at")
    inside = (began >= local("2026-11-02T00:00")) & (began < local("2026-11-06T14:30"))
    return calls.filter(inside, ~((began >= local(GAPS[0][0])) & (began < local(GAPS[0][1]))))


def rows(drawn: Any, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of the tables that have all of these columns, each once."""
    tables = [
        table
        for table in drawn.to_dict()["datasets"].values()
        if table and set(columns) <= set(table[0])
    ]
    return sorted(
        {tuple(row[column] for column in columns) for table in tables for row in table}, key=str
    )


def test_days_are_shaded_where_they_were_not_fetched_and_nowhere_else(fetched: pl.DataFrame):
    shaded = rows(charts.answer_rate(fetched, coverage=COVERAGE), "since", "begin", "end")

    assert [(begin, end) for _, begin, end in shaded] == [
        (wall("2026-11-01T00:00"), wall("2026-11-01T12:00")),
        (wall("2026-11-03T18:00"), wall("2026-11-05T08:00")),
        (wall("2026-11-06T14:30"), wall("2026-11-09T00:00")),
    ]


@pytest.mark.parametrize(
    "chart", [charts.answer_rate, charts.measure_by], ids=["answer_rate", "measure_by"]
)
def test_the_part_of_a_week_or_month_that_was_not_asked_for_is_told_apart_from_what_was_not_fetched(
    chart: Any, fetched: pl.DataFrame
):
    asked = et.CallQuery(date_from="2026-11-03", date_to="2026-11-06")  # a Tuesday, and a Friday
    coverage = COVERAGE.clip(asked.date_from, asked.date_to)
    drawn = chart(fetched.filter(asked.to_expr()), by="week", coverage=coverage)

    assert "Shaded: not fetched or not asked for." in drawn.to_dict()["title"]["subtitle"]
    assert rows(drawn, "why", "begin", "end") == [
        ("not asked for", wall("2026-11-02T00:00"), wall("2026-11-03T00:00")),
        ("not asked for", wall("2026-11-06T00:00"), wall("2026-11-09T00:00")),
        ("not fetched", wall("2026-11-03T18:00"), wall("2026-11-05T08:00")),
    ]


def test_what_came_after_a_fetch_without_an_end_is_not_fetched_and_after_an_end_that_was_past_not_asked_for(
    fetched: pl.DataFrame,
):
    def why(coverage: et.FetchReport) -> dict[int, str]:
        return {
            begin: why
            for why, begin in rows(
                charts.measure_by(fetched, by="month", coverage=coverage), "why", "begin"
            )
        }

    open_ended = replace(COVERAGE, gaps=())
    assert why(open_ended) == {
        wall("2026-11-01T00:00"): "not asked for",
        wall("2026-11-06T14:30"): "not fetched",
    }
    assert (
        why(replace(open_ended, began_at=local("2026-11-20T09:00")))[wall("2026-11-06T14:30")]
        == "not asked for"
    )
    ends_ahead = replace(
        open_ended, gaps=(Gap(local("2026-11-06T14:30"), local("2026-11-09T00:00")),)
    )
    assert why(ends_ahead)[wall("2026-11-09T00:00")] == "not asked for"
    later = {
        name: local(f"2026-12-{day}T00:00")
        for name, day in (("complete_from", "05"), ("complete_to", "06"), ("began_at", "08"))
    }
    assert why(replace(open_ended, **later)) == {
        wall("2026-11-01T00:00"): "not asked for",
        wall("2026-12-06T00:00"): "not asked for",
    }


def test_a_fetched_day_without_calls_is_zero_and_one_not_fetched_is_not_drawn(
    fetched: pl.DataFrame,
):
    drawn = {
        key: offered
        for key, offered, _ in rows(
            charts.answer_rate(fetched, coverage=COVERAGE), "key", "offered", "fetched"
        )
    }

    assert drawn["Sun 2026-11-01"] == 0
    assert drawn["Wed 2026-11-04"] is None
    assert drawn["Sat 2026-11-07"] is None
    assert all(drawn[day] > 0 for day in ("Mon 2026-11-02", "Thu 2026-11-05", "Fri 2026-11-06"))


def test_a_day_that_was_fetched_in_part_says_so(fetched: pl.DataFrame):
    told = dict(rows(charts.answer_rate(fetched, coverage=COVERAGE), "key", "fetched"))

    assert told["Mon 2026-11-02"] == "all"
    assert told["Tue 2026-11-03"] == "18 of 24 h"
    assert told["Wed 2026-11-04"] == "no"


def test_a_rate_over_nothing_has_no_point_and_no_line_crosses_it(fetched: pl.DataFrame):
    runs = dict(rows(charts.answer_rate(fetched, coverage=COVERAGE), "key", "run"))

    assert runs == {
        "Mon 2026-11-02": 0,
        "Tue 2026-11-03": 0,
        "Thu 2026-11-05": 1,
        "Fri 2026-11-06": 1,
    }


def test_everything_fetched_means_nothing_shaded(sample: et.CallLogs):
    for by in ("day", "week", "hour", "weekday"):
        assert rows(charts.answer_rate(sample.calls, by=by, coverage=sample.report), "since") == []
    assert "×" not in " ".join(
        charts.heatmap(sample.calls, coverage=sample.report).to_dict()["title"]["subtitle"]
    )


def test_without_coverage_nothing_is_shaded_and_nothing_is_zero(fetched: pl.DataFrame):
    drawn = rows(charts.answer_rate(fetched), "key", "offered")

    assert [key for key, _ in drawn] == [
        "Fri 2026-11-06",
        "Mon 2026-11-02",
        "Thu 2026-11-05",
        "Tue 2026-11-03",
    ]
    assert all(offered > 0 for _, offered in drawn)


def test_a_weekday_that_was_never_fetched_has_no_zero(fetched: pl.DataFrame):
    drawn = dict(
        rows(charts.answer_rate(fetched, by="weekday", coverage=COVERAGE), "key", "offered")
    )

    assert drawn["Wed"] is None
    assert drawn["Sat"] is None
    assert drawn["Sun"] == 0


def test_cells_of_the_heatmap_are_zero_where_fetched_and_crossed_where_not(fetched: pl.DataFrame):
    drawn = charts.heatmap(fetched, coverage=COVERAGE)
    cells = {
        (row[0], row[1]): (row[2], row[3])
        for row in rows(drawn, "weekday_key", "hour_key", "value", "fetched")
    }

    assert len(cells) == 7 * 24
    assert cells["Wed", "10"] == (None, "no")
    assert cells["Sun", "11"] == (None, "no")
    assert cells["Sun", "12"] == (0.0, "1 of 2 h")  # of the first Sunday, and not of the last
    assert cells["Fri", "14"][1] == "0.5 of 1 h"
    assert cells["Mon", "10"][1] == "all"
    assert "×: not fetched." in " ".join(drawn.to_dict()["title"]["subtitle"])


def test_weekdays_that_were_not_asked_for_are_told_apart_from_those_not_fetched(
    fetched: pl.DataFrame,
):
    asked = et.CallQuery(date_from="2026-11-02", date_to="2026-11-03")  # a Monday
    drawn = charts.heatmap(
        fetched.filter(asked.to_expr()), coverage=COVERAGE.clip(asked.date_from, asked.date_to)
    )
    cells = {row[0] for row in rows(drawn, "weekday_key", "value") if row[1] is not None}

    assert cells == {"Mon"}
    assert "×: not asked for." in " ".join(drawn.to_dict()["title"]["subtitle"])


def test_a_share_has_no_zero_where_there_were_no_calls(fetched: pl.DataFrame):
    cells = rows(
        charts.heatmap(fetched, measure="answer_rate", coverage=COVERAGE),
        "weekday_key",
        "hour_key",
        "value",
    )

    assert ("Sun", "12", 0.0) not in cells


@pytest.mark.parametrize("chart", EVERY)
def test_up_to_when_it_is_complete_is_told(chart: Any, fetched: pl.DataFrame):
    words = " ".join(chart(fetched, coverage=COVERAGE).to_dict()["title"]["subtitle"])

    assert (
        "Complete from 2026-11-01 12:00 through 2026-11-06 14:30, but for 2026-11-03 18:00 to 2026-11-05 08:00"
        in words
    )
    assert "not fetched: 2026-11-06 14:30 to 2026-11-09 00:00" in words


@pytest.mark.parametrize("chart", EVERY)
def test_no_calls_and_coverage_say_both(chart: Any, no_call: pl.DataFrame):
    drawn = chart(no_call, coverage=COVERAGE).to_dict()

    assert "No calls." in drawn["description"]
    assert "Complete from" in " ".join(drawn["title"]["subtitle"])


@pytest.mark.parametrize("chart", [charts.concurrency, charts.erlangs])
def test_traffic_is_shaded_where_it_was_not_fetched(chart: Any, fetched: pl.DataFrame):
    drawn = chart(fetched, coverage=COVERAGE)

    assert ("2026-11-03 18:00", wall("2026-11-03T18:00"), wall("2026-11-05T08:00")) in rows(
        drawn, "since", "begin", "end"
    )
    assert "Shaded: not fetched." in drawn.to_dict()["title"]["subtitle"]
    assert rows(chart(fetched), "since", "until") == []


def test_hours_that_were_not_fetched_are_in_no_bar_and_in_no_mean(fetched: pl.DataFrame):
    told, bare = (charts.erlangs(fetched, coverage=coverage) for coverage in (COVERAGE, None))
    days = {key: hours for key, hours in rows(told, "key", "hours") if key in ("9", "20")}

    # 9:00 was fetched whole on 2, 3, 5 and 6 November, of which calls there are on all; 20:00 on 2
    # and 5.
    assert days == {"9": 4, "20": 2}
    assert {hours for _, hours in rows(bare, "key", "hours") if hours > 1} == {5}


def test_an_hour_within_a_gap_has_no_bar(calls: pl.DataFrame):
    """Even if there are calls: they are those of another fetch."""
    begins = {
        clock for clock, _ in rows(charts.erlangs(calls, coverage=COVERAGE), "clock", "erlangs")
    }

    assert "Wed 2026-11-04 10:00" not in begins
    assert "Tue 2026-11-03 10:00" in begins
