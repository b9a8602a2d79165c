"""Roll-ups: partial results of all days of an archive, kept beside it and brought up to date."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date, timedelta
from itertools import chain

import polars as pl

from .. import storage
from ..errors import ArchiveBusy, ArchiveError, InputError
from ..metrics.aggregation import facts_of_measures
from ..metrics.confidence import confidence_level
from ..metrics.dimensions import Names
from ..metrics.measure_rows import checked_request, has_busy_offers, requested_measures
from ..metrics.options import MetricOptions, checked_options
from ..metrics.partial_streams import finish_in_parts
from ..metrics.partial_tables import can_finish
from ..metrics.partials import fingerprint, partial
from ..metrics.registry import DEFAULT_MEASURES, Measure
from .config import empty_calls, same_zone
from .day_tasks import near_midnight
from .delta import translate_errors
from .distributed import DayTasks, Executor, run_tasks
from .folder import exclusive_lock
from .reader import ArchiveReader
from .rollup_table import (
    RollUpSettings,
    RollUpTable,
    StoredDay,
    remove_whole,
    rollups_folder,
    rollups_of,
)
from .table import Table
from .verification import check_days

__all__ = ["ArchiveRollUps"]

_DAY = timedelta(days=1)
_REMOVALS = {"forgotten", "prune set", "pruned"}
"""The commits that remove for good what a roll-up may contain."""


class ArchiveRollUps(ArchiveReader):
    """The methods of an `Archive` that keep and read partial results beside it."""

    def roll_up(
        self,
        by: Names,
        measures: Names = DEFAULT_MEASURES,
        *,
        options: MetricOptions | None = None,
        executor: Executor | None = None,
        progress: bool = True,
    ) -> list[date]:
        """Keep the partial results of all days beside the archive, and return the computed days.

        They are in a Delta table in the folder `<archive>.rollups`, one for each list of
        dimensions; other measures or options replace it. Later calls compute only the days whose
        version has changed since, and store them in one commit. `forget` and `prune` delete all
        roll-ups.

        Args:
            by: the finest dimensions that are needed later, such as ["day", "hour"].
            measures: as in `et.summarize`, except `busy_offers`, which depends on many days.
            options: the settings of the measures; by default `archive.options`.
            executor: as in `archive.summarize`.
            progress: show a progress bar.

        Raises:
            UnknownName, MeasureUnavailable, InputError: as in `et.summarize`.
            ArchiveBusy: another process is writing the roll-ups, or forgot a number or pruned days
                in the meantime.
            ArchiveError: as for `archive.summarize`; or the roll-up cannot be written.
        """
        folder = rollups_folder(self.path)
        _checked_measures(measures)
        source = self._open()
        tasks = self._day_tasks(source, by, measures, options)
        settings = _settings(source, tasks.by, tasks.measures, tasks.options)
        with translate_errors(self.path):
            storage.make_folder(folder, sync=False)
        with exclusive_lock(folder) if self._lock else nullcontext():
            table = RollUpTable(self.path, tasks.by)
            replace = table.settings != settings
            try:
                stored = {} if replace else table.days()
            except ArchiveError:  # its files are damaged
                replace, stored = True, {}
            versions = _versions(source)
            gone = sorted(stored.keys() - versions.keys())
            changed = _changed_days(tasks, versions, stored)
            partials, days = {}, {}
            for day, of_day, near in run_tasks(tasks, changed, executor, progress=progress):
                partials[day], days[day] = of_day, StoredDay(versions[day], near)
            if changed or gone:
                self._check_removals(source)
                table.write(settings, partials, days, gone=gone, replace=replace)
                try:
                    self._check_removals(source)  # again: they may have come before the write
                except ArchiveError:
                    remove_whole(table.folder)
                    raise
        return changed

    def _check_removals(self, source: Table) -> None:
        """Check that no number was forgotten, and no day pruned, since a version was opened.

        Their commits come before they delete the roll-ups, so a roll-up that is written after the
        deletion is noticed.

        Raises:
            ArchiveBusy: something was removed, so the partials may contain it.
        """
        commits = source.log(since=source.version).commits.values()
        if any(commit.metadata.get("what") in _REMOVALS for commit in commits):
            raise ArchiveBusy(
                f"Calls or numbers were removed from {self.path} while the roll-up was computed: "
                "run it again."
            )

    def rolled_up(
        self,
        by: Names = (),
        measures: Names = DEFAULT_MEASURES,
        *,
        options: MetricOptions | None = None,
        confidence: bool | float = False,
    ) -> pl.DataFrame:
        """The table of `archive.summarize`, from a roll-up, without reading a call.

        Args:
            by: dimensions of a roll-up, or coarser ones: week, month and weekday follow from day,
                hour and half_hour from quarter_hour, and hour from half_hour.
            measures: measures of the roll-up; never `busy_offers`.
            options: the settings of the measures; by default `archive.options`.
            confidence: as in `et.summarize`.

        Raises:
            UnknownName, MeasureUnavailable, InputError: as in `et.summarize`.
            ArchiveError: no roll-up gives these measures, or days have changed since it was made;
                the message states what to run.
        """
        confidence_level(confidence)
        options = self.options if options is None else checked_options(options)
        names = [each.name for each in _checked_measures(measures)]
        source, stale = self._open(), ""
        empty = empty_calls(labelled=source.is_labelled)
        dimensions, _ = checked_request(empty.lazy(), by, names)
        for table in rollups_of(self.path):
            settings = table.settings
            if settings is None or not can_finish(
                dimensions, names, settings.by, settings.measures
            ):
                continue
            if settings != _settings(source, settings.by, settings.measures, options):
                continue
            if stale := _staleness(_versions(source), table.days(), settings.by):
                continue
            of_none = partial(empty, settings.by, names)
            of_none = of_none.with_columns(fingerprint=pl.lit(settings.fingerprint))
            facts = facts_of_measures(requested_measures(names))[0]
            of_months = table.partials(of_none, settings.fingerprint, facts)
            return finish_in_parts(
                chain([of_none], of_months),
                dimensions,
                names,
                confidence=confidence,
                days_apart=same_zone(options.time_zone, source.config.time_zone),
            )
        raise ArchiveError(
            stale
            or f"No roll-up of {self.path} has these dimensions, measures and options: "
            f"run archive.roll_up({dimensions}, {names}) first."
        )


def _checked_measures(measures: Names) -> list[Measure]:
    """The measures, or the errors of `summarize`, or that they cannot be rolled up."""
    requested = requested_measures(measures)
    if has_busy_offers(requested):
        raise InputError(
            "busy_offers depends on the talks of many days, so it cannot be rolled up: "
            "use archive.summarize."
        )
    return requested


def _settings(
    table: Table, by: Sequence[str], measures: Sequence[str], options: MetricOptions
) -> RollUpSettings:
    values = options.to_dict()
    values.pop("as_of", None)  # matters only to busy_offers
    return RollUpSettings(
        archive=table.id,
        by=tuple(by),
        measures=tuple(measures),
        options=values,
        fingerprint=fingerprint(
            empty_calls(labelled=table.is_labelled).columns,
            by,
            requested_measures(measures),
            options,
        ),
    )


def _versions(table: Table) -> dict[date, str]:
    """A text for each day with calls, in order, that differs if its calls may differ.

    It is the version of the archive that wrote the day, or a hash of its files if that is unknown.
    """
    certificates = check_days(table).certificates
    files = table.files().group_by("local_day").agg("path").sort("local_day")
    versions = {}
    for day, names in files.iter_rows():
        certificate = certificates.get(day)
        version = certificate.version if certificate else None
        if version is not None and version <= table.version:
            versions[day] = f"version {version}"
        else:
            paths = "\n".join(sorted(names))
            versions[day] = f"files {hashlib.sha256(paths.encode()).hexdigest()[:16]}"
    return versions


def _changed_days(
    tasks: DayTasks, versions: dict[date, str], stored: dict[date, StoredDay]
) -> list[date]:
    """The days to compute: with another version, or with other internal calls across midnight."""
    known = {day: each.version for day, each in stored.items()}
    changed = {day for day, version in versions.items() if known.get(day) != version}
    gone = stored.keys() - versions.keys()
    next_to = {day + step for day in changed | gone for step in (-_DAY, _DAY)} & versions.keys()
    changed |= {
        day
        for day in next_to - changed
        if near_midnight(tasks.task(day)) != stored[day].near_midnight
    }
    return sorted(changed)


def _staleness(versions: dict[date, str], stored: dict[date, StoredDay], by: Sequence[str]) -> str:
    """What is to be done before a roll-up can be read; empty if it is up to date."""
    known = {day: each.version for day, each in stored.items()}
    days = sorted(versions.keys() | known.keys())
    changed = [day for day in days if versions.get(day) != known.get(day)]
    if not changed:
        return ""
    others = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
    return (
        f"The roll-up by {', '.join(by) or 'no dimension'} is out of date, since these days have "
        f"changed: {changed[0]}{others}. Run archive.roll_up again."
    )
