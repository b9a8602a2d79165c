"""The journey of one call through its legs, as bars on a line of time."""

from typing import Any

import altair as alt
import polars as pl

from .. import local_time
from ..language import Language, in_language, mark, tr
from ..locale.number_note import number_note
from ..locale.terms import count, unit_name, value_names
from ..metrics import PHASES, Calls, MetricOptions, call_phases, facts
from ..names import labels
from ..readable_dates import CLOCK_SECOND, long_date
from .durations import duration_text, time_unit, unit_axis
from .finish import finish_chart
from .inputs import chart_input, row_limit
from .texts import none_label
from .theme import ANSWERED, FAINT, HUES, INK, round_floats

__all__ = ["journey"]

_ROW, _THIN_ROW, _WIDTH, _MAX_WIDE_ROWS, _MAX_LEGS = 24, 15, 520, 30, 400
_CALL = mark("call")
_HUES = {
    _CALL: FAINT,
    mark("trying"): FAINT,
    mark("ringing"): HUES[4],
    mark("talking"): ANSWERED,
}
_THICKNESS = {_CALL: 0.12, "trying": 0.2, "ringing": 0.5, "talking": 0.85}
"""The part of its row that a bar takes, so that colour is not the only cue to its phase."""

_OUTCOMES = {
    "answered": mark("answered"),
    "answered_elsewhere": mark("answered elsewhere"),
    "busy_or_rejected": mark("busy or rejected"),
    "caller_gave_up": mark("caller gave up"),
    "rna_timeout": mark("rang out"),
    "in_progress": mark("in progress"),
    "unreachable": mark("unreachable"),
    "network": mark("network"),
    "other": mark("other"),
}
_STATES = (mark("running"), mark("unknown"), mark("answered"), mark("missed"))


@in_language
def journey(
    calls: Calls,
    call_id: str,
    *,
    limit: int = 200,
    options: MetricOptions = MetricOptions(),
    language: Language | None = None,
) -> alt.LayerChart:
    """One call, leg by leg on a line of time: trying, ringing, talking, and the outcome. Collects.

    The first row is the call itself. Numbers are shown as they are in the calls, with names if the
    calls have them.

    Args:
        calls: calls of any direction, including this one.
        call_id: the call's `id`.
        limit: the maximum number of legs, up to 400; the first are shown.
        options: parameters of a leg's outcome, and the time zone.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: these calls do not include the call, or `limit` is out of range.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> chart = et.charts.journey(calls, calls["id"][0])
        >>> chart.title.text[0]
        'Journey of call 5076494319400231868: in, running, 1 leg'
    """
    limit = row_limit(limit, _MAX_LEGS)
    calls, options = chart_input(calls, options)
    phases = call_phases(calls, call_id, options=options)
    table = calls.lazy().filter(pl.col("id") == call_id).head(1).collect()
    call, names = table.row(0, named=True), labels(table, "target_number")
    legs = phases["target_index"].n_unique()
    first_legs = phases.filter(pl.col("target_index") < limit)
    rows = _rows(first_legs, call, names, options)
    states = (pl.when(name).then(pl.lit(name)) for name in _STATES)
    state = facts(table, options=options).lazy().collect().select(pl.coalesce(states)).item()
    start = tr("unknown time")
    if call["started_at"] is not None:
        start = long_date(
            call["started_at"].astimezone(local_time.zone(options.time_zone)), CLOCK_SECOND
        )
    direction = call["direction"]
    direction = value_names("direction")[direction] if direction else tr("no direction")
    summary = ", ".join([direction, tr(state), count(legs, "leg")])
    from_to = tr(
        "from {caller} to {callee}",
        caller=call["caller"] or none_label(),
        callee=call["callee"] or none_label(),
    )
    first = tr("the first {n} of {total} legs", n=limit, total=legs) if legs > limit else ""
    about = [
        tr(
            "Thin bar: trying = add_time to ring_time. Half: ringing = ring_time to answer or end. "
            "Full: talking = answer to ended_time."
        )
    ]
    return finish_chart(
        _draw(rows),
        title=tr("Journey of call {id}: {summary}", id=call_id, summary=summary),
        scope=[from_to, start, options.time_zone, first],
        warnings=[number_note(calls, options)],
        about=about,
        description=_alt_text(rows),
    )


