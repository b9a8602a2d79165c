"""The number of attempts until customers are reached, as survival curves."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..locale.terms import count
from ..metrics import Calls, MetricOptions, median_survival
from ..metrics import outbound_attempts as attempts_table
from ..metrics import outbound_customers as customers_table
from ..metrics.dimensions import as_names
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .grouping import dimension_text, group_keys, group_names
from .inputs import Names, chart_input, row_limit
from .survival_curves import MAX_CURVES, CurveText, draw_curves
from .theme import round_floats, total

__all__ = ["outbound_attempts"]

_MIN_AT_RISK = 10


def _text() -> CurveText:
    return CurveText(
        title=tr("Attempts until customers are reached"),
        noun="customer",
        y=tr("not reached yet"),
        x=tr("attempts"),
        event=tr("reached"),
        formula=tr(
            "S(n) = product of 1 - reached / not reached yet, over the attempts up to n "
            "(Kaplan-Meier), with its 95 % interval (Greenwood, log-log). Customers who were not "
            "reached and not tried again are censored."
        ),
    )


@in_language
def outbound_attempts(
    calls: Calls,
    *,
    by: Names = (),
    limit: int = MAX_CURVES,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.Chart:
    """The share of customers not reached after each attempt of the outbound desk. Collects.

    Kaplan-Meier with a 95 % interval: an event is the first answered attempt; a customer who was
    never reached is censored after the last attempt.

    Args:
        calls: outbound calls; others are ignored.
        by: a dimension of the first attempt, such as "carrier" or "own_number", or a list of
            several: one curve per group. Without one, one curve.
        limit: the maximum number of curves, those of the biggest groups; up to 6.
        options: parameters of the metrics, such as `as_of`.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such dimension of outbound calls; the message lists the nearest.
        InputError: `limit` is out of range.

    Examples:
        >>> chart = et.charts.outbound_attempts(et.simulator.simulate_outbound(500).calls)
        >>> chart.title.text
        ['Attempts until customers are reached: 45 % with the first, half within 2 attempts']
    """
    data = chart_input(calls, options, coverage)
    dimensions, limit = as_names(by, "by"), row_limit(limit, MAX_CURVES)
    zone, frame = data.options.time_zone, data.calls.lazy()
    text = _text()
    complete, about = coverage_note(coverage, zone), [text.formula]
    table = attempts_table(frame, dimensions, options=data.options).collect()
    steps = table.rename({"attempts": "time_s"})
    medians = median_survival(steps, dimensions)
    subject = f"{text.title} {dimension_text(dimensions)}" if dimensions else text.title
    customers = total(medians, "n")
    if not customers:
        message = tr("No outbound calls to customers") if data.height else tr("No calls")
        title = f"{subject}: {lower_first(message)}"
        return empty_chart(title, [zone], about=about, coverage=complete, message=message)
    counts = customers_table(frame, options=data.options).collect().row(0, named=True)
    scope = [
        tr(
            "{customers}: {reached} reached, {never} never",
            customers=count(customers, "customer"),
            reached=counts["reached"],
            never=counts["never_reached"],
        ),
        count(counts["attempts"], "attempt"),
        zone,
    ]
    key = pl.lit(tr("all"))
    if dimensions:
        medians = medians.with_columns(group_keys(medians, group_names(data.calls, dimensions)))
        key = pl.col("key")
    groups = medians.sort(-pl.col("n"), *dimensions, nulls_last=True).head(limit)
    groups = groups.with_columns(key=key)
    if groups.height < medians.height:
        scope.append(tr("the {n} biggest groups of {total}", n=groups.height, total=medians.height))
    if dimensions:
        keys = groups.select(*dimensions, "key")
        steps = steps.join(keys, on=dimensions, nulls_equal=True, maintain_order="left")
    else:
        steps = steps.with_columns(key=key)
    last = _last_attempt(steps)
    if last < steps.select(pl.col("time_s").max()).item():
        about.append(
            tr(
                "Not drawn: more than {attempts} attempts, with fewer than {n} at risk.",
                attempts=last,
                n=_MIN_AT_RISK,
            )
        )
    labelled = _with_text(groups, steps)
    finding = f": {labelled['finding'].item()}" if not dimensions else ""
    return finish_chart(
        draw_curves(_curves(steps, last), labelled, text, "", float(last), whole=True),
        title=f"{subject}{finding}",
        scope=scope,
        about=about,
        coverage=complete,
        description=" ".join(labelled["summary"]),
    )


def _last_attempt(steps: pl.DataFrame) -> int:
    """The last number of attempts that is drawn."""
    enough = steps.filter(pl.col("at_risk") >= _MIN_AT_RISK)
    shown = (enough if enough.height else steps).select(pl.col("time_s").max()).item()
    return max(int(shown), 1)


def _curves(steps: pl.DataFrame, last: int) -> pl.DataFrame:
    """The steps that are drawn, with an interval where survival has one."""
    return round_floats(steps.filter(pl.col("time_s") <= last)).with_columns(
        at=pl.col("time_s"),
        after=pl.format(tr("attempt {}"), "time_s"),
        low=pl.coalesce("low", "survival"),
        high=pl.coalesce("high", "survival"),
        left=pl.col("at_risk") - pl.col("events") - pl.col("censored"),
    )


def _with_text(groups: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """The groups with what their curve shows, as text."""
    first = steps.filter(pl.col("time_s") == 1).select(
        "key", percent=((1 - pl.col("survival")) * 100).round(0).cast(pl.Int64)
    )
    median = pl.col("median_s")
    more = (
        pl.when(median.is_null())
        .then(pl.lit(tr(", fewer than half with all")))
        .when(median > 1)
        .then(pl.format(tr(", half within {} attempts"), median.cast(pl.Int64)))
        .otherwise(pl.lit(""))
    )
    rows = groups.join(first, on="key", how="left", maintain_order="left").with_columns(
        finding=pl.format(tr("{} % with the first{}"), "percent", more)
    )
    return rows.with_columns(
        median="median_s",
        median_text="finding",
        label=pl.format(tr("{}: {} % with the first"), "key", "percent"),
        summary=pl.format(tr("{}: {} of {} reached, {}."), "key", "events", "n", "finding"),
    )
