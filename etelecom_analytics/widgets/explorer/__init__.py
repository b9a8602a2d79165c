"""Explorer: filters, KPI cards, charts and a call table over the same calls."""

from .panel import Explorer

__all__ = ["Explorer"]
