"""compare: how measures changed from one set of calls to another, with the doubt of the change."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import InputError
from .confidence import NONE, Z95, Interval, byar, square_and_add, welch, wilson_of
from .options import MetricOptions
from .registry import DEFAULT_MEASURES, Mean, Measure, Quantile, Ratio, Total, measure
from .selection import Calls, Selection
from .summary import columns_of, microseconds, rows_of

__all__ = ["compare"]

_SCHEMA = {
    "measure": pl.String,
    "unit": pl.String,
    **{
        f"{when}{end}": pl.Int64 if end == "_n" else pl.Float64
        for when in ("before", "after")
        for end in ("", "_low", "_high", "_n")
    },
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "method": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What one set tells of one measure."""

    value: float | None
    n: int | None = None
    doubt: Interval = NONE
    variance: float | None = None


def compare(
    before: Calls,
    after: Calls,
    measures: Sequence[str] = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame:
    """How each measure changed, one row a measure: its value before and after, the difference, and the doubt of all three. Collects.

    Columns: `measure`, `unit`; `before` and `after`, as `summarize` gives them, each with `_low`
        and `_high`, its interval at 95 %, and
    `_n`, how many calls, offers or legs it is over; `difference`, after - before, with `low` and
    `high`; `method`, by which that was reckoned. An interval that does not hold 0 is a change that
    chance alone seldom makes. Both sets must be independent: no call in both.

    | measure | its interval | of the difference |
    |---|---|---|
    | a share | Wilson | Newcombe 1998, method 10: both of Wilson's, squared and added |
    | a mean | Welch's t, of one sample Student's | Welch 1947 |
    | a count | Byar, as of calls that come independently | both of Byar's, squared and added (Zou and Donner 2008) |
    | a quantile | two of the ordered values (Conover) | both of these, squared and added |
    | a sum of seconds | none | none |

    Args:
        before: calls, a `Selection` of some, or a summary of one row as `summarize(...,
            confidence=True)` makes it. A summary does not tell how seconds vary, so its means and
            quantiles have no interval.
        after: the same of another time, or of others.
        measures: names of measures.
        options: what the numbers depend on besides the calls; a summary has been made with its own.

    Raises:
        UnknownName: a measure that does not exist.
        InputError: a summary of several rows, or one that lacks what is asked.
    """
    if isinstance(measures, str):
        raise InputError('measures is a list of names, such as measures=["answer_rate"].')
    asked = [measure(name) for name in dict.fromkeys(measures)]
    knowns = [
        _of_summary(given, asked) if _is_summary(given) else _of_calls(given, asked, options)
        for given in (before, after)
    ]
    rows = [_row(each, *both) for each, *both in zip(asked, *knowns, strict=True)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _row(each: Measure, before: _Known, after: _Known) -> tuple[object, ...]:
    difference, doubt = None, NONE
    if before.value is not None and after.value is not None:
        difference = after.value - before.value
        if not isinstance(each.made_of, Mean):
            doubt = square_and_add(before.value, before.doubt, after.value, after.doubt)
        elif before.variance is not None and after.variance is not None:
            doubt = welch(
                difference, (before.variance, after.variance), (before.n or 0, after.n or 0)
            )
    told = [side for known in (before, after) for side in (known.value, *known.doubt, known.n)]
    return each.name, each.unit, *told, difference, *doubt, _method(each) if doubt != NONE else None


def _method(each: Measure) -> str:
    match each.made_of:
        case Ratio():
            return "Newcombe"
        case Mean():
            return "Welch"
    return "square and add"


def _is_summary(given: object) -> bool:
    if not isinstance(given, Calls):
        raise InputError(
            f"compare takes two tables of calls, or two summaries of them; got {type(given).__name__}."
        )
    return not isinstance(given, Selection) and "call_targets" not in given.lazy().collect_schema()


def _of_summary(summary: Calls, asked: Sequence[Measure]) -> list[_Known]:
    table = summary.lazy().collect()
    if table.height != 1:
        raise InputError(
            f"A summary to compare has one row, by no dimension; this one has {table.height:,}. Filter it to one group."
        )
    row = table.row(0, named=True)
    needed = [
        column
        for each in asked
        for column in (_counts(each) if isinstance(each.made_of, Ratio) else [each.name])
    ]
    if missing := [column for column in needed if column not in row]:
        raise InputError(
            f"The summary has no {', '.join(missing)}: make it with these measures and confidence=True."
        )
    knowns = []
    for each in asked:
        if isinstance(each.made_of, Ratio):
            knowns.append(_share(*(row[column] for column in _counts(each))))
        else:
            knowns.append(
                _count(row[each.name]) if _is_count(each) else _Known(value=row[each.name])
            )
    return knowns


def _counts(each: Measure) -> list[str]:
    return [f"{each.name}_num", f"{each.name}_den"]


def _of_calls(calls: Calls, asked: Sequence[Measure], options: MetricOptions) -> list[_Known]:
    grains = list(dict.fromkeys((each.grain, each.name == "busy_offers") for each in asked))
    tables = []
    for grain in grains:
        of_grain = [each for each in asked if (each.grain, each.name == "busy_offers") == grain]
        columns = [
            column.name.prefix(f"{each.name} ")
            for each in of_grain
            for column in _expressions(each)
        ]
        tables.append(rows_of(calls, [], of_grain[0].name, options=options).select(columns))
    found: dict[str, dict[str, int | float | None]] = {each.name: {} for each in asked}
    for table in pl.collect_all(tables):
        for name, value in table.row(0, named=True).items():
            found[name.split()[0]][name.split()[1]] = value
    return [_known(each, found[each.name]) for each in asked]


def _expressions(each: Measure) -> list[pl.Expr]:
    """What must be reckoned of the rows; the first column is the measure's own."""
    own = columns_of(each)
    match each.made_of:
        case Mean(fact):
            exact = microseconds(fact).cast(pl.Int128)
            return [
                own[0].alias("value"),
                exact.count().alias("n"),
                exact.sum().alias("sum"),
                (exact * exact).sum().alias("squares"),
            ]
        case Quantile(fact, share):
            known = pl.col(fact)
            n = known.count().cast(pl.Float64)
            reach = Z95 * (n * share * (1 - share)).sqrt()
            ends = {"low": (n * share - reach).ceil(), "high": (n * share + reach).ceil()}
            return [
                own[0].alias("value"),
                known.count().alias("n"),
                *(
                    pl.when(rank.is_between(1, n)).then(_ranked(known, rank, n)).alias(end)
                    for end, rank in ends.items()
                ),
            ]
        case Ratio():
            return [own[1].alias("num"), own[2].alias("den")]
    return [own[0].alias("value")]


def _ranked(values: pl.Expr, rank: pl.Expr, n: pl.Expr) -> pl.Expr:
    """The value of this rank, from 1 to n, without sorting them all."""
    place = pl.when(n > 1).then((rank - 1) / (n - 1)).otherwise(0.0).clip(0.0, 1.0)
    return values.quantile(place, interpolation="nearest")


def _known(each: Measure, found: dict[str, int | float | None]) -> _Known:
    if isinstance(each.made_of, Ratio):
        return _share(int(found["num"] or 0), int(found["den"] or 0))
    value, n = found["value"], int(found.get("n") or 0)
    match each.made_of:
        case Quantile():
            return _Known(value=value, n=n, doubt=Interval(found["low"], found["high"]))
        case Mean() if n > 1 and value is not None:
            # Whole numbers of any size: the variance is exact, and does not depend on the order of
            # the rows.
            scatter = n * int(found["squares"] or 0) - int(found["sum"] or 0) ** 2
            variance = scatter / (n * (n - 1)) / 1e12
            return _Known(
                value=value, n=n, variance=variance, doubt=welch(value, (variance, 0.0), (n, n))
            )
        case Mean():
            return _Known(value=value, n=n)
    return _count(int(value or 0)) if _is_count(each) else _Known(value=value)


def _is_count(each: Measure) -> bool:
    return isinstance(each.made_of, Total) and each.unit != "s"


def _share(numerator: int, denominator: int) -> _Known:
    value = numerator / denominator if denominator else None
    return _Known(value=value, n=denominator, doubt=wilson_of(numerator, denominator))


def _count(count: int) -> _Known:
    return _Known(value=float(count), n=count, doubt=byar(count))
