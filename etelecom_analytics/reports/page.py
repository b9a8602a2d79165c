"""HTML pages that need no network: a template, charts as data, and a script policy."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..charts.finish import about_chart, whole_notes
from ..charts.theme import embed_script, vega_lite_version
from ..language import current_language, ntr, tr

__all__ = ["chart_figure", "page_html", "render_template"]

_UNIT = re.compile(r"(?<=\d) (?=%|s\b|points\b|giây\b|điểm\b)")


def page_html(
    *,
    title: str,
    subtitle: str = "",
    notices: Iterable[str] = (),
    parts: Iterable[str],
    charts: Mapping[str, Mapping[str, Any]],
    facts: Sequence[tuple[str, str]],
    definitions: Sequence[Mapping[str, str]] = (),
) -> str:
    """A complete page; the same arguments give the same text.

    Its policy allows the page's own two scripts (the Vega bundle, and the charts) and no others.

    Args:
        title: the heading, as text.
        subtitle: a line below the heading, as text.
        notices: warnings about the numbers below, each one sentence, as text: one banner.
        parts: the content, as safe markup.
        charts: specifications by the ids of the elements to draw them in, see `chart_figure`.
        facts: a table of "About this report", as pairs of text.
        definitions: another one, of measures, as `kpi_texts` returns them.
    """
    scripts = _scripts(charts) if charts else ()
    return render_template(
        "page.html.j2",
        title=title,
        subtitle=subtitle,
        notices=[notice for notice in notices if notice],
        parts=parts,
        facts=facts,
        definitions=definitions,
        scripts=scripts,
        policy=_policy(scripts),
        language=current_language(),
    )


def chart_figure(name: str, chart: Mapping[str, Any]) -> str:
    """The markup of the element in which the chart `name` is drawn, and of its texts.

    The title is the caption, so that it wraps and can be selected. Formulas and methods are in
    "About this chart". The description is the text alternative.
    """
    title = chart.get("title", "")
    texts = title if isinstance(title, Mapping) else {"text": title}
    return render_template(
        "figure.html.j2",
        name=name,
        title=_kept(_joined(texts.get("text", ""))),
        notes=whole_notes(_lines(texts.get("subtitle", ""))),
        label=str(chart.get("description") or tr("A chart")),
        about=about_chart(chart),
    ).strip()


def _lines(text: object) -> list[str]:
    """The lines of a text of Vega-Lite, which is a text or a list of lines."""
    lines = text if isinstance(text, list) else [text]
    return [str(line) for line in lines if line]


def _joined(text: object) -> str:
    return " ".join(_lines(text))


def render_template(template: str, **context: object) -> str:
    """The markup of a template; text in the context is escaped."""
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["kept"] = _kept
    environment.globals |= {"ntr": ntr, "tr": tr}
    return environment.get_template(template).render(**context)


def _kept(text: str) -> str:
    """The text with each number and its unit kept on one line."""
    return _UNIT.sub("\u00a0", text)


@cache
def _vega_script() -> str:
    """The script that draws charts; building it takes longer than the rest of a page."""
    bundle = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=vega_lite_version()
    )
    # The first "</script" ends a script, even inside a string.
    return f"(function () {{\n{bundle}\n}})();".replace("</script", "<\\/script").replace("\r", "")


def _scripts(charts: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    # The charts of a notebook declare version 5, which JupyterLab needs. The figure has the title.
    schema = f"https://vega.github.io/schema/vega-lite/{alt.SCHEMA_VERSION}.json"
    specs = {
        name: {key: value for key, value in spec.items() if key != "title"} | {"$schema": schema}
        for name, spec in charts.items()
    }
    # External text in a script has no "<" that could end it.
    data = f"const charts = {json.dumps(specs, sort_keys=True)};".replace("<", "\\u003c")
    return _vega_script(), f"{data}\n{embed_script()}\n{_page_script()}"


@cache
def _page_script() -> str:
    return Path(__file__).with_name("page_charts.js").read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """A Content-Security-Policy that allows only these scripts.

    Vega compiles its expressions, which needs 'unsafe-eval'.
    """
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    sources = [*(f"'sha256-{digest}'" for digest in hashes), "'unsafe-eval'"]
    allowed = " ".join(sources) if scripts else "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"
