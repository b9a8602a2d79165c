"""A page to send: headline numbers and charts of a fetch, in one HTML file that asks the network for nothing."""

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import clock
from ..charts import answer_rate, extension_performance, heatmap, ring_durations
from ..logs import CallLogs
from ..metrics.options import MetricOptions
from ..metrics.registry import HEADLINE, MEASURES, Mean, Measure, Quantile
from ..metrics.summary import summarize
from ..query import CallQuery
from ..snapshot import fingerprint

__all__ = ["write_charts", "write_page"]

_DIRECTION = CallQuery(direction="in")
_COUNTED = {"answered_wait_s": "answered", "talk_s": "answered"}
"""Which count of calls stands behind a mean or a quantile of these facts."""


def write_page(logs: CallLogs, path: str | Path, *, options: MetricOptions = MetricOptions()) -> Path:  # noqa: B008  # a frozen value
    """The HTML file that was written: headline numbers and four interactive charts of the calls in.

    It is one file that needs no network, and the same bytes for the same calls, query, options and versions. It names them, and says
    through when the calls are complete.
    """
    page = Path(path)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_rendered(logs, options), encoding="utf-8", newline="\n")
    return page


def write_charts(logs: CallLogs, folder: str | Path, *, options: MetricOptions = MetricOptions()) -> list[Path]:  # noqa: B008
    """The PNG files that were written into the folder: the charts of the page, one each, on a white ground."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for name, chart in _charts(logs, options).items():
        paths.append(Path(folder) / f"{name}.png")
        chart.properties(background="white").save(str(paths[-1]), scale_factor=2)
    return paths


def _charts(logs: CallLogs, options: MetricOptions) -> dict[str, alt.TopLevelMixin]:
    calls_in = logs.calls.filter(_DIRECTION.to_expr())
    return {
        "answer_rate": answer_rate(calls_in, options=options, coverage=logs.report),
        "heatmap": heatmap(calls_in, options=options, coverage=logs.report),
        "ring_durations": ring_durations(calls_in, options=options, coverage=logs.report),
        "extension_performance": extension_performance(logs.calls, options=options, coverage=logs.report),
    }


def _rendered(logs: CallLogs, options: MetricOptions) -> str:
    environment = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    charts = {name: chart.to_dict() for name, chart in _charts(logs, options).items()}
    return environment.get_template("page.html.j2").render(
        title=_title(logs),
        numbers=_headline(logs, options),
        charts=[{"name": name, "description": spec.get("description", name)} for name, spec in charts.items()],
        # A script ends at the first "</script", even within a text: no "<" is left in what comes from outside.
        specs=json.dumps(charts, sort_keys=True).replace("<", "\\u003c"),
        script=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_vega_lite_version()).replace(
            "</script", "<\\/script"
        ),
        facts=_facts(logs, options),
    )


def _title(logs: CallLogs) -> str:
    zone = clock.zone(logs.query.time_zone)
    starts = logs.calls["started_at"].drop_nulls().to_list()
    if not starts:
        return "Calls in: none"
    return f"Calls in, {min(starts).astimezone(zone):%Y-%m-%d} to {max(starts).astimezone(zone):%Y-%m-%d}"


def _headline(logs: CallLogs, options: MetricOptions) -> list[dict[str, str]]:
    calls_in = logs.calls.filter(_DIRECTION.to_expr())
    row = summarize(calls_in, measures=[*HEADLINE, "answered"], options=options, confidence=True).row(0, named=True)
    return [_number(MEASURES[name], row, options) for name in HEADLINE]


def _number(measure: Measure, row: Mapping[str, Any], options: MetricOptions) -> dict[str, str]:
    """One headline number with its counts, its doubt and its formula."""
    value, name = row[measure.name], measure.name
    shown, counts = "none", ""
    if measure.unit == "share":
        counts = f"{row[f'{name}_num']:,} of {row[f'{name}_den']:,}"
        if value is not None:
            shown = f"{value:.1%}"
            counts += f"; 95 %: {row[f'{name}_low']:.1%} to {row[f'{name}_high']:.1%}"
    elif value is not None:
        shown = f"{value:,.1f} s" if measure.unit == "s" else f"{value:,}"
    match measure.made_of:
        case Mean(fact) | Quantile(fact, _) if fact in _COUNTED:
            counts = f"over {row[_COUNTED[fact]]:,} {_COUNTED[fact]} calls"
    return {"title": measure.title, "value": shown, "counts": counts, "formula": measure.formula(options)}


def _facts(logs: CallLogs, options: MetricOptions) -> list[tuple[str, str]]:
    """What the numbers depend on, so that the page says the same tomorrow."""
    report, zone = logs.report, logs.query.time_zone
    since = _local(report.complete_from, zone) if report.complete_from else "the first call"
    reckoned = ", ".join(f"{name}={value!r}" for name, value in sorted(vars(options).items()))
    drift = "; ".join(f"{each.field}: {each.kind}, {each.count:,} x" for each in report.drift)
    return [
        ("Asked for", f"{logs.query}; of these, the calls in"),
        ("Complete", f"from {since} to {_local(report.complete_to, zone)}"),
        *(("Not fetched", f"{_local(gap.begin, zone)} to {_local(gap.end, zone)}") for gap in report.gaps),
        ("Rows", f"{logs.calls.height:,} calls, {logs.call_targets.height:,} call targets; {len(report.set_aside):,} records set aside"),
        ("Drift", drift or "none"),
        ("Options", reckoned),
        ("calls.parquet, SHA-256", fingerprint(logs.calls)),
        ("Made with", f"etelecom_analytics {version('etelecom_analytics')}, Polars {pl.__version__}, Altair {alt.__version__}"),
    ]


def _local(moment: datetime, time_zone: str) -> str:
    return moment.astimezone(clock.zone(time_zone)).isoformat(sep=" ", timespec="minutes")


def _vega_lite_version() -> str:
    """The newest Vega-Lite that the bundler has of the major version that Altair writes."""
    major = alt.SCHEMA_VERSION.removeprefix("v").split(".")[0]
    known = [text for text in vl_convert.get_vegalite_versions() if text.split(".")[0] == major]
    return str(max(known, key=lambda text: tuple(map(int, text.split(".")))))
