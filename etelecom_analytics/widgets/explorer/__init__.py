"""Explorer: filters, KPIs, charts and a table of the same calls."""

from .panel import Explorer

__all__ = ["Explorer"]


def __dir__() -> list[str]:
    return sorted(__all__)
