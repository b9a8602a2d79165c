"""Publishing an archive: flat tables of facts for other engines, month by month."""

import calendar
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import polars as pl
from tqdm.auto import tqdm

from ..engines.flat_tables import flat_tables
from ..engines.publication import (
    GRAINS,
    Publication,
    prepare_folder,
    remove_other_months,
    write_month,
)
from ..language import tr
from ..metrics.call_facts import NAME_COLUMNS
from ..metrics.call_legs import has_answered_leg
from ..metrics.internal_calls import without_second_logs
from ..metrics.options import MetricOptions
from ..system_calls import progress_disabled
from .config import from_stored_rows
from .delta import translate_errors
from .table import Table

__all__ = ["publish_tables"]

_MARGIN = timedelta(days=2)
"""How far before and after a month calls decide about its offers, if they are not `_lasting`."""


def publish_tables(
    table: Table, folder: str | Path, *, options: MetricOptions, personal: bool, progress: bool
) -> Publication:
    """Write the flat tables of an archive into a folder.

    At most a month of calls is in memory, with two days before and after it, and all calls that may
    last until then.

    Raises:
        ArchiveError: the archive cannot be read, or the folder cannot be written.
    """
    archive = table.folder if isinstance(table.folder, Path) else None
    names = tuple(name for name in NAME_COLUMNS if name in table.schema)
    path = prepare_folder(folder, options, personal, names, archive=archive)
    days = table.files().filter(pl.col("rows") > 0)["local_day"].unique().sort().to_list()
    months = [list(group) for _, group in groupby(days, key=_month)]
    rows: dict[str, int] = dict.fromkeys(GRAINS, 0)
    with (
        translate_errors(table.folder),
        tqdm(
            desc=tr("Publishing months"),
            unit=f" {tr('months')}",
            total=len(months),
            disable=not progress or progress_disabled(),
        ) as bar,
    ):
        moment = replace(options, as_of=options.as_of or _last_start(table))
        lasting = _lasting_calls(table, months)
        for month in months:
            calls, selected = _with_context(table, month, lasting)
            tables = flat_tables(calls, options=moment, personal=personal, rows=selected)
            write_month(path, _month(month[0]), tables)
            for grain, part in tables.items():
                rows[grain] += part.height
            bar.update()
    publication = Publication(
        folder=path,
        options=options,
        personal=personal,
        names=names,
        rows=rows,
        months=tuple(_month(month[0]) for month in months),
    )
    remove_other_months(path, publication.months)
    publication.save()
    return publication


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _last_start(table: Table) -> datetime | None:
    """The start of the last call, at which running calls are evaluated; None without calls."""
    last: datetime | None = table.scan().select(pl.col("started_at").max()).collect().item()
    return last


def _with_context(
    table: Table, month: list[date], lasting: pl.DataFrame
) -> tuple[pl.DataFrame, pl.Series]:
    """The calls that decide about a month, and a flag for those of the month.

    Sorted, so that a month gives the same files each time.
    """
    first = month[0].replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    begin, end = first - _MARGIN, last + _MARGIN
    near = table.scan(begin, end).collect()
    # Elsewhere, their partner is missing: without a direction they are no log of an internal call.
    far = lasting.filter(~pl.col("local_day").is_between(begin, end)).with_columns(
        direction=pl.lit("unknown")
    )
    rows = pl.concat([near, far]).sort("started_at", "id", "local_day")
    calls = from_stored_rows(rows.lazy(), labelled=table.is_labelled).collect()
    return calls, rows["local_day"].is_between(first, last)


def _lasting_calls(table: Table, months: list[list[date]]) -> pl.DataFrame:
    """The stored rows whose talk may last for more than a day: of unknown start, end, or length.

    They keep a number busy long after their own month. Logs of internal calls that another log
    counts are left out.
    """
    length = pl.col("ended_at") - pl.col("started_at")
    parts: Iterator[pl.DataFrame] = (
        without_second_logs(table.scan(month[0] - _MARGIN, month[-1] + _MARGIN))
        .filter(
            pl.col("local_day").is_between(month[0], month[-1]),
            length.is_null() | (length > timedelta(days=1)),
            has_answered_leg(),
        )
        .collect()
        for month in months
    )
    return pl.concat([table.scan().limit(0).collect(), *parts])
