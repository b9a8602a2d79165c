"""Panels for notebooks: their controls set a query, and they show the calls that match it."""

from .explorer.panel import Explorer
from .fetch_panel import FetchPanel
from .filter_panel import FilterPanel

__all__ = ["Explorer", "FetchPanel", "FilterPanel"]
