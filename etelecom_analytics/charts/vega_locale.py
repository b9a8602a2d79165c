"""How Vega writes numbers and times in a language."""

from collections.abc import Mapping
from typing import Any

from ..language import current_language
from .theme import CONFIG

__all__ = ["chart_config"]

_LOCALE: Mapping[str, Any] = {
    "number": {
        "decimal": ",",
        "thousands": ".",
        "grouping": [3],
        "currency": ["", "\u00a0₫"],
        "percent": "\u00a0%",
    },
    "time": {
        "dateTime": "%H:%M %d/%m/%Y",
        "date": "%d/%m/%Y",
        "time": "%H:%M:%S",
        "periods": ["SA", "CH"],
        "days": ["Chủ nhật", "Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy"],
        "shortDays": ["CN", "T2", "T3", "T4", "T5", "T6", "T7"],
        "months": [f"tháng {month}" for month in range(1, 13)],
        "shortMonths": [f"thg {month}" for month in range(1, 13)],
    },
}
"""How Vega writes Vietnamese numbers and times; a specification carries it wherever it is drawn."""


def chart_config() -> dict[str, Any]:
    """The config of a chart in the current language."""
    return CONFIG if current_language() == "en" else {**CONFIG, "locale": _LOCALE}
