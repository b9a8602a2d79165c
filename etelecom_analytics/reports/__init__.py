"""Pages to send, and reports: self-contained HTML files, the same bytes for the same calls; and the pieces that their notebooks show."""

from .page import write_charts, write_page
from .pieces import changes, completeness, headline, table
from .report import BUNDLED, write_report

__all__ = [
    "BUNDLED",
    "changes",
    "completeness",
    "headline",
    "table",
    "write_charts",
    "write_page",
    "write_report",
]
