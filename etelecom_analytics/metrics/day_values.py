"""Values of measures by local day, for intervals that include how much days differ."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from ..fetch_report import FetchReport
from .options import MetricOptions
from .registry import MEASURES, Measure, Ratio, Total
from .selection import Calls
from .summary import summarize_fetched, summary_groups

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
    names = [each.name for each in measures]
    if coverage is None:
        table, _ = summary_groups(calls, [*by, "day"], names, options=options, counts=True)
    else:
        table = summarize_fetched(
            calls, [*by, "day"], names, coverage=coverage, options=options, confidence=True
        ).lazy()
        if not by:
            table = table.filter(pl.col("fetched_hours") >= pl.col("hours"))
    rows = (
        table.filter(is_open_day(options))
        .with_columns(weekday=pl.col("day").dt.weekday())
        .sort(*by, "day", nulls_last=True)
        .collect()
    )
    groups = {(): rows.lazy()}
    if by:
        all_days = rows.select("day", "weekday").unique().sort("day").lazy()
        groups = {
            key: all_days.join(
                group.lazy().drop("weekday"), on="day", how="left", maintain_order="left"
            )
            for key, group in rows.group_by(by, maintain_order=True)
        }
    tables = pl.collect_all([_sums(group, measures) for group in groups.values()])
    return [
        DayValues(key, each, _days(days, each))
        for key, days in zip(groups, tables, strict=True)
        for each in measures
    ]


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


def _sums(days: pl.LazyFrame, measures: Sequence[Measure]) -> pl.LazyFrame:
    """The `total` and `n` of all measures; a null or 0 is a day that counts for no value."""
    columns: dict[str, pl.Expr] = {}
    for each in measures:
        value = pl.col(each.name)
        match each.aggregation:
            case Total():
                total, n = value, pl.lit(1.0)
            case Ratio():
                total, n = pl.col(f"{each.name}_num"), pl.col(f"{each.name}_den")
            case _:
                n = pl.col(f"{each.name}_n")
                total = value * n
        columns[f"total of {each.name}"] = total.cast(pl.Float64).fill_null(0.0)
        columns[f"n of {each.name}"] = n.cast(pl.Float64).fill_null(0.0)
    return days.select("day", "weekday", **columns)


def _days(sums: pl.DataFrame, each: Measure) -> pl.DataFrame:
    """The days of a measure with any `n`."""
    names = ("day", "weekday", f"total of {each.name}", f"n of {each.name}")
    columns = zip(DAY_COLUMNS, names, strict=True)
    days = pl.DataFrame([sums[name].alias(column) for column, name in columns])
    counts = days["n"] > 0
    return days if counts.all() else days.filter(counts)
