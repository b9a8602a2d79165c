"""Days, local times and months of a column as readers write them."""

import polars as pl

from ..language import current_language
from ..readable_dates import long_date
from .expressions import text_expr

__all__ = ["long_date_expr", "month_expr"]


def long_date_expr(day: pl.Expr, clock: str = "") -> pl.Expr:
    """`long_date` of a column of dates or local times."""
    return text_expr(day, lambda each: long_date(each, clock))


def month_expr(day: pl.Expr) -> pl.Expr:
    """The month of a column of dates, such as "Nov 2026"; in Vietnamese "11/2026"."""
    return day.dt.strftime("%b %Y" if current_language() == "en" else "%m/%Y")
