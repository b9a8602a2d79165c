"""HTML pages and reports, Excel workbooks, and the fragments that notebooks of reports show.

The same calls give the same bytes. Names load their module on first use, so that a report with an
invalid parameter is refused before the packages that draw charts are imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .discovery_list import findings
    from .fragments import Fragment, changes, completeness, kpis, table
    from .notebook import BUNDLED
    from .overview import first_page, open_callers
    from .report import write_report
    from .summary_page import write_charts, write_page
    from .workbook import write_workbook

__all__ = [
    "BUNDLED",
    "Fragment",
    "changes",
    "completeness",
    "findings",
    "first_page",
    "kpis",
    "open_callers",
    "table",
    "write_charts",
    "write_page",
    "write_report",
    "write_workbook",
]

_MODULE_OF = {
    "BUNDLED": "notebook",
    "Fragment": "fragments",
    "changes": "fragments",
    "completeness": "fragments",
    "findings": "discovery_list",
    "first_page": "overview",
    "kpis": "fragments",
    "open_callers": "overview",
    "table": "fragments",
    "write_charts": "summary_page",
    "write_page": "summary_page",
    "write_report": "report",
    "write_workbook": "workbook",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
