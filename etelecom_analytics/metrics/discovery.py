"""findings: what stands out in a period, compared with all other days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

import polars as pl

from ..codegen import literal
from ..errors import InputError
from ..fetch_report import FetchReport
from ..phone_numbers import describe
from .confidence import SIGNIFICANCE, false_discovery_rates
from .day_statistics import change_between_days, change_from_history
from .day_values import DayValues, complete_days, is_count, values_by_day
from .dimensions import (
    DIMENSIONS,
    LEG_DIMENSIONS,
    NAME_DIMENSIONS,
    Names,
    as_names,
    check_dimensions,
)
from .options import MetricOptions, checked_options
from .permutations import permutation_count, permutation_p_values
from .registry import Measure, measure
from .results import Result
from .selection import Calls, Selection, calls_frame, collected

__all__ = ["FINDING_MEASURES", "FindingVerdict", "Findings", "findings"]

FINDING_MEASURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "calls": ("offered", "answer_rate", "service_level", "asa_s"),
        "offers": ("fair_answer_rate", "rna_rate"),
        "legs": ("asr",),
    }
)
"""The measures that `findings` tests by default, by the rows that they aggregate."""

FindingVerdict = Literal["found", "nothing stands out", "cannot tell"]

_GRAINS: Mapping[str, tuple[str, ...]] = {
    "": ("calls", "offers", "legs"),
    "hour": ("calls",),
    "weekday": ("calls",),
    "queue": ("calls",),
    "target_number": ("offers",),
    "trunk_name": ("legs",),
}
"""The default dimensions, "" for all calls, and the rows whose measures are tested by each."""

_ALLOWED = (*DIMENSIONS, *NAME_DIMENSIONS)
_MIN_SIZE = 30
"""Groups with fewer calls, offers or legs in the period are not tested."""

_MIN_PERMUTATIONS = 2_000
"""With fewer, even the largest change is not significant among so many tests."""

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "measure": pl.String,
    "dimension": pl.String,
    "group": pl.String,
    "value": pl.Float64,
    "usual": pl.Float64,
    "change": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "scale": pl.Enum(["difference", "ratio"]),
    "n": pl.Int64,
    "affected": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "code": pl.String,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings(Result):
    """What stands out in a period.

    Attributes:
        table: one row per finding, the most calls affected first: `measure`; `dimension` and
            `group`, both empty for all calls; `value`, of a count per day, and `usual`, the value
            on the other days;
            `change` with its interval `low` and `high`, adjusted for weekdays, on the `scale`
            "difference" or "ratio"; `n`, the calls, offers or legs of the group in the period;
            `affected`, how many of them differ from the usual; `p_value` and `q_value`; `code`,
            the call that reproduces the row.
        verdict: "found", "nothing stands out", or "cannot tell" where there are too few other days.
        tests: the number of tests, for which the q-values are adjusted.
        permutations: the number of ways to choose the days of the period within their weekdays,
            at most 9,999 of which are tried.
        history_days: the number of other days.

    Examples:
        >>> result = et.metrics.findings(et.sample_logs().calls)
        >>> result.verdict, result.table.height
        ('cannot tell', 0)
    """

    table: pl.DataFrame
    verdict: FindingVerdict
    tests: int
    permutations: int
    history_days: int


class _Test(NamedTuple):
    """One measure in one group: its days in the period, and the others."""

    measure: Measure
    dimension: str
    group: object
    period: pl.DataFrame
    others: pl.DataFrame


def findings(
    calls: Calls,
    *,
    history: Calls | None = None,
    measures: Names | None = None,
    by: Names | None = None,
    limit: int = 10,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> Findings:
    """What stands out in these calls, compared with all other days of the history. Collects.

    Each measure is tested overall and in each hour, weekday, queue, extension and trunk. A p-value
    is the share of 9,999 random choices of as many days of the same weekdays that differ at least
    as much (P. Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005). Findings
    have a q-value of at most 0.05 over all tests (Y. Benjamini and Y. Hochberg, Controlling the
    False Discovery Rate, JRSS B 57, 1995).

    Args:
        calls: the calls of a period of whole days, such as a week.
        history: calls of the same kind of other days; the days of the period are left out. One
            other week is too few to tell anything, three are enough.
        measures: the measures to test; by default those of `FINDING_MEASURES`.
        by: the dimensions to test besides all calls; by default hour, weekday, queue, target_number
            (offers) and trunk_name (legs).
        limit: the number of rows.
        options: the settings of the measures.
        coverage: `logs.report` of all these calls: days that were not fetched completely are left
            out. None: all days count.

    Raises:
        UnknownName: a measure or a dimension does not exist; the message lists the nearest names.
        InputError: an argument has the wrong type.

    Examples:
        >>> logs = et.sample_logs()
        >>> et.metrics.findings(logs.calls).verdict
        'cannot tell'
    """
    options = checked_options(options)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(f"limit is a whole number above 0; got {describe(limit)}.")
    calls, history = _checked(calls), None if history is None else _checked(history)
    fetched = [
        None if table is None or coverage is None else complete_days(table, options, coverage)
        for table in (calls, history)
    ]
    tests = [
        test
        for dimension, requested in _plan(calls, measures, by)
        if history is not None
        for test in _tests(
            _values(calls, requested, dimension, options, fetched[0]),
            _values(history, requested, dimension, options, fetched[1]),
            dimension,
        )
    ]
    days = _all_days(tests)
    period, others = (days.filter(is_period=side)["weekday"] for side in (True, False))
    permutations = permutation_count(period, others)
    counts = {"tests": len(tests), "permutations": permutations, "history_days": len(others)}
    if permutations < _MIN_PERMUTATIONS:
        return Findings(table=pl.DataFrame(schema=_SCHEMA), verdict="cannot tell", **counts)
    p_values = _p_values(tests, days)
    q_values = false_discovery_rates(p_values)
    rows = [
        _row(test, p_value, q_value)
        for test, p_value, q_value in zip(tests, p_values, q_values, strict=True)
        if q_value <= SIGNIFICANCE
    ]
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row").sort(
        "affected", descending=True, nulls_last=True, maintain_order=True
    )
    return Findings(
        table=table.head(limit),
        verdict="nothing stands out" if table.is_empty() else "found",
        **counts,
    )


def _checked(calls: Calls) -> Calls:
    """The calls, checked; a LazyFrame is collected once for all measures."""
    return calls if isinstance(calls, Selection) else calls_frame(collected(calls))


def _plan(
    calls: Calls, measures: Names | None, by: Names | None
) -> list[tuple[str, list[Measure]]]:
    """The dimensions, "" for all calls, and the measures to test by each."""
    dimensions = [*_GRAINS] if by is None else ["", *as_names(by, "by")]
    check_dimensions(calls, [name for name in dimensions if name], allowed=_ALLOWED)
    if measures is not None:
        requested = [measure(name) for name in as_names(measures, "measures")]
    else:
        requested = [measure(name) for names in FINDING_MEASURES.values() for name in names]
    plan = []
    for name in dimensions:
        possible = ("offers", "legs") if name in LEG_DIMENSIONS else ("calls", "offers", "legs")
        grains = possible if measures is not None else _GRAINS.get(name, possible[:1])
        if of_dimension := [each for each in requested if each.grain in grains]:
            plan.append((name, of_dimension))
    return plan


def _values(
    calls: Calls | None,
    requested: Sequence[Measure],
    dimension: str,
    options: MetricOptions,
    fetched: pl.DataFrame | None,
) -> list[DayValues]:
    by = [dimension] if dimension else []
    values = [] if calls is None else values_by_day(calls, requested, by, options)
    if fetched is None:
        return values
    return [each._replace(days=each.days.join(fetched, on="day", how="semi")) for each in values]


def _tests(
    period: Sequence[DayValues], history: Sequence[DayValues], dimension: str
) -> list[_Test]:
    if not period:
        return []
    days = pl.concat([each.days.select("day") for each in period]).unique()
    others = {
        (each.group, each.measure.name): each.days.join(days, on="day", how="anti")
        for each in history
    }
    return [
        _Test(each.measure, dimension, each.group[0] if dimension else None, each.days, rest)
        for each in period
        if None not in each.group
        and _size(each.measure, each.days) >= _MIN_SIZE
        and (rest := others.get((each.group, each.measure.name))) is not None
        and rest.height
    ]


def _size(each: Measure, days: pl.DataFrame) -> int:
    """The number of calls, offers or legs that the value is of."""
    return round(days["total" if is_count(each) else "n"].sum())


def _all_days(tests: Sequence[_Test]) -> pl.DataFrame:
    """All days of all tests, with `weekday` and `is_period`."""
    sides = [
        side.select("day", "weekday", is_period=pl.lit(is_period))
        for test in tests
        for side, is_period in ((test.period, True), (test.others, False))
    ]
    if not sides:
        return pl.DataFrame(schema={"day": pl.Date, "weekday": pl.Int8, "is_period": pl.Boolean})
    return pl.concat(sides).unique("day").sort("day")


def _p_values(tests: Sequence[_Test], days: pl.DataFrame) -> list[float]:
    tables = [
        days.select("day")
        .join(pl.concat([test.period, test.others]), on="day", how="left")
        .sort("day")
        .with_columns(pl.col("total", "n").fill_null(0.0))
        for test in tests
    ]
    return permutation_p_values(
        days["weekday"],
        days["is_period"],
        [table["total"] for table in tables],
        [table["n"] for table in tables],
    )


def _row(test: _Test, p_value: float, q_value: float) -> tuple[object, ...]:
    each, period, others = test.measure, test.period, test.others
    change = change_between_days(others, period, each) or change_from_history(
        others, period, pl.concat([others, period]), each
    )
    size = _size(each, period)
    value, usual = (
        float(days["total"].sum()) / float(days["n"].sum()) for days in (period, others)
    )
    affected = None
    if change is not None and change.scale == "ratio":
        affected = size * abs(1 - 1 / change.value)
    elif change is not None:
        affected = size * abs(change.value) if each.unit == "share" else float(size)
    at = f", at={literal({test.dimension: test.group})}" if test.dimension else ""
    return (
        each.name,
        test.dimension,
        "" if not test.dimension else str(test.group),
        value,
        usual,
        *((None,) * 4 if change is None else (change.value, *change.interval, change.scale)),
        size,
        affected,
        p_value,
        q_value,
        f'et.metrics.explain(calls, "{each.name}"{at}, options=options)',
    )
