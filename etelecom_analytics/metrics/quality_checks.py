"""data_quality: what in these logs contradicts itself, is missing, or came strangely over the wire; how often, and where to look."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

import polars as pl

from ..errors import InputError
from ..logs import CallLogs
from ..parsing.values import DriftKind
from ..schema import CALLS, Kind
from .call_facts import facts, is_answered_leg, to_person
from .directions import INBOUND_DIRECTIONS
from .options import MetricOptions

__all__ = ["CHECKS", "data_quality"]

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "duration_off": "answered calls whose duration differs by more than 2 s from the talk of all their answered legs",
        "duration_of_missed": "calls in state not_answered with a duration above 0",
        "answered_without_leg": "calls in state answered without an answered leg: nobody knows who answered, or after how long",
        "missed_with_answered_leg": "calls in state not_answered with a leg that a person answered",
        "call_ends_before_start": "calls whose ended_at lies before their started_at; such waits count as 0",
        "leg_times_backwards": "legs of which one of add_time, ring_time, answered_time, ended_time lies before an earlier one",
        "two_calls_at_once": "answered legs of calls to extensions whose number was in another call's talk at the same time",
        "running_long": "calls without an end that began more than 12 hours before they were fetched: their end was never written",
        "same_id": "calls whose id stands more than once in the table",
        "twin_calls": "calls of the same direction, caller, callee and start as another, under another id",
        "without_recording": "answered calls without a recording",
        "repeated": "rows of calls that came more than once while they were fetched; the newest was kept",
        "set_aside": "records without an id, which cannot be rows",
        "unknown_words": "values that are none of the words that the API promises; they are null here",
        "other_drift": "other values and fields that differ from the API's contract: see report.drift",
    }
)
"""What is looked at. The last four and `running_long` are of the fetch: they are told by its report."""

_TOLERANCE = timedelta(seconds=2)
_MOST_EXAMPLES = 5
_ALWAYS = pl.lit(value=True)
_COLUMNS = pl.Schema(
    {
        "check": pl.Enum(list(CHECKS)),
        "meaning": pl.String(),
        "count": pl.Int64(),
        "of": pl.Int64(),
        "examples": pl.List(pl.String),
    }
)

_Told = tuple[int, int | None, Sequence[str]]
"""How often, of how many, and examples."""


def data_quality(logs: CallLogs, *, options: MetricOptions = MetricOptions()) -> pl.DataFrame:
    """What is wrong in these logs, one row a check of `CHECKS`, in its order; a check that found nothing is a row too. Collects.

    Columns: `check`; `meaning`; `count`, how often; `of`, of how many that could be so; `share`,
        count / of, null where that is 0 or not
    known; `examples`, up to five ids of calls, sorted. What came strangely has no ids: its examples
    are "field: value", masked, or the place of a record. Only what is known is compared: a time
    that is missing contradicts nothing.

    Raises:
        InputError: these are no CallLogs.
    """
    if not isinstance(logs, CallLogs):
        raise InputError(
            f"quality looks at calls and at how they were fetched: give it CallLogs, not {type(logs).__name__}."
        )
    told = _of_calls(logs.calls, options) | _of_legs(logs.calls, options) | _of_fetch(logs)
    rows = [(check, meaning, *told[check]) for check, meaning in CHECKS.items()]
    share = pl.when(pl.col("of") > 0).then(pl.col("count") / pl.col("of"))
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row").select(
        "check", "meaning", "count", "of", share=share, examples="examples"
    )


def _of_calls(calls: pl.DataFrame, options: MetricOptions) -> dict[str, _Told]:
    ended, state = pl.col("ended_at").is_not_null(), pl.col("call_state")
    answered, missed = ended & (state == "answered"), ended & (state == "not_answered")
    difference = pl.col("duration").cast(pl.Int64) * 1_000_000 - pl.col("talk")
    known = ["direction", "caller", "callee", "started_at"]
    twin = (pl.len().over(known) > 1) & (pl.col("id").n_unique().over(known) > 1)
    checks = {
        "duration_off": (
            answered & difference.is_not_null() & (pl.col("untimed") == 0),
            difference.abs() > _TOLERANCE // timedelta(microseconds=1),
        ),
        "duration_of_missed": (missed, pl.col("duration") > 0),
        "answered_without_leg": (answered, pl.col("answered_legs").fill_null(0) == 0),
        "missed_with_answered_leg": (missed, pl.col("answered_by_persons") > 0),
        "call_ends_before_start": (
            ended & pl.col("started_at").is_not_null(),
            pl.col("ended_at") < pl.col("started_at"),
        ),
        "same_id": (_ALWAYS, pl.len().over("id") > 1),
        "twin_calls": (pl.all_horizontal(pl.col(known).is_not_null()), twin),
    }
    legs = _legs(calls, options)
    talk = (pl.col("ended_time") - pl.col("answered_time")).dt.total_microseconds()
    by_call = (
        legs.filter("is_answered")
        .group_by("call_row")
        .agg(
            talk=talk.sum(),
            untimed=talk.null_count(),
            answered_legs=pl.len(),
            answered_by_persons=pl.col("is_person").sum(),
        )
    )
    told = _looked_at(
        calls.lazy().with_row_index("call_row").join(by_call, on="call_row", how="left"), checks
    )
    of_facts = facts(calls.lazy(), options=options)
    return told | _looked_at(
        of_facts, {"without_recording": (pl.col("answered"), ~pl.col("recorded"))}
    )


def _of_legs(calls: pl.DataFrame, options: MetricOptions) -> dict[str, _Told]:
    times = ("add_time", "ring_time", "answered_time", "ended_time")
    backwards = [
        pl.col(later) < pl.col(earlier)
        for place, later in enumerate(times)
        for earlier in times[:place]
    ]
    legs = _legs(calls, options)
    several = pl.sum_horizontal(pl.col(time).is_not_null().cast(pl.Int8) for time in times) > 1
    of_all = _looked_at(legs, {"leg_times_backwards": (several, pl.any_horizontal(backwards))})
    to_extension = pl.col("direction").cast(pl.String).is_in(INBOUND_DIRECTIONS)
    talks = legs.filter(
        "is_answered", "is_person", to_extension, pl.col("answered_time") < pl.col("ended_time")
    ).filter(pl.col("target_number").is_not_null())
    return of_all | _looked_at(
        _overlapped(talks), {"two_calls_at_once": (_ALWAYS, pl.col("overlapped"))}
    )


def _overlapped(talks: pl.LazyFrame) -> pl.LazyFrame:
    """The talks, each with whether another call's talk of its number was on at the same time: [answered_time, ended_time).

    Those that meet a talk are all that began before its end, less those that ended by its begin. So
    one walk along each number's time line tells of all of them; to join every talk with every other
    of its number would not do.
    """
    edges = talks.select(
        "id", "call_row", "target_number", "target_index", "answered_time", "ended_time"
    )
    events = pl.concat(
        [
            edges.with_columns(at=pl.col("ended_time"), begins=False),
            edges.with_columns(at=pl.col("answered_time"), begins=True),
        ]
    ).sort("target_number", "at", "begins", "call_row", "target_index")
    begun, over = (
        pl.col("begins").cast(pl.Int64).cum_sum(),
        (~pl.col("begins")).cast(pl.Int64).cum_sum(),
    )
    own = ("target_number", "call_row")

    def meets(how_many: pl.Expr, *, begins: bool) -> pl.Expr:
        return how_many.filter(pl.col("begins") == begins).first()

    return (
        events.with_columns(
            begun=begun, over=over, own_begun=begun.over(own), own_over=over.over(own)
        )
        .group_by("call_row", "target_index")
        .agg(
            pl.col("id").first(),
            all_met=meets(pl.col("begun"), begins=False) - meets(pl.col("over"), begins=True),
            own_met=meets(pl.col("own_begun"), begins=False)
            - meets(pl.col("own_over"), begins=True),
        )
        .with_columns(overlapped=pl.col("all_met") > pl.col("own_met"))
    )


def _of_fetch(logs: CallLogs) -> dict[str, _Told]:
    report = logs.report
    words = [drift for drift in report.drift if drift.kind == DriftKind.UNKNOWN_WORD]
    others = [drift for drift in report.drift if drift.kind != DriftKind.UNKNOWN_WORD]
    places = [
        f"page {record.page}, row {record.position}"
        for record in sorted(report.set_aside, key=lambda record: record[:2])
    ]
    told_by_words = sum(column.kind == Kind.WORD for column in CALLS)

    def told(drifts: Sequence[tuple[str, str, int, str]], of: int | None) -> _Told:
        return (
            sum(drift[2] for drift in drifts),
            of,
            sorted(f"{drift[0]}: {drift[3]}" for drift in drifts)[:_MOST_EXAMPLES],
        )

    return {
        "running_long": (
            len(report.running_long),
            logs.calls.height,
            sorted(report.running_long)[:_MOST_EXAMPLES],
        ),
        "repeated": (report.repeated, report.received, []),
        "set_aside": (len(report.set_aside), report.received, places[:_MOST_EXAMPLES]),
        "unknown_words": told(words, report.received * told_by_words),
        "other_drift": told(others, None),
    }


def _legs(calls: pl.DataFrame, options: MetricOptions) -> pl.LazyFrame:
    """One row a leg: its columns, the row, id and direction of its call, and whether it was answered, and to a person."""
    return (
        calls.lazy()
        .with_row_index("call_row")
        .select(
            "call_row",
            "id",
            "direction",
            leg="call_targets",
            target_index=pl.int_ranges(pl.col("call_targets").list.len()),
        )
        .explode("leg", "target_index", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
        .with_columns(is_answered=is_answered_leg(pl.col), is_person=to_person(pl.col, options))
    )


def _looked_at(
    rows: pl.LazyFrame, checks: Mapping[str, tuple[pl.Expr, pl.Expr]]
) -> dict[str, _Told]:
    """Each check's rows that could be so, and of these those that are; what is not known is not so."""
    flags = {
        check: (could & is_so).fill_null(value=False) for check, (could, is_so) in checks.items()
    }
    coulds = {f"{check} of": could.fill_null(value=False) for check, (could, _) in checks.items()}
    flagged = rows.select("id", **flags, **coulds)
    examples = {
        f"{check} ids": pl.col("id")
        .filter(check)
        .drop_nulls()
        .unique()
        .sort()
        .head(_MOST_EXAMPLES)
        .implode()
        for check in checks
    }
    found = (
        flagged.select(pl.col(*flags, *coulds).cast(pl.Int64).sum(), **examples)
        .collect()
        .row(0, named=True)
    )
    return {check: (found[check], found[f"{check} of"], found[f"{check} ids"]) for check in checks}
