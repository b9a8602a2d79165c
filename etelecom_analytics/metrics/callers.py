"""Callers: missed calls and what happened next, callback rates, and repeat calls.

A caller is a phone number. Numbers are compared in Vietnam's national form, so 0912..., 84912...
and +84912... are the same caller. Callers without a digit, such as withheld numbers, have no
history. Calls that began after `as_of` are ignored.
"""

import math
from collections.abc import Sequence
from datetime import UTC, timedelta

import polars as pl

from ..errors import InputError
from ..frames import Frame, same_kind
from ..phone_numbers import normalized
from .call_facts import CALL_COLUMNS, facts, name_columns, seconds
from .confidence import wilson
from .dimensions import call_dimensions
from .options import MetricOptions
from .survival import kaplan_meier

__all__ = ["MISSED_OUTCOMES", "callback_rate", "missed_ledger", "repeat_rate", "time_to_callback"]

MISSED_OUTCOMES = ("called_back", "served", "open")
"""The possible outcomes of a missed call."""

_OUTCOME = pl.Enum(MISSED_OUTCOMES)
_LEDGER = (
    *("id", "started_at", "ended_at", "caller", "number", "callee"),
    *(
        "outcome",
        "resolved_at",
        "resolved_by",
        "resolved_after_s",
        "reached",
        "age_s",
        "attempts",
        "came_again",
    ),
)


