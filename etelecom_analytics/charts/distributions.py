"""Distributions of durations: how long callers waited, and how long offers rang."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..formatting import format_value
from ..language import Language, in_language, mark, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions, RingSeconds, WaitSeconds, ring_seconds, wait_seconds
from .finish import coverage_note, empty_chart, finish_chart, lower_first
from .histograms import RING, WAIT, Duration, draw_histograms
from .inputs import chart_input
from .theme import total

__all__ = ["WAIT_STARTS", "ring_durations", "wait_distribution"]

_WAITS, _RINGS = mark("How long callers waited"), mark("How long offers rang")
WAIT_STARTS = {
    "started_at": mark("the call's start"),
    "queue": mark("the entry into the first queue"),
    "first_ring": mark("the first ring of a person"),
}
"""The start of a wait as text, which `tr` translates."""


@in_language
def wait_distribution(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.Chart:
    """Histograms of the waits of answered and of missed calls, and their cumulative shares.

    The threshold of the service level is marked; the curve of answered calls crosses it at the
    level "answered_only". Collects.

    Args:
        calls: calls of any direction; all of them count.
        options: where a wait begins, and the threshold.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Examples:
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.wait_distribution(inbound)
        >>> chart.title.text
        ['How long callers waited: median answered 0.3 s, missed 2.0 s']
    """
    calls, options = chart_input(calls, options, coverage)
    waits: WaitSeconds = wait_seconds(calls, options=options, confidence=False)
    known, complete = total(waits.groups, "calls"), coverage_note(coverage, options.time_zone)
    omitted = []
    if waits.offered > known:
        unknown = count(waits.offered - known, "offered call")
        omitted.append(tr("not drawn: {calls} of unknown wait", calls=unknown))
    if (tail := _tail(waits.bins)) is not None:
        omitted.append(tr("last bar: more than {n} s", n=tail))
    about = [
        tr(
            "wait_s = from {start} to the first answer by a person, or to the end of a missed "
            "call.",
            start=tr(WAIT_STARTS[options.wait_from]),
        )
    ]
    if not known:
        calls_text = count(waits.calls, "call")
        message = (
            tr("No known waits in {calls}", calls=calls_text) if waits.calls else tr("No calls")
        )
        title, scope = f"{tr(_WAITS)}: {lower_first(message)}", [*omitted, options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    text = (
        pl.when(pl.col("to_s").is_null())
        .then(pl.format(tr("more than {} s"), "from_s"))
        .when(pl.col("from_s") == 0)
        .then(pl.format(tr("0 to {} s"), "to_s"))
        .otherwise(pl.format(tr("more than {}, to {} s"), "from_s", "to_s"))
    )
    bins = waits.bins.with_columns(wait=text, longest="to_s")
    known_text = tr("{known} of {n}", known=count(known, "offered call"), n=waits.calls)
    chart = draw_histograms(WAIT, bins, waits.groups, waits.width_s, options.threshold_s)
    return finish_chart(
        chart,
        title=_title(tr(_WAITS), WAIT, waits.groups),
        scope=[known_text, options.time_zone, *omitted],
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description=_alt_text(WAIT, waits.groups),
    )


@in_language
def ring_durations(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.Chart:
    """Histograms of the ring durations of offers by outcome, and their cumulative shares.

    An offer is one ring of one person (also called presented or alerted). It is answered, lost
    (rang out, caller gave up, busy or rejected, and the like) or answered elsewhere. Collects.

    Args:
        calls: calls of any direction; all of them count.
        options: parameters of the metrics; offers to `ivr_numbers` are left out.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.ring_durations(inbound, options=options)
        >>> chart.title.text
        ['How long offers rang: median answered 4.0 s, lost 4.5 s, elsewhere 3.0 s']
    """
    calls, options = chart_input(calls, options, coverage)
    rings: RingSeconds = ring_seconds(calls, options=options, confidence=False)
    rang = total(rings.groups, "offers")
    about = [
        tr(
            "ring_s = longest ring of the legs of one offer. Lost: rang out, caller gave up, "
            "busy or rejected, and the like."
        )
    ]
    complete = coverage_note(coverage, options.time_zone)
    if not rang:
        calls_text = count(rings.calls, "call")
        message = (
            tr("No offer rang in {calls}", calls=calls_text) if rings.calls else tr("No calls")
        )
        title, scope = f"{tr(_RINGS)}: {lower_first(message)}", [options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    omitted = []
    if rings.offers > rang:
        omitted.append(
            tr("not drawn: {offers} that did not ring", offers=count(rings.offers - rang, "offer"))
        )
    if (tail := _tail(rings.bins)) is not None:
        omitted.append(tr("last bar: {n} s and longer", n=tail))
    first, last = pl.col("from_s"), pl.col("to_s") - 1
    text = (
        pl.when(last.is_null())
        .then(pl.format(tr("{} s or more"), first))
        .when(first == last)
        .then(pl.format(tr("{} s"), first))
        .otherwise(pl.format(tr("{} to {} s"), first, last))
    )
    chart = draw_histograms(
        RING, rings.bins.with_columns(ring=text, longest=last), rings.groups, rings.width_s
    )
    offers = tr(
        "{offers} that rang, in {calls}",
        offers=count(rang, "offer"),
        calls=count(rings.calls, "call"),
    )
    return finish_chart(
        chart,
        title=_title(tr(_RINGS), RING, rings.groups),
        scope=[offers, options.time_zone, *omitted],
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description=_alt_text(RING, rings.groups),
    )


def _title(subject: str, duration: Duration, groups: pl.DataFrame) -> str:
    """The subject with the median of each group."""
    rows = groups.select("group", duration.quantiles[0]).iter_rows()
    texts = [f"{tr(name, context='outcome')} {format_value(median, 's')}" for name, median in rows]
    return tr("{subject}: median {texts}", subject=subject, texts=", ".join(texts))


def _tail(bins: pl.DataFrame) -> int | None:
    """The lower end of the open last bin in seconds; None without one."""
    tail = bins.filter(pl.col("to_s").is_null())
    return int(tail["from_s"][0]) if tail.height else None


def _alt_text(duration: Duration, groups: pl.DataFrame) -> str:
    rows = groups.select("group", duration.counts, *duration.quantiles).iter_rows()
    return " ".join(
        tr(
            "{group}: {counted}, median {p50}, 90th percentile {p90}.",
            group=tr(name, context="outcome"),
            counted=count(size, duration.noun),
            p50=format_value(p50, "s"),
            p90=format_value(p90, "s"),
        )
        for name, size, p50, p90 in rows
    )
