"""Reading charts: their texts, and the tables in their specification."""

import io
from typing import Any

import polars as pl
import vl_convert

from etelecom_analytics.charts.theme import vega_lite_version

__all__ = ["longest_table", "notes", "png", "spec", "subtitle", "svg", "tables", "title"]

_read: list[Any] = []
"""The chart that was read last, and its specification."""


def spec(chart: Any, *, validate: bool = True) -> dict[str, Any]:
    """The specification, which Altair validates once for all questions about a chart.

    Validation takes half of the time: `test_charts.py` does it for every chart.
    """
    if not _read or _read[0] is not chart:
        _read[:] = chart, chart.to_dict(validate=validate)
    return dict(_read[1])


def title(chart: Any) -> str:
    return " ".join(spec(chart)["title"]["text"])


def subtitle(chart: Any) -> str:
    """What stands below the title."""
    return " ".join(spec(chart)["title"]["subtitle"])


def notes(chart: Any) -> str:
    """What stands below the title, and in "About this chart"."""
    return " ".join([subtitle(chart), *spec(chart)["usermeta"]["about"]])


def tables(chart: Any, *columns: str) -> list[list[dict[str, Any]]]:
    """The tables of a chart that have rows and these columns, each as a list of rows."""
    return [
        rows for rows in spec(chart)["datasets"].values() if rows and set(columns) <= set(rows[0])
    ]


def longest_table(chart: Any, *columns: str) -> pl.DataFrame:
    """These columns of the longest table that has them."""
    rows = max(tables(chart, *columns), key=len)
    return pl.DataFrame(rows, infer_schema_length=None).select(columns)


def png(chart: Any) -> bytes:
    return bytes(vl_convert.vegalite_to_png(spec(chart), vl_version=vega_lite_version()))


def svg(chart: Any) -> str:
    buffer = io.StringIO()
    chart.save(buffer, format="svg")
    return buffer.getvalue()
