"""The look of every chart: colours, sizes, number texts, and the offline renderer.

A specification has no colour of text: who draws it knows the page and adds the config `LIGHT` or
`DARK`, and JupyterLab adds its own. Marks have a contrast of at least 3:1 on white and on
near-black. The background is transparent, except in PNG files.
"""

import base64
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import altair as alt
import polars as pl
import vl_convert
from polars import selectors

__all__ = [
    "ANSWERED",
    "CHART_MIME",
    "CONFIG",
    "DARK",
    "DASHES",
    "ELSEWHERE",
    "FAINT",
    "GROUNDS",
    "GUTTER",
    "HUES",
    "INK",
    "LIGHT",
    "LOST",
    "NOT_FETCHED",
    "SHADE",
    "SHADE_OPACITY",
    "THEME",
    "WIDTH",
    "count_ticks",
    "embed_script",
    "of_any_page",
    "offline_bundle",
    "offline_bundle_with_png",
    "round_floats",
    "themed",
    "total",
    "use_offline_renderer",
    "vega_lite_version",
]

WIDTH = 680
"""Width of a chart in pixels; it fits a notebook cell and a printed page."""

GUTTER = 42
"""Room for the axis labels in pixels, so that panels above one another line up."""

ANSWERED, LOST, ELSEWHERE = "#1f83c6", "#d55e00", "#009e73"
"""Hues after Okabe and Ito, distinct for all kinds of colour vision; never the only cue.

Marks are opaque: vl-convert 1.9 darkens half-transparent marks on a transparent background.
"""

FAINT = "#828c97"
"""Reference lines, and marks that are not the subject: 3:1 on light and on dark pages."""

INK = "guide-label"
"""Style of texts among the marks, to which the theme gives its colour."""

HUES = (ANSWERED, LOST, ELSEWHERE, "#b8629b", "#a67c00", FAINT)
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [12, 3])
"""Hues and dashes of lines, in this order; no two lines share a hue or a dash pattern."""

SHADE, SHADE_OPACITY = "#9a9a9a", 0.22
"""Shading of times that were not fetched (also marked by text or a sign), and of grid lines."""

NOT_FETCHED = "×"
"""Sign for "not fetched" where there is no room for text."""

_LABELS = {
    "labelFontSize": 11,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
}

CONFIG = {
    "background": "transparent",
    "font": "Helvetica Neue, Arial, DejaVu Sans, Liberation Sans, sans-serif",
    "padding": 8,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 15,
        "fontWeight": "bold",
        "offset": 12,
        "subtitleFontSize": 12,
        "subtitleLineHeight": 16,
        "subtitlePadding": 5,
    },
    "axis": {
        **_LABELS,
        "labelLimit": 220,
        "domainColor": FAINT,
        "tickColor": FAINT,
        "gridColor": SHADE,
        "gridOpacity": SHADE_OPACITY,
    },
    "legend": {
        **_LABELS,
        "gradientDirection": "horizontal",
        "gradientLength": 280,
        "gradientThickness": 10,
    },
    "text": {"fontSize": 11},
}
"""Vega-Lite config of every chart: all but the colours of text."""


def _ink(title: str, text: str) -> dict[str, Any]:
    labels = {"labelColor": text, "titleColor": text}
    return {
        "title": {"color": title, "subtitleColor": text},
        "axis": labels,
        "legend": labels,
        "header": labels,
        "style": {INK: {"fill": text, "color": text}, "guide-title": {"fill": text}},
    }


LIGHT, DARK = _ink("#16202c", "#46525f"), _ink("#e8edf3", "#b4bfcb")
"""Vega-Lite config with the colours of text on a light and on a dark page.

Contrast on `GROUNDS`: at least 7:1 for titles and for labels.
"""

GROUNDS = MappingProxyType({"light": "#ffffff", "dark": "#11161d"})
"""The colours of light and of dark pages, and of PNG files."""


THEME = "theme"
"""The parameter of a specification that is "light" or "dark"."""


