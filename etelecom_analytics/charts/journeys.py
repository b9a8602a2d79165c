"""One call's journey through its legs, as bars on a line of time."""

from typing import Any

import altair as alt
import polars as pl

from .. import local_time
from ..metrics import PHASES, Calls, MetricOptions, call_phases, facts
from ..names import labels
from .axes import time_unit
from .finish import finish_chart
from .theme import ANSWERED, FAINT, HUES, NONE_LABEL, TEXT, count, round_floats

__all__ = ["journey"]

_ROW, _THIN, _PLOT, _FEW, _MOST_LEGS = 24, 15, 520, 30, 200
_CALL = "call"
_HUES = {_CALL: TEXT, "trying": FAINT, "ringing": HUES[4], "talking": ANSWERED}
_SIZES = {_CALL: 0.12, "trying": 0.2, "ringing": 0.5, "talking": 0.85}
"""How much of its row a bar takes, so that no phase is told by its colour alone."""
_WORDS = {
    "answered_elsewhere": "answered elsewhere",
    "busy_or_rejected": "busy or rejected",
    "caller_gave_up": "caller gave up",
    "rna_timeout": "rang out",
    "in_progress": "in progress",
}
_STATES = ("running", "unknown", "answered", "missed")
_CLOCK = "%a %Y-%m-%d %H:%M:%S"


def journey(
    calls: Calls,
    call_id: str,
    *,
    options: MetricOptions = MetricOptions(),
) -> alt.LayerChart:
    """One call, leg by leg on a line of time: tried, ringing, talking, and what became of each leg. Collects.

    The first row is the call itself. Numbers are told as the calls have them, with names where
    these carry any; of more than 200 legs the first 200 are drawn.

    Args:
        calls: calls of any direction, this one among them.
        call_id: the call's `id`.
        options: what a leg's outcome depends on, and whose local time is meant.

    Raises:
        InputError: there is no such call among these.
    """
    phases = call_phases(calls, call_id, options=options)
    found = calls.lazy().filter(pl.col("id") == call_id).head(1).collect()
    call, names = found.row(0, named=True), labels(found, "target_number")
    legs = phases["target_index"].n_unique()
    shown = _rows(phases.filter(pl.col("target_index") < _MOST_LEGS), call, names, options)
    state = (
        facts(found, options=options)
        .select(pl.coalesce(pl.when(name).then(pl.lit(name)) for name in _STATES))
        .item()
    )
    at = (
        "unknown time"
        if call["started_at"] is None
        else f"{call['started_at'].astimezone(local_time.zone(options.time_zone)):{_CLOCK}}"
    )
    what = f"{call['direction'] or 'no direction'}, {state}, {count(legs, 'leg')}"
    title = f"Journey of call {call_id}: {what}, from {at} ({options.time_zone})"
    notes: list[str] = [
        f"From {call['caller'] or NONE_LABEL} to {call['callee'] or NONE_LABEL}.",
        "Thin bar: tried = add_time to ring_time. Half: ringing = ring_time to answer or end. Full: talking = answer to ended_time.",
        f"The first {_MOST_LEGS} of {legs:,} legs." if legs > _MOST_LEGS else "",
    ]
    return finish_chart(_drawn(shown), title=title, notes=notes, description=_alt_text(shown))


