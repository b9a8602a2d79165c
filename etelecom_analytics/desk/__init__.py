"""Desk: from a fetch to a report in one panel.

It stands above panels and reports, because it uses both.
"""

from .panel import Desk

__all__ = ["Desk"]


def __dir__() -> list[str]:
    return sorted(__all__)
