"""Ordinary days judged by the rules of `etelecom watch`, and planted steps, to count alarms.

The measures of one day stay together: all are drawn from the same simulated days.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from etelecom_analytics.metrics.control_scale import from_scale, to_scale
from etelecom_analytics.metrics.daily_control import limits_of_days
from etelecom_analytics.metrics.registry import measure
from etelecom_analytics.watch.rules import HISTORY_DAYS, Alarm, Cause, judge_day

from .ordinary_days import Days

__all__ = ["FIRST", "WATCH_DAYS", "alarms_of", "drawn_days", "with_step"]

WATCH_DAYS = 90
_HISTORY = -(-HISTORY_DAYS // 7) * 7
_WEEKS = _HISTORY // 7 + -(-WATCH_DAYS // 7)
_MONDAY = date(2026, 1, 5)
FIRST = _MONDAY + timedelta(days=_HISTORY)


def drawn_days(days: Days, rng: np.random.Generator) -> Days:
    """Weeks of days drawn without replacement from those of each weekday, in new order."""
    first = next(iter(days.values()))
    weekday = first["weekday"].to_numpy()
    rows = np.empty(7 * _WEEKS, dtype=int)
    for place in range(7):
        rows[place::7] = rng.permutation(np.flatnonzero(weekday == place + 1))[:_WEEKS]
    new = pl.Series([_MONDAY + timedelta(days=number) for number in range(7 * _WEEKS)])
    return {name: table[rows].with_columns(day=new) for name, table in days.items()}


def alarms_of(
    days: Days,
    watched: Sequence[str],
    targets: dict[str, float],
    *,
    begin: int = 0,
    until: int = WATCH_DAYS,
) -> list[Alarm]:
    """The alarms of the days from `begin` to `until` after the history, judged one by one."""
    lasting: set[Cause] = set()
    alarms = []
    for number in range(begin, until):
        day = FIRST + timedelta(days=number)
        result = judge_day(days, day, watched=watched, targets=targets, lasting=lasting)
        lasting = (lasting - set(result.ended)) | {alarm.cause for alarm in result.alarms}
        alarms += result.alarms
    return alarms


def with_step(days: Days, name: str, sigmas: float, start: int) -> Days:
    """The days with a lasting step of a measure, in sigmas of its days on their scale."""
    each, begin = measure(name), FIRST + timedelta(days=start)
    before = begin - timedelta(days=1)
    baseline = days[name].filter(pl.col("day").is_between(before - timedelta(55), before))
    later = days[name].filter(pl.col("day") >= begin)
    table = limits_of_days(each, later, baseline).table
    low, middle, high, value = (
        to_scale(table[column].to_numpy(), each) for column in ("low", "expected", "high", "value")
    )
    sigma = np.maximum(middle - low, high - middle) / 3  # one of the limits may be cut
    moved = later.with_columns(
        total=pl.Series(from_scale(value + sigmas * sigma, each)) * pl.col("n")
    )
    return {**days, name: pl.concat([days[name].filter(pl.col("day") < begin), moved])}