def _rows(
    phases: pl.DataFrame, call: dict[str, Any], names: dict[str, str], options: MetricOptions
) -> pl.DataFrame:
    """One row a bar, the call's own first: `row`, its label; `phase`, `from_s`, `to_s`, and words for the tooltip."""
    number = pl.col("target_number").replace(names).fill_null(NONE_LABEL)
    through = (
        pl.when(pl.col("trunk_name").is_not_null())
        .then(pl.format(" via {}", "trunk_name"))
        .otherwise(pl.lit(""))
    )
    outcome = pl.col("outcome").cast(pl.String)
    code = (
        pl.when(pl.col("fail_code") != 0).then(pl.format(", {}", "fail_code")).otherwise(pl.lit(""))
    )
    said = pl.format("{}{}", outcome.replace(_WORDS), code)
    legs = phases.select(
        row=pl.format("{}. {}{}", pl.col("target_index") + 1, number, through),
        phase=pl.col("phase").cast(pl.String),
        begin="begin",
        end="end",
        from_s="from_s",
        to_s="to_s",
        said=pl.when("person").then(said).otherwise(pl.format("{}, no person", said)),
        reason=pl.col("end_reason").fill_null(NONE_LABEL),
    )
    spans = {"begin": call["started_at"], "end": call["ended_at"]}
    first = (
        {"begin": phases["begin"].min()}
        if call["started_at"] is None
        else {"begin": call["started_at"]}
    )
    whole = pl.DataFrame(
        [{**spans, "origin": first["begin"]}],
        schema=dict.fromkeys((*spans, "origin"), pl.Datetime("us", "UTC")),
    )
    own = whole.select(
        row=pl.lit(_CALL),
        phase=pl.lit(_CALL),
        begin="begin",
        end="end",
        from_s=(pl.col("begin") - pl.col("origin")).dt.total_microseconds() / 1e6,
        to_s=(pl.col("end") - pl.col("origin")).dt.total_microseconds() / 1e6,
        said=pl.lit("" if call["ended_at"] else "in progress"),
        reason=pl.lit(NONE_LABEL),
    )
    clock_time = (
        pl.col("begin", "end")
        .dt.convert_time_zone(local_time.zone(options.time_zone).key)
        .dt.strftime("%H:%M:%S.%3f")
    )
    return round_floats(
        pl.concat([own, legs])
        .with_columns(lasted=pl.col("to_s") - pl.col("from_s"))
        .with_columns(clock_time)
    )


def _alt_text(shown: pl.DataFrame) -> str:
    """The legs one by one, for who cannot see them."""
    legs = shown.filter(pl.col("row") != _CALL).unique("row", keep="last", maintain_order=True)
    return (
        " ".join(f"{row}: {said}." for row, said in legs.select("row", "said").iter_rows())
        or "No legs."
    )


def _drawn(shown: pl.DataFrame) -> alt.LayerChart:
    known = pl.concat([shown["from_s"], shown["to_s"]]).drop_nulls()
    first, last = (min(0.0, *known), max(known)) if len(known) else (0.0, 0.0)
    last = last if last > first else first + 1
    unit, factor = time_unit(last - first)
    bars = shown.filter(pl.col("from_s").is_not_null()).with_columns(
        left=pl.col("from_s") / factor,
        right=pl.col("to_s").fill_null(last) / factor,
        until=pl.col("end").fill_null("no end"),
    )
    rows = alt.Y(
        "row:N",
        scale=alt.Scale(domain=shown["row"].unique(maintain_order=True).to_list()),
        title=None,
        axis=alt.Axis(grid=True, labelPadding=6, labelLimit=260, zindex=0),
    )
    scale = alt.Scale(domain=[first / factor, last / factor], nice=False)
    tooltip = [
        alt.Tooltip("row:N", title="leg"),
        alt.Tooltip("phase:N"),
        alt.Tooltip("begin:N", title="from"),
        alt.Tooltip("until:N", title="to"),
        alt.Tooltip("lasted:Q", title="seconds", format=",.1f"),
        alt.Tooltip("said:N", title="outcome"),
        alt.Tooltip("reason:N", title="end reason"),
    ]
    layers: list[alt.Chart] = []
    for phase in (_CALL, *PHASES):
        of_phase = bars.filter(pl.col("phase") == phase)
        if of_phase.height:
            height = alt.RelativeBandSize(band=_SIZES[phase])
            # A stroke, so that what took no time can be seen.
            mark = alt.Chart(of_phase).mark_rect(
                color=_HUES[phase], stroke=_HUES[phase], strokeWidth=1, height=height
            )
            x = alt.X(
                "left:Q",
                scale=scale,
                title=f"since the start, {unit}",
                axis=alt.Axis(grid=True, zindex=0),
            )
            layers.append(mark.encode(x, alt.X2("right:Q"), rows, tooltip=tooltip))
    said = shown.unique("row", keep="last", maintain_order=True).select("row", "said")
    layers.append(
        alt.Chart(said).mark_text(align="left").encode(rows, x=alt.value(_PLOT + 10), text="said:N")
    )
    return alt.LayerChart(
        layer=layers,
        width=_PLOT,
        height={"step": _ROW if shown["row"].n_unique() <= _FEW else _THIN},
    )
