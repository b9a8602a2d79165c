"""What a fetch returned, in a sentence: how many calls, what is missing, and why there are none."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from .. import local_time
from ..language import mark, ntr, tr
from ..logs import CallLogs
from ..query import CallQuery
from ..query_text import filter_texts
from ..readable_dates import CLOCK_MINUTE, long_date, period_text

__all__ = ["Remedy", "fetched_share", "outcome_text", "remedies"]

_DATE_KEYS = ("dates", "date_from", "date_to", "time_zone")
_MORE_DAYS = timedelta(days=30)


class Remedy(NamedTuple):
    """A change of the filters that may find calls.

    Attributes:
        label: the text of its button.
        tooltip: what the button does.
        state: the state of the panel with this change.
    """

    label: str
    tooltip: str
    state: Mapping[str, object]


def fetched_share(query: CallQuery, reached: datetime | None, now: datetime) -> float | None:
    """How much of the query's dates was fetched when its calls are complete from `reached` on.

    None if it is unknown: without a first date it is unknown how far back the calls go.
    """
    if reached is None or query.date_from is None:
        return None
    begin = query.date_from.astimezone(UTC)
    end = min(query.date_to.astimezone(UTC), now) if query.date_to else now
    if end <= begin:
        return None
    return min(1.0, max(0.0, (end - reached.astimezone(UTC)) / (end - begin)))


def outcome_text(logs: CallLogs) -> str:
    """The sentences about a fetch that ended."""
    text = _calls_text(logs)
    if not (count := len(logs.report.set_aside)):
        return text
    records = ntr(
        "{n} record has no id and is left out.",
        "{n} records have no id and are left out.",
        count,
    )
    return f"{text} {records}"


def _calls_text(logs: CallLogs) -> str:
    if logs.calls.is_empty():
        return _empty_text(logs)
    calls = ntr("{n} call was fetched", "{n} calls were fetched", logs.calls.height)
    if missing := _missing_text(logs):
        return tr("{calls}. {missing} Fetch again to read them.", calls=calls, missing=missing)
    query = logs.query
    if query.date_to is None or query.date_to > logs.report.began_at:
        return tr("{calls}: all calls of this query until now.", calls=calls)
    return tr("{calls}: all calls of this query.", calls=calls)


def remedies(logs: CallLogs, state: Mapping[str, object], today: date | None) -> tuple[Remedy, ...]:
    """What to try if a fetch returned no calls, the most likely first; nothing if it returned some.

    Args:
        logs: the result.
        state: the state of the panel's filters.
        today: the day that "today" means.
    """
    query = logs.query
    if not logs.calls.is_empty() or _missing_text(logs):
        return ()
    filters = {name: value for name, value in state.items() if name not in _DATE_KEYS}
    if logs.report.has_no_coverage:
        tooltip = tr("Fetch the last 7 days with the same filters")
        return (Remedy(tr("Last 7 days"), tooltip, {**filters, "dates": "last 7 days"}),)
    result: list[Remedy] = []
    if filters:
        dates = {name: value for name, value in state.items() if name in _DATE_KEYS}
        tooltip = tr("Fetch all calls of the same dates")
        result.append(Remedy(tr("Remove the filters"), tooltip, dates))
    if query.date_from and today:
        begin = query.date_from.date() - _MORE_DAYS
        tomorrow = today + timedelta(days=1)
        end = max(query.date_to.date(), tomorrow) if query.date_to else tomorrow
        tooltip = tr(
            "Fetch from {begin} until today, with the same filters", begin=long_date(begin)
        )
        edges = {"date_from": begin.isoformat(), "date_to": end.isoformat()}
        result.append(
            Remedy(tr("Widen the dates"), tooltip, {**filters, "dates": "custom"} | edges)
        )
    elif query.date_to:
        tooltip = tr("Fetch the calls of all dates, with the same filters")
        result.append(Remedy(tr("All dates"), tooltip, {**filters, "dates": "all"}))
    return tuple(result)


_NOT_IN_THE_PAST = mark("Nothing was fetched: these dates are not in the past.")


def _empty_text(logs: CallLogs) -> str:
    query = logs.query
    if logs.report.has_no_coverage and not _missing_text(logs):
        return tr(_NOT_IN_THE_PAST)
    if missing := _missing_text(logs):
        return tr("No call was received. {missing} Fetch again to read them.", missing=missing)
    filters = ", ".join(filter_texts(replace(query, date_from=None, date_to=None)))
    dates = period_text(query.date_from, query.date_to, query.time_zone)
    if filters and dates:
        return tr(
            "No call matches: {filters} ({dates}). Remove a filter, or widen the dates.",
            dates=dates,
            filters=filters,
        )
    if filters:
        return tr("No call matches: {filters}. Remove a filter.", filters=filters)
    if dates:
        return tr(
            "The server has no call of these dates ({dates}). Perhaps they lie before your "
            "contract began: widen the dates.",
            dates=dates,
        )
    return tr("The server has no calls at all: check the address and the key.")


def _missing_text(logs: CallLogs) -> str:
    """The parts of the past that were not read; empty if there are none."""
    report = logs.report
    gaps = [gap for gap in report.gaps if gap.begin < report.began_at]
    if report.complete and not report.pages_set_aside:
        return ""
    if not gaps:
        return tr("Parts of these dates were not read.")
    begin, end = (_moment(moment, logs) for moment in gaps[0])
    return ntr(
        "{n} part of these dates was not read: {begin} to {end}.",
        "{n} parts of these dates were not read, the first {begin} to {end}.",
        len(gaps),
        begin=begin,
        end=end,
    )


def _moment(moment: datetime | None, logs: CallLogs) -> str:
    if moment is None:
        return tr("the first call")
    return long_date(moment.astimezone(local_time.zone(logs.query.time_zone)), CLOCK_MINUTE)
