"""Which groups, such as extensions, differ from all by more than chance: a funnel plot."""

import math
from collections.abc import Sequence

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, mark, number, tr
from ..locale.display import Display
from ..locale.number_note import number_note
from ..metrics import Calls, GroupLimits, MetricOptions, inward
from ..metrics import group_limits as limits_of_groups
from ..privacy import check_own_numbers
from .finish import coverage_note, empty_chart, finish_chart, lower_first, range_text
from .group_table import group_labels
from .grouping import dimension_text
from .inputs import Names, chart_input, names_of
from .texts import formula_note, interval_text, measure_title, percent
from .theme import (
    ANSWERED,
    FAINT,
    GUTTER,
    INK,
    LOST,
    SHADE,
    SHADE_OPACITY,
    WIDTH,
    round_floats,
    total,
)

__all__ = ["group_limits"]

_HEIGHT = 320
_POINTS = 80
"""The number of denominators at which the limits are drawn."""
_MAX_LABELS = 12
_MAX_GROUPS = 2_000
_LOOK = {
    mark("inside"): (ANSWERED, "circle"),
    mark("outside 95 %"): (ANSWERED, "diamond"),
    mark("outside 99.8 %"): (LOST, "square"),
    mark("cannot tell"): (FAINT, "circle"),
}
"""The hue and the shape of each verdict."""


@in_language
def group_limits(
    calls: Calls,
    *,
    measure: str = "fair_answer_rate",
    by: Names = "target_number",
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    masked: bool = False,
    own_numbers: Sequence[str] = (),
    language: Language | None = None,
) -> alt.LayerChart | alt.Chart:
    """A share of each group against its number of calls or offers, with limits. Collects.

    This is a funnel plot: the more offers a group has, the closer its rate should be to that of
    all. The limits are those of `et.metrics.group_limits`, which include how much groups differ
    anyway. (`et.charts.funnel` is another chart: the stages at which calls are lost.) Orange
    squares, with their names, are outside the 99.8 % limits.

    Calls of the directions in, ext and ext_in count, as in `extension_performance`. Numbers have
    names if the calls do (`logs.with_names(...)`).

    Args:
        calls: calls of any direction.
        measure: the name of a share.
        by: a dimension or several. At most the 2,000 groups with the most calls or offers are
            drawn.
        options: the settings of the measure.
        coverage: `logs.report`; a note states which times are complete.
        masked: whether external phone numbers are masked.
        own_numbers: numbers that are never masked.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: the measure or the dimension does not exist.
        InputError: the measure is no share.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> chart = et.charts.group_limits(et.sample_logs().calls, options=options)
        >>> chart.title.text[0]
        'Answer rate of offers that the agent could take by target number: none differs'
    """
    data, dimensions = chart_input(calls, options, coverage), names_of(by, "by", "target_number")
    numbers = check_own_numbers(own_numbers)
    display = Display(options=data.options, show_numbers=not masked, own_numbers=numbers)
    inbound = inward(data.calls)
    limits = limits_of_groups(inbound, measure, by=dimensions, options=data.options)
    each, zone = limits.measure, data.options.time_zone
    about = [_limits_note(limits), formula_note(each, data.options)]
    complete = coverage_note(coverage, zone)
    groups = limits.table.filter(pl.col("denominator") > 0)
    subject = f"{measure_title(each)} {dimension_text(dimensions)}"
    if groups.is_empty():
        message = tr("No calls")
        if data.height:
            message = tr("No {calls}", calls=tr(each.population))
        title = f"{subject}: {lower_first(message)}"
        return empty_chart(title, [zone], about=about, coverage=complete, message=message)
    key = group_labels(groups, inbound, dimensions, display)
    rows = round_floats(_rows(groups.with_columns(key)))
    return finish_chart(
        _draw(limits, rows),
        title=f"{subject}: {_finding(limits)}",
        scope=[
            tr(
                "{n} {calls} in {groups} groups",
                n=total(groups, "denominator"),
                calls=tr(each.population),
                groups=groups.height,
            ),
            zone,
            _legend_note(limits),
        ],
        warnings=[number_note(data.calls, data.options)],
        about=about,
        coverage=complete,
        description=range_text(rows, "value", tr("{percent} at {key}")),
    )


def _finding(limits: GroupLimits) -> str:
    if limits.phi is None:
        return tr("too few for limits")
    outside = limits.table.filter(pl.col("verdict") == "outside 99.8 %")
    below, above = ((outside["z"] * sign > 0).sum() for sign in (-1, 1))
    if below and above:
        return tr(
            "{below} below and {above} above the 99.8 % limits", below=int(below), above=int(above)
        )
    if below:
        return tr("{below} below the 99.8 % limits", below=int(below))
    return tr("{above} above the 99.8 % limits", above=int(above)) if above else tr("none differs")


