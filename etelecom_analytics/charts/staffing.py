"""How many agents each interval of the day needs, and where the model does not fit."""

from typing import Literal

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, agents_by_interval
from .axes import CLOCK, key_text
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, FAINT, LOST, WIDTH, count, count_ticks, round_floats, total

__all__ = ["agents_needed"]

_GUTTER, _TELL = 42, 25


def agents_needed(
    calls: Calls,
    *,
    interval: Literal["hour", "quarter_hour"] = "hour",
    target: float = 0.8,
    agents: int | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """How many agents each interval of a usual day needs by Erlang C; below, the calls that arrive, with their 95 % interval. Collects.

    An interval where the model does not fit is hollow and has a sign: ! more load than agents, ~
    arrivals less even than Poisson's.

    Args:
        calls: calls of any direction; only those in count. Give whole days that were fetched: days
            without calls count too.
        interval: "hour" or "quarter_hour".
        target: the share of calls that are to wait for at most `options.threshold_s`.
        agents: how many there are, if that is asked; drawn as a line.
        options: the threshold, and whose local time is meant.
        coverage: `logs.report`; up to when the calls are complete is told.

    Raises:
        InputError: target is not between 0 and 1, or agents is below 1.
        UnknownName: interval is neither "hour" nor "quarter_hour".
    """
    found = agents_by_interval(
        calls, interval=interval, target=target, agents=agents, options=options
    )
    named, zone = f"Agents needed by {interval.replace('_', ' ')}", f"({options.time_zone})"
    offered = total(found, "calls") if found.height else 0
    notes: list[str] = [
        f"The fewest with whom Erlang C expects at least {target:.0%} of calls to wait for at most {options.threshold_s:g} s; "
        "traffic = arrivals a second * mean talk in seconds. Nobody hangs up in this model, and nobody does anything else.",
    ]
    if not offered:
        of_calls = calls.lazy().select(pl.len()).collect().item()
        words = "No offered calls in" if of_calls else "No calls"
        told = [*notes, coverage_note(coverage, options.time_zone)]
        return empty_chart(f"{named}: {words[0].lower()}{words[1:]} {zone}", told, message=words)
    title = f"{named}, from {count(offered, 'offered call')} in on {count(int(found['days'].to_list()[0]), 'day')} {zone}"
    table = _told(round_floats(found), interval)
    notes += [*_signs(table, agents), coverage_note(coverage, options.time_zone)]
    return finish_chart(
        _drawn(table, interval, agents), title=title, notes=notes, description=_alt_text(table)
    )


def _told(found: pl.DataFrame, interval: str) -> pl.DataFrame:
    """The table with the key of each interval, its sign, and words."""
    signs = {"more_load_than_agents": "!", "uneven": "~"}
    marks = (
        pl.when(pl.col(name).fill_null(value=False)).then(pl.lit(sign)).otherwise(pl.lit(""))
        for name, sign in signs.items()
    )
    sign = pl.concat_str(*marks)
    return found.with_columns(
        key=key_text(interval),
        sign=sign,
        fits=sign == "",
        few=pl.when("few_days")
        .then(pl.lit("too few days to tell whether arrivals are even"))
        .otherwise(pl.lit("")),
        between=pl.format(
            "{} to {}", pl.col("arrivals_low").round(1), pl.col("arrivals_high").round(1)
        ),
    )


def _signs(table: pl.DataFrame, agents: int | None) -> list[str]:
    said = {
        "! more load than agents: the queue would grow without end.": table["sign"]
        .str.contains("!", literal=True)
        .any(),
        "~ arrivals differ more from day to day than Poisson's would (1 %).": table["sign"]
        .str.contains("~", literal=True)
        .any(),
        "Fewer than 5 days: too few to tell whether arrivals are even.": table["few_days"].any(),
    }
    line = [f"Line: the {count(agents, 'agent')} that there are."] if agents else []
    return [" ".join([*line, *(words for words, holds in said.items() if holds)])]


def _alt_text(table: pl.DataFrame) -> str:
    """The interval that needs the most, for who cannot see it."""
    most = table.sort(pl.col("agents_needed"), descending=True, maintain_order=True).row(
        0, named=True
    )
    return f"Most at {most['key']}: {most['agents_needed']:,} for {most['traffic']:.2f} Erlangs."


def _drawn(table: pl.DataFrame, interval: str, agents: int | None) -> alt.VConcatChart:
    order = list(CLOCK[interval])
    tooltip = [
        alt.Tooltip("key:N", title=interval.replace("_", " ")),
        alt.Tooltip("agents_needed:Q", title="agents needed", format=","),
        alt.Tooltip("traffic:Q", title="Erlangs", format=",.2f"),
        alt.Tooltip("arrivals:Q", title="calls a day", format=",.2f"),
        alt.Tooltip("between:N", title="95 % interval"),
        alt.Tooltip("talk_s:Q", title="mean talk, s", format=",.1f"),
        alt.Tooltip("load_per_agent:Q", title="load of an agent", format=".0%"),
        alt.Tooltip("service_level:Q", title="expected service level", format=".1%"),
        alt.Tooltip("calls:Q", title="offered calls in all", format=","),
        alt.Tooltip("few:N", title="note"),
    ]

    def clock(*, labels: bool) -> alt.X:
        shown = order if len(order) <= _TELL else order[::8]
        title = interval.replace("_", " ") if labels else None
        axis = alt.Axis(
            values=shown, title=title, labels=labels, ticks=labels, labelAngle=0, grid=False
        )
        return alt.X(
            "key:N", scale=alt.Scale(domain=order, paddingInner=0.12, paddingOuter=0.06), axis=axis
        )

    ticks = alt.Axis(
        tickCount=5,
        tickMinStep=1,
        format=",d",
        values=count_ticks(table["agents_needed"]),
        minExtent=_GUTTER,
    )
    size = alt.Y("agents_needed:Q", title="agents", axis=ticks)
    bare, few = clock(labels=False), table.height <= _TELL
    fitting, other = (alt.Chart(table.filter(pl.col("fits") == fits)) for fits in (True, False))
    bars = [
        fitting.mark_bar(color=ANSWERED, stroke=ANSWERED).encode(bare, size, tooltip=tooltip),
        other.mark_bar(fill="transparent", stroke=ANSWERED, strokeWidth=1.5).encode(
            bare, size, tooltip=tooltip
        ),
    ]
    needed = alt.Chart(table.filter(pl.col("agents_needed") > 0))
    words = (
        [needed.mark_text(baseline="bottom", dy=-3).encode(bare, size, text="agents_needed:Q")]
        if few
        else []
    )
    raised = other.mark_text(
        baseline="bottom", dy=-16 if few else -3, fontSize=13, fontWeight="bold", color=LOST
    )
    line = (
        alt.Chart(pl.DataFrame({"there": [agents]}))
        .mark_rule(color=FAINT, strokeDash=[7, 3])
        .encode(alt.Y("there:Q"))
    )
    there = [line] if agents else []
    arriving = alt.Chart(table.filter(pl.col("arrivals").is_not_null())).encode(
        clock(labels=True), tooltip=tooltip
    )
    y = alt.Y("arrivals:Q", title="calls a day", axis=alt.Axis(tickCount=3, minExtent=_GUTTER))
    doubt = arriving.mark_rule(color=FAINT, strokeWidth=2).encode(
        alt.Y("arrivals_low:Q"), alt.Y2("arrivals_high:Q")
    )
    point = arriving.mark_point(
        color=ANSWERED, filled=True, opacity=1, size=50 if few else 14
    ).encode(y)
    return alt.vconcat(
        alt.LayerChart(
            layer=[*bars, *there, *words, raised.encode(bare, size, text="sign:N")],
            width=WIDTH,
            height=180,
        ),
        alt.LayerChart(layer=[doubt, point], width=WIDTH, height=90),
        spacing=8,
    )
