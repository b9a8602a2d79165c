"""The ways that calls take through extensions: how many, how often one answers, and the seconds that each step takes."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from .. import metrics
from ..logs import FetchReport
from ..metrics import Calls, MetricOptions
from ..names import labels
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, FAINT, HUES, count, round_floats, total

__all__ = ["hunt_paths"]

_ROW, _CALLS, _SECONDS, _RATE = 24, 90, 210, 150
_MOST_PATHS, _MOST_STEPS = 100, 30
_LONGEST_PATH, _MOST_NAMES = 32, 12
"""Characters that fit before the bars, and names that fit below the title."""
_FEW = 20
_ODD, _EVEN = HUES[0], HUES[4]
"""Steps that follow each other; a gap tells them apart as well."""


def hunt_paths(
    calls: Calls,
    *,
    limit: int = 15,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.HConcatChart | alt.Chart:
    """One row a way through target numbers, "101 > 102+103", the most frequent first: its calls, its answer rate, its steps. Collects.

    The answer rate has its 95 % interval. A step's bar is as long as it took on average, to its
    answer, the next step or the end of its ringing; of a path the first 30 steps are drawn. Calls
    with names (`logs.with_names(...)`) show who has a number: in the way itself where there is
    room, else below the title.

    Args:
        calls: calls of any direction; what is counted is what is given.
        limit: how many paths are drawn, up to 100.
        options: what outcomes depend on; offers to `ivr_numbers` are no step.
        coverage: `logs.report`; up to when the calls are complete is told.

    Raises:
        InputError: `limit` is no number above 0.
    """
    table = _table(calls, limit, options, names=True)
    who = ""
    if table.select((pl.col("path").str.len_chars() > _LONGEST_PATH).any()).item():
        table = _table(calls, limit, options, names=False)
        who = _who(table, labels(calls.lazy(), "target_number"))
    zone, complete = f"({options.time_zone})", coverage_note(coverage, options.time_zone)
    notes: list[str] = [
        "answer rate = answered / calls of the path, with its 95 % interval (Wilson). A path: a call's offers in order; + rang together.",
        "Steps: the mean seconds of each, one after the other, to its answer, the next step, or the end of its ringing.",
    ]
    if not table.height:
        of_calls = calls.lazy().select(pl.len()).collect().item()
        words = "No call rang anybody" if of_calls else "No calls"
        return empty_chart(
            f"Hunt paths: {words[0].lower()}{words[1:]}, of {count(of_calls, 'call')} {zone}",
            [*notes, complete],
            message=words,
        )
    of_all = int(table["of"].to_list()[0])
    ways, of_calls = count(table.height, "way"), count(of_all, "call")
    title = f"Hunt paths: the {ways} that most calls took, {total(table, 'calls'):,} of {of_calls} {zone}"
    if table["calls"].min() < _FEW:  # type: ignore[operator]  # counts are integers
        notes.append(f"Hollow: fewer than {_FEW} calls.")
    return finish_chart(
        _drawn(table), title=title, notes=[*notes, who, complete], description=_alt_text(table)
    )


def _table(calls: Calls, limit: int, options: MetricOptions, *, names: bool) -> pl.DataFrame:
    return round_floats(
        metrics.hunt_paths(calls.lazy(), options=options, limit=limit, names=names).collect()
    ).head(_MOST_PATHS)


def _who(table: pl.DataFrame, names: Mapping[str, str]) -> str:
    """Whose the numbers of these ways are, as far as it is known."""
    numbers = (
        table["steps"]
        .explode(empty_as_null=False)
        .drop_nulls()
        .str.split("+")
        .explode(empty_as_null=False)
        .unique()
        .sort()
    )
    known = [names[number] for number in numbers if number in names]
    more = [f"{len(known) - _MOST_NAMES} more"] if len(known) > _MOST_NAMES else []
    return f"Who: {', '.join([*known[:_MOST_NAMES], *more])}." if known else ""


def _alt_text(table: pl.DataFrame) -> str:
    """The most frequent path, for who cannot see it."""
    row = table.row(0, named=True)
    return (
        f"Most: {row['path']}, {row['calls']:,} calls, {row['answer_rate']:.0%} of them answered."
    )


def _drawn(table: pl.DataFrame) -> alt.HConcatChart:
    low, high = (pl.col(end) * 100 for end in ("low", "high"))
    rows = table.with_columns(
        interval=pl.format("{} to {} %", low.round(1), high.round(1)),
        told=pl.format(
            "{} %, {} of {}",
            (pl.col("answer_rate") * 100).round(0).cast(pl.Int64),
            "answered",
            "calls",
        ),
        filling=pl.when(pl.col("calls") < _FEW)
        .then(pl.lit("transparent"))
        .otherwise(pl.lit(ANSWERED)),
    ).drop("lost_s", "steps")
    return alt.hconcat(_counts(rows), _rates(rows), _steps(table), spacing=12)


def _paths(table: pl.DataFrame, *, labels: bool) -> alt.Y:
    axis = alt.Axis(title=None, grid=True, labelPadding=6, labelLimit=200) if labels else None
    return alt.Y("path:N", scale=alt.Scale(domain=table["path"].to_list()), axis=axis)


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("path:N"),
        alt.Tooltip("calls:Q", format=","),
        alt.Tooltip("share:Q", title="of all paths' calls", format=".1%"),
        alt.Tooltip("answered:Q", format=","),
        alt.Tooltip("answer_rate:Q", title="answer rate", format=".1%"),
        alt.Tooltip("interval:N", title="95 % interval"),
    ]


def _counts(rows: pl.DataFrame) -> alt.LayerChart:
    size = alt.X(
        "calls:Q",
        title="calls",
        axis=alt.Axis(labels=False, ticks=False, domain=False, grid=False, orient="top"),
    )
    base = alt.Chart(rows).encode(_paths(rows, labels=True), size)
    words = base.mark_text(align="left", dx=4).encode(text=alt.Text("calls:Q", format=","))
    return alt.LayerChart(
        layer=[base.mark_bar(color=FAINT).encode(tooltip=_tooltip()), words],
        width=_CALLS,
        height={"step": _ROW},
    )


def _rates(rows: pl.DataFrame) -> alt.LayerChart:
    axis = alt.Axis(format=".0%", values=[0, 0.5, 1], orient="top", grid=True)
    share = alt.X("answer_rate:Q", title="answer rate", scale=alt.Scale(domain=[0, 1]), axis=axis)
    base = alt.Chart(rows).encode(_paths(rows, labels=False), tooltip=_tooltip())
    doubt = base.mark_rule(strokeWidth=2, color=ANSWERED).encode(alt.X("low:Q"), alt.X2("high:Q"))
    point = base.mark_point(size=65, opacity=1, stroke=ANSWERED).encode(
        share, alt.Fill("filling:N", scale=None, legend=None)
    )
    words = base.mark_text(align="left").encode(x=alt.value(_RATE + 12), text="told:N")
    return alt.LayerChart(layer=[doubt, point, words], width=_RATE, height={"step": _ROW})


def _steps(table: pl.DataFrame) -> alt.LayerChart:
    each = table.select("path", "calls", step="steps", seconds="lost_s").explode(
        "step", "seconds", empty_as_null=False, keep_nulls=True
    )
    place = pl.int_range(pl.len()).over("path")
    end = pl.col("seconds").fill_null(0).cum_sum().over("path")
    steps = (
        each.with_columns(place=place, end=end)
        .filter(pl.col("place") < _MOST_STEPS)
        .with_columns(
            begin=pl.col("end") - pl.col("seconds").fill_null(0),
            hue=pl.when(pl.col("place") % 2 == 0).then(pl.lit(_ODD)).otherwise(pl.lit(_EVEN)),
            nth=pl.col("place") + 1,
        )
    )
    tooltip = [
        alt.Tooltip("step:N"),
        alt.Tooltip("nth:Q", title="which is step"),
        alt.Tooltip("seconds:Q", title="mean seconds", format=",.1f"),
        alt.Tooltip("calls:Q", title="calls of the path", format=","),
    ]
    axis = alt.Axis(orient="top", grid=True, tickCount=5)
    base = alt.Chart(round_floats(steps)).encode(_paths(table, labels=False))
    bars = base.mark_rect(height=alt.RelativeBandSize(band=0.7), xOffset=0.5, x2Offset=-0.5).encode(
        alt.X("begin:Q", title="seconds of the steps", axis=axis, scale=alt.Scale(zero=True)),
        alt.X2("end:Q"),
        alt.Color("hue:N", scale=None, legend=None),
        tooltip=tooltip,
    )
    return alt.LayerChart(layer=[bars], width=_SECONDS, height={"step": _ROW})
