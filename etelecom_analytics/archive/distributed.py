"""Measures of an archive, computed day by day by any executor."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

import polars as pl
from tqdm.auto import tqdm

from ..errors import ArchiveError, InputError
from ..frames import METRIC_COLUMNS
from ..language import tr
from ..metrics.call_legs import has_answered_leg
from ..metrics.dimensions import Names
from ..metrics.internal_calls import with_second_logs
from ..metrics.measure_rows import checked_request, has_busy_offers
from ..metrics.options import MetricOptions
from ..metrics.partial_tables import merge_partials
from ..metrics.partials import partial
from ..phone_numbers import describe, printable
from ..query import CallQuery
from ..schema import CALL_SCHEMA
from ..system_calls import progress_disabled
from .config import empty_calls, from_stored_rows, same_zone
from .day_tasks import DayResult, DayTask, compute_day
from .extract import local_days
from .places import Place, place_of
from .table import Table

__all__ = ["DayTasks", "Executor", "partials_of_days", "run_tasks"]

_DAY = timedelta(days=1)
_NEAR_DAYS = range(-2, 3)
_BATCH = 64
"""The number of days that an executor receives at once, which limits the results that wait."""
_MERGED = 16
"""The number of partials that are added up at once."""
_MAX_FAILURES = 2
"""The number of failures in a row without a result after which days are sent one by one."""
_MAX_LOSSES = 2
"""The number of failures of a day that is sent alone after which it is an error."""
_ONE_BY_ONE = 16
"""The number of days that are sent one by one, at least as many as workers compute at once."""


class Executor(Protocol):
    """What can apply a function to many items, such as a pool of processes or a cluster.

    The pools of `concurrent.futures` are executors. A worker needs this package, and must be able
    to read the folder of the archive.
    """

    def map(
        self, function: Callable[[DayTask], DayResult], items: Iterable[DayTask], /
    ) -> Iterable[DayResult]:
        """The results of the function for these items, in any order."""


class DayTasks:
    """The tasks that compute partials of the days of an archive at one version.

    Args:
        table: the archive.
        by, measures, options: as in `et.partial`.
        query: which calls; None means all.

    Raises:
        UnknownName, MeasureUnavailable, InputError: as in `et.summarize`.
        ArchiveError: a file of the archive is missing or damaged.
    """

    def __init__(
        self,
        table: Table,
        by: Names,
        measures: Names,
        options: MetricOptions,
        query: CallQuery | None = None,
    ) -> None:
        self._table, self._query = table, query
        self._zone = table.config.time_zone
        self._first, self._last = local_days(query, self._zone)
        self._labelled = table.is_labelled
        self._empty = empty_calls(labelled=self._labelled)
        self.by, requested = checked_request(self._empty.lazy(), by, measures)
        self.measures = [each.name for each in requested]
        self._rows = table.scan(self._first, self._last)  # also checks the files
        self._files = {
            day: group["path"].to_list()
            for (day,), group in table.files(self._first, self._last).group_by("local_day")
        }
        self._open_calls = None
        if has_busy_offers(requested):
            self._open_calls = self._calls_without_bounds()
            options = self._with_as_of(options)
        self.options = options

    @property
    def days(self) -> list[date]:
        """The days with calls, in order."""
        return sorted(self._files)

    @property
    def place(self) -> Place:
        """How the files of the archive are read."""
        return place_of(self._table.folder)

    @property
    def days_apart(self) -> bool:
        """Whether the local days of the options are those of the archive."""
        return same_zone(self.options.time_zone, self._zone)

    def task(self, day: date) -> DayTask:
        """The task of a day."""
        near = (day + shift * _DAY for shift in _NEAR_DAYS)
        return DayTask(
            folder=self._table.folder,
            version=self._table.version,
            day=day,
            files={each: self._files.get(each, []) for each in near},
            time_zone=self._zone,
            first=self._first,
            last=self._last,
            query=self._query,
            by=tuple(self.by),
            measures=tuple(self.measures),
            options=self.options,
            open_calls=self._open_calls,
            labelled=self._labelled,
        )

    def empty_partial(self) -> pl.DataFrame:
        """The partial of no calls."""
        return partial(self._empty, self.by, self.measures, options=self.options)

    def _calls(self) -> pl.LazyFrame:
        calls = from_stored_rows(self._rows, facts=True, labelled=self._labelled)
        return calls.filter(self._query.to_expr()) if self._query else calls

    def _calls_without_bounds(self) -> pl.DataFrame:
        """The calls without a begin or an end of which somebody answered a leg."""
        calls = with_second_logs(self._calls(), self._calls()).filter(
            pl.col("started_at").is_null() | pl.col("ended_at").is_null(),
            has_answered_leg(),
            ~pl.col("internal_twice"),
        )
        # Nothing measures these calls themselves, so they need no links and no notes.
        return (
            calls.select(*METRIC_COLUMNS, "local_day")
            .with_columns(recording_urls=pl.lit(None, CALL_SCHEMA["recording_urls"]))
            .collect()
        )

    def _with_as_of(self, options: MetricOptions) -> MetricOptions:
        """The options with the latest start as `as_of`, as in `et.summarize`."""
        if options.as_of is not None:
            return options
        latest = self._calls().select(pl.col("started_at").max()).collect().item()
        return options if latest is None else replace(options, as_of=latest)


def partials_of_days(
    tasks: DayTasks, executor: Executor | None, *, progress: bool
) -> Iterator[pl.DataFrame]:
    """The partials of all days, several added up, as they arrive."""
    waiting = [tasks.empty_partial()]
    for _, partial_of_day, _ in run_tasks(tasks, tasks.days, executor, progress=progress):
        waiting.append(partial_of_day)
        if len(waiting) >= _MERGED:
            yield merge_partials(waiting)
            waiting = []
    if waiting:
        yield merge_partials(waiting)


def run_tasks(
    tasks: DayTasks, days: Sequence[date], executor: Executor | None, *, progress: bool
) -> Iterator[tuple[date, pl.DataFrame, str]]:
    """Each day with its partial and its `near_midnight`, in the order in which they arrive.

    Raises:
        InputError: the executor cannot apply a function.
        ArchiveError: a day cannot be computed, or was lost several times; the message names it.
    """
    if executor is not None and not callable(getattr(executor, "map", None)):
        raise InputError(
            "executor is an object with a method map, such as et.archive.ProcessExecutor(); "
            f"got {describe(executor)}."
        )
    disable = not progress or progress_disabled()
    with tqdm(
        desc=tr("Summarizing days"), unit=f" {tr('days')}", total=len(days), disable=disable
    ) as bar:
        for result in _results(tasks, list(days), executor):
            if result.partial is None:
                raise ArchiveError(
                    f"The calls of {result.day} cannot be summarized: {result.error}"
                )
            bar.update()
            yield result.day, result.partial, result.near_midnight


def _results(
    tasks: DayTasks, days: Sequence[date], executor: Executor | None
) -> Iterator[DayResult]:
    """The results of the days; a day whose worker was lost is computed again.

    If workers are lost and no result arrives, some days are sent one by one, so that the error
    names the day that no worker survives.
    """
    if executor is None:
        yield from (compute_day(tasks.task(day)) for day in days)
        return
    pending, losses = dict.fromkeys(days), Counter[date]()
    failures = one_by_one = 0
    place = tasks.place
    while pending:
        batch = list(pending)[: 1 if one_by_one else _BATCH]
        left = len(pending)
        try:
            for result in executor.map(compute_day, [tasks.task(day) for day in batch]):
                if result.day in pending:
                    del pending[result.day]
                    yield result
            if any(day in pending for day in batch):
                raise ArchiveError("it returned fewer results than it received days")
        except Exception as error:  # noqa: BLE001  each executor has errors of its own
            failures = failures + 1 if len(pending) == left else 0
            if one_by_one:
                losses[batch[0]] += 1
                if losses[batch[0]] == _MAX_LOSSES:
                    text = place.reason(error) or printable(str(error))
                    raise ArchiveError(
                        f"The calls of {batch[0]} cannot be summarized: the executor failed "
                        f"{_MAX_LOSSES} times ({type(error).__name__}: {text})."
                    ) from place.cut(error)
            elif failures == _MAX_FAILURES:
                one_by_one = _ONE_BY_ONE
        else:
            failures, one_by_one = 0, max(0, one_by_one - 1)
