"""Excel workbooks of calls: what each sheet shows, and how its cells are written.

Needs the extra `excel`. The same content gives the same bytes.
"""

from .content import WorkbookContent, check_workbook
from .writer import workbook_bytes

__all__ = ["WorkbookContent", "check_workbook", "workbook_bytes"]
