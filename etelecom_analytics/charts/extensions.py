"""The performance of each extension: offers, answer rate, rings and talk time."""

from typing import Any

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..locale.number_note import number_note
from ..metrics import INBOUND_DIRECTIONS, MEASURES, Calls, MetricOptions, inward, summarize
from ..metrics.erlang_formulas import whole_number
from ..names import labels
from .durations import duration_text
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input, row_limit
from .theme import (
    ANSWERED,
    ELSEWHERE,
    FAINT,
    INK,
    LOST,
    NONE_LABEL,
    count,
    interval_text,
    round_floats,
    total,
)

__all__ = ["extension_performance"]

_ROW, _RATE_WIDTH, _OUTCOME_WIDTH, _COLUMN_WIDTH = 24, 190, 250, 58
_MAX_NUMBERS = 300
"""A number has up to 14 marks, and a chart at most 5,000."""

_MAX_IVR_NUMBERS = 6
_TITLE = MEASURES["fair_answer_rate"].title
_OUTCOMES = {
    "answered": ("answered", ANSWERED),
    "rna_timeout": ("rang out", LOST),
    "busy_or_rejected": ("busy or rejected", "#b8629b"),
    "answered_elsewhere": ("answered elsewhere", ELSEWHERE),
    "caller_gave_up": ("caller gave up", "#a67c00"),
}
_OTHER = ("unreachable or other", FAINT)
"""The outcomes of offers: their labels and hues, in the order of the bar."""

_TEXTS = {"ring_p50": "median ring", "talk": "total talk"}
"""Columns of durations, and their titles."""

_TOOLTIP = [
    alt.Tooltip("number:N"),
    alt.Tooltip("fair_answer_rate:Q", title="fair answer rate", format=".1%"),
    alt.Tooltip("interval:N", title="95 % interval"),
    alt.Tooltip("fair:N", title="which is"),
    alt.Tooltip("offers:Q", format=","),
    alt.Tooltip("answered_offers:Q", title="answered", format=","),
    alt.Tooltip("rna:Q", title="rang out", format=","),
    alt.Tooltip("ring_p50:N", title="median ring"),
    alt.Tooltip("ring_avg:N", title="average ring"),
    alt.Tooltip("talk:N", title="total talk"),
]


def extension_performance(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    min_offers: int = 20,
    limit: int = 40,
) -> alt.HConcatChart | alt.Chart:
    """The fair answer rate and the outcomes of all offers of each number, best first. Collects.

    An offer is one ring of one person (also called presented or alerted). The fair answer rate,
    with its 95 % interval, is the answer rate of offers that the agent could take. The bar shows
    what became of all offers, so that a low rate has a reason. Calls of
    the directions in, ext and ext_in count: an `out` call rings external phone numbers, and one
    of the two logs of an internal call is enough. Numbers have names if the calls do
    (`logs.with_names(...)`): "An (101)".

    Args:
        calls: calls of any direction.
        options: parameters of the measures; only offers to persons count.
        coverage: `logs.report`; a note states which times are complete.
        min_offers: numbers with fewer offers are grey and last.
        limit: the maximum number of rows, up to 300; those with the most offers are shown.

    Raises:
        InputError: `limit` or `min_offers` is out of range.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> calls = et.sample_logs().calls
        >>> chart = et.charts.extension_performance(calls, options=options, limit=5)
        >>> chart.title.text[0]
        'Answer rate of offers that the agent could take: best 101 with 85 % of 59, last 104 with'
    """
    data = chart_input(calls, options, coverage)
    options, limit = data.options, row_limit(limit, _MAX_NUMBERS)
    min_offers = whole_number("min_offers", min_offers, minimum=0)
    inbound = inward(data.calls)
    measures = [
        "offers",
        "answered_offers",
        "fair_answer_rate",
        "rna",
        "ring_p50_s",
        "ring_avg_s",
        "leg_talk_s",
    ]
    summary = summarize(inbound, ["target_number"], measures, options=options, confidence=True)
    table = summary.lazy().collect()
    number = inbound.lazy().select(pl.len()).collect().item()
    complete = coverage_note(coverage, options.time_zone)
    directions = f"the directions {', '.join(INBOUND_DIRECTIONS)}"
    if not table.height:
        message = f"No offers in {count(number, 'call')}" if number else "No calls"
        title, scope = f"{_TITLE}: {lower_first(message)}", [directions, options.time_zone]
        return empty_chart(title, scope, coverage=complete, message=message)
    label = pl.col("target_number").replace(labels(inbound.lazy(), "target_number"))
    named = table.with_columns(number=label.fill_null(NONE_LABEL))
    rows = round_floats(_rows(named, min_offers, limit))
    outcomes = summarize(inbound, ["target_number", "outcome"], "offers", options=options)
    limit_text = f" (the {limit} with the most offers, of {table.height:,})"
    numbers = f"{count(rows.height, 'number')}{limit_text * (table.height > limit)}"
    offers = f"{count(total(rows, 'offers'), 'offer')} in {count(number, 'call')}"
    few = f"grey and hollow: fewer than {min_offers} offers" if rows["small"].any() else ""
    about = [
        f"fair_answer_rate = {MEASURES['fair_answer_rate'].formula(options)}.",
        f"Line: 95 % interval (Wilson). Bar: the outcomes of all offers. Calls of {directions}.",
        _ivr_note(options),
    ]
    return finish_chart(
        _draw(rows, _outcome_rows(rows, outcomes.lazy().collect())),
        title=f"{_TITLE}: {_alt_text(rows).removesuffix('.')}",
        scope=[numbers, offers, options.time_zone, few],
        warnings=[number_note(data.calls, options)],
        about=about,
        coverage=complete,
        description="",  # the title has it
    )


