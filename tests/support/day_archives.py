"""Archives of any calls, written day by day without a server."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.archive.certificates import Certificate
from etelecom_analytics.archive.config import to_stored_rows
from etelecom_analytics.archive.table import Table
from etelecom_analytics.frames import checked_calls
from etelecom_analytics.local_time import LOCAL_DIMENSIONS, midnight

__all__ = ["archive_of", "around_midnight", "days_of", "write_day"]

_DAY = LOCAL_DIMENSIONS["day"]("Asia/Ho_Chi_Minh")


def archive_of(folder: Path, calls: pl.DataFrame, **settings: object) -> et.Archive:
    """An archive of these calls; a call without a start is in the day of the call before it."""
    site = et.Site(**settings)
    config = et.Archive(folder, site=site)._config
    folder.mkdir()
    table = Table.create(folder, config)
    for day, of_day in days_of(calls).items():
        write_day(table, day, of_day)
    return et.Archive(folder, site=site)


def days_of(calls: pl.DataFrame) -> dict[date, pl.DataFrame]:
    """The calls of each local day."""
    checked = checked_calls(calls).lazy().collect()
    groups = checked.with_columns(local_day=_DAY.forward_fill().backward_fill())
    return {
        day: group.drop("local_day")
        for (day,), group in groups.group_by("local_day", maintain_order=True)
    }


def write_day(table: Table, day: date, calls: pl.DataFrame) -> None:
    """Replace the calls of a day, as a sync does that has fetched all of them."""
    config = table.config
    rows = to_stored_rows(calls, day, config, None)
    end = midnight(day + timedelta(days=1), config.time_zone)
    report = et.FetchReport(
        rows=rows.height, received=rows.height, repeated=0, outside=0, pages=1, seconds=0.1,
        began_at=max(datetime(2026, 1, 1, tzinfo=UTC), end),
        complete_from=midnight(day, config.time_zone), complete_to=end,
    )  # fmt: skip
    certificate = Certificate(day=day, time_zone=config.time_zone, report=report)
    metadata = {"what": "day", "day": day.isoformat(), "rows": rows.height}
    metadata |= {"certificate": certificate.to_json(), "before": table.version}
    table.write_day(day, rows, metadata)


def around_midnight(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls moved so that all of a day begin within 20 s of its midnight, in their order."""
    zone = "Asia/Ho_Chi_Minh"
    local = pl.col("started_at").dt.convert_time_zone(zone)
    midnight = local.dt.truncate("1d").dt.convert_time_zone("UTC")
    into = (pl.col("started_at") - midnight).dt.total_microseconds()
    moved = midnight + pl.duration(microseconds=into * 40 // 86_400) - pl.duration(seconds=20)
    shift = (moved - pl.col("started_at")).fill_null(timedelta())
    rows = calls.with_columns(shift=shift).to_dicts()
    for row in rows:
        by = row.pop("shift")
        for record in (row, *(row["call_targets"] or ())):
            for name, value in (record or {}).items():
                if isinstance(value, datetime):
                    record[name] = value + by
    return pl.DataFrame(rows, schema=calls.schema)
