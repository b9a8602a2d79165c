"""Callers: who calls again, whom we missed, and how soon they hear from us.

A caller is a number. Numbers are compared in Vietnam's national form, so 0912..., 84912... and
+84912... are one caller; a caller without a digit, such as a withheld one, is nobody's history.
What began after `as_of` is not known yet.
"""

import math
from collections.abc import Sequence
from datetime import UTC, timedelta

import polars as pl

from ..errors import InputError
from ..frames import Frame, same_kind
from ..phone_numbers import normalized
from .call_facts import CALL_COLUMNS, facts, names_carried, seconds
from .confidence import wilson
from .options import MetricOptions
from .survival import call_dimensions, kaplan_meier

__all__ = ["MISSED_OUTCOMES", "callback_rate", "missed_ledger", "repeat_rate", "time_to_callback"]

MISSED_OUTCOMES = ("called_back", "served", "open")
"""What became of a missed call."""

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
    """One row a missed `in` call with a caller that began by `as_of`, newest first: what became of it.

    Give calls of all directions: what is not there has not happened. Only what starts after the
    missed call's `ended_at`, and by `as_of`, is looked at. LazyFrame in, LazyFrame out. Columns:

    - `id`, `started_at`, `ended_at`, `caller`, `callee` of the missed call, and `number`, its
      caller in national form.
    - `outcome`, by the first of these events; at one moment `served` wins. `called_back`: an `out`
      call to the number. `served`: an answered `in` call of the caller. `open`: neither; to come
      back and be missed again leaves it open.
    - `resolved_at`, when that call started, `resolved_by`, its id, and `resolved_after_s`, the
      seconds from `ended_at`; null while open.
    - `reached`, of those called back: whether that call was answered.
    - `age_s`: seconds from `ended_at` to `as_of`; 0 if it ended after that.
    - `attempts`: `out` calls to the number up to and including the first talk with the caller (an
      answered call, `out` or `in`). One that called back and reached nobody may be followed by
      others.
    - `came_again`: missed `in` calls of the caller before the outcome.
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
    """The share of missed calls that were called back, or served, within some hours of their end: `value`, `num`, `den`, `low`, `high`.

    num: rows of `missed_ledger` with `resolved_after_s` within the hours, inclusive. den: its rows
        of at least that age at `as_of`, so
    that each had its time. One row a group of the missed calls, sorted; without `by` one row. The
    interval is Wilson's at 95 %; 0/0 is null. LazyFrame in, LazyFrame out.
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
    """How long missed calls wait for us: the survival table of `kaplan_meier`, for each group of `by`.

    Of the rows of `missed_ledger`, from `ended_at`: an event is `called_back` or `served`; one that
    is open is censored at `as_of`. LazyFrame in, LazyFrame out.
    """
    dimensions = call_dimensions(calls, by, options)
    waiting = _ledger(calls.lazy(), options).with_columns(**dimensions)
    happened = pl.col("resolved_after_s").is_not_null()
    times = waiting.select(
        *dimensions, time_s=pl.coalesce("resolved_after_s", "age_s"), event=happened
    )
    return same_kind(calls, kaplan_meier(times, list(dimensions)))