def _with_ink(config: Mapping[str, Any], ink: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the colours of text, where it has none."""
    return {**config, **{name: {**part, **config.get(name, {})} for name, part in ink.items()}}


def themed(spec: Mapping[str, Any], theme: str) -> dict[str, Any]:
    """The specification with the ground, the colours of text and the shades of a theme.

    Args:
        spec: a specification.
        theme: "light" or "dark".
    """
    config = _with_ink(spec.get("config", {}), LIGHT if theme == "light" else DARK)
    parameters = [
        {**each, "value": theme} if each.get("name") == THEME else each
        for each in spec.get("params", [])
    ]
    extra = {"params": parameters} if parameters else {}
    return {**spec, "config": config, "background": GROUNDS[theme], **extra}


_INHERITED = "currentColor"
_PAGE_INK = _ink(_INHERITED, _INHERITED)

_MIN_COUNT_FOR_AUTOMATIC_TICKS = 4
_TRANSPARENT_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNgYAAAAAMAASsJTYQAAAAASUVORK5CYII="
)
CHART_MIME = "application/vnd.vegalite.v5+json"
"""The MIME type of charts that JupyterLab draws itself."""

_VEGA_LITE_5 = "https://vega.github.io/schema/vega-lite/v5.json"


def count_ticks(counts: pl.Series) -> Any:
    """Ticks of an axis of counts: whole numbers for small counts, else Vega-Lite's own."""
    maximum = max(counts.drop_nulls().to_list(), default=0)
    if maximum < _MIN_COUNT_FOR_AUTOMATIC_TICKS:
        return list(range(maximum + 1))
    return alt.Undefined


def round_floats(table: pl.DataFrame) -> pl.DataFrame:
    """The table with floats rounded to six decimals.

    Sums in another order differ after that; rounded, the same calls give the same chart.
    """
    return table.with_columns(selectors.float().round(6))


def total(table: pl.DataFrame, column: str) -> int:
    """The sum of a column of counts."""
    return int(table[column].sum())


@cache
def embed_script() -> str:
    """The script that draws charts for the width and the theme of their page."""
    themes = {
        name: {"config": config, "ground": GROUNDS[name]}
        for name, config in (("light", LIGHT), ("dark", DARK))
    }
    functions = Path(__file__).with_name("embed.js").read_text(encoding="utf-8")
    return f"const themes = {json.dumps(themes)};\n{functions}"


def vega_lite_version() -> str:
    """The newest Vega-Lite version in vl-convert with the major version that Altair writes."""
    major = alt.SCHEMA_VERSION.removeprefix("v").split(".")[0]
    versions = [text for text in vl_convert.get_vegalite_versions() if text.split(".")[0] == major]
    return str(max(versions, key=lambda text: tuple(map(int, text.split(".")))))


def offline_bundle(spec: dict[str, Any]) -> dict[str, Any]:
    """The MIME bundle that JupyterLab draws itself: Vega-Lite 5, and the description as text.

    Text has the colour of the page's text, also after the user changes the theme: JupyterLab does
    not draw a chart again then. Only SVG can inherit a colour.

    In Voila the bundle also has a transparent picture. Voila draws the chart, and if the bundle has
    no picture, it fails to add one and shows "setData is not a function" below the chart.
    """
    shown = {
        **spec,
        "config": _with_ink(spec.get("config", {}), _PAGE_INK),
        "usermeta": {**spec.get("usermeta", {}), "embedOptions": {"renderer": "svg"}},
        "$schema": _VEGA_LITE_5,
    }
    picture = {"image/png": _TRANSPARENT_PNG} if _is_in_voila() else {}
    return {
        CHART_MIME: shown,
        "text/plain": spec.get("description", "A chart"),
        **picture,
    }


def _is_in_voila() -> bool:
    """Whether this process is a kernel of Voila, which sets this variable."""
    return "VOILA_KERNEL_ID" in os.environ


def of_any_page(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification of an `offline_bundle` without what is for JupyterLab's pages."""
    result = {**spec, "config": _without_page_ink(spec.get("config", {}))}
    if isinstance(spec.get("usermeta"), dict):
        options = {name: part for name, part in spec["usermeta"].items() if name != "embedOptions"}
        result["usermeta"] = options
    return result


def _without_page_ink(config: dict[str, Any]) -> dict[str, Any]:
    """The config without inherited colours, and without the parts that have nothing else."""
    kept = {}
    for name, part in config.items():
        rest = _without_page_ink(part) if isinstance(part, dict) else part
        if rest not in (_INHERITED, {}):
            kept[name] = rest
    return kept


def offline_bundle_with_png(spec: dict[str, Any]) -> dict[str, Any]:
    """The bundle of `offline_bundle`, and a PNG on a white ground for pages that draw no charts."""
    picture = vl_convert.vegalite_to_png(themed(spec, "light"), vl_version=vega_lite_version())
    return {**offline_bundle(spec), "image/png": base64.b64encode(picture).decode()}


def use_offline_renderer(*, png: bool = False) -> None:
    """Show Altair charts in JupyterLab without the internet, with its built-in Vega-Lite 5.

    `alt.renderers.enable("default")` undoes it.

    Args:
        png: add a picture to each output. GitHub and nbviewer show it, where they would show one
            line of text; JupyterLab still shows the interactive chart. A picture adds about 50 kB
            to a notebook.

    Examples:
        >>> import altair as alt
        >>> et.charts.use_offline_renderer()
        >>> alt.renderers.active
        'etelecom_offline'
        >>> alt.renderers.enable("default")
        RendererRegistry.enable('default')
    """
    name = "etelecom_offline_png" if png else "etelecom_offline"
    alt.renderers.register(name, offline_bundle_with_png if png else offline_bundle)
    alt.renderers.enable(name)
