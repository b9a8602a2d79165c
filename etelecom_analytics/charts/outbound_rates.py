"""Answer rates of outbound calls: by carrier, prefix and own number, and the best hours to call."""

from collections.abc import Sequence

import altair as alt
import polars as pl
from polars import selectors

from ..fetch_report import FetchReport
from ..language import Language, in_language, mark, tr
from ..locale.terms import count, dimension_name, or_list
from ..metrics import OUTBOUND_DIMENSIONS, Calls, MetricOptions
from ..metrics import outbound_answer_rate as rate_table
from ..metrics import outbound_hours as hour_table
from .finish import (
    CoverageNote,
    coverage_note,
    empty_chart,
    finish_chart,
    lower_first,
    range_text,
    range_title,
)
from .grouping import dimension_text, group_keys, group_names, only_dimension, tooltip_title
from .inputs import ChartInput, Names, chart_input, names_of, row_limit
from .marks import MAX_GROUPS, limit_groups
from .rate_rows import rate_rows
from .texts import interval_text, percent, unknown_note
from .theme import round_floats, total

__all__ = ["outbound_answer_rate", "outbound_hours"]

_ROWS = 40
_POSITIONS = ("begin", "middle", "end")
_RATE = mark("answer rate = answered attempts / attempts, with its 95 % interval (Wilson).")
_ATTEMPT = mark(
    "An attempt is an answered or missed outbound call to a number of 8 or more digits; an answer "
    "by the mailbox of a carrier counts as an answer."
)
_CARRIER = mark("The carrier is read from the prefix, which a ported number keeps.")
_EXPECTED = mark(
    "expected = answer rate of all attempts with as many earlier attempts to the customer. A time "
    "is better or worse if its difference over days has a q-value of at most 0.05."
)
_SIGNS = {"better": " ▲", "worse": " ▼"}
_VERDICTS = (
    mark("better", context="times"),
    mark("worse", context="times"),
    mark("no evidence", context="times"),
    mark("cannot tell", context="times"),
)


