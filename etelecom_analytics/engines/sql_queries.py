"""measures_sql: the measures of `summarize` as a query over the flat tables."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..errors import InputError, MeasureUnavailable, UnknownName
from ..metrics.dimensions import DIMENSIONS, LEG_DIMENSIONS, NAME_DIMENSIONS, Names, as_names
from ..metrics.options import MetricOptions, checked_options
from ..metrics.registry import Grain, Measure, Total, measure
from ..phone_numbers import describe
from .flat_tables import FIXED_OPTIONS, PERSONAL_COLUMNS, published_column
from .publication import Publication
from .sql_facts import dimension, fact, load_sqlglot, order_of
from .sql_measures import (
    DIALECTS,
    Dialect,
    aggregated,
    column_name,
    facts_of,
    in_dialect,
    is_count,
    row_column,
)

__all__ = ["NOT_IN_TABLES", "measures_sql"]

_OF_SEVERAL_CALLS = "It depends on several calls of a caller, and a query reads each call alone."
_OF_MOMENTS = "It counts calls moment by moment, and the tables have one row per call."
NOT_IN_TABLES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("repeat_rate", "callback_rate", "time_to_callback", "caller_summary", "missed_ledger"),
            _OF_SEVERAL_CALLS,
        ),
        **dict.fromkeys(("concurrency", "erlangs", "busy_hour", "trunk_peaks"), _OF_MOMENTS),
        "patience": "A survival curve is computed from one wait to the next.",
        "queue_visits": "The tables have no legs to queues, which are not offers to people.",
        "reconcile": "The vendor's rules need the calls as the API sent them.",
    }
)
"""Functions of `et.metrics` that flat tables cannot answer, with the reason."""


def measures_sql(
    measures: Names,
    by: Names = (),
    options: MetricOptions | None = None,
    dialect: Dialect = "duckdb",
    *,
    tables: Mapping[str, str] | None = None,
    publication: Publication | None = None,
) -> str:
    """A query that returns the table of `summarize`, from the tables that `Archive.publish` wrote.

    Columns, rows, their order and nulls are those of `summarize`. Counts are 64-bit integers,
    seconds and shares doubles. Trino has no exact quantile: there the name of a column that is
    approximate ends in `_approx`.

    Args:
        measures: a measure or several; `etelecom_analytics.measures()` lists them.
        by: a dimension or several from `DIMENSIONS`, and from `NAME_DIMENSIONS` if the tables have
            names. `caller` and `callee` need tables with personal columns.
        options: the settings of the measures. The time zone, the lists of numbers, `as_of`,
            `longest_call_s` and `ring_timeout_s` must be those of the tables; all others may
            differ. By default those of the publication, or the defaults.
        dialect: "duckdb", "spark", "trino" or "clickhouse".
        tables: the names of the tables "calls", "offers" and "legs" in the database, such as
            {"calls": "lake.telephony.calls"}; by default the same names.
        publication: the result of `Archive.publish`, with which the options and the columns are
            checked.

    Raises:
        UnknownName: a measure, a dimension or a dialect does not exist.
        MeasureUnavailable: the tables cannot give a measure; the message has the reason.
        InputError: a call measure by a dimension of legs; a dimension that the tables do not have;
            options with which the tables were not computed; or sqlglot is not installed.

    Examples:
        >>> print(et.measures_sql("answered_offers", by="target_number", dialect="spark"))
        WITH `offers_rows` AS (
          SELECT
            `t`.`target_number` AS `target_number`,
            `t`.`answered_offers` AS `answered_offers`
          FROM `offers` AS `t`
        ), `offers_groups` AS (
          SELECT
            `r`.`target_number` AS `target_number`,
            COUNT(CASE WHEN `r`.`answered_offers` THEN 1 END) AS `answered_offers`
          FROM `offers_rows` AS `r`
          GROUP BY
            `r`.`target_number`
        )
        SELECT
          `g`.`target_number` AS `target_number`,
          `g`.`answered_offers` AS `answered_offers`
        FROM `offers_groups` AS `g`
        ORDER BY
          `g`.`target_number` NULLS LAST
    """
    if dialect not in DIALECTS:
        raise UnknownName("dialect", str(dialect), DIALECTS)
    if publication is not None and not isinstance(publication, Publication):
        raise InputError(
            "publication is the result of Archive.publish, or Publication.read(folder); "
            f"got {describe(publication)}."
        )
    settings = _checked_options(options, publication)
    requested = [_measure(name) for name in as_names(measures, "measures")]
    if not requested:
        raise InputError('measures needs at least one name, such as "answer_rate".')
    dimensions = _checked_dimensions(by, requested, publication)
    query = _query(requested, dimensions, settings, _checked_tables(tables), dialect)
    query = query.transform(lambda node: in_dialect(node, dialect), copy=False)
    return str(query.sql(dialect=dialect, pretty=True, identify=True))


def _checked_options(
    options: MetricOptions | None, publication: Publication | None
) -> MetricOptions:
    if publication is None:
        return MetricOptions() if options is None else checked_options(options)
    if options is None:
        return publication.options
    settings = checked_options(options)
    for name in FIXED_OPTIONS:
        if getattr(settings, name) != getattr(publication.options, name):
            raise InputError(
                f"The tables in {publication.folder} were computed with another {name}: publish "
                f"the archive into another folder with these options, or use "
                "replace(publication.options, ...) for the others."
            )
    return settings


def _measure(name: str) -> Measure:
    if name in NOT_IN_TABLES:
        raise MeasureUnavailable(
            name, f"{NOT_IN_TABLES[name]} Use et.metrics.{name} with the calls of the archive."
        )
    return measure(name)


def _checked_dimensions(
    by: Names, requested: Sequence[Measure], publication: Publication | None
) -> list[str]:
    dimensions = as_names(by, "by")
    for name in dimensions:
        if name not in (*DIMENSIONS, *NAME_DIMENSIONS):
            raise UnknownName("dimension", name, (*DIMENSIONS, *NAME_DIMENSIONS))
        if name in NAME_DIMENSIONS and publication and name not in publication.names:
            raise InputError(
                f"The tables in {publication.folder} have no {name}. An archive stores ids, and "
                "hotlines after a sync with label_hotlines: group by extension_id or user_id, and "
                "join the names in the database."
            )
        if name in PERSONAL_COLUMNS and publication and not publication.personal:
            raise InputError(
                f"The tables in {publication.folder} have no {name}: publish them with "
                "personal=True, if those who read them may see phone numbers."
            )
    of_calls = [each.name for each in requested if each.grain == "calls"]
    of_legs = [name for name in dimensions if name in LEG_DIMENSIONS]
    if of_calls and of_legs:
        raise InputError(
            f"{of_calls[0]} counts calls, and a call has many legs, so it cannot be grouped by "
            f"{of_legs[0]}: use a measure of offers or legs, such as fair_answer_rate or asr."
        )
    return dimensions


def _checked_tables(tables: Mapping[str, str] | None) -> dict[str, str]:
    names = {"calls": "calls", "offers": "offers", "legs": "legs"}
    if tables is None:
        return names
    if not isinstance(tables, Mapping) or not all(map(_is_table, tables.values())):
        raise InputError(
            'tables maps "calls", "offers" and "legs" to names in the database, such as '
            f'{{"calls": "lake.telephony.calls"}}; got {describe(tables)}.'
        )
    for name in tables:
        if name not in names:
            raise UnknownName("table", str(name), list(names))
    return names | dict(tables)


def _is_table(name: object) -> bool:
    """Whether it is the name of a table, of a database and a table, or with a catalog too."""
    parts = name.split(".") if isinstance(name, str) else []
    return 1 <= len(parts) <= 3 and all(parts)


def _query(
    requested: Sequence[Measure],
    dimensions: Sequence[str],
    options: MetricOptions,
    tables: Mapping[str, str],
    dialect: Dialect,
) -> Any:
    """The query as a tree, with `EXACT_QUANTILE` for the quantiles."""
    exp = load_sqlglot()
    names = {each.name: column_name(each, dialect) for each in requested}
    ctes: list[tuple[str, Any]] = []
    grains: list[Grain] = list(dict.fromkeys(each.grain for each in requested))
    for grain in grains:
        of_grain = [each for each in requested if each.grain == grain]
        facts = dict.fromkeys(name for each in of_grain for name in facts_of(each))
        rows = exp.select(
            *(exp.alias_(dimension(name, options), name) for name in dimensions),
            *(exp.alias_(fact(grain, name, options), published_column(name)) for name in facts),
        ).from_(exp.table_(*reversed(tables[grain].split(".")), alias="t"))
        groups = exp.select(
            *(exp.alias_(row_column(name), name) for name in dimensions),
            *(exp.alias_(aggregated(each), names[each.name]) for each in of_grain),
        ).from_(exp.table_(f"{grain}_rows", alias="r"))
        ctes += [
            (f"{grain}_rows", rows),
            (f"{grain}_groups", _grouped(groups, dimensions)),
        ]
    last = f"{grains[0]}_groups"
    if len(grains) > 1:
        ctes += _combined(grains, requested, dimensions, names)
        last = ctes[-1][0]
    columns = [*dimensions, *names.values()]
    query = exp.select(*(exp.alias_(exp.column(name, table="g"), name) for name in columns)).from_(
        exp.table_(last, alias="g")
    )
    if dimensions:
        query = query.order_by(
            *(
                exp.Ordered(this=order_of(name, exp.column(name, table="g")), nulls_first=False)
                for name in dimensions
            )
        )
    for name, cte in ctes:
        query = query.with_(name, as_=cte)
    return query


def _combined(
    grains: Sequence[Grain],
    requested: Sequence[Measure],
    dimensions: Sequence[str],
    names: Mapping[str, str],
) -> list[tuple[str, Any]]:
    """The groups of all grains in one table; a group of one grain only is included.

    A union, since a join of nulls differs between engines.
    """
    exp = load_sqlglot()

    def value(each: Measure, grain: Grain) -> Any:
        if each.grain == grain:
            return exp.column(names[each.name], table="g")
        return exp.cast(exp.Null(), "bigint" if is_count(each) else "double")

    parts = [
        exp.select(
            *(exp.alias_(exp.column(name, table="g"), name) for name in dimensions),
            *(exp.alias_(value(each, grain), names[each.name]) for each in requested),
        ).from_(exp.table_(f"{grain}_groups", alias="g"))
        for grain in grains
    ]
    union = exp.union(*parts, distinct=False)

    def merged(each: Measure) -> Any:
        known = exp.Max(this=row_column(names[each.name]))
        is_sum = isinstance(each.aggregation, Total)
        return exp.Coalesce(this=known, expressions=[exp.Literal.number(0)]) if is_sum else known

    groups = exp.select(
        *(exp.alias_(row_column(name), name) for name in dimensions),
        *(exp.alias_(merged(each), names[each.name]) for each in requested),
    ).from_(exp.table_("all_rows", alias="r"))
    return [("all_rows", union), ("all_groups", _grouped(groups, dimensions))]


def _grouped(query: Any, dimensions: Sequence[str]) -> Any:
    return query.group_by(*map(row_column, dimensions)) if dimensions else query
