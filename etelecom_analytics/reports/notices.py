"""The warnings of a report, for its banner: what is missing, and what is wrong in the calls."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import polars as pl

from ..fetch_report import Gap
from ..locale.number_note import number_note
from ..logs import CallLogs
from ..metrics import MetricOptions, data_quality, only_fetched
from ..query import CallQuery
from .report_periods import gaps_text

__all__ = ["missing_parts", "notices", "replace_direction"]

_PROBLEMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "set_aside": ("record has no id and is left out", "records have no id and are left out"),
        "running_long": (
            "call has no end after 12 hours and is left out",
            "calls have no end after 12 hours and are left out",
        ),
        "call_too_long": (
            "call is impossibly long; its talk is left out",
            "calls are impossibly long; their talk is left out",
        ),
        "call_ends_before_start": ("call ends before it starts", "calls end before they start"),
        "answered_without_leg": (
            "call was answered, but nobody is known who did",
            "calls were answered, but nobody is known who did",
        ),
        "missed_with_answered_leg": (
            "call counts as missed, but a person answered it",
            "calls count as missed, but a person answered them",
        ),
        "leg_outside_call": (
            "leg has times far outside its call, which are ignored",
            "legs have times far outside their call, which are ignored",
        ),
        "negative_seconds": ("call has negative seconds", "calls have negative seconds"),
        "same_id": ("call has an id that occurs twice", "calls have ids that occur twice"),
        "unknown_words": (
            "value is not in the API's documentation and is unknown",
            "values are not in the API's documentation and are unknown",
        ),
    }
)
"""Checks of `data_quality` that change figures, with the text for one match and for several."""
_MAX_PROBLEMS = 3


def missing_parts(logs: CallLogs, query: CallQuery) -> tuple[Gap, ...]:
    """The parts of the query's days that were not fetched."""
    report = logs.report
    begin = query.date_from or report.complete_from or _first_gap(logs)
    if begin is None:
        return report.gaps
    return report.gaps_between(begin, query.date_to or max(report.complete_to, begin))


def _first_gap(logs: CallLogs) -> datetime | None:
    first = logs.calls["started_at"].min()
    return first if isinstance(first, datetime) else None


def notices(logs: CallLogs, query: CallQuery, options: MetricOptions) -> list[str]:
    """The warnings about the calls of these days, one sentence each; the most serious first."""
    undirected = replace_direction(query)
    within = replace(logs, calls=logs.calls.filter(undirected.to_expr()))
    texts = []
    if logs.report.clip(query.date_from, query.date_to).has_no_coverage:
        texts.append("This period was not fetched, so its measures are unknown.")
    elif gaps := missing_parts(logs, query):
        text = gaps_text(gaps, query.time_zone)
        texts.append(f"Not complete: {text} was not fetched, so counts are too low.")
    if kinds := only_fetched(logs.query):
        texts.append(f"Only calls of {kinds} were fetched.")
    if note := number_note(within.calls, options):
        texts.append(note)
    return [*texts, *_problems(within, options)]


def replace_direction(query: CallQuery) -> CallQuery:
    """The query for calls of all directions."""
    return CallQuery.from_dict({**query.to_dict(), "direction": None})


def _problems(logs: CallLogs, options: MetricOptions) -> list[str]:
    quality = data_quality(logs, options=options).filter(pl.col("count") > 0)
    counts = dict(quality.select(pl.col("check").cast(pl.String), "count").iter_rows())
    texts = [
        f"{counts[check]:,} {several if counts[check] > 1 else one}."
        for check, (one, several) in _PROBLEMS.items()
        if check in counts
    ]
    more = len(texts) - _MAX_PROBLEMS
    return [*texts[:_MAX_PROBLEMS], *([f"{more} more: see Data quality."] if more > 0 else [])]
