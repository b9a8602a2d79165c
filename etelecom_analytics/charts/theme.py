"""How every chart looks, and how it shows without the internet.

The background is transparent, and text and marks are of middle tones that stand out on white and on
near-black alike (4:1 and 3:1 or better), since a saved picture cannot know the page that it will
stand on.
"""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import altair as alt
import polars as pl
import vl_convert
from polars import selectors

from .. import local_time
from ..logs import FetchReport, Gap

__all__ = [
    "ANSWERED",
    "DASHES",
    "ELSEWHERE",
    "FAINT",
    "HUES",
    "LOST",
    "NONE_LABEL",
    "NOT_FETCHED",
    "SHADE",
    "SHADE_OPACITY",
    "TEXT",
    "WIDTH",
    "coverage_note",
    "count",
    "empty_chart",
    "finish_chart",
    "offline_bundle",
    "rounded",
    "short",
    "total",
    "use_offline_renderer",
    "vega_lite_version",
    "whole_ticks",
]

WIDTH = 680
"""Of a chart's plots, in pixels: what a notebook's cell and a printed page both have."""

ANSWERED, LOST, ELSEWHERE = "#1f83c6", "#d55e00", "#009e73"
"""Hues that all kinds of colour vision tell apart, after Okabe and Ito; never the only sign of what they mean.

Marks are opaque: vl-convert 1.9 darkens what is half transparent on a transparent background.
"""

TEXT, FAINT = "#787878", "#8c8c8c"

HUES = (ANSWERED, LOST, ELSEWHERE, "#b8629b", "#a67c00", FAINT)
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [12, 3])
"""Of what is more than those three, in this order: no two lines have the same hue or the same dashes."""

SHADE, SHADE_OPACITY = "#9a9a9a", 0.22
"""Of what was not fetched, which a word, a sign or an edge tells as well; and of grid lines."""

NOT_FETCHED = "×"
"""What stands where there is no room for words."""

_NOTHING_FETCHED = "Not fetched"
"""How the note on completeness begins where nothing was."""

NONE_LABEL = "(none)"
"""How a null key is told."""

_FONT = "Helvetica Neue, Arial, DejaVu Sans, Liberation Sans, sans-serif"
_TITLE_LINE, _NOTE_LINE = 90, 132
"""Characters that fit on the width."""

_WORDS = {
    "labelColor": TEXT,
    "titleColor": TEXT,
    "labelFontSize": 11,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
}

_FEW_COUNTS, _MOST_GAPS = 4, 3

_VEGA_LITE_5 = "https://vega.github.io/schema/vega-lite/v5.json"

AnyChart = TypeVar("AnyChart", bound=alt.SchemaBase)

_LOOKS = {
    "background": "transparent",
    "font": _FONT,
    "padding": 8,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "color": TEXT,
        "fontSize": 15,
        "fontWeight": "bold",
        "offset": 12,
        "subtitleColor": TEXT,
        "subtitleFontSize": 12,
        "subtitleLineHeight": 16,
        "subtitlePadding": 5,
    },
    "axis": {
        **_WORDS,
        "labelLimit": 220,
        "domainColor": FAINT,
        "tickColor": FAINT,
        "gridColor": SHADE,
        "gridOpacity": SHADE_OPACITY,
    },
    "legend": {
        **_WORDS,
        "gradientDirection": "horizontal",
        "gradientLength": 220,
        "gradientThickness": 10,
    },
    "text": {"color": TEXT, "fontSize": 11},
}


def finish_chart(
    chart: AnyChart, *, title: str, notes: Sequence[str], description: str
) -> AnyChart:
    """The chart with its title, the notes below it, the text for screen readers, and the looks."""
    subtitle = [line for note in notes if note for line in textwrap.wrap(note, _NOTE_LINE)]
    headed = alt.TitleParams(textwrap.wrap(title, _TITLE_LINE), subtitle=subtitle)
    words = " ".join([f"{title}.", *filter(None, notes), description])
    # Set, where `properties` would copy the whole chart once more: a panel draws anew at every
    # change.
    for name, value in {"title": headed, "description": words, "config": _LOOKS}.items():
        chart[name] = value
    return chart


