"""Survival curves: how long callers are willing to wait, and until missed calls are called back."""

from collections.abc import Callable, Sequence

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..language import number as decimal
from ..locale.expressions import text_expr
from ..locale.number_note import number_note
from ..locale.terms import count, plural, unit_name
from ..metrics import Calls, MetricOptions, median_survival
from ..metrics.dimensions import as_names
from .axes import key_order
from .distributions import WAIT_STARTS
from .durations import LONGEST, MINUTES, UNITS, time_unit
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .grouping import dimension_text, group_keys, group_names, only_dimension
from .inputs import ChartInput, Names, chart_input, row_limit
from .survival_curves import MAX_CURVES, CurveText, draw_curves
from .theme import round_floats, total

__all__ = ["patience", "time_to_callback"]

_MAX_STEPS = 300
_MIN_AT_RISK, _EVENT_SHARE = 10, 0.95


@in_language
def patience(
    calls: Calls,
    *,
    by: Names = (),
    limit: int = MAX_CURVES,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of callers who would still wait after each time, and the median. Collects.

    Kaplan-Meier with a 95 % interval: an abandoned call is an event. A call that was answered or
    that the PBX ended is censored, because its caller would have waited longer.

    Args:
        calls: calls of any direction; all of them count.
        by: a dimension of calls, such as "weekday" or "callee", or a list of several: one curve
            per group. Without one, one curve.
        limit: the maximum number of curves, those of the biggest groups; up to 6.
        options: parameters of the metrics; `wait_from` sets where a wait begins, and
            `unknown_endings` what a missed call with an unknown end is.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such dimension of calls; the message lists the nearest.
        InputError: `limit` is out of range.

    Examples:
        >>> chart = et.charts.patience(et.sample_logs().calls, by="direction", limit=2)
        >>> chart.title.text[0]
        'Patience of callers by direction'
    """
    data = chart_input(calls, options, coverage)
    start = tr(WAIT_STARTS[data.options.wait_from])
    if data.options.unknown_endings == "event":
        formula = tr(
            "S(t) = product of 1 - gave up / still waiting, over the waits up to t (Kaplan-Meier), "
            "with its 95 % interval (Greenwood, log-log). Calls that were answered or ended by the "
            'PBX are censored. Calls with an unknown end count as "gave up". A wait begins at '
            "{start}.",
            start=start,
        )
    else:
        formula = tr(
            "S(t) = product of 1 - gave up / still waiting, over the waits up to t (Kaplan-Meier), "
            "with its 95 % interval (Greenwood, log-log). Calls that were answered or ended by the "
            "PBX are censored. Calls with an unknown end are censored, too. A wait begins at "
            "{start}.",
            start=start,
        )
    text = CurveText(
        title=tr("Patience of callers"),
        noun="offered call",
        y=tr("still waiting"),
        x=tr("wait"),
        event=tr("gave up"),
        formula=formula,
    )
    return _survival(data, metrics.patience, text, by, limit, coverage)


@in_language
def time_to_callback(
    calls: Calls,
    *,
    by: Names = (),
    limit: int = MAX_CURVES,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of missed calls still open after each time, and the median. Collects.

    Kaplan-Meier with a 95 % interval, from the end of each missed inbound call with a caller: an
    event is `called_back` or `served`; an open call is censored at `as_of`.

    Args:
        calls: calls of all directions; a callback that is not among them did not happen.
        by: a dimension of the missed calls, such as "hour" or "callee", or a list of several: one
            curve per group. Without one, one curve.
        limit: the maximum number of curves, those of the biggest groups; up to 6.
        options: parameters of the metrics, such as `as_of`.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such dimension of calls; the message lists the nearest.
        InputError: `limit` is out of range.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> chart = et.charts.time_to_callback(et.sample_logs().calls, options=options)
        >>> chart.title.text[0]
        'Time to call back: median 19.2 h (3 or more)'
    """
    text = CurveText(
        title=tr("Time to call back"),
        noun="missed call",
        y=tr("still open"),
        x=tr("time since the missed call"),
        event=tr("called back or served"),
        formula=tr(
            "S(t) = product of 1 - called back or served / still open, over the times up to t "
            "(Kaplan-Meier), with its 95 % interval (Greenwood, log-log). "
            "Open calls are censored at as_of."
        ),
    )
    data = chart_input(calls, options, coverage)
    return _survival(data, metrics.time_to_callback, text, by, limit, coverage)


def _survival(
    data: ChartInput,
    table_of: Callable[..., pl.LazyFrame],
    text: CurveText,
    by: Names,
    limit: int,
    coverage: FetchReport | None,
) -> alt.LayerChart | alt.Chart:
    dimensions, limit = as_names(by, "by"), row_limit(limit, MAX_CURVES)
    options = data.options
    table = table_of(data.calls.lazy(), dimensions, options=options).collect()
    medians = median_survival(table, dimensions)
    subject = f"{text.title} {dimension_text(dimensions)}" if dimensions else text.title
    complete = coverage_note(coverage, options.time_zone)
    number = total(medians, "n")
    if not number:
        nouns = plural(text.noun)
        message = tr("No {calls} of known time", calls=nouns) if data.height else tr("No calls")
        title, about = f"{subject}: {lower_first(message)}", [text.formula]
        zone = [options.time_zone]
        return empty_chart(title, zone, about=about, coverage=complete, message=message)
    if dimensions:
        keyed = medians.with_columns(group_keys(medians, group_names(data.calls, dimensions)))
        groups = _groups(keyed, dimensions, limit)
        keys = groups.select(*dimensions, "key")
        steps = table.join(keys, on=dimensions, nulls_equal=True, maintain_order="left")
    else:
        groups, steps = (each.with_columns(key=pl.lit(tr("all"))) for each in (medians, table))
    until = _until(steps, groups)
    unit, size = time_unit(until)
    numbers = tr(
        "{calls}, {n} of them {event}",
        calls=count(number, text.noun),
        n=total(medians, "events"),
        event=text.event,
    )
    scope, about = [numbers, options.time_zone], [text.formula]
    if until < steps.select(pl.col("time_s").max()).item():
        about.append(
            tr(
                "Not drawn: times after {time}, with fewer than {n} at risk or only the last "
                "events.",
                time=_span_text(until),
                n=_MIN_AT_RISK,
            )
        )
    if groups.height < medians.height:
        scope.append(tr("the {n} biggest groups of {total}", n=groups.height, total=medians.height))
    after = text_expr(pl.col("time_s"), _span_text)
    curves = round_floats(_thin(steps, until).with_columns(at=pl.col("time_s") / size, after=after))
    labelled = _with_text(groups, size)
    finding = f": {labelled['median_text'].item()}" if labelled.height == 1 else ""
    return finish_chart(
        draw_curves(curves, labelled, text, unit, until / size),
        title=f"{subject}{finding}",
        scope=scope,
        warnings=[number_note(*data)],
        about=about,
        coverage=complete,
        description=" ".join(labelled["summary"]),
    )


def _groups(medians: pl.DataFrame, by: Sequence[str], limit: int) -> pl.DataFrame:
    """The biggest groups, in the order of the legend."""
    biggest = medians.sort(-pl.col("n"), *by, nulls_last=True).head(limit)
    dimension = only_dimension(by)
    if dimension is None:
        return biggest.sort(by, nulls_last=True)
    order = {key: place for place, key in enumerate(key_order(medians, dimension))}
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
        summary=pl.format(tr("{}: {} of {}, {}."), "key", "events", "n", "median_text"),
        label=pl.format("{}: {}", "key", "median_text"),
    )


