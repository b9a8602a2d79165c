"""The days of a measure with control limits: which days are outside the usual range."""

import altair as alt
import polars as pl

from ..errors import UnknownName
from ..fetch_report import FetchReport
from ..formatting import format_value, size_text
from ..language import Language, in_language, mark, tr
from ..locale.expressions import text_expr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions, control_limits
from ..metrics.daily_control import ControlLimits
from ..metrics.registry import Total
from .axes import spans, time_axis
from .durations import duration_axis
from .finish import coverage_note, empty_chart, finish_chart, range_text
from .inputs import Names, chart_input, names_of
from .texts import formula_note, key_text, measure_title
from .theme import ANSWERED, FAINT, LOST, SHADE, SHADE_OPACITY, WIDTH, round_floats

__all__ = ["control"]

_HEIGHT = 260
_MAX_DAYS = 370
_VALUES = {
    "value": mark("value"),
    "expected": mark("expected"),
    "low": mark("low"),
    "high": mark("high"),
}


@in_language
def control(
    calls: Calls,
    measure: str = "answer_rate",
    by: Names = "day",
    *,
    history: Calls | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.FacetChart | alt.Chart:
    """The days of a measure, and the range in which ordinary days are. Collects.

    The range is that of `et.metrics.control_limits`: 3 sigmas around the value of the weekday.
    Orange points are outside; a rule marks a day on which a lasting change was noticed. At most the
    latest 370 days are drawn.

    Args:
        calls: the calls of the days to draw.
        measure: the name of a measure.
        by: "day"; limits of other groups are not offered.
        history: earlier calls that the limits are computed from. None: the days themselves.
        options: the settings of the measure.
        coverage: `logs.report`: days that were not fetched completely are left out.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: the measure or the dimension does not exist.
        InputError: `calls` or `history` is no table of calls, or `by` no name.

    Examples:
        >>> chart = et.charts.control(et.sample_logs().calls, "answer_rate")
        >>> chart.title.text
        ['Answer rate by day: too few days for control limits']
    """
    for name in names_of(by, "by", "day"):
        if name != "day":
            raise UnknownName("dimension of a control chart", name, ["day"])
    data = chart_input(calls, options, coverage)
    usual = None if history is None else chart_input(history, options).calls
    limits = control_limits(
        data.calls, measure, history=usual, options=data.options, coverage=coverage
    )
    each, zone = limits.measure, data.options.time_zone
    about, complete = [formula_note(each, data.options)], coverage_note(coverage, zone)
    table = limits.table.tail(_MAX_DAYS)
    subject, scope = (
        tr("{measure} by day", measure=tr(each.title)),
        [count(data.height, "call"), zone],
    )
    if table.is_empty():
        return empty_chart(subject, scope, about=about, coverage=complete)
    alarms, rows = int(table["is_alarm"].sum()), _rows(limits, table)
    return finish_chart(
        _draw(limits, rows),
        title=f"{subject}: {_finding(limits, alarms, table.height)}",
        scope=[*scope, _sigma_note(limits)],
        warnings=[number_note(data.calls, data.options)],
        about=about,
        coverage=complete,
        description=range_text(rows, "value", tr("{value_text} on {key}"), noun="day"),
    )


def _finding(limits: ControlLimits, alarms: int, days: int) -> str:
    if limits.sigma is None:
        return tr("too few days for control limits")
    changes = int(limits.table["is_change"].sum())
    text = tr("no day outside the usual range")
    if alarms:
        text = tr("{n} of {days} outside the usual range", n=alarms, days=count(days, "day"))
    if changes:
        return tr("{text}, a lasting change on {days}", text=text, days=count(changes, "day"))
    return text


def _sigma_note(limits: ControlLimits) -> str:
    if limits.sigma is None:
        return tr("limits need at least 21 days; there are {n}", n=limits.baseline_days)
    unit = limits.measure.unit
    sigma, two, five = (
        size_text(value, unit) for value in (limits.sigma, limits.step_2_days, limits.step_5_days)
    )
    return tr(
        "sigma {sigma}, from {days}, adjusted for weekdays: a step of {two} is found within two "
        "days, one of {five} within five (90 %)",
        sigma=sigma,
        days=count(limits.baseline_days, "day"),
        two=two,
        five=five,
    )


def _count(limits: ControlLimits) -> pl.Expr:
    """The number of calls, offers or legs of a day."""
    is_total = isinstance(limits.measure.aggregation, Total)
    return pl.col("value" if is_total else "n").round(0).cast(pl.Int64)


def _rows(limits: ControlLimits, table: pl.DataFrame) -> pl.DataFrame:
    """The days with their positions on the axis, and each of `_VALUES` as text."""
    unit = limits.measure.unit
    texts = (
        text_expr(pl.col(name), lambda value: format_value(value, unit)).alias(f"{name}_text")
        for name in _VALUES
    )
    return round_floats(table).with_columns(
        *texts, **spans("day"), key=key_text("day"), count=_count(limits)
    )


def _axis(limits: ControlLimits, rows: pl.DataFrame) -> alt.Axis:
    title = measure_title(limits.measure)
    if limits.measure.unit == "s":
        values = rows.select(_VALUES.keys()).rows()
        shown = [each for row in values for each in row if each is not None]
        return alt.Axis(**duration_axis(shown, zero=False), title=title, grid=True)
    form = ".0%" if limits.measure.unit == "share" else ",.0f"
    return alt.Axis(format=form, title=title, grid=True)


def _draw(limits: ControlLimits, rows: pl.DataFrame) -> alt.LayerChart | alt.FacetChart:
    y = alt.Y("value:Q", axis=_axis(limits, rows), scale=alt.Scale(zero=False))
    tooltip = [
        alt.Tooltip("key:N", title=tr("day")),
        *(alt.Tooltip(f"{name}_text:N", title=tr(title)) for name, title in _VALUES.items()),
        alt.Tooltip("z:Q", title=tr("sigmas"), format="+.1f"),
        alt.Tooltip("count:Q", title=tr(limits.measure.population), format=","),
    ]
    base = alt.Chart(rows, width=WIDTH, height=_HEIGHT)
    middle = time_axis(rows, "day", field="middle", labels=True)
    band = base.mark_area(color=SHADE, opacity=SHADE_OPACITY, interpolate="step").encode(
        middle, alt.Y("low:Q"), alt.Y2("high:Q")
    )
    expected = base.mark_line(color=FAINT, interpolate="step", strokeDash=[4, 3]).encode(
        middle, alt.Y("expected:Q")
    )
    line = base.mark_line(color=ANSWERED, strokeWidth=1).encode(middle, y)
    points = base.mark_point(filled=True, opacity=1, size=45).encode(
        middle,
        y,
        color=alt.ColorValue(ANSWERED, condition={"test": "datum.is_alarm", "value": LOST}),
        shape=alt.ShapeValue("circle", condition={"test": "datum.is_alarm", "value": "diamond"}),
        tooltip=tooltip,
    )
    layers = [line, points]
    if limits.sigma is not None:
        layers = [band, expected, *layers]
        changed = rows.filter("is_change")
        if changed.height:
            rule = alt.Chart(changed).mark_rule(color=LOST, strokeDash=[2, 2], strokeWidth=1.5)
            layers.append(rule.encode(middle))
    return alt.layer(*layers)
