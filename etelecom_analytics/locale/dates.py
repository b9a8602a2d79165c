"""Days and local times with their weekday, such as "Mon 2 Nov 2026 09:30"."""

from datetime import date

import polars as pl

from ..language import current_language, short_day
from .expressions import text_expr

__all__ = ["CLOCK_MINUTE", "CLOCK_SECOND", "long_date", "long_date_expr", "month_expr"]

CLOCK_MINUTE, CLOCK_SECOND = " %H:%M", " %H:%M:%S"
"""Clock times to append to a date."""


def long_date(day: date, clock: str = "") -> str:
    """The weekday and the date, and the clock time in the given format.

    In Vietnamese "T2 02/11/2026 09:30".

    Examples:
        >>> from datetime import datetime
        >>> from etelecom_analytics.locale.dates import CLOCK_MINUTE, long_date
        >>> long_date(datetime(2026, 11, 2, 9, 30), CLOCK_MINUTE)
        'Mon 2 Nov 2026 09:30'
    """
    separator = " " if current_language() == "en" else "/"
    return f"{short_day(day)}{separator}{day.year}{format(day, clock) if clock else ''}"


def long_date_expr(day: pl.Expr, clock: str = "") -> pl.Expr:
    """`long_date` of a column of dates or local times."""
    return text_expr(day, lambda each: long_date(each, clock))


def month_expr(day: pl.Expr) -> pl.Expr:
    """The month of a column of dates, such as "Nov 2026"; in Vietnamese "11/2026"."""
    return day.dt.strftime("%b %Y" if current_language() == "en" else "%m/%Y")
