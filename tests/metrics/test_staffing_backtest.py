"""What staffing cannot know: the back-test, dispersion, closed days, wrap-up and shrinkage."""

import heapq
import math
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from scipy import stats
from support.chart_specs import longest_table, notes, subtitle, tables
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics import charts, schema
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import (
    MetricOptions,
    agents_by_interval,
    agents_needed,
    erlang_a,
    erlang_c_service_level,
    staffing_backtest,
)

HOME = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = date(2026, 11, 2)
BANK = MetricOptions(time_zone="Asia/Jerusalem")


def at(day: int, hour: float) -> datetime:
    return datetime.combine(MONDAY, datetime.min.time(), HOME) + timedelta(days=day, hours=hour)


def call(
    started_at: datetime, wait_s: float, talk_s: float | None = None, agent: str = "101"
) -> dict[str, object]:
    """An inbound call that an agent answers after the wait, or that the caller ends."""
    answered_at = started_at + timedelta(seconds=wait_s)
    ended_at = answered_at + timedelta(seconds=talk_s or 0)
    leg = dict.fromkeys(schema.CALL_TARGETS_SCHEMA) | {
        "target_number": agent,
        "add_time": answered_at,
        "ring_time": answered_at,
        "answered_time": answered_at,
        "ended_time": ended_at,
        "status": "ANSWERED",
    }
    return {
        "direction": "in",
        "call_state": "not_answered" if talk_s is None else "answered",
        "started_at": started_at,
        "ended_at": ended_at,
        "duration": round(talk_s or 0),
        "call_targets": [] if talk_s is None else [leg],
    }


def table(rows: list[dict[str, object]]) -> pl.DataFrame:
    numbered = [row | {"id": f"{place}"} for place, row in enumerate(rows)]
    fields = {leg.name for leg in schema.LEGS}
    for row in numbered:
        row["call_targets"] = [
            {name: value for name, value in leg.items() if name in fields}
            for leg in row["call_targets"]  # type: ignore[attr-defined]
        ]
    return pl.DataFrame(numbered, schema=dict(schema.CALL_SCHEMA))


def queue(*, agents: int, calls_an_hour: float, days: int, seed: int) -> pl.DataFrame:
    """Simulated calls of a queue that is Erlang A, from 8 to 12: talk 180 s, patience 120 s.

    The queue is empty at 8, so that its first hour is better than Erlang A expects.
    """
    rng, rows = Random(seed), []
    for day in range(days):
        free = [(0.0, f"{101 + n}") for n in range(agents)]
        clock = 0.0
        while (clock := clock + rng.expovariate(calls_an_hour / 3_600)) < 4 * 3_600:
            patience_s, talk_s = rng.expovariate(1 / 120), rng.expovariate(1 / 180)
            begin, agent = free[0]
            started_at = at(day, 8) + timedelta(seconds=clock)
            wait_s = max(begin - clock, 0.0)
            if wait_s > patience_s:
                rows.append(call(started_at, patience_s))
                continue
            rows.append(call(started_at, wait_s, talk_s, agent))
            # Of free agents any may answer: the one who waits longest.
            heapq.heapreplace(free, (clock + wait_s + talk_s, agent))
    return table(rows)


def row_of(result: pl.DataFrame, hour: int) -> dict[str, object]:
    return result.filter(pl.col("hour") == hour).row(0, named=True)


# The back-test.


def test_hand_made_hour():
    """Two agents talk on two days; the shares are weighted by calls."""
    first = [call(at(0, 9 + n / 20), 10, 300, "101" if n % 2 else "102") for n in range(12)]
    first += [call(at(0, 9.7 + n / 100), 40) for n in range(8)]
    second = [call(at(1, 9 + n / 20), 30, 300, "101") for n in range(10)]
    result = staffing_backtest(table([*first, *second]))
    row = row_of(result, 9)

    patience_s = (12 * 10 + 8 * 40 + 10 * 30) / 8
    one = erlang_a(20 * 300 / 3600, 2, 300, patience_s)
    other = erlang_a(10 * 300 / 3600, 1, 300, patience_s)
    assert result["hour"].to_list() == [9]
    assert (row["days"], row["calls"], row["agents"]) == (2, 30, pytest.approx(50 / 30))
    assert row["abandoned"] == pytest.approx(8 / 30)
    assert row["service_level"] == pytest.approx(12 / 30)
    assert row["predicted_abandoned"] == pytest.approx((20 * one[0] + 10 * other[0]) / 30)
    assert row["predicted_service_level"] == pytest.approx((20 * one[1] + 10 * other[1]) / 30)
    miss = max(
        abs(row["predicted_abandoned"] - row["abandoned"]),  # type: ignore[operator]
        abs(row["predicted_service_level"] - row["service_level"]),  # type: ignore[operator]
    )
    assert row["miss"] == pytest.approx(miss)
    assert row["not_reliable"] is True


