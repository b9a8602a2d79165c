"""The outputs of a notebook that ran, as parts of a page: charts as data, tables and words as markup that can do nothing."""

import base64
import html
import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import ReportError
from .redaction import Redactor

__all__ = ["Rendered", "rendered_parts"]

_CHART = re.compile(r"application/vnd\.vegalite\.v\d+\+json")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
_STYLE = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TITLE = re.compile(r"\A\s*#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_TAGS = [
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul",
]  # fmt: skip
_ATTRIBUTES = {
    "*": ["class", "style", "title"],
    "a": ["href"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}


@dataclass(kw_only=True)
class Rendered:
    """What a notebook shows.

    Attributes:
        title: its first heading; empty if it does not begin with one.
        parts: the markup of its other words and of its outputs, in their order.
        charts: the specifications of its charts, by the ids of the elements in which they are to be
            drawn.
    """

    title: str = ""
    parts: list[str] = field(default_factory=list)
    charts: dict[str, Any] = field(default_factory=dict)


def rendered_parts(notebook: Any, withheld: Redactor, *, name: str) -> Rendered:
    """What this notebook shows, without its code: no execution time, no widget, no warning, nothing that differs from run to run.

    Raises:
        ReportError: a chart comes as a script, which no report carries.
    """
    rendered = Rendered()
    sanitised = _sanitiser()
    for place, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            source = cell.source
            if not rendered.title and (heading := _TITLE.match(source)):
                rendered.title, source = heading[1], source[heading.end() :]
            if source.strip():
                rendered.parts.append(sanitised(withheld.from_text(_markdown(source))))
        for output in cell.get("outputs", ()):
            if (
                part := _output(output, withheld, sanitised, rendered, f"cell {place} of {name}")
            ) is not None:
                rendered.parts.append(f'<div class="output">{part}</div>')
    return rendered


def _output(
    output: Any, withheld: Redactor, sanitised: Any, rendered: Rendered, where: str
) -> str | None:
    """The markup of one output, None if nothing of it is shown."""
    if output.output_type == "stream":
        # What goes to stderr are warnings and progress bars, with the paths and times of one
        # machine.
        return _preformatted(output.text, withheld) if output.name == "stdout" else None
    data = output.get("data", {})
    if _WIDGET in data:
        return None
    if kind := next((kind for kind in data if _CHART.fullmatch(kind)), None):
        return _chart(withheld.from_data(data[kind]), rendered)
    if kind := next((kind for kind in _PICTURES if kind in data), None):
        words = html.escape(withheld.from_text(data.get("text/plain", "")))
        return f'<img alt="{words}" src="data:{kind};base64,{_base64(data[kind], kind)}">'
    if "text/html" in data:
        if "vegaEmbed" in data["text/html"]:
            raise ReportError(
                f"The chart of {where} is drawn by a script from the internet: call et.charts.use_offline_renderer() before it."
            )
        return str(sanitised(withheld.from_text(_STYLE.sub("", data["text/html"]))))
    if "text/markdown" in data:
        return str(sanitised(withheld.from_text(_markdown(data["text/markdown"]))))
    return _preformatted(data["text/plain"], withheld) if "text/plain" in data else None


def _chart(spec: Any, rendered: Rendered) -> str:
    chart = f"chart-{len(rendered.charts) + 1}"
    rendered.charts[chart] = spec
    return f'<figure><div id="{chart}" role="img" aria-label="{html.escape(str(spec.get("description", "A chart")))}"></div></figure>'


def _preformatted(text: str, withheld: Redactor) -> str:
    return f"<pre>{html.escape(withheld.from_text(_COLOURS.sub('', text)))}</pre>"


def _base64(data: str, kind: str) -> str:
    """The picture's bytes, which a notebook keeps as base64, but for SVG, which it keeps as text."""
    content = data.encode() if kind == "image/svg+xml" else base64.b64decode(data)
    return base64.b64encode(content).decode()


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    return str(
        MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(
            source
        )
    )


def _sanitiser() -> Any:
    """A function that leaves tables, words and lists of some markup, and shows everything else as the text that it is."""
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    return SanitizeHTML(tags=_TAGS, attributes=_ATTRIBUTES).sanitize_html_tags  # type: ignore[no-untyped-call]
