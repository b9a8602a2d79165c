"""The service level by its threshold, with each of the six formulas in use."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..formatting import format_value
from ..language import Language, in_language, number, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions, service_level_curve
from .distributions import WAIT_STARTS
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .inputs import chart_input, positive_number
from .texts import percent
from .theme import (
    DASHES,
    FAINT,
    GUTTER,
    HUES,
    INK,
    SHADE,
    SHADE_OPACITY,
    WIDTH,
    round_floats,
)

__all__ = ["service_level"]

_HEIGHT, _ROW = 260, 20
_MAX_STEPS = 60
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
_COLUMNS = {"variant": 0.07, "text": 0.45}
"""The columns of the table below the curves, and where they begin as parts of the width."""


@in_language
def service_level(
    calls: Calls,
    *,
    until_s: float | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The service level at each threshold by six formulas, and a table of their values. Collects.

    The formula and the threshold of the options are marked; that formula has its 95 % interval.

    Args:
        calls: calls of any direction; all of them count.
        until_s: the largest threshold drawn. None: three times that of the options, but at least
            60 s.
        options: `threshold_s`, `variant`, `short_s`, `min_talk_s` and `wait_from`.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: `until_s` is not above 0.

    Examples:
        >>> options = et.MetricOptions(threshold_s=20, ivr_numbers=["8000", "8100"])
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.service_level(inbound, options=options)
        >>> chart.title.text
        ['Service level 64.5 % within 20 s']
    """
    data = chart_input(calls, options, coverage)
    calls, options = data
    end = max(3 * options.threshold_s, 60.0)
    if until_s is not None:
        end = positive_number(until_s, "until_s")
    step = next((step for step in _STEPS_S if end / step <= _MAX_STEPS), end / _MAX_STEPS)
    thresholds = [*(nth * step for nth in range(int(end // step) + 1)), end, options.threshold_s]
    table = service_level_curve(calls, thresholds_s=thresholds, options=options)
    curve = round_floats(table.lazy().collect()).with_columns(pl.col("variant").cast(pl.String))
    at_threshold = curve.filter(pl.col("threshold_s") == options.threshold_s)
    selected = at_threshold.filter(pl.col("variant") == options.variant).row(0, named=True)
    complete = coverage_note(coverage, options.time_zone)
    about = [
        tr(
            "service_level = {formula}, variant {variant}, with its 95 % interval (Wilson). a, q, "
            "s: answered, missed, short calls of known wait; short: less than {short} s; "
            "m: {min_talk} s. A wait begins at {start}.",
            formula=tr(selected["formula"]),
            variant=options.variant,
            short=number(options.short_s, "g"),
            min_talk=number(options.min_talk_s, "g"),
            start=tr(WAIT_STARTS[options.wait_from]),
        ),
        *(
            f"{variant}: {tr(formula)} ({tr(source)})."
            for variant, formula, source in at_threshold.select(
                "variant", "formula", "source"
            ).iter_rows()
        ),
    ]
    if curve["value"].null_count() == curve.height:
        message = tr("No offered calls of known wait") if data.height else tr("No calls")
        title, scope = f"{tr('Service level')}: {lower_first(message)}", [options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    title = f"{tr('Service level')} {format_value(selected['value'], 'share')}"
    if selected["value"] is not None:
        title = tr(
            "{level} within {threshold} s", level=title, threshold=number(options.threshold_s, "g")
        )
    basis = tr(
        "{n} of {calls}", n=selected["numerator"], calls=count(selected["denominator"], "call")
    )
    return finish_chart(
        alt.vconcat(_curves(curve, end, options), _table(at_threshold, options), spacing=10),
        title=title,
        scope=[basis, tr("formula {name}", name=options.variant), options.time_zone],
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description=_alt_text(at_threshold),
    )


def _alt_text(levels: pl.DataFrame) -> str:
    rows = levels.select("variant", "value", "numerator", "denominator").iter_rows()
    return " ".join(
        tr(
            "{variant}: {value}, {n} of {total}.",
            variant=variant,
            value=format_value(value, "share"),
            n=numerator,
            total=denominator,
        )
        for variant, value, numerator, denominator in rows
    )


def _line_styles(levels: pl.DataFrame) -> tuple[alt.Color, alt.StrokeDash]:
    variants = levels["variant"].unique(maintain_order=True).to_list()
    hues = alt.Scale(domain=variants, range=list(HUES))
    dashes = alt.Scale(domain=variants, range=list(DASHES))
    return (
        alt.Color("variant:N", scale=hues, legend=None),
        alt.StrokeDash("variant:N", scale=dashes, legend=None),
    )


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("variant:N", title=tr("variant")),
        alt.Tooltip("threshold_s:Q", title=tr("threshold, s")),
        alt.Tooltip("value:Q", title=tr("service level"), format=".1%"),
        alt.Tooltip("low:Q", title=tr("95 % from"), format=".1%"),
        alt.Tooltip("high:Q", title=tr("to"), format=".1%"),
        alt.Tooltip("numerator:Q", title=tr("numerator"), format=","),
        alt.Tooltip("denominator:Q", title=tr("of"), format=","),
    ]


def _curves(curve: pl.DataFrame, end: float, options: MetricOptions) -> alt.LayerChart:
    known = curve.filter(pl.col("value").is_not_null(), pl.col("threshold_s") <= end).drop(
        "formula", "source"
    )
    x = alt.X(
        "threshold_s:Q",
        title=tr("threshold, seconds"),
        axis=alt.Axis(grid=True, tickMinStep=1),
        scale=alt.Scale(domain=[0, end], nice=False),
    )
    y = alt.Y(
        "value:Q",
        title=tr("service level"),
        axis=alt.Axis(format=".0%", minExtent=GUTTER),
        scale=alt.Scale(domain=[0, 1]),
    )
    hue, dash = _line_styles(curve)
    selected = known.filter(pl.col("variant") == options.variant)
    others = known.filter(pl.col("variant") != options.variant)
    band = (
        alt.Chart(selected)
        .mark_area(color=SHADE, opacity=2 * SHADE_OPACITY)
        .encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
    )
    lines = [
        alt.Chart(table).mark_line(strokeWidth=width).encode(x, y, hue, dash, tooltip=_tooltip())
        for table, width in ((others, 1.3), (selected, 3))
    ]
    layers = [band, *lines]
    if options.threshold_s <= end:
        threshold = pl.lit(number(options.threshold_s, "g"))
        marked = selected.filter(pl.col("threshold_s") == options.threshold_s).with_columns(
            text=pl.format(tr("{} % within {} s"), percent(pl.col("value"), 1), threshold)
        )
        base = alt.Chart(marked).encode(x)
        left = options.threshold_s > end * 0.7
        text = base.mark_text(
            style=INK,
            align="right" if left else "left",
            dx=-6 if left else 6,
            baseline="bottom",
            fontWeight="bold",
        )
        point = base.mark_point(filled=True, opacity=1, size=80)
        layers += [
            base.mark_rule(color=FAINT, strokeDash=[2, 3]),
            point.encode(y, hue, tooltip=_tooltip()),
            text.encode(y=alt.YValue("height"), text=alt.Text("text:N")),
        ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=_HEIGHT)


def _table(levels: pl.DataFrame, options: MetricOptions) -> alt.LayerChart:
    """The legend as a table: each line, its value at the threshold, its source and formula."""
    formulas, sources = (
        {text: tr(text) for text in levels[name].unique()} for name in ("formula", "source")
    )
    rows = levels.with_columns(
        place=pl.int_range(pl.len()),
        begin=pl.lit(0.0),
        end=pl.lit(0.055),
        selected=pl.col("variant") == options.variant,
        text=pl.format(
            tr("{} %, {} of {}"), percent(pl.col("value"), 1), "numerator", "denominator"
        ).fill_null(tr("none")),
        formula=pl.col("formula").replace(formulas),
        source=pl.col("source").replace(sources),
        **{f"{name}_at": pl.lit(at) for name, at in _COLUMNS.items()},
    )
    hue, dash = _line_styles(levels)
    y = alt.Y("place:O", axis=None, scale=alt.Scale(type="band", paddingInner=0, paddingOuter=0))
    ends = pl.concat(
        [rows.select("variant", "place", pl.col(name).alias("side")) for name in ("begin", "end")]
    )
    parts = alt.Scale(domain=[0, 1], nice=False)
    side = alt.X("side:Q", axis=None, scale=parts)
    layers = [
        alt.Chart(ends)
        .mark_line(strokeWidth=2.5)
        .encode(side, y, hue, dash, detail=alt.Detail("variant:N"))
    ]
    tooltip = [
        *_tooltip(),
        alt.Tooltip("formula:N", title=tr("formula")),
        alt.Tooltip("source:N", title=tr("source")),
    ]
    for selected in (False, True):
        part = alt.Chart(rows.filter(pl.col("selected") == selected))
        text = part.mark_text(style=INK, align="left", fontWeight="bold" if selected else "normal")
        base = text.encode(y, tooltip=tooltip)
        layers += [
            base.encode(alt.X(f"{name}_at:Q", axis=None, scale=parts), text=alt.Text(f"{name}:N"))
            for name in _COLUMNS
        ]
    return alt.LayerChart(layer=layers, width=WIDTH, height={"step": _ROW})
