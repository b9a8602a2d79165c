"""Pages to send: one self-contained HTML file, the same bytes for the same calls."""

from .page import write_charts, write_page

__all__ = ["write_charts", "write_page"]
