"""Any measure by weekday and hour."""

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, summarize_fetched
from ..metrics.registry import TOTALS, Measure, Ratio, Total
from ..metrics.registry import measure as named_measure
from .axes import CLOCK, basis_of, fetched_text, formula_note, measure_title
from .finish import coverage_note, empty_chart, finish_chart
from .theme import (
    FAINT,
    NONE_LABEL,
    NOT_FETCHED,
    SHADE,
    SHADE_OPACITY,
    count,
    count_ticks,
    round_floats,
    short_number,
    total,
)

__all__ = ["heatmap"]

_CELL, _FEW = 27, 5
_BRIGHT = "luminance(scale('color', datum.value)) > 0.3"


def heatmap(
    calls: Calls,
    *,
    measure: str = "offered",
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """A measure by weekday and hour of the local start, its value in each cell; cells without calls are blank. Collects.

    Args:
        calls: calls of any direction; what is counted is what is given.
        measure: any of `etelecom_analytics.measures()`.
        options: what the numbers depend on besides the calls.
        coverage: `logs.report`; shades hours that were not fetched, and counts 0 where they were
            and had no calls.

    Raises:
        UnknownName: no such measure; the message lists the nearest.
    """
    asked = named_measure(measure)
    grain = asked.grain
    asked_for = list(dict.fromkeys([measure, TOTALS[grain], basis_of(asked)]))
    table = round_floats(
        summarize_fetched(
            calls,
            ["weekday", "hour"],
            asked_for,
            coverage=coverage,
            options=options,
            confidence=True,
        )
    )
    named, zone = f"{measure_title(asked)} by weekday and hour", f"({options.time_zone})"
    notes: list[str] = [
        formula_note(asked, options),
        coverage_note(coverage, options.time_zone),
    ]
    if not total(table, TOTALS[grain]):
        words = f"No {grain}" if calls.lazy().select(pl.len()).collect().item() else "No calls"
        return empty_chart(f"{named}: {words.lower()} {zone}", notes, message=words)
    title = f"{named}, over {count(total(table, TOTALS[grain]), grain.removesuffix('s'))} {zone}"
    placed = table.filter(pl.col("weekday").is_not_null())
    if unplaced := total(table.filter(pl.col("weekday").is_null()), TOTALS[grain]):
        notes.append(
            f"{NONE_LABEL}: {count(unplaced, grain.removesuffix('s'))} without a start, not in a cell."
        )
    if not placed.height:
        return empty_chart(title, notes, message="No calls with a start")
    with_value = placed.with_columns(
        **_columns(asked),
        fetched=fetched_text(),
        hour_key=_label("hour", 0),
        weekday_key=_label("weekday", 1),
    )
    cells = with_value.filter(pl.col("value").is_not_null())
    unfetched = with_value.filter(pl.col("fetched_hours") <= 0, pl.col("value").is_null())
    notes.append(
        _legend_words(
            cells,
            unfetched,
            f"no {grain}" if isinstance(asked.made_of, Total) else "nothing to measure",
        )
    )
    if not cells.height:
        return empty_chart(title, notes, message=f"No value: {measure} is over nothing here")
    return finish_chart(
        _drawn(cells, unfetched, asked), title=title, notes=notes, description=_alt_text(cells)
    )


def _columns(asked: Measure) -> dict[str, pl.Expr]:
    """The value, its text, and what it is made of, under names that do not depend on the measure."""
    value = pl.col(asked.name).cast(pl.Float64)
    text = (
        pl.format("{}", (value * 100).round(0).cast(pl.Int64))
        if asked.unit == "share"
        else short_number(value)
    )
    counted, basis = pl.col(TOTALS[asked.grain]), basis_of(asked)
    over, few = pl.lit(None, pl.String), pl.lit(value=False)
    if isinstance(asked.made_of, Ratio):
        below = f"{asked.name}_den"
        over, few = pl.format("{} of {}", f"{asked.name}_num", below), pl.col(below) < _FEW
    elif not isinstance(asked.made_of, Total):
        over, few = pl.format(f"{{}} {basis}", basis), pl.col(basis) < _FEW
    return {"value": value, "text": text, "over": over, "count": counted, "few": few}


def _label(by: str, first: int) -> pl.Expr:
    labels = {first + place: label for place, label in enumerate(CLOCK[by])}
    return pl.col(by).cast(pl.Int64).replace_strict(labels, return_dtype=pl.String)


def _drawn(cells: pl.DataFrame, unfetched: pl.DataFrame, asked: Measure) -> alt.LayerChart:
    hours = alt.X(
        "hour_key:N",
        scale=alt.Scale(domain=CLOCK["hour"]),
        title="hour of the day",
        axis=alt.Axis(labelAngle=0, grid=False),
    )
    days = alt.Y(
        "weekday_key:N",
        scale=alt.Scale(domain=CLOCK["weekday"]),
        title=None,
        axis=alt.Axis(grid=False),
    )
    where = [alt.Tooltip("weekday_key:N", title="weekday"), alt.Tooltip("hour_key:N", title="hour")]
    scale = _scale(cells, asked)
    tooltip = [*where, *_tooltip(asked, fetched=cells["hours"].is_not_null().any())]

    def part(*, few: bool) -> alt.Chart:
        return alt.Chart(cells.filter(pl.col("few") == few)).encode(hours, days, tooltip=tooltip)

    filled, outlined = part(few=False), part(few=True)
    colour = alt.Color("value:Q", scale=scale, legend=_legend(cells, asked))
    ink = alt.condition(_BRIGHT, alt.value("#111111"), alt.value("#ffffff"))
    layers = [
        filled.mark_rect(stroke=FAINT, strokeWidth=0.5).encode(colour),
        filled.mark_text(fontSize=10).encode(text="text:N", color=ink),
    ]
    if cells["few"].any():
        inset = alt.RelativeBandSize(band=0.8)
        layers.append(
            outlined.mark_rect(fill="transparent", strokeWidth=2, width=inset, height=inset).encode(
                alt.Stroke("value:Q", scale=scale, legend=None)
            )
        )
        layers.append(outlined.mark_text(fontSize=10).encode(text="text:N"))
    if unfetched.height:
        base = alt.Chart(unfetched).encode(hours, days, tooltip=[*where, alt.Tooltip("fetched:N")])
        layers += [
            base.mark_rect(color=SHADE, opacity=SHADE_OPACITY),
            base.mark_text(text=NOT_FETCHED, fontSize=12),
        ]
    # Shared, the two legends become one of dots.
    apart = alt.Resolve(legend=alt.LegendResolveMap(color="independent", stroke="independent"))
    return alt.LayerChart(
        layer=layers, width={"step": _CELL}, height={"step": _CELL}, resolve=apart
    )


def _scale(cells: pl.DataFrame, asked: Measure) -> alt.Scale:
    values = cells["value"].to_list()
    least = 0 if isinstance(asked.made_of, Total) else min(values)
    # The scheme's darkest part could not be seen on a dark page.
    return alt.Scale(
        scheme=alt.SchemeParams(name="viridis", extent=[0.12, 1]), domain=[least, max(values)]
    )


def _legend(cells: pl.DataFrame, asked: Measure) -> alt.Legend:
    form = {"share": ".0%", "s": ",.0f"}.get(asked.unit, "~s")
    values = (
        count_ticks(cells["value"].cast(pl.Int64))
        if asked.unit in ("calls", "offers")
        else alt.Undefined
    )
    return alt.Legend(title=None, format=form, orient="top", values=values, tickCount=5)


def _tooltip(asked: Measure, *, fetched: bool) -> list[alt.Tooltip]:
    form = {"share": ".1%", "s": ",.1f"}.get(asked.unit, ",d")
    made_of = (
        []
        if isinstance(asked.made_of, Total)
        else [alt.Tooltip("over:N", title="which is" if asked.unit == "share" else "over")]
    )
    value = alt.Tooltip("value:Q", title=measure_title(asked), format=form)
    counted = alt.Tooltip("count:Q", title=f"{asked.grain} in all", format=",")
    return [value, *made_of, counted, *([alt.Tooltip("fetched:N")] if fetched else [])]


def _legend_words(cells: pl.DataFrame, unfetched: pl.DataFrame, blank: str) -> str:
    words = {
        f"Blank: {blank}.": cells.height + unfetched.height
        < len(CLOCK["weekday"]) * len(CLOCK["hour"]),
        f"{NOT_FETCHED}: {_missing(unfetched)}.": unfetched.height > 0,
        f"Outlined: over fewer than {_FEW}.": cells["few"].any(),
    }
    return " ".join(word for word, holds in words.items() if holds)


def _missing(unfetched: pl.DataFrame) -> str:
    """Why there is nothing: a weekday on which no day lies that was asked for has no hours at all."""
    asked, of_no_hours = (unfetched["hours"] > 0).any(), (unfetched["hours"] == 0).any()
    return " or ".join(["not fetched"] * asked + ["not asked for"] * of_no_hours)


def _alt_text(cells: pl.DataFrame) -> str:
    """The ends of the table, for who cannot see it."""
    ordered = cells.sort("value")
    low, high = ordered.row(0, named=True), ordered.row(-1, named=True)
    ends = (
        f"{which} {each['text']} on {each['weekday_key']} at {each['hour_key']}"
        for which, each in (("lowest", low), ("highest", high))
    )
    return f"{count(cells.height, 'cell')}: {', '.join(ends)}."
