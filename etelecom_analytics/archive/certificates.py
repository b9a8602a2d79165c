"""Certificates: of each day, how it was fetched. They go with the commit that brings the day, and stand in a small table beside.

The table beside is made anew from the log wherever it lacks something, so a crash between the two
loses nothing; and the log may be cleaned up once the table has it.
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
    "day_query",
    "read_certificates",
    "table_of",
    "write_certificates",
]

_FILE = "_certificates.parquet"
_THROUGH = "through_version"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """How a day was fetched last.

    Attributes:
        day: the local day.
        time_zone: whose day it is.
        report: the account of its fetch.
    """

    day: date
    time_zone: str
    report: FetchReport

    @property
    def end(self) -> datetime:
        """When the day ends."""
        return local_time.midnight(self.day + timedelta(days=1), self.time_zone)

    @property
    def complete(self) -> bool:
        """Whether all of the day was fetched, and it was over by then."""
        return self.report.complete and self.report.complete_to >= self.end

    def settled(self, lookback: timedelta) -> bool:
        """Whether it was fetched so long after its end that its calls change no more."""
        return self.complete and self.report.began_at >= self.end + lookback

    def to_json(self) -> str:
        """The certificate as a commit keeps it."""
        return json.dumps(
            {
                "day": self.day.isoformat(),
                "time_zone": self.time_zone,
                "report": self.report.to_dict(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """The certificate that `to_json` told."""
        told: dict[str, Any] = json.loads(text)
        return cls(
            day=date.fromisoformat(told["day"]),
            time_zone=told["time_zone"],
            report=FetchReport.from_dict(told["report"]),
        )


def day_query(day: date, time_zone: str) -> CallQuery:
    """All calls of the local day."""
    return CallQuery(date_from=day, date_to=day + timedelta(days=1), time_zone=time_zone)


def read_certificates(folder: Path) -> tuple[dict[date, Certificate], int]:
    """The certificates that stand beside, and the version of the archive up to which they do; none and -1 where there are none."""
    try:
        file = folder / _FILE
        table = pl.read_parquet(file)
        through = int(pl.read_parquet_metadata(file)[_THROUGH])
        found = [Certificate.from_json(text) for text in table["certificate"]]
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
        return {}, -1  # lost or damaged: the log has them
    return {each.day: each for each in found}, through


def write_certificates(folder: Path, certificates: Iterable[Certificate], *, through: int) -> None:
    """Let these stand beside, in place of those that did."""
    in_order = sorted(certificates, key=lambda each: each.day)
    beside = (
        folder / f"{_FILE}.{uuid.uuid4().hex}"
    )  # two machines may have processes of the same number
    table_of(in_order).write_parquet(beside, metadata={_THROUGH: str(through)})
    beside.chmod(0o600)
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.replace(folder / _FILE)


def table_of(certificates: Iterable[Certificate]) -> pl.DataFrame:
    """One row a day, oldest first, told in columns, and as JSON."""
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
    moment = pl.Datetime("us", "UTC")
    counts = dict.fromkeys(("running", "drift", "set_aside"), pl.Int64)
    head = {"local_day": pl.Date, "rows": pl.Int64, "pages": pl.Int64, "complete": pl.Boolean}
    schema: Mapping[str, Any] = {
        **head,
        "complete_to": moment,
        "fetched_at": moment,
        **counts,
        "certificate": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)
