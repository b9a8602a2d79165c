"""Panels for notebooks: their controls set a query, and they show the calls that match it."""

from .chart_view import ChartView
from .explorer.panel import Explorer
from .fetch_panel import FetchPanel
from .filter_panel import FilterPanel

__all__ = ["ChartView", "Explorer", "FetchPanel", "FilterPanel"]


def __dir__() -> list[str]:
    return sorted(__all__)
