"""The answer rate of own numbers over time, and the days on which it changed."""

from collections.abc import Mapping
from datetime import timedelta

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, mark, ntr, number, short_day, tr
from ..locale.dates import long_date_expr
from ..locale.terms import count
from ..metrics import Calls, MetricOptions
from ..metrics.own_number_levels import LOCAL_DAY, days_of_groups, with_levels
from .axes import spans, time_axis
from .finish import coverage_note, empty_chart, finish_chart, lower_first, panel_title
from .grouping import dimension_text, group_keys, group_names, tooltip_title
from .inputs import Names, chart_input, names_of, row_limit
from .texts import interval_text, key_text, none_label, unknown_note
from .theme import (
    ANSWERED,
    FAINT,
    GUTTER,
    LOST,
    SHADE,
    SHADE_OPACITY,
    WIDTH,
    round_floats,
    total,
)

__all__ = ["outbound_levels"]

_PANELS, _MAX_PANELS, _HEIGHT = 6, 12, 90
_MAX_DAYS, _MIN_DAYS, _MAX_LINES = 370, 10, 3
_ABOUT = mark(
    "A level is a period with one answer rate = answered attempts / attempts, with its 95 % "
    "interval (Wilson). A change has the largest likelihood of two rates, and a p-value from 1,999 "
    "random orders of the days of at most 0.05 / groups; a level has at least 3 days."
)


