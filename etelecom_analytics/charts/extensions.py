"""The performance of each extension: offers, answer rate, rings and talk time."""

from typing import Any

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, filled, in_language, mark, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import INBOUND_DIRECTIONS, MEASURES, Calls, MetricOptions, inward, summarize
from ..metrics.erlang_formulas import whole_number
from ..names import labels
from .extension_rows import OTHER, OUTCOMES, number_rows, outcome_rows
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input, row_limit
from .texts import none_label
from .theme import INK, round_floats, total

__all__ = ["extension_performance"]

_ROW, _RATE_WIDTH, _OUTCOME_WIDTH, _COLUMN_WIDTH = 24, 190, 250, 58
_MAX_NUMBERS = 300
"""A number has up to 14 marks, and a chart at most 5,000."""

_MAX_IVR_NUMBERS = 6
_LEGEND_CHARS = 90
"""Longer labels of the outcomes need a legend of two columns."""

_TITLE = MEASURES["fair_answer_rate"].title
_TEXTS = {"ring_p50": mark("median ring"), "talk": mark("total talk")}
"""Columns of durations, and their titles."""


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("number:N", title=tr("number")),
        alt.Tooltip("fair_answer_rate:Q", title=tr("answer rate"), format=".1%"),
        alt.Tooltip("interval:N", title=tr("95 % interval")),
        alt.Tooltip("fair:N", title=tr("which is")),
        alt.Tooltip("offers:Q", title=tr("offers"), format=","),
        alt.Tooltip("answered_offers:Q", title=tr("answered"), format=","),
        alt.Tooltip("rna:Q", title=tr("rang out"), format=","),
        alt.Tooltip("ring_p50:N", title=tr("median ring")),
        alt.Tooltip("ring_avg:N", title=tr("average ring")),
        alt.Tooltip("talk:N", title=tr("total talk")),
    ]


