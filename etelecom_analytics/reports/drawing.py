"""Charts in a page that reaches for nothing: Vega once, every specification as data, and a policy that lets nothing else run."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["png", "rendered"]

_DRAW = """
const options = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };
for (const name of Object.keys(charts)) vegaEmbed("#" + name, charts[name], options);
"""
_SHOWN_TWICE_AS_SHARP = 2.0


def rendered(template: str, charts: Mapping[str, Mapping[str, Any]], **context: object) -> str:
    """The page: this template, with the charts drawn in the elements whose ids are their names.

    The same arguments give the same text. The page may run the two scripts that it carries and no
    other, wherever that came from.
    """
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    scripts = _scripts(charts) if charts else ()
    return environment.get_template(template).render(
        scripts=scripts, policy=_policy(scripts), **context
    )


def png(chart: Mapping[str, Any]) -> bytes:
    """The chart as a picture on a white ground; the same bytes each time."""
    spec = {**chart, "background": "white"}
    return bytes(
        vl_convert.vegalite_to_png(
            spec, vl_version=_vega_lite_version(), scale=_SHOWN_TWICE_AS_SHARP
        )
    )


def _scripts(charts: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    bundle = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=_vega_lite_version()
    )
    # a notebook's charts say 5, for JupyterLab's sake
    schema = f"https://vega.github.io/schema/vega-lite/{alt.SCHEMA_VERSION}.json"
    specs = json.dumps(
        {name: {**spec, "$schema": schema} for name, spec in charts.items()}, sort_keys=True
    )
    # A script ends at the first "</script", even within a text: no "<" is left in what comes from
    # outside.
    return (
        f"(function () {{\n{bundle}\n}})();".replace("</script", "<\\/script").replace("\r", ""),
        f"const charts = {specs};{_DRAW}".replace("<", "\\u003c"),
    )


def _policy(scripts: Sequence[str]) -> str:
    """A Content-Security-Policy by which nothing runs but these scripts. Vega compiles its expressions, hence 'unsafe-eval'."""
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    allowed = (
        " ".join([*(f"'sha256-{each}'" for each in hashes), "'unsafe-eval'"])
        if scripts
        else "'none'"
    )
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


def _vega_lite_version() -> str:
    """The newest Vega-Lite that the bundler has of the major version that Altair writes."""
    major = alt.SCHEMA_VERSION.removeprefix("v").split(".")[0]
    known = [text for text in vl_convert.get_vegalite_versions() if text.split(".")[0] == major]
    return str(max(known, key=lambda text: tuple(map(int, text.split(".")))))
