"""Curves of survival: how long callers are willing to wait, and how long those whom we missed wait for us."""

from collections.abc import Callable

import altair as alt
import polars as pl

from .. import metrics
from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, median_survival
from ..names import labels
from .axes import dimension_text, key_order, key_text, time_unit
from .finish import coverage_note, empty_chart, finish_chart
from .theme import DASHES, HUES, SHADE, SHADE_OPACITY, TEXT, WIDTH, count, round_floats, total
from .waits import WAIT_STARTS

__all__ = ["patience", "time_to_callback"]

_HEIGHT, _MOST_GROUPS, _MOST_STEPS, _AT_RISK, _NEARLY_ALL = 260, len(HUES), 300, 10, 0.95
_ALL = "all"


def patience(
    calls: Calls,
    *,
    by: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of callers who would still be waiting after each time, with its 95 % interval, and the median patience. Collects.

    Kaplan-Meier: a missed call is an event; an answered one is censored, since its caller would
    have waited for longer.

    Args:
        calls: calls of any direction; what is counted is what is given.
        by: a dimension that calls carry, such as "weekday" or "callee": one curve a group, of at
            most the 6 biggest. None: one curve.
        options: what the numbers depend on besides the calls; a wait begins where `wait_from` says.
        coverage: `logs.report`; up to when the calls are complete is told.

    Raises:
        UnknownName: there is no such dimension of calls; the message lists the nearest.
    """
    formula = (
        "S(t) = product of 1 - missed / still waiting, over the waits up to t (Kaplan-Meier), with its 95 % interval (Greenwood, log-log). "
        f"Answered calls are censored. A wait begins at {WAIT_STARTS[options.wait_from]}."
    )
    words = {
        "title": "Patience of callers",
        "unit": "offered call",
        "y": "still waiting",
        "x": "wait",
        "event": "gave up",
    }
    return _curves(calls, metrics.patience, words, formula, by, options, coverage)


def time_to_callback(
    calls: Calls,
    *,
    by: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of missed calls that nobody has called back or served after each time, with its 95 % interval, and the median. Collects.

    Kaplan-Meier, from the end of each missed call in with a caller: an event is `called_back` or
    `served`, one that is open is censored at `as_of`.

    Args:
        calls: calls of all directions: what is not there has not happened.
        by: a dimension of the missed calls, such as "hour" or "callee": one curve a group, of at
            most the 6 biggest. None: one curve.
        options: what the numbers depend on besides the calls.
        coverage: `logs.report`; up to when the calls are complete is told.

    Raises:
        UnknownName: there is no such dimension of calls; the message lists the nearest.
    """
    formula = (
        "S(t) = product of 1 - called back or served / still open, over the times up to t (Kaplan-Meier), with its 95 % interval "
        "(Greenwood, log-log). Open ones are censored at as_of."
    )
    words = {
        "title": "Time to call back",
        "unit": "missed call",
        "y": "still open",
        "x": "time since the missed call",
        "event": "called back or served",
    }
    return _curves(calls, metrics.time_to_callback, words, formula, by, options, coverage)


def _curves(
    calls: Calls,
    table_of: Callable[..., pl.LazyFrame],
    words: dict[str, str],
    formula: str,
    by: str | None,
    options: MetricOptions,
    coverage: FetchReport | None,
) -> alt.LayerChart | alt.Chart:
    keys = [] if by is None else [by]
    table = table_of(calls.lazy(), keys, options=options).collect()
    medians = median_survival(table, keys)
    named, zone = (
        words["title"] + (f" {dimension_text(by)}" if by else ""),
        f"({options.time_zone})",
    )
    notes: list[str] = [formula]
    of_all = total(medians, "n")
    if not of_all:
        counted = calls.lazy().select(pl.len()).collect().item()
        said = f"No {words['unit']}s of known time" if counted else "No calls"
        return empty_chart(
            f"{named}: {said[0].lower()}{said[1:]} {zone}",
            [*notes, coverage_note(coverage, options.time_zone)],
            message=said,
        )
    groups, limit = _groups(medians, by, calls)
    keyed = (
        table.with_columns(pl.lit(_ALL).alias("key"))
        if by is None
        else table.with_columns(key=_keys(by, calls))
    )
    steps = keyed.join(groups.select("key"), on="key", how="semi")
    until = _until(steps, groups)
    unit, factor = time_unit(until)
    drawn = round_floats(_thinned(steps, until).with_columns(at=pl.col("time_s") / factor))
    told = _told(groups, factor)
    if until < steps.select(pl.col("time_s").max()).item():
        notes.append(
            f"Not drawn: what comes after {until / factor:,.1f} {unit}, of fewer than {_AT_RISK} or of the last events."
        )
    notes += [limit, coverage_note(coverage, options.time_zone)]
    title = f"{named}, of {count(of_all, words['unit'])}, {total(medians, 'events'):,} of them {words['event']} {zone}"
    return finish_chart(
        _drawn(drawn, told, words, unit, until / factor),
        title=title,
        notes=notes,
        description=" ".join(told["words"]),
    )


def _keys(by: str, calls: Calls) -> pl.Expr:
    return key_text(by).replace(labels(calls.lazy(), by))


def _groups(medians: pl.DataFrame, by: str | None, calls: Calls) -> tuple[pl.DataFrame, str]:
    """The groups that are drawn, in their order, with `key`; and what is to be said of the others."""
    if by is None:
        return medians.with_columns(key=pl.lit(_ALL)), ""
    keyed = medians.with_columns(key=_keys(by, calls))
    biggest = keyed.sort(-pl.col("n"), by, nulls_last=True).head(_MOST_GROUPS)
    order = {key: place for place, key in enumerate(key_order(keyed, by))}
    shown = biggest.sort(
        pl.col("key").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    )
    limit = (
        f"The {shown.height} biggest groups of {keyed.height:,}."
        if shown.height < keyed.height
        else ""
    )
    return shown, limit


def _until(steps: pl.DataFrame, medians: pl.DataFrame) -> float:
    """How far curves are drawn: to where 10 are at risk, or twice as long as nearly all events took; at least to the last median."""
    enough = steps.filter(pl.col("at_risk") >= _AT_RISK)
    last = (enough if enough.height else steps).select(pl.col("time_s").max()).item()
    events = pl.col("events").sum()
    by_then = (
        steps.group_by("time_s")
        .agg(events)
        .sort("time_s")
        .filter(pl.col("events").cum_sum() >= events * _NEARLY_ALL)
    )
    most_events = by_then["time_s"].to_list()[0] if steps["events"].sum() else last
    return float(
        max(
            min(last, 2 * most_events or last),
            medians.select(pl.col("median_s").max()).item() or 0.0,
        )
    )


def _thinned(steps: pl.DataFrame, until: float) -> pl.DataFrame:
    """Each group's curve in at most 300 steps, each as low as the last of those that it stands for; time 0 is its own."""
    width = max(until, 1e-6) / (_MOST_STEPS - 1)
    shown = steps.filter(pl.col("time_s") <= until).with_columns(
        slot=(pl.col("time_s") / width).ceil()
    )
    thinned = (
        shown.group_by("key", "slot", maintain_order=True)
        .agg(
            pl.col("time_s", "survival", "low", "high").last(),
            pl.col("at_risk").first(),
            pl.col("events", "censored").sum(),
        )
        .with_columns(low=pl.coalesce("low", "survival"), high=pl.coalesce("high", "survival"))
        .with_columns(left=pl.col("at_risk") - pl.col("events") - pl.col("censored"))
    )
    # What goes on is drawn to the end, and there nobody leaves.
    goes_on = thinned.unique("key", keep="last", maintain_order=True).filter(
        pl.col("left") > 0, pl.col("time_s") < until
    )
    none = pl.lit(0, pl.Int64)
    at_the_end = goes_on.with_columns(
        time_s=pl.lit(until), at_risk="left", events=none, censored=none
    )
    return pl.concat([thinned, at_the_end]).sort("key", "time_s", maintain_order=True)


def _told(groups: pl.DataFrame, factor: float) -> pl.DataFrame:
    """What is said of each group: its median with the interval, each in a unit that suits it."""
    said = [_median_words(*row) for row in groups.select("median_s", "low_s", "high_s").iter_rows()]
    return groups.with_columns(
        median=pl.col("median_s") / factor, said=pl.Series(said, dtype=pl.String)
    ).with_columns(
        words=pl.format("{}: {} of {}, {}.", "key", "events", "n", "said"),
        label=pl.format("{}: {}", "key", "said"),
    )


def _median_words(median_s: float | None, low_s: float | None, high_s: float | None) -> str:
    """The median and its interval, such as "median 3.9 min (3.6 to 4.0)"."""
    if median_s is None:
        return "median not reached"
    unit, size = time_unit(median_s)
    low, high = (
        None if each is None else f"{each / size:,.1f}".removesuffix(".0")
        for each in (low_s, high_s)
    )
    interval = f"{low or 'less'} to {high}" if high else f"{low} or more" if low else "no interval"
    return f"median {f'{median_s / size:,.1f}'.removesuffix('.0')} {unit} ({interval})"


def _drawn(
    steps: pl.DataFrame, told: pl.DataFrame, words: dict[str, str], unit: str, end: float
) -> alt.LayerChart:
    keys = told["key"].to_list()
    names = told["label"].to_list()
    hues = alt.Scale(domain=names, range=list(HUES[: len(keys)]))
    dashes = alt.Scale(domain=names, range=list(DASHES[: len(keys)]))
    legend = alt.Legend(
        title=None,
        orient="top",
        direction="vertical",
        symbolType="stroke",
        symbolSize=400,
        labelLimit=WIDTH,
        columns=2,
    )
    curve = steps.drop("slot", "at_risk").join(
        told.select("key", "label"), on="key", how="left", maintain_order="left"
    )
    x = alt.X(
        "at:Q",
        title=f"{words['x']}, {unit}",
        scale=alt.Scale(domain=[0, end or 1.0], nice=False),
        axis=alt.Axis(grid=True),
    )
    axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("survival:Q", title=words["y"], scale=alt.Scale(domain=[0, 1]), axis=axis)
    tooltip = [
        *([alt.Tooltip("key:N", title="group")] if len(keys) > 1 else []),
        alt.Tooltip("at:Q", title=f"after, {unit}", format=",.1f"),
        alt.Tooltip("survival:Q", title=words["y"], format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("left:Q", title="there after it", format=","),
        alt.Tooltip("events:Q", title=words["event"], format=","),
        alt.Tooltip("censored:Q", title="censored", format=","),
    ]
    base = alt.Chart(curve)
    hue = alt.Color("label:N", scale=hues, legend=legend)
    # Bands of several groups would lie upon each other: theirs are two edges.
    if len(keys) == 1:
        band = [
            base.mark_area(interpolate="step-after", color=SHADE, opacity=2 * SHADE_OPACITY).encode(
                x, alt.Y("low:Q"), alt.Y2("high:Q")
            )
        ]
    else:
        edge = base.mark_line(interpolate="step-after", strokeWidth=0.7, opacity=0.5)
        band = [edge.encode(x, alt.Y(f"{end}:Q"), hue) for end in ("low", "high")]
    line = base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        x, y, hue, alt.StrokeDash("label:N", scale=dashes, legend=legend), tooltip=tooltip
    )
    half = (
        alt.Chart(pl.DataFrame({"half": [0.5]}))
        .mark_rule(color=TEXT, strokeDash=[2, 3])
        .encode(alt.Y("half:Q"))
    )
    reached = told.filter(pl.col("median").is_not_null(), pl.col("median") <= end)
    middle = (
        alt.Chart(reached.with_columns(half=pl.lit(0.5)))
        .mark_point(filled=True, opacity=1, size=70)
        .encode(
            alt.X("median:Q"),
            alt.Y("half:Q"),
            hue,
            tooltip=[
                alt.Tooltip("key:N", title="group"),
                alt.Tooltip("median:Q", title=f"median, {unit}", format=",.1f"),
                alt.Tooltip("said:N", title="with its 95 % interval"),
                alt.Tooltip("n:Q", title="of", format=","),
            ],
        )
    )
    return alt.LayerChart(layer=[*band, half, line, middle], width=WIDTH, height=_HEIGHT)
