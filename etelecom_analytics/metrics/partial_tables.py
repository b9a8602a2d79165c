"""Tables of partial results: adding them up, and finishing them as measures."""

from collections.abc import Iterable, Sequence

import polars as pl

from ..errors import InputError, UnknownName
from ..local_time import COARSER_DIMENSIONS
from .aggregation import SUMMED, columns_of, facts_of, facts_of_measures, is_sum, quantile_name
from .call_legs import quotient
from .confidence import confidence_level
from .dimensions import DIMENSIONS, NAME_DIMENSIONS, Names, as_names
from .measure_rows import requested_measures
from .partial_checks import MARKS, PARTIAL_COLUMNS, check_rows, joined
from .registry import DEFAULT_MEASURES, Measure, Quantile

__all__ = [
    "can_finish",
    "dimension_of_partial",
    "facts_of_measures",
    "finish",
    "in_partial_order",
    "merge_partials",
]


def finish(
    partials: pl.DataFrame | Iterable[pl.DataFrame],
    by: Names = (),
    measures: Names = DEFAULT_MEASURES,
    *,
    confidence: bool | float = False,
) -> pl.DataFrame:
    """The measures of all calls of these partials: the table of `et.summarize`.

    Args:
        partials: a table of `et.partial`, or several, of which no call is in two.
        by: dimensions of the partials, or coarser ones: week, month and weekday follow from day,
            hour and half_hour from quarter_hour, and hour from half_hour.
        measures: measures whose facts the partials have.
        confidence: as in `summarize`.

    Raises:
        UnknownName, MeasureUnavailable: as in `summarize`.
        InputError: the partials do not fit together, do not have a dimension or a measure, or were
            changed: columns, types or rows are not those of `et.partial`.

    Examples:
        >>> days = et.partial(et.sample_logs().calls, ["day", "hour"], "answer_rate")
        >>> et.finish(days, "month", "answer_rate", confidence=True).select(
        ...     "month", "answer_rate_den"
        ... ).rows()
        [(datetime.date(2026, 11, 1), 382)]
    """
    confidence_level(confidence)
    table = joined(partials)
    dimensions, requested = as_names(by, "by"), requested_measures(measures)
    facts = _checked_facts(table, requested)
    rows = table.filter(pl.col("fact").is_in(facts), ~pl.col("kind").is_in(MARKS)).select(
        **{name: dimension_of_partial(table, name) for name in dimensions},
        **{name: pl.col(name) for name in ("fact", "value", "n", "kind")},
    )
    columns: dict[str, pl.Expr] = {}
    for each in requested:
        columns |= columns_of(each, SUMMED, confidence=confidence)
    parts = _summed(rows, dimensions, facts)
    for quantiles in _quantiles(rows, dimensions, requested):
        parts = (
            parts.join(quantiles, on=dimensions, how="left", nulls_equal=True)
            if dimensions
            else pl.concat([parts, quantiles], how="horizontal")
        )
    sums = [name for name in columns if is_sum(name)]
    result = parts.select(*dimensions, **columns).with_columns(pl.col(sums).fill_null(0))
    return result.sort(dimensions, nulls_last=True) if dimensions else result


def can_finish(
    by: Sequence[str], measures: Names, partial_by: Sequence[str], partial_measures: Names
) -> bool:
    """Whether partials by `partial_by` of `partial_measures` give these measures by `by`."""
    facts, counted = facts_of_measures(requested_measures(measures))
    partial_facts, partial_counted = facts_of_measures(requested_measures(partial_measures))
    follows = ({name, *COARSER_DIMENSIONS.get(name, ())} & {*partial_by} for name in by)
    return facts <= partial_facts and counted <= partial_counted and all(follows)


def merge_partials(partials: pl.DataFrame | Iterable[pl.DataFrame]) -> pl.DataFrame:
    """One partial of all calls of these partials.

    Args:
        partials: tables of `et.partial`, of which no call is in two.

    Raises:
        InputError: there is none, they do not fit together, or they were changed.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> parts = [et.partial(calls[:100], "hour"), et.partial(calls[100:], "hour")]
        >>> et.finish(et.metrics.merge_partials(parts), "hour").height
        21
    """
    table = joined(partials)
    keys = [name for name in table.columns if name != "n"]
    return in_partial_order(table.group_by(keys).agg(pl.col("n").sum()).select(table.columns))


