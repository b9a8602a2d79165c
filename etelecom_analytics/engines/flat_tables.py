"""Flat tables of calls, offers and legs: facts that other engines aggregate.

Nothing is nested, texts are plain strings, and times are whole microseconds. No threshold is fixed:
the options in `FREE_OPTIONS` are applied by a query.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import get_args

import polars as pl
from polars import selectors

from .. import local_time
from ..metrics.aggregation import microseconds
from ..metrics.call_facts import (
    CALL_COLUMNS,
    COMPUTED_DIMENSIONS,
    NAME_COLUMNS,
    NUMBERS,
    call_facts,
)
from ..metrics.call_legs import is_outside_number
from ..metrics.dimensions import LEG_DIMENSIONS
from ..metrics.internal_calls import SECOND_LOG_STATE, counted_facts
from ..metrics.legs_and_offers import leg_facts, offer_facts
from ..metrics.local_dimensions import start_dimensions
from ..metrics.options import MetricOptions, WaitFrom
from ..metrics.registry import FACTS, Grain
from ..metrics.selection import calls_frame

__all__ = [
    "EXTERNAL",
    "FIXED_OPTIONS",
    "FREE_OPTIONS",
    "PERSONAL_COLUMNS",
    "TABLE_DIMENSIONS",
    "flat_tables",
    "published_column",
    "stored_facts",
    "wait_column",
]

FREE_OPTIONS = (
    *("wait_from", "threshold_s", "variant", "short_s", "min_talk_s"),
    *("business_hours", "holidays", "unknown_endings"),
)
"""Options that the tables do not depend on."""

FIXED_OPTIONS = tuple(
    field.name for field in fields(MetricOptions) if field.name not in FREE_OPTIONS
)
"""Options that the tables were computed with; others need other tables."""

PERSONAL_COLUMNS = (*NUMBERS, "note", "recording_urls")
"""Columns of the table of calls, of which offers and legs have the first two."""

EXTERNAL = "external"
"""The `target_number` of all external phone numbers in tables without personal columns."""

TABLE_DIMENSIONS: Mapping[Grain, tuple[str, ...]] = {
    "calls": (*local_time.LOCAL_DIMENSIONS, "in_hours", *CALL_COLUMNS, *COMPUTED_DIMENSIONS),
    **dict.fromkeys(
        ("offers", "legs"),
        (
            *(*local_time.LOCAL_DIMENSIONS, "in_hours"),
            *(*CALL_COLUMNS, *COMPUTED_DIMENSIONS, *LEG_DIMENSIONS),
        ),
    ),
}
"""The dimensions of each table; `in_hours` is computed from `week_minute` and `day`.

