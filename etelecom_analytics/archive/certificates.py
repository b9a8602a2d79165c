"""Certificates: for each day, how and when it was fetched, and how complete it is.

Each commit that writes a day contains its certificate, and a small parquet file in the folder
collects them. A missing or outdated file is rebuilt from the commits, so a crash between the two
loses nothing. Once the file is written, old commits may be deleted.
"""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl

from .. import local_time
from ..fetch_report import FetchReport
from ..query import CallQuery
from .places import StorePath, place_of
from .problems import Unreadable, reading

__all__ = [
    "CLOCK_TOLERANCE",
    "Certificate",
    "Certificates",
    "certificates_table",
    "day_query",
    "read_certificates",
    "write_certificates",
]

_FILE = "_certificates.parquet"
_THROUGH = "through_version"

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far two clocks may differ before the difference is reported."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """How a day was last fetched.

    Attributes:
        day: the local day.
        time_zone: the time zone of the day.
        report: the report of the fetch.
        clock_offset: how far the server's clock was ahead of this machine's; None if unknown.
        version: the version of the archive that wrote the day; None if none did, because the day
            has no calls, or if it is unknown.
        forgotten: whether a number in its calls was forgotten, so that some values are null.
    """

    day: date
    time_zone: str
    report: FetchReport
    clock_offset: timedelta | None = None
    version: int | None = None
    forgotten: bool = False

    @property
    def end(self) -> datetime:
        """The end of the day."""
        return local_time.midnight(self.day + timedelta(days=1), self.time_zone)

    @property
    def fetched_at(self) -> datetime:
        """When the fetch began, by the server's clock if this machine's was wrong."""
        offset = self.clock_offset or timedelta()
        return self.report.began_at + (offset if abs(offset) > CLOCK_TOLERANCE else timedelta())

    @property
    def complete_to(self) -> datetime:
        """The day is complete up to this time: its end, or when it was fetched."""
        return min(self.report.complete_to, self.fetched_at, self.end)

    @property
    def complete(self) -> bool:
        """Whether the whole day was fetched after it had ended."""
        return self.report.complete and self.complete_to >= self.end

    def settled(self, lookback: timedelta) -> bool:
        """Whether the day was fetched at least `lookback` after its end, so that it is final."""
        return self.complete and self.fetched_at >= self.end + lookback

    def to_json(self) -> str:
        """The certificate as JSON text, without its version."""
        offset = self.clock_offset
        return json.dumps(
            {
                "day": self.day.isoformat(),
                "time_zone": self.time_zone,
                "report": self.report.to_dict(),
                "clock_offset_s": None if offset is None else offset.total_seconds(),
                "forgotten": self.forgotten,
            }
        )

    @classmethod
    def from_json(cls, text: str, *, version: int | None = None) -> "Certificate":
        """The certificate in a JSON text of `to_json`, and the version that wrote its day."""
        values: dict[str, Any] = json.loads(text)
        offset_s = values.get("clock_offset_s")
        return cls(
            day=date.fromisoformat(values["day"]),
            time_zone=values["time_zone"],
            report=FetchReport.from_dict(values["report"]),
            clock_offset=None if offset_s is None else timedelta(seconds=offset_s),
            version=version,
            forgotten=values.get("forgotten", False),
        )


Certificates: TypeAlias = tuple[Iterable[Certificate], int]
"""Certificates, and the version of the archive that they cover."""


def day_query(day: date, time_zone: str) -> CallQuery:
    """A query for all calls of a local day."""
    return CallQuery(date_from=day, date_to=day + timedelta(days=1), time_zone=time_zone)


def read_certificates(folder: StorePath) -> tuple[dict[date, Certificate], int]:
    """The certificates in the file and the archive version they cover; {} and -1 without a file.

    Raises:
        OSError: an object store does not answer.
    """
    try:
        content = (folder / _FILE).read_bytes()
    except OSError as error:
        if place_of(folder).is_down(error):
            raise
        return {}, -1
    try:
        with reading():
            table = pl.read_parquet(io.BytesIO(content))
            through = int(pl.read_parquet_metadata(io.BytesIO(content))[_THROUGH])
        versions = table["version"] if "version" in table.columns else [None] * table.height
        certificates = [
            Certificate.from_json(text, version=version)
            for text, version in zip(table["certificate"], versions, strict=True)
        ]
    except (ValueError, KeyError, TypeError, Unreadable, pl.exceptions.PolarsError):
        return {}, -1  # missing or damaged: the commits contain them
    return {each.day: each for each in certificates}, through


def write_certificates(folder: StorePath, known: Callable[[], Certificates]) -> None:
    """Replace the file of certificates atomically.

    Args:
        folder: the folder of the archive.
        known: returns all certificates, including those of the file, and the version of the archive
            that they cover. It is called again if another process has replaced the file since.

    Raises:
        OSError: it cannot be written.
    """

    def content() -> bytes:
        certificates, through = known()
        ordered = sorted(certificates, key=lambda each: each.day)
        versions = pl.Series("version", [each.version for each in ordered], dtype=pl.Int64)
        file = io.BytesIO()
        certificates_table(ordered).with_columns(versions).write_parquet(
            file, metadata={_THROUGH: str(through)}
        )
        return file.getvalue()

    place_of(folder).update(folder / _FILE, content)


def certificates_table(certificates: Iterable[Certificate]) -> pl.DataFrame:
    """One row per certificate, in the given order, with a summary in columns and the JSON text."""
    rows = [
        {
            "local_day": each.day,
            "rows": each.report.rows,
            "pages": each.report.pages,
            "complete": each.complete,
            "complete_to": each.complete_to,
            "fetched_at": each.fetched_at,
            "running": each.report.running,
            "drift": sum(drift.count for drift in each.report.drift),
            "set_aside": len(each.report.set_aside),
            "forgotten": each.forgotten,
            "certificate": each.to_json(),
        }
        for each in certificates
    ]
    schema: Mapping[str, Any] = {
        "local_day": pl.Date,
        "rows": pl.Int64,
        "pages": pl.Int64,
        "complete": pl.Boolean,
        "complete_to": pl.Datetime("us", "UTC"),
        "fetched_at": pl.Datetime("us", "UTC"),
        "running": pl.Int64,
        "drift": pl.Int64,
        "set_aside": pl.Int64,
        "forgotten": pl.Boolean,
        "certificate": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)