def in_partial_order(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of a partial in their order: by group, fact, kind and value."""
    dimensions = [name for name in table.columns if name not in PARTIAL_COLUMNS]
    return table.sort(*dimensions, "fact", "kind", "value", nulls_last=True)


def _checked_facts(table: pl.DataFrame, requested: Sequence[Measure]) -> list[str]:
    """The facts that these measures need, or an error if the partials do not have them."""
    marks = {kind: {*table.filter(pl.col("kind") == kind)["fact"].to_list()} for kind in MARKS}
    for each in requested:
        needed = marks["counted" if isinstance(each.aggregation, Quantile) else "computed"]
        if not {*facts_of(each)} <= needed:
            raise InputError(
                f"These partials do not have the parts of {each.name}: add it to the measures with "
                "which they are computed."
            )
    facts = list(dict.fromkeys(fact for each in requested for fact in facts_of(each)))
    check_rows(table, facts, {fact for fact in facts if fact in marks["counted"]})
    return facts


def dimension_of_partial(table: pl.DataFrame, name: str) -> pl.Expr:
    """A dimension of the partials, or one that follows from them."""
    if name not in (*DIMENSIONS, *NAME_DIMENSIONS):
        raise UnknownName("dimension", name, (*DIMENSIONS, *NAME_DIMENSIONS))
    own = [column for column in table.columns if column not in PARTIAL_COLUMNS]
    if name in own:
        return pl.col(name)
    for finer, coarser in COARSER_DIMENSIONS.get(name, {}).items():
        if finer in own:
            return coarser(pl.col(finer))
    raise InputError(
        f"These partials are by {', '.join(own) or 'no dimension'}, from which {name} does not "
        f"follow: compute them with by={[*own, name]}."
    )


def _summed(rows: pl.DataFrame, dimensions: list[str], facts: Sequence[str]) -> pl.DataFrame:
    """One row per group: the sum and the count of each fact."""
    sums = (
        rows.filter(pl.col("kind").is_in(["sum", "count"]))
        .group_by(*dimensions, "fact", "kind")
        .agg(pl.col("n").sum())
    )
    parts = {
        f"{kind} of {fact}": pl.col("n").filter(fact=fact, kind=kind).sum()
        for fact in facts
        for kind in ("sum", "count")
    }
    return sums.group_by(dimensions).agg(**parts) if dimensions else sums.select(**parts)


def _quantiles(
    rows: pl.DataFrame, dimensions: list[str], requested: Sequence[Measure]
) -> list[pl.DataFrame]:
    """One table per fact: its quantiles in seconds by group, from the counts of its values."""
    shares: dict[str, list[float]] = {}
    for each in requested:
        if isinstance(each.aggregation, Quantile):
            shares.setdefault(each.aggregation.fact, []).append(each.aggregation.share)
    counted = rows.filter(pl.col("kind") == "value")
    return [
        _quantiles_of(counted.filter(pl.col("fact") == fact), dimensions, fact, shares_of_fact)
        for fact, shares_of_fact in shares.items()
    ]


def _quantiles_of(
    counted: pl.DataFrame, dimensions: list[str], fact: str, shares: Sequence[float]
) -> pl.DataFrame:
    counts = (
        counted.group_by(*dimensions, "value")
        .agg(pl.col("n").sum())
        .sort("value")
        .with_columns(upto=_of_group(pl.col("n").cum_sum(), dimensions))
        .with_columns(total=_of_group(pl.col("n").sum(), dimensions))
    )

    def ranked(rank: pl.Expr) -> pl.Expr:
        """The value of this rank, from 0 on, in ascending order."""
        return pl.col("value").filter(pl.col("upto") > rank).min()

    ranks, columns = dict[str, pl.Expr](), dict[str, pl.Expr]()
    for share in shares:
        rank = share * (pl.col("total") - 1)
        low, high, between = (f"{name} {share}" for name in ("low", "high", "between"))
        ranks |= {low: ranked(rank.floor()), high: ranked(rank.ceil())}
        ranks[between] = (rank - rank.floor()).first()
        # In seconds and in this order, as in Polars: the results differ in the last digits at most.
        low_s, high_s = (quotient(pl.col(name), 1_000_000) for name in (low, high))
        columns[quantile_name(fact, share)] = (high_s - low_s) * pl.col(between) + low_s
    values = counts.group_by(dimensions).agg(**ranks) if dimensions else counts.select(**ranks)
    return values.select(*dimensions, **columns)


def _of_group(expression: pl.Expr, dimensions: Sequence[str]) -> pl.Expr:
    return expression.over(dimensions) if dimensions else expression
