"""Fetch reports of any coverage, and calls at any moment."""

from datetime import datetime, timedelta

import polars as pl

import etelecom_analytics as et
from etelecom_analytics import schema
from etelecom_analytics.fetch_report import Gap

__all__ = ["local", "missed_at", "report"]


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00")


def report(complete_from: str | None, complete_to: str, *gaps: tuple[str, str]) -> et.FetchReport:
    return et.FetchReport(
        rows=0,
        received=0,
        repeated=0,
        outside=0,
        pages=1,
        began_at=local("2026-12-01T00:00"),
        complete_from=complete_from and local(complete_from),
        complete_to=local(complete_to),
        seconds=0.1,
        gaps=tuple(Gap(*map(local, gap)) for gap in gaps),
    )


def missed_at(*moments: datetime) -> pl.DataFrame:
    """Missed calls that end after a minute."""
    rows = [
        {
            "id": f"{place}",
            "direction": "in",
            "call_state": "not_answered",
            "started_at": moment,
            "ended_at": moment + timedelta(minutes=1),
        }
        for place, moment in enumerate(moments)
    ]
    blank = dict.fromkeys(schema.CALL_SCHEMA)
    return pl.DataFrame([blank | row for row in rows], schema=dict(schema.CALL_SCHEMA))
