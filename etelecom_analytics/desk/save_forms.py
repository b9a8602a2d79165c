"""Forms that save calls: the result as a snapshot, and days in an archive."""

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from .. import local_time
from ..archive import Archive, SyncReport
from ..archive.sync_report import warning_facts
from ..codegen import literal
from ..errors import InputError, Stopped
from ..language import ntr, tr
from ..logs import CallLogs, Fetch
from ..query import CallQuery
from ..readable_dates import long_date
from ..site import Site
from ..snapshot import write_snapshot
from ..widgets.background_task import Stop
from .paths import PathField, new_path
from .task_form import Report, TaskForm, TaskResult, Work

__all__ = ["archive_form", "snapshot_form", "snapshot_name"]

_DAY = timedelta(days=1)
_MAX_PARTS = 31
"""A sync is split into at most so many: after each of them it can be stopped."""


def snapshot_form(
    logs: Callable[[], CallLogs],
    site: Callable[[], Site],
    *,
    on_change: Callable[[], object],
    lock: threading.RLock,
) -> tuple[TaskForm, PathField]:
    """The form that writes `logs()` as a snapshot, and its field.

    `logs` raises an `InputError` if there are none.
    """
    field = PathField(tr("Snapshot"), "snapshots/calls")

    def prepare() -> Work:
        return partial(_save, logs(), new_path(field.path), site())

    form = TaskForm(
        tr("A snapshot keeps the fetched calls in a new folder, for et.read_snapshot and reports."),
        [field],
        label=tr("Save snapshot"),
        tooltip=tr("Write the fetched calls to this folder"),
        prepare=prepare,
        can_stop=False,
        on_change=on_change,
        lock=lock,
    )
    return form, field


def snapshot_name(logs: CallLogs) -> str:
    """A folder for the snapshot of these calls, named by their first and last day."""
    zone = local_time.zone(logs.query.time_zone)
    days = logs.calls["started_at"].drop_nulls().dt.convert_time_zone(zone.key).dt.date()
    if days.is_empty():
        return "snapshots/calls"
    first, last = str(days.min()), str(days.max())
    return f"snapshots/{first}" if first == last else f"snapshots/{first}-to-{last}"


def _save(logs: CallLogs, path: Path, site: Site, report: Report, stop: Stop) -> TaskResult:
    del report, stop
    folder = write_snapshot(logs, path, privacy=site.to_privacy())
    text = ntr(
        "{n} call saved: {path}", "{n} calls saved: {path}", logs.calls.height, path=str(folder)
    )
    privacy = ", privacy=et.Site.load().to_privacy()" if site.privacy else ""
    return TaskResult(text, f"et.write_snapshot(logs, {literal(str(path))}{privacy})\n")


def archive_form(
    query: Callable[[], CallQuery],
    fetch: Fetch,
    site: Callable[[], Site],
    today: Callable[[], date],
    *,
    on_change: Callable[[], object],
    lock: threading.RLock,
) -> TaskForm:
    """The form that syncs the days of the query into an archive, with the client of `fetch`."""
    field = PathField(tr("Archive"), "archive")

    def prepare() -> Work:
        since, until = _days(query(), today())
        if not hasattr(fetch, "client"):
            raise InputError(
                tr(
                    "An archive fetches its days itself: pass et.fetcher(client) to et.Desk, "
                    "not another function."
                )
            )
        return partial(_sync, fetch, field.path, site(), since, until)

    return TaskForm(
        tr(
            "An archive keeps years of calls in one folder. It fetches those of the dates under "
            "1 Fetch that it lacks, whatever the other filters are."
        ),
        [field],
        label=tr("Sync archive"),
        tooltip=tr("Fetch the days that the archive lacks"),
        prepare=prepare,
        can_stop=True,
        on_change=on_change,
        lock=lock,
    )


def _days(query: CallQuery, today: date) -> tuple[date, date]:
    """The first local day of a query, and the day after its last one that has begun."""
    if query.date_from is None:
        raise InputError(tr("Choose a first day under 1 Fetch: an archive begins with a day."))
    zone = local_time.zone(query.time_zone)
    since, until = query.date_from.astimezone(zone).date(), today + _DAY
    if query.date_to:
        is_whole = local_time.is_midnight(query.date_to, query.time_zone)
        last = query.date_to.astimezone(zone).date()
        until = min(until, last if is_whole else last + _DAY)
    if since >= until:
        raise InputError(tr("Nothing was fetched: these dates are not in the past."))
    return since, until


def _stopped_text(since: date, first: date) -> str:
    """What a sync that was stopped before the day `first` has done."""
    if first == since:
        return tr("Stopped: no day was synced.")
    return tr(
        "Stopped: synced from {since} through {day}. Sync again for the rest.",
        since=long_date(since),
        day=long_date(first - _DAY),
    )


def _sync(
    fetch: Fetch, path: Path, site: Site, since: date, until: date, report: Report, stop: Stop
) -> TaskResult:
    """Sync a part of the days after the other, so that it can be stopped between them."""
    client = getattr(fetch, "client")  # noqa: B009  not every fetcher has one
    labels = True if getattr(fetch, "label_hotlines", False) else None
    archive = Archive(path, site=site)
    total = (until - since).days
    step = timedelta(days=math.ceil(total / _MAX_PARTS))
    first, whole = since, SyncReport()
    while first < until:
        if stop():
            raise Stopped(_stopped_text(since, first))
        done = (first - since).days
        day = long_date(first)
        progress = tr("syncing {day}: {done} of {total} days", day=day, done=done, total=total)
        report(progress, done / total)
        after = min(first + step, until)
        synced = archive.sync(
            client,
            since=first,
            until=after,
            workers=getattr(fetch, "workers", 4),
            progress=False,
            label_hotlines=labels,
        )
        whole = replace(
            whole,
            replaced=whole.replaced + synced.replaced,
            unchanged=whole.unchanged + synced.unchanged,
            unfinished=whole.unfinished + synced.unfinished,
            refused=whole.refused | synced.refused,
            problems=whole.problems + synced.problems,
            calls=whole.calls + synced.calls,
            added=whole.added + synced.added,
        )
        first = after
    text = tr(
        "{days}, {calls}, {added} of them new: {path}",
        days=ntr("{n} day fetched", "{n} days fetched", whole.fetched),
        calls=ntr("{n} call", "{n} calls", whole.calls),
        added=whole.added,
        path=str(archive.path),
    )
    if not whole.fetched:
        text = tr("The archive has all of these days, and they are final: {path}", path=str(path))
    text = "\n".join([text, *(f"{label}: {fact}" for label, fact in warning_facts(whole))])
    arguments = f'since="{since}", until="{until}"' + (", label_hotlines=True" if labels else "")
    return TaskResult(text, f"et.Archive({literal(str(path))}).sync(client, {arguments})\n")
