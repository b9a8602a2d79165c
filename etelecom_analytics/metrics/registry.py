"""Measures as data: what each is made of. Their formulas, tables and tests are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import polars as pl

from ..errors import UnknownName
from .call_facts import CALL_FACTS, SERVICE_LEVELS
from .legs_and_offers import LEG_FACTS, OFFER_FACTS
from .options import MetricOptions
from .refused import refuse

__all__ = [
    "FACTS",
    "DEFAULT_MEASURES",
    "MEASURES",
    "TOTALS",
    "Grain",
    "Mean",
    "Measure",
    "Quantile",
    "Ratio",
    "Total",
    "measure",
    "measures",
    "source_of",
]

Grain = Literal["calls", "offers", "legs"]

FACTS: Mapping[Grain, Mapping[str, str]] = MappingProxyType(
    {"calls": CALL_FACTS, "offers": OFFER_FACTS, "legs": LEG_FACTS}
)
"""What each grain's measures are made of."""

TOTALS: Mapping[Grain, str] = MappingProxyType(
    {"calls": "calls", "offers": "offers", "legs": "trunk_legs"}
)
"""The measure that counts all rows of a grain; its legs are those through a trunk."""


@dataclass(frozen=True)
class Total:
    """The sum of a fact: how many calls, or how many seconds; 0 over nothing."""

    fact: str


@dataclass(frozen=True)
class Mean:
    """The mean of a fact where it is known; null over nothing."""

    fact: str


@dataclass(frozen=True)
class Quantile:
    """A quantile of a fact where it is known, linearly interpolated; null over nothing."""

    fact: str
    share: float


@dataclass(frozen=True)
class Ratio:
    """One sum over another; null where the denominator is 0. Numerators and denominators are summed before dividing."""

    numerator: str
    denominator: str


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number that can be asked for.

    Attributes:
        name: what it is asked for by; units are in it.
        title: how people call it.
        unit: "calls", "offers", "legs", "s" or "share".
        grain: what it is summed over.
        made_of: how it is made of facts.
        source: who defines it so; empty where it needs no authority.
    """

    name: str
    title: str
    unit: str
    grain: Grain
    made_of: Total | Mean | Quantile | Ratio
    source: str = ""

    def formula(self, options: MetricOptions = MetricOptions()) -> str:
        """The definition in words, with the options' variant where it has several."""
        if self.name == "service_level":
            return SERVICE_LEVELS[options.variant].formula
        told = FACTS[self.grain]
        match self.made_of:
            case Total(fact):
                return told[fact] if self.unit == self.grain else f"sum of the {told[fact]}"
            case Mean(fact):
                return f"mean of the {told[fact]}"
            case Quantile(fact, share):
                return f"{share:.0%} quantile of the {told[fact]}"
            case Ratio(numerator, denominator):
                above, below = (
                    fact if fact in MEASURES else f"({told[fact]})"
                    for fact in (numerator, denominator)
                )
                return f"{above} / {below}"


def _calls(
    name: str, title: str, unit: str, made_of: Total | Mean | Quantile | Ratio, source: str = ""
) -> Measure:
    return Measure(name=name, title=title, unit=unit, grain="calls", made_of=made_of, source=source)


def _offers(
    name: str, title: str, unit: str, made_of: Total | Mean | Quantile | Ratio, source: str = ""
) -> Measure:
    return Measure(
        name=name, title=title, unit=unit, grain="offers", made_of=made_of, source=source
    )


def _legs(
    name: str, title: str, unit: str, made_of: Total | Mean | Quantile | Ratio, source: str = ""
) -> Measure:
    return Measure(name=name, title=title, unit=unit, grain="legs", made_of=made_of, source=source)


