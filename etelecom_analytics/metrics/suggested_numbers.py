"""Target numbers that look like an IVR or a queue, with the evidence."""

from collections.abc import Sequence
from functools import cached_property

import polars as pl

from ..frames import checked_calls
from ..phone_numbers import is_listed, normalized
from .options import MetricOptions, checked_options

__all__ = ["KINDS", "NumberSuggestions", "number_table", "sample", "unlisted_numbers"]

KINDS = ("ivr", "queue")
"""The kinds of numbers that the times of legs show."""

_OUTWARD = ("out", "ext_out")
"""Directions of calls whose legs go to the other party, or that have a second log."""

_MIN_CALLS = 10
_MIN_FOLLOWED = 0.2
"""A phone that answers by itself is seldom followed by another leg; an IVR usually is."""

_SAMPLE = 20_000
"""Calls that show which numbers look like an IVR."""

_COLUMNS = ("id", "direction", "call_targets")


def number_table(calls: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """The result of `suggest_numbers` for a frame of calls; lazy.

    Raises:
        InputError: `calls` is no frame with these columns of calls.
    """
    begin = pl.coalesce(_field("add_time"), _field("ring_time"))
    legs = pl.col("call_targets")
    rows = (
        checked_calls(calls, columns=_COLUMNS)
        .lazy()
        .filter(~pl.col("direction").cast(pl.String).is_in(_OUTWARD).fill_null(value=False))
        .select(
            call_row=pl.int_range(pl.len(), dtype=pl.UInt32),
            first=legs.list.eval(begin).list.min(),
            last=legs.list.eval(begin).list.max(),
            leg=legs.list.eval(
                pl.struct(
                    number=_field("target_number"),
                    begin=begin,
                    answered=_field("answered_time"),
                    end=_field("ended_time"),
                )
            ),
        )
        .explode("leg", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
        .filter(pl.col("number").is_not_null())
    )
    at_once = (pl.col("answered") - pl.col("begin")).is_between(
        pl.duration(seconds=0), pl.duration(seconds=1)
    )
    followed = (pl.col("last") > pl.col("begin")) & (pl.col("last") >= pl.col("answered"))
    # A queue keeps the caller while agents ring, and usually comes after an IVR.
    queueing = (pl.col("begin") > pl.col("first")) | (pl.col("last") < pl.col("end"))
    counts = {"within_1s": at_once, "followed": followed, "queueing": queueing & followed}
    by_notation = rows.group_by("number").agg(
        pl.len().alias("legs"),
        pl.col("call_row").n_unique().alias("calls"),
        *(holds.fill_null(value=False).sum().alias(name) for name, holds in counts.items()),
    )
    # To normalize the number of every leg would take ten times as long.
    by_number = by_notation.with_columns(normalized(pl.col("number")).alias("number"))
    evidence = by_number.group_by("number").agg(
        pl.col("legs", "calls", *counts).sum().cast(pl.Int64)
    )
    kind = pl.when(pl.col("queueing") * 2 > pl.col("followed")).then(pl.lit("queue"))
    return (
        evidence.filter(
            pl.col("calls") >= _MIN_CALLS,
            pl.col("within_1s") * 2 > pl.col("legs"),
            pl.col("followed") >= _MIN_FOLLOWED * pl.col("legs"),
        )
        .select(
            "number",
            kind.otherwise(pl.lit("ivr")).cast(pl.Enum(KINDS)).alias("kind"),
            "calls",
            "legs",
            share_within_1s=pl.col("within_1s") / pl.col("legs"),
            share_followed=pl.col("followed") / pl.col("legs"),
        )
        .sort("legs", "number", descending=[True, False])
    )


def sample(calls: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """At most twice `_SAMPLE` of the calls, evenly spaced. Counts the calls of a LazyFrame."""
    rows = checked_calls(calls, columns=_COLUMNS).lazy().select(_COLUMNS)
    count = rows.select(pl.len()).collect().item()
    return rows.gather_every(max(1, count // _SAMPLE))


def unlisted_numbers(numbers: pl.DataFrame, options: MetricOptions) -> pl.DataFrame:
    """The rows of `suggest_numbers` whose number is in no list of the options."""
    options = checked_options(options)
    return numbers.filter(~is_listed(pl.col("number"), _listed(options)))


class NumberSuggestions:
    """The suggested numbers of a table, computed once, for any selection of its calls."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self._calls = calls
        self._flags: dict[str, pl.Series] = {}

    def missing(self, mask: pl.Series, options: MetricOptions) -> pl.DataFrame:
        """The suggested numbers in no list of the options that the selected calls have.

        They are looked for in the whole table, since a filter can leave too few calls to recognize
        them.

        Args:
            mask: for each call of the table, whether it is selected.
            options: the lists of numbers.
        """
        numbers = unlisted_numbers(self._table, options)
        occur = [bool((mask & self._has_leg_to(number)).any()) for number in numbers["number"]]
        return numbers.filter(pl.Series(occur, dtype=pl.Boolean))

    @cached_property
    def _table(self) -> pl.DataFrame:
        return number_table(sample(self._calls)).collect()

    def _has_leg_to(self, number: str) -> pl.Series:
        """For each call of the table, whether it has a leg to this number."""
        if number not in self._flags:
            listed = is_listed(_field("target_number"), [number])
            flag = pl.col("call_targets").list.eval(listed).list.any().fill_null(value=False)
            self._flags[number] = self._calls.select(flag).to_series()
        return self._flags[number]


def _listed(options: MetricOptions) -> Sequence[str]:
    return (
        *options.ivr_numbers,
        *options.queue_numbers,
        *options.voicemail_numbers,
        *options.agent_numbers,
    )


def _field(name: str) -> pl.Expr:
    return pl.element().struct.field(name)
