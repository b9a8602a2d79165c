"""Any measure by any dimension, as bars or points."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..locale.display import Display
from ..metrics import NAME_DIMENSIONS, Calls, MetricOptions, summarize_fetched
from ..metrics.registry import TOTALS, Mean, Measure, Quantile, Ratio, Total
from ..metrics.registry import measure as measure_named
from ..names import labels
from ..phone_numbers import mask
from ..privacy import check_own_numbers, mask_numbers
from .axes import (
    CLOCK,
    MAX_LABELLED_GROUPS,
    TIME,
    clock_axis,
    dimension_text,
    fetched_text,
    formula_note,
    key_order,
    key_text,
    measure_title,
    missing_spans,
    shade,
    shading_note,
    time_axis,
)
from .finish import coverage_note, empty_chart, finish_chart, range_text
from .marks import interval_points, limit_groups, measure_tooltip, span_bars
from .theme import (
    ANSWERED,
    FAINT,
    GUTTER,
    NONE_LABEL,
    WIDTH,
    count,
    count_ticks,
    round_floats,
    short_number,
    total,
)

__all__ = ["EXTENSION_DIMENSIONS", "HIT", "Groups", "draw_groups", "groups", "measure_by"]

HIT = "groups"
"""Name of the invisible marks that cover the whole area of each group."""

EXTENSION_DIMENSIONS = ("extension_id", "user_id", *NAME_DIMENSIONS)
_NUMBER_DIMENSIONS = ("caller", "callee", "target_number")
_ROW, _ROWS_WIDTH, _HEIGHT = 22, 520, 260


def measure_by(
    calls: Calls,
    *,
    measure: str = "offered",
    by: str = "day",
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    masked: bool = False,
    own_numbers: Sequence[str] = (),
) -> alt.LayerChart | alt.Chart:
    """A measure by a dimension: bars for counts and sums, points for means and shares. Collects.

    A share has its 95 % interval. Days, weeks and months are on an axis of time, at most the
    latest 370. All hours or weekdays are shown in order. Of other groups, at most the 40 biggest
    by their number of calls, offers or legs are shown.

    Args:
        calls: calls of any direction; all of them count.
        measure: any of `etelecom_analytics.measures()`.
        by: any dimension of that measure. Extensions, users and target numbers have names if the
            calls do.
        options: parameters of the measure, such as the time zone.
        coverage: `logs.report`. Times that were not fetched or not requested are shaded; fetched
            times without calls count 0.
        masked: whether external phone numbers are masked.
        own_numbers: numbers that are never masked, such as the organisation's hotlines; nor are
            the options' `ivr_numbers`.

    Raises:
        UnknownName: no such measure or dimension; the message lists the nearest.
        InputError: the dimension is one of legs but the measure one of calls, or the dimension
            needs names that the calls do not have.
    """
    numbers = check_own_numbers(own_numbers) if masked else ()
    display = Display(options=options, show_numbers=not masked, own_numbers=numbers)
    table = groups(calls, measure=measure, by=by, display=display, coverage=coverage)
    any_calls = bool(table.total or calls.lazy().select(pl.len()).collect().item())
    return draw_groups(
        table, measure=measure, by=by, display=display, coverage=coverage, any_calls=any_calls
    )


class Groups(NamedTuple):
    """The groups of a chart.

    Attributes:
        rows: one row per group: its key under the dimension's name, its unique label `key`, its
            `value`, and what that is over.
        total: number of calls, offers or legs in all groups, shown or not.
        notes: notes about the groups that are not shown.
    """

    rows: pl.DataFrame
    total: int
    notes: list[str]


def groups(
    calls: Calls, *, measure: str, by: str, display: Display, coverage: FetchReport | None
) -> Groups:
    """The groups that `measure_by` draws. Collects.

    Names come from `display.names` if it has the dimension, else from the calls.
    """
    definition = measure_named(measure)
    count_column = TOTALS[definition.grain]
    table = summarize_fetched(
        calls,
        [by],
        [measure, count_column],
        coverage=coverage,
        options=display.options,
        confidence=True,
        in_order=by in TIME or by in CLOCK,
    )
    counts = table.with_columns(count=pl.col(count_column))
    rows, notes = limit_groups(counts, by, noun=definition.grain.removesuffix("s"))
    names = display.names[by] if by in display.names else labels(calls.lazy(), by)
    rows = round_floats(rows).with_columns(
        _labels(rows[by], by, names, display),
        **_value_columns(definition),
        fetched=fetched_text(),
    )
    return Groups(rows, total(table, count_column), notes)


def _labels(keys: pl.Series, by: str, names: Mapping[str, str], display: Display) -> pl.Series:
    """The unique label of each key: masked where it must be, and with its name."""
    masked, is_number = not display.show_numbers, by in _NUMBER_DIMENSIONS
    if masked and is_number:
        numbers = mask_numbers(keys.to_frame(), keep=display.unmasked)
        text = numbers[by].fill_null(NONE_LABEL)
    else:
        text = keys.to_frame().select(key=key_text(by))["key"]
    if is_number or by in EXTENSION_DIMENSIONS:
        shown_names = {key: mask(name) if masked else name for key, name in names.items()}
        named = keys.cast(pl.String).replace_strict(
            shown_names, default=None, return_dtype=pl.String
        )
        text = named.fill_null(text)
    # Masked numbers look alike, and a name may equal a number: number the repeated labels.
    nth = text.to_frame("key").select(pl.int_range(1, pl.len() + 1).over("key")).to_series()
    unique = pl.when(nth > 1).then(pl.format("{} ({})", text, nth)).otherwise(text)
    return pl.select(unique.alias("key")).to_series()


def _value_columns(measure: Measure) -> dict[str, pl.Expr]:
    """The value, its interval and their texts, in columns of the same name for every measure."""
    value = pl.col(measure.name).cast(pl.Float64)
    low = high = pl.lit(None, pl.Float64)
    text, over = short_number(value), pl.lit(None, pl.String)
    if isinstance(measure.aggregation, Ratio):
        low, high = pl.col(f"{measure.name}_low"), pl.col(f"{measure.name}_high")
        text = pl.format("{} %", (value * 100).round(0).cast(pl.Int64))
        over = pl.format(
            "{} of {}; 95 %: {} to {} %",
            f"{measure.name}_num",
            f"{measure.name}_den",
            (low * 100).round(1),
            (high * 100).round(1),
        )
    elif isinstance(measure.aggregation, Mean | Quantile):
        over = pl.format("{} {}", f"{measure.name}_n", pl.lit(measure.population))
    return {"value": value, "low": low, "high": high, "text": text, "over": over}


def draw_groups(
    table: Groups,
    *,
    measure: str,
    by: str,
    display: Display,
    coverage: FetchReport | None,
    any_calls: bool,
) -> alt.LayerChart | alt.Chart:
    """The chart of the result of `groups`."""
    options, definition = display.options, measure_named(measure)
    subject = f"{measure_title(definition)} {dimension_text(by)}"
    zone = f"({options.time_zone})"
    notes = [
        formula_note(definition, options, interval=True),
        coverage_note(coverage, options.time_zone),
    ]
    if not table.total:
        message = f"No {definition.grain}" if any_calls else "No calls"
        return empty_chart(f"{subject}: {message.lower()} {zone}", notes, message=message)
    rows, noun = table.rows, definition.grain.removesuffix("s")
    title = f"{subject}, over {count(table.total, noun)} {zone}"
    if by in EXTENSION_DIMENSIONS and definition.grain == "calls" and rows[by].null_count():
        notes.append(f"A missed call has no extension: it counts under {NONE_LABEL}.")
    notes.extend(table.notes)
    if rows["value"].null_count() == rows.height:
        return empty_chart(title, notes, message=f"No value of {measure}")
    if by in TIME:
        gaps = missing_spans(coverage, rows, options.time_zone)
        notes.append(shading_note(gaps))
        chart = _over_time(rows, by, definition, gaps)
    elif by in CLOCK:
        chart = _over_clock(rows, by, definition)
    else:
        # Without the key column, which has the numbers that `key` masks.
        chart = _by_name(rows.drop(by), by, definition)
    description = range_text(rows, "value", "{text} at {key}")
    return finish_chart(chart, title=title, notes=notes, description=description)


def _over_time(
    table: pl.DataFrame, by: str, measure: Measure, gaps: pl.DataFrame
) -> alt.LayerChart:
    """Days, weeks or months on an axis of time, with the times without data shaded."""
    width = min(WIDTH, max(300, 90 * table.height))
    middle, begin = (
        time_axis(table, by, field=field, labels=True) for field in ("middle", "begin")
    )
    layers = _layers(table, by, measure, middle, alt.Y, width=width)
    hit = _hit(table, by, measure).encode(
        begin, alt.X2("end:T"), y=alt.value(0), y2=alt.value("height")
    )
    return alt.LayerChart(layer=[*shade(gaps), *layers, hit], width=width, height=_HEIGHT)


def _over_clock(table: pl.DataFrame, by: str, measure: Measure) -> alt.LayerChart:
    """All hours or weekdays in order."""
    order = key_order(table, by)
    across = clock_axis(order, by)
    layers = _layers(table, by, measure, across, alt.Y)
    hit = _hit(table, by, measure).encode(across, y=alt.value(0), y2=alt.value("height"))
    width = min(WIDTH, 60 * len(order))
    return alt.LayerChart(layer=[*layers, hit], width=width, height=_HEIGHT)


def _by_name(table: pl.DataFrame, by: str, measure: Measure) -> alt.LayerChart:
    """One row per group, in the table's order."""
    axis = alt.Axis(grid=not isinstance(measure.aggregation, Total), labelPadding=6)
    scale = alt.Scale(domain=table["key"].to_list())
    across = alt.Y("key:N", scale=scale, title=None, axis=axis)
    layers = _layers(table, by, measure, across, alt.X)
    hit = _hit(table, by, measure).encode(across, x=alt.value(0), x2=alt.value("width"))
    return alt.LayerChart(layer=[*layers, hit], width=_ROWS_WIDTH, height={"step": _ROW})