def _ivr_note(options: MetricOptions) -> str:
    numbers = (*options.ivr_numbers, *options.queue_numbers, *options.voicemail_numbers)
    if not numbers:
        return ""
    more = " ..." if len(numbers) > _MAX_IVR_NUMBERS else ""
    return f"Left out, because not persons: {', '.join(numbers[:_MAX_IVR_NUMBERS])}{more}."


def _rows(table: pl.DataFrame, min_offers: int, limit: int) -> pl.DataFrame:
    """The numbers with the most offers, best rate first, then the small ones."""
    percent = pl.format("{} %", (pl.col("fair_answer_rate") * 100).round(0).cast(pl.Int64))
    fair = pl.format("{} of {}", "fair_answer_rate_num", "fair_answer_rate_den")
    biggest = table.sort("offers", "target_number", descending=[True, False], nulls_last=True)
    rows = (
        biggest.head(limit)
        .with_columns(
            small=pl.col("offers") < min_offers,
            percent=percent,
            text=pl.format("{}, {}", percent, fair).fill_null("-"),
            interval=interval_text("fair_answer_rate_low", "fair_answer_rate_high"),
            fair=fair,
            ring_p50=duration_text("ring_p50_s").fill_null("-"),
            ring_avg=duration_text("ring_avg_s").fill_null("-"),
            talk=duration_text("leg_talk_s").fill_null("-"),
        )
        .with_columns(
            hue=_unless_small(ANSWERED, FAINT),
            fill=_unless_small(ANSWERED, "transparent"),
        )
    )
    return rows.sort(
        "small", -pl.col("fair_answer_rate"), -pl.col("offers"), "number", nulls_last=True
    )