def repeat_rate(
    calls: Frame,
    by: Sequence[str] = (),
    *,
    within_h: float = 24.0,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """The share of callers' calls that are followed by another of the same caller within some hours: `value`, `num`, `den`, `low`, `high`.

    den: `in` calls with a caller, whatever became of them, that started at least that many hours
        before `as_of`. num: those after which
    another `in` call of the caller started, later and within the hours, inclusive. One row a group
    of the first calls, sorted; without `by` one row. The interval is Wilson's at 95 %; 0/0 is null.
    LazyFrame in, LazyFrame out.
    """
    within_s, dimensions = _hours(within_h), call_dimensions(calls, by, options)
    incoming = _known(calls.lazy(), options).filter("comes").sort("started_at")
    again = incoming.select("number", "started_at", again_at="started_at")
    followed = incoming.join_asof(
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
    """The hours in seconds."""
    if (
        isinstance(within_h, bool)
        or not isinstance(within_h, int | float)
        or not 0 < within_h < math.inf
    ):
        raise InputError(f"within_h is a number of hours above 0, such as 24; got {within_h!r}.")
    return timedelta(hours=within_h) / timedelta(seconds=1)


def _rate(rows: pl.LazyFrame, met: pl.Expr, dimensions: dict[str, pl.Expr]) -> pl.LazyFrame:
    """The pooled share of rows for which `met` holds."""
    num, den = met.fill_null(value=False).cast(pl.Int64).sum(), pl.len().cast(pl.Int64)
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


def _known(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The `in` and `out` calls from or to a number outside that began by `as_of`: their facts, `ended_at`, `number` and `as_of`."""
    # facts hands ids on as they are, so the end comes along in them; a join would need them to be
    # different.
    found = facts(calls.with_columns(id=pl.struct("id", "ended_at")), options=options).unnest("id")
    direction = pl.col("direction").cast(pl.String)
    comes, goes = (
        (direction == "in").fill_null(value=False),
        (direction == "out").fill_null(value=False),
    )
    as_of = (
        pl.col("started_at").max()
        if options.as_of is None
        else pl.lit(options.as_of.astimezone(UTC), pl.Datetime("us", "UTC"))
    )
    return (
        found.select(
            "id",
            "started_at",
            "ended_at",
            *CALL_COLUMNS,
            names_carried(),
            "answered",
            "missed",
            as_of=as_of,
            comes=comes,
            goes=goes,
        )
        .filter(pl.col("comes") | pl.col("goes"), pl.col("started_at") <= pl.col("as_of"))
        .with_columns(number=normalized(pl.when("comes").then("caller").otherwise("callee")))
        .filter(pl.col("number").str.contains(r"\d"))
    )


def _ledger(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The rows of `missed_ledger` in no order, with all columns that are dimensions."""
    known = _known(calls, options)
    history = _history(known)
    missed = known.filter("comes", "missed").sort("ended_at")

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

    answers = history.filter(pl.col("outcome").is_not_null())
    talks = history.filter("talk").select("number", "at", outs_then="outs")
    until_end = history.select("number", "at", outs_before="outs", missed_before="missed")
    # The history of a number ends with as_of, so its last sums are what there was until then.
    in_all = history.group_by("number").agg(
        outs_in_all=pl.col("outs").max(), missed_in_all=pl.col("missed").max()
    )
    found = first_after(
        missed,
        answers.select(
            "number",
            "at",
            "outcome",
            "resolved_by",
            "reached",
            resolved_at="at",
            missed_then="missed",
        ),
    )
    placed = (
        first_after(found, talks)
        .join_asof(
            until_end,
            left_on="ended_at",
            right_on="at",
            by="number",
            strategy="backward",
            check_sortedness=False,
        )
        .join(in_all, on="number", how="left")
    )
    ended, last = pl.col("ended_at"), pl.coalesce("resolved_at", "as_of")
    # Where clocks differ a call may have begun after it ended; it is not its own successor.
    itself = (pl.col("started_at") > ended) & (pl.col("started_at") <= last)
    return placed.with_columns(
        outcome=pl.col("outcome").fill_null(pl.lit("open", _OUTCOME)),
        resolved_after_s=seconds(ended, pl.col("resolved_at")),
        reached=pl.when(pl.col("outcome") == "called_back").then("reached"),
        age_s=seconds(ended, pl.col("as_of")).clip(lower_bound=0.0),
        attempts=pl.coalesce("outs_then", "outs_in_all") - pl.col("outs_before").fill_null(0),
        came_again=pl.coalesce("missed_then", "missed_in_all")
        - pl.col("missed_before").fill_null(0)
        - itself.cast(pl.Int64),
    )


def _history(known: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each moment at which calls with a number began, in its order: what they were, and sums over those up to then.

    `outcome` is what they make of a call missed before, if anything, and `resolved_by` the call
    that does; `outs` and `missed` are sums.
    """
    comes, goes, answered = pl.col("comes"), pl.col("goes"), pl.col("answered")
    moments = (
        known.select(
            "number",
            at="started_at",
            served_by=pl.when(comes & answered).then("id"),
            reached_by=pl.when(goes & answered).then("id"),
            tried_by=pl.when(goes).then("id"),
            outs=goes.cast(pl.Int64),
            missed=(comes & pl.col("missed")).cast(pl.Int64),
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
