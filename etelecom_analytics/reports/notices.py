"""The warnings of a report, for its banner: what is missing, and what is wrong in the calls."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import polars as pl

from ..fetch_report import Gap
from ..language import ntr, tr
from ..locale.number_note import number_note
from ..logs import CallLogs
from ..metrics import MetricOptions, data_quality, only_fetched
from ..query import CallQuery
from .report_periods import gaps_text

__all__ = ["missing_parts", "notices", "replace_direction"]

_PROBLEMS: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {
        "set_aside": lambda n: ntr(
            "{n} record has no id and is left out.",
            "{n} records have no id and are left out.",
            n,
        ),
        "running_long": lambda n: ntr(
            "{n} call has no end after 12 hours and is left out.",
            "{n} calls have no end after 12 hours and are left out.",
            n,
        ),
        "call_too_long": lambda n: ntr(
            "{n} call is impossibly long; its talk is left out.",
            "{n} calls are impossibly long; their talk is left out.",
            n,
        ),
        "call_ends_before_start": lambda n: ntr(
            "{n} call ends before it starts.",
            "{n} calls end before they start.",
            n,
        ),
        "answered_without_leg": lambda n: ntr(
            "{n} call was answered, but nobody is known who did.",
            "{n} calls were answered, but nobody is known who did.",
            n,
        ),
        "missed_with_answered_leg": lambda n: ntr(
            "{n} call counts as missed, but a person answered it.",
            "{n} calls count as missed, but a person answered them.",
            n,
        ),
        "leg_outside_call": lambda n: ntr(
            "{n} leg has times far outside its call, which are ignored.",
            "{n} legs have times far outside their call, which are ignored.",
            n,
        ),
        "negative_seconds": lambda n: ntr(
            "{n} call has negative seconds.",
            "{n} calls have negative seconds.",
            n,
        ),
        "same_id": lambda n: ntr(
            "{n} call has an id that occurs twice.",
            "{n} calls have ids that occur twice.",
            n,
        ),
        "unknown_words": lambda n: ntr(
            "{n} value is not in the API's documentation and is unknown.",
            "{n} values are not in the API's documentation and are unknown.",
            n,
        ),
    }
)
"""Checks of `data_quality` that change figures, with the text for a number of matches."""
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
        texts.append(tr("This period was not fetched, so its measures are unknown."))
    elif gaps := missing_parts(logs, query):
        text = gaps_text(gaps, query.time_zone)
        texts.append(tr("Not complete: {gaps} was not fetched, so counts are too low.", gaps=text))
    if kinds := only_fetched(logs.query):
        texts.append(tr("Only calls of {kinds} were fetched.", kinds=kinds))
    if note := number_note(within.calls, options):
        texts.append(note)
    return [*texts, *_problems(within, options)]


def replace_direction(query: CallQuery) -> CallQuery:
    """The query for calls of all directions."""
    return CallQuery.from_dict({**query.to_dict(), "direction": None})


def _problems(logs: CallLogs, options: MetricOptions) -> list[str]:
    quality = data_quality(logs, options=options).filter(pl.col("count") > 0)
    counts = dict(quality.select(pl.col("check").cast(pl.String), "count").iter_rows())
    texts = [text(counts[check]) for check, text in _PROBLEMS.items() if check in counts]
    more = len(texts) - _MAX_PROBLEMS
    if more > 0:
        return [*texts[:_MAX_PROBLEMS], tr("{n} more: see Data quality.", n=more)]
    return texts
