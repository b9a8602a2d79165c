"""Internal calls: one call that the PBX wrote as two logs counts once.

A log of direction `ext_out` and a log of direction `ext_in`, with the same caller and callee, that
start within 2 s of each other, are one call. Each log is paired at most once. The `ext_out` log of
a pair is left out.
"""

from datetime import timedelta

import polars as pl

from ..frames import Frame, same_kind
from ..phone_numbers import normalize
from .call_facts import (
    CALL_COLUMNS,
    CALL_FACTS,
    COMPUTED_DIMENSIONS,
    COUNT_FACTS,
    call_facts,
    flat,
    name_columns,
)
from .options import MetricOptions

__all__ = [
    "PAIR_TOLERANCE",
    "SECOND_LOG_STATE",
    "counted_facts",
    "counted_flat",
    "is_internal",
    "mask_second_logs",
    "normal_numbers",
    "second_logs_of",
    "with_second_logs",
    "without_second_logs",
]

_OUTGOING, _INCOMING = "ext_out", "ext_in"
_KEYS = ("id", "started_at")
_NUMBERS = ("caller", "callee")

PAIR_TOLERANCE = timedelta(seconds=2)
"""The largest difference between the starts of the two logs of an internal call."""

SECOND_LOG_STATE = "internal_twice"
"""The `state` in flat facts of a log that is left out, since another log counts the call."""


def counted_facts(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """The facts of these calls, in order; a log that is left out has only `internal_twice`."""
    rows = call_facts(calls, options=options).drop("internal_twice")
    dimensions = (*CALL_COLUMNS, *COMPUTED_DIMENSIONS)
    return mask_second_logs(with_second_logs(rows, calls)).select(
        *_KEYS, *dimensions, name_columns(), *CALL_FACTS
    )


def counted_flat(calls: Frame, *, options: MetricOptions) -> Frame:
    """The calls with the columns of `flat`; a log that is left out has the `SECOND_LOG_STATE`.

    All calls are rows, but a count by `state` counts an internal call once. LazyFrame in, LazyFrame
    out.
    """
    rows = with_second_logs(flat(calls.lazy(), options=options), calls.lazy())
    state = pl.when("internal_twice").then(pl.lit(SECOND_LOG_STATE)).otherwise("state")
    return same_kind(calls, rows.with_columns(state=state).drop("internal_twice"))


def with_second_logs(rows: pl.LazyFrame, calls: pl.LazyFrame) -> pl.LazyFrame:
    """The rows, of these calls, with `internal_twice`: whether the log is left out."""
    is_outgoing = pl.col("direction").cast(pl.String) == _OUTGOING
    # Only these rows can be second logs; null keys are compared faster than ids.
    keys = {f"outgoing_{name}": pl.when(is_outgoing).then(name) for name in _KEYS}
    second_logs = (
        second_logs_of(calls)
        .unique()
        .select(
            *(pl.col(name).alias(key) for name, key in zip(_KEYS, keys, strict=True)),
            internal_twice=pl.lit(value=True),
        )
    )
    return (
        rows.with_columns(**keys)
        .join(second_logs, on=list(keys), how="left", nulls_equal=True, maintain_order="left")
        .drop(keys)
        .with_columns(pl.col("internal_twice").fill_null(value=False))
    )


def without_second_logs(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The calls, in order, without the logs that are left out."""
    return with_second_logs(calls, calls).filter(~pl.col("internal_twice")).drop("internal_twice")


def mask_second_logs(facts: pl.LazyFrame) -> pl.LazyFrame:
    """The facts with false, 0 or null for each row with `internal_twice`."""
    counted = ~pl.col("internal_twice")

    def masked(name: str) -> pl.Expr:
        if name in COUNT_FACTS:
            return pl.when(counted).then(name).otherwise(0)
        return pl.when(counted).then(name) if name.endswith("_s") else counted & pl.col(name)

    return facts.with_columns(
        **{name: masked(name) for name in CALL_FACTS if name != "internal_twice"}
    )


def is_internal() -> pl.Expr:
    """Whether a call may be one of the two logs of an internal call."""
    direction = pl.col("direction").cast(pl.String)
    return direction.is_in([_OUTGOING, _INCOMING]).fill_null(value=False)


def second_logs_of(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The `id` and `started_at` of the logs that are left out."""
    is_outgoing = pl.col("direction").cast(pl.String) == _OUTGOING
    rows = calls.filter(is_internal(), pl.col("started_at").is_not_null()).select(
        *_KEYS, *_NUMBERS, is_outgoing=is_outgoing
    )
    paired = rows.map_batches(
        _paired_outgoing, predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False
    )
    return paired.select(*_KEYS)


def _paired_outgoing(rows: pl.DataFrame) -> pl.DataFrame:
    """The outgoing rows that have a partner.

    The earliest logs of both directions without a partner are a pair if they are near enough; else
    the earlier has none.
    """
    if rows["is_outgoing"].n_unique() < 2:
        return rows.clear()
    rows = (
        rows.with_columns(normal_numbers(rows[name]) for name in _NUMBERS)
        .drop_nulls(_NUMBERS)
        .sort(*_NUMBERS, "started_at", "id")
    )
    pairs: list[int] = []
    waiting: list[int] = []
    numbers: tuple[str, str] | None = None
    columns = [rows[name].to_list() for name in ("caller", "callee", "started_at", "is_outgoing")]
    starts, is_outgoing = columns[2], columns[3]
    for row, (caller, callee, start, outgoing) in enumerate(zip(*columns, strict=True)):
        if (caller, callee) != numbers:
            numbers, waiting = (caller, callee), []
        while waiting and start - starts[waiting[0]] > PAIR_TOLERANCE:
            waiting.pop(0)
        # All waiting logs have one direction, since two directions would be a pair.
        if waiting and is_outgoing[waiting[0]] != outgoing:
            other = waiting.pop(0)
            pairs.append(row if outgoing else other)
        else:
            waiting.append(row)
    return rows[sorted(pairs)]


def normal_numbers(numbers: pl.Series) -> pl.Series:
    """The normal forms of these numbers, of which few are different: they are extensions."""
    known = numbers.unique().drop_nulls().to_list()
    return numbers.replace_strict(
        known, [normalize(number) for number in known], default=None, return_dtype=pl.String
    )
