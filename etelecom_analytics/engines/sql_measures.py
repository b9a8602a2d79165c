"""Measures as SQL expressions over the rows of facts, which have the alias `r`."""

from typing import Any, Literal, get_args

from ..metrics.call_facts import COUNT_FACTS
from ..metrics.registry import Mean, Measure, Quantile, Ratio, Total
from .flat_tables import published_column
from .sql_facts import load_sqlglot

__all__ = [
    "DIALECTS",
    "Dialect",
    "aggregated",
    "column_name",
    "facts_of",
    "in_dialect",
    "is_count",
    "row_column",
]

Dialect = Literal["duckdb", "spark", "trino", "clickhouse"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
"""The dialects of SQL that `measures_sql` writes."""

_APPROXIMATE: tuple[Dialect, ...] = ("trino",)
"""Dialects without an exact quantile."""

_QUANTILE = "EXACT_QUANTILE"
"""A function of the tree without a dialect, for which each dialect has its own."""


def row_column(name: str) -> Any:
    """The column of a row of facts, or of groups of several grains."""
    # Qualified, since ClickHouse would take an unqualified name for the measure of this name.
    return load_sqlglot().column(name, table="r")


def column_name(each: Measure, dialect: Dialect) -> str:
    """The name of the measure's column, which says if it is approximate in this dialect."""
    is_interpolated = isinstance(each.aggregation, Quantile) and each.aggregation.share < 1
    return f"{each.name}_approx" if is_interpolated and dialect in _APPROXIMATE else each.name


def is_count(each: Measure) -> bool:
    """Whether the measure is a whole number."""
    return isinstance(each.aggregation, Total) and each.unit != "s"


def facts_of(each: Measure) -> tuple[str, ...]:
    """The facts that the measure aggregates."""
    match each.aggregation:
        case Ratio(numerator, denominator):
            return numerator, denominator
        case Total(name) | Mean(name) | Quantile(name, _):
            return (name,)


def aggregated(each: Measure) -> Any:
    """The measure as an expression over the rows of its grain."""
    exp = load_sqlglot()
    million = exp.Literal.number(1_000_000)
    match each.aggregation:
        case Total(name):
            return _sum(name)
        case Mean(name):
            count = exp.Mul(this=exp.Count(this=_fact(name)), expression=million)
            return _quotient(exp.Sum(this=_fact(name)), count)
        case Quantile(name, 1.0):
            return exp.Div(this=_double(exp.Max(this=_fact(name))), expression=million)
        case Quantile(name, share):
            value = exp.Anonymous(
                this=_QUANTILE, expressions=[_fact(name), exp.Literal.number(share)]
            )
            return exp.Div(this=value, expression=million)
        case Ratio(numerator, denominator):
            return _quotient(_sum(numerator), _sum(denominator))


def _sum(name: str) -> Any:
    """The sum of a fact in seconds, or the number of rows for which a flag is true."""
    exp = load_sqlglot()
    column = _fact(name)
    if name not in COUNT_FACTS and not name.endswith("_s"):
        return exp.Count(this=exp.Case().when(column, exp.Literal.number(1)))
    total = exp.Coalesce(this=exp.Sum(this=column), expressions=[exp.Literal.number(0)])
    if name in COUNT_FACTS:
        return exp.cast(total, "bigint")
    return exp.Div(this=_double(total), expression=exp.Literal.number(1_000_000))


def _quotient(numerator: Any, denominator: Any) -> Any:
    """The quotient, null if the denominator is 0."""
    exp = load_sqlglot()
    known = exp.Nullif(this=denominator, expression=exp.Literal.number(0))
    return exp.Div(this=_double(numerator), expression=known)


def _fact(name: str) -> Any:
    return row_column(published_column(name))


def _double(value: Any) -> Any:
    return load_sqlglot().cast(value, "double")


def in_dialect(node: Any, dialect: Dialect) -> Any:
    """The function of a dialect for `EXACT_QUANTILE` and for a count; other nodes stay."""
    exp = load_sqlglot()
    if isinstance(node, exp.Count) and dialect == "clickhouse":
        return exp.Anonymous(this="toInt64", expressions=[node])  # its counts are unsigned
    if not (isinstance(node, exp.Anonymous) and node.this == _QUANTILE):
        return node
    column, share = node.expressions
    match dialect:
        case "duckdb":
            return exp.Anonymous(this="QUANTILE_CONT", expressions=[column, share])
        case "spark":
            # Not PERCENTILE_CONT: Sail rounds its weights to 6 digits.
            return exp.Anonymous(this="PERCENTILE", expressions=[_double(column), share])
        case "clickhouse":
            return exp.ParameterizedAgg(
                this="quantileExactInclusive", expressions=[share], params=[column]
            )
        case "trino":
            return exp.Anonymous(this="APPROX_PERCENTILE", expressions=[_double(column), share])
