"""HTML pages that need no network: a template, charts as data, and a script policy."""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..charts.theme import vega_lite_version

__all__ = ["chart_figure", "page_html", "render_template"]

_EMBED = """
const options = {
  renderer: "svg",
  actions: { export: true, source: false, compiled: false, editor: false },
};
for (const name of Object.keys(charts)) vegaEmbed("#" + name, charts[name], options);
"""


def page_html(
    *,
    title: str,
    subtitle: str = "",
    notices: Iterable[str] = (),
    parts: Iterable[str],
    charts: Mapping[str, Mapping[str, Any]],
    facts: Sequence[tuple[str, str]],
) -> str:
    """A complete page; the same arguments give the same text.

    Its policy allows the page's own two scripts (the Vega bundle, and the charts) and no others.

    Args:
        title: the heading, as text.
        subtitle: a line below the heading, as text.
        notices: warnings about the numbers below, each one sentence, as text.
        parts: the content, as safe markup.
        charts: specifications by the ids of the elements to draw them in, see `chart_figure`.
        facts: the table "About this report", as pairs of text.
    """
    scripts = _scripts(charts) if charts else ()
    return render_template(
        "page.html.j2",
        title=title,
        subtitle=subtitle,
        notices=[notice for notice in notices if notice],
        parts=parts,
        facts=facts,
        scripts=scripts,
        policy=_policy(scripts),
    )


def chart_figure(name: str, chart: Mapping[str, Any]) -> str:
    """The markup of the element in which the chart `name` is drawn, with a text alternative."""
    label = html.escape(str(chart.get("description", "A chart")))
    return f'<figure><div id="{name}" role="img" aria-label="{label}"></div></figure>'


def render_template(template: str, **context: object) -> str:
    """The markup of a template; text in the context is escaped."""
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(template).render(**context)


@cache
def _vega_script() -> str:
    """The script that draws charts; building it takes longer than the rest of a page."""
    bundle = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=vega_lite_version()
    )
    # The first "</script" ends a script, even inside a string.
    return f"(function () {{\n{bundle}\n}})();".replace("</script", "<\\/script").replace("\r", "")


def _scripts(charts: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    # The charts of a notebook declare version 5, which JupyterLab needs.
    schema = f"https://vega.github.io/schema/vega-lite/{alt.SCHEMA_VERSION}.json"
    specs = json.dumps(
        {name: {**spec, "$schema": schema} for name, spec in charts.items()}, sort_keys=True
    )
    # External text in a script has no "<" that could end it.
    return _vega_script(), f"const charts = {specs};{_EMBED}".replace("<", "\\u003c")


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