def _median_text(median_s: float | None, low_s: float | None, high_s: float | None) -> str:
    """The median and its interval: "median 3:54 (3:36 to 4:01)" or "median 5.1 h (4.8 to 5.5)"."""
    if median_s is None:
        return tr("median not reached")
    unit, _ = time_unit(median_s)

    def number(seconds: float) -> str:
        text = _span_text(seconds, unit).removesuffix(f" {unit_name(unit)}")
        return text.removesuffix(decimal(0.0, ".1f")[1:])

    interval = tr("no interval")
    if high_s is not None and low_s is None:
        interval = tr("less to {high}", high=number(high_s))
    elif high_s is not None and low_s is not None:
        interval = tr("{low} to {high}", low=number(low_s), high=number(high_s))
    elif low_s is not None:
        interval = tr("{low} or more", low=number(low_s))
    median = number(median_s)
    if unit != MINUTES:
        median = f"{median} {unit_name(unit)}"
    return tr("median {median} ({interval})", median=median, interval=interval)


def _span_text(seconds: float, unit: str = "") -> str:
    """A time as text in this unit of `time_unit`, by default in the one for its length."""
    unit = unit or time_unit(seconds)[0]
    if unit == MINUTES and seconds <= LONGEST[MINUTES]:
        return f"{round(seconds) // 60}:{round(seconds) % 60:02}"
    if unit == MINUTES:
        unit = time_unit(seconds)[0]
    return f"{decimal(seconds / UNITS[unit], ',.1f')} {unit_name(unit)}"
