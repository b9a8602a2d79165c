"""Estimates of measures of one set of calls, with the intervals of independent calls."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import InputError
from ..frames import checked_calls
from .aggregation import ROWS, SUMMED, columns_of, moments, rank_name
from .confidence import (
    NO_INTERVAL,
    Z95,
    Interval,
    count_interval,
    difference_interval,
    mean_interval,
    share_interval,
    welch_interval,
)
from .measure_rows import parts_in_cube, rows_of
from .options import MetricOptions
from .registry import Grain, Mean, Measure, Quantile, Ratio, Total
from .selection import Calls, Selection

__all__ = [
    "NO_ESTIMATE",
    "Estimate",
    "difference_of_calls",
    "estimates",
    "is_summary",
    "method_of_calls",
]

Group = tuple[object, ...]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One measure of one set of calls; None where unknown.

    Attributes:
        value: the value of `summarize`.
        n: the number of calls, offers or legs that a share or a time is of, or the count.
        interval: the 95 % interval of independent calls.
        variance: the variance of single values, of a mean.
    """

    value: float | None
    n: int | None = None
    interval: Interval = NO_INTERVAL
    variance: float | None = None


NO_ESTIMATE = Estimate(value=None)


def estimates(
    table: Calls, requested: Sequence[Measure], by: Sequence[str], options: MetricOptions
) -> dict[Group, dict[str, Estimate]]:
    """The estimate of each measure by its name, by group; without `by` there is one group, ().

    Raises:
        InputError: a summary has several rows, or lacks a measure; or it is compared by groups.
    """
    if not is_summary(table):
        return _of_calls(table, requested, by, options)
    if by:
        raise InputError("by groups calls; a summary has no calls. Leave out by, or compare calls.")
    return {(): _of_summary(table, requested)}


def difference_of_calls(each: Measure, before: Estimate, after: Estimate) -> Interval:
    """The 95 % interval of after - before, for independent calls; unknown without both values."""
    if before.value is None or after.value is None:
        return NO_INTERVAL
    if not isinstance(each.aggregation, Mean):
        return difference_interval(before.value, before.interval, after.value, after.interval)
    if before.variance is None or after.variance is None:
        return NO_INTERVAL
    variances, sizes = (before.variance, after.variance), (before.n or 0, after.n or 0)
    return welch_interval(after.value - before.value, variances, sizes)


def method_of_calls(each: Measure) -> str:
    """The name of the method of `difference_of_calls`."""
    match each.aggregation:
        case Ratio():
            return "Newcombe"
        case Mean():
            return "Welch"
    return "square and add"


def is_summary(table: Calls) -> bool:
    """Whether it has the columns of a summary; anything but calls or a summary is an error."""
    if isinstance(table, Selection):
        return False
    frame = checked_calls(table, columns=())
    return not {"call_targets", "started_at"} & set(frame.collect_schema())


def _of_summary(summary: Calls, requested: Sequence[Measure]) -> dict[str, Estimate]:
    table = summary.lazy().collect()
    if table.height != 1:
        raise InputError(
            f"A summary to compare has one row, without dimensions; this one has {table.height:,} "
            "rows. Filter it to one group."
        )
    row = table.row(0, named=True)
    needed = [
        column
        for each in requested
        for column in (_counts(each) if isinstance(each.aggregation, Ratio) else [each.name])
    ]
    if missing := [column for column in needed if column not in row]:
        raise InputError(
            f"The summary has no {', '.join(missing)}: compute it with these measures and "
            "confidence=True."
        )
    return {
        each.name: _share(*(row[column] for column in _counts(each)))
        if isinstance(each.aggregation, Ratio)
        else _count(row[each.name])
        if _is_count(each)
        else Estimate(value=row[each.name])
        for each in requested
    }


def _counts(each: Measure) -> list[str]:
    return [f"{each.name}_num", f"{each.name}_den"]


