"""Self-contained HTML pages and reports, and the fragments that their notebooks show.

The same calls give the same bytes.
"""

from .discovery_list import findings
from .fragments import Fragment, changes, completeness, kpis, table
from .report import BUNDLED, write_report
from .summary_page import write_charts, write_page

__all__ = [
    "BUNDLED",
    "Fragment",
    "changes",
    "completeness",
    "findings",
    "kpis",
    "table",
    "write_charts",
    "write_page",
    "write_report",
]


def __dir__() -> list[str]:
    return sorted(__all__)
