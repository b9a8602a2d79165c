"""Ordinary days in new orders, and planted changes, to count right and wrong verdicts.

A change is planted in the days of a measure. Of a share or a count, it multiplies each day's total;
of a time, each day's value. What independent calls would add to that is far less than days differ.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

import etelecom_analytics as et
from etelecom_analytics.metrics.control_scale import from_scale, to_scale
from etelecom_analytics.metrics.daily_control import limits_of_days
from etelecom_analytics.metrics.day_statistics import change_between_days
from etelecom_analytics.metrics.day_values import values_by_day
from etelecom_analytics.metrics.registry import measure
from etelecom_analytics.simulator import simulate_calls

__all__ = [
    "BASELINE_DAYS",
    "QUARTER_DAYS",
    "Days",
    "alarm_counts",
    "day_tables",
    "is_changed",
    "quarter_of",
    "simulated_days",
    "step_is_found",
    "weeks_of",
]

Days = Mapping[str, pl.DataFrame]
"""Tables of days by measure, with the columns of `day_values.DAY_COLUMNS`."""

BASELINE_DAYS, QUARTER_DAYS = 56, 91
_MONDAY = date(2026, 1, 5)


def day_tables(calls: pl.DataFrame, names: Sequence[str], options: et.MetricOptions) -> Days:
    """The days of these measures."""
    measures = [measure(name) for name in names]
    return {each.measure.name: each.days for each in values_by_day(calls, measures, [], options)}


def simulated_days(
    seeds: Sequence[int], names: Sequence[str], *, calls: int, days: int = 28
) -> Days:
    """All days of the inbound calls of these simulations with the preset "busy"."""
    tables = []
    for seed in seeds:
        simulation = simulate_calls(calls, seed=seed, days=days, preset="busy")
        options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
        tables.append(day_tables(simulation.calls.filter(direction="in"), names, options))
    return {name: pl.concat([table[name] for table in tables]) for name in names}


def weeks_of(days: pl.DataFrame, counts: Sequence[int], rng: np.random.Generator) -> pl.DataFrame:
    """So many weeks of days drawn without replacement from those of each weekday, in new order.

    The days of the preset "busy" are independent of each other, and those of the bank are treated
    as if they were, so each order is as likely as the real one.
    """
    weeks = sum(counts)
    chosen = np.empty(7 * weeks, dtype=int)
    weekday = days["weekday"].to_numpy()
    for place in range(7):
        rows = np.flatnonzero(weekday == place + 1)
        chosen[place::7] = rng.permutation(rows)[:weeks]
    return days[chosen].with_columns(
        day=pl.Series([_MONDAY + timedelta(index) for index in range(7 * weeks)])
    )


def quarter_of(days: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Eight weeks for the limits, and the quarter after them."""
    drawn = weeks_of(days, [BASELINE_DAYS // 7, QUARTER_DAYS // 7], rng)
    return drawn.head(BASELINE_DAYS), drawn.tail(QUARTER_DAYS)


def alarm_counts(name: str, baseline: pl.DataFrame, quarter: pl.DataFrame) -> int:
    """The number of days outside the limits or with a level change."""
    table = limits_of_days(measure(name), quarter, baseline).table
    return int(table["is_alarm"].sum() + table["is_change"].sum())


def step_is_found(
    name: str, baseline: pl.DataFrame, quarter: pl.DataFrame, sigmas: float, start: int
) -> bool:
    """Whether a lasting step of so many sigmas from day `start` on has an alarm within two days.

    Sigma is that of the chart: a third of the way from the expected value to a limit, on the scale
    on which limits are symmetric.
    """
    each = measure(name)
    table = limits_of_days(each, quarter, baseline).table
    low, middle, high, value = (
        to_scale(table[column].to_numpy(), each) for column in ("low", "expected", "high", "value")
    )
    sigma = np.maximum(middle - low, high - middle) / 3  # one of the limits may be cut
    worse = from_scale(value + sigmas * sigma, each)
    changed = pl.when(pl.int_range(pl.len()) >= start).then(pl.Series(worse) * pl.col("n"))
    shifted = quarter.with_columns(total=changed.otherwise("total"))
    after = limits_of_days(each, shifted, baseline).table.slice(start, 2)
    return bool((after["is_alarm"] | after["is_change"]).any())


def is_changed(name: str, before: pl.DataFrame, after: pl.DataFrame, factor: float = 1.0) -> bool:
    """Whether `after`, with its totals multiplied, differs from `before` at the 5 % level."""
    planted = after.with_columns(total=pl.col("total") * factor)
    change = change_between_days(before, planted, measure(name))
    return change is not None and change.p_value <= 0.05