def _rows(
    phases: pl.DataFrame, call: dict[str, Any], names: dict[str, str], options: MetricOptions
) -> pl.DataFrame:
    """One row per bar, first the call's own: `row` is its label, and `text` its outcome."""
    number = pl.col("target_number").replace(names).fill_null(none_label())
    has_trunk, failed = pl.col("trunk_name").is_not_null(), pl.col("fail_code") != 0
    trunk = pl.when(has_trunk).then(pl.format(tr(" via {}"), "trunk_name")).otherwise(pl.lit(""))
    code = pl.when(failed).then(pl.format(", {}", "fail_code")).otherwise(pl.lit(""))
    shown = {name: tr(text) for name, text in _OUTCOMES.items()}
    outcome = pl.format("{}{}", pl.col("outcome").cast(pl.String).replace(shown), code)
    legs = phases.select(
        row=pl.format("{}. {}{}", pl.col("target_index") + 1, number, trunk),
        phase=pl.col("phase").cast(pl.String),
        begin="begin",
        end="end",
        from_s="from_s",
        to_s="to_s",
        text=pl.when("person").then(outcome).otherwise(pl.format(tr("{}, no person"), outcome)),
        reason=pl.col("end_reason").fill_null(none_label()),
    )
    started_at = call["started_at"]
    times = {
        "begin": started_at,
        "end": call["ended_at"],
        "origin": phases["begin"].min() if started_at is None else started_at,
    }
    begin, end = (
        (pl.col(name) - pl.col("origin")).dt.total_microseconds() / 1e6 for name in ("begin", "end")
    )
    own = pl.DataFrame([times], schema=dict.fromkeys(times, pl.Datetime("us", "UTC"))).select(
        row=pl.lit(tr(_CALL)),
        phase=pl.lit(_CALL),
        begin="begin",
        end="end",
        from_s=begin,
        to_s=end,
        text=pl.lit("" if call["ended_at"] else tr("in progress")),
        reason=pl.lit(none_label()),
    )
    zone = local_time.zone(options.time_zone).key
    clock_times = pl.col("begin", "end").dt.convert_time_zone(zone).dt.strftime("%H:%M:%S.%3f")
    rows = pl.concat([own, legs]).with_columns(
        clock_times, duration_s=pl.col("to_s") - pl.col("from_s")
    )
    return round_floats(rows).with_columns(duration=duration_text("duration_s")).drop("duration_s")


def _outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    """The label and the outcome of each leg and of the call."""
    return rows.unique("row", keep="last", maintain_order=True).select("row", "text")


def _alt_text(rows: pl.DataFrame) -> str:
    legs = _outcomes(rows.filter(pl.col("phase") != _CALL))
    return " ".join(f"{label}: {text}." for label, text in legs.iter_rows()) or tr("No legs.")


def _draw(rows: pl.DataFrame) -> alt.LayerChart:
    times = pl.concat([rows["from_s"], rows["to_s"]]).drop_nulls()
    first, last = (min(0.0, *times), max(times)) if len(times) else (0.0, 0.0)
    last = last if last > first else first + 1
    unit, size = time_unit(last - first)
    bars = rows.filter(pl.col("from_s").is_not_null()).with_columns(
        left=pl.col("from_s") / size,
        right=pl.col("to_s").fill_null(last) / size,
        phase_text=pl.col("phase").replace({phase: tr(phase) for phase in _HUES}),
        until=pl.col("end").fill_null(tr("no end")),
    )
    y = alt.Y(
        "row:N",
        scale=alt.Scale(domain=rows["row"].unique(maintain_order=True).to_list()),
        title=None,
        axis=alt.Axis(grid=True, labelPadding=6, labelLimit=260, zindex=0),
    )
    x = alt.X(
        "left:Q",
        scale=alt.Scale(domain=[first / size, last / size], nice=False),
        title=tr("since the start ({unit})", unit=unit_name(unit)),
        axis=unit_axis(unit),
    )
    tooltip = [
        alt.Tooltip("row:N", title=tr("leg")),
        alt.Tooltip("phase_text:N", title=tr("phase")),
        alt.Tooltip("begin:N", title=tr("from", context="time")),
        alt.Tooltip("until:N", title=tr("to", context="time")),
        alt.Tooltip("duration:N", title=tr("duration")),
        alt.Tooltip("text:N", title=tr("outcome")),
        alt.Tooltip("reason:N", title=tr("end reason")),
    ]
    layers = []
    for phase in (_CALL, *PHASES):
        table = bars.filter(pl.col("phase") == phase)
        if not table.height:
            continue
        # The stroke keeps a phase of no duration visible.
        mark = alt.Chart(table).mark_rect(
            color=_HUES[phase],
            stroke=_HUES[phase],
            strokeWidth=1,
            height=alt.RelativeBandSize(band=_THICKNESS[phase]),
        )
        layers.append(mark.encode(x, alt.X2("right:Q"), y, tooltip=tooltip))
    text = alt.Chart(_outcomes(rows)).mark_text(style=INK, align="left", dx=10)
    layers.append(text.encode(y, x=alt.XValue("width"), text=alt.Text("text:N")))
    step = _ROW if rows["row"].n_unique() <= _MAX_WIDE_ROWS else _THIN_ROW
    return alt.LayerChart(layer=layers, width=_WIDTH, height={"step": step})
