"""WorkbookContent: the calls of a workbook, and how they are shown; and what Excel can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import polars as pl

from ..errors import InputError, ReportError
from ..fetch_report import FetchReport
from ..locale.display import Display
from ..query import CallQuery, Direction

__all__ = ["MAX_CALLS", "WorkbookContent", "check_workbook", "xlsxwriter"]

MAX_CALLS = 1_048_575
"""The rows of an Excel sheet without its header."""


@dataclass(frozen=True, kw_only=True)
class WorkbookContent:
    """What a workbook is made of.

    Attributes:
        title: the title of the summary.
        calls: the calls of the workbook in the order of their sheet, not masked.
        history: all known calls, which show who was called back.
        direction: the direction of the calls that Summary, By day, By hour and Queues count; None
            for all calls.
        display: the options of the measures, and which numbers are shown.
        coverage: what was fetched; None if that is unknown.
        targets: the targets of measures by name.
        notices: warnings, shown above the measures.
        about: what the values depend on, as (name, text).
    """

    title: str
    calls: pl.DataFrame
    history: pl.DataFrame
    direction: Direction | None
    display: Display
    coverage: FetchReport | None = None
    targets: Mapping[str, float] = field(default_factory=dict)
    notices: Sequence[str] = ()
    about: Sequence[tuple[str, str]] = ()

    @property
    def is_counted(self) -> pl.Expr:
        """Whether a call is one that Summary counts."""
        return CallQuery(direction=self.direction).to_expr()

    @property
    def counted(self) -> pl.DataFrame:
        """The calls that Summary counts."""
        return self.calls.filter(self.is_counted)


def check_workbook(height: int, *, instead: str) -> None:
    """Check that XlsxWriter is installed and that so many calls are not too many for a sheet.

    Args:
        height: the number of calls.
        instead: the export to use for more calls, as the end of a sentence.

    Raises:
        ReportError: XlsxWriter is not installed.
        InputError: there are more than `MAX_CALLS`.
    """
    if find_spec("xlsxwriter") is None:
        raise ReportError(
            'A workbook needs the package XlsxWriter: pip install "etelecom_analytics[excel]"'
        )
    if height > MAX_CALLS:
        raise InputError(
            f"An Excel sheet holds at most {MAX_CALLS:,} calls, and these are {height:,}: "
            f"choose fewer days, or {instead}."
        )


def xlsxwriter() -> Any:
    """The package XlsxWriter, which is imported only when a workbook is written."""
    return import_module("xlsxwriter")