def missed_ledger(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
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
    - `came_again`: missed inbound calls of the caller before the outcome.
    """
    return same_kind(
        calls,
        _ledger(calls.lazy(), options)
        .select(_LEDGER)
        .sort("started_at", "id", descending=[True, False]),
    )


def callback_rate(
    calls: Frame,
    by: Sequence[str] = (),
    *,
    within_h: float = 24.0,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """The share of missed calls that were called back or served within some hours of their end.

    Columns: `value`, `num`, `den`, `low`, `high`. num: rows of `missed_ledger` with
    `resolved_after_s` within the hours, inclusive. den: rows whose age at `as_of` is at least these
    hours, so that each had the full time. The interval is Wilson's at 95 %; 0/0 is null. One row
    per group of missed calls, sorted; without `by`, one row. LazyFrame in, LazyFrame out.
    """
    within_s, dimensions = _hours(within_h), call_dimensions(calls, by, options)
    ledger = _ledger(calls.lazy(), options).filter(pl.col("age_s") >= within_s)
    return same_kind(calls, _rate(ledger, (pl.col("resolved_after_s") <= within_s), dimensions))


def time_to_callback(
    calls: Frame,
    by: Sequence[str] = (),
    *,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """The time until missed calls are resolved: a survival table per group of `by`.

    See `kaplan_meier` for the columns. Times are those of `missed_ledger`, from `ended_at`. An
    outcome of `called_back` or `served` is an event; open calls are censored at `as_of`. LazyFrame
    in, LazyFrame out.
    """
    dimensions = call_dimensions(calls, by, options)
    ledger = _ledger(calls.lazy(), options).with_columns(**dimensions)
    times = ledger.select(
        *dimensions,
        time_s=pl.coalesce("resolved_after_s", "age_s"),
        event=pl.col("resolved_after_s").is_not_null(),
    )
    return same_kind(calls, kaplan_meier(times, list(dimensions)))


def repeat_rate(
    calls: Frame,
    by: Sequence[str] = (),
    *,
    within_h: float = 24.0,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """The share of inbound calls that are followed by another call of the caller within some hours.

    Columns: `value`, `num`, `den`, `low`, `high`. den: inbound calls with a caller, answered or
    not, that started at least these hours before `as_of`. num: those after which another inbound
    call of the caller started, later and within the hours, inclusive. The interval is Wilson's at
    95 %; 0/0 is null. One row per group of the first calls, sorted; without `by`, one row.
    LazyFrame in, LazyFrame out.
    """
    within_s, dimensions = _hours(within_h), call_dimensions(calls, by, options)
    inbound = _caller_calls(calls.lazy(), options).filter("is_inbound").sort("started_at")
    again = inbound.select("number", "started_at", again_at="started_at")
    followed = inbound.join_asof(
        again,
        on="started_at",
        by="number",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    ).filter(seconds(pl.col("started_at"), pl.col("as_of")) >= within_s)
    return same_kind(
        calls,
        _rate(followed, seconds(pl.col("started_at"), pl.col("again_at")) <= within_s, dimensions),
    )


def _hours(within_h: float) -> float:
    """The hours as seconds."""
    if (
        isinstance(within_h, bool)
        or not isinstance(within_h, int | float)
        or not 0 < within_h < math.inf
    ):
        raise InputError(
            f"within_h must be a positive number of hours, such as 24; got {within_h!r}."
        )
    return timedelta(hours=within_h) / timedelta(seconds=1)


def _rate(rows: pl.LazyFrame, condition: pl.Expr, dimensions: dict[str, pl.Expr]) -> pl.LazyFrame:
    """The share of rows that meet the condition, per group."""
    num, den = condition.fill_null(value=False).cast(pl.Int64).sum(), pl.len().cast(pl.Int64)
    low, high = wilson(pl.col("num"), pl.col("den"))
    local = rows.with_columns(**dimensions)
    counts = (
        local.group_by(list(dimensions)).agg(num=num, den=den)
        if dimensions
        else local.select(num=num, den=den)
    )
    value = pl.when(pl.col("den") > 0).then(pl.col("num") / pl.col("den"))
    shares = counts.select(*dimensions, value=value, num="num", den="den", low=low, high=high)
    return shares.sort(list(dimensions), nulls_last=True) if dimensions else shares


def _caller_calls(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The facts of inbound and outbound calls with an external number that began by `as_of`.

    Further columns: `ended_at`, `number` (national form), `as_of`, `is_inbound`, `is_outbound`.
    """
    # `facts` passes ids through, so they carry `ended_at`. A join would need unique ids.
    rows = facts(calls.with_columns(id=pl.struct("id", "ended_at")), options=options).unnest("id")
    direction = pl.col("direction").cast(pl.String)
    is_inbound = (direction == "in").fill_null(value=False)
    is_outbound = (direction == "out").fill_null(value=False)
    as_of = (
        pl.col("started_at").max()
        if options.as_of is None
        else pl.lit(options.as_of.astimezone(UTC), pl.Datetime("us", "UTC"))
    )
    return (
        rows.select(
            "id",
            "started_at",
            "ended_at",
            *CALL_COLUMNS,
            name_columns(),
            "answered",
            "missed",
            as_of=as_of,
            is_inbound=is_inbound,
            is_outbound=is_outbound,
        )
        .filter(
            pl.col("is_inbound") | pl.col("is_outbound"), pl.col("started_at") <= pl.col("as_of")
        )
        .with_columns(number=normalized(pl.when("is_inbound").then("caller").otherwise("callee")))
        .filter(pl.col("number").str.contains(r"\d"))
    )


def _ledger(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The rows of `missed_ledger`, unsorted, with all columns that are dimensions."""
    caller_calls = _caller_calls(calls, options)
    history = _history(caller_calls)
    missed = caller_calls.filter("is_inbound", "missed").sort("ended_at")

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
        missed_again.alias("came_again"),
        outcome=pl.col("outcome").fill_null(pl.lit("open", _OUTCOME)),
        resolved_after_s=seconds(ended, pl.col("resolved_at")),
        reached=pl.when(pl.col("outcome") == "called_back").then("reached"),
        age_s=seconds(ended, pl.col("as_of")).clip(lower_bound=0.0),
        attempts=pl.coalesce("outs_then", "outs_total") - pl.col("outs_before").fill_null(0),
    )


def _history(caller_calls: pl.LazyFrame) -> pl.LazyFrame:
    """One row per number and moment at which its calls began, sorted by moment.

    `outcome` is the outcome of an earlier missed call, if these calls resolve it, and `resolved_by`
    the id of the call that does. `outs` and `missed` are cumulative sums.
    """
    is_inbound, is_outbound = pl.col("is_inbound"), pl.col("is_outbound")
    moments = (
        caller_calls.select(
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
