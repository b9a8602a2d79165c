"""One row an extension: what it was offered, what it answered, and how long it rang and talked."""

from typing import Any

import altair as alt
import polars as pl

from ..errors import InputError
from ..logs import FetchReport
from ..metrics import INBOUND_DIRECTIONS, MEASURES, Calls, MetricOptions, inward, summarize
from ..names import labels
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, FAINT, LOST, NONE_LABEL, count, round_floats, total

__all__ = ["extension_performance"]

_ROW, _RATE, _BAR = 24, 230, 68
_MOST = 400
"""A number has eleven marks, and no chart more than 5,000."""
_TOOLTIP = [
    alt.Tooltip("number:N"),
    alt.Tooltip("fair_answer_rate:Q", title="fair answer rate", format=".1%"),
    alt.Tooltip("interval:N", title="95 % interval"),
    alt.Tooltip("fair:N", title="which is"),
    alt.Tooltip("offers:Q", format=","),
    alt.Tooltip("answered_offers:Q", title="answered", format=","),
    alt.Tooltip("rna:Q", title="rang out", format=","),
    alt.Tooltip("ring_p50_s:Q", title="median ring, s", format=".1f"),
    alt.Tooltip("ring_avg_s:Q", title="average ring, s", format=".1f"),
    alt.Tooltip("talk_min:Q", title="talk, min", format=",.1f"),
]


def extension_performance(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    min_offers: int = 20,
    limit: int = 40,
) -> alt.HConcatChart | alt.Chart:
    """One row a target number, best fair answer rate first: the rate with its 95 % interval, offers, rung out, ring and talk. Collects.

    Offers of calls with direction in, ext and ext_in are counted: an `out` call rings outside
    numbers, and of the two logs of an internal call one is enough. Grouping calls by `extension_id`
    would not do, since a missed call has none. Calls with names (`logs.with_names(...)`) show who
    has a number: "An (101)".

    Args:
        calls: calls of any direction.
        options: what the numbers depend on besides the calls; offers to `ivr_numbers` are left out.
        coverage: `logs.report`; up to when the calls are complete is told.
        min_offers: numbers with fewer offers are grey and come last.
        limit: how many numbers are drawn, up to 400; of more, those with the most offers.

    Raises:
        InputError: `limit` is out of range.
    """
    if not 1 <= limit <= _MOST:
        raise InputError(f"limit is how many numbers are drawn, from 1 to {_MOST}; got {limit!r}.")
    counted = inward(calls)
    measures = [
        "offers",
        "answered_offers",
        "fair_answer_rate",
        "rna",
        "ring_p50_s",
        "ring_avg_s",
        "leg_talk_s",
    ]
    table = (
        summarize(counted, ["target_number"], measures, options=options, confidence=True)
        .lazy()
        .collect()
    )
    of_calls = counted.lazy().select(pl.len()).collect().item()
    zone, complete = f"({options.time_zone})", coverage_note(coverage, options.time_zone)
    if not table.height:
        words = f"No offers in {count(of_calls, 'call')}" if of_calls else "No calls"
        return empty_chart(
            f"Fair answer rate by number: {words.lower()} of direction {', '.join(INBOUND_DIRECTIONS)} {zone}",
            [complete],
            message=words,
        )
    named = table.with_columns(
        number=pl.col("target_number")
        .replace(labels(counted.lazy(), "target_number"))
        .fill_null(NONE_LABEL)
    )
    shown = round_floats(_ordered(named, min_offers, limit))
    note = (
        f" (the {limit} with the most offers, of {table.height:,})" if table.height > limit else ""
    )
    offers, numbers = count(total(shown, "offers"), "offer"), count(shown.height, "number")
    title = (
        f"Fair answer rate of {numbers}{note}, over {offers} in {count(of_calls, 'call')} {zone}"
    )
    notes: list[str] = [
        f"fair_answer_rate = {MEASURES['fair_answer_rate'].formula(options)}.",
        f"Line: 95 % interval (Wilson). Rang out: {MEASURES['rna'].formula(options)}. Calls of direction {', '.join(INBOUND_DIRECTIONS)}.",
        _left_out(options)
        + (f" Grey and hollow: fewer than {min_offers} offers." if shown["small"].any() else ""),
        complete,
    ]
    return finish_chart(_drawn(shown), title=title, notes=notes, description=_alt_text(shown))


def _left_out(options: MetricOptions) -> str:
    if options.ivr_numbers:
        return f"Not persons, and left out: {', '.join(options.ivr_numbers[:6])}{' ...' if len(options.ivr_numbers) > 6 else ''}."
    return "No ivr_numbers are given: queues and menus count like persons."