def _outcome_rows(rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """One row per number and outcome with offers, from left to right of the bar."""
    known = list(_OUTCOMES)
    names = [label for label, _ in (*_OUTCOMES.values(), _OTHER)]
    outcome = pl.col("outcome").cast(pl.String)
    place = outcome.replace_strict(known, list(range(len(known))), default=len(known))
    return (
        outcomes.select("target_number", "offers", place=place)
        .group_by("target_number", "place")
        .agg(pl.col("offers").sum())
        .join(
            rows.select("number", "target_number", total="offers"),
            on="target_number",
            nulls_equal=True,
        )
        .sort("number", "place")
        .select(
            "number",
            "place",
            "offers",
            outcome=pl.col("place").replace_strict(list(range(len(names))), names),
            share=pl.col("offers") / pl.col("total"),
        )
    )


def _unless_small(hue: str, small_hue: str) -> pl.Expr:
    return pl.when("small").then(pl.lit(small_hue)).otherwise(pl.lit(hue))


def _alt_text(rows: pl.DataFrame) -> str:
    """The best and the last number that is not small, as alternative text."""
    rated = rows.filter(~pl.col("small"), pl.col("fair_answer_rate").is_not_null())
    if not rated.height:
        return "no number has enough offers to compare."
    template = "{number} with {percent} of {fair_answer_rate_den:,}"
    best, last = (template.format(**rated.row(place, named=True)) for place in (0, -1))
    return f"best {best}, last {last}."


def _draw(rows: pl.DataFrame, outcomes: pl.DataFrame) -> alt.HConcatChart:
    columns = [_texts(rows, column, title) for column, title in _TEXTS.items()]
    scales = alt.ScaleResolveMap(color="independent")
    return alt.hconcat(
        _rates(rows),
        _bars(rows, outcomes),
        *columns,
        spacing=14,
        resolve=alt.Resolve(scale=scales),
    )


def _number_axis(rows: pl.DataFrame, axis: alt.Axis | None) -> alt.Y:
    return alt.Y("number:N", scale=alt.Scale(domain=rows["number"].to_list()), axis=axis)


def _hue(channel: Any, column: str) -> Any:
    """The colours of a column.

    Altair validates a condition against its whole schema, which takes ten times as long.
    """
    return channel(f"{column}:N", scale=None, legend=None)


def _rates(rows: pl.DataFrame) -> alt.LayerChart:
    y = _number_axis(rows, alt.Axis(title=None, labelPadding=6, grid=True))
    rate = alt.X(
        "fair_answer_rate:Q",
        title="answer rate",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(
            format=".0%",
            values=[0, 0.25, 0.5, 0.75, 1],
            orient="top",
            grid=True,
            labelOverlap=True,
            labelSeparation=8,
        ),
    )
    rated = alt.Chart(rows.filter(pl.col("fair_answer_rate").is_not_null()))
    base = rated.encode(y, tooltip=_TOOLTIP)
    ends = alt.X("fair_answer_rate_low:Q"), alt.X2("fair_answer_rate_high:Q")
    text = alt.Chart(rows).mark_text(style=INK, align="left", dx=14)
    layers = [
        base.mark_rule(strokeWidth=2).encode(*ends, color=_hue(alt.Color, "hue")),
        base.mark_point(size=75, opacity=1).encode(
            rate, stroke=_hue(alt.Stroke, "hue"), fill=_hue(alt.Fill, "fill")
        ),
        text.encode(y, x=alt.value("width"), text="text:N"),
    ]
    return alt.LayerChart(layer=layers, width=_RATE_WIDTH, height={"step": _ROW})


def _bars(rows: pl.DataFrame, outcomes: pl.DataFrame) -> alt.LayerChart:
    """The outcomes of all offers of each number, and the number of its offers."""
    used = set(outcomes["outcome"])
    entries = [entry for entry in (*_OUTCOMES.values(), _OTHER) if entry[0] in used]
    hue = alt.Color(
        "outcome:N",
        title=None,
        scale=alt.Scale(domain=[label for label, _ in entries], range=[hue for _, hue in entries]),
        legend=alt.Legend(orient="bottom", direction="horizontal", columns=3, symbolType="square"),
    )
    axis = alt.Axis(orient="top", grid=False, labels=False, ticks=False, domain=False)
    size = alt.X("offers:Q", title="offers, by outcome", axis=axis, stack="zero")
    tooltip = [
        alt.Tooltip("number:N"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("offers:Q", format=","),
        alt.Tooltip("share:Q", title="of all offers", format=".1%"),
    ]
    bars = (
        alt.Chart(outcomes)
        .mark_bar()
        .encode(_number_axis(rows, None), size, hue, order=alt.Order("place:Q"), tooltip=tooltip)
    )
    text = alt.Chart(rows).mark_text(style=INK, align="left", dx=4)
    labels = text.encode(
        _number_axis(rows, None), x="offers:Q", text=alt.Text("offers:Q", format=",")
    )
    return alt.LayerChart(layer=[bars, labels], width=_OUTCOME_WIDTH, height={"step": _ROW})


def _texts(rows: pl.DataFrame, column: str, title: str) -> alt.LayerChart:
    """A column of durations."""
    heading = alt.Axis(orient="top", grid=False, labels=False, ticks=False, domain=False)
    x = alt.X("zero:Q", title=title, axis=heading, scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(rows.with_columns(zero=pl.lit(1.0))).mark_text(style=INK, align="right", dx=-8)
    shown = alt.Text(f"{column}:N")
    text = base.encode(_number_axis(rows, None), x, text=shown, tooltip=_TOOLTIP)
    return alt.LayerChart(layer=[text], width=_COLUMN_WIDTH, height={"step": _ROW})