Tables of calls with names also have these.
"""

_OF_FREE_OPTIONS = (
    *("wait_s", "wait_unknown", "answered_wait_s", "abandoned_wait_s"),
    *("short_abandoned", "abandoned_not_short", "offered_not_short"),
    *("answered_within", "abandoned_within", "level_met", "level_counted"),
)
"""Facts of calls that a query computes, since they depend on `FREE_OPTIONS`."""

_OF_EVERY_ROW = ("offers", "trunk_legs")
"""Facts that are true of every row of their table."""

_STATES = ("running", "unknown", "answered", "missed")
_WAITS: tuple[WaitFrom, ...] = get_args(WaitFrom)


def stored_facts(grain: Grain) -> tuple[str, ...]:
    """The facts of this grain that the tables have, by their names in the registry."""
    return tuple(
        name for name in FACTS[grain] if name not in (*_OF_FREE_OPTIONS, *_OF_EVERY_ROW, "calls")
    )


def published_column(fact: str) -> str:
    """The column of a stored fact; seconds are stored as whole microseconds, such as `talk_us`."""
    return f"{fact.removesuffix('_s')}_us" if fact.endswith("_s") else fact


def wait_column(wait_from: WaitFrom) -> str:
    """The column of the waits of offered calls with this option, in microseconds."""
    return f"wait_from_{wait_from}_us"


def flat_tables(
    calls: pl.DataFrame,
    *,
    options: MetricOptions,
    personal: bool = False,
    rows: pl.Series | None = None,
) -> dict[Grain, pl.DataFrame]:
    """The tables of these calls: one row per call, per counted offer and per counted leg.

    Args:
        calls: the calls, with the columns of `schema.CALL_SCHEMA`, and names.
        options: `FIXED_OPTIONS` of the tables.
        personal: with `PERSONAL_COLUMNS`, and `target_number` of external phone numbers.
        rows: a flag per call: whether its rows are returned. Other calls only decide which offers
            are busy and which logs are counted twice.
    """
    calls = calls_frame(calls).collect()
    selected = pl.repeat(value=True, n=calls.height, eager=True) if rows is None else rows
    facts: Mapping[Grain, Callable[[], pl.DataFrame]] = {
        "calls": lambda: _calls(calls, options).filter(selected),
        "offers": lambda: _of_legs(
            offer_facts(calls.lazy(), options=options, busy=True), calls, selected
        ),
        "legs": lambda: _of_legs(leg_facts(calls.lazy(), options=options), calls, selected),
    }
    return {grain: _flat(table(), grain, options, personal) for grain, table in facts.items()}


def _calls(calls: pl.DataFrame, options: MetricOptions) -> pl.DataFrame:
    """The facts of the calls, their state, and their waits from each begin."""
    facts = counted_facts(calls.lazy(), options=options)
    waits = [
        call_facts(calls.lazy(), options=replace(options, wait_from=wait_from)).select(
            microseconds("wait_s").alias(wait_column(wait_from))
        )
        for wait_from in _WAITS
    ]
    contents = calls.lazy().select("note", pl.col("recording_urls").list.join("\n"))
    state = pl.coalesce(
        pl.when("internal_twice").then(pl.lit(SECOND_LOG_STATE)),
        *(pl.when(state).then(pl.lit(state)) for state in _STATES),
    )
    columns = map(wait_column, _WAITS)
    return (
        pl.concat([facts, *waits, contents], how="horizontal")
        .with_columns(
            *(pl.when(~pl.col("internal_twice")).then(name).alias(name) for name in columns),
            state=state,
        )
        .rename({"id": "call_id"})
        .collect()
    )


def _of_legs(rows: pl.LazyFrame, calls: pl.DataFrame, selected: pl.Series) -> pl.DataFrame:
    """The rows of the selected calls, with `call_id`."""
    table = rows.collect()
    call_rows = table["call_row"]
    return table.with_columns(call_id=calls["id"].gather(call_rows)).filter(
        selected.gather(call_rows)
    )


def _flat(
    table: pl.DataFrame, grain: Grain, options: MetricOptions, personal: bool
) -> pl.DataFrame:
    """The columns that are published, in plain types."""
    facts = stored_facts(grain)
    names = [
        *("call_id", "started_at", *local_time.LOCAL_DIMENSIONS, "week_minute"),
        *(n for n in (*TABLE_DIMENSIONS[grain], *NAME_COLUMNS) if n in table.columns),
        *(("state", *map(wait_column, _WAITS)) if grain == "calls" else ()),
        *map(published_column, facts),
        *(name for name in ("note", "recording_urls") if name in table.columns),
    ]
    start = start_dimensions(tuple(local_time.LOCAL_DIMENSIONS), options)
    return (
        table.with_columns(
            *_plain_facts(facts),
            **start,
            week_minute=local_time.week_minute(options.time_zone),
            **({} if personal or grain == "calls" else _without_external(options)),
        )
        .select(name for name in names if personal or name not in PERSONAL_COLUMNS)
        .with_columns(selectors.enum().cast(pl.String), selectors.by_dtype(pl.Int8).cast(pl.Int32))
    )


def _plain_facts(facts: Iterable[str]) -> list[pl.Expr]:
    return [
        microseconds(fact).alias(published_column(fact)) for fact in facts if fact.endswith("_s")
    ]


def _without_external(options: MetricOptions) -> dict[str, pl.Expr]:
    """`target_number` with one text for all external numbers, also of agents' mobile phones."""
    is_external = is_outside_number(pl.col, replace(options, agent_numbers=()))
    return {"target_number": pl.when(is_external).then(pl.lit(EXTERNAL)).otherwise("target_number")}
