"""Hunt paths: the ways that calls take through extensions, how often each ends in an answer, and the seconds lost at each step."""

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
_HOUR = 3_600_000_000
"""Microseconds: more than any offers take that begin within 2 s of each other."""

_NO_NUMBER = "?"


def hunt_paths(
    calls: Frame,
    *,
    options: MetricOptions = MetricOptions(),
    limit: int = 20,
    names: bool = False,
) -> Frame:
    """The most frequent ways of calls through target numbers, one row a path, the most calls first. LazyFrame in, LazyFrame out.

    A path is made of the offers to persons of one call that ended, in the order in which they
    began. Offers that rang together are one step, "101+102": each began within 2 s of the one
    before it, while another of the step still rang. So a ring group is one step, and somebody who
    is tried at once after a busy one is the next. What follows an answer is a transfer, and a step
    like others. An offer without a number is "?"; one without a time comes last. Offered calls
    count, answered or missed, of any direction; those that reached nobody's phone have no path.

    Columns: `path`, "101 > 102+103"; `steps`, the same as a list; `calls`; `of`, the calls of all
        paths; `share`, calls / of; `answered`;
    `answer_rate`, answered / calls, with Wilson's interval at 95 %, `low` and `high`; and `lost_s`,
    a list of the mean seconds that each step took: from its begin to its answer; if it had none, to
    the begin of the next step; and if it was the last, to the end of its ringing. Below zero
    (clocks differ) counts as 0, a step whose times are missing is left out, and null is a step that
    none is known of.

    Args:
        calls: calls of any direction.
        options: what outcomes depend on.
        limit: how many paths, at the most; at a tie, by their text.
        names: show whose numbers they are, "An (101)", where the calls carry names. To find them
            collects.

    Raises:
        InputError: `limit` is no number above 0.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(f"limit is a number of paths above 0, such as 20; got {limit!r}.")
    lazy = calls.lazy().cache()  # whose rows may have another order each time
    steps = _steps(lazy, options, labels(calls, "target_number") if names else {})
    counted = _calls(lazy, options)
    paths = steps.group_by("call_row", maintain_order=True).agg(steps=pl.col("step"))
    whole = paths.join(counted, on="call_row").with_columns(path=pl.col("steps").list.join(" > "))
    # The path of a call beside each of its steps: what a step lost is told apart by the way that
    # led to it.
    known = pl.col("lost").count()
    lost = (
        steps.join(whole.select("call_row", "path"), on="call_row")
        .group_by("path", "place")
        .agg(
            lost_s=pl.when(known > 0).then(
                pl.col("lost").sum() / (known.cast(pl.Int64) * 1_000_000)
            )
        )
        .sort("path", "place")
        .group_by("path", maintain_order=True)
        .agg("lost_s")
    )
    low, high = wilson(pl.col("answered"), pl.col("calls"))
    found = (
        whole.group_by("path")
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
    table = found.select(
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


def _calls(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The offered calls by their row, which comes along in their id; and which of them were answered."""
    numbered = calls.with_row_index("call_row").with_columns(id="call_row")
    return facts(numbered, options=options).filter("offered").select("answered", call_row="id")


def _steps(calls: pl.LazyFrame, options: MetricOptions, names: dict[str, str]) -> pl.LazyFrame:
    """One row a step, in the order of calls and steps: `call_row`, `place`, `step`, and `lost`, its microseconds."""
    same_call = pl.col("call_row") == pl.col("call_row").shift(1)
    near = (
        same_call & ((pl.col("offered_at") - pl.col("offered_at").shift(1)) <= _TOGETHER)
    ).fill_null(value=False)
    number = pl.col("target_number").fill_null(_NO_NUMBER)
    in_order = offer_spans(calls, options=options).sort(
        "call_row", "offered_at", "target_index", nulls_last=True
    )
    # Offers that began within 2 s of each other, one after the other, are a chain, and lie each
    # chain in an hour of its own on one time line. So the last end of those before is a running
    # maximum over all rows: those of other chains lie before the chain's hour.
    hour = pl.col("chain") * _HOUR
    answered = pl.col("outcome") == "answered"
    # One whose end is not known may ring still; one that was answered does not.
    stops = _since(pl.when(answered).then("answered_at").otherwise("over_at")).fill_null(_HOUR - 1)
    ringing = hour + _since(pl.col("offered_at")) < (hour + stops).cum_max().shift(1)
    gathered = (
        in_order.with_columns(
            chain=(~near).cum_sum().cast(pl.Int64),
            chain_at=pl.when(~near).then("offered_at").forward_fill(),
        )
        .with_columns(
            nth=(~(ringing & near).fill_null(value=False)).cum_sum(),
            shown=number.replace(names) if names else number,
        )
        .group_by("nth", maintain_order=True)
        .agg(
            pl.col("call_row").first(),
            step=pl.col("shown"),
            begins=pl.col("offered_at").min(),
            talks=answered.any(),
            answered_at=pl.col("answered_at").filter(answered).min(),
            over_at=pl.col("over_at").max(),
        )
    )
    # In order: a walk along the rows costs a tenth of what windows over a million calls do.
    begins_call = (pl.col("call_row") != pl.col("call_row").shift(1)).fill_null(value=True)
    goes_on = (pl.col("call_row") == pl.col("call_row").shift(-1)).fill_null(value=False)
    until = (
        pl.when("talks")
        .then("answered_at")
        .when(goes_on)
        .then(pl.col("begins").shift(-1))
        .otherwise("over_at")
    )
    lost = (until - pl.col("begins")).dt.total_microseconds().clip(lower_bound=0)
    place = pl.col("nth") - pl.when(begins_call).then("nth").forward_fill()
    step = pl.col("step").list.unique().list.sort().list.join("+")
    return gathered.sort("nth").select("call_row", step=step, place=place, lost=lost)


def _since(moment: pl.Expr) -> pl.Expr:
    """Microseconds since the chain began, within its hour."""
    return (moment - pl.col("chain_at")).dt.total_microseconds().clip(0, _HOUR - 1)
