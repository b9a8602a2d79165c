"""The agents needed in each interval of the day, and where the model does not fit."""

from typing import Literal

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..language import Language, in_language, number, tr
from ..locale.number_note import number_note
from ..locale.terms import count, dimension_name
from ..metrics import Calls, MetricOptions
from .axes import MAX_LABELLED_GROUPS, clock_axis
from .durations import duration_text
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input
from .staffing_notes import alt_text, backtest_note, legend_notes, method_note, reliability_note
from .texts import CLOCK, key_text, rounded
from .theme import (
    ANSWERED,
    FAINT,
    GUTTER,
    INK,
    LOST,
    WIDTH,
    count_ticks,
    round_floats,
    total,
)

__all__ = ["agents_by_interval"]

_SIGNS = {"more_load_than_agents": "!", "uneven": "~", "not_reliable": "?"}


@in_language
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
    language: Language | None = None,
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
        language: "en" or "vi", the language of texts. None: English, or that of the report.

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
    subject = tr("Agents needed by {interval}", interval=dimension_name(interval))
    complete = coverage_note(coverage, options.time_zone)
    about = [method_note(target, wrap_up_s, max_occupancy, options)]
    if shrinkage and not agents:
        about[0] += " " + tr(
            "To schedule: agents / (1 - {shrinkage} shrinkage).", shrinkage=number(shrinkage, "g")
        )
    offered = total(result, "calls") if result.height else 0
    if not offered or result["talk_s"].null_count() == result.height:
        unknown = (
            tr("No inbound offered calls of known talk")
            if offered
            else tr("No inbound offered calls")
        )
        message = unknown if data.height else tr("No calls")
        title, scope = f"{subject}: {lower_first(message)}", [options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    rows = _rows(round_floats(_with_backtest(result, backtest, interval)), interval)
    days = count(int(result["days"].to_list()[0]), "day")
    return finish_chart(
        _draw(rows, interval, agents),
        title=f"{subject}: {lower_first(alt_text(rows)).removesuffix('.')}",
        scope=[
            tr("{calls} on {days}", calls=count(offered, "inbound offered call"), days=days),
            options.time_zone,
            *legend_notes(rows, agents),
        ],
        warnings=[number_note(calls, options), reliability_note(rows)],
        about=[*about, backtest_note(rows, interval)],
        coverage=complete,
        description="",  # the title has it
    )


def _rows(result: pl.DataFrame, interval: str) -> pl.DataFrame:
    """The intervals with their label, sign and texts."""
    sign = pl.concat_str(
        pl.when(pl.col(name).fill_null(value=False)).then(pl.lit(sign)).otherwise(pl.lit(""))
        for name, sign in _SIGNS.items()
    )
    low, high = rounded(pl.col("arrivals_low")), rounded(pl.col("arrivals_high"))
    few_days = pl.lit(tr("too few days to test whether arrivals are even"))
    return result.with_columns(
        key=key_text(interval),
        sign=sign,
        note=pl.when("few_days").then(few_days).otherwise(pl.lit("")),
        talk=duration_text("talk_s"),
        arrivals_interval=pl.format(tr("{} to {}"), low, high),
    )


def _with_backtest(result: pl.DataFrame, backtest: pl.DataFrame, interval: str) -> pl.DataFrame:
    """The result with the predicted and the observed abandonment of each interval."""
    columns = ("predicted_abandoned", "abandoned", "predicted_service_level")
    observed = pl.col("service_level").alias("observed_service_level")
    shares = backtest.select(interval, *columns, observed)
    return result.join(shares, on=interval, how="left", maintain_order="left")


def _draw(rows: pl.DataFrame, interval: str, agents: int | None) -> alt.VConcatChart:
    order = list(CLOCK[interval])
    upper, lower = (clock_axis(order, interval, labels=labels) for labels in (False, True))
    is_shrunk = not agents and (rows["agents_scheduled"] != rows["agents_needed"]).any()
    bar = "agents_scheduled" if is_shrunk else "agents_needed"
    tooltip = [
        alt.Tooltip("key:N", title=dimension_name(interval)),
        alt.Tooltip("agents_needed:Q", title=tr("agents needed"), format=","),
        alt.Tooltip("agents_scheduled:Q", title=tr("agents to schedule"), format=","),
        alt.Tooltip("traffic:Q", title=tr("Erlangs"), format=",.2f"),
        alt.Tooltip("arrivals:Q", title=tr("calls per day"), format=",.2f"),
        alt.Tooltip("arrivals_interval:N", title=tr("95 % interval")),
        alt.Tooltip("talk:N", title=tr("mean talk")),
        alt.Tooltip("load_per_agent:Q", title=tr("load per agent"), format=".0%"),
        alt.Tooltip("service_level:Q", title=tr("expected service level"), format=".1%"),
        alt.Tooltip("calls:Q", title=tr("total offered calls"), format=","),
        alt.Tooltip("abandoned:Q", title=tr("abandoned"), format=".1%"),
        alt.Tooltip("predicted_abandoned:Q", title=tr("predicted"), format=".1%"),
        alt.Tooltip("observed_service_level:Q", title=tr("service level"), format=".1%"),
        alt.Tooltip("predicted_service_level:Q", title=tr("predicted"), format=".1%"),
        alt.Tooltip("note:N", title=tr("note")),
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
    title = tr("agents") if bar == "agents_needed" else tr("agents to schedule")
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
        layers.append(labels.encode(axis, size, text=alt.Text(f"{bar}:Q")))
    flagged = alt.Chart(rows.filter(pl.col("sign") != ""))
    signs = flagged.mark_text(
        style=INK,
        baseline="bottom",
        dy=-16 if has_labels else -3,
        fontSize=9,
        fontWeight="bold",
        color=LOST,
    )
    layers.append(signs.encode(axis, size, text=alt.Text("sign:N")))
    return alt.LayerChart(layer=layers, width=WIDTH, height=180)


def _arrivals(rows: pl.DataFrame, axis: alt.X, tooltip: list[alt.Tooltip]) -> alt.LayerChart:
    base = alt.Chart(rows.filter(pl.col("arrivals").is_not_null())).encode(axis, tooltip=tooltip)
    y = alt.Y(
        "arrivals:Q",
        title=tr("calls per day", context="axis"),
        axis=alt.Axis(tickCount=3, minExtent=GUTTER),
    )
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
    y = alt.Y("abandoned:Q", title=tr("abandoned"), axis=ticks)
    size = 50 if rows.height <= MAX_LABELLED_GROUPS else 14
    layers = [
        base.mark_rule(color=FAINT, strokeWidth=1).encode(y, alt.Y2("predicted_abandoned:Q")),
        base.mark_point(color=ANSWERED, filled=False, size=size, strokeWidth=1.5).encode(
            alt.Y("predicted_abandoned:Q")
        ),
        base.mark_point(color=LOST, filled=True, opacity=1, size=size).encode(y),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=90)
