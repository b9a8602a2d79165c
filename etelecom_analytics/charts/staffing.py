"""The agents needed in each interval of the day, and where the model does not fit."""

from typing import Literal

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..locale.number_note import number_note
from ..metrics import Calls, MetricOptions
from .axes import CLOCK, MAX_LABELLED_GROUPS, clock_axis, key_text
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

_SIGNS = {"more_load_than_agents": "!", "uneven": "~"}
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
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The agents that each interval of a day needs by Erlang C, and its calls. Collects.

    The number of calls has its 95 % interval. Where the model does not fit, the bar is hollow and
    has a sign: ! more load than agents, ~ arrivals less even than a Poisson process.

    Args:
        calls: calls of any direction; inbound calls count. Pass whole fetched days, because days
            without calls count too.
        interval: "hour" or "quarter_hour".
        target: the share of calls that should wait at most `options.threshold_s`.
        agents: the number of agents available, drawn as a line. None: no line.
        options: the threshold and the time zone.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        InputError: `target` is not between 0 and 1, or `agents` is below 1.
        UnknownName: `interval` is neither "hour" nor "quarter_hour".

    Examples:
        >>> chart = et.charts.agents_by_interval(et.sample_logs().calls)
        >>> chart.title.text[0]
        'Agents needed by hour: 1 at 0, for 0.02 Erlangs'
    """
    data = chart_input(calls, options, coverage)
    calls, options = data
    result = metrics.agents_by_interval(
        calls, interval=interval, target=target, agents=agents, options=options
    )
    subject = f"Agents needed by {interval.replace('_', ' ')}"
    complete = coverage_note(coverage, options.time_zone)
    about = [
        f"The fewest agents with whom Erlang C expects at least {target:.0%} of calls to wait at "
        f"most {options.threshold_s:g} s; traffic = arrivals per second * mean talk in seconds. "
        "The model assumes that nobody hangs up and that agents do nothing else."
    ]
    offered = total(result, "calls") if result.height else 0
    if not offered or result["talk_s"].null_count() == result.height:
        unknown = "No inbound offered calls" + " of known talk" * bool(offered)
        message = unknown if data.height else "No calls"
        title, scope = f"{subject}: {lower_first(message)}", [options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    rows = _rows(round_floats(result), interval)
    days = count(int(result["days"].to_list()[0]), "day")
    return finish_chart(
        _draw(rows, interval, agents),
        title=f"{subject}: {_alt_text(rows).removesuffix('.')}",
        scope=[
            f"{count(offered, 'inbound offered call')} on {days}",
            options.time_zone,
            *_legend_notes(rows, agents),
        ],
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description=_alt_text(rows),
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
        fits=sign == "",
        note=pl.when("few_days").then(few_days).otherwise(pl.lit("")),
        arrivals_interval=pl.format("{} to {}", low, high),
    )


def _legend_notes(rows: pl.DataFrame, agents: int | None) -> list[str]:
    """The meaning of the line and of the signs that the chart has."""
    line = [f"line: {count(agents, 'available agent')}"] if agents else []
    return [*line, *(text for name, text in _NOTES.items() if rows[name].any())]


def _alt_text(rows: pl.DataFrame) -> str:
    known = rows.drop_nulls(["agents_needed", "traffic"])
    if known.is_empty():
        return "no interval has calls of known talk."
    most = known.sort("agents_needed", descending=True, maintain_order=True).row(0, named=True)
    return f"{most['agents_needed']:,} at {most['key']}, for {most['traffic']:.2f} Erlangs."


def _draw(rows: pl.DataFrame, interval: str, agents: int | None) -> alt.VConcatChart:
    order = list(CLOCK[interval])
    upper, lower = (clock_axis(order, interval, labels=labels) for labels in (False, True))
    tooltip = [
        alt.Tooltip("key:N", title=interval.replace("_", " ")),
        alt.Tooltip("agents_needed:Q", title="agents needed", format=","),
        alt.Tooltip("traffic:Q", title="Erlangs", format=",.2f"),
        alt.Tooltip("arrivals:Q", title="calls per day", format=",.2f"),
        alt.Tooltip("arrivals_interval:N", title="95 % interval"),
        alt.Tooltip("talk_s:Q", title="mean talk, s", format=",.1f"),
        alt.Tooltip("load_per_agent:Q", title="load per agent", format=".0%"),
        alt.Tooltip("service_level:Q", title="expected service level", format=".1%"),
        alt.Tooltip("calls:Q", title="total offered calls", format=","),
        alt.Tooltip("note:N"),
    ]
    return alt.vconcat(
        _agents(rows, upper, agents, tooltip), _arrivals(rows, lower, tooltip), spacing=8
    )


def _agents(
    rows: pl.DataFrame, axis: alt.X, agents: int | None, tooltip: list[alt.Tooltip]
) -> alt.LayerChart:
    ticks = alt.Axis(
        tickCount=5,
        tickMinStep=1,
        format=",d",
        values=count_ticks(rows["agents_needed"]),
        minExtent=GUTTER,
    )
    size = alt.Y("agents_needed:Q", title="agents", axis=ticks)
    fitting, other = (alt.Chart(rows.filter(pl.col("fits") == fits)) for fits in (True, False))
    filled = fitting.mark_bar(color=ANSWERED, stroke=ANSWERED)
    hollow = other.mark_bar(fill="transparent", stroke=ANSWERED, strokeWidth=1.5)
    layers = [bars.encode(axis, size, tooltip=tooltip) for bars in (filled, hollow)]
    if agents:
        available = alt.Chart(pl.DataFrame({"available": [agents]}))
        rule = available.mark_rule(color=FAINT, strokeDash=[7, 3])
        layers.append(rule.encode(alt.Y("available:Q")))
    has_labels = rows.height <= MAX_LABELLED_GROUPS
    if has_labels:
        needed = alt.Chart(rows.filter(pl.col("agents_needed") > 0))
        labels = needed.mark_text(style=INK, baseline="bottom", dy=-3)
        layers.append(labels.encode(axis, size, text="agents_needed:Q"))
    signs = other.mark_text(
        style=INK,
        baseline="bottom",
        dy=-16 if has_labels else -3,
        fontSize=13,
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
