"""Panels for notebooks: controls that become one CallQuery, and what it brings. They wire, and compute nothing themselves."""

from .explorer.panel import Explorer
from .fetch_panel import FetchPanel
from .filter_panel import FilterPanel

__all__ = ["Explorer", "FetchPanel", "FilterPanel"]
