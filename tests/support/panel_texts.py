"""The visible texts of a panel, and settings in the pseudo-language."""

from typing import Any

import ipywidgets as ui

from etelecom_analytics.language import PSEUDO
from etelecom_analytics.site import Site
from etelecom_analytics.widgets.copy_button import CopyButton
from etelecom_analytics.widgets.event_chart import EventChart
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.menu import MenuButton

from .pseudo import chart_texts, html_texts
from .widget_driver import walk

__all__ = ["panel_texts", "pseudo_site"]


def panel_texts(panel: ui.Widget) -> list[str]:
    """The visible texts of a panel, of its parts and of its chart."""
    texts: list[str] = []
    for part in walk(panel):
        if isinstance(part, ui.HTML):
            texts += html_texts(part.value) if part.layout.display != "none" else []
        for name in ("description", "tooltip", "placeholder"):
            texts.append(getattr(part, name, None) or "")
        if isinstance(part, CopyButton):
            texts += [part.label, *part.texts.values()]
        elif isinstance(part, MenuButton):
            texts += [part.label, part.name]
        elif isinstance(part, EventChart):
            texts += [*part.texts.values(), *chart_texts(part.chart["spec"]), part.chosen["note"]]
            texts += [f"{each['label']} {each.get('text', '')}" for each in part.chart["groups"]]
        elif isinstance(part, CallTable):
            content, fixed = part.content, part.texts
            texts += [content[name] for name in ("caption", "where", "found")]
            texts += [text for name, text in fixed.items() if name != "columns"]
            for column in fixed["columns"]:
                texts += [column["title"], column["sort"]]
            texts += [text for row in content["rows"] for text in row]
        elif isinstance(part, ui.Dropdown | ui.ToggleButtons | ui.SelectMultiple):
            texts += [label for label, _ in part.options]
    return [text for text in texts if text]


def pseudo_site(**settings: Any) -> Site:
    """A site whose texts are in the pseudo-language, which no site file may have."""
    site = Site(**settings)
    object.__setattr__(site, "language", PSEUDO)
    return site
