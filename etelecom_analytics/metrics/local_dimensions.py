"""Dimensions of the local start of a call: hour, day, in_hours, ..."""

from collections.abc import Sequence
from math import gcd

import polars as pl

from .. import local_time
from .hours import minutes_of_week, parse_hours
from .options import MetricOptions

__all__ = ["START_DIMENSIONS", "common_minutes", "start_dimensions"]

START_DIMENSIONS = (*local_time.LOCAL_DIMENSIONS, "in_hours")
"""Dimensions of a call's start; they are known for any moment, also for one without calls."""


def start_dimensions(names: Sequence[str], options: MetricOptions) -> dict[str, pl.Expr]:
    """An expression over `started_at` for each of these names that is in `START_DIMENSIONS`."""
    return {name: _of_start(name, options) for name in names if name in START_DIMENSIONS}


def common_minutes(names: Sequence[str], options: MetricOptions) -> int:
    """A step in minutes such that each step, counted from a full hour, is in one group.

    15, since offsets of time zones are whole quarters of an hour today, or less where business
    hours begin or end within a quarter.
    """
    week = _week(options) if "in_hours" in names else None
    return gcd(15, *(minute for span in week or () for minute in span))


def _of_start(name: str, options: MetricOptions) -> pl.Expr:
    if name == "in_hours":
        return local_time.in_hours(options.time_zone, _week(options), options.holidays)
    return local_time.LOCAL_DIMENSIONS[name](options.time_zone)


def _week(options: MetricOptions) -> list[tuple[int, int]] | None:
    hours = options.business_hours
    return None if hours is None else minutes_of_week(parse_hours(hours))