@in_language
def outbound_levels(
    calls: Calls,
    *,
    by: Names = "own_number",
    limit: int = _PANELS,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The answer rate of each own number by day, and when it changed. Collects.

    A number that is blocked as spam is answered much less often from one day on. Points are days,
    lines levels with their interval; an orange dashed rule marks the first day of a lower level.
    The table is `et.metrics.outbound_levels`. At most the latest 370 days are drawn.

    Args:
        calls: outbound calls; others are ignored.
        by: "own_number", another dimension of outbound calls, or a list of several.
        limit: the maximum number of panels, those of the groups with the most attempts; up to 12.
        options: parameters of the metrics, such as the time zone.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such dimension of outbound calls; the message lists the nearest.
        InputError: `limit` is out of range.

    Examples:
        >>> chart = et.charts.outbound_levels(et.sample_logs().calls)
        >>> chart.title.text
        ['Outbound answer rate by own number over time: too few days to tell']
    """
    data, dimensions = chart_input(calls, options, coverage), names_of(by, "by", "own_number")
    limit, zone = row_limit(limit, _MAX_PANELS), data.options.time_zone
    groups, days = days_of_groups(data.calls.lazy(), dimensions, data.options, limit)
    subject, complete = (
        tr("Outbound answer rate {dimensions} over time", dimensions=dimension_text(dimensions)),
        coverage_note(coverage, zone),
    )
    if days.is_empty():
        message = tr("No outbound calls to customers") if data.height else tr("No calls")
        title = f"{subject}: {lower_first(message)}"
        return empty_chart(title, [zone], about=[tr(_ABOUT)], coverage=complete, message=message)
    levels = with_levels(groups, days)
    sizes = levels.group_by(groups, maintain_order=True).agg(
        attempts=pl.col("answer_rate_den").sum(), fall=pl.col("change").min()
    )
    keyed = sizes.with_columns(group_keys(sizes, group_names(data.calls, dimensions)))
    keyed = keyed.sort("fall", "attempts", "key", descending=[False, True, False], nulls_last=True)
    keys = keyed.select(*groups, "key")
    steps = levels.join(keys, on=groups, nulls_equal=True, maintain_order="left")
    points = days.join(keys, on=groups, nulls_equal=True, maintain_order="left")
    texts = {key: _lines(steps.filter(pl.col("key") == key)) for key in keyed["key"]}
    attempts = count(total(keyed, "attempts"), "attempt")
    everything = tr("{attempts} to reach customers", attempts=attempts)
    scope = [everything, zone, tr("points: days"), tr("lines: levels")]
    if none_label() in texts:
        scope.append(unknown_note(tooltip_title(dimensions)))
    return finish_chart(
        _draw(points, steps, texts),
        title=f"{subject}: {_finding(steps)}",
        scope=scope,
        about=[tr(_ABOUT)],
        coverage=complete,
        description=" ".join(f"{', '.join(lines)}." for lines in texts.values()),
    )


def _lines(levels: pl.DataFrame) -> list[str]:
    """The levels of one group, one per line, as the title of its panel."""
    first, *later = (
        tr("{percent} of {n}", percent=_percent(rate), n=size)
        for rate, size in levels.select("answer_rate", "answer_rate_den").iter_rows()
    )
    lines = [f"{levels['key'][0]}: {first}"]
    days = levels["from_day"][1:]
    lines += [
        tr("from {day}: {text}", day=short_day(day), text=text)
        for day, text in zip(days, later, strict=True)
    ]
    others = levels["others_answer_rate"][-1]
    if later and others is not None:
        lines[-1] = tr("{text} (others {percent})", text=lines[-1], percent=_percent(others))
    if len(lines) > _MAX_LINES:
        lines[1:-1] = [tr("{levels} between", levels=count(len(lines) - 2, "level"))]
    return lines


def _percent(share: float) -> str:
    return f"{number(share * 100, '.0f')} %"


def _finding(levels: pl.DataFrame) -> str:
    """The largest fall, or that there is no change."""
    changes = levels.with_columns(before=pl.col("answer_rate").shift(1).over("key")).filter(
        pl.col("change").is_not_null()
    )
    if changes.is_empty():
        is_short = levels["days"].max() < _MIN_DAYS  # type: ignore[operator]
        return tr("too few days to tell") if is_short else tr("no change found")
    largest = changes.sort("change").row(0, named=True)
    if largest["change"] >= 0:
        return ntr("{n} rise, no fall", "{n} rises, no fall", changes.height)
    return tr(
        "{key} fell from {before} to {after} on {day}",
        key=largest["key"],
        before=_percent(largest["before"]),
        after=_percent(largest["answer_rate"]),
        day=short_day(largest["from_day"]),
    )


def _draw(
    days: pl.DataFrame, levels: pl.DataFrame, texts: Mapping[str, list[str]]
) -> alt.VConcatChart:
    """One panel per group, with the same days and rates on the axes."""
    points = round_floats(
        days.with_columns(pl.col(LOCAL_DAY).alias("day"), **_rate("answered", "attempts"))
    ).with_columns(**spans("day"), label=key_text("day"))
    first = points["day"].max() - timedelta(days=_MAX_DAYS - 1)  # type: ignore[operator]
    points = points.filter(pl.col("day") >= first)
    begin, end = (
        levels.with_columns(day=pl.max_horizontal(side, pl.lit(first))).select(**spans("day"))
        for side in ("from_day", "to_day")
    )
    lines = round_floats(levels).with_columns(
        begin["begin"],
        end["end"],
        label=pl.format(
            tr("{} to {}"), *map(long_date_expr, (pl.col("from_day"), pl.col("to_day")))
        ),
    )
    lines = lines.with_columns(
        interval=interval_text("answer_rate_low", "answer_rate_high"),
        offered="answer_rate_den",
        answered="answer_rate_num",
    ).filter(pl.col("to_day") >= first)
    axis_days = points.select("day", "begin", "middle", "end").unique("day").sort("day")
    panels = [
        _panel(
            points.filter(pl.col("key") == key),
            lines.filter(pl.col("key") == key),
            axis_days,
            title=lines_of_title,
            labels=place == len(texts) - 1,
        )
        for place, (key, lines_of_title) in enumerate(texts.items())
    ]
    return alt.vconcat(*panels, spacing=14)


def _rate(answered: str, attempts: str) -> dict[str, pl.Expr]:
    return {"answer_rate": pl.col(answered) / pl.col(attempts), "offered": pl.col(attempts)}


def _panel(
    points: pl.DataFrame,
    lines: pl.DataFrame,
    axis_days: pl.DataFrame,
    *,
    title: list[str],
    labels: bool,
) -> alt.LayerChart:
    rate = alt.Y(
        "answer_rate:Q",
        title=None,
        axis=alt.Axis(format=".0%", tickCount=3, minExtent=GUTTER),
        scale=alt.Scale(domain=[0, 1]),
    )
    tooltip = [
        alt.Tooltip("label:N", title=tr("days")),
        alt.Tooltip("answer_rate:Q", title=tr("answer rate"), format=".1%"),
        alt.Tooltip("answered:Q", title=tr("answered"), format=","),
        alt.Tooltip("offered:Q", title=tr("attempts"), format=","),
    ]
    of_levels = [
        *tooltip,
        alt.Tooltip("interval:N", title=tr("95 % interval")),
        alt.Tooltip("others_answer_rate:Q", title=tr("others"), format=".1%"),
    ]
    middle, begin = (
        time_axis(axis_days, "day", field=field, labels=labels) for field in ("middle", "begin")
    )
    base = alt.Chart(lines)
    band = base.mark_rect(color=SHADE, opacity=2 * SHADE_OPACITY).encode(
        begin, alt.X2("end:T"), alt.Y("answer_rate_low:Q"), alt.Y2("answer_rate_high:Q")
    )
    level = base.mark_rule(color=ANSWERED, strokeWidth=2).encode(
        begin, alt.X2("end:T"), rate, tooltip=of_levels
    )
    day = alt.Chart(points).mark_point(color=FAINT, filled=True, opacity=1, size=22)
    layers = [band, day.encode(middle, rate, tooltip=tooltip), level]
    for falls, hue in ((True, LOST), (False, FAINT)):
        changed = lines.filter((pl.col("change") < 0) == falls)
        if changed.height:
            rule = alt.Chart(changed).mark_rule(color=hue, strokeDash=[2, 2], strokeWidth=1.5)
            layers.append(rule.encode(begin))
    heading = panel_title(title[0], offset=4)
    heading["text"] = title
    return alt.LayerChart(layer=layers, width=WIDTH, height=_HEIGHT, title=heading)
