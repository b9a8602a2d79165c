"""What pages and reports tell in words: headline numbers with their counts, and what they all depend on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

import altair as alt
import polars as pl

from .. import local_time
from ..logs import CallLogs
from ..metrics import Calls, MetricOptions, summarize
from ..metrics.registry import DEFAULT_MEASURES, MEASURES, Mean, Measure, Quantile
from ..snapshot import fingerprint

__all__ = ["dependencies", "kpi_texts", "options_text", "date_range_text"]

_COUNTED = {"answered_wait_s": "answered", "talk_s": "answered"}
"""Which count of calls stands behind a mean or a quantile of these facts."""

_WHOLE_SECONDS = 1000
"""From so many on, tenths of a second are no news."""

_MOMENTS = ("as_of", "business_hours", "holidays")
"""Options that JSON has in fewer words than Python."""


def kpi_texts(
    calls: Calls, measures: Sequence[str] = DEFAULT_MEASURES, *, options: MetricOptions
) -> list[dict[str, str]]:
    """Each measure of these calls as texts: its `title`, `value`, `counts` (with the interval of a share) and `formula`."""
    row = (
        summarize(calls, measures=[*measures, "answered"], options=options, confidence=True)
        .lazy()
        .collect()
        .row(0, named=True)
    )
    return [_number(MEASURES[name], row, options) for name in measures]


def date_range_text(calls: pl.DataFrame, time_zone: str) -> str:
    """From which local day to which these calls began; "no calls" if there are none."""
    first, last = calls.select(
        first=pl.col("started_at").min(), last=pl.col("started_at").max()
    ).row(0)
    if first is None:
        return "no calls"
    zone = local_time.zone(time_zone)
    return f"{first.astimezone(zone):%Y-%m-%d} to {last.astimezone(zone):%Y-%m-%d}"


def dependencies(
    logs: CallLogs, *, asked: str, reckoned: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """What the numbers depend on as (name, text), so that a page says the same tomorrow; `reckoned` stands among them."""
    report, zone = logs.report, logs.query.time_zone
    since = _local(report.complete_from, zone) if report.complete_from else "the first call"
    drift = "; ".join(f"{each.field}: {each.kind}, {each.count:,} x" for each in report.drift)
    return [
        ("Asked for", asked),
        ("Complete", f"from {since} to {_local(report.complete_to, zone)}"),
        *(
            ("Not fetched", f"{_local(gap.begin, zone)} to {_local(gap.end, zone)}")
            for gap in report.gaps
        ),
        (
            "Rows",
            f"{logs.calls.height:,} calls, {logs.call_targets.height:,} call targets; {len(report.set_aside):,} records set aside",
        ),
        ("Drift", drift or "none"),
        *reckoned,
        ("calls.parquet, SHA-256", fingerprint(logs.calls)),
        (
            "Made with",
            f"etelecom_analytics {version('etelecom_analytics')}, Polars {pl.__version__}, Altair {alt.__version__}",
        ),
    ]


def options_text(options: MetricOptions) -> str:
    """All options with their values, in the order of their names."""
    moments = {name: value for name, value in options.to_dict().items() if name in _MOMENTS}
    return ", ".join(
        f"{name}={value!r}" for name, value in sorted((vars(options) | moments).items())
    )


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
        shown = (
            f"{value:,.{0 if value >= _WHOLE_SECONDS else 1}f} s"
            if measure.unit == "s"
            else f"{value:,}"
        )
    match measure.made_of:
        case Mean(fact) | Quantile(fact, _) if fact in _COUNTED:
            counts = f"over {row[_COUNTED[fact]]:,} {_COUNTED[fact]} calls"
    return {
        "title": measure.title,
        "value": shown,
        "counts": counts,
        "formula": measure.formula(options),
    }


def _local(moment: datetime, time_zone: str) -> str:
    return moment.astimezone(local_time.zone(time_zone)).isoformat(sep=" ", timespec="minutes")
