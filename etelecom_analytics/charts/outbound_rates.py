"""Answer rates of outbound calls: by carrier, prefix and own number, and the best hours to call."""

from collections.abc import Sequence

import altair as alt
import polars as pl
from polars import selectors

from ..fetch_report import FetchReport
from ..metrics import OUTBOUND_DIMENSIONS, Calls, MetricOptions
from ..metrics import outbound_answer_rate as rate_table
from ..metrics import outbound_hours as hour_table
from .finish import CoverageNote, coverage_note, empty_chart, finish_chart, range_text, range_title
from .grouping import dimension_text, group_keys, group_names, only_dimension, tooltip_title
from .inputs import ChartInput, Names, chart_input, names_of, row_limit
from .marks import MAX_GROUPS, limit_groups
from .rate_rows import rate_rows
from .theme import NONE_LABEL, count, interval_text, round_floats, total

__all__ = ["outbound_answer_rate", "outbound_hours"]

_ROWS = 40
_POSITIONS = ("begin", "middle", "end")
_RATE = "answer rate = answered attempts / attempts, with its 95 % interval (Wilson)."
_ATTEMPT = (
    "An attempt is an answered or missed outbound call to a number of 8 or more digits; an answer "
    "by the mailbox of a carrier counts as an answer."
)
_CARRIER = "The carrier is read from the prefix, which a ported number keeps."
_EXPECTED = (
    "expected = answer rate of all attempts with as many earlier attempts to the customer. A time "
    "is better or worse if its difference over days has a q-value of at most 0.05."
)


