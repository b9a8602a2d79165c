"""Texts of the values of a column, in the current language."""

from collections.abc import Callable
from typing import Any

import polars as pl

from ..language import keep_language

__all__ = ["text_expr"]


def text_expr(column: pl.Expr, function: Callable[[Any], str]) -> pl.Expr:
    """The column as text by a function of one value; null stays null.

    Polars may call the function in a thread of its own, which does not know the language.

    Examples:
        >>> from etelecom_analytics.language import number
        >>> from etelecom_analytics.locale.expressions import text_expr
        >>> pl.select(text_expr(pl.lit(1234), number)).item()
        '1,234'
    """
    text: pl.Expr = column.map_elements(keep_language(function), return_dtype=pl.String)
    return text
