"""Values of measures by local day, for intervals that include how much days differ."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from ..fetch_report import FetchReport
from .options import MetricOptions
from .registry import MEASURES, Measure, Ratio, Total
from .selection import Calls
from .summary import summarize_fetched

__all__ = [
    "DAY_COLUMNS",
    "DayValues",
    "complete_days",
    "is_count",
    "is_open_day",
    "values_by_day",
]

DAY_COLUMNS = ("day", "weekday", "total", "n")
"""The columns of a table of days: `total` is the sum of a day, `n` what it is a share or mean of.

The value of a day is `total / n`. A count has the `n` 1, a quantile the `total` value * n.
"""


class DayValues(NamedTuple):
    """The days of one measure in one group, with the columns `DAY_COLUMNS`."""

    group: tuple[object, ...]
    measure: Measure
    days: pl.DataFrame


def is_count(measure: Measure) -> bool:
    """Whether the measure is a number of calls, offers or legs, or a sum of seconds."""
    return isinstance(measure.aggregation, Total)


def values_by_day(
    calls: Calls,
    measures: Sequence[Measure],
    by: Sequence[str],
    options: MetricOptions,
    *,
    coverage: FetchReport | None = None,
) -> list[DayValues]:
    """The days of each measure in each group.

    Closed days are left out: weekdays without business hours, and holidays. Of a share or a time,
    a day without values is left out; of a count, each open day on which the calls have any row in
    any group counts, with 0 where the group has none. A day without any call is left out too: calls
    alone do not show whether it was fetched. With `coverage`, and without `by`, it counts if it was
    fetched, and days that were not fetched completely are left out.
    """
    if not measures:
        return []
    table = summarize_fetched(
        calls,
        [*by, "day"],
        [each.name for each in measures],
        coverage=coverage,
        options=options,
        confidence=True,
    )
    if coverage is not None and not by:
        table = table.filter(pl.col("fetched_hours") >= pl.col("hours"))
    table = table.with_columns(weekday=pl.col("day").dt.weekday()).filter(is_open_day(options))
    all_days = table.select("day", "weekday").unique().sort("day").lazy()
    groups = dict(table.group_by(by, maintain_order=True)) if by else {(): table}
    keys = [(key, each) for key in groups for each in measures]
    days = pl.collect_all([_days(groups[key].lazy(), each, all_days) for key, each in keys])
    return [DayValues(key, each, rows) for (key, each), rows in zip(keys, days, strict=True)]


def complete_days(calls: Calls, options: MetricOptions, coverage: FetchReport) -> pl.DataFrame:
    """The open days that were fetched completely, in the column `day`."""
    (counts,) = values_by_day(calls, [MEASURES["calls"]], [], options, coverage=coverage)
    return counts.days.select("day")


def is_open_day(options: MetricOptions) -> pl.Expr:
    """Whether the column `day` is no holiday, and its weekday has business hours."""
    is_open = ~pl.col("day").is_in(list(options.holidays))
    if options.business_hours is None:
        return is_open
    weekdays = sorted({weekday for weekday, _, _ in options.business_hours})
    return is_open & pl.col("day").dt.weekday().is_in(weekdays)


def _days(rows: pl.LazyFrame, each: Measure, all_days: pl.LazyFrame) -> pl.LazyFrame:
    value = pl.col(each.name)
    match each.aggregation:
        case Total():
            filled = all_days.join(rows.select("day", value), on="day", how="left")
            totals = filled.select(
                "day", "weekday", total=value.fill_null(0).cast(pl.Float64), n=pl.lit(1.0)
            )
        case Ratio():
            totals = rows.select(
                "day",
                "weekday",
                total=pl.col(f"{each.name}_num").cast(pl.Float64),
                n=pl.col(f"{each.name}_den").cast(pl.Float64),
            )
        case _:
            n = pl.col(f"{each.name}_n").cast(pl.Float64)
            totals = rows.select("day", "weekday", total=(value * n).fill_null(0.0), n=n)
    return totals.filter(pl.col("n") > 0).sort("day")