def test_wrap_up_is_part_of_the_load():
    calls = table([call(at(0, 9 + n / 40), 5, 200) for n in range(30)] + [call(at(0, 9.9), 60)])
    row = row_of(staffing_backtest(calls, wrap_up_s=40), 9)

    expected = erlang_a(31 * 240 / 3600, 1, 240, 30 * 5 + 60)
    assert row["predicted_abandoned"] == pytest.approx(expected.abandoned)


def test_without_abandoned_calls_it_is_erlang_c():
    calls = table([call(at(0, 9 + n / 40), 5, 60) for n in range(30)])
    row = row_of(staffing_backtest(calls), 9)

    assert (row["predicted_abandoned"], row["abandoned"]) == (0, 0)
    assert row["predicted_service_level"] == pytest.approx(erlang_c_service_level(0.5, 1, 60, 20))


@pytest.mark.slow
@pytest.mark.parametrize(("agents", "calls_an_hour"), [(3, 50.0), (5, 110.0)])
def test_queue_that_is_erlang_a_is_predicted(agents: int, calls_an_hour: float):
    calls = queue(agents=agents, calls_an_hour=calls_an_hour, days=24, seed=agents)
    result = staffing_backtest(calls)
    checked = agents_by_interval(calls)

    assert result["hour"].to_list()[:4] == [8, 9, 10, 11]
    busy = result.filter(pl.col("hour").is_in([9, 10, 11]))
    assert busy["not_reliable"].to_list() == [False] * 3
    assert busy["abandoned"].min() > 0.05
    flags = dict(checked.select("hour", "not_reliable").iter_rows())
    assert [flags[hour] for hour in (7, 9, 10, 11)] == [None, False, False, False]


def test_hidden_absence_is_not_reliable():
    """Two of five agents leave after a call an hour: the log shows five, of whom three work."""
    calls = queue(agents=3, calls_an_hour=70.0, days=10, seed=1)
    extra = [
        call(at(day, hour + 0.01), 0, 20, agent)
        for day in range(10)
        for hour in (9, 10, 11)
        for agent in ("201", "202")
    ]
    both = pl.concat([calls, table(extra).with_columns(id=pl.format("x{}", "id"))])

    result = staffing_backtest(both).filter(pl.col("hour").is_in([9, 10, 11]))
    assert result["not_reliable"].to_list() == [True] * 3


def test_few_calls_and_calls_without_persons_are_not_checked():
    few = staffing_backtest(table([call(at(0, 9), 5, 60), call(at(0, 9.5), 90)]))
    unknown = [call(at(0, 9), 5, 60) | {"call_targets": []} for _ in range(40)]

    assert few["not_reliable"].to_list() == [None]
    assert staffing_backtest(table(unknown)).is_empty()
    assert agents_by_interval(table(unknown))["not_reliable"].null_count() == 24


@needs_real_calls
def test_bank_is_not_predicted_in_any_hour():
    """Erlang A expects 3.5 % of calls to be abandoned, and 17 % were."""
    result = staffing_backtest(real_calls(), options=BANK)
    n = result["calls"]

    assert n.sum() == 32_644
    assert result["not_reliable"].all()
    assert result["predicted_abandoned"].dot(n) / n.sum() == pytest.approx(0.035, abs=0.01)
    assert result["abandoned"].dot(n) / n.sum() == pytest.approx(0.168, abs=0.002)


# Arrivals.


def test_interval_of_arrivals_includes_the_dispersion():
    counts = [10, 30, 10, 30, 10, 30]
    calls = table(
        [call(at(day, 9), 5, 60) for day, count in enumerate(counts) for _ in range(count)]
    )
    row = row_of(agents_by_interval(calls), 9)

    phi = 6 * 100 / 20 / 5
    assert row["dispersion"] == phi
    t95 = float(stats.t.ppf(0.975, 5))
    for end in ("arrivals_low", "arrivals_high"):
        bound = 6 * row[end]  # type: ignore[operator]
        assert abs(120 - bound) == pytest.approx(t95 * math.sqrt(phi * bound))


@needs_real_calls
def test_interval_of_the_busiest_hour_of_the_bank():
    """The interval of independent calls was 95.5 to 102.8 beside a dispersion of 23.6."""
    row = row_of(agents_by_interval(real_calls(), options=BANK), 10)

    assert row["dispersion"] == pytest.approx(23.6, abs=0.05)
    assert row["arrivals"] == pytest.approx(99.07, abs=0.01)
    assert row["arrivals_low"] == pytest.approx(82.0, abs=0.1)
    assert row["arrivals_high"] == pytest.approx(119.7, abs=0.1)


def test_one_day_has_no_interval():
    row = row_of(agents_by_interval(table([call(at(0, 9), 5, 60)])), 9)

    assert (row["arrivals"], row["arrivals_low"], row["arrivals_high"]) == (1, None, None)


# Closed days.


