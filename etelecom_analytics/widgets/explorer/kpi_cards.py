"""KpiCards: each KPI with its interval, its count, its target, and its change."""

from collections.abc import Iterable, Mapping
from typing import Any

import ipywidgets as ui
import polars as pl

from ...formatting import format_value
from ...locale.comparison_text import comparison_texts
from ...locale.target_text import target_text
from ...metrics import MetricOptions
from ..status import div, text_div

__all__ = ["KpiCards", "kpi_facts"]

_CARD = (
    "box-sizing:border-box;flex:1 1 150px;min-width:130px;max-width:320px;padding:6px 12px;"
    "line-height:1.4;border:1px solid var(--jp-border-color2,#9996);border-radius:4px"
)
_SMALL = "font-size:12px;color:var(--jp-ui-font-color2,inherit)"


class KpiCards(ui.HTML):  # type: ignore[misc]
    """KPIs as cards side by side."""

    def __init__(self, targets: Mapping[str, float]) -> None:
        self._targets = targets
        super().__init__(layout=ui.Layout(margin="4px 2px", width="auto"))

    def show(self, comparison: pl.DataFrame, options: MetricOptions, note: str) -> None:
        """Show a table of `compare`; the note names the previous period, or why there is none."""
        cards = "".join(
            _card(row, options, self._targets) for row in comparison.iter_rows(named=True)
        )
        row = div(cards, {"style": "display:flex;flex-wrap:wrap;gap:6px"})
        below = text_div(note, {"style": f"{_SMALL};margin:4px 2px"})
        self.value = div(row + below, {"role": "status"})


def kpi_facts(comparison: pl.DataFrame, targets: Mapping[str, float]) -> Iterable[tuple[str, str]]:
    """Each KPI and its value, with its target, if any."""
    for name, value, unit in comparison.select("measure", "after", "unit").iter_rows():
        target = target_text(name, value, targets)
        yield name, f"{format_value(value, unit)}{target and '; '}{target}"


def _card(row: Mapping[str, Any], options: MetricOptions, targets: Mapping[str, float]) -> str:
    title, value, interval, formula, basis, change, verdict = comparison_texts(row, options)
    number = text_div(value, {"style": "font-size:24px;font-weight:600"})
    target = target_text(row["measure"], row["after"], targets)
    lines = "".join(
        text_div(text, {"style": _SMALL})
        for text in (target, interval, basis, change, verdict)
        if text
    )
    attributes = {"class": "etelecom-kpi", "style": _CARD, "title": formula}
    return div(text_div(title, {}) + number + lines, attributes)
