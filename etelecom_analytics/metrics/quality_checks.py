"""Data quality: contradictory, missing and unexpected values in call logs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

import polars as pl

from ..errors import InputError
from ..frames import checked_calls
from ..logs import CallLogs
from ..parsing.values import DriftKind
from ..schema import CALLS, INBOUND_DIRECTIONS, Kind
from .call_legs import is_answered_leg, is_automatic
from .internal_calls import counted_facts
from .options import MetricOptions, checked_options
from .quality_of_people import people_checks
from .quality_of_times import time_checks
from .quality_results import ALWAYS, MAX_EXAMPLES, Result, results_of
from .ratios import wide_ratio

__all__ = ["CHECKS", "data_quality"]

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "duration_off": (
            "answered calls whose duration differs by more than 2 s from the talk time of all "
            "their answered legs"
        ),
        "duration_of_missed": "calls in state not_answered with a duration above 0",
        "answered_without_leg": (
            "calls in state answered without an answered leg: who answered, and when, is unknown"
        ),
        "missed_with_answered_leg": "calls in state not_answered with a leg that a person answered",
        "call_ends_before_start": "calls with ended_at before started_at; their waits count as 0",
        "leg_times_backwards": (
            "legs whose add_time, ring_time, answered_time and ended_time are not in this order"
        ),
        "leg_outside_call": (
            "legs with a time more than 300 s outside their call, which is read as unknown"
        ),
        "call_too_long": (
            "calls longer than longest_call_s, which give no talk time, line or staffing load"
        ),
        "duration_above_call": (
            "calls whose duration is more than 300 s above their length; it is read as unknown"
        ),
        "negative_seconds": "calls with a duration, or a ring_duration of a leg, below 0",
        "two_calls_at_once": (
            "answered legs of calls to extensions whose number talked in another call meanwhile"
        ),
        "running_long": "calls without an end that began over 12 hours before they were fetched",
        "same_id": "calls whose id occurs more than once in the table",
        "twin_calls": "calls with the same direction, caller, callee and start, but another id",
        "without_recording": "answered calls without a recording",
        "missed_with_recording": "calls in state not_answered with a recording",
        "contradicting_sessions": (
            "calls of a session with several logs, of which one is answered and one is not"
        ),
        "person_not_called": (
            "answered inbound calls whose extension or user is none of those that their legs "
            "called; needs names"
        ),
        "numbers_changed_hands": (
            "target numbers whose legs belong to more than one person; needs names"
        ),
        "number_like_ivr": (
            "target numbers that look like an IVR or a queue, but are in no list of the options: "
            "until then they count as persons who answer at once"
        ),
        "repeated": "rows of calls received more than once in the fetch; the newest row remains",
        "set_aside": "records without an id, which cannot become rows",
        "unknown_words": "values that the API does not document; they are null in the table",
        "other_drift": "other deviations from the API's contract: see report.drift",
    }
)
"""All checks with their meanings. The last four and `running_long` come from the fetch report."""

_TOLERANCE = timedelta(seconds=2)
_COLUMNS = pl.Schema(
    {
        "check": pl.Enum(list(CHECKS)),
        "meaning": pl.String(),
        "count": pl.Int64(),
        "of": pl.Int64(),
        "examples": pl.List(pl.String),
    }
)


def data_quality(logs: CallLogs, *, options: MetricOptions = MetricOptions()) -> pl.DataFrame:
    """The result of each check of `CHECKS`, one row per check, in their order. Collects.

    Columns: `check`; `meaning`; `count`, the number of matches; `share` of the rows or values that
    the check applies to, null if there are none or their number is unknown; its counts `share_num`
    and `share_den`; `examples`, up to five sorted ids of calls. The checks of the fetch have other
    examples: "field: value", masked, or the position of a record; those of numbers have numbers,
    masked. Checks compare known values only: a missing time contradicts nothing. Checks without
    matches have a row too. `person_not_called` and `numbers_changed_hands` need the columns of
    `logs.with_names`, and apply to nothing without them.

    Args:
        logs: the calls and the report of their fetch.
        options: what a person is, and how long a call can be.

    Raises:
        InputError: the argument is not a `CallLogs`.

    Examples:
        >>> quality = et.metrics.data_quality(et.sample_logs())
        >>> quality.filter(pl.col("count") > 0).select("check", "count").head(2).rows()
        [('two_calls_at_once', 4), ('without_recording', 47)]
    """
    options = checked_options(options)
    if not isinstance(logs, CallLogs):
        raise InputError(
            "data_quality needs the calls and their fetch report: "
            f"pass CallLogs, not {type(logs).__name__}."
        )
    calls = checked_calls(logs.calls).lazy().collect()
    results = (
        _call_checks(calls, options)
        | _leg_checks(calls, options)
        | time_checks(calls.lazy(), options)
        | people_checks(calls, options)
        | _fetch_checks(logs)
    )
    rows = [(check, meaning, *results[check]) for check, meaning in CHECKS.items()]
    # All rows are checked, none are sampled, so the shares have no interval.
    share = wide_ratio("share", pl.col("count"), pl.col("of"), confidence=False)
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row").select(
        "check", "meaning", "count", **share, examples="examples"
    )


def _call_checks(calls: pl.DataFrame, options: MetricOptions) -> dict[str, Result]:
    ended, state = pl.col("ended_at").is_not_null(), pl.col("call_state")
    answered, missed = ended & (state == "answered"), ended & (state == "not_answered")
    difference = pl.col("duration").cast(pl.Int64) * 1_000_000 - pl.col("talk")
    key = ["direction", "caller", "callee", "started_at"]
    twin = (pl.len().over(key) > 1) & (pl.col("id").n_unique().over(key) > 1)
    # Of each check: the rows that it applies to, and the condition that matches.
    checks = {
        "duration_off": (
            answered & difference.is_not_null() & (pl.col("untimed") == 0),
            difference.abs() > _TOLERANCE // timedelta(microseconds=1),
        ),
        "duration_of_missed": (missed, pl.col("duration") > 0),
        "answered_without_leg": (answered, pl.col("answered_legs").fill_null(0) == 0),
        "missed_with_answered_leg": (missed, pl.col("answered_by_persons") > 0),
        "missed_with_recording": (
            missed,
            pl.col("recording_urls").list.eval(pl.element().fill_null("") != "").list.any(),
        ),
        "call_ends_before_start": (
            ended & pl.col("started_at").is_not_null(),
            pl.col("ended_at") < pl.col("started_at"),
        ),
        "same_id": (ALWAYS, pl.len().over("id") > 1),
        "twin_calls": (pl.all_horizontal(pl.col(key).is_not_null()), twin),
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
    rows = calls.lazy().with_row_index("call_row").join(by_call, on="call_row", how="left")
    recordings = {"without_recording": (pl.col("answered"), ~pl.col("recorded"))}
    facts = counted_facts(calls.lazy(), options=options)
    return results_of(rows, checks) | results_of(facts, recordings)


def _leg_checks(calls: pl.DataFrame, options: MetricOptions) -> dict[str, Result]:
    times = ("add_time", "ring_time", "answered_time", "ended_time")
    backwards = [
        pl.col(later) < pl.col(earlier)
        for position, later in enumerate(times)
        for earlier in times[:position]
    ]
    legs = _legs(calls, options)
    several = pl.sum_horizontal(pl.col(time).is_not_null().cast(pl.Int8) for time in times) > 1
    order = results_of(legs, {"leg_times_backwards": (several, pl.any_horizontal(backwards))})
    to_extension = pl.col("direction").cast(pl.String).is_in(INBOUND_DIRECTIONS)
    talks = legs.filter(
        "is_answered", "is_person", to_extension, pl.col("answered_time") < pl.col("ended_time")
    ).filter(pl.col("target_number").is_not_null())
    return order | results_of(
        _with_overlaps(talks), {"two_calls_at_once": (ALWAYS, pl.col("overlaps"))}
    )


def _with_overlaps(talks: pl.LazyFrame) -> pl.LazyFrame:
    """The talks, with a flag `overlaps`: another call on the same number had a talk at that time.

    A talk is [answered_time, ended_time). It meets all talks of its number that began before its
    end, except those that ended before its begin. So one pass over the sorted begins and ends of a
    number counts the talks that each talk meets; a join of all pairs would be too large.
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

    def value_at(column: str, *, begins: bool) -> pl.Expr:
        return pl.col(column).filter(pl.col("begins") == begins).first()

    return (
        events.with_columns(
            begun=begun, over=over, own_begun=begun.over(own), own_over=over.over(own)
        )
        .group_by("call_row", "target_index")
        .agg(
            pl.col("id").first(),
            meets=value_at("begun", begins=False) - value_at("over", begins=True),
            meets_own=value_at("own_begun", begins=False) - value_at("own_over", begins=True),
        )
        .with_columns(overlaps=pl.col("meets") > pl.col("meets_own"))
    )


