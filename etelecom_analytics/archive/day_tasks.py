"""The partial results of one day of an archive, computed by any process that can read its files."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from .. import local_time
from ..errors import EtelecomError
from ..metrics.call_legs import LEG_MARGIN, has_answered_leg, legs_of
from ..metrics.internal_calls import PAIR_TOLERANCE, is_internal
from ..metrics.options import MetricOptions
from ..metrics.partials import partial
from ..phone_numbers import printable
from ..query import CallQuery
from ..schema import CALL_SCHEMA
from .config import from_stored_rows
from .places import StorePath, place_of, scan_file
from .table import Table

__all__ = ["DayResult", "DayTask", "compute_day", "near_midnight"]

_NEAR = PAIR_TOLERANCE + timedelta(seconds=1)
"""A call that begins so near to midnight may be paired with one of another day."""
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=36_525)


@dataclass(frozen=True, kw_only=True, eq=False)
class DayTask:
    """What a process needs to know to compute the partial results of a day.

    Attributes:
        folder: the folder of the archive.
        version: the version of the archive.
        day: the local day.
        files: the files of the day and of the days next to it, by day.
        time_zone: the time zone of the days.
        first, last: the first and the last day of the query; None means no bound.
        query: which calls; None means all.
        by, measures, options: as in `et.partial`.
        open_calls: of all days, the calls with an answered leg and without a begin or an end, with
            `local_day`. None: talks of other calls do not matter to the measures.
        labelled: whether the calls have hotlines and departments.
    """

    folder: StorePath
    version: int
    day: date
    files: dict[date, list[str]]
    time_zone: str
    first: date | None
    last: date | None
    query: CallQuery | None
    by: tuple[str, ...]
    measures: tuple[str, ...]
    options: MetricOptions
    open_calls: pl.DataFrame | None = field(repr=False)  # has phone numbers
    labelled: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class DayResult:
    """The partial of a day, or why it could not be computed.

    Attributes:
        day: the local day.
        partial: the partial; None after an error.
        near_midnight: a hash of the internal calls of other days on which it depends.
        error: the error.
    """

    day: date
    partial: pl.DataFrame | None = field(default=None, repr=False)  # may have phone numbers
    near_midnight: str = ""
    error: str = ""


def compute_day(task: DayTask) -> DayResult:
    """The partial of a day. Needs only to read the files of the archive."""
    try:
        calls = _calls(task, [task.day]).collect()
        neighbours = (
            _near_midnight(task, calls.lazy())
            if task.open_calls is None
            else _talking(task, calls, task.open_calls)
        )
        result = partial(calls, task.by, task.measures, options=task.options, neighbours=neighbours)
    except EtelecomError as error:
        return DayResult(day=task.day, error=f"{type(error).__name__}: {error}")
    except (OSError, pl.exceptions.PolarsError) as error:
        text = place_of(task.folder).reason(error) or printable(str(error))
        return DayResult(day=task.day, error=f"{type(error).__name__}: {text}")
    near = "" if neighbours is None else _hash(neighbours)
    return DayResult(day=task.day, partial=result, near_midnight=near)


def near_midnight(task: DayTask) -> str:
    """The `near_midnight` of `compute_day`, without the partial."""
    neighbours = _near_midnight(task, _calls(task, [task.day]))
    return "" if neighbours is None else _hash(neighbours)


def _hash(calls: pl.DataFrame) -> str:
    """A hash of what decides which logs of internal calls are pairs."""
    rows = calls.select(
        *("id", "caller", "callee"), pl.col("direction").cast(pl.String), pl.col("started_at")
    ).sort(pl.all())
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()[:16]


def _calls(task: DayTask, days: Iterable[date]) -> pl.LazyFrame:
    """The calls of these days that match the query."""
    wanted = sorted(set(days))
    files = task.files
    if not {*wanted} <= files.keys():  # rare: legs with times far from their day
        table = Table.open(task.folder, version=task.version)
        rows = table.files(task.first, task.last) if table else pl.DataFrame()
        files = {day: group["path"].to_list() for (day,), group in rows.group_by("local_day")}
    paths = [task.folder / path for day in wanted for path in files.get(day, [])]
    if not paths:
        return pl.LazyFrame(schema=CALL_SCHEMA)
    # Not one scan, because files of before and after the first sync with labels differ.
    stored = pl.concat([scan_file(path) for path in paths], how="diagonal")
    calls = from_stored_rows(stored, labelled=task.labelled)
    return calls.filter(task.query.to_expr()) if task.query else calls


def _near_midnight(task: DayTask, calls: pl.LazyFrame) -> pl.DataFrame | None:
    """The internal calls of the days before and after, if one of the day may pair with them."""
    begin, end = (local_time.midnight(day, task.time_zone) for day in (task.day, task.day + _DAY))
    start = pl.col("started_at")
    near = (
        calls.filter(is_internal())
        .select(before=(start - begin < _NEAR).any(), after=(end - start < _NEAR).any())
        .collect()
    )
    days = [
        task.day + sign * _DAY for name, sign in (("before", -1), ("after", 1)) if near[name].item()
    ]
    return _calls(task, days).filter(is_internal()).collect() if days else None


def _talking(task: DayTask, calls: pl.DataFrame, open_calls: pl.DataFrame) -> pl.DataFrame:
    """The calls of other days that may be in conversation when a leg of these calls begins.

    With all internal calls of these days and those next to them, since the second log of a call
    talks to nobody.
    """
    spans = _days_of_talks(task, calls)
    days = {task.day, *spans}
    internal_days = {day + shift * _DAY for day in days for shift in (-1, 0, 1)} - {task.day}
    others = [
        _calls(task, [day]).filter(
            ~is_internal(),
            has_answered_leg(),
            pl.col("started_at") <= last + LEG_MARGIN,
            pl.col("ended_at") >= first - LEG_MARGIN,
        )
        for day, (first, last) in spans.items()
        if day != task.day
    ]
    is_read = is_internal() & pl.col("local_day").is_in(sorted(internal_days))
    others += [
        _calls(task, internal_days).filter(is_internal()),
        open_calls.lazy().filter(pl.col("local_day") != task.day, ~is_read),
    ]
    return pl.concat(others, how="diagonal").collect()


def _days_of_talks(task: DayTask, calls: pl.DataFrame) -> dict[date, tuple[datetime, datetime]]:
    """The days whose calls may last until a leg of these calls begins.

    With each day, the first and the last such moment.
    """
    longest = min(timedelta(seconds=task.options.longest_call_s), _LONGEST)
    began = pl.coalesce("add_time", "ring_time", "answered_time")

    def local_day(moment: pl.Expr) -> pl.Expr:
        return moment.dt.convert_time_zone(task.time_zone).dt.date()

    groups = (
        legs_of(calls.lazy().with_row_index("call_row"))
        .select(at=began)
        .drop_nulls()
        .group_by(
            begin=local_day(pl.col("at") - longest - LEG_MARGIN),
            end=local_day(pl.col("at") + LEG_MARGIN),
        )
        .agg(first=pl.col("at").min(), last=pl.col("at").max())
        .collect()
    )
    spans: dict[date, tuple[datetime, datetime]] = {}
    for begin, end, first, last in groups.iter_rows():
        for number in range((end - begin).days + 1):
            day = begin + number * _DAY
            known = spans.get(day, (first, last))
            spans[day] = (min(first, known[0]), max(last, known[1]))
    return spans
