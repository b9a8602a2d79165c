"""Texts of pages and reports: KPIs with their counts, and the facts that the results depend on."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import altair as alt
import polars as pl

from .. import frames, local_time
from ..formatting import format_value
from ..language import date_text, tr
from ..locale.target_text import target_text
from ..logs import CallLogs
from ..metrics import Calls, MetricOptions, summarize_fetched
from ..metrics.dimensions import Names, as_names
from ..metrics.known_talk import with_known_talk
from ..metrics.registry import DEFAULT_MEASURES, MEASURES, Measure
from ..readable_dates import period_text

__all__ = ["date_range_text", "kpi_texts", "options_text", "provenance_facts"]

_OPTIONS_AS_JSON = ("as_of", "business_hours", "holidays")
"""Options that are shorter as JSON than as a Python repr."""


def kpi_texts(
    calls: Calls,
    measures: Names = DEFAULT_MEASURES,
    *,
    options: MetricOptions,
    targets: Mapping[str, float] = MappingProxyType({}),
) -> list[dict[str, str]]:
    """Per measure: `title`, `value`, `counts`, `target` and `formula`.

    A share's counts have its interval; `target` is empty for a measure without one. Without talk of
    legs, `talk_avg_s` is in place of `agent_talk_avg_s`.
    """
    names = with_known_talk(calls, as_names(measures, "measures"), options=options)
    row = summarize_fetched(calls, [], names, coverage=None, options=options, confidence=True).row(
        0, named=True
    )
    return [
        {
            "title": tr(MEASURES[name].title),
            "value": format_value(row[name], MEASURES[name].unit),
            "counts": _counts_text(MEASURES[name], row),
            "target": target_text(name, row[name], targets),
            "formula": tr(MEASURES[name].formula(options)),
        }
        for name in names
    ]


def date_range_text(calls: pl.DataFrame, time_zone: str) -> str:
    """The first and the last local day of the calls, as text; empty if there are none."""
    first, last = calls.select(
        first=pl.col("started_at").min(), last=pl.col("started_at").max()
    ).row(0)
    if first is None:
        return ""
    zone = local_time.zone(time_zone)
    begin, end = (each.astimezone(zone).date() for each in (first, last))
    after = local_time.midnight(end + timedelta(days=1), time_zone)
    return period_text(local_time.midnight(begin, time_zone), after, time_zone)


def provenance_facts(
    logs: CallLogs, *, query: str, digest: str, settings: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Everything that the results depend on, as (name, text).

    Args:
        logs: the calls.
        query: which of them the results are about.
        digest: the SHA-256 of calls.parquet in a snapshot of the calls.
        settings: further facts, such as options and parameters.
    """
    report, zone = logs.report, logs.query.time_zone
    begin = _local(report.complete_from, zone) if report.complete_from else tr("the first call")
    drift = "; ".join(
        tr("{field}: {kind}, {n} x", field=each.field, kind=each.kind, n=each.count)
        for each in report.drift
    )
    return [
        (tr("Query"), query),
        (
            tr("Complete"),
            tr("none")
            if report.has_no_coverage
            else tr("from {begin} to {end}", begin=begin, end=_local(report.complete_to, zone)),
        ),
        *(
            (
                tr("Not fetched"),
                tr("{begin} to {end}", begin=_local(gap.begin, zone), end=_local(gap.end, zone)),
            )
            for gap in report.gaps
        ),
        (
            tr("Rows"),
            tr(
                "{calls} calls, {legs} call targets; {records} records set aside",
                calls=logs.calls.height,
                legs=frames.leg_count(logs.calls),
                records=len(report.set_aside),
            ),
        ),
        (tr("Drift"), drift or tr("none")),
        *(
            [(tr("Hotlines"), "; ".join(labels.facts()))]
            if (labels := report.hotline_labels)
            else ()
        ),
        *settings,
        ("calls.parquet, SHA-256", digest),
        (
            tr("Made with"),
            f"etelecom_analytics {version('etelecom_analytics')}, "
            f"Polars {pl.__version__}, Altair {alt.__version__}",
        ),
    ]


def options_text(options: MetricOptions) -> str:
    """All options with their values, sorted by name."""
    as_json = {name: value for name, value in options.to_dict().items() if name in _OPTIONS_AS_JSON}
    return ", ".join(
        f"{name}={value!r}" for name, value in sorted((vars(options) | as_json).items())
    )


def _counts_text(measure: Measure, row: Mapping[str, Any]) -> str:
    """What the value is computed from: "86 of 100" and the interval of a share, or a population."""
    name = measure.name
    if measure.unit == "share":
        counts = tr("{n} of {total}", n=row[f"{name}_num"], total=row[f"{name}_den"])
        if row[name] is None:
            return counts
        low, high = (format_value(row[f"{name}_{end}"], "share") for end in ("low", "high"))
        return tr("{counts}; 95 %: {low} to {high}", counts=counts, low=low, high=high)
    if f"{name}_n" in row:
        return tr("over {n} {population}", n=row[f"{name}_n"], population=tr(measure.population))
    return ""


def _local(moment: datetime, time_zone: str) -> str:
    local = moment.astimezone(local_time.zone(time_zone))
    return date_text(local) + local.isoformat(sep=" ", timespec="minutes")[10:]