def _ordered(table: pl.DataFrame, min_offers: int, limit: int) -> pl.DataFrame:
    """The biggest numbers, best rate first, the small ones after them, with what is told of each."""
    percent = pl.format("{} %", (pl.col("fair_answer_rate") * 100).round(0).cast(pl.Int64))
    low, high = (pl.col(f"fair_answer_rate_{end}") * 100 for end in ("low", "high"))
    biggest = table.sort("offers", "target_number", descending=[True, False], nulls_last=True).head(
        limit
    )
    told = biggest.with_columns(
        small=pl.col("offers") < min_offers,
        percent=percent,
        told=pl.format(
            "{}, {} of {}", percent, "fair_answer_rate_num", "fair_answer_rate_den"
        ).fill_null("-"),
        interval=pl.format("{} to {} %", low.round(1), high.round(1)),
        fair=pl.format("{} of {}", "fair_answer_rate_num", "fair_answer_rate_den"),
        talk_min=pl.col("leg_talk_s") / 60,
    ).with_columns(
        hue=_unless_small(ANSWERED, FAINT),
        filling=_unless_small(ANSWERED, "transparent"),
        lost_hue=_unless_small(LOST, FAINT),
    )
    return told.sort(
        "small", -pl.col("fair_answer_rate"), -pl.col("offers"), "number", nulls_last=True
    )


def _unless_small(hue: str, else_hue: str) -> pl.Expr:
    return pl.when("small").then(pl.lit(else_hue)).otherwise(pl.lit(hue))


def _alt_text(shown: pl.DataFrame) -> str:
    """Best and last of the numbers that are not small, for who cannot see it."""
    rated = shown.filter(~pl.col("small"), pl.col("fair_answer_rate").is_not_null())
    if not rated.height:
        return "No number has enough offers to compare."
    best, last = rated.row(0, named=True), rated.row(-1, named=True)
    ends = (
        f"{which} {each['number']} with {each['percent']} of {each['fair_answer_rate_den']:,}"
        for which, each in (("best", best), ("last", last))
    )
    return f"{', '.join(ends)}."


def _drawn(shown: pl.DataFrame) -> alt.HConcatChart:
    columns = {
        "offers": "offers",
        "rna": "rang out",
        "ring_p50_s": "median ring, s",
        "talk_min": "talk, min",
    }
    bars = [_bars(shown, column, title) for column, title in columns.items()]
    return alt.hconcat(_rate(shown), *bars, spacing=14)


def _rows(shown: pl.DataFrame, axis: alt.Axis | None) -> alt.Y:
    return alt.Y("number:N", scale=alt.Scale(domain=shown["number"].to_list()), axis=axis)


def _hue(channel: Any, column: str) -> Any:
    """The column's own colours: a condition in their place, checked by Altair against its whole schema, takes ten times as long."""
    return channel(f"{column}:N", scale=None, legend=None)


def _rate(shown: pl.DataFrame) -> alt.LayerChart:
    rows = _rows(shown, alt.Axis(title=None, labelPadding=6, grid=True))
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], orient="top", grid=True)
    share = alt.X(
        "fair_answer_rate:Q", title="fair answer rate", scale=alt.Scale(domain=[0, 1]), axis=axis
    )
    base = alt.Chart(shown.filter(pl.col("fair_answer_rate").is_not_null())).encode(
        rows, tooltip=_TOOLTIP
    )
    ends = (alt.X("fair_answer_rate_low:Q"), alt.X2("fair_answer_rate_high:Q"))
    doubt = base.mark_rule(strokeWidth=2).encode(*ends, color=_hue(alt.Color, "hue"))
    point = base.mark_point(size=75, opacity=1).encode(
        share, stroke=_hue(alt.Stroke, "hue"), fill=_hue(alt.Fill, "filling")
    )
    words = (
        alt.Chart(shown)
        .mark_text(align="left")
        .encode(rows, x=alt.value(_RATE + 14), text="told:N")
    )
    return alt.LayerChart(layer=[doubt, point, words], width=_RATE, height={"step": _ROW})


def _bars(shown: pl.DataFrame, column: str, title: str) -> alt.LayerChart:
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, orient="top")
    base = alt.Chart(shown).encode(_rows(shown, None), alt.X(f"{column}:Q", title=title, axis=axis))
    drawn = base.mark_bar().encode(
        color=_hue(alt.Color, "lost_hue" if column == "rna" else "hue"), tooltip=_TOOLTIP
    )
    words = base.mark_text(align="left", dx=4).encode(
        text=alt.Text(f"{column}:Q", format=",.1~f" if column == "ring_p50_s" else ",.0f")
    )
    return alt.LayerChart(layer=[drawn, words], width=_BAR, height={"step": _ROW})
