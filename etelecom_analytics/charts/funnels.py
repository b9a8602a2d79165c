"""The outcomes of all calls as a funnel, with the stages at which missed calls were lost."""

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..language import Language, in_language, mark, number, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import LOST_STAGES, Calls, MetricOptions
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input
from .texts import interval_text, percent
from .theme import ANSWERED, FAINT, INK, LOST, round_floats

__all__ = ["funnel"]

_ROW, _WIDTH, _LONGEST_BAR = 24, 480, 0.55
_DEPTHS = {"calls": 0, "running": 1, "unknown": 1, "offered": 1, "answered": 2, "missed": 2}
_LOST_DEPTH = 3
_INDENT = "\N{EN DASH} "
_HUES = {"calls": FAINT, "running": FAINT, "unknown": FAINT, "offered": FAINT, "answered": ANSWERED}
_LABELS = {
    "calls": mark("calls"),
    "running": mark("running"),
    "unknown": mark("unknown"),
    "offered": mark("offered"),
    "answered": mark("answered"),
    "missed": mark("missed"),
    "short": mark("lost: short"),
    "in_ivr": mark("lost: in IVR or queue"),
    "ringing": mark("lost: ringing"),
    "before_ringing": mark("lost: before any ring"),
    "between_rings": mark("lost: between rings"),
}
"""The stages, as they are labelled on the axis."""

_NAMES = {
    **_LABELS,
    "short": mark("short"),
    "in_ivr": mark("in IVR or queue"),
    "ringing": mark("ringing"),
    "before_ringing": mark("before any ring"),
    "between_rings": mark("between rings"),
}
"""The stages in tooltips and in the description."""

_QUESTION = mark("What became of the calls")


@in_language
def funnel(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.Chart:
    """The number of calls by outcome, and of missed calls by the stage of their loss. Collects.

    The counts add up: calls are running, unknown, answered or missed.

    Args:
        calls: calls of any direction; all of them count.
        options: parameters of the metrics; a call that only `ivr_numbers` answered is missed.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Examples:
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.funnel(inbound)
        >>> chart.title.text
        ['What became of the calls: 279 answered, 3 missed']
    """
    calls, options = chart_input(calls, options, coverage)
    table = round_floats(metrics.funnel(calls, options=options).lazy().collect())
    counts = dict(table.select(pl.col("stage").cast(pl.String), "calls").iter_rows())
    complete = coverage_note(coverage, options.time_zone)
    about = [
        tr(
            "calls = running + unknown + offered; offered = answered + missed; missed = the stages "
            "at which they were lost. Shares are of the stage above; the tooltip has their 95 % "
            "interval (Wilson)."
        ),
        *_meanings(table),
    ]
    scope = [count(counts["calls"], "call"), options.time_zone]
    if not counts["calls"]:
        title = f"{tr(_QUESTION)}: {lower_first(tr('No calls'))}"
        return empty_chart(title, scope, about=about, coverage=complete)
    return finish_chart(
        _draw(table),
        title=tr(
            "{question}: {answered} answered, {missed} missed",
            question=tr(_QUESTION),
            answered=counts["answered"],
            missed=counts["missed"],
        ),
        scope=scope,
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description=" ".join(
            f"{tr(_NAMES[stage])}: {number(size)}." for stage, size in counts.items()
        ),
    )


def _meanings(table: pl.DataFrame) -> list[str]:
    """The stages at which calls were lost, and what they mean."""
    lost = table.filter(pl.col("stage").is_in(list(LOST_STAGES)))
    rows = lost.select(pl.col("stage").cast(pl.String), "meaning").iter_rows()
    return [f"{tr(_LABELS[stage])}: {tr(meaning)}." for stage, meaning in rows]


def _draw(table: pl.DataFrame) -> alt.LayerChart:
    stage, parent = pl.col("stage").cast(pl.String), pl.col("parent").cast(pl.String)
    depth = stage.replace_strict(_DEPTHS, default=_LOST_DEPTH, return_dtype=pl.Int64)
    indent = pl.lit(_INDENT).repeat_by(depth).list.join("")
    labels = {name: tr(text) for name, text in _LABELS.items()}
    names = {name: tr(text) for name, text in _NAMES.items()}
    meanings = {text: tr(text) for text in table["meaning"]}
    rows = table.with_columns(
        label=pl.concat_str(indent, stage.replace(labels)),
        text=pl.format(
            tr("{}: {} % of {}"), "calls", percent(pl.col("share"), 1), parent.replace(names)
        ).fill_null(pl.col("calls").cast(pl.String)),
        interval=interval_text("share_low", "share_high").fill_null("-"),
        within=parent.replace(names).fill_null("-"),
        name=stage.replace(names),
        meaning=pl.col("meaning").replace(meanings),
        hue=stage.replace_strict(_HUES, default=LOST, return_dtype=pl.String),
    )
    tooltip = [
        alt.Tooltip("name:N", title=tr("stage")),
        alt.Tooltip("meaning:N", title=tr("meaning")),
        alt.Tooltip("calls:Q", title=tr("calls"), format=","),
        alt.Tooltip("share:Q", title=tr("share"), format=".1%"),
        alt.Tooltip("within:N", title=tr("of")),
        alt.Tooltip("share_den:Q", title=tr("which are"), format=","),
        alt.Tooltip("interval:N", title=tr("95 % interval")),
    ]
    axis = alt.Axis(
        grid=False,
        ticks=False,
        domain=False,
        labelAlign="left",
        labelPadding=178,
        labelLimit=170,
        labelFontSize=12,
    )
    y = alt.Y("label:N", scale=alt.Scale(domain=rows["label"].to_list()), title=None, axis=axis)
    maximum = max(rows["calls"].to_list())
    scale = alt.Scale(domain=[0, maximum / _LONGEST_BAR], nice=False)  # room for the texts
    size = alt.X("calls:Q", axis=None, scale=scale)
    base = alt.Chart(rows).encode(y, tooltip=tooltip)
    bars = base.mark_bar().encode(size, alt.Color("hue:N", scale=None, legend=None))
    text = base.mark_text(style=INK, align="left", dx=5).encode(size, text=alt.Text("text:N"))
    return alt.LayerChart(layer=[bars, text], width=_WIDTH, height={"step": _ROW})
