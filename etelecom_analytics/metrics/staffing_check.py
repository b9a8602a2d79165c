"""staffing_backtest: what Erlang A predicts for past hours, beside what was observed."""

from collections.abc import Sequence
from typing import Literal

import polars as pl

from .erlang_a_formulas import ErlangA, erlang_a
from .erlang_formulas import erlang_c_service_level, real_number
from .interval_traffic import (
    IntervalCalls,
    interval_calls,
    interval_keys,
    seconds_of,
    traffic_by_interval,
)
from .legs_and_offers import offer_spans
from .local_dimensions import start_dimensions
from .options import MetricOptions, checked_options
from .selection import Calls, calls_frame, collected

__all__ = ["MAX_MISS", "backtest_of", "staffing_backtest"]

MAX_MISS = 0.05
"""A prediction that misses by more, as a difference of shares, is not reliable."""
_MIN_CALLS = 30
"""The share of fewer calls is too uncertain to judge a prediction by."""
_MIN_PATIENCE_S = 1.0
_STEP = "15m"


def staffing_backtest(
    calls: Calls,
    *,
    interval: Literal["hour", "quarter_hour"] = "hour",
    by_weekday: bool = False,
    wrap_up_s: float = 0.0,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame:
    """Whether Erlang's formulas describe the past: predicted and observed shares by interval.

    For each interval of each day, Erlang A (`erlang_a`) predicts which share of the offered calls
    is abandoned, and which is answered within `options.threshold_s`, from these inputs: the calls
    of that interval; the mean talk of the interval of the day plus wrap-up; the mean patience of
    all calls (total wait / abandoned calls); and as agents the persons who talked in one of these
    calls during the interval. A call log does not show who was present: somebody who talked once
    may have been busy otherwise, and somebody who never did may have been there. Where prediction
    and observation differ by more than 5 points, staffing computed from a formula is not reliable.
    Waits from "started_at" include menus, which no agent can shorten; `wait_from="queue"` does not.

    One row per interval, sorted, as in `agents_by_interval`. Intervals of days in which nobody
    talked are left out. Collects. Columns, after those of the interval:

    - `days` and `calls`: those that are compared; `agents`: the mean number of persons who talked,
      weighted by calls.
    - `predicted_abandoned` and `abandoned`; `predicted_service_level` and `service_level`: shares
      of these calls.
    - `miss`: the larger of the two differences, as an absolute value.
    - `not_reliable`: whether it is above 0.05; null with fewer than 30 calls.

    Args:
        calls: calls of any direction, of complete days.
        interval: "hour" or "quarter_hour".
        by_weekday: one row per weekday and interval, instead of one per interval.
        wrap_up_s: the mean time in seconds that agents need after a talk.
        options: the threshold, the time zone, and the business hours.

    Raises:
        InputError: wrap_up_s is not a number of 0 or more.
        UnknownName: interval is neither "hour" nor "quarter_hour".

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> table = et.metrics.staffing_backtest(et.sample_logs().calls, options=options)
        >>> table.filter(pl.col("hour") == 10).select("days", "calls", "not_reliable").row(0)
        (7, 35, True)
    """
    options = checked_options(options)
    keys = interval_keys(interval, by_weekday=by_weekday)
    wrap_up_s = real_number("wrap_up_s", wrap_up_s)
    calls = collected(calls)
    return backtest_of(calls, interval_calls(calls, keys, options), wrap_up_s, options)


def backtest_of(
    calls: Calls, rows: IntervalCalls, wrap_up_s: float, options: MetricOptions
) -> pl.DataFrame:
    """The table of `staffing_backtest` from the calls by interval."""
    keys = rows.keys
    handled = traffic_by_interval(rows, wrap_up_s=wrap_up_s).select(*keys, "handle_s")
    counts = rows.offered.group_by("day", *keys).agg(pl.col("is_in_time", "is_abandoned").sum())
    cells = (
        rows.cells.join(counts, on=["day", *keys])
        .join(_agents(calls, rows, options), on=["day", *keys])
        .join(handled.drop_nulls(), on=keys)
        .sort("day", *keys)
    )
    predicted = _predictions(cells, _patience_s(rows.offered), options.threshold_s, keys)
    n = pl.col("calls")
    weighted = {
        "predicted_abandoned": (pl.col("predicted_abandoned") * n).sum() / n.sum(),
        "abandoned": pl.col("is_abandoned").sum() / n.sum(),
        "predicted_service_level": (pl.col("predicted_service_level") * n).sum() / n.sum(),
        "service_level": pl.col("is_in_time").sum() / n.sum(),
    }
    pairs = [("predicted_abandoned", "abandoned"), ("predicted_service_level", "service_level")]
    miss = pl.max_horizontal((pl.col(first) - pl.col(second)).abs() for first, second in pairs)
    return (
        pl.concat([cells, predicted], how="horizontal")
        .group_by(keys, maintain_order=True)
        .agg(
            days=pl.len().cast(pl.Int64),
            calls=n.sum(),
            agents=(pl.col("agents") * n).sum() / n.sum(),
            **weighted,
        )
        .with_columns(miss=miss)
        .with_columns(
            not_reliable=pl.when(pl.col("calls") >= _MIN_CALLS).then(pl.col("miss") > MAX_MISS)
        )
        .sort(keys)
    )


def _patience_s(offered: pl.DataFrame) -> float | None:
    """The mean patience: the maximum likelihood estimate of an exponential; None if unlimited."""
    wait_s, abandoned = offered["wait_s"].sort().sum(), int(offered["is_abandoned"].sum())
    return max(float(wait_s) / abandoned, _MIN_PATIENCE_S) if abandoned else None


def _agents(calls: Calls, rows: IntervalCalls, options: MetricOptions) -> pl.DataFrame:
    """The number of persons who talked in each interval of each day."""
    local = start_dimensions(["day", *rows.keys], options)
    talks = (
        offer_spans(calls_frame(calls), options=options)
        .filter(
            pl.col("answered_at") < pl.col("over_at"),
            (pl.col("over_at") - pl.col("answered_at")).dt.total_seconds()
            <= options.longest_call_s,
        )
        .select(
            "target_number",
            started_at=pl.datetime_ranges(
                pl.col("answered_at").dt.truncate(_STEP), "over_at", _STEP, closed="left"
            ),
        )
        .explode("started_at", empty_as_null=False, keep_nulls=False)
    )
    return (
        talks.select("target_number", **local)
        .group_by("day", *rows.keys)
        .agg(agents=pl.col("target_number").n_unique().cast(pl.Int64))
        .collect()
    )


def _predictions(
    cells: pl.DataFrame, patience_s: float | None, threshold_s: float, keys: Sequence[str]
) -> pl.DataFrame:
    """The predicted shares of each cell. Equal cells are computed once."""
    known: dict[tuple[int, int, float], ErlangA] = {}
    shares = []
    for calls, agents, handle_s in cells.select("calls", "agents", "handle_s").iter_rows():
        key = (calls, agents, handle_s)
        if key not in known:
            traffic = calls / seconds_of(keys) * handle_s
            known[key] = _expected(traffic, agents, handle_s, patience_s, threshold_s)
        shares.append(known[key])
    schema = {"predicted_abandoned": pl.Float64, "predicted_service_level": pl.Float64}
    return pl.DataFrame(shares, schema=schema, orient="row")


def _expected(
    traffic: float, agents: int, handle_s: float, patience_s: float | None, threshold_s: float
) -> ErlangA:
    if patience_s is None:  # nobody hangs up: Erlang C
        return ErlangA(0.0, erlang_c_service_level(traffic, agents, handle_s, threshold_s))
    return erlang_a(traffic, agents, handle_s, patience_s, threshold_s=threshold_s)