def _layers(
    table: pl.DataFrame,
    by: str,
    measure: Measure,
    across: alt.X | alt.Y,
    channel: type[alt.X | alt.Y],
    *,
    width: int = WIDTH,
) -> list[alt.Chart]:
    """Bars of a sum, points of anything else, and the values as text where there is room."""
    vertical = channel is alt.Y
    known = alt.Chart(table.filter(pl.col("value").is_not_null()))
    value = _value_axis(table, measure, channel)
    if isinstance(measure.aggregation, Total):
        bars = known.mark_bar(color=ANSWERED).encode(across)
        bars = span_bars(known, table, by, width=width) if by in TIME else bars
        layers = [bars.encode(value)]
    else:
        interval = ("low", "high") if isinstance(measure.aggregation, Ratio) else ()
        line = known.mark_line(color=FAINT, strokeWidth=1).encode(across, value)
        points = interval_points(
            known.encode(across), value, groups=table.height, interval=interval
        )
        layers = [line, *points] if by in TIME else points
    if vertical and table.height > MAX_LABELLED_GROUPS:
        return layers
    end = "high:Q" if table["high"].is_not_null().any() else "value:Q"
    place: dict[str, Any] = {"align": "left", "dx": 8}
    if vertical:
        place = {"baseline": "bottom", "dy": -5, "fontSize": 10}
    return [*layers, known.mark_text(**place).encode(across, channel(end), text="text:N")]


def _value_axis(
    table: pl.DataFrame, measure: Measure, channel: type[alt.X | alt.Y]
) -> alt.X | alt.Y:
    is_total = isinstance(measure.aggregation, Total)
    is_count = is_total and measure.unit != "s"
    axis = alt.Axis(
        format={"share": ".0%", "s": ",.0f"}.get(measure.unit, ",d"),
        tickCount=5,
        values=count_ticks(table["value"].cast(pl.Int64)) if is_count else alt.Undefined,
        minExtent=GUTTER if channel is alt.Y else alt.Undefined,
    )
    scale = alt.Scale(zero=is_total, nice=True)
    return channel("value:Q", title=measure_title(measure).lower(), axis=axis, scale=scale)


def _hit(table: pl.DataFrame, by: str, measure: Measure) -> alt.Chart:
    """Invisible marks with the tooltips: a point alone is too small to point at."""
    key = alt.Tooltip("key:N", title=by.replace("_", " "))
    tooltip = [key, *measure_tooltip(measure, fetched=table["hours"].is_not_null().any())]
    base = alt.Chart(table, name=HIT)
    hit: alt.Chart = base.mark_rect(color="transparent").encode(tooltip=tooltip)
    return hit