def test_closed_days_and_hours_are_left_out():
    """Monday to Friday 8 to 17, Saturday 8 to 12; Wednesday is a holiday."""
    options = MetricOptions(
        business_hours={"mon-fri": ("08:00", "17:00"), "sat": ("08:00", "12:00")},
        holidays=["2026-11-04"],
    )
    calls = table(
        [call(at(day, hour), 5, 60) for day in range(7) for hour in (9, 14, 20) for _ in range(2)]
    )
    result = agents_by_interval(calls, options=options)
    columns = ("days", "calls", "arrivals", "dispersion")

    nine, two, eight = (row_of(result, hour) for hour in (9, 14, 20))
    assert [nine[name] for name in columns] == [5, 10, 2, 0]
    assert [two[name] for name in columns] == [4, 8, 2, 0]
    assert [eight[name] for name in columns] == [5, 10, 2, 0]  # never open: all open days
    by_weekday = agents_by_interval(calls, by_weekday=True, options=options)
    assert by_weekday["weekday"].unique().sort().to_list() == [1, 2, 4, 5, 6]
    always = row_of(agents_by_interval(calls), 9)
    assert always["days"] == 7


def test_hours_past_midnight_and_half_hours():
    options = MetricOptions(business_hours={"fri": ("22:00", "02:00"), "mon": ("08:30", "09:00")})
    calls = table([call(at(day, hour), 5, 60) for day in range(7) for hour in (1, 8, 23)])
    result = agents_by_interval(calls, options=options)

    # Saturday is open until 02:00, Monday and Friday are open days.
    assert [row_of(result, hour)["days"] for hour in (1, 8, 23, 12)] == [1, 1, 1, 3]


# Wrap-up, shrinkage and occupancy.


def test_wrap_up_shrinkage_and_occupancy():
    """400 calls of 150 s of talk and 30 s of wrap-up are 20 Erlangs."""
    calls = table([call(at(0, 9 + n / 400), 5, 150) for n in range(400)])
    plain = row_of(agents_by_interval(calls, wrap_up_s=30), 9)
    capped = row_of(agents_by_interval(calls, wrap_up_s=30, max_occupancy=0.8), 9)
    shrunk = row_of(agents_by_interval(calls, wrap_up_s=30, shrinkage=0.3), 9)
    loose = row_of(agents_by_interval(calls, wrap_up_s=30, max_occupancy=0.85), 9)

    assert (plain["talk_s"], plain["handle_s"], plain["traffic"]) == (150, 180, 20)
    assert plain["agents_needed"] == plain["agents_scheduled"] == agents_needed(20, 180) == 24
    assert plain["service_level"] == pytest.approx(0.80888189, abs=6e-9)
    assert (capped["agents_needed"], capped["load_per_agent"]) == (25, 0.8)
    assert loose["agents_needed"] == 24
    assert (shrunk["agents_needed"], shrunk["agents_scheduled"]) == (24, 35)  # 24 / 0.7 = 34.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wrap_up_s": -1}, "wrap_up_s must be"),
        ({"shrinkage": 1}, "shrinkage is a share"),
        ({"shrinkage": -0.1}, "shrinkage must be"),
        ({"shrinkage": "0.3"}, "shrinkage must be"),
        ({"max_occupancy": 0}, "max_occupancy is a share"),
        ({"max_occupancy": 1.1}, "max_occupancy is a share"),
        ({"max_occupancy": 85}, "max_occupancy is a share"),
    ],
)
def test_numbers_out_of_range(arguments: dict[str, float], message: str):
    calls = et.sample_logs().calls.head(5)
    with pytest.raises(InputError, match=message):
        agents_by_interval(calls, **arguments)
    if "wrap_up_s" in arguments:
        with pytest.raises(InputError, match=message):
            staffing_backtest(calls, **arguments)


# The chart.


def test_chart_states_where_it_is_not_reliable():
    calls = queue(agents=3, calls_an_hour=70.0, days=6, seed=1)
    extra = [call(at(day, 9.01), 0, 20, agent) for day in range(6) for agent in ("201", "202")]
    both = pl.concat([calls, table(extra).with_columns(id=pl.format("x{}", "id"))])
    chart = charts.agents_by_interval(both, shrinkage=0.3)
    expected = staffing_backtest(both)

    rows = longest_table(
        chart, "hour", "sign", "not_reliable", "abandoned", "predicted_abandoned"
    ).sort("hour")
    known = rows.filter(pl.col("abandoned").is_not_null())
    assert known["predicted_abandoned"].to_list() == pytest.approx(
        expected["predicted_abandoned"].to_list(), abs=1e-6
    )
    assert rows.filter(pl.col("hour") == 9)["sign"].item().endswith("?")
    assert "? not reliable here" in subtitle(chart)
    assert "To schedule: agents / (1 - 0.3 shrinkage)" in notes(chart)


def test_chart_without_persons_has_no_backtest():
    calls = table([call(at(0, 9), 5, 60) | {"call_targets": []} for _ in range(40)])
    chart = charts.agents_by_interval(calls)

    assert "No back-test: no call shows which person answered." in notes(chart)
    assert "not reliable here" not in subtitle(chart)
    assert len(chart.vconcat) == 2
    assert tables(chart, "agents_needed")
