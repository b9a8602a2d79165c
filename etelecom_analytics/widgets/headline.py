"""The headline numbers: each with its interval, its count, and its change against the period before."""

import html
from collections.abc import Iterable, Mapping
from typing import Any

import ipywidgets as ui  # type: ignore[import-untyped]
import polars as pl

from ..metrics import MEASURES, MetricOptions

__all__ = ["Headline", "card_texts"]

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


def card_texts(row: Mapping[str, Any], options: MetricOptions) -> Iterable[str]:
    """The title of a number, the number, its doubt, what it is over, its change, and the doubt of that."""
    measure = MEASURES[row["measure"]]
    unit = row["unit"]
    yield measure.title
    yield _number(row["after"], unit)
    yield _span(row["after_low"], row["after_high"], unit, lead="95 %: ")
    yield f"{measure.name} = {measure.formula(options)}"
    over = "" if row["after_n"] is None or unit not in ("share", "s") else f"over {row['after_n']:,} {_over(measure.name)}"
    yield over
    if row["difference"] is None:
        yield from ("", "")
        return
    sure = row["low"] is not None and row["high"] is not None and (row["low"] > 0 or row["high"] < 0)
    arrow = "" if not sure else "▲ " if row["difference"] > 0 else "▼ "
    yield f"{arrow}{_number(row['difference'], unit, signed=True)} against {_number(row['before'], unit)}"
    yield _span(row["low"], row["high"], unit, lead="95 %: ", signed=True) + ("" if sure else ": may be chance")


def _over(name: str) -> str:
    """What a share or a time is over."""
    fact = getattr(MEASURES[name].made_of, "denominator", "") or getattr(MEASURES[name].made_of, "fact", "")
    return {"offered": "offered", "answered_wait_s": "answered", "talk_s": "answered"}.get(fact, MEASURES[name].grain)


def _number(value: float | None, unit: str, *, signed: bool = False) -> str:
    if value is None:
        return "none"
    plus = "+" if signed else ""
    if unit == "share":
        return f"{value * 100:{plus},.1f} {'points' if signed else '%'}"
    return f"{value:{plus},.1f} s" if unit == "s" else f"{value:{plus},.0f}"


def _span(low: float | None, high: float | None, unit: str, *, lead: str, signed: bool = False) -> str:
    if low is None and high is None:
        return "no interval: too few"
    ends = ["…" if end is None else _number(end, unit, signed=signed).split()[0] for end in (low, high)]
    return f"{lead}{ends[0]} to {ends[1]}"


def _card(row: Mapping[str, Any], options: MetricOptions) -> str:
    title, value, doubt, formula, over, change, change_doubt = (html.escape(text) for text in card_texts(row, options))
    lines = "".join(f'<div style="{_SMALL}">{text}</div>' for text in (doubt, over, change, change_doubt) if text)
    number = f'<div style="font-size:24px;font-weight:600">{value}</div>'
    return f'<div class="etelecom-number" style="{_CARD}" title="{formula}"><div>{title}</div>{number}{lines}</div>'
