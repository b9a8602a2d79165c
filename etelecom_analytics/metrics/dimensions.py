"""The dimensions that come from a call's start: those of the local clock, and whether it lay within business hours."""

from collections.abc import Sequence
from math import gcd

import polars as pl

from .. import local_time
from .hours import minutes_of_week, read_hours
from .options import MetricOptions

__all__ = ["START_DIMENSIONS", "minutes_alike", "start_dimensions"]

START_DIMENSIONS = (*local_time.LOCAL_DIMENSIONS, "in_hours")
"""What can be told of any moment, so also of one at which nobody called."""


def start_dimensions(names: Sequence[str], options: MetricOptions) -> dict[str, pl.Expr]:
    """Those of these names that are `START_DIMENSIONS`, made from `started_at`; in_hours is null where that is not known."""
    return {name: _of_start(name, options) for name in names if name in START_DIMENSIONS}


def minutes_alike(names: Sequence[str], options: MetricOptions) -> int:
    """A number of minutes so small that no span of this length, counted from a full hour, lies in two groups of these dimensions.

    15, since the offsets of today's zones are whole quarters of an hour, or less where business
    hours begin or end within a quarter.
    """
    week = _week(options) if "in_hours" in names else None
    return gcd(15, *(minute for span in week or () for minute in span))


def _of_start(name: str, options: MetricOptions) -> pl.Expr:
    if name == "in_hours":
        return local_time.in_hours(options.time_zone, _week(options), options.holidays)
    return local_time.LOCAL_DIMENSIONS[name](options.time_zone)


def _week(options: MetricOptions) -> list[tuple[int, int]] | None:
    return (
        None
        if options.business_hours is None
        else minutes_of_week(read_hours(options.business_hours))
    )
