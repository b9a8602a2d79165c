"""Survival curves: how long callers are willing to wait, and until missed calls are called back."""

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..metrics import Calls, MetricOptions, median_survival
from ..names import labels
from .axes import dimension_text, key_order, key_text, time_unit
from .distributions import WAIT_STARTS
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .theme import (
    DASHES,
    HUES,
    SHADE,
    SHADE_OPACITY,
    TEXT,
    WIDTH,
    count,
    round_floats,
    total,
)

__all__ = ["patience", "time_to_callback"]

_HEIGHT, _MAX_GROUPS, _MAX_STEPS = 260, len(HUES), 300
_MIN_AT_RISK, _EVENT_SHARE = 10, 0.95
_ALL = "all"


@dataclass(frozen=True, kw_only=True)
class _Text:
    """The texts of a chart."""

    title: str
    noun: str  # of what is counted
    y: str
    x: str
    event: str
    formula: str


def patience(
    calls: Calls,
    *,
    by: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of callers who would still wait after each time, and the median. Collects.

    Kaplan-Meier with a 95 % interval: a missed call is an event; an answered call is censored,
    because its caller would have waited longer.

    Args:
        calls: calls of any direction; all of them count.
        by: a dimension of calls, such as "weekday" or "callee": one curve per group, at most the
            6 biggest. None: one curve.
        options: parameters of the metrics; `wait_from` sets where a wait begins.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        UnknownName: no such dimension of calls; the message lists the nearest.
    """
    text = _Text(
        title="Patience of callers",
        noun="offered call",
        y="still waiting",
        x="wait",
        event="gave up",
        formula=(
            "S(t) = product of 1 - missed / still waiting, over the waits up to t (Kaplan-Meier), "
            "with its 95 % interval (Greenwood, log-log). Answered calls are censored. "
            f"A wait begins at {WAIT_STARTS[options.wait_from]}."
        ),
    )
    return _survival(calls, metrics.patience, text, by, options, coverage)


def time_to_callback(
    calls: Calls,
    *,
    by: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of missed calls still open after each time, and the median. Collects.

    Kaplan-Meier with a 95 % interval, from the end of each missed inbound call with a caller: an
    event is `called_back` or `served`; an open call is censored at `as_of`.

    Args:
        calls: calls of all directions; a callback that is not among them did not happen.
        by: a dimension of the missed calls, such as "hour" or "callee": one curve per group, at
            most the 6 biggest. None: one curve.
        options: parameters of the metrics, such as `as_of`.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        UnknownName: no such dimension of calls; the message lists the nearest.
    """
    text = _Text(
        title="Time to call back",
        noun="missed call",
        y="still open",
        x="time since the missed call",
        event="called back or served",
        formula=(
            "S(t) = product of 1 - called back or served / still open, over the times up to t "
            "(Kaplan-Meier), with its 95 % interval (Greenwood, log-log). "
            "Open calls are censored at as_of."
        ),
    )
    return _survival(calls, metrics.time_to_callback, text, by, options, coverage)


def _survival(
    calls: Calls,
    table_of: Callable[..., pl.LazyFrame],
    text: _Text,
    by: str | None,
    options: MetricOptions,
    coverage: FetchReport | None,
) -> alt.LayerChart | alt.Chart:
    dimensions = [] if by is None else [by]
    table = table_of(calls.lazy(), dimensions, options=options).collect()
    medians = median_survival(table, dimensions)
    subject = f"{text.title} {dimension_text(by)}" if by else text.title
    zone, complete = f"({options.time_zone})", coverage_note(coverage, options.time_zone)
    number = total(medians, "n")
    if not number:
        any_calls = calls.lazy().select(pl.len()).collect().item()
        message = f"No {text.noun}s of known time" if any_calls else "No calls"
        title = f"{subject}: {lower_first(message)} {zone}"
        return empty_chart(title, [text.formula, complete], message=message)
    key = pl.lit(_ALL) if by is None else key_text(by).replace(labels(calls.lazy(), by))
    groups = _groups(medians.with_columns(key=key), by)
    steps = table.with_columns(key=key).join(groups.select("key"), on="key", how="semi")
    until = _until(steps, groups)
    unit, size = time_unit(until)
    notes = [text.formula]
    if until < steps.select(pl.col("time_s").max()).item():
        notes.append(
            f"Not drawn: times after {until / size:,.1f} {unit}, with fewer than {_MIN_AT_RISK} "
            "at risk or only the last events."
        )
    if groups.height < medians.height:
        notes.append(f"The {groups.height} biggest groups of {medians.height:,}.")
    curves = round_floats(_thin(steps, until).with_columns(at=pl.col("time_s") / size))
    labelled = _with_text(groups, size)
    events = f"{total(medians, 'events'):,} of them {text.event}"
    return finish_chart(
        _draw(curves, labelled, text, unit, until / size),
        title=f"{subject}, of {count(number, text.noun)}, {events} {zone}",
        notes=[*notes, complete],
        description=" ".join(labelled["summary"]),
    )


def _groups(medians: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """The groups to draw, in the order of the legend."""
    if by is None:
        return medians
    biggest = medians.sort(-pl.col("n"), by, nulls_last=True).head(_MAX_GROUPS)
    order = {key: place for place, key in enumerate(key_order(medians, by))}
    place = pl.col("key").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    return biggest.sort(place)


def _until(steps: pl.DataFrame, medians: pl.DataFrame) -> float:
    """The last time drawn in seconds.

    Curves end where fewer than 10 are at risk, or at twice the time of 95 % of the events, but not
    before the last median.
    """
    enough = steps.filter(pl.col("at_risk") >= _MIN_AT_RISK)
    last = (enough if enough.height else steps).select(pl.col("time_s").max()).item()
    most_events = last
    if steps["events"].sum():
        events = pl.col("events").sum()
        by_time = steps.group_by("time_s").agg(events).sort("time_s")
        reached = by_time.filter(pl.col("events").cum_sum() >= events * _EVENT_SHARE)
        most_events = reached["time_s"].to_list()[0]
    last_median = medians.select(pl.col("median_s").max()).item() or 0.0
    return float(max(min(last, 2 * most_events or last), last_median))


def _thin(steps: pl.DataFrame, until: float) -> pl.DataFrame:
    """Each curve in at most 300 steps: a step has the last values of those that it replaces.

    Time 0 stays its own step.
    """
    width = max(until, 1e-6) / (_MAX_STEPS - 1)
    slots = steps.filter(pl.col("time_s") <= until).with_columns(
        slot=(pl.col("time_s") / width).ceil()
    )
    thinned = (
        slots.group_by("key", "slot", maintain_order=True)
        .agg(
            pl.col("time_s", "survival", "low", "high").last(),
            pl.col("at_risk").first(),
            pl.col("events", "censored").sum(),
        )
        .with_columns(low=pl.coalesce("low", "survival"), high=pl.coalesce("high", "survival"))
        .with_columns(left=pl.col("at_risk") - pl.col("events") - pl.col("censored"))
    )
    # Extend curves with calls at risk to the end, without events there.
    unfinished = thinned.unique("key", keep="last", maintain_order=True).filter(
        pl.col("left") > 0, pl.col("time_s") < until
    )
    none = pl.lit(0, pl.Int64)
    at_end = unfinished.with_columns(
        time_s=pl.lit(until), at_risk="left", events=none, censored=none
    )
    return pl.concat([thinned, at_end]).sort("key", "time_s", maintain_order=True)


def _with_text(groups: pl.DataFrame, size: float) -> pl.DataFrame:
    """The groups with their median on the axis, and its text in the legend and the alt text."""
    columns = groups.select("median_s", "low_s", "high_s")
    texts = [_median_text(*row) for row in columns.iter_rows()]
    return groups.with_columns(
        median=pl.col("median_s") / size, median_text=pl.Series(texts, dtype=pl.String)
    ).with_columns(
        summary=pl.format("{}: {} of {}, {}.", "key", "events", "n", "median_text"),
        label=pl.format("{}: {}", "key", "median_text"),
    )


def _median_text(median_s: float | None, low_s: float | None, high_s: float | None) -> str:
    """The median and its interval: "median 3.9 min (3.6 to 4.0)"."""
    if median_s is None:
        return "median not reached"
    unit, size = time_unit(median_s)

    def number(seconds: float) -> str:
        return f"{seconds / size:,.1f}".removesuffix(".0")

    interval = "no interval"
    if high_s is not None:
        interval = f"{'less' if low_s is None else number(low_s)} to {number(high_s)}"
    elif low_s is not None:
        interval = f"{number(low_s)} or more"
    return f"median {number(median_s)} {unit} ({interval})"


def _draw(
    steps: pl.DataFrame, groups: pl.DataFrame, text: _Text, unit: str, end: float
) -> alt.LayerChart:
    names = groups["label"].to_list()
    legend = alt.Legend(
        title=None,
        orient="top",
        direction="vertical",
        symbolType="stroke",
        symbolSize=400,
        labelLimit=WIDTH,
        columns=2,
    )
    hues = alt.Scale(domain=names, range=list(HUES[: len(names)]))
    dashes = alt.Scale(domain=names, range=list(DASHES[: len(names)]))
    hue = alt.Color("label:N", scale=hues, legend=legend)
    dash = alt.StrokeDash("label:N", scale=dashes, legend=legend)
    scale = alt.Scale(domain=[0, end or 1.0], nice=False)
    x = alt.X("at:Q", title=f"{text.x}, {unit}", scale=scale, axis=alt.Axis(grid=True))
    axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("survival:Q", title=text.y, scale=alt.Scale(domain=[0, 1]), axis=axis)
    tooltip = [
        *([alt.Tooltip("key:N", title="group")] if len(names) > 1 else []),
        alt.Tooltip("at:Q", title=f"after, {unit}", format=",.1f"),
        alt.Tooltip("survival:Q", title=text.y, format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("left:Q", title="at risk after it", format=","),
        alt.Tooltip("events:Q", title=text.event, format=","),
        alt.Tooltip("censored:Q", title="censored", format=","),
    ]
    curves = steps.drop("slot", "at_risk").join(
        groups.select("key", "label"), on="key", how="left", maintain_order="left"
    )
    base = alt.Chart(curves)
    # The bands of several groups would overlap: draw only their edges.
    if len(names) == 1:
        area = base.mark_area(interpolate="step-after", color=SHADE, opacity=2 * SHADE_OPACITY)
        band = [area.encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))]
    else:
        edge = base.mark_line(interpolate="step-after", strokeWidth=0.7, opacity=0.5)
        band = [edge.encode(x, alt.Y(f"{side}:Q"), hue) for side in ("low", "high")]
    line = base.mark_line(interpolate="step-after", strokeWidth=2)
    half = alt.Chart(pl.DataFrame({"half": [0.5]})).mark_rule(color=TEXT, strokeDash=[2, 3])
    reached = groups.filter(pl.col("median").is_not_null(), pl.col("median") <= end)
    points = alt.Chart(reached.with_columns(half=pl.lit(0.5))).mark_point(
        filled=True, opacity=1, size=70
    )
    median_tooltip = [
        alt.Tooltip("key:N", title="group"),
        alt.Tooltip("median:Q", title=f"median, {unit}", format=",.1f"),
        alt.Tooltip("median_text:N", title="with its 95 % interval"),
        alt.Tooltip("n:Q", title="of", format=","),
    ]
    layers = [
        *band,
        half.encode(alt.Y("half:Q")),
        line.encode(x, y, hue, dash, tooltip=tooltip),
        points.encode(alt.X("median:Q"), alt.Y("half:Q"), hue, tooltip=median_tooltip),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=_HEIGHT)
