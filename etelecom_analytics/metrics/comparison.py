"""compare: whether measures changed between two sets of calls by more than days differ."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, NamedTuple

import polars as pl

from ..errors import UnknownName
from ..phone_numbers import describe
from .call_estimates import (
    NO_ESTIMATE,
    Estimate,
    difference_of_calls,
    estimates,
    is_summary,
    method_of_calls,
)
from .confidence import NO_INTERVAL, SIGNIFICANCE, Z95, Interval, false_discovery_rates, p_value_of
from .day_statistics import Change, change_between_days, change_from_history, interval_of_days
from .day_values import DAY_COLUMNS, values_by_day
from .dimensions import Names, as_names
from .measure_rows import rows_of
from .options import MetricOptions, checked_options
from .registry import DEFAULT_MEASURES, Measure, measure
from .selection import Calls

__all__ = ["UNCERTAINTIES", "VERDICTS", "Uncertainty", "Verdict", "compare"]

Uncertainty = Literal["days", "calls"]
UNCERTAINTIES: tuple[Uncertainty, ...] = ("days", "calls")
Verdict = Literal["changed", "no evidence", "cannot tell"]
VERDICTS: tuple[Verdict, ...] = ("changed", "no evidence", "cannot tell")

_Z80 = 0.8416212335729143
"""The 80 % quantile of the normal distribution."""
_SIDE: dict[str, pl.DataType | type[pl.DataType]] = {
    "": pl.Float64,
    "_low": pl.Float64,
    "_high": pl.Float64,
    "_n": pl.Int64,
    "_days": pl.Int64,
    "_basis": pl.Enum(UNCERTAINTIES),
}
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "measure": pl.String,
    "unit": pl.String,
    **{f"{side}{end}": dtype for side in ("before", "after") for end, dtype in _SIDE.items()},
    "difference": pl.Float64,
    "adjusted": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "scale": pl.Enum(["difference", "ratio"]),
    "smallest": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "verdict": pl.Enum(VERDICTS),
    "method": pl.String,
    "weekdays_left_out": pl.List(pl.Int8),
}

_Group = tuple[object, ...]
_Days = dict[tuple[_Group, str], pl.DataFrame]
_NO_DAYS = pl.DataFrame(
    schema=dict(zip(DAY_COLUMNS, (pl.Date, pl.Int8, pl.Float64, pl.Float64), strict=True))
)


class _Side(NamedTuple):
    """What a comparison knows of one set of calls."""

    estimates: dict[_Group, dict[str, Estimate]]
    days: _Days


def compare(
    before: Calls | None,
    after: Calls,
    measures: Names = DEFAULT_MEASURES,
    *,
    by: Names = (),
    options: MetricOptions = MetricOptions(),
    history: Calls | None = None,
    uncertainty: Uncertainty = "days",
) -> pl.DataFrame:
    """Whether measures changed, one row per group and measure, with 95 % intervals. Collects.

    By default the question is whether the two sides differ by more than days do: calls of one day
    have that day in common, so the day is the unit, and weekdays are compared with like weekdays. A
    side of fewer than 5 days is judged by how much the days of `history` differ, which takes at
    least 21 days. `uncertainty="calls"` treats calls as independent: its intervals are of these
    calls only, and on real calls it finds a change in most pairs of ordinary days.

    | measure | `uncertainty="days"` | `uncertainty="calls"` |
    |---|---|---|
    | a share | weighted least squares on weekday and side, HC2 | Newcombe 1998, method 10 |
    | a mean | the same | Welch 1947 |
    | a quantile | the same, on each day's quantile | two order statistics (Conover) |
    | a count | quasi-Poisson regression on weekday and side | Byar, square and add |
    | a sum of seconds | the same | none |

    Args:
        before: calls, a `Selection`, or a summary of one row from `summarize(...,
            confidence=True)`. A summary has no days: its verdict is "cannot tell" unless
            `uncertainty="calls"`. None: only the columns of `after` are known.
        after: the same, not None, for another period or group. No call is in both.
        measures: a measure or several.
        by: a dimension or several, to compare each group.
        options: the settings of the measures; a summary already has its own.
        history: all calls of the same kind, such as of the last three months. The days of the two
            sides need not be left out.
        uncertainty: "days" or "calls".

    Returns:
        The dimensions of `by`, and these columns:

        - `measure`, `unit`
        - `before` and `after`: the values of `summarize`, each with its interval `_low` and
            `_high`, the `_basis` of the interval ("days" from 5 days on, else "calls"), `_n`, the
            number of its calls, offers or legs, and `_days`, the number of its days with values
        - `difference`: after - before
        - `adjusted`: the change adjusted for weekdays, with its interval `low` and `high`, on the
            `scale` "difference", or "ratio" for a count per day (1.1 is 10 % more)
        - `smallest`: the smallest change that this comparison notices in 80 % of cases, on the same
            scale
        - `p_value`, and `q_value`, adjusted for the number of rows (Benjamini-Hochberg)
        - `verdict`: "changed" for a q_value up to 0.05, else "no evidence"; "cannot tell" where
            there are too few days and no history
        - `method`; `weekdays_left_out`: weekdays (1 = Monday) that only one side has

        Where the verdict is "cannot tell", the interval is of these calls only.

    Raises:
        UnknownName: a measure, a dimension or the uncertainty does not exist; the message lists the
            nearest names.
        InputError: a summary has several rows, or lacks a measure; or an argument has the wrong
            type.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> later, earlier = inbound[:150], inbound[150:]
        >>> change = et.metrics.compare(earlier, later, "answer_rate", uncertainty="calls")
        >>> change.select(pl.col("before", "after", "low", "high").round(2)).row(0)
        (0.95, 0.98, -0.02, 0.07)
    """
    options = checked_options(options)
    if uncertainty not in UNCERTAINTIES:
        text = uncertainty if isinstance(uncertainty, str) else describe(uncertainty)
        raise UnknownName("uncertainty", text, UNCERTAINTIES)
    requested = [measure(name) for name in as_names(measures, "measures")]
    dimensions = as_names(by, "by")
    first = _Side({}, {})
    if before is not None:
        first = _side(before, requested, dimensions, options)
    second = _side(after, requested, dimensions, options)

    @cache
    def past() -> _Days:  # computed only where a side has too few days
        return _days(history, requested, dimensions, options) if history is not None else {}

    groups = dict.fromkeys((*first.estimates, *second.estimates))
    rows = [
        dict(zip(dimensions, group, strict=True))
        | _row(each, group, first, second, past, uncertainty)
        for group in groups
        for each in requested
    ]
    schema = {**_group_schema(after, dimensions, requested, options), **_SCHEMA}
    table = pl.DataFrame(rows, schema=schema)
    sorted_table = table.sort(dimensions, nulls_last=True, maintain_order=True) if by else table
    return _with_verdicts(sorted_table)


def _side(
    table: Calls, requested: Sequence[Measure], by: Sequence[str], options: MetricOptions
) -> _Side:
    of_calls = estimates(table, requested, by, options)
    return _Side(of_calls, {} if is_summary(table) else _days(table, requested, by, options))


def _days(
    calls: Calls, requested: Sequence[Measure], by: Sequence[str], options: MetricOptions
) -> _Days:
    return {
        (each.group, each.measure.name): each.days
        for each in values_by_day(calls, requested, by, options)
    }


def _row(
    each: Measure,
    group: _Group,
    before: _Side,
    after: _Side,
    past: Callable[[], _Days],
    uncertainty: Uncertainty,
) -> dict[str, object]:
    key = group, each.name
    days_before, days_after = (side.days.get(key, _NO_DAYS) for side in (before, after))
    first, second = (
        side.estimates.get(group, {}).get(each.name, NO_ESTIMATE) for side in (before, after)
    )
    row: dict[str, object] = {"measure": each.name, "unit": each.unit}
    row |= _side_columns("before", each, first, days_before, uncertainty)
    row |= _side_columns("after", each, second, days_after, uncertainty)
    if first.value is None or second.value is None:
        return row
    row["difference"] = second.value - first.value
    if uncertainty == "days":
        change, method = change_between_days(days_before, days_after, each), "days"
        if change is None:
            history = _with_sides(past().get(key, _NO_DAYS), [days_before, days_after])
            change = change_from_history(days_before, days_after, history, each)
            method = "history"
        if change is not None:
            return row | _change_columns(change) | {"method": method}
    return row | _call_columns(each, first, second, uncertainty)


def _side_columns(
    name: str, each: Measure, estimate: Estimate, days: pl.DataFrame, uncertainty: Uncertainty
) -> dict[str, object]:
    interval = estimate.interval
    basis = None if interval == NO_INTERVAL else "calls"
    if uncertainty == "days" and estimate.value is not None:
        of_days = interval_of_days(days, estimate.value, each)
        if of_days != NO_INTERVAL:
            interval, basis = _wider(of_days, interval), "days"
    return {
        name: estimate.value,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
        f"{name}_n": estimate.n,
        f"{name}_days": days.height,
        f"{name}_basis": basis,
    }


def _wider(of_days: Interval, of_calls: Interval) -> Interval:
    """The interval of days, but not narrower than that of independent calls.

    Days that happen to be alike, such as five with 100 % answered, do not make a value certain.
    """
    lows = [end for end in (of_days.low, of_calls.low) if end is not None]
    highs = [end for end in (of_days.high, of_calls.high) if end is not None]
    return Interval(min(lows), max(highs))


def _with_sides(history: pl.DataFrame, sides: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The days of the history, and those of the sides that it lacks."""
    return pl.concat([history, *sides]).unique("day", keep="first", maintain_order=True)


