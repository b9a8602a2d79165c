"""compare: the change of measures between two sets of calls, with confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import InputError
from ..frames import checked_calls
from .aggregation import columns_of, microseconds
from .confidence import (
    NO_INTERVAL,
    Z95,
    Interval,
    count_interval,
    difference_interval,
    share_interval,
    welch_interval,
)
from .dimensions import Names, as_names
from .options import MetricOptions, checked_options
from .registry import DEFAULT_MEASURES, Mean, Measure, Quantile, Ratio, Total, measure
from .selection import Calls, Selection
from .summary import rows_of

__all__ = ["compare"]

_SCHEMA = {
    "measure": pl.String,
    "unit": pl.String,
    **{
        f"{period}{end}": pl.Int64 if end == "_n" else pl.Float64
        for period in ("before", "after")
        for end in ("", "_low", "_high", "_n")
    },
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "method": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class _Estimate:
    """One measure of one set of calls; None where unknown."""

    value: float | None
    n: int | None = None
    interval: Interval = NO_INTERVAL
    variance: float | None = None


def compare(
    before: Calls,
    after: Calls,
    measures: Names = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame:
    """The change of each measure, one row per measure, with 95 % intervals. Collects.

    Columns: `measure`, `unit`; `before` and `after`, the values of `summarize`, each with its
    interval `_low` and `_high`, and `_n`, the number of its calls, offers or legs; `difference`,
    after - before, with its interval `low` and `high`; `method`, the method of that interval. A
    change whose interval excludes 0 is unlikely to be chance. The two sets must be independent: no
    call is in both.

    | measure | its interval | interval of the difference |
    |---|---|---|
    | a share | Wilson | Newcombe 1998, method 10: Wilson's intervals, square and add |
    | a mean | Welch's t (one sample: Student's t) | Welch 1947 |
    | a count | Byar, for independent calls | Byar's, square and add (Zou and Donner 2008) |
    | a quantile | two order statistics (Conover) | of these, square and add |
    | a sum of seconds | none | none |

    Args:
        before: calls, a `Selection`, or a summary of one row from `summarize(...,
            confidence=True)`. A summary lacks the variance of times, so its means and quantiles
            have no interval.
        after: the same for another period or group.
        measures: a measure or several.
        options: the settings of the measures; a summary already has its own.

    Raises:
        UnknownName: a measure does not exist; the message lists the nearest names.
        InputError: a summary has several rows, or lacks a measure; or an argument has the wrong
            type.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> later, earlier = inbound[:150], inbound[150:]
        >>> change = et.metrics.compare(earlier, later, "answer_rate")
        >>> change.select(pl.col("before", "after", "low", "high").round(2)).row(0)
        (0.95, 0.98, -0.02, 0.07)
    """
    options = checked_options(options)
    requested = [measure(name) for name in as_names(measures, "measures")]
    estimates = [
        _of_summary(table, requested)
        if _is_summary(table)
        else _of_calls(table, requested, options)
        for table in (before, after)
    ]
    rows = [_row(each, *both) for each, *both in zip(requested, *estimates, strict=True)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _row(each: Measure, before: _Estimate, after: _Estimate) -> tuple[object, ...]:
    difference, interval = None, NO_INTERVAL
    if before.value is not None and after.value is not None:
        difference = after.value - before.value
        if not isinstance(each.aggregation, Mean):
            interval = difference_interval(
                before.value, before.interval, after.value, after.interval
            )
        elif before.variance is not None and after.variance is not None:
            interval = welch_interval(
                difference, (before.variance, after.variance), (before.n or 0, after.n or 0)
            )
    sides = [column for side in (before, after) for column in (side.value, *side.interval, side.n)]
    method = _method(each) if interval != NO_INTERVAL else None
    return each.name, each.unit, *sides, difference, *interval, method


def _method(each: Measure) -> str:
    match each.aggregation:
        case Ratio():
            return "Newcombe"
        case Mean():
            return "Welch"
    return "square and add"


def _is_summary(table: Calls) -> bool:
    """Whether it has the columns of a summary; anything but calls or a summary is an error."""
    if isinstance(table, Selection):
        return False
    frame = checked_calls(table, columns=())
    return not {"call_targets", "started_at"} & set(frame.collect_schema())


def _of_summary(summary: Calls, requested: Sequence[Measure]) -> list[_Estimate]:
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
    return [
        _share(*(row[column] for column in _counts(each)))
        if isinstance(each.aggregation, Ratio)
        else _count(row[each.name])
        if _is_count(each)
        else _Estimate(value=row[each.name])
        for each in requested
    ]


def _counts(each: Measure) -> list[str]:
    return [f"{each.name}_num", f"{each.name}_den"]


def _of_calls(
    calls: Calls, requested: Sequence[Measure], options: MetricOptions
) -> list[_Estimate]:
    groups: dict[tuple[str, bool], list[Measure]] = {}
    for each in requested:
        groups.setdefault((each.grain, each.name == "busy_offers"), []).append(each)
    tables = [
        rows_of(calls, [], group[0].name, options=options).select(
            _statistics(each).alias(each.name) for each in group
        )
        for group in groups.values()
    ]
    statistics: dict[str, dict[str, int | float | None]] = {}
    for table in pl.collect_all(tables):
        statistics |= table.row(0, named=True)
    return [_estimate(each, statistics[each.name]) for each in requested]


def _statistics(each: Measure) -> pl.Expr:
    """The aggregates of the rows that an estimate needs, as a struct."""
    columns = columns_of(each, confidence=True, counts=True)
    match each.aggregation:
        case Mean(fact):
            exact = microseconds(fact).cast(pl.Int128)
            columns |= {"sum": exact.sum(), "squares": (exact * exact).sum()}
        case Quantile(fact, share):
            values, n = pl.col(fact), pl.col(fact).count().cast(pl.Float64)
            reach = Z95 * (n * share * (1 - share)).sqrt()
            ranks = {"low": (n * share - reach).ceil(), "high": (n * share + reach).ceil()}
            for end, rank in ranks.items():
                columns[end] = pl.when(rank.is_between(1, n)).then(_ranked(values, rank, n))
    return pl.struct(column.alias(name) for name, column in columns.items())


def _ranked(values: pl.Expr, rank: pl.Expr, n: pl.Expr) -> pl.Expr:
    """The value of this rank, from 1 to n, without a full sort."""
    share = pl.when(n > 1).then((rank - 1) / (n - 1)).otherwise(0.0).clip(0.0, 1.0)
    return values.quantile(share, interpolation="nearest")


def _estimate(each: Measure, statistics: dict[str, int | float | None]) -> _Estimate:
    if isinstance(each.aggregation, Ratio):
        return _share(*(int(statistics[column] or 0) for column in _counts(each)))
    value, n = statistics[each.name], int(statistics.get(f"{each.name}_n") or 0)
    match each.aggregation:
        case Quantile():
            interval = Interval(statistics["low"], statistics["high"])
            return _Estimate(value=value, n=n, interval=interval)
        case Mean() if n > 1 and value is not None:
            # Integers of any size: the variance is exact, in any order of the rows.
            spread = n * int(statistics["squares"] or 0) - int(statistics["sum"] or 0) ** 2
            variance = spread / (n * (n - 1)) / 1e12
            interval = welch_interval(value, (variance, 0.0), (n, n))
            return _Estimate(value=value, n=n, variance=variance, interval=interval)
        case Mean():
            return _Estimate(value=value, n=n)
    return _count(int(value or 0)) if _is_count(each) else _Estimate(value=value)


def _is_count(each: Measure) -> bool:
    return isinstance(each.aggregation, Total) and each.unit != "s"


def _share(numerator: int, denominator: int) -> _Estimate:
    value = numerator / denominator if denominator else None
    return _Estimate(value=value, n=denominator, interval=share_interval(numerator, denominator))


def _count(count: int) -> _Estimate:
    return _Estimate(value=float(count), n=count, interval=count_interval(count))
