"""Hunt paths: the routes of calls through extensions, with answer rates and time lost per step."""

from typing import overload

import polars as pl

from ..names import labels
from .arguments import row_limit
from .call_facts import call_facts
from .legs_and_offers import offer_spans
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["hunt_paths"]

_TOGETHER = pl.duration(seconds=2)
_CHAIN_US = 3_600_000_000
"""One hour in microseconds, longer than any chain of offers that begin within 2 s of each other."""

_NO_NUMBER = "?"


@overload
def hunt_paths(
    calls: pl.LazyFrame,
    *,
    options: MetricOptions = ...,
    limit: int = ...,
    names: bool = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def hunt_paths(
    calls: pl.DataFrame | Selection,
    *,
    options: MetricOptions = ...,
    limit: int = ...,
    names: bool = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def hunt_paths(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    limit: int = 20,
    names: bool = False,
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The most frequent paths of calls through target numbers, one row per path.

    A path consists of the offers to persons of one call that ended, in the order in which they
    began. (Offer: one ring of one person.) Offers that rang together are one step, "101+102": each
    began within 2 s of the previous one, while another offer of the step still rang. So a ring
    group is one step, and a person who is tried immediately after a busy one is the next step. A
    transfer after an answer is a step like any other. An offer without a number is "?", and one
    without a time comes last. Offered calls of all directions count; calls that rang nobody have no
    path.

    Columns: `path`, such as "101 > 102+103"; `steps`, the same as a list; `calls`; `share` of the
    calls of all paths; `answer_rate`, answered calls / calls; and `lost_s`, a list of the mean
    seconds that each step took. Both ratios have their counts in `_num` and `_den`, and Wilson's
    interval in `_low` and `_high`. A step lasts from its begin to its answer. Without an answer, it
    lasts to the begin of the next step, or, if it is the last, to the end of its ringing. Negative
    durations (clocks differ) count as 0; steps with missing times are ignored, and the mean is null
    if no duration is known. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction.
        options: what outcomes depend on.
        limit: maximum number of paths. Paths with equally many calls are sorted by text.
        names: show names next to numbers, "An (101)", if the calls carry names. This collects.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Raises:
        InputError: `limit` is not a positive integer.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> paths = et.metrics.hunt_paths(inbound, options=options, limit=3)
        >>> paths.select("path", "calls", "answer_rate_num").rows()
        [('101+102+103', 54, 51), ('104+105+106', 42, 40), ('101', 32, 29)]
    """
    options = checked_options(options)
    limit = row_limit(limit)
    # Cached, because a lazy frame may return its rows in another order each time.
    lazy = calls_frame(calls).cache()
    steps = _steps(lazy, options, labels(lazy, "target_number") if names else {})
    paths = steps.group_by("call_row", maintain_order=True).agg(steps=pl.col("step"))
    path_calls = paths.join(_offered_calls(lazy, options), on="call_row").with_columns(
        path=pl.col("steps").list.join(" > ")
    )
    known = pl.col("lost").count()
    lost = (
        steps.join(path_calls.select("call_row", "path"), on="call_row")
        .group_by("path", "position")
        .agg(
            lost_s=pl.when(known > 0).then(
                pl.col("lost").sum() / (known.cast(pl.Int64) * 1_000_000)
            )
        )
        .sort("path", "position")
        .group_by("path", maintain_order=True)
        .agg("lost_s")
    )
    top = (
        path_calls.group_by("path")
        .agg(
            pl.col("steps").first(),
            calls=pl.len().cast(pl.Int64),
            answered=pl.col("answered").cast(pl.Int64).sum(),
        )
        .with_columns(of=pl.col("calls").sum())
        .sort("calls", "path", descending=[True, False])
        .head(limit)
        .join(lost, on="path", how="left", maintain_order="left")
    )
    table = top.select(
        "path",
        "steps",
        "calls",
        **wide_ratio("share", pl.col("calls"), pl.col("of"), confidence=confidence),
        **wide_ratio("answer_rate", pl.col("answered"), pl.col("calls"), confidence=confidence),
        lost_s="lost_s",
    )
    return like_input(calls, table)


def _offered_calls(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The row number of each offered call, and whether it was answered."""
    # `facts` passes ids through, so they can carry the row number.
    numbered = calls.with_row_index("call_row").with_columns(id="call_row")
    return call_facts(numbered, options=options).filter("offered").select("answered", call_row="id")


def _steps(calls: pl.LazyFrame, options: MetricOptions, names: dict[str, str]) -> pl.LazyFrame:
    """One row per step of a call: `call_row`, `position`, `step`, and `lost` in microseconds."""
    same_call = pl.col("call_row") == pl.col("call_row").shift(1)
    near = (
        same_call & ((pl.col("offered_at") - pl.col("offered_at").shift(1)) <= _TOGETHER)
    ).fill_null(value=False)
    number = pl.col("target_number").fill_null(_NO_NUMBER)
    in_order = offer_spans(calls, options=options).sort(
        "call_row", "offered_at", "target_index", nulls_last=True
    )
    # Consecutive offers that began within 2 s of each other are a chain. Each chain gets its own
    # hour on one common time line. Then the latest end of the previous offers is a running maximum
    # over all rows, because the other chains lie in earlier hours.
    hour = pl.col("chain") * _CHAIN_US
    answered = pl.col("outcome") == "answered"
    # An offer without a known end may still ring, unless it was answered.
    end = _since_chain_began(pl.when(answered).then("answered_at").otherwise("over_at"))
    begin = _since_chain_began(pl.col("offered_at"))
    ringing = hour + begin < (hour + end.fill_null(_CHAIN_US - 1)).cum_max().shift(1)
    steps = (
        in_order.with_columns(
            chain=(~near).cum_sum().cast(pl.Int64),
            chain_at=pl.when(~near).then("offered_at").forward_fill(),
        )
        .with_columns(
            nth=(~(ringing & near).fill_null(value=False)).cum_sum(),
            label=number.replace(names) if names else number,
        )
        .group_by("nth", maintain_order=True)
        .agg(
            pl.col("call_row").first(),
            step=pl.col("label"),
            begins=pl.col("offered_at").min(),
            is_answered=answered.any(),
            answered_at=pl.col("answered_at").filter(answered).min(),
            over_at=pl.col("over_at").max(),
        )
    )
    # Shifts along sorted rows take a tenth of the time of windows over a million calls.
    is_first = (pl.col("call_row") != pl.col("call_row").shift(1)).fill_null(value=True)
    has_next = (pl.col("call_row") == pl.col("call_row").shift(-1)).fill_null(value=False)
    until = (
        pl.when("is_answered")
        .then("answered_at")
        .when(has_next)
        .then(pl.col("begins").shift(-1))
        .otherwise("over_at")
    )
    lost = (until - pl.col("begins")).dt.total_microseconds().clip(lower_bound=0)
    position = pl.col("nth") - pl.when(is_first).then("nth").forward_fill()
    step = pl.col("step").list.unique().list.sort().list.join("+")
    return steps.sort("nth").select("call_row", step=step, position=position, lost=lost)


def _since_chain_began(moment: pl.Expr) -> pl.Expr:
    """Microseconds since the chain began, within its hour."""
    return (moment - pl.col("chain_at")).dt.total_microseconds().clip(0, _CHAIN_US - 1)
