"""Distributions of durations: how long callers waited, and how long offers rang."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..locale.number_note import number_note
from ..metrics import Calls, MetricOptions, RingSeconds, WaitSeconds, ring_seconds, wait_seconds
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .histograms import RING, WAIT, Duration, draw_histograms
from .inputs import chart_input
from .theme import count, total

__all__ = ["WAIT_STARTS", "ring_durations", "wait_distribution"]

WAIT_STARTS = {"started_at": "the call's start", "first_ring": "the first ring of a person"}
"""The start of a wait as text."""


def wait_distribution(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """Histograms of the waits of answered and of missed calls, and their cumulative shares.

    The threshold of the service level is marked; the curve of answered calls crosses it at the
    level "answered_only". Collects.

    Args:
        calls: calls of any direction; all of them count.
        options: where a wait begins, and the threshold.
        coverage: `logs.report`; a note states which times are complete.

    Examples:
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.wait_distribution(inbound)
        >>> chart.title.text
        ['Waits of 282 offered calls, in 284 calls (Asia/Ho_Chi_Minh)']
    """
    calls, options = chart_input(calls, options, coverage)
    waits: WaitSeconds = wait_seconds(calls, options=options, confidence=False)
    known, zone = total(waits.groups, "calls"), f"({options.time_zone})"
    omitted = []
    if waits.offered > known:
        unknown = count(waits.offered - known, "offered call")
        omitted.append(f"Not drawn: {unknown} of unknown wait.")
    if (tail := _tail(waits.bins)) is not None:
        omitted.append(f"The last bar has all waits of more than {tail} s.")
    notes = [
        f"wait_s = from {WAIT_STARTS[options.wait_from]} to the first answer by a person, "
        "or to the end of a missed call.",
        " ".join(omitted),
        coverage_note(coverage, options.time_zone),
    ]
    if not known:
        message = f"No known waits in {count(waits.calls, 'call')}" if waits.calls else "No calls"
        title = f"Waits of callers: {lower_first(message)} {zone}"
        return empty_chart(title, notes, message=message)
    text = (
        pl.when(pl.col("to_s").is_null())
        .then(pl.format("more than {} s", "from_s"))
        .when(pl.col("from_s") == 0)
        .then(pl.format("0 to {} s", "to_s"))
        .otherwise(pl.format("more than {}, to {} s", "from_s", "to_s"))
    )
    bins = waits.bins.with_columns(wait=text, longest="to_s")
    chart = draw_histograms(WAIT, bins, waits.groups, waits.width_s, options.threshold_s)
    title = f"Waits of {count(known, 'offered call')}, in {count(waits.calls, 'call')} {zone}"
    notes.insert(0, number_note(calls, options))
    return finish_chart(chart, title=title, notes=notes, description=_alt_text(WAIT, waits.groups))


def ring_durations(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """Histograms of the ring durations of offers by outcome, and their cumulative shares.

    An offer is one ring of one person (also called presented or alerted). It is answered, lost
    (rang out, caller gave up, busy or rejected, and the like) or answered elsewhere. Collects.

    Args:
        calls: calls of any direction; all of them count.
        options: parameters of the metrics; offers to `ivr_numbers` are left out.
        coverage: `logs.report`; a note states which times are complete.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.ring_durations(inbound, options=options)
        >>> chart.title.text
        ['Ring seconds of 472 offers that rang, in 284 calls (Asia/Ho_Chi_Minh)']
    """
    calls, options = chart_input(calls, options, coverage)
    rings: RingSeconds = ring_seconds(calls, options=options, confidence=False)
    rang, zone = total(rings.groups, "offers"), f"({options.time_zone})"
    complete = coverage_note(coverage, options.time_zone)
    if not rang:
        message = f"No offer rang in {count(rings.calls, 'call')}" if rings.calls else "No calls"
        title = f"Ring seconds of offers: {message.lower()} {zone}"
        return empty_chart(title, [complete], message=message)
    omitted = []
    if rings.offers > rang:
        omitted.append(f"Not drawn: {count(rings.offers - rang, 'offer')} that did not ring.")
    if (tail := _tail(rings.bins)) is not None:
        omitted.append(f"The last bar has all rings of {tail} s and longer.")
    notes = [
        "ring_s = longest ring of the legs of one offer. Lost: rang out, caller gave up, "
        "busy or rejected, and the like.",
        " ".join(omitted),
        complete,
    ]
    first, last = pl.col("from_s"), pl.col("to_s") - 1
    text = (
        pl.when(last.is_null())
        .then(pl.format("{} s or more", first))
        .when(first == last)
        .then(pl.format("{} s", first))
        .otherwise(pl.format("{} to {} s", first, last))
    )
    chart = draw_histograms(
        RING, rings.bins.with_columns(ring=text, longest=last), rings.groups, rings.width_s
    )
    scope = f"{count(rang, 'offer')} that rang, in {count(rings.calls, 'call')}"
    return finish_chart(
        chart,
        title=f"Ring seconds of {scope} {zone}",
        notes=[number_note(calls, options), *notes],
        description=_alt_text(RING, rings.groups),
    )


def _tail(bins: pl.DataFrame) -> int | None:
    """The lower end of the open last bin in seconds; None without one."""
    tail = bins.filter(pl.col("to_s").is_null())
    return int(tail["from_s"][0]) if tail.height else None


def _alt_text(duration: Duration, groups: pl.DataFrame) -> str:
    rows = groups.select("group", duration.counts, *duration.quantiles).iter_rows()
    return " ".join(
        f"{name}: {count(number, duration.noun)}, median {p50:.{duration.digits}f} s, "
        f"90th percentile {p90:.{duration.digits}f} s."
        for name, number, p50, p90 in rows
    )
