"""The windows of a fetch, and the range in which its calls are complete. No I/O."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ..fetch_report import Gap, Window
from ..query import CallQuery
from .collect import Hole
from .plan import Plan

__all__ = ["Coverage", "coverage_of", "windows_of"]

_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Coverage(NamedTuple):
    """The range in which the calls are complete, except for its gaps."""

    complete_from: datetime | None
    complete_to: datetime
    gaps: tuple[Gap, ...]


def windows_of(
    plans: Sequence[Plan],
    ranges: Sequence[tuple[datetime | None, datetime | None]],
    previous: Iterable[Window],
    holes: Iterable[Hole],
    *,
    forms: int,
    finished: bool,
) -> tuple[Window, ...]:
    """The windows of a fetch, oldest first.

    Args:
        plans: one plan for each form of the query that was begun.
        ranges: the requested ranges.
        previous: the windows of a fetch that this one resumed.
        holes: parts in which calls may be missing.
        forms: the number of forms of the query.
        finished: whether the plans of all forms were followed to their end.
    """
    windows = [window for window in previous if window.whole]
    if forms == 1:
        windows += _windows_of_plan(plans[0])
    else:
        # The plans divide the range differently; only all of them together are complete.
        pages = sum(chain.pages for plan in plans for chain in plan.chains)
        windows += [
            Window(begin, end, whole=finished, pages=0 if index else pages)
            for index, (begin, end) in enumerate(ranges)
        ]
    for hole in holes:
        windows = [part for window in windows for part in _without_hole(window, hole)]
    in_utc = (window._replace(begin=_utc(window.begin), end=_utc(window.end)) for window in windows)
    return tuple(sorted(in_utc, key=_bounds))


def coverage_of(query: CallQuery, windows: Sequence[Window], began_at: datetime) -> Coverage:
    """The coverage of these windows, for a fetch that began at this time."""
    incomplete = [window for window in windows if not window.whole]
    date_from, date_to = _utc(query.date_from), _utc(query.date_to)
    complete_to = max(min(date_to or began_at, began_at), date_from or _LONG_AGO)
    unbounded = [window.end or complete_to for window in incomplete if window.begin is None]
    gaps = [
        Gap(window.begin, min(window.end or complete_to, complete_to))
        for window in incomplete
        if window.begin is not None
    ]
    if date_to and complete_to < date_to:
        gaps.append(Gap(complete_to, date_to))
    complete_from = max(unbounded) if unbounded else date_from
    return Coverage(complete_from, complete_to, tuple(gap for gap in gaps if gap.begin < gap.end))


def _windows_of_plan(plan: Plan) -> list[Window]:
    """An unfinished chain has a whole and an open window."""
    windows = []
    for chain in plan.chains:
        missing = chain.missing
        if missing is None:
            windows.append(Window(chain.begin, chain.end, whole=True, pages=chain.pages))
            continue
        windows.append(
            Window(*missing, whole=False, pages=0 if missing[1] != chain.end else chain.pages)
        )
        if missing[1] != chain.end:
            windows.append(Window(missing[1], chain.end, whole=True, pages=chain.pages))
    return windows


def _without_hole(window: Window, hole: Hole) -> list[Window]:
    """The window, or its parts before, in and after the hole; only the last one has the pages."""
    begin, end = _bounds(window)
    hole_begin, hole_end = hole.begin or _LONG_AGO, hole.end or _NEVER
    if not window.whole or hole_end <= begin or end <= hole_begin:
        return [window]
    parts = [window._replace(whole=False, pages=0)]
    if begin < hole_begin:
        parts = [
            window._replace(end=hole.begin, pages=0),
            window._replace(begin=hole.begin, whole=False, pages=0),
        ]
    if hole_end < end:
        parts[-1] = parts[-1]._replace(end=hole.end)
        parts.append(window._replace(begin=hole.end, pages=0))
    parts[-1] = parts[-1]._replace(pages=window.pages)
    return parts


def _bounds(window: Window) -> tuple[datetime, datetime]:
    return window.begin or _LONG_AGO, window.end or _NEVER


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC)