def empty_chart(title: str, notes: Sequence[str], *, words: str = "No calls") -> alt.Chart:
    """A chart that says in words that there is nothing to draw; of what was not fetched nobody knows whether there were calls."""
    words = "Not fetched" if any(note.startswith(_NOTHING_FETCHED) for note in notes) else words
    said: alt.Chart = (
        alt.Chart(pl.DataFrame({"words": [words]}), width=WIDTH, height=120)
        .mark_text(fontSize=18)
        .encode(text="words:N")
    )
    return finish_chart(said, title=title, notes=notes, description=f"{words}.")


def whole_ticks(counts: pl.Series) -> Any:
    """The ticks of an axis of small counts, since half a call is none; else the axis finds its own."""
    most = max(counts.drop_nulls().to_list(), default=0)
    return list(range(most + 1)) if most < _FEW_COUNTS else alt.Undefined


def rounded(table: pl.DataFrame) -> pl.DataFrame:
    """The table to six decimals: sums in another order differ after that, and the same calls give the same chart."""
    return table.with_columns(selectors.float().round(6))


def short(number: pl.Expr) -> pl.Expr:
    """A number in about four characters, as text: 980, 9.8k, 98k, 1.2M."""
    k, m = number / 1e3, number / 1e6
    return (
        pl.when(number < 999.5)
        .then(pl.format("{}", number.round(0).cast(pl.Int64)))
        .when(number < 9_950)
        .then(pl.format("{}k", k.round(1)))
        .when(number < 999_500)
        .then(pl.format("{}k", k.round(0).cast(pl.Int64)))
        .otherwise(pl.format("{}M", m.round(1)))
    )


def total(table: pl.DataFrame, column: str) -> int:
    """The sum of a column of counts."""
    return int(table[column].sum())


def count(number: int, noun: str) -> str:
    """A number of things in words: "1 call", "1,200 calls"."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def coverage_note(coverage: FetchReport | None, time_zone: str) -> str:
    """Up to when everything was fetched, and what was not, in local time; empty without coverage."""
    if coverage is None:
        return ""
    zone = local_time.zone(time_zone)

    def local(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    def told(gaps: list[Gap], lead: str) -> str:
        spans = [f"{local(gap.begin)} to {local(gap.end)}" for gap in gaps]
        more = [f"{len(spans) - _MOST_GAPS} more"] if len(spans) > _MOST_GAPS else []
        return f"{lead}{', '.join([*spans[:_MOST_GAPS], *more])}" if gaps else ""

    if coverage.has_no_coverage:
        return f"{told(list(coverage.gaps), f'{_NOTHING_FETCHED}: ') or _NOTHING_FETCHED}."
    since = f"from {local(coverage.complete_from)} " if coverage.complete_from else ""
    begin = coverage.complete_from
    within = [
        gap
        for gap in coverage.gaps
        if (begin is None or gap.end > begin) and gap.begin < coverage.complete_to
    ]
    beside = [gap for gap in coverage.gaps if gap not in within]
    return f"Complete {since}through {local(coverage.complete_to)}{told(within, ', but for ')}{told(beside, '; not fetched: ')}."


def vega_lite_version() -> str:
    """The newest Vega-Lite version in vl-convert with the major version that Altair writes."""
    major = alt.SCHEMA_VERSION.removeprefix("v").split(".")[0]
    versions = [text for text in vl_convert.get_vegalite_versions() if text.split(".")[0] == major]
    return str(max(versions, key=lambda text: tuple(map(int, text.split(".")))))


def offline_bundle(spec: dict[str, Any]) -> dict[str, Any]:
    """What JupyterLab draws by itself: the specification as Vega-Lite 5, and its description as text."""
    return {
        "application/vnd.vegalite.v5+json": {**spec, "$schema": _VEGA_LITE_5},
        "text/plain": spec.get("description", "A chart"),
    }


def use_offline_renderer() -> None:
    """From now on Altair's charts show without the internet in JupyterLab, which draws Vega-Lite 5 by itself.

    `alt.renderers.enable("default")` undoes it.
    """
    alt.renderers.register("etelecom_offline", offline_bundle)
    alt.renderers.enable("etelecom_offline")
