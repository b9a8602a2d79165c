"""Hunt paths: the routes of calls through extensions, with answer rates and time lost per step."""

import polars as pl

from ..errors import InputError
from ..frames import Frame, same_kind
from ..names import labels
from .call_facts import facts
from .confidence import wilson
from .legs_and_offers import offer_spans
from .options import MetricOptions

__all__ = ["hunt_paths"]

_TOGETHER = pl.duration(seconds=2)
_CHAIN_US = 3_600_000_000
"""One hour in microseconds, longer than any chain of offers that begin within 2 s of each other."""

_NO_NUMBER = "?"


def hunt_paths(
    calls: Frame,
    *,
    options: MetricOptions = MetricOptions(),
    limit: int = 20,
    names: bool = False,
) -> Frame:
    """The most frequent paths of calls through target numbers, one row per path.

    A path consists of the offers to persons of one call that ended, in the order in which they
    began. (Offer: one ring of one person.) Offers that rang together are one step, "101+102": each
    began within 2 s of the previous one, while another offer of the step still rang. So a ring
    group is one step, and a person who is tried immediately after a busy one is the next step. A
    transfer after an answer is a step like any other. An offer without a number is "?", and one
    without a time comes last. Offered calls of all directions count; calls that rang nobody have no
    path.

    Columns: `path`, such as "101 > 102+103"; `steps`, the same as a list; `calls`; `of`, the calls
    of all paths; `share`, calls / of; `answered`; `answer_rate`, answered / calls; `low` and
    `high`, Wilson's 95 % interval; and `lost_s`, a list of the mean seconds that each step took. A
    step lasts from its begin to its answer. Without an answer, it lasts to the begin of the next
    step, or, if it is the last, to the end of its ringing. Negative durations (clocks differ) count
    as 0; steps with missing times are ignored, and the mean is null if no duration is known.
    LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction.
        options: what outcomes depend on.
        limit: maximum number of paths. Paths with equally many calls are sorted by text.
        names: show names next to numbers, "An (101)", if the calls carry names. This collects.

    Raises:
        InputError: `limit` is not a positive integer.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(f"limit must be a positive number of paths, such as 20; got {limit!r}.")
    # Cached, because a lazy frame may return its rows in another order each time.
    lazy = calls.lazy().cache()
    steps = _steps(lazy, options, labels(calls, "target_number") if names else {})
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
    low, high = wilson(pl.col("answered"), pl.col("calls"))
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
        "of",
        share=pl.col("calls") / pl.col("of"),
        answered="answered",
        answer_rate=pl.col("answered") / pl.col("calls"),
        low=low,
        high=high,
        lost_s="lost_s",
    )
    return same_kind(calls, table)


def _offered_calls(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The row number of each offered call, and whether it was answered."""
    # `facts` passes ids through, so they can carry the row number.
    numbered = calls.with_row_index("call_row").with_columns(id="call_row")
    return facts(numbered, options=options).filter("offered").select("answered", call_row="id")


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
