"""The lists of a first page: the worst hours or extensions, and callers to call back."""

from typing import Any

import polars as pl

from .. import local_time
from ..language import mark, number, short_day, tr
from ..locale.display import Display
from ..locale.value_text import age_text
from ..metrics import Calls, MetricOptions, missed_ledger, summarize

__all__ = [
    "CALLER_COLUMNS",
    "open_caller_rows",
    "waiting_callers",
    "worst_extensions",
    "worst_hours",
]

CALLER_COLUMNS = (
    mark("Caller"),
    mark("First missed"),
    mark("Calls"),
    mark("Tries"),
    mark("Waiting for"),
)
_MAX_WORST, _MAX_CALLERS = 3, 5

Json = dict[str, Any]


def worst_hours(calls: Calls, options: MetricOptions, lost_word: str) -> Json:
    """The hours with the most missed calls, the most first."""
    rows = _worst(calls, ["day", "hour"], "answer_rate", options)
    names = [f"{short_day(row['day'])}, {row['hour']}:00–{row['hour'] + 1}:00" for row in rows]
    return {
        "heading": tr("Which hours were worst?"),
        "text": tr("The hours with the most calls that were {lost}", lost=lost_word),
        "columns": [tr("Hour"), lost_word.capitalize(), tr("of", context="column")],
        "empty": tr("No call was {lost}.", lost=lost_word),
        "rows": _bars(names, rows),
    }


def worst_extensions(calls: Calls, options: MetricOptions, display: Display) -> Json:
    """The extensions that did not answer the most offers that they could take, the most first."""
    rows = _worst(calls, ["target_number"], "fair_answer_rate", options)
    names = [display.label("target_number", row["target_number"]) for row in rows]
    return {
        "heading": tr("Who let calls ring?"),
        "text": tr("The extensions with the most offers that they could take and did not answer"),
        "columns": [tr("Extension"), tr("Not answered"), tr("of", context="column")],
        "empty": tr("Every offer that could be taken was answered."),
        "rows": _bars(names, rows),
    }


def _worst(calls: Calls, by: list[str], share: str, options: MetricOptions) -> list[dict[str, Any]]:
    """The groups that lost the most, with `lost` and `total`; of equals, the smaller is worse."""
    table = summarize(calls, by, [share], options=options, confidence=True).lazy().collect()
    total = pl.col(f"{share}_den")
    counted = table.select(*by, lost=total - pl.col(f"{share}_num"), total=total)
    order = counted.filter(pl.col("lost") > 0).sort(
        "lost", "total", *by, descending=[True, False, *(False for _ in by)]
    )
    return order.head(_MAX_WORST).rows(named=True)


def _bars(names: list[str], rows: list[dict[str, Any]]) -> list[Json]:
    most = max((row["lost"] for row in rows), default=1)
    return [
        {
            "name": name,
            "lost": number(row["lost"]),
            "total": number(row["total"]),
            "width": round(100 * row["lost"] / most),
        }
        for name, row in zip(names, rows, strict=True)
    ]


def open_caller_rows(calls: Calls, options: MetricOptions) -> pl.DataFrame:
    """One row per missed caller who was not reached or served since, the longest waiting first.

    Columns: `caller`; `first_missed`; `missed`, the caller's missed calls; `tries`, the outbound
    calls to the caller since the first; `age_s`, the seconds since.
    """
    ledger = missed_ledger(calls, options=options).lazy().collect().filter(outcome="open")
    return (
        ledger.sort("started_at", "id")
        .group_by("number", maintain_order=True)
        .agg(
            pl.col("caller").first(),
            first_missed=pl.col("started_at").first(),
            missed=pl.len().cast(pl.Int64),
            tries=pl.col("attempts").first(),
            age_s=pl.col("age_s").first(),
        )
        .drop("number")
        .sort("first_missed", "caller")
    )


def waiting_callers(
    waiting: pl.DataFrame,
    options: MetricOptions,
    display: Display,
    *,
    has_callbacks: bool,
    limit: int = _MAX_CALLERS,
) -> Json:
    """The first rows of `open_caller_rows` as text.

    Args:
        waiting: the table of `open_caller_rows`.
        options: the options of the measures.
        display: whether and which phone numbers are shown.
        has_callbacks: whether there are any outbound calls.
        limit: the maximum number of rows.
    """
    zone = local_time.zone(options.time_zone)
    rows = [
        [
            row["caller"],
            f"{short_day(moment := row['first_missed'].astimezone(zone))}, {moment:%H:%M}",
            number(row["missed"]),
            number(row["tries"]),
            age_text(row["age_s"]),
        ]
        for row in display.masked(waiting.head(limit)).iter_rows(named=True)
    ]
    more = waiting.height - len(rows)
    if options.as_of:
        end = options.as_of.astimezone(zone)
        text = tr(
            "Missed and not reached or served by {moment}, longest waiting first",
            moment=f"{short_day(end)}, {end:%H:%M}",
        )
    else:
        text = tr("Missed and not reached or served, longest waiting first")
    if not display.show_numbers:
        text = tr("{text}; numbers are masked", text=text)
    if not has_callbacks:
        text = tr("{text}. There are no outbound calls, so callbacks are unknown", text=text)
    return {
        "heading": tr("Who still waits for a call back?"),
        "count": number(waiting.height),
        "text": text,
        "columns": [tr(name) for name in CALLER_COLUMNS],
        "rows": rows,
        "more": tr("and {n} more", n=more) if more > 0 else "",
        "empty": tr("Nobody: every missed caller with a known number was called back or served."),
    }
