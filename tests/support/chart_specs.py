"""Reading charts: their texts, and the tables in their specification."""

import io
from typing import Any

import polars as pl

__all__ = ["longest_table", "png", "subtitle", "svg", "tables", "title"]


def title(chart: Any) -> str:
    return " ".join(chart.to_dict()["title"]["text"])


def subtitle(chart: Any) -> str:
    return " ".join(chart.to_dict()["title"]["subtitle"])


def tables(chart: Any, *columns: str) -> list[list[dict[str, Any]]]:
    """The tables of a chart that have rows and these columns, each as a list of rows."""
    return [
        rows
        for rows in chart.to_dict()["datasets"].values()
        if rows and set(columns) <= set(rows[0])
    ]


def longest_table(chart: Any, *columns: str) -> pl.DataFrame:
    """These columns of the longest table that has them."""
    rows = max(tables(chart, *columns), key=len)
    return pl.DataFrame(rows, infer_schema_length=None).select(columns)


def png(chart: Any) -> bytes:
    buffer = io.BytesIO()
    chart.save(buffer, format="png")
    return buffer.getvalue()


def svg(chart: Any) -> str:
    buffer = io.StringIO()
    chart.save(buffer, format="svg")
    return buffer.getvalue()
