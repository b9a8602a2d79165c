"""Local dates and times as text, such as "Mon 2 Nov 2026 09:30"."""

from datetime import date

import polars as pl

__all__ = ["CLOCK_MINUTE", "CLOCK_SECOND", "date_expr", "date_text"]

CLOCK_MINUTE, CLOCK_SECOND = " %H:%M", " %H:%M:%S"
"""Clock times to append to a date."""


def date_text(day: date, clock: str = "") -> str:
    """The date of a day or a local time, with its clock time in the given format."""
    # The format %-d, without a leading zero, is unknown on Windows.
    return f"{day:%a} {day.day} {day:%b %Y}{format(day, clock) if clock else ''}"


def date_expr(day: pl.Expr, clock: str = "") -> pl.Expr:
    """`date_text` of a column of dates or local times."""
    return day.dt.strftime(f"%a %-d %b %Y{clock}")