@in_language
def outbound_answer_rate(
    calls: Calls,
    *,
    by: Names = "carrier",
    limit: int = _ROWS,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.HConcatChart | alt.Chart:
    """The share of outbound attempts that customers answered, by group, with intervals. Collects.

    Args:
        calls: outbound calls; others are ignored.
        by: a dimension such as "carrier", "prefix" or "own_number", or a list of several.
        limit: the maximum number of rows, the biggest groups, or the latest days.
        options: parameters of the metrics, such as the time zone.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

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
    subject = f"{tr('Outbound answer rate')} {dimension_text(dimensions)}"
    about = [tr(_RATE), tr(_ATTEMPT), *([tr(_CARRIER)] if "carrier" in dimensions else [])]
    complete = coverage_note(coverage, zone)
    if table.is_empty():
        return _empty(data, subject, about, complete)
    counted = table.with_columns(count="answer_rate_den")
    shown, notes = limit_groups(counted, dimensions, limit, noun="attempt")
    rows = _rows(shown, data, dimensions)
    tooltip = [
        *_tooltip(dimensions),
        alt.Tooltip("customers:Q", title=tr("customers"), format=","),
    ]
    return finish_chart(
        rate_rows(rows, tooltip, size_title=tr("attempts")),
        title=range_title(subject, rows, "answer_rate", tr("{key} {percent}"), size="offered"),
        scope=[*_scope(table, zone), *notes, *_none_note(rows, dimensions)],
        about=about,
        coverage=complete,
        description=range_text(rows, "answer_rate", tr("{percent} of {offered} at {key}")),
    )


@in_language
def outbound_hours(
    calls: Calls,
    *,
    by: Names = "hour",
    limit: int = _ROWS,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
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
        language: "en" or "vi", the language of texts. None: English, or that of the report.

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
    subject = f"{tr('Best times to call')} {dimension_text(dimensions)}"
    about, complete = [tr(_RATE), tr(_EXPECTED), tr(_ATTEMPT)], coverage_note(coverage, zone)
    if table.is_empty():
        return _empty(data, subject, about, complete)
    counted = table.with_columns(count="answer_rate_den")
    shown, notes = limit_groups(counted, dimensions, limit, noun="attempt")
    verdicts = {name: tr(name, context="times") for name in _VERDICTS}
    sign = pl.col("verdict").cast(pl.String).replace_strict(_SIGNS, default="")
    rows = _rows(shown, data, dimensions).with_columns(
        percent=pl.col("percent") + sign,
        plain="percent",
        judged=pl.col("verdict").cast(pl.String).replace(verdicts),
    )
    tooltip = [
        *_tooltip(dimensions),
        alt.Tooltip("expected:Q", title=tr("expected"), format=".1%"),
        alt.Tooltip("judged:N", title=tr("compared with other times")),
        alt.Tooltip("days:Q", title=tr("days"), format=","),
    ]
    return finish_chart(
        rate_rows(rows, tooltip, size_title=tr("attempts"), reference="expected"),
        title=f"{subject}: {_finding(rows)}",
        scope=[*_scope(table, zone), *notes, *_legend(rows), *_none_note(rows, dimensions)],
        about=about,
        coverage=complete,
        description=range_text(rows, "answer_rate", tr("{plain} of {offered} at {key}, {judged}")),
    )


def _empty(
    data: ChartInput, subject: str, about: Sequence[str], complete: CoverageNote
) -> alt.Chart:
    message = tr("No outbound calls to customers") if data.height else tr("No calls")
    title, zone = f"{subject}: {lower_first(message)}", [data.options.time_zone]
    return empty_chart(title, zone, about=about, coverage=complete, message=message)


def _rows(table: pl.DataFrame, data: ChartInput, dimensions: Sequence[str]) -> pl.DataFrame:
    """The rows as `rate_rows` needs them; days, weeks and months have no positions."""
    rows = round_floats(table).with_columns(
        group_keys(table, group_names(data.calls, dimensions)),
        offered="answer_rate_den",
        answered="answer_rate_num",
        percent=pl.format("{} %", percent(pl.col("answer_rate"))),
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
        alt.Tooltip("answer_rate:Q", title=tr("answer rate"), format=".1%"),
        alt.Tooltip("interval:N", title=tr("95 % interval")),
        alt.Tooltip("answered:Q", title=tr("answered"), format=","),
        alt.Tooltip("offered:Q", title=tr("attempts"), format=","),
    ]


def _scope(table: pl.DataFrame, zone: str) -> list[str]:
    attempts = count(total(table, "answer_rate_den"), "attempt")
    return [tr("{attempts} to reach customers", attempts=attempts), zone]


def _none_note(rows: pl.DataFrame, dimensions: Sequence[str]) -> list[str]:
    """What the group without a value is."""
    unknown = [
        dimension_name(name)
        for name in dimensions
        if name in OUTBOUND_DIMENSIONS and rows[name].null_count()
    ]
    return [unknown_note(or_list(unknown))] if unknown else []


def _legend(rows: pl.DataFrame) -> list[str]:
    texts = {"better": tr("better than other times"), "worse": tr("worse than other times")}
    signs = [
        f"{sign.strip()} {texts[name]}"
        for name, sign in _SIGNS.items()
        if (rows["verdict"] == name).any()
    ]
    return [*signs, tr("tick: expected")]


def _finding(rows: pl.DataFrame) -> str:
    better = rows.filter(pl.col("verdict") == "better").sort("difference", descending=True)
    if better.height:
        best = better.row(0, named=True)
        return tr(
            "{key}, {percent} of {n} answered",
            key=best["key"],
            percent=best["plain"],
            n=best["offered"],
        )
    if (rows["verdict"] == "cannot tell").all():
        return tr("too few calls or days to tell")
    worse = rows.filter(pl.col("verdict") == "worse").height
    if worse:
        return tr("none is better than others, {n} worse", n=worse)
    return tr("none differs from others")
