"""Updates of a report: the counts for a table of calls, and one report of two fetches."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from .fetch_report import ExtraRequests, FetchReport, Gap, HotlineLabels, Window
from .parsing.records import merge_drift

__all__ = ["certify", "count_labels", "merge_extra_requests", "merge_labels", "merge_reports"]

_MIN_TIME, _MAX_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MAX_CALL_LENGTH = timedelta(hours=12)
"""For a longer call without an end, the PBX probably never recorded the end."""
_DATE_CHECKS = ("", "verified", "not verified", "shifted", "ignored")
"""The results of the check of dates, the most important last."""


def certify(report: FetchReport, calls: pl.DataFrame) -> FetchReport:
    """The report with the counts of this table: rows, calls per window, calls without an end."""
    running = calls.filter(pl.col("ended_at").is_null()).select("id", "started_at")
    long = running.filter(pl.col("started_at") < report.began_at - _MAX_CALL_LENGTH)
    starts = calls.select("id", "started_at").drop_nulls("started_at")
    return replace(
        report,
        rows=calls.height,
        windows=tuple(_count_window(window, starts) for window in report.windows),
        running=running.height,
        running_long=tuple(long["id"]),
        hotline_labels=count_labels(report.hotline_labels, calls),
    )


def count_labels(labels: HotlineLabels | None, calls: pl.DataFrame) -> HotlineLabels | None:
    """The labels with the counts of these calls, if they have hotlines."""
    if labels is None or "hotline_id" not in calls.columns:
        return labels
    state, direction = (pl.col(name).cast(pl.String) for name in ("call_state", "direction"))
    is_bare = pl.col("hotline_id").is_null() & (direction == "in")
    labelled, unlabelled, missed = calls.select(
        pl.col("hotline_id").count(),
        is_bare.sum().alias("unlabelled"),
        (is_bare & (state == "not_answered")).sum().alias("unlabelled_missed"),
    ).row(0)
    return labels._replace(labelled=labelled, unlabelled=unlabelled, unlabelled_missed=missed)


def _count_window(window: Window, newest_first: pl.DataFrame) -> Window:
    starts = newest_first["started_at"]

    def position(moment: datetime | None, default: int) -> int:
        """The row of the first call that began before the moment."""
        if moment is None:
            return default
        return starts.len() - starts.reverse().search_sorted(moment.astimezone(UTC), side="left")

    rows = newest_first[position(window.end, 0) : position(window.begin, starts.len())]
    last_id, last_at = rows.row(0) if rows.height else (None, None)
    first_id, first_at = rows.row(-1) if rows.height else (None, None)
    return window._replace(
        rows=rows.height, first_at=first_at, first_id=first_id, last_at=last_at, last_id=last_id
    )


def merge_reports(older: FetchReport, newer: FetchReport) -> FetchReport:
    """One report for the merged calls of two fetches; `certify` then updates the table counts.

    It covers what either report covers. A range that neither covers is a gap.
    """
    begins = [report.complete_from for report in (older, newer)]
    complete_from = None if None in begins else min(begin for begin in begins if begin)
    complete_to = max(older.complete_to, newer.complete_to)
    gaps = _common_gaps(older, newer, complete_to)
    windows = {
        window[:3]: window
        for window in (*older.windows, *newer.windows)
        if window.whole or _has_gap(window, complete_from, gaps)
    }
    return replace(
        newer,
        complete_from=complete_from,
        complete_to=complete_to,
        began_at=min(older.began_at, newer.began_at),
        received=older.received + newer.received,
        outside=older.outside + newer.outside,
        pages=older.pages + newer.pages,
        seconds=round(older.seconds + newer.seconds, 3),
        gaps=gaps,
        windows=tuple(sorted(windows.values(), key=_bounds)),
        dates_ignored=older.dates_ignored or newer.dates_ignored,
        date_check=max(older.date_check, newer.date_check, key=_DATE_CHECKS.index),
        date_shift_s=newer.date_shift_s or older.date_shift_s,
        filters_ignored=tuple(sorted({*older.filters_ignored, *newer.filters_ignored})),
        filters_not_verified=tuple(
            sorted({*older.filters_not_verified, *newer.filters_not_verified})
        ),
        number_forms=max(older.number_forms, newer.number_forms),
        extra_requests=merge_extra_requests(older, newer),
        pages_set_aside=(*older.pages_set_aside, *newer.pages_set_aside),
        drift=merge_drift(older.drift, newer.drift),
        set_aside=(*older.set_aside, *newer.set_aside),
        hotline_labels=merge_labels(older.hotline_labels, newer.hotline_labels),
    )


def merge_labels(older: HotlineLabels | None, newer: HotlineLabels | None) -> HotlineLabels | None:
    """The sums of both, for calls of different days."""
    if older is None or newer is None:
        return newer or older
    return HotlineLabels(
        hotlines=max(older.hotlines, newer.hotlines),
        pages=older.pages + newer.pages,
        labelled=older.labelled + newer.labelled,
        unlabelled=older.unlabelled + newer.unlabelled,
        unlabelled_missed=older.unlabelled_missed + newer.unlabelled_missed,
        differing=older.differing + newer.differing,
        overlapping=older.overlapping + newer.overlapping,
        filters_ignored=tuple(sorted({*older.filters_ignored, *newer.filters_ignored})),
        incomplete=tuple(dict.fromkeys((*older.incomplete, *newer.incomplete))),
    )


def _common_gaps(older: FetchReport, newer: FetchReport, complete_to: datetime) -> tuple[Gap, ...]:
    """The ranges that neither report covers, from the beginning of the earlier coverage."""
    begins = [report.complete_from for report in (older, newer) if report.complete_from]
    begin = min(begins) if len(begins) == 2 else _MIN_TIME
    end = max([complete_to, *(gap.end for gap in (*older.gaps, *newer.gaps))])
    overlaps = (
        Gap(max(one.begin, other.begin), min(one.end, other.end))
        for one in older.gaps_between(begin, end)
        for other in newer.gaps_between(begin, end)
    )
    return tuple(gap for gap in overlaps if gap.begin < gap.end)


def _has_gap(window: Window, complete_from: datetime | None, gaps: Sequence[Gap]) -> bool:
    begin, end = _bounds(window)
    return bool(complete_from and begin < complete_from) or any(
        gap.begin < end and begin < gap.end for gap in gaps
    )


def _bounds(window: Window) -> tuple[datetime, datetime]:
    return window.begin or _MIN_TIME, window.end or _MAX_TIME


def merge_extra_requests(*reports: FetchReport) -> tuple[ExtraRequests, ...]:
    """The sums of the extra requests, by purpose."""
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(dict(report.extra_requests))
    return tuple(ExtraRequests(purpose, count) for purpose, count in sorted(counts.items()))
