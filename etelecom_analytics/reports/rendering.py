"""Outputs of a notebook as parts of a page: charts as data, text and tables as sanitized markup."""

import base64
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import bleach
import mistune
from bleach.css_sanitizer import CSSSanitizer
from mistune.plugins import import_plugin

from ..charts.theme import of_any_page
from ..errors import ReportError
from ..language import tr
from .markdown_text import translated_markdown
from .notebook import Notebook, without_ansi_codes
from .overview_content import OVERVIEW_MIME, overview_markup
from .page import chart_figure
from .redaction import Redactor

__all__ = ["RenderedNotebook", "render_notebook"]

_CHART = re.compile(r"application/vnd\.vegalite\.v\d+\+json")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_IMAGES = ("image/png", "image/jpeg", "image/svg+xml")
_STYLE = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_PLUGINS = ("strikethrough", "table", "url", "task_lists", "def_list", "math")
"""What Markdown of notebooks has besides the standard."""
_TITLE = re.compile(r"\A\s*#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_TABLE = re.compile(r"<table\b.*?</table\s*>", re.DOTALL | re.IGNORECASE)
_INTERVAL = re.compile(r"\(\d[^()<>]* %[^()<>]* %\)(?=</t)")
"""The interval of a share at the end of a cell, which is kept on one line."""
_CELL = re.compile(r"<td>([^<]+)(?=</td>)")
_SHORT_CELL, _LONG_CELL = 16, 40
"""Characters of a text that is kept on one line, and of one that needs a wide column."""
_MAX_ROWS_KEPT = 30
"""On paper, a longer table is split between pages: it would not fit on one with its heading."""
_TAGS = [
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl",
    "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s", "small",
    "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "u", "ul",
]  # fmt: skip
_ATTRIBUTES = {
    "*": ["class", "style", "title"],
    "a": ["href"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}

Sanitize = Callable[[str], str]


@dataclass(kw_only=True)
class RenderedNotebook:
    """The content of a notebook, without its code.

    Attributes:
        title: its first heading; empty if it does not begin with one.
        parts: the markup of its other text and of its outputs, in order.
        charts: the specifications of its charts, by the ids of the elements to draw them in.
        overview: the data of its first page; empty without one.
    """

    title: str = ""
    parts: list[str] = field(default_factory=list)
    charts: dict[str, Any] = field(default_factory=dict)
    overview: dict[str, Any] = field(default_factory=dict)


def render_notebook(notebook: Notebook, redactor: Redactor, *, name: str) -> RenderedNotebook:
    """The redacted content of a notebook that was run, the same for every run.

    Leaves out code, execution times, widgets and warnings.

    Raises:
        ReportError: a chart is a script from the internet, which a report cannot contain.
    """
    rendered = RenderedNotebook()
    sanitize = _sanitizer()
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            source = translated_markdown(cell.source)
            if not rendered.title and (heading := _TITLE.match(source)):
                rendered.title, source = heading[1], source[heading.end() :]
            if source.strip():
                rendered.parts.append(sanitize(redactor.redact_text(_markdown(source))))
        for output in cell.outputs:
            place = f"cell {number} of {name}"
            part = _output(output, redactor, sanitize, rendered, place)
            if part is not None:
                rendered.parts.append(f'<div class="output">{part}</div>')
    return rendered


def _output(
    output: Mapping[str, Any],
    redactor: Redactor,
    sanitize: Sanitize,
    rendered: RenderedNotebook,
    place: str,
) -> str | None:
    """The markup of one output; None if it is not shown."""
    if output["output_type"] == "stream":
        # stderr has warnings and progress bars, with paths and times of one machine.
        is_shown = output["name"] == "stdout"
        return _preformatted(output["text"], redactor) if is_shown else None
    data = output.get("data", {})
    if _WIDGET in data:
        return None
    if OVERVIEW_MIME in data:
        rendered.overview = redactor.redact_data(data[OVERVIEW_MIME])
        return overview_markup(rendered.overview)
    if kind := next((kind for kind in data if _CHART.fullmatch(kind)), None):
        chart = redactor.redact_data(of_any_page(data[kind]))
        chart_id = f"chart-{len(rendered.charts) + 1}"
        rendered.charts[chart_id] = chart
        return chart_figure(chart_id, chart)
    if kind := next((kind for kind in _IMAGES if kind in data), None):
        label = html.escape(redactor.redact_text(data.get("text/plain", "")))
        return f'<img alt="{label}" src="data:{kind};base64,{_base64(data[kind], kind)}">'
    if "text/html" in data:
        if "vegaEmbed" in data["text/html"]:
            raise ReportError(
                f"The chart of {place} is drawn by a script from the internet: "
                "call et.charts.use_offline_renderer() before it."
            )
        markup = sanitize(redactor.redact_text(_STYLE.sub("", data["text/html"])))
        return _TABLE.sub(_in_scroller, markup)
    if "text/markdown" in data:
        return sanitize(redactor.redact_text(_markdown(data["text/markdown"])))
    return _preformatted(data["text/plain"], redactor) if "text/plain" in data else None


def _in_scroller(table: re.Match[str]) -> str:
    """The table in an element in which it scrolls by itself, also with the keyboard."""
    is_long = table[0].count("<tr") > _MAX_ROWS_KEPT
    kind = "wide long" if is_long else "wide"
    markup = _INTERVAL.sub(lambda interval: interval[0].replace(" ", "\u00a0"), table[0])
    markup = _CELL.sub(_sized_cell, markup)
    label = html.escape(tr("Table"))
    return f'<div class="{kind}" role="group" aria-label="{label}" tabindex="0">{markup}</div>'


def _sized_cell(cell: re.Match[str]) -> str:
    """The cell with the class of its size; see tables.css."""
    text = cell[1]
    if len(text) <= _SHORT_CELL:
        return "<td>" + text.replace(" ", "\u00a0")
    return f'<td class="{"long" if len(text) >= _LONG_CELL else "mid"}">{text}'


def _preformatted(text: str, redactor: Redactor) -> str:
    return f"<pre>{html.escape(redactor.redact_text(without_ansi_codes(text)))}</pre>"


def _base64(data: str, kind: str) -> str:
    """The image in base64, as notebooks store all images except SVG."""
    content = data.encode() if kind == "image/svg+xml" else base64.b64decode(data)
    return base64.b64encode(content).decode()


def _markdown(source: str) -> str:
    """The markup of Markdown as JupyterLab reads it; it may contain HTML, so it is not safe yet."""
    # `sanitize` removes harmful links.
    renderer = mistune.HTMLRenderer(escape=False, allow_harmful_protocols=True)
    plugins = [import_plugin(name) for name in _PLUGINS]
    markdown = mistune.create_markdown(renderer=renderer, plugins=plugins)
    # A page does not draw TeX, and shows it between its dollar signs.
    renderer.register("inline_math", lambda _, text: f"${html.escape(text)}$")
    renderer.register("block_math", lambda _, text: f"$${html.escape(text)}$$\n")
    return str(markdown(source))


def _sanitizer() -> Sanitize:
    """A function that keeps the markup of text and tables, and escapes all other markup."""
    cleaner = bleach.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, css_sanitizer=CSSSanitizer())
    return lambda markup: str(cleaner.clean(markup))