def _legend_note(limits: GroupLimits) -> str:
    if limits.phi is None:
        return tr("limits need at least 5 groups")
    expected = number(100 * (limits.expected or 0.0), ".1f")
    return tr("dashed: all groups, {share} % · orange: outside 99.8 %", share=expected)


def _limits_note(limits: GroupLimits) -> str:
    if limits.phi is None:
        return ""
    unequal = tr("Groups differ no more than independent calls would.")
    if limits.phi > 1:
        unequal = tr(
            "Groups differ more than independent calls would (over-dispersion {phi}); the limits "
            "include that.",
            phi=number(limits.phi, ".3g"),
        )
    return tr(
        "Shaded: the 95 % and 99.8 % limits. {unequal} Diamond: outside 95 %, as 1 in 20 is by "
        "chance; orange square: outside 99.8 %.",
        unequal=unequal,
    )


def _rows(groups: pl.DataFrame) -> pl.DataFrame:
    """The groups with their texts, and the names of the farthest outside."""
    verdict = pl.col("verdict").cast(pl.String)
    verdicts = {name: tr(name) for name in _LOOK}
    is_named = (verdict == "outside 99.8 %") & (
        pl.col("z").abs().rank("ordinal", descending=True) <= _MAX_LABELS
    )
    return (
        groups.top_k(_MAX_GROUPS, by="denominator")
        .sort("denominator", "key")
        .with_columns(
            percent=pl.format("{} %", percent(pl.col("value"), 1)),
            limits_95=interval_text("low_95", "high_95"),
            limits_998=interval_text("low_998", "high_998"),
            hue=verdict.replace_strict({name: hue for name, (hue, _) in _LOOK.items()}),
            shape=verdict.replace_strict({name: shape for name, (_, shape) in _LOOK.items()}),
            name=pl.when(is_named).then("key").otherwise(pl.lit("")),
        )
        .select(
            *("key", "numerator", "denominator", "value", "percent", "z", "limits_95"),
            *("limits_998", "hue", "shape", "name", verdict.replace(verdicts).alias("verdict")),
        )
    )


def _axis_title(limits: GroupLimits) -> str:
    """The title of the measure; the name of the long one is short on the axis."""
    measure = limits.measure
    short = tr("answer rate") if measure.name == "fair_answer_rate" else tr(measure.title)
    return lower_first(short)


def _draw(limits: GroupLimits, rows: pl.DataFrame) -> alt.LayerChart:
    sizes = rows["denominator"].to_list()
    begin, end = max(1, int(0.9 * min(sizes))), math.ceil(1.05 * max(sizes))
    noun = tr(limits.measure.population)
    x = alt.X(
        "denominator:Q",
        title=noun,
        scale=alt.Scale(domain=[begin, end], nice=False),
        axis=alt.Axis(format=",d", grid=False, tickMinStep=1, tickCount=6),
    )
    y = alt.Y(
        "value:Q",
        title=_axis_title(limits),
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format=".0%", tickCount=6, minExtent=GUTTER),
    )
    base = alt.Chart(rows)
    tooltip = [
        alt.Tooltip("key:N", title=tr("group")),
        alt.Tooltip("percent:N", title=tr("value")),
        alt.Tooltip("numerator:Q", title=tr("of which counted"), format=","),
        alt.Tooltip("denominator:Q", title=noun, format=","),
        alt.Tooltip("limits_95:N", title=tr("95 % limits")),
        alt.Tooltip("limits_998:N", title=tr("99.8 % limits")),
        alt.Tooltip("verdict:N", title=tr("verdict")),
    ]
    points = base.mark_point(filled=True, opacity=1, size=55).encode(
        x,
        y,
        color=alt.Color("hue:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
        tooltip=tooltip,
    )
    layers = [points]
    named = rows.filter(pl.col("name") != "")
    if named.height:
        names = alt.Chart(named).mark_text(style=INK, align="left", dx=8)
        layers.append(names.encode(x, y, text=alt.Text("name:N")))
    if limits.phi is not None:
        layers = [*_funnel(limits, x, begin, end), *layers]
    return alt.LayerChart(layer=layers, width=WIDTH, height=_HEIGHT)


def _funnel(limits: GroupLimits, x: alt.X, begin: int, end: int) -> list[alt.Chart]:
    """The limits between these denominators, and the expected share."""
    growth = end / begin
    sizes = sorted({round(begin * growth ** (place / _POINTS)) for place in range(_POINTS + 1)})
    curve = round_floats(limits.at(sizes).with_columns(expected=pl.lit(limits.expected)))
    base = alt.Chart(curve)
    bands = [
        base.mark_area(color=SHADE, opacity=SHADE_OPACITY).encode(
            x, alt.Y(f"low_{level}:Q"), alt.Y2(f"high_{level}:Q")
        )
        for level in ("998", "95")
    ]
    expected = base.mark_line(color=FAINT, strokeDash=[4, 3]).encode(x, alt.Y("expected:Q"))
    return [*bands, expected]
