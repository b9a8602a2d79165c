"""Paths of calls through extensions: how many calls, their answer rate, and the time they take."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..formatting import format_value
from ..language import Language, in_language, ntr, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions
from ..names import labels
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input, row_limit
from .texts import interval_text, percent
from .theme import ANSWERED, FAINT, HUES, INK, round_floats, total

__all__ = ["hunt_paths"]

_ROW, _CALLS_WIDTH, _STEPS_WIDTH, _RATE_WIDTH = 24, 90, 210, 150
_MAX_PATHS, _MAX_STEPS = 100, 30
_MAX_PATH_CHARS, _MAX_NAMES = 32, 12
"""Characters that fit before the bars, and names that fit below the title."""

_MIN_CALLS = 20
_ODD_HUE, _EVEN_HUE = HUES[0], HUES[4]
"""Alternating steps; a gap separates them as well."""


@in_language
def hunt_paths(
    calls: Calls,
    *,
    limit: int = 15,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.HConcatChart | alt.Chart:
    """The most frequent paths of calls through target numbers, such as "101 > 102+103". Collects.

    A path has its calls, its answer rate with a 95 % interval, and its steps. A step's bar is the
    mean time to its answer, the next step or the end of its rings; at most 30 steps are drawn. If
    the calls have names (`logs.with_names(...)`), they are in the path where they fit, else below
    the title.

    Args:
        calls: calls of any direction; all of them count.
        limit: the maximum number of paths, up to 100.
        options: parameters of the outcomes; offers to `ivr_numbers` are no steps.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: `limit` is out of range.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.hunt_paths(inbound, options=options, limit=3)
        >>> chart.title.text
        ['Hunt paths: most frequent 101+102+103, 54 calls, 94.4 % answered']
    """
    data, limit = chart_input(calls, options, coverage), row_limit(limit, _MAX_PATHS)
    calls, options = data
    table, names_note = _table(calls, limit, options, names=True), ""
    if table.select((pl.col("path").str.len_chars() > _MAX_PATH_CHARS).any()).item():
        table = _table(calls, limit, options, names=False)
        names_note = _names_note(table, labels(calls.lazy(), "target_number"))
    complete = coverage_note(coverage, options.time_zone)
    about = [
        tr(
            "answer rate = answered / calls of the path, with its 95 % interval (Wilson). "
            "Path: the offers of a call in order; + rang together."
        ),
        tr(
            "Steps: the mean seconds of each to its answer, the next step, or the end of its rings."
        ),
    ]
    subject = tr("Hunt paths")
    if not table.height:
        number = data.height
        message = tr("No call rang a person") if number else tr("No calls")
        title = f"{subject}: {lower_first(message)}"
        scope = [count(number, "call"), options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    legend = ""
    if table["calls"].min() < _MIN_CALLS:  # type: ignore[operator]  # counts are integers
        legend = tr("hollow: fewer than {n} calls", n=_MIN_CALLS)
    all_calls = count(int(table["share_den"].to_list()[0]), "call")
    counted = tr("{n} of {calls}", n=total(table, "calls"), calls=all_calls)
    return finish_chart(
        _draw(table),
        title=f"{subject}: {lower_first(_alt_text(table)).removesuffix('.')}",
        scope=[
            ntr(
                "the {n} most frequent path, {calls}",
                "the {n} most frequent paths, {calls}",
                table.height,
                calls=counted,
            ),
            options.time_zone,
            legend,
            names_note,
        ],
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description="",  # the title has it
    )


def _table(calls: Calls, limit: int, options: MetricOptions, *, names: bool) -> pl.DataFrame:
    paths = metrics.hunt_paths(calls.lazy(), options=options, limit=limit, names=names)
    return round_floats(paths.collect())


def _names_note(table: pl.DataFrame, names: Mapping[str, str]) -> str:
    """The names of the numbers in these paths, as far as they are known."""
    steps = table["steps"].explode(empty_as_null=False).drop_nulls().str.split("+")
    numbers = steps.explode(empty_as_null=False).unique().sort()
    known = [names[number] for number in numbers if number in names]
    more = (
        [tr("{n} more", context="names", n=len(known) - _MAX_NAMES)]
        if len(known) > _MAX_NAMES
        else []
    )
    texts = ", ".join([*known[:_MAX_NAMES], *more])
    return tr("names: {names}", names=texts) if known else ""


def _alt_text(table: pl.DataFrame) -> str:
    first = table.row(0, named=True)
    rate = format_value(first["answer_rate"], "share")
    return tr(
        "Most frequent {path}, {n} calls, {rate} answered.",
        path=first["path"],
        n=first["calls"],
        rate=rate,
    )


def _draw(table: pl.DataFrame) -> alt.HConcatChart:
    few = pl.col("calls") < _MIN_CALLS
    rows = table.with_columns(
        interval=interval_text("answer_rate_low", "answer_rate_high"),
        text=pl.format(
            tr("{} %, {} of {}"), percent(pl.col("answer_rate")), "answer_rate_num", "calls"
        ),
        fill=pl.when(few).then(pl.lit("transparent")).otherwise(pl.lit(ANSWERED)),
    ).drop("lost_s", "steps")
    return alt.hconcat(_counts(rows), _rates(rows), _steps(table), spacing=12)


def _path_axis(table: pl.DataFrame, *, labels: bool) -> alt.Y:
    axis = alt.Axis(title=None, grid=True, labelPadding=6, labelLimit=200) if labels else None
    return alt.Y("path:N", scale=alt.Scale(domain=table["path"].to_list()), axis=axis)


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("path:N", title=tr("path")),
        alt.Tooltip("calls:Q", title=tr("calls"), format=","),
        alt.Tooltip("share:Q", title=tr("of all paths' calls"), format=".1%"),
        alt.Tooltip("answer_rate_num:Q", title=tr("answered"), format=","),
        alt.Tooltip("answer_rate:Q", title=tr("answer rate"), format=".1%"),
        alt.Tooltip("interval:N", title=tr("95 % interval")),
    ]


def _counts(rows: pl.DataFrame) -> alt.LayerChart:
    no_axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, orient="top")
    size = alt.X("calls:Q", title=tr("calls"), axis=no_axis)
    base = alt.Chart(rows).encode(_path_axis(rows, labels=True), size)
    layers = [
        base.mark_bar(color=FAINT).encode(tooltip=_tooltip()),
        base.mark_text(style=INK, align="left", dx=4).encode(text=alt.Text("calls:Q", format=",")),
    ]
    return alt.LayerChart(layer=layers, width=_CALLS_WIDTH, height={"step": _ROW})


def _rates(rows: pl.DataFrame) -> alt.LayerChart:
    axis = alt.Axis(format=".0%", values=[0, 0.5, 1], orient="top", grid=True)
    rate = alt.X(
        "answer_rate:Q", title=tr("answer rate"), scale=alt.Scale(domain=[0, 1]), axis=axis
    )
    fill = alt.Fill("fill:N", scale=None, legend=None)
    base = alt.Chart(rows).encode(_path_axis(rows, labels=False), tooltip=_tooltip())
    layers = [
        base.mark_rule(strokeWidth=2, color=ANSWERED).encode(
            alt.X("answer_rate_low:Q"), alt.X2("answer_rate_high:Q")
        ),
        base.mark_point(size=65, opacity=1, stroke=ANSWERED).encode(rate, fill),
        base.mark_text(style=INK, align="left", dx=12).encode(
            x=alt.XValue("width"), text=alt.Text("text:N")
        ),
    ]
    return alt.LayerChart(layer=layers, width=_RATE_WIDTH, height={"step": _ROW})


def _steps(table: pl.DataFrame) -> alt.LayerChart:
    exploded = table.select("path", "calls", step="steps", seconds="lost_s").explode(
        "step", "seconds", empty_as_null=False, keep_nulls=True
    )
    seconds, place = pl.col("seconds").fill_null(0), pl.col("place")
    hue = pl.when(place % 2 == 0).then(pl.lit(_ODD_HUE)).otherwise(pl.lit(_EVEN_HUE))
    steps = (
        exploded.with_columns(
            place=pl.int_range(pl.len()).over("path"), end=seconds.cum_sum().over("path")
        )
        .filter(place < _MAX_STEPS)
        .with_columns(begin=pl.col("end") - seconds, hue=hue, nth=place + 1)
    )
    axis = alt.Axis(orient="top", grid=True, tickCount=5)
    bars = (
        alt.Chart(round_floats(steps))
        .mark_rect(height=alt.RelativeBandSize(band=0.7), xOffset=0.5, x2Offset=-0.5)
        .encode(
            _path_axis(table, labels=False),
            alt.X(
                "begin:Q", title=tr("seconds of the steps"), axis=axis, scale=alt.Scale(zero=True)
            ),
            alt.X2("end:Q"),
            alt.Color("hue:N", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("step:N", title=tr("step")),
                alt.Tooltip("nth:Q", title=tr("number of the step")),
                alt.Tooltip("seconds:Q", title=tr("mean seconds"), format=",.1f"),
                alt.Tooltip("calls:Q", title=tr("calls of the path"), format=","),
            ],
        )
    )
    return alt.LayerChart(layer=[bars], width=_STEPS_WIDTH, height={"step": _ROW})