@in_language
def extension_performance(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    min_offers: int = 20,
    limit: int = 40,
    language: Language | None = None,
) -> alt.HConcatChart | alt.Chart:
    """The answer rate and the outcomes of all offers of each number, best first. Collects.

    An offer is one ring of one person (also called presented or alerted). The answer rate, with its
    95 % interval, is that of the offers that the agent could take: it leaves out those that
    somebody else answered and those whose caller gave up. This is the measure `fair_answer_rate`.
    The bar shows what became of all offers, so that a low rate has a reason. Calls of the
    directions in, ext and ext_in count: an `out` call rings external phone numbers, and one of the
    two logs of an internal call is enough. Numbers have names if the calls do
    (`logs.with_names(...)`): "An (101)".

    Args:
        calls: calls of any direction.
        options: parameters of the measures; only offers to persons count.
        coverage: `logs.report`; a note states which times are complete.
        min_offers: numbers with fewer offers are grey and last.
        limit: the maximum number of rows, up to 300; those with the most offers are shown.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

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
    directions = tr("the directions {names}", names=", ".join(INBOUND_DIRECTIONS))
    subject = tr(_TITLE)
    if not table.height:
        calls_text = count(number, "call")
        message = tr("No offers in {calls}", calls=calls_text) if number else tr("No calls")
        title, scope = f"{subject}: {lower_first(message)}", [directions, options.time_zone]
        return empty_chart(title, scope, coverage=complete, message=message)
    label = pl.col("target_number").replace(labels(inbound.lazy(), "target_number"))
    named = table.with_columns(number=label.fill_null(none_label()))
    rows = round_floats(number_rows(named, min_offers, limit))
    outcomes = summarize(inbound, ["target_number", "outcome"], "offers", options=options)
    numbers = count(rows.height, "number")
    if table.height > limit:
        numbers = tr(
            "{numbers} (the {n} with the most offers, of {total})",
            numbers=numbers,
            n=limit,
            total=table.height,
        )
    offers = tr(
        "{offers} in {calls}",
        offers=count(total(rows, "offers"), "offer"),
        calls=count(number, "call"),
    )
    few = ""
    if rows["small"].any():
        few = tr("grey and hollow: fewer than {n} offers", n=min_offers)
    about = [
        f"fair_answer_rate = {tr(MEASURES['fair_answer_rate'].formula(options))}.",
        tr(
            "Line: 95 % interval (Wilson). Bar: the outcomes of all offers. Calls of {directions}.",
            directions=directions,
        ),
        _ivr_note(options),
    ]
    return finish_chart(
        _draw(rows, outcome_rows(rows, outcomes.lazy().collect())),
        title=f"{subject}: {_alt_text(rows).removesuffix('.')}",
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
    names = ", ".join(numbers[:_MAX_IVR_NUMBERS])
    names += " ..." if len(numbers) > _MAX_IVR_NUMBERS else ""
    return tr("Left out, because not persons: {names}.", names=names)


def _alt_text(rows: pl.DataFrame) -> str:
    """The best and the last number that is not small, as alternative text."""
    rated = rows.filter(~pl.col("small"), pl.col("fair_answer_rate").is_not_null())
    if not rated.height:
        return tr("no number has enough offers to compare.")
    template = tr("{number} with {percent} of {fair_answer_rate_den}")
    best, last = (filled(template, rated.row(place, named=True)) for place in (0, -1))
    return tr("best {best}, last {last}.", best=best, last=last)


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
        title=tr("answer rate"),
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
    base = rated.encode(y, tooltip=_tooltip())
    ends = alt.X("fair_answer_rate_low:Q"), alt.X2("fair_answer_rate_high:Q")
    text = alt.Chart(rows).mark_text(style=INK, align="left", dx=14)
    layers = [
        base.mark_rule(strokeWidth=2).encode(*ends, color=_hue(alt.Color, "hue")),
        base.mark_point(size=75, opacity=1).encode(
            rate, stroke=_hue(alt.Stroke, "hue"), fill=_hue(alt.Fill, "fill")
        ),
        text.encode(y, x=alt.XValue("width"), text=alt.Text("text:N")),
    ]
    return alt.LayerChart(layer=layers, width=_RATE_WIDTH, height={"step": _ROW})


def _bars(rows: pl.DataFrame, outcomes: pl.DataFrame) -> alt.LayerChart:
    """The outcomes of all offers of each number, and the number of its offers."""
    used = set(outcomes["outcome"])
    entries = [(tr(label), hue) for label, hue in (*OUTCOMES.values(), OTHER) if tr(label) in used]
    is_short = sum(len(label) for label, _ in entries) < _LEGEND_CHARS
    hue = alt.Color(
        "outcome:N",
        title=None,
        scale=alt.Scale(domain=[label for label, _ in entries], range=[hue for _, hue in entries]),
        legend=alt.Legend(
            orient="bottom",
            direction="horizontal",
            columns=3 if is_short else 2,
            symbolType="square",
        ),
    )
    axis = alt.Axis(orient="top", grid=False, labels=False, ticks=False, domain=False)
    size = alt.X("offers:Q", title=tr("offers, by outcome"), axis=axis, stack="zero")
    tooltip = [
        alt.Tooltip("number:N", title=tr("number")),
        alt.Tooltip("outcome:N", title=tr("outcome")),
        alt.Tooltip("offers:Q", title=tr("offers"), format=","),
        alt.Tooltip("share:Q", title=tr("of all offers"), format=".1%"),
    ]
    bars = (
        alt.Chart(outcomes)
        .mark_bar()
        .encode(_number_axis(rows, None), size, hue, order=alt.Order("place:Q"), tooltip=tooltip)
    )
    text = alt.Chart(rows).mark_text(style=INK, align="left", dx=4)
    labels = text.encode(
        _number_axis(rows, None), x=alt.X("offers:Q"), text=alt.Text("offers:Q", format=",")
    )
    return alt.LayerChart(layer=[bars, labels], width=_OUTCOME_WIDTH, height={"step": _ROW})


def _texts(rows: pl.DataFrame, column: str, title: str) -> alt.LayerChart:
    """A column of durations."""
    heading = alt.Axis(orient="top", grid=False, labels=False, ticks=False, domain=False)
    x = alt.X("zero:Q", title=tr(title), axis=heading, scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(rows.with_columns(zero=pl.lit(1.0))).mark_text(style=INK, align="right", dx=-8)
    shown = alt.Text(f"{column}:N")
    text = base.encode(_number_axis(rows, None), x, text=shown, tooltip=_tooltip())
    return alt.LayerChart(layer=[text], width=_COLUMN_WIDTH, height={"step": _ROW})
