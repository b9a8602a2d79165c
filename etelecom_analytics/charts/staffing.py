"""The agents needed in each interval of the day, and where the model does not fit."""

from typing import Literal

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..locale.number_note import number_note
from ..metrics import Calls, MetricOptions
from .axes import CLOCK, MAX_LABELLED_GROUPS, clock_axis, key_text
from .durations import duration_text
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input
from .theme import (
    ANSWERED,
    FAINT,
    GUTTER,
    INK,
    LOST,
    WIDTH,
    count,
    count_ticks,
    round_floats,
    total,
)

__all__ = ["agents_by_interval"]

_SIGNS = {"more_load_than_agents": "!", "uneven": "~", "not_reliable": "?"}
_NOT_RELIABLE = (
    "? not reliable here: for these past calls Erlang A misses the observed abandonment or "
    "service level by more than 5 points, because a call log does not show who was present."
)
_NOTES = {
    "more_load_than_agents": "! more load than agents: the queue would grow without end",
    "uneven": "~ arrivals differ more from day to day than a Poisson process (1 % level)",
    "few_days": "fewer than 5 days: too few to test whether arrivals are even",
}


def agents_by_interval(
    calls: Calls,
    *,
    interval: Literal["hour", "quarter_hour"] = "hour",
    target: float = 0.8,
    agents: int | None = None,
    wrap_up_s: float = 0.0,
    shrinkage: float = 0.0,
    max_occupancy: float = 1.0,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The agents that each interval of a day needs by Erlang C, and its calls. Collects.

    The number of calls has its 95 % interval, which includes how much days differ. Where the model
    does not fit, the bar has a sign: ! more load than agents, ~ arrivals less even
    than a Poisson process, ? not reliable here. The last panel is the back-test of
    `et.metrics.staffing_backtest`: the abandonment that Erlang A predicts for these calls, beside
    the observed one.

    Args:
        calls: calls of any direction; inbound calls count. Pass whole fetched days, because days
            without calls count too.
        interval: "hour" or "quarter_hour".
        target: the share of calls that should wait at most `options.threshold_s`.
        agents: the number of agents available, drawn as a line. None: no line.
        wrap_up_s: the mean time in seconds that agents need after a talk.
        shrinkage: the share of paid time in which agents are not available. With it, the bars are
            the agents to schedule, unless `agents` is set.
        max_occupancy: the largest share of time that agents may be busy.
        options: the threshold, the time zone, and the business hours; closed days are left out.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        InputError: `target` is not between 0 and 1, or another number is out of range.
        UnknownName: `interval` is neither "hour" nor "quarter_hour".

    Examples:
        >>> chart = et.charts.agents_by_interval(et.sample_logs().calls)
        >>> chart.title.text[0]
        'Agents needed by hour: at most 1, first at 0 for 0.02 Erlangs'
    """
    data = chart_input(calls, options, coverage)
    calls, options = data
    result = metrics.agents_by_interval(
        calls,
        interval=interval,
        target=target,
        agents=agents,
        wrap_up_s=wrap_up_s,
        shrinkage=shrinkage,
        max_occupancy=max_occupancy,
        options=options,
    )
    backtest = metrics.staffing_backtest(
        calls, interval=interval, wrap_up_s=wrap_up_s, options=options
    )
    subject = f"Agents needed by {interval.replace('_', ' ')}"
    complete = coverage_note(coverage, options.time_zone)
    handled = f"(mean talk + {wrap_up_s:g} s of wrap-up)" if wrap_up_s else "mean talk in seconds"
    cap = f", and are busy at most {max_occupancy:.0%} of the time" if max_occupancy < 1 else ""
    is_shrunk = shrinkage and not agents
    more = f" To schedule: agents / (1 - {shrinkage:g} shrinkage)." if is_shrunk else ""
    about = [
        f"The fewest agents with whom Erlang C expects at least {target:.0%} of calls to wait at "
        f"most {options.threshold_s:g} s{cap}; traffic = arrivals per second * {handled}. "
        f"The model assumes that nobody hangs up and that agents do nothing else.{more}"
    ]
    offered = total(result, "calls") if result.height else 0
    if not offered or result["talk_s"].null_count() == result.height:
        unknown = "No inbound offered calls" + " of known talk" * bool(offered)
        message = unknown if data.height else "No calls"
        title, scope = f"{subject}: {lower_first(message)}", [options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    rows = _rows(round_floats(_with_backtest(result, backtest, interval)), interval)
    days = count(int(result["days"].to_list()[0]), "day")
    return finish_chart(
        _draw(rows, interval, agents),
        title=f"{subject}: {lower_first(_alt_text(rows)).removesuffix('.')}",
        scope=[
            f"{count(offered, 'inbound offered call')} on {days}",
            options.time_zone,
            *_legend_notes(rows, agents),
        ],
        warnings=[number_note(calls, options), _reliability_note(rows)],
        about=[*about, _backtest_note(rows, interval)],
        coverage=complete,
        description="",  # the title has it
    )


def _rows(result: pl.DataFrame, interval: str) -> pl.DataFrame:
    """The intervals with their label, sign and texts."""
    sign = pl.concat_str(
        pl.when(pl.col(name).fill_null(value=False)).then(pl.lit(sign)).otherwise(pl.lit(""))
        for name, sign in _SIGNS.items()
    )
    low, high = pl.col("arrivals_low").round(1), pl.col("arrivals_high").round(1)
    few_days = pl.lit("too few days to test whether arrivals are even")
    return result.with_columns(
        key=key_text(interval),
        sign=sign,
        note=pl.when("few_days").then(few_days).otherwise(pl.lit("")),
        talk=duration_text("talk_s"),
        arrivals_interval=pl.format("{} to {}", low, high),
    )


def _with_backtest(result: pl.DataFrame, backtest: pl.DataFrame, interval: str) -> pl.DataFrame:
    """The result with the predicted and the observed abandonment of each interval."""
    columns = ("predicted_abandoned", "abandoned", "predicted_service_level")
    observed = pl.col("service_level").alias("observed_service_level")
    shares = backtest.select(interval, *columns, observed)
    return result.join(shares, on=interval, how="left", maintain_order="left")


def _backtest_note(rows: pl.DataFrame, interval: str) -> str:
    if rows["abandoned"].null_count() == rows.height:
        return "No back-test: no call shows which person answered."
    checked = rows["not_reliable"].count()
    noun = interval.replace("_", " ")
    unreliable = int(rows["not_reliable"].sum())
    result = (
        f"not reliable in {unreliable} of {count(checked, noun)} with at least 30 calls"
        if checked
        else f"no {noun} has the 30 calls that a check needs"
    )
    return (
        "Back-test: abandonment of these calls (filled), and as predicted by Erlang A from the "
        f"persons who talked (hollow); {result}."
    )


def _legend_notes(rows: pl.DataFrame, agents: int | None) -> list[str]:
    """The meaning of the line and of the signs that the chart has."""
    line = [f"line: {count(agents, 'available agent')}"] if agents else []
    return [*line, *(text for name, text in _NOTES.items() if rows[name].any())]


def _reliability_note(rows: pl.DataFrame) -> str:
    return _NOT_RELIABLE if rows["not_reliable"].any() else ""


def _alt_text(rows: pl.DataFrame) -> str:
    known = rows.drop_nulls(["agents_needed", "traffic"])
    if known.is_empty():
        return "No interval has calls of known talk."
    most = known.sort("agents_needed", descending=True, maintain_order=True).row(0, named=True)
    load = f"{most['traffic']:.2f} Erlangs"
    return f"At most {most['agents_needed']:,}, first at {most['key']} for {load}."


def _draw(rows: pl.DataFrame, interval: str, agents: int | None) -> alt.VConcatChart:
    order = list(CLOCK[interval])
    upper, lower = (clock_axis(order, interval, labels=labels) for labels in (False, True))
    is_shrunk = not agents and (rows["agents_scheduled"] != rows["agents_needed"]).any()
    bar = "agents_scheduled" if is_shrunk else "agents_needed"
    tooltip = [
        alt.Tooltip("key:N", title=interval.replace("_", " ")),
        alt.Tooltip("agents_needed:Q", title="agents needed", format=","),
        alt.Tooltip("agents_scheduled:Q", title="agents to schedule", format=","),
        alt.Tooltip("traffic:Q", title="Erlangs", format=",.2f"),
        alt.Tooltip("arrivals:Q", title="calls per day", format=",.2f"),
        alt.Tooltip("arrivals_interval:N", title="95 % interval"),
        alt.Tooltip("talk:N", title="mean talk"),
        alt.Tooltip("load_per_agent:Q", title="load per agent", format=".0%"),
        alt.Tooltip("service_level:Q", title="expected service level", format=".1%"),
        alt.Tooltip("calls:Q", title="total offered calls", format=","),
        alt.Tooltip("abandoned:Q", title="abandoned", format=".1%"),
        alt.Tooltip("predicted_abandoned:Q", title="predicted", format=".1%"),
        alt.Tooltip("observed_service_level:Q", title="service level", format=".1%"),
        alt.Tooltip("predicted_service_level:Q", title="predicted", format=".1%"),
        alt.Tooltip("note:N"),
    ]
    is_checked = rows["abandoned"].is_not_null().any()
    panels = [
        _agents(rows, upper, bar, agents, tooltip),
        _arrivals(rows, upper if is_checked else lower, tooltip),
    ]
    if is_checked:
        panels.append(_abandonment(rows, lower, tooltip))
    return alt.vconcat(*panels, spacing=8)


def _agents(
    rows: pl.DataFrame, axis: alt.X, bar: str, agents: int | None, tooltip: list[alt.Tooltip]
) -> alt.LayerChart:
    ticks = alt.Axis(
        tickCount=5,
        tickMinStep=1,
        format=",d",
        values=count_ticks(rows[bar]),
        minExtent=GUTTER,
    )
    title = "agents" if bar == "agents_needed" else "agents to schedule"
    size = alt.Y(f"{bar}:Q", title=title, axis=ticks)
    bars = alt.Chart(rows).mark_bar(color=ANSWERED)
    layers: list[alt.Chart] = [bars.encode(axis, size, tooltip=tooltip)]
    if agents:
        available = alt.Chart(pl.DataFrame({"available": [agents]}))
        rule = available.mark_rule(color=FAINT, strokeDash=[7, 3])
        layers.append(rule.encode(alt.Y("available:Q")))
    has_labels = rows.height <= MAX_LABELLED_GROUPS
    if has_labels:
        needed = alt.Chart(rows.filter(pl.col(bar) > 0))
        labels = needed.mark_text(style=INK, baseline="bottom", dy=-3)
        layers.append(labels.encode(axis, size, text=f"{bar}:Q"))
    flagged = alt.Chart(rows.filter(pl.col("sign") != ""))
    signs = flagged.mark_text(
        style=INK,
        baseline="bottom",
        dy=-16 if has_labels else -3,
        fontSize=9,
        fontWeight="bold",
        color=LOST,
    )
    layers.append(signs.encode(axis, size, text="sign:N"))
    return alt.LayerChart(layer=layers, width=WIDTH, height=180)


def _arrivals(rows: pl.DataFrame, axis: alt.X, tooltip: list[alt.Tooltip]) -> alt.LayerChart:
    base = alt.Chart(rows.filter(pl.col("arrivals").is_not_null())).encode(axis, tooltip=tooltip)
    y = alt.Y("arrivals:Q", title="calls per day", axis=alt.Axis(tickCount=3, minExtent=GUTTER))
    size = 50 if rows.height <= MAX_LABELLED_GROUPS else 14
    layers = [
        base.mark_rule(color=FAINT, strokeWidth=2).encode(
            alt.Y("arrivals_low:Q"), alt.Y2("arrivals_high:Q")
        ),
        base.mark_point(color=ANSWERED, filled=True, opacity=1, size=size).encode(y),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=90)


def _abandonment(rows: pl.DataFrame, axis: alt.X, tooltip: list[alt.Tooltip]) -> alt.LayerChart:
    """The observed abandonment, and that which Erlang A predicts."""
    base = alt.Chart(rows.filter(pl.col("abandoned").is_not_null())).encode(axis, tooltip=tooltip)
    ticks = alt.Axis(format=".0%", tickCount=3, minExtent=GUTTER)
    y = alt.Y("abandoned:Q", title="abandoned", axis=ticks)
    size = 50 if rows.height <= MAX_LABELLED_GROUPS else 14
    layers = [
        base.mark_rule(color=FAINT, strokeWidth=1).encode(y, alt.Y2("predicted_abandoned:Q")),
        base.mark_point(color=ANSWERED, filled=False, size=size, strokeWidth=1.5).encode(
            alt.Y("predicted_abandoned:Q")
        ),
        base.mark_point(color=LOST, filled=True, opacity=1, size=size).encode(y),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=90)