def _of_calls(
    calls: Calls, requested: Sequence[Measure], by: Sequence[str], options: MetricOptions
) -> dict[Group, dict[str, Estimate]]:
    grains: dict[tuple[Grain, bool], list[Measure]] = {}
    for each in requested:
        grains.setdefault((each.grain, each.name == "busy_offers"), []).append(each)
    tables = []
    for of_grain in grains.values():
        parts = parts_in_cube(calls, by, of_grain, options, intervals=True)
        statistics = [
            _statistics(each, summed=parts is not None).alias(f"statistics of {each.name}")
            for each in of_grain
        ]
        if parts is not None:
            tables.append(parts.lazy().select(*by, *statistics))
            continue
        rows = rows_of(calls, by, of_grain[0].name, options=options)
        tables.append(rows.group_by(by).agg(statistics) if by else rows.select(statistics))
    result: dict[Group, dict[str, Estimate]] = {}
    for of_grain, table in zip(grains.values(), pl.collect_all(tables), strict=True):
        for row in table.iter_rows():
            for each, values in zip(of_grain, row[len(by) :], strict=True):
                result.setdefault(row[: len(by)], {})[each.name] = _estimate(each, values)
    return result


def _statistics(each: Measure, *, summed: bool) -> pl.Expr:
    """What an estimate needs, as a struct: aggregates of rows, or of parts that were summed."""
    columns = columns_of(each, SUMMED if summed else ROWS, counts=True)
    match each.aggregation:
        case Mean(fact):
            sums = moments(fact)
            columns |= {name: pl.col(f"{name} of {fact}") for name in sums} if summed else sums
            columns["sum"] = (SUMMED if summed else ROWS).total(fact)
        case Quantile(fact, share) if summed:
            columns |= {end: pl.col(rank_name(end, fact, share)) for end in ("low", "high")}
        case Quantile(fact, share):
            values, n = pl.col(fact), pl.col(fact).count().cast(pl.Float64)
            reach = Z95 * (n * share * (1 - share)).sqrt()
            ranks = {"low": (n * share - reach).ceil(), "high": (n * share + reach).ceil()}
            for end, rank in ranks.items():
                columns[end] = pl.when(rank.is_between(1, n)).then(_ranked(values, rank))
    return pl.struct(column.alias(name) for name, column in columns.items())


def _ranked(values: pl.Expr, rank: pl.Expr) -> pl.Expr:
    """The value of this rank, from 1 on.

    `quantile` with an expression is not used: in Polars 2.1 it takes wrong ranks in a group_by.
    """
    place = rank.fill_nan(0).cast(pl.Int64) - 1
    return values.drop_nulls().sort().get(place, null_on_oob=True)


def _estimate(each: Measure, statistics: dict[str, int | float | None]) -> Estimate:
    if isinstance(each.aggregation, Ratio):
        return _share(*(int(statistics[column] or 0) for column in _counts(each)))
    value, n = statistics[each.name], int(statistics.get(f"{each.name}_n") or 0)
    match each.aggregation:
        case Quantile():
            interval = Interval(statistics["low"], statistics["high"])
            return Estimate(value=value, n=n, interval=interval)
        case Mean() if n > 1 and value is not None:
            # Integers of any size: the variance is exact, in any order of the rows.
            spread = n * int(statistics["squares"] or 0) - int(statistics["sum"] or 0) ** 2
            variance = spread / (n * (n - 1)) / 1e12
            interval = mean_interval(value, variance, _skewness(statistics, n), n)
            return Estimate(value=value, n=n, variance=variance, interval=interval)
        case Mean():
            return Estimate(value=value, n=n)
    return _count(int(value or 0)) if _is_count(each) else Estimate(value=value)


def _skewness(statistics: dict[str, int | float | None], n: int) -> float:
    """The third central moment / the second^1.5, from sums of powers; 0 for equal values."""
    first, second, third = (int(statistics[f"power_{place}"] or 0) for place in (1, 2, 3))
    squares = n * second - first**2
    cubes = n * n * third - 3 * n * first * second + 2 * first**3
    return float(cubes / squares**1.5) if squares else 0.0


def _is_count(each: Measure) -> bool:
    return isinstance(each.aggregation, Total) and each.unit != "s"


def _share(numerator: int, denominator: int) -> Estimate:
    value = numerator / denominator if denominator else None
    return Estimate(value=value, n=denominator, interval=share_interval(numerator, denominator))


def _count(count: int) -> Estimate:
    return Estimate(value=float(count), n=count, interval=count_interval(count))
