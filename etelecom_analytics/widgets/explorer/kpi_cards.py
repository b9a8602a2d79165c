"""The headline numbers: each with its interval, its count, and its change against the period before."""

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets as ui
import polars as pl

from ...locale.comparison_text import comparison_texts
from ...metrics import MetricOptions

__all__ = ["Headline"]

_CARD = (
    "box-sizing:border-box;flex:1 1 150px;min-width:130px;max-width:320px;padding:6px 12px;line-height:1.4;"
    "border:1px solid var(--jp-border-color2,#9996);border-radius:4px"
)
_SMALL = "font-size:12px;color:var(--jp-ui-font-color2,inherit)"


class Headline(ui.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """Cards side by side."""

    def __init__(self) -> None:
        super().__init__(layout=ui.Layout(margin="4px 2px", width="auto"))

    def tell(self, compared: pl.DataFrame, *, options: MetricOptions, before: str) -> None:
        """Show what `compare` gave; `before` says which period it is against, or why against none."""
        cards = "".join(_card(row, options) for row in compared.iter_rows(named=True))
        words = f'<div style="{_SMALL};margin:4px 2px">{html.escape(before)}</div>'
        self.value = f'<div role="status"><div style="display:flex;flex-wrap:wrap;gap:6px">{cards}</div>{words}</div>'


def _card(row: Mapping[str, Any], options: MetricOptions) -> str:
    title, value, doubt, formula, over, change, change_doubt = (
        html.escape(text) for text in comparison_texts(row, options)
    )
    lines = "".join(
        f'<div style="{_SMALL}">{text}</div>'
        for text in (doubt, over, change, change_doubt)
        if text
    )
    number = f'<div style="font-size:24px;font-weight:600">{value}</div>'
    return f'<div class="etelecom-number" style="{_CARD}" title="{formula}"><div>{title}</div>{number}{lines}</div>'
