"""The missed ledger: missed calls, and what happened next.

A caller is a phone number. Numbers are compared in normal form, so 0912..., 84912... and +84912...
are the same caller. Unknown callers, such as withheld numbers, are never one caller, so they have
no history. Calls that began after `as_of` are ignored.
"""

from datetime import UTC
from typing import overload

import polars as pl

from ..phone_numbers import is_nobody
from .call_facts import CALL_COLUMNS, COMPUTED_DIMENSIONS, call_facts, name_columns
from .call_legs import seconds
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["MISSED_OUTCOMES", "caller_calls", "ledger_rows", "missed_ledger"]

MISSED_OUTCOMES = ("called_back", "served", "open")
"""The possible outcomes of a missed call."""

_OUTCOME = pl.Enum(MISSED_OUTCOMES)
_LEDGER = (
    *("id", "started_at", "ended_at", "caller", "number", "callee"),
    *("outcome", "resolved_at", "resolved_by", "resolved_after_s", "reached"),
    *("age_s", "attempts", "missed_again"),
)


@overload
def missed_ledger(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...


@overload
def missed_ledger(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...


def missed_ledger(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The missed inbound calls with a caller and what happened next, newest first.

    Pass calls of all directions: callbacks are outbound calls. Only calls that start after the
    missed call's `ended_at`, and by `as_of`, count. LazyFrame in, LazyFrame out. Columns:

    - `id`, `started_at`, `ended_at`, `caller`, `callee` of the missed call, and `number`, its
      caller in national form.
    - `outcome`: the first of these events; `served` wins a tie. `called_back`: an outbound call to
      the number. `served`: an answered inbound call of the caller. `open`: neither. A further
      missed call of the caller leaves it open.
    - `resolved_at`, `resolved_by`, `resolved_after_s`: the start and id of that call, and the
      seconds from `ended_at` to its start; null while open.
    - `reached`: whether the callback was answered; null for other outcomes.
    - `age_s`: seconds from `ended_at` to `as_of`, at least 0.
    - `attempts`: outbound calls to the number up to and including the first talk with the caller,
      which is an answered call in either direction. More attempts may follow a callback that was
      not answered.
    - `missed_again`: missed inbound calls of the caller before the outcome.

    Args:
        calls: calls of all directions.
        options: `as_of` and `ivr_numbers`.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> ledger = et.metrics.missed_ledger(et.sample_logs().calls, options=options)
        >>> ledger["outcome"].value_counts().sort("outcome").rows()
        [('called_back', 9), ('served', 10), ('open', 14)]
    """
    options = checked_options(options)
    rows = ledger_rows(calls_frame(calls), options).with_columns(
        caller="written_caller", callee="written_callee"
    )
    table = rows.select(_LEDGER).sort("started_at", "id", descending=[True, False])
    return like_input(calls, table)


def caller_calls(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The facts of inbound and outbound calls with an external number that began by `as_of`.

    Further columns: `ended_at`, `number` (national form), `as_of`, `is_inbound`, `is_outbound`.
    """
    has_session = "external_session_id" in calls.collect_schema()
    session = pl.col("external_session_id") if has_session else pl.lit(None, pl.String)
    # `call_facts` passes ids through, so they carry `ended_at`. A join would need unique ids.
    with_end = calls.with_columns(
        id=pl.struct(
            "id",
            "ended_at",
            session=session,
            written_caller="caller",
            written_callee="callee",
        )
    )
    rows = call_facts(with_end, options=options).unnest("id")
    direction = pl.col("direction").cast(pl.String)
    is_inbound = (direction == "in").fill_null(value=False)
    is_outbound = (direction == "out").fill_null(value=False)
    as_of = (
        pl.col("started_at").max()
        if options.as_of is None
        else pl.lit(options.as_of.astimezone(UTC), pl.Datetime("us", "UTC"))
    )
    is_now = pl.col("started_at") <= pl.col("as_of")
    rows = rows.with_columns(as_of=as_of).filter(is_now)
    # A session that was answered in another of its logs was not missed.
    answered = rows.filter("answered", pl.col("session") != "").select("session").unique()
    rows = rows.join(
        answered.with_columns(session_answered=pl.lit(value=True)), on="session", how="left"
    ).with_columns(pl.col("session_answered").fill_null(value=False))
    has_number = pl.col("number").str.contains(r"\d").fill_null(value=False)
    is_known = is_outbound & has_number | is_inbound & ~is_nobody(pl.col("written_caller"))
    return (
        rows.select(
            "id",
            "session_answered",
            "written_caller",
            "written_callee",
            "started_at",
            "ended_at",
            *CALL_COLUMNS,
            *COMPUTED_DIMENSIONS,
            name_columns(),
            "answered",
            "missed",
            "as_of",
            is_inbound=is_inbound,
            is_outbound=is_outbound,
        )
        .filter(pl.col("is_inbound") | pl.col("is_outbound"))
        .with_columns(number=pl.when("is_inbound").then("caller").otherwise("callee"))
        .filter(is_known)
    )


def ledger_rows(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The rows of `missed_ledger`, unsorted, with all columns that are dimensions."""
    # The plan has these calls six times. Shared, it takes a third of the time, also for few calls.
    known = caller_calls(calls, options).cache()
    history = _history(known)
    missed = known.filter("is_inbound", "missed", ~pl.col("session_answered")).sort("ended_at")

    def first_after(rows: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return rows.join_asof(
            events,
            left_on="ended_at",
            right_on="at",
            by="number",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        ).drop("at", strict=False)

    outcomes = history.filter(pl.col("outcome").is_not_null())
    talks = history.filter("talk").select("number", "at", outs_then="outs")
    until_end = history.select("number", "at", outs_before="outs", missed_before="missed")
    # The history of a number ends at as_of, so its last sums are the totals.
    totals = history.group_by("number").agg(
        outs_total=pl.col("outs").max(), missed_total=pl.col("missed").max()
    )
    resolved = first_after(
        missed,
        outcomes.select(
            "number",
            "at",
            "outcome",
            "resolved_by",
            "reached",
            resolved_at="at",
            missed_then="missed",
        ),
    )
    rows = (
        first_after(resolved, talks)
        .join_asof(
            until_end,
            left_on="ended_at",
            right_on="at",
            by="number",
            strategy="backward",
            check_sortedness=False,
        )
        .join(totals, on="number", how="left")
    )
    ended, last = pl.col("ended_at"), pl.coalesce("resolved_at", "as_of")
    # If clocks differ, a call may begin after its end. It does not count as a later call.
    itself = (pl.col("started_at") > ended) & (pl.col("started_at") <= last)
    missed_again = (
        pl.coalesce("missed_then", "missed_total")
        - pl.col("missed_before").fill_null(0)
        - itself.cast(pl.Int64)
    )
    return rows.with_columns(
        missed_again=missed_again,
        outcome=pl.col("outcome").fill_null(pl.lit("open", _OUTCOME)),
        resolved_after_s=seconds(ended, pl.col("resolved_at")),
        reached=pl.when(pl.col("outcome") == "called_back").then("reached"),
        age_s=seconds(ended, pl.col("as_of")).clip(lower_bound=0.0),
        attempts=pl.coalesce("outs_then", "outs_total") - pl.col("outs_before").fill_null(0),
    )


def _history(known: pl.LazyFrame) -> pl.LazyFrame:
    """One row per number and moment at which its calls began, sorted by moment.

    `outcome` is the outcome of an earlier missed call, if these calls resolve it, and `resolved_by`
    the id of the call that does. `outs` and `missed` are cumulative sums.
    """
    is_inbound, is_outbound = pl.col("is_inbound"), pl.col("is_outbound")
    moments = (
        known.select(
            "number",
            at="started_at",
            served_by=pl.when(is_inbound & pl.col("answered")).then("id"),
            reached_by=pl.when(is_outbound & pl.col("answered")).then("id"),
            tried_by=pl.when(is_outbound).then("id"),
            outs=is_outbound.cast(pl.Int64),
            missed=(is_inbound & pl.col("missed")).cast(pl.Int64),
        )
        .group_by("number", "at")
        .agg(pl.col("served_by", "reached_by", "tried_by").min(), pl.col("outs", "missed").sum())
    )
    served, tried = pl.col("served_by").is_not_null(), pl.col("tried_by").is_not_null()
    return (
        moments.sort("number", "at")
        .with_columns(pl.col("outs", "missed").cum_sum().over("number"))
        .select(
            "number",
            "at",
            "outs",
            "missed",
            outcome=pl.when(served)
            .then(pl.lit("served", _OUTCOME))
            .when(tried)
            .then(pl.lit("called_back", _OUTCOME)),
            resolved_by=pl.coalesce("served_by", "reached_by", "tried_by"),
            reached=pl.col("reached_by").is_not_null(),
            talk=served | pl.col("reached_by").is_not_null(),
        )
        .sort("at")
    )
