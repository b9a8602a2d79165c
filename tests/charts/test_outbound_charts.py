"""Charts of the outbound desk: titles state what the tables found, and marks are their values."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from support.chart_specs import notes, subtitle, tables, title

import etelecom_analytics as et
from etelecom_analytics import charts, metrics

BLOCKED = "02471080002"


@pytest.fixture(scope="module")
def desk() -> pl.DataFrame:
    """A desk with an own number that is blocked on 17 November."""
    blocked = {BLOCKED: date(2026, 11, 17)}
    return et.simulator.simulate_outbound(1_500, blocked=blocked).calls


def marks(chart: Any, *columns: str) -> list[tuple[Any, ...]]:
    """The distinct rows of the tables of a chart that have all of these columns."""
    rows = [row for table in tables(chart, *columns) for row in table]
    return sorted({tuple(row[column] for column in columns) for row in rows}, key=str)


def test_the_fall_of_a_blocked_number_is_the_title(desk: pl.DataFrame):
    chart = charts.outbound_levels(desk)
    levels = metrics.outbound_levels(desk)
    before, after = levels.filter(own_number=BLOCKED)["answer_rate"].to_list()
    first_panel, *others = (panel.title.text for panel in chart.vconcat)

    assert title(chart).endswith(
        f"{BLOCKED} fell from {100 * before:.0f} % to {100 * after:.0f} % on Tue 17 Nov"
    )
    assert first_panel[0].startswith(f"{BLOCKED}: {100 * before:.0f} % of ")
    assert first_panel[1].startswith(f"from Tue 17 Nov: {100 * after:.0f} % of ")
    assert [len(lines) for lines in others] == [1, 1, 1]
    assert marks(chart, "answer_rate", "others_answer_rate") == sorted(
        levels.select(pl.col("answer_rate", "others_answer_rate").round(6)).rows(), key=str
    )
    days = marks(chart, "key", "day", "offered", "answered")
    assert sum(row[2] for row in days) == desk.height
    assert len(days) == 4 * 28


def test_days_of_an_unknown_own_number_are_one_panel():
    chart = charts.outbound_levels(et.sample_logs().calls)

    assert title(chart).endswith("too few days to tell")
    assert "(none): own number unknown" in subtitle(chart)


def test_many_levels_have_three_lines():
    rate = [0.9] * 8 + [0.1] * 8 + [0.8] * 8 + [0.05] * 8
    desk = et.simulator.simulate_outbound(3_000, days=32, seed=4).calls
    # The share of answered calls of each day is set, so that it has four levels.
    day = (pl.col("started_at") - pl.col("started_at").min()).dt.total_days()
    nth = pl.int_range(pl.len()).over(day) / pl.len().over(day)
    answered = nth < pl.lit(pl.Series(rate)).gather(day)
    state = pl.when(answered).then(pl.lit("answered")).otherwise(pl.lit("not_answered"))
    no_legs = desk.clear(desk.height)["call_targets"].fill_null([])
    calls = desk.with_columns(no_legs, call_state=state.cast(desk.schema["call_state"]))
    chart = charts.outbound_levels(calls, by="direction")

    (panel,) = chart.vconcat
    assert panel.title.text[1] == "2 levels between"
    assert len(panel.title.text) == 3
    assert "out fell from" in title(chart)


def test_the_best_hour_is_the_title(desk: pl.DataFrame):
    chart = charts.outbound_hours(desk)
    hours = metrics.outbound_hours(desk)
    best = hours.filter(verdict="better").sort("difference").row(-1, named=True)

    assert best["hour"] == 17
    percent = f"{100 * best['answer_rate']:.0f} %"
    assert title(chart).endswith(f": 17:00, {percent} of {best['answer_rate_den']} answered")
    assert "▲ better than other times" in subtitle(chart)
    signs = dict(marks(chart, "key", "percent"))
    assert {signs[f"{hour}:00"][-1] for hour in hours.filter(verdict="worse")["hour"]} == {"▼"}


def test_attempts_have_customers_reached_and_never_reached(desk: pl.DataFrame):
    chart = charts.outbound_attempts(desk)
    row = metrics.outbound_customers(desk).row(0, named=True)
    table = metrics.outbound_attempts(desk)

    assert subtitle(chart).startswith(
        f"1,500 customers: {row['reached']:,} reached, {row['never_reached']:,} never"
    )
    first = 100 * (1 - table["survival"][1])
    assert f": {first:.0f} % with the first, half within 2 attempts" in title(chart)
    assert marks(chart, "at", "survival") == sorted(
        table.select(pl.col("attempts"), pl.col("survival").round(6)).rows(), key=str
    )


def test_rates_by_carrier_say_that_ported_numbers_keep_their_prefix(desk: pl.DataFrame):
    chart = charts.outbound_answer_rate(desk)
    table = metrics.outbound_answer_rate(desk, "carrier")

    assert "which a ported number keeps" in notes(chart)
    assert marks(chart, "key", "offered", "customers") == sorted(
        table.select(pl.col("carrier").cast(str), "answer_rate_den", "customers").rows(), key=str
    )
    assert (
        "carrier" not in notes(charts.outbound_answer_rate(desk, by="weekday")).split("mailbox")[0]
    )
