"""Certificates: for each day, how and when it was fetched, and how complete it is.

Each commit that writes a day contains its certificate, and a small parquet file in the folder
collects them. A missing or outdated file is rebuilt from the commits, so a crash between the two
loses nothing. Once the file is written, old commits may be deleted.
"""

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from .. import local_time
from ..fetch_report import FetchReport
from ..query import CallQuery

__all__ = [
    "Certificate",
    "certificates_table",
    "day_query",
    "read_certificates",
    "write_certificates",
]

_FILE = "_certificates.parquet"
_THROUGH = "through_version"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """How a day was last fetched.

    Attributes:
        day: the local day.
        time_zone: the time zone of the day.
        report: the report of the fetch.
    """

    day: date
    time_zone: str
    report: FetchReport

    @property
    def end(self) -> datetime:
        """The end of the day."""
        return local_time.midnight(self.day + timedelta(days=1), self.time_zone)

    @property
    def complete(self) -> bool:
        """Whether the whole day was fetched after it had ended."""
        return self.report.complete and self.report.complete_to >= self.end

    def settled(self, lookback: timedelta) -> bool:
        """Whether the day was fetched at least `lookback` after its end, so that it is final."""
        return self.complete and self.report.began_at >= self.end + lookback

    def to_json(self) -> str:
        """The certificate as JSON text."""
        return json.dumps(
            {
                "day": self.day.isoformat(),
                "time_zone": self.time_zone,
                "report": self.report.to_dict(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """The certificate in a JSON text of `to_json`."""
        values: dict[str, Any] = json.loads(text)
        return cls(
            day=date.fromisoformat(values["day"]),
            time_zone=values["time_zone"],
            report=FetchReport.from_dict(values["report"]),
        )


def day_query(day: date, time_zone: str) -> CallQuery:
    """A query for all calls of a local day."""
    return CallQuery(date_from=day, date_to=day + timedelta(days=1), time_zone=time_zone)


def read_certificates(folder: Path) -> tuple[dict[date, Certificate], int]:
    """The certificates in the file and the archive version they cover; {} and -1 without a file."""
    try:
        file = folder / _FILE
        table = pl.read_parquet(file)
        through = int(pl.read_parquet_metadata(file)[_THROUGH])
        certificates = [Certificate.from_json(text) for text in table["certificate"]]
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
        return {}, -1  # missing or damaged: the commits contain them
    return {each.day: each for each in certificates}, through


def write_certificates(folder: Path, certificates: Iterable[Certificate], *, through: int) -> None:
    """Replace the file of certificates atomically.

    Args:
        folder: the folder of the archive.
        certificates: all certificates.
        through: the archive version that they cover.
    """
    ordered = sorted(certificates, key=lambda each: each.day)
    # Not the process id: processes on two machines may have the same one.
    temporary = folder / f"{_FILE}.{uuid.uuid4().hex}"
    certificates_table(ordered).write_parquet(temporary, metadata={_THROUGH: str(through)})
    temporary.chmod(0o600)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(folder / _FILE)


def certificates_table(certificates: Iterable[Certificate]) -> pl.DataFrame:
    """One row per certificate, in the given order, with a summary in columns and the JSON text."""
    rows = [
        {
            "local_day": each.day,
            "rows": each.report.rows,
            "pages": each.report.pages,
            "complete": each.complete,
            "complete_to": min(each.report.complete_to, each.end),
            "fetched_at": each.report.began_at,
            "running": each.report.running,
            "drift": sum(drift.count for drift in each.report.drift),
            "set_aside": len(each.report.set_aside),
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
        "certificate": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)