def outbound_answer_rate(
    calls: Calls,
    *,
    by: Names = "carrier",
    limit: int = _ROWS,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.HConcatChart | alt.Chart:
    """The share of outbound attempts that customers answered, by group, with intervals. Collects.

    Args:
        calls: outbound calls; others are ignored.
        by: a dimension such as "carrier", "prefix" or "own_number", or a list of several.
        limit: the maximum number of rows, the biggest groups, or the latest days.
        options: parameters of the metrics, such as the time zone.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        UnknownName: no such dimension of outbound calls; the message lists the nearest.
        InputError: `limit` is out of range.

    Examples:
        >>> chart = et.charts.outbound_answer_rate(et.sample_logs().calls)
        >>> chart.title.text
        ['Outbound answer rate by carrier: lowest viettel 68 %, highest other 75 %']
    """
    data, dimensions = chart_input(calls, options, coverage), names_of(by, "by", "carrier")
    limit, zone = row_limit(limit, MAX_GROUPS), data.options.time_zone
    table = rate_table(data.calls.lazy(), dimensions, options=data.options).collect()
    subject = f"Outbound answer rate {dimension_text(dimensions)}"
    about = [_RATE, _ATTEMPT, *([_CARRIER] if "carrier" in dimensions else [])]
    complete = coverage_note(coverage, zone)
    if table.is_empty():
        return _empty(data, subject, about, complete)
    counted = table.with_columns(count="answer_rate_den")
    shown, notes = limit_groups(counted, dimensions, limit, noun="attempt")
    rows = _rows(shown, data, dimensions)
    tooltip = [
        *_tooltip(dimensions),
        alt.Tooltip("customers:Q", title="customers", format=","),
    ]
    return finish_chart(
        rate_rows(rows, tooltip, size_title="attempts"),
        title=range_title(subject, rows, "answer_rate", "{key} {percent}", size="offered"),
        scope=[*_scope(table, zone), *notes, *_none_note(rows, dimensions)],
        about=about,
        coverage=complete,
        description=range_text(rows, "answer_rate", "{percent} of {offered:,} at {key}"),
    )


def outbound_hours(
    calls: Calls,
    *,
    by: Names = "hour",
    limit: int = _ROWS,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.HConcatChart | alt.Chart:
    """At which hours customers answer outbound calls, and which of them differ. Collects.

    A tick marks the rate that is expected of the same attempts at any time, since customers who
    are called again answer less often. Hours with a sign differ by more than chance, see
    `et.metrics.outbound_hours`.

    Args:
        calls: outbound calls; others are ignored.
        by: "hour", "weekday" or another dimension, or a list of several.
        limit: the maximum number of rows, the biggest groups, or the latest days.
        options: parameters of the metrics, such as the time zone.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        UnknownName: no such dimension of outbound calls; the message lists the nearest.
        InputError: `limit` is out of range.

    Examples:
        >>> chart = et.charts.outbound_hours(et.sample_logs().calls)
        >>> chart.title.text
        ['Best times to call by hour: too few calls or days to tell']
    """
    data, dimensions = chart_input(calls, options, coverage), names_of(by, "by", "hour")
    limit, zone = row_limit(limit, MAX_GROUPS), data.options.time_zone
    table = hour_table(data.calls.lazy(), dimensions, options=data.options)
    subject = f"Best times to call {dimension_text(dimensions)}"
    about, complete = [_RATE, _EXPECTED, _ATTEMPT], coverage_note(coverage, zone)
    if table.is_empty():
        return _empty(data, subject, about, complete)
    counted = table.with_columns(count="answer_rate_den")
    shown, notes = limit_groups(counted, dimensions, limit, noun="attempt")
    sign = pl.col("verdict").cast(pl.String).replace_strict(_SIGNS, default="")
    rows = _rows(shown, data, dimensions).with_columns(
        percent=pl.col("percent") + sign, plain="percent"
    )
    tooltip = [
        *_tooltip(dimensions),
        alt.Tooltip("expected:Q", title="expected", format=".1%"),
        alt.Tooltip("verdict:N", title="compared with other times"),
        alt.Tooltip("days:Q", title="days", format=","),
    ]
    return finish_chart(
        rate_rows(rows, tooltip, size_title="attempts", reference="expected"),
        title=f"{subject}: {_finding(rows)}",
        scope=[*_scope(table, zone), *notes, *_legend(rows), *_none_note(rows, dimensions)],
        about=about,
        coverage=complete,
        description=range_text(rows, "answer_rate", "{plain} of {offered:,} at {key}, {verdict}"),
    )


_SIGNS = {"better": " ▲", "worse": " ▼"}


def _empty(
    data: ChartInput, subject: str, about: Sequence[str], complete: CoverageNote
) -> alt.Chart:
    message = "No outbound calls to customers" if data.height else "No calls"
    title, zone = f"{subject}: {message.lower()}", [data.options.time_zone]
    return empty_chart(title, zone, about=about, coverage=complete, message=message)


def _rows(table: pl.DataFrame, data: ChartInput, dimensions: Sequence[str]) -> pl.DataFrame:
    """The rows as `rate_rows` needs them; days, weeks and months have no positions."""
    rows = round_floats(table).with_columns(
        group_keys(table, group_names(data.calls, dimensions)),
        offered="answer_rate_den",
        answered="answer_rate_num",
        percent=pl.format("{} %", (pl.col("answer_rate") * 100).round(0).cast(pl.Int64)),
        interval=interval_text("answer_rate_low", "answer_rate_high"),
    )
    if only_dimension(dimensions) == "hour":
        rows = rows.with_columns(key=_clock_text())
    return rows.select(~selectors.date() & ~selectors.by_name(*_POSITIONS, require_all=False))


def _clock_text() -> pl.Expr:
    """The hour as a clock time, such as "9:00"."""
    return pl.when(pl.col("hour").is_not_null()).then(pl.col("key") + ":00").otherwise("key")


def _tooltip(dimensions: Sequence[str]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("key:N", title=tooltip_title(dimensions)),
        alt.Tooltip("answer_rate:Q", title="answer rate", format=".1%"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("answered:Q", title="answered", format=","),
        alt.Tooltip("offered:Q", title="attempts", format=","),
    ]


def _scope(table: pl.DataFrame, zone: str) -> list[str]:
    return [f"{count(total(table, 'answer_rate_den'), 'attempt')} to reach customers", zone]


def _none_note(rows: pl.DataFrame, dimensions: Sequence[str]) -> list[str]:
    """What the group without a value is."""
    unknown = [
        name.replace("_", " ")
        for name in dimensions
        if name in OUTBOUND_DIMENSIONS and rows[name].null_count()
    ]
    return [f"{NONE_LABEL}: {' or '.join(unknown)} unknown"] if unknown else []


def _legend(rows: pl.DataFrame) -> list[str]:
    verdicts = [name for name in _SIGNS if (rows["verdict"] == name).any()]
    signs = [f"{_SIGNS[name].strip()} {name} than other times" for name in verdicts]
    return [*signs, "tick: expected"]


def _finding(rows: pl.DataFrame) -> str:
    better = rows.filter(pl.col("verdict") == "better").sort("difference", descending=True)
    if better.height:
        best = better.row(0, named=True)
        return f"{best['key']}, {best['plain']} of {best['offered']:,} answered"
    if (rows["verdict"] == "cannot tell").all():
        return "too few calls or days to tell"
    worse = rows.filter(pl.col("verdict") == "worse").height
    return f"none is better than others, {worse} worse" if worse else "none differs from others"
