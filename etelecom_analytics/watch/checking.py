"""Which days of an archive are checked, and what the rules say about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from .. import local_time
from ..archive import Archive
from ..archive.certificates import Certificate
from ..archive.extract import extract_logs
from ..metrics import inward
from ..metrics.day_values import values_by_day
from ..metrics.registry import MEASURES
from ..query import CallQuery
from ..site import Site
from ..watch_settings import WatchSettings
from .alert_log import CATCH_UP_DAYS, AlertLog
from .rules import HISTORY_DAYS, Alarm, Cause, judge_day

__all__ = ["Check", "check_days", "last_ended_day"]

_GAP_DAYS = 7
"""A day that stays incomplete is reported so long."""


@dataclass(kw_only=True)
class Check:
    """The result of a check.

    Attributes:
        days: the days that were judged.
        alarms: the rules that fired, oldest first.
        ended: the causes that have ended.
        incomplete: ended days that were not fetched completely, so that they were not judged.
        unknown: by measure without enough history on the last judged day, the number of its days.
        without_history: whether no rule could judge a day.
    """

    days: list[date] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    ended: list[Cause] = field(default_factory=list)
    incomplete: list[date] = field(default_factory=list)
    unknown: Mapping[str, int] = field(default_factory=dict)
    without_history: bool = False


def last_ended_day(now: datetime, time_zone: str) -> date:
    """The last local day that has ended."""
    return now.astimezone(local_time.zone(time_zone)).date() - timedelta(days=1)


def check_days(archive: Archive, site: Site, log: AlertLog, now: datetime) -> Check:
    """The alarms of the days since the last check that are complete. Nothing is written.

    Args:
        archive: the archive.
        site: its settings: the watched measures and the targets.
        log: which days were checked before, and which causes last.
        now: the present moment.

    Raises:
        ArchiveError: the archive does not exist, or cannot be read.
    """
    last = last_ended_day(now, archive.time_zone)
    certificates = {
        day: Certificate.from_json(text)
        for day, text in archive.days().select("local_day", "certificate").iter_rows()
    }
    since = last if log.since is None else log.since
    pending = [
        day
        for day in (last - timedelta(days=number) for number in reversed(range(CATCH_UP_DAYS)))
        if day >= since and day not in log.checked and _exists(day, archive.time_zone)
    ]
    ready = [day for day in pending if day in certificates and certificates[day].complete]
    result = Check(
        incomplete=[
            day for day in pending if day not in ready and day > last - timedelta(days=_GAP_DAYS)
        ]
    )
    if ready:
        tables = _tables(archive, site, certificates, ready)
        _judge(result, tables, ready, site, log)
    return result


def _judge(
    result: Check,
    tables: Mapping[str, pl.DataFrame],
    ready: list[date],
    site: Site,
    log: AlertLog,
) -> None:
    lasting = set(log.lasting)
    for day in ready:
        judgement = judge_day(
            tables,
            day,
            watched=WatchSettings.from_dict(site.watch).measures,
            targets=site.targets,
            lasting=lasting,
        )
        result.unknown = judgement.unknown
        result.without_history = not judgement.judged
        if not judgement.judged:  # judged later, if earlier days are fetched
            continue
        result.days.append(day)
        result.ended += judgement.ended
        result.alarms += judgement.alarms
        lasting -= set(judgement.ended)
        lasting |= {alarm.cause for alarm in judgement.alarms}


def _tables(
    archive: Archive, site: Site, certificates: Mapping[date, Certificate], ready: list[date]
) -> dict[str, pl.DataFrame]:
    """The complete days of inbound calls by measure, from the first that the rules read."""
    first, end = ready[0] - timedelta(days=HISTORY_DAYS - 1), ready[-1] + timedelta(days=1)
    query = CallQuery(
        date_from=max(first, min(certificates)), date_to=end, time_zone=archive.time_zone
    )
    logs = extract_logs(archive.scan(query).collect(), query, certificates, archive.time_zone)
    names = dict.fromkeys((*WatchSettings.from_dict(site.watch).measures, *site.targets))
    days = values_by_day(
        inward(logs.calls),
        [MEASURES[name] for name in names],
        [],
        archive.options,
        coverage=logs.report,
    )
    incomplete = [day for day, each in certificates.items() if not each.complete]
    return {each.measure.name: each.days.filter(~pl.col("day").is_in(incomplete)) for each in days}


def _exists(day: date, time_zone: str) -> bool:
    """False for a day that a change of the time zone left out."""
    end = local_time.midnight(day + timedelta(days=1), time_zone)
    return local_time.midnight(day, time_zone) < end