def _fetch_checks(logs: CallLogs) -> dict[str, Result]:
    report = logs.report
    unknown = [drift for drift in report.drift if drift.kind == DriftKind.UNKNOWN_WORD]
    others = [drift for drift in report.drift if drift.kind != DriftKind.UNKNOWN_WORD]
    word_columns = sum(column.kind == Kind.WORD for column in CALLS)
    positions = [
        f"page {record.page}, row {record.position}"
        for record in sorted(report.set_aside, key=lambda record: record[:2])
    ]

    def drift_result(drifts: Sequence[tuple[str, str, int, str]], of: int | None) -> Result:
        examples = sorted(f"{field}: {example}" for field, _, _, example in drifts)
        return sum(count for _, _, count, _ in drifts), of, examples[:MAX_EXAMPLES]

    return {
        "running_long": (
            len(report.running_long),
            logs.calls.height,
            sorted(report.running_long)[:MAX_EXAMPLES],
        ),
        "repeated": (report.repeated, report.received, []),
        "set_aside": (len(report.set_aside), report.received, positions[:MAX_EXAMPLES]),
        "unknown_words": drift_result(unknown, report.received * word_columns),
        "other_drift": drift_result(others, None),
    }


def _legs(calls: pl.DataFrame, options: MetricOptions) -> pl.LazyFrame:
    """One row per leg, with the row, id and direction of its call, and what kind of leg it is."""
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
        .with_columns(is_answered=is_answered_leg(pl.col), is_person=~is_automatic(pl.col, options))
    )
