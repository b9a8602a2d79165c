"""A page to send: headline numbers and charts of a fetch, in one HTML file that asks the network for nothing."""

from pathlib import Path
from typing import Any

from ..charts import answer_rate, extension_performance, heatmap, ring_durations
from ..logs import CallLogs
from ..metrics import MetricOptions
from ..query import CallQuery
from .drawing import png, rendered
from .provenance import date_range_text, dependencies, kpi_texts, options_text
from .redaction import Redactor

__all__ = ["write_charts", "write_page"]

_DIRECTION = CallQuery(direction="in")


def write_page(
    logs: CallLogs, path: str | Path, *, options: MetricOptions = MetricOptions()
) -> Path:
    """The HTML file that was written: headline numbers and four interactive charts of the calls in.

    It is one file that needs no network, and the same bytes for the same calls, query, options and
    versions. It names them, and says through when the calls are complete. Outside numbers are
    masked in it.
    """
    page = Path(path)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_rendered(logs, options), encoding="utf-8", newline="\n")
    return page


def write_charts(
    logs: CallLogs, folder: str | Path, *, options: MetricOptions = MetricOptions()
) -> list[Path]:
    """The PNG files that were written into the folder: the charts of the page, one each, on a white ground."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for name, chart in _charts(logs, options).items():
        paths.append(Path(folder) / f"{name}.png")
        paths[-1].write_bytes(png(chart))
    return paths


def _charts(logs: CallLogs, options: MetricOptions) -> dict[str, Any]:
    """The specifications of the charts, by their names, with outside numbers masked."""
    calls_in = logs.calls.filter(_DIRECTION.to_expr())
    charts = {
        "answer_rate": answer_rate(calls_in, options=options, coverage=logs.report),
        "heatmap": heatmap(calls_in, options=options, coverage=logs.report),
        "ring_durations": ring_durations(calls_in, options=options, coverage=logs.report),
        "extension_performance": extension_performance(
            logs.calls, options=options, coverage=logs.report
        ),
    }
    withheld = Redactor(logs, keep=options.ivr_numbers)
    return {name: withheld.from_data(chart.to_dict()) for name, chart in charts.items()}


def _rendered(logs: CallLogs, options: MetricOptions) -> str:
    charts, calls_in = _charts(logs, options), logs.calls.filter(_DIRECTION.to_expr())
    span = date_range_text(calls_in, logs.query.time_zone)
    return rendered(
        "page.html.j2",
        charts,
        title="Calls in: none" if span == "no calls" else f"Calls in, {span}",
        numbers=kpi_texts(calls_in, options=options),
        described=[
            {"name": name, "description": spec.get("description", name)}
            for name, spec in charts.items()
        ],
        facts=dependencies(
            logs,
            asked=f"{logs.query}; of these, the calls in",
            reckoned=[("Options", options_text(options))],
        ),
    )