def _change_columns(change: Change) -> dict[str, object]:
    return {
        "adjusted": change.value,
        "low": change.interval.low,
        "high": change.interval.high,
        "scale": change.scale,
        "smallest": change.smallest,
        "p_value": change.p_value,
        "weekdays_left_out": list(change.weekdays_left_out),
    }


def _call_columns(
    each: Measure, before: Estimate, after: Estimate, uncertainty: Uncertainty
) -> dict[str, object]:
    """The change of independent calls; without a p-value where the question is about days."""
    interval = difference_of_calls(each, before, after)
    if interval == NO_INTERVAL or interval.low is None or interval.high is None:
        return {"low": interval.low, "high": interval.high}
    columns: dict[str, object] = {
        "low": interval.low,
        "high": interval.high,
        "scale": "difference",
        "method": method_of_calls(each),
    }
    if uncertainty == "calls" and before.value is not None and after.value is not None:
        difference = after.value - before.value
        columns["p_value"] = p_value_of(difference, interval)
        columns["smallest"] = (1 + _Z80 / Z95) * (interval.high - interval.low) / 2
    return columns


def _with_verdicts(table: pl.DataFrame) -> pl.DataFrame:
    """The table with `q_value` and `verdict`."""
    known = table["p_value"].drop_nulls()
    q_values = false_discovery_rates(known.to_list())
    index = pl.int_range(pl.len(), dtype=pl.Int64)
    positions = table.select(index.filter(pl.col("p_value").is_not_null())).to_series()
    q_value = pl.Series("q_value", [None] * table.height, dtype=pl.Float64).scatter(
        positions, pl.Series(q_values, dtype=pl.Float64)
    )
    verdict = (
        pl.when(pl.col("q_value").is_null())
        .then(pl.lit("cannot tell"))
        .when(pl.col("q_value") <= SIGNIFICANCE)
        .then(pl.lit("changed"))
        .otherwise(pl.lit("no evidence"))
        .cast(pl.Enum(VERDICTS))
    )
    return table.with_columns(q_value=q_value).with_columns(verdict=verdict)


def _group_schema(
    calls: Calls, by: Sequence[str], requested: Sequence[Measure], options: MetricOptions
) -> dict[str, pl.DataType]:
    if not by:
        return {}
    schema = rows_of(calls, by, requested[0].name, options=options).collect_schema()
    return {name: schema[name] for name in by}
