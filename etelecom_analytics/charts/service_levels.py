"""The service level against its threshold, by each of the six formulas that are in use."""

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, service_level_curve
from .finish import coverage_note, empty_chart, finish_chart
from .theme import DASHES, HUES, SHADE, SHADE_OPACITY, TEXT, WIDTH, count, round_floats
from .waits import WAIT_STARTS

__all__ = ["service_level"]

_HEIGHT, _ROW, _POINTS, _GUTTER = 260, 20, 60, 42
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
_COLUMNS = {"variant": 44, "told": 158, "interval": 306, "reckoned": 414}
"""Where the columns of the table below begin."""


def service_level(
    calls: Calls,
    *,
    until_s: float | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The service level at each threshold by all six formulas, the chosen one with its 95 % interval; below, their values at the threshold.

    The formula and the threshold of the options are marked. Collects.

    Args:
        calls: calls of any direction; what is counted is what is given.
        until_s: up to which threshold is drawn. None: three times that of the options, but at least
            60 s.
        options: what the numbers depend on besides the calls: `threshold_s`, `variant`, `short_s`,
            `min_talk_s`, `wait_from`.
        coverage: `logs.report`; up to when the calls are complete is told.
    """
    end = max(3 * options.threshold_s, 60.0) if until_s is None else float(until_s)
    step = next((step for step in _STEPS if end / step <= _POINTS), end / _POINTS)
    thresholds = [
        *(place * step for place in range(int(end // step) + 1)),
        end,
        options.threshold_s,
    ]
    table = service_level_curve(calls, thresholds_s=thresholds, options=options)
    curve = round_floats(table.lazy().collect()).with_columns(pl.col("variant").cast(pl.String))
    chosen = curve.filter(
        pl.col("variant") == options.variant, pl.col("threshold_s") == options.threshold_s
    ).row(0, named=True)
    of_calls, zone = calls.lazy().select(pl.len()).collect().item(), f"({options.time_zone})"
    formula = f"service_level = {chosen['formula']}, as {options.variant} has it, with its 95 % interval (Wilson)."
    notes: list[str] = [
        f"{formula} a, q, s: answered, missed, short calls of known wait; short: less than {options.short_s:g} s; "
        f"m: {options.min_talk_s:g} s. A wait begins at {WAIT_STARTS[options.wait_from]}.",
        coverage_note(coverage, options.time_zone),
    ]
    if curve["value"].null_count() == curve.height:
        words = "No offered calls of known wait" if of_calls else "No calls"
        return empty_chart(
            f"Service level: {words[0].lower()}{words[1:]} {zone}", notes, message=words
        )
    told = (
        "none"
        if chosen["value"] is None
        else f"{chosen['value']:.1%} within {options.threshold_s:g} s"
    )
    title = f"Service level {told} ({options.variant}), {chosen['numerator']:,} of {count(chosen['denominator'], 'call')} {zone}"
    at_threshold = curve.filter(pl.col("threshold_s") == options.threshold_s)
    drawn = alt.vconcat(_curves(curve, end, options), _table(at_threshold, options), spacing=10)
    return finish_chart(drawn, title=title, notes=notes, description=_alt_text(at_threshold))


def _alt_text(levels: pl.DataFrame) -> str:
    """The six values, for who cannot see them."""
    rows = levels.select("variant", "value", "numerator", "denominator").iter_rows()
    return " ".join(
        f"{name}: {'none' if value is None else f'{value:.1%}'}, {met:,} of {counted:,}."
        for name, value, met, counted in rows
    )


def _scales(levels: pl.DataFrame) -> tuple[alt.Color, alt.StrokeDash]:
    names = levels["variant"].unique(maintain_order=True).to_list()
    hue = alt.Color("variant:N", scale=alt.Scale(domain=names, range=list(HUES)), legend=None)
    return hue, alt.StrokeDash(
        "variant:N", scale=alt.Scale(domain=names, range=list(DASHES)), legend=None
    )


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("variant:N"),
        alt.Tooltip("threshold_s:Q", title="threshold, s"),
        alt.Tooltip("value:Q", title="service level", format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("numerator:Q", format=","),
        alt.Tooltip("denominator:Q", title="of", format=","),
    ]


def _curves(curve: pl.DataFrame, end: float, options: MetricOptions) -> alt.LayerChart:
    known = curve.filter(pl.col("value").is_not_null(), pl.col("threshold_s") <= end).drop(
        "formula", "source"
    )
    axis = alt.Axis(grid=True, tickMinStep=1)
    x = alt.X(
        "threshold_s:Q",
        title="threshold, seconds",
        axis=axis,
        scale=alt.Scale(domain=[0, end], nice=False),
    )
    y = alt.Y(
        "value:Q",
        title="service level",
        axis=alt.Axis(format=".0%", minExtent=_GUTTER),
        scale=alt.Scale(domain=[0, 1]),
    )
    hue, dash = _scales(curve)
    own = known.filter(pl.col("variant") == options.variant)
    band = (
        alt.Chart(own)
        .mark_area(color=SHADE, opacity=2 * SHADE_OPACITY)
        .encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
    )
    others = alt.Chart(known.filter(pl.col("variant") != options.variant)).mark_line(
        strokeWidth=1.3
    )
    thick = alt.Chart(own).mark_line(strokeWidth=3)
    layers = [band, *(each.encode(x, y, hue, dash, tooltip=_tooltip()) for each in (others, thick))]
    if options.threshold_s <= end:
        there = own.filter(pl.col("threshold_s") == options.threshold_s).with_columns(
            words=pl.format(
                "{} % within {} s",
                (pl.col("value") * 100).round(1),
                pl.lit(f"{options.threshold_s:g}"),
            )
        )
        at = alt.Chart(there).encode(x)
        layers.append(at.mark_rule(color=TEXT, strokeDash=[2, 3]))
        layers.append(
            at.mark_point(filled=True, opacity=1, size=80).encode(y, hue, tooltip=_tooltip())
        )
        right = options.threshold_s > end * 0.7
        words = at.mark_text(
            align="right" if right else "left",
            dx=-6 if right else 6,
            baseline="bottom",
            fontWeight="bold",
        )
        layers.append(words.encode(y=alt.value("height"), text="words:N"))
    return alt.LayerChart(layer=layers, width=WIDTH, height=_HEIGHT)


def _table(levels: pl.DataFrame, options: MetricOptions) -> alt.LayerChart:
    """The legend: each formula with its line, its value at the threshold, and who reckons so; the chosen one is marked."""
    low, high = (pl.col(end) * 100 for end in ("low", "high"))
    rows = levels.with_columns(
        place=pl.int_range(pl.len()),
        begin=pl.lit(0),
        end=pl.lit(1),
        chosen=pl.col("variant") == options.variant,
        told=pl.format(
            "{} %, {} of {}", (pl.col("value") * 100).round(1), "numerator", "denominator"
        ).fill_null("none"),
        interval=pl.format("{} to {} %", low.round(1), high.round(1)).fill_null(""),
        reckoned=pl.format("{}: {}", "source", "formula"),
    )
    hue, dash = _scales(levels)
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    sides = [
        rows.select("variant", "place", pl.col(name).alias("side")) for name in ("begin", "end")
    ]
    side = alt.X("side:Q", axis=None, scale=alt.Scale(domain=[0, 1], range=[0, 36], nice=False))
    line = (
        alt.Chart(pl.concat(sides))
        .mark_line(strokeWidth=2.5)
        .encode(side, y, hue, dash, detail="variant:N")
    )
    layers = [line]
    tooltip = [
        *_tooltip(),
        alt.Tooltip("formula:N"),
        alt.Tooltip("source:N", title="who reckons so"),
    ]
    for chosen in (False, True):
        part = alt.Chart(rows.filter(pl.col("chosen") == chosen))
        base = part.mark_text(align="left", fontWeight="bold" if chosen else "normal").encode(
            y, tooltip=tooltip
        )
        layers += [base.encode(x=alt.value(at), text=f"{name}:N") for name, at in _COLUMNS.items()]
    return alt.LayerChart(layer=layers, width=WIDTH, height={"step": _ROW})