_ALL = (
    _calls("calls", "Calls", "calls", Total("calls")),
    _calls("offered", "Offered", "calls", Total("offered")),
    _calls("answered", "Answered", "calls", Total("answered")),
    _calls("missed", "Missed", "calls", Total("missed")),
    _calls("short_abandoned", "Short abandons", "calls", Total("short_abandoned")),
    _calls("unknown", "Of unknown state", "calls", Total("unknown")),
    _calls("running", "Running", "calls", Total("running")),
    _calls("wait_unknown", "Of unknown wait", "calls", Total("wait_unknown")),
    _calls("answer_rate", "Answer rate", "share", Ratio("answered", "offered")),
    _calls("abandon_rate", "Abandon rate", "share", Ratio("missed", "offered")),
    _calls(
        "abandon_rate_no_short",
        "Abandon rate without short ones",
        "share",
        Ratio("missed_not_short", "offered_not_short"),
    ),
    _calls("asa_s", "Average speed of answer", "s", Mean("answered_wait_s")),
    _calls("wait_p50_s", "Median wait", "s", Quantile("answered_wait_s", 0.5)),
    _calls("wait_p90_s", "90 % wait", "s", Quantile("answered_wait_s", 0.9)),
    _calls("abandon_wait_s", "Average wait of missed calls", "s", Mean("missed_wait_s")),
    _calls("talk_s", "Talk", "s", Total("talk_s")),
    _calls("talk_avg_s", "Average talk", "s", Mean("talk_s")),
    _calls("talk_p50_s", "Median talk", "s", Quantile("talk_s", 0.5)),
    _calls("talk_p90_s", "90 % talk", "s", Quantile("talk_s", 0.9)),
    _calls("agent_talk_s", "Agents' talk", "s", Total("agent_talk_s")),
    _calls("agent_talk_avg_s", "Agents' average talk", "s", Mean("agent_talk_s")),
    _calls("recording_coverage", "Recording coverage", "share", Ratio("recorded", "answered")),
    _calls("service_level", "Service level", "share", Ratio("level_met", "level_counted")),
    _offers("offers", "Offers", "offers", Total("offers")),
    _offers("answered_offers", "Answered offers", "offers", Total("answered_offers")),
    _offers("rna", "Ring, no answer", "offers", Total("rna")),
    _offers("busy_offers", "Offers while busy", "offers", Total("busy_offers")),
    _offers("offer_answer_rate", "Offer answer rate", "share", Ratio("answered_offers", "offers")),
    _offers(
        "fair_answer_rate", "Fair answer rate", "share", Ratio("answered_offers", "fair_offers")
    ),
    _offers("rna_rate", "Ring-no-answer rate", "share", Ratio("rna", "decided_offers")),
    _offers("ring_avg_s", "Average ring", "s", Mean("ring_s")),
    _offers("ring_p50_s", "Median ring", "s", Quantile("ring_s", 0.5)),
    _offers("ring_p90_s", "90 % ring", "s", Quantile("ring_s", 0.9)),
    _offers("ring_wasted_s", "Wasted ring", "s", Total("wasted_ring_s")),
    _offers("leg_talk_s", "Talk of legs", "s", Total("leg_talk_s")),
    _legs("trunk_legs", "Legs through trunks", "legs", Total("trunk_legs")),
    _legs(
        "asr", "Answer-seizure ratio", "share", Ratio("answered_legs", "trunk_legs"), "ITU-T E.411"
    ),
    _legs(
        "ner",
        "Network effectiveness ratio",
        "share",
        Ratio("reached_legs", "trunk_legs"),
        "ITU-T E.425",
    ),
    _legs("post_dial_delay_avg_s", "Average post-dial delay", "s", Mean("post_dial_delay_s")),
    _legs("post_dial_delay_p90_s", "90 % post-dial delay", "s", Quantile("post_dial_delay_s", 0.9)),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({each.name: each for each in _ALL})

DEFAULT_MEASURES = ("offered", "answer_rate", "asa_s", "wait_p90_s", "talk_avg_s")
"""What a day is first asked for."""


def measure(name: str) -> Measure:
    """The measure of that name; an unknown one is an error that lists the nearest, one that calls do not tell an error that says why."""
    if name not in MEASURES:
        refuse(name)
        raise UnknownName("measure", name, MEASURES)
    return MEASURES[name]


def measures(*, options: MetricOptions = MetricOptions()) -> pl.DataFrame:
    """The table of every measure: name, title, unit, grain, formula (for these options), source; all text."""
    rows = [
        (
            each.name,
            each.title,
            each.unit,
            each.grain,
            each.formula(options),
            source_of(each, options),
        )
        for each in _ALL
    ]
    return pl.DataFrame(
        rows, schema=["name", "title", "unit", "grain", "formula", "source"], orient="row"
    )


def source_of(each: Measure, options: MetricOptions) -> str:
    """Who defines the measure so, with these options; empty where it needs no authority."""
    return SERVICE_LEVELS[options.variant].source if each.name == "service_level" else each.source
