"""Answer rates over time, over the clock, and by whatever calls carry."""

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import MEASURES, NAME_DIMENSIONS, Calls, MetricOptions, summarize_fetched
from ..names import labels
from .axes import (
    CLOCK,
    TIME,
    dimension_text,
    fetched_text,
    key_text,
    missing_spans,
    shading_note,
    spans,
)
from .finish import coverage_note, empty_chart, finish_chart
from .panels import by_name, over_clock, over_time
from .theme import NONE_LABEL, count, round_floats, short_number, total

__all__ = ["answer_rate"]

_MOST_SPANS = 370
_MOST_NAMES = 40
_OF_EXTENSIONS = ("extension_id", "user_id", *NAME_DIMENSIONS)


def answer_rate(
    calls: Calls,
    *,
    by: str = "day",
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.HConcatChart | alt.Chart:
    """The answer rate of each group with its 95 % interval, and the calls that were offered below or beside it.

    Days, weeks and months stand on an axis of time, at most the latest 370; hours and weekdays all
    in their order; other groups by the number of their calls, at most the 40 biggest. Collects.

    Args:
        calls: calls of any direction; what is counted is what is given.
        by: a dimension that calls carry, such as "day", "hour", "direction" or "callee". Extensions
            and users are told by name where calls have names (`logs.with_names(...)`): "An (101)".
        options: what the numbers depend on besides the calls.
        coverage: `logs.report`; shades what was not fetched or not asked for, and counts 0 where
            something was fetched and had no calls.

    Raises:
        InputError: a dimension of offers, or none at all; the message says which there are.
    """
    measures = ["calls", "offered", "answered", "missed", "answer_rate"]
    table = round_floats(
        summarize_fetched(
            calls, [by], measures, coverage=coverage, options=options, confidence=True
        )
    )
    named, zone = f"Answer rate {dimension_text(by)}", f"({options.time_zone})"
    formula = f"answer_rate = {MEASURES['answer_rate'].formula(options)}, with its 95 % interval (Wilson)."
    notes: list[str] = [formula, coverage_note(coverage, options.time_zone)]
    all_calls, offered = total(table, "calls"), total(table, "offered")
    if not offered:
        notes.append(
            f"{count(all_calls, 'call')}, running or of unknown state." if all_calls else ""
        )
        return empty_chart(
            f"{named}: no {'offered ' if all_calls else ''}calls {zone}",
            notes,
            message="No offered calls" if all_calls else "No calls",
        )
    title = f"{named}, of {count(offered, 'offered call')} {zone}"
    if by in _OF_EXTENSIONS and table[by].null_count():
        notes.append(
            f"A missed call has no extension: it counts under {NONE_LABEL}, and so all others come near 100 %."
        )
    shown, limits = _limited(
        table.with_columns(
            key=key_text(by).replace(labels(calls.lazy(), by)), fetched=fetched_text(), **_texts()
        ),
        by,
    )
    notes.extend(limits)
    if not shown.height:
        return empty_chart(title, notes, message="No calls with a start")
    drawn: alt.VConcatChart | alt.HConcatChart
    tooltip = _tooltip(by, coverage)
    if by in TIME:
        shown = shown.with_columns(**spans(by))
        gaps = missing_spans(coverage, shown, options.time_zone)
        notes.append(shading_note(gaps))
        drawn = over_time(shown, by, gaps, tooltip)
    elif by in CLOCK:
        drawn = over_clock(shown, by, tooltip)
    else:
        drawn = by_name(shown, by, tooltip)
    return finish_chart(drawn, title=title, notes=notes, description=_alt_text(shown))


def _tooltip(by: str, coverage: FetchReport | None) -> list[alt.Tooltip]:
    counts = {
        "answered": "answered",
        "missed": "missed",
        "offered": "offered",
        "calls": "all calls",
    }
    return [
        alt.Tooltip("key:N", title=by.replace("_", " ")),
        alt.Tooltip("answer_rate:Q", title="answer rate", format=".1%"),
        alt.Tooltip("interval:N", title="95 % interval"),
        *(alt.Tooltip(f"{name}:Q", title=title, format=",") for name, title in counts.items()),
        *([alt.Tooltip("fetched:N")] if coverage and by in (*TIME, *CLOCK) else []),
    ]


def _texts() -> dict[str, pl.Expr]:
    low, high = (pl.col(f"answer_rate_{end}") * 100 for end in ("low", "high"))
    points = (pl.col("answer_rate") * 100).round(0).cast(pl.Int64)
    return {
        "interval": pl.format("{} to {} %", low.round(1), high.round(1)).fill_null("none offered"),
        "percent": pl.format("{} %", points).fill_null("-"),
        "points": pl.format("{}", points),
        "size": short_number(pl.col("offered")),
    }


def _limited(table: pl.DataFrame, by: str) -> tuple[pl.DataFrame, list[str]]:
    """The groups that are drawn, in the order in which they are, and what is to be said of the others."""
    if by in CLOCK:
        return table, []
    if by not in TIME:
        biggest = table.sort(-pl.col("offered"), by, nulls_last=True)
        shown = table if isinstance(table.schema[by], pl.Enum) else biggest.head(_MOST_NAMES)
        return shown, [
            f"The {shown.height} groups with the most offered calls, of {table.height:,}."
        ] if shown.height < table.height else []
    dated = table.filter(pl.col(by).is_not_null())
    undated = total(table.filter(pl.col(by).is_null()), "calls")
    notes = (
        [f"{NONE_LABEL}: {count(undated, 'call')} without a start, not on the axis."]
        if undated
        else []
    )
    shown = dated.tail(_MOST_SPANS)
    if shown.height < dated.height:
        notes.append(
            f"The latest {shown.height} of {count(dated.height, by)}, with {total(shown, 'offered'):,} of the calls."
        )
    return shown, notes


def _alt_text(table: pl.DataFrame) -> str:
    """The ends of the chart, for who cannot see it."""
    rated = table.filter(pl.col("answer_rate").is_not_null()).sort("answer_rate")
    if not rated.height:
        return "No group has offered calls."
    low, high = rated.row(0, named=True), rated.row(-1, named=True)
    ends = (
        f"{which} {each['percent']} of {each['offered']:,} in {each['key']}"
        for which, each in (("lowest", low), ("highest", high))
    )
    return f"{count(table.height, 'group')}: {', '.join(ends)}."
