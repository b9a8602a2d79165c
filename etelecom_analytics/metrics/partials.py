"""Exact partial results of measures: the parts of some calls, which add up to those of all calls.

A partial is a table of whole numbers: sums of facts, numbers of known values, and how often each
value occurs. Whole numbers add up without rounding and in any order, so the parts of a data set
give the same measures as the whole.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from ..errors import InputError
from ..frames import METRIC_COLUMNS
from ..schema import NAMES_SCHEMA, SCHEMA_VERSION
from .aggregation import ROWS, facts_of_measures, microseconds
from .dimensions import Names
from .internal_calls import is_internal
from .ivr_check import warn_of_other_ivr_numbers
from .measure_rows import checked_request, grain_rows, has_busy_offers
from .options import MetricOptions, checked_options
from .partial_checks import PARTIAL_COLUMNS
from .partial_tables import in_partial_order
from .registry import DEFAULT_MEASURES, FACTS, Grain, Measure
from .selection import Calls, Selection, calls_frame

__all__ = ["fingerprint", "partial"]

_HASH_DIGITS = 12
_RULES = 1
"""Raise it when a fact is computed differently, so that stored partials are computed again."""


def partial(
    calls: Calls,
    by: Names = (),
    measures: Names = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
    neighbours: Calls | None = None,
) -> pl.DataFrame:
    """The exact parts of these measures of some calls, for `et.finish`. Collects.

    Partials of parts of a data set add up: `et.finish` of all of them gives the result of
    `et.summarize` of the whole. Columns: the dimensions; `fact`, the name of what is counted;
    `value`, in whole microseconds for a count of one value, else null; `n`, a whole number; `kind`;
    and `fingerprint`, which differs if partials do not fit together. The kinds are

    - `sum`: `n` is the sum of the fact, of seconds in microseconds,
    - `count`: `n` is the number of known values,
    - `value`: `n` calls, offers or legs have this value; for facts of which a quantile is taken,
    - `computed`, `counted`: the fact was computed, its values were counted; `n` is 0.

    Args:
        calls: as in `summarize`.
        by: as in `summarize`.
        measures: as in `summarize`.
        options: as in `summarize`. `busy_offers` needs an `as_of`, unless all partials have the
            same last call: a talk without an end is assumed to last until then.
        neighbours: other calls of the data set, none of `calls`, which are not counted. A call of
            an internal pair is found with those that begin within seconds of it. `busy_offers` also
            needs those that may be in conversation while an offer of `calls` begins. More of them
            do no harm.

    Raises:
        UnknownName, MeasureUnavailable, InputError: as in `summarize`.
        InputError: the neighbours contain the calls.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> morning = pl.col("started_at").dt.hour() < 5
        >>> parts = [
        ...     et.partial(calls.filter(each), "direction", ["answered", "wait_p90_s"])
        ...     for each in (morning, ~morning)
        ... ]
        >>> by_direction = et.finish(parts, "direction", ["answered", "wait_p90_s"])
        >>> by_direction["answered"].to_list(), by_direction["wait_p90_s"].round(3).to_list()
        ([279, 61, 9, 0], [4.674, 22.992, 12.708, None])
    """
    table, dimensions, requested, options = _checked(calls, by, measures, options)
    others = None if neighbours is None else _others(neighbours, table)
    busy = has_busy_offers(requested)
    if busy and options.as_of is None:
        options = _with_as_of(options, table, others)
    tables: list[pl.DataFrame] = []
    for grain in dict.fromkeys(each.grain for each in requested):
        of_grain = [each for each in requested if each.grain == grain]
        facts, counted = map(sorted, facts_of_measures(of_grain))
        is_busy = busy and grain == "offers"
        rows = _counted_rows(table, others, grain, dimensions, is_busy, options)
        collected = rows.select(*dimensions, *facts).collect()
        tables += _parts(collected, dimensions, facts, counted)
    mark = fingerprint(list(calls_frame(calls).collect_schema()), dimensions, requested, options)
    parts = pl.concat(tables, how="diagonal_relaxed").with_columns(fingerprint=pl.lit(mark))
    return in_partial_order(parts.select(*dimensions, *PARTIAL_COLUMNS))


def fingerprint(
    columns: Sequence[str],
    dimensions: Sequence[str],
    requested: Sequence[Measure],
    options: MetricOptions,
) -> str:
    """A text that is equal for partials that add up: three hashes.

    The first is that of the options, the second that of the names and rules of facts and of the
    columns of names that the calls have, the third that of the dimensions and facts.
    """
    settings = options.to_dict()
    if not has_busy_offers(requested):
        settings.pop("as_of", None)
    facts, counted = facts_of_measures(requested)
    schema = {
        "version": SCHEMA_VERSION,
        "facts": {grain: sorted(facts) for grain, facts in FACTS.items()},
        "rules": _RULES,
        "names": sorted(name for name in columns if name in NAMES_SCHEMA),
    }
    content = [sorted(dimensions), sorted(facts), sorted(counted)]
    return "-".join(_hash(each) for each in (settings, schema, content))


def _checked(
    calls: Calls, by: Names, measures: Names, options: MetricOptions
) -> tuple[pl.LazyFrame | Selection, list[str], list[Measure], MetricOptions]:
    table = calls if isinstance(calls, Selection) else calls_frame(calls)
    dimensions, requested = checked_request(table, by, measures)
    options = checked_options(options)
    warn_of_other_ivr_numbers(calls, options)
    return table, dimensions, requested, options


def _others(neighbours: Calls, table: pl.LazyFrame | Selection) -> pl.DataFrame:
    """The neighbours, which are other calls: with the calls among them, these would count twice."""
    others = calls_frame(neighbours).collect()
    ids = table.lazy().select("id").collect()
    # One id may be that of two calls, so that a few ids in both are no error.
    if not ids.is_empty() and ids.join(others, on="id", how="anti", nulls_equal=True).is_empty():
        raise InputError(
            "neighbours contains calls: pass the other calls of the data set, without the calls "
            "themselves."
        )
    return others


def _with_as_of(
    options: MetricOptions, table: pl.LazyFrame | Selection, others: pl.DataFrame | None
) -> MetricOptions:
    """The options with the latest start as `as_of`, as in `summarize`."""
    starts = [table.lazy().select("started_at")]
    if others is not None:
        starts.append(others.lazy().select("started_at"))
    latest = pl.concat(starts).select(pl.col("started_at").max()).collect().item()
    return options if latest is None else replace(options, as_of=latest)


def _counted_rows(
    table: pl.LazyFrame | Selection,
    others: pl.DataFrame | None,
    grain: Grain,
    dimensions: list[str],
    busy: bool,
    options: MetricOptions,
) -> pl.LazyFrame:
    """The rows of facts of the calls; those of the others are computed, but left out."""
    if others is not None and not busy:
        others = others.filter(is_internal())
    if others is None or others.is_empty():
        return grain_rows(table, grain, dimensions, busy, options)
    calls = table.lazy().collect()
    both = pl.concat([calls, others.select(METRIC_COLUMNS)], how="diagonal")
    rows = grain_rows(both.lazy(), grain, dimensions, busy, options)
    if grain == "calls":  # one row per call, in order
        return rows.head(calls.height)
    return rows.filter(pl.col("call_row") < calls.height)


def _parts(
    rows: pl.DataFrame, dimensions: list[str], facts: list[str], counted: list[str]
) -> Iterator[pl.DataFrame]:
    """The parts of rows of facts in long tables."""
    sums = {fact: ROWS.total(fact) for fact in facts}
    knowns = {fact: ROWS.known(fact) for fact in facts if fact.endswith("_s")}
    for kind, parts in {"sum": sums, "count": knowns}.items():
        if parts:
            wide = rows.group_by(dimensions).agg(**parts) if dimensions else rows.select(**parts)
            long = wide.unpivot(index=dimensions, variable_name="fact", value_name="n")
            yield long.with_columns(kind=pl.lit(kind))
    for fact in counted:
        values = rows.filter(pl.col(fact).is_not_null()).select(
            *dimensions, value=microseconds(fact)
        )
        yield (
            values.group_by(*dimensions, "value")
            .agg(n=pl.len().cast(pl.Int64))
            .with_columns(fact=pl.lit(fact), kind=pl.lit("value"))
        )
    # Without rows a group has no parts, so these state what was computed.
    for kind, marked in {"computed": facts, "counted": counted}.items():
        data = {"fact": marked, "n": [0] * len(marked), "kind": [kind] * len(marked)}
        schema = {"fact": pl.String, "n": pl.Int64, "kind": pl.String}
        yield pl.DataFrame(data, schema=schema).with_columns(value=pl.lit(None, pl.Int64))


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
