"""KpiCards: each KPI with its change; its interval, count and target appear on hover and focus."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import ipywidgets as ui
import polars as pl

from ...locale.comparison_text import comparison_texts, value_text
from ...locale.target_text import target_text
from ...metrics import DEFAULT_MEASURES, MEASURES, MetricOptions
from ..status import div, text_div

__all__ = ["KpiCards", "kpi_facts"]

_numbers = itertools.count(1)


class KpiCards(ui.HTML):  # type: ignore[misc]
    """KPIs as cards side by side."""

    def __init__(self, targets: Mapping[str, float]) -> None:
        self._targets = targets
        self._id = f"etelecom-kpi-{next(_numbers)}"  # of one panel of the page
        super().__init__(layout=ui.Layout(margin="0", width="auto"))

    def show_outline(self) -> None:
        """Show empty cards until there are calls."""
        card = div(div("", {"class": "etelecom-row"}), {"class": "etelecom-kpi"})
        cards = div(card * len(DEFAULT_MEASURES), {"class": "etelecom-kpis", "aria-hidden": "true"})
        self.value = cards

    def show(self, comparison: pl.DataFrame, options: MetricOptions, note: str) -> None:
        """Show a table of `compare`; the note names the previous period, or why there is none."""
        cards = "".join(
            _card(row, options, self._targets, f"{self._id}-{row['measure']}")
            for row in comparison.iter_rows(named=True)
        )
        below = text_div(note, {"class": "etelecom-note"})
        self.value = div(div(cards, {"class": "etelecom-kpis"}) + below, {"role": "status"})


def kpi_facts(comparison: pl.DataFrame, targets: Mapping[str, float]) -> Iterable[tuple[str, str]]:
    """Each KPI and its value, with its target, if any."""
    for row in comparison.iter_rows(named=True):
        target = target_text(row["measure"], row["after"], targets)
        yield row["measure"], f"{value_text(row)}{target and '; '}{target}"


def _card(
    row: Mapping[str, Any], options: MetricOptions, targets: Mapping[str, float], key: str
) -> str:
    """The value and its change, and the title; the tooltip has the rest."""
    text = comparison_texts(row, options)
    value = text_div(text.value, {"class": "etelecom-value"})
    change = text_div(text.summary, {"class": f"etelecom-change {_judgement(row)}".strip()})
    first = div(f"{value} {change}", {"class": "etelecom-row"})
    details = (
        target_text(row["measure"], row["after"], targets),
        text.interval,
        text.population,
        text.change,
        text.verdict,
        text.formula,
    )
    lines = "".join(text_div(each, {}) for each in details if each)
    tooltip = div(lines, {"class": "etelecom-tooltip", "role": "tooltip", "id": key})
    attributes = {
        "class": "etelecom-kpi",
        "role": "group",
        "aria-label": ", ".join(filter(None, (text.title, text.value, text.summary))),
        "aria-describedby": key,
        "tabindex": "0",
    }
    title = text_div(text.title, {"class": "etelecom-title"})
    return div(first + title + tooltip, attributes)


def _judgement(row: Mapping[str, Any]) -> str:
    """The class of a change for the better or the worse; "" where neither is known."""
    better = MEASURES[row["measure"]].better
    if row["difference"] is None or row["verdict"] != "changed" or better is None:
        return ""
    is_better = (row["difference"] > 0) == (better == "higher")
    return "etelecom-good" if is_better else "etelecom-bad"
