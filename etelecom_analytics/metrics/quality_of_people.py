"""Data quality of people and numbers: who was called, and what their numbers are."""

import polars as pl

from ..phone_numbers import masked_digits
from .number_suggestions import missing_numbers
from .options import MetricOptions
from .quality_results import ALWAYS, MAX_EXAMPLES, Result, results_of

__all__ = ["people_checks"]

_CALLED = ("in", "ext_in")
"""Directions of calls whose extension is one that was called."""


def people_checks(calls: pl.DataFrame, options: MetricOptions) -> dict[str, Result]:
    """The results of the checks of sessions, people and numbers."""
    return (
        _session_checks(calls.lazy())
        | _owner_checks(calls)
        | {"number_like_ivr": _numbers_like_ivr(calls, options)}
    )


def _session_checks(calls: pl.LazyFrame) -> dict[str, Result]:
    session, state = pl.col("external_session_id"), pl.col("call_state").cast(pl.String)
    ended = pl.col("ended_at").is_not_null()
    known = ended & session.is_not_null() & state.is_in(["answered", "not_answered"])
    states = pl.when(known).then(state).drop_nulls().n_unique().over(session)
    return results_of(calls, {"contradicting_sessions": (known, states > 1)})


def _owner_checks(calls: pl.DataFrame) -> dict[str, Result]:
    """The checks of owners; they apply to nothing if the calls have no `target_owners`."""
    if "target_owners" not in calls.columns:
        return dict.fromkeys(("person_not_called", "numbers_changed_hands"), (0, 0, ()))
    owners = pl.col("target_owners")

    def is_missing(column: str) -> pl.Expr:
        called = owners.list.eval(pl.element().struct.field(column))
        return pl.col(column).is_not_null() & ~called.list.contains(pl.col(column)).fill_null(
            value=False
        )

    answered = (
        pl.col("ended_at").is_not_null()
        & (pl.col("call_state") == "answered")
        & pl.col("direction").cast(pl.String).is_in(_CALLED)
        & (pl.col("extension_id").is_not_null() | pl.col("user_id").is_not_null())
    )
    not_called = is_missing("extension_id") | is_missing("user_id")
    return results_of(calls.lazy(), {"person_not_called": (answered, not_called)}) | results_of(
        _owned_numbers(calls.lazy()),
        {"numbers_changed_hands": (ALWAYS, pl.col("people") > 1)},
        example="number",
    )


def _owned_numbers(calls: pl.LazyFrame) -> pl.LazyFrame:
    """One row per extension number, masked, with how many people it had in these calls."""
    return (
        calls.select(owner="target_owners")
        .explode("owner", empty_as_null=False, keep_nulls=False)
        .unnest("owner")
        .filter(pl.col("extension_number").is_not_null(), pl.col("user_id").is_not_null())
        .group_by("extension_number")
        .agg(people=pl.col("user_id").n_unique())
        .select("people", number=masked_digits(pl.col("extension_number")))
    )


def _numbers_like_ivr(calls: pl.DataFrame, options: MetricOptions) -> Result:
    numbers = missing_numbers(calls, options)
    target = pl.element().struct.field("target_number")
    called = calls.select(pl.col("call_targets").list.eval(target).list.explode()).to_series()
    examples = numbers.select(masked_digits(pl.col("number"))).to_series().unique().sort()
    return (
        numbers.height,
        called.drop_nulls().n_unique(),
        [*examples.head(MAX_EXAMPLES)],
    )
