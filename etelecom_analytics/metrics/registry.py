"""Measures as data: formulas, tables, computations and tests are all derived from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import polars as pl

from ..errors import InputError, MeasureUnavailable, UnknownName
from ..phone_numbers import describe
from .call_facts import CALL_FACTS
from .legs_and_offers import LEG_FACTS, OFFER_FACTS
from .measure_kinds import Aggregation, Mean, Quantile, Ratio, Total
from .options import MetricOptions, checked_options
from .service_level_formulas import SERVICE_LEVELS
from .unavailable import UNAVAILABLE_MEASURES

__all__ = [
    "DEFAULT_MEASURES",
    "FACTS",
    "MEASURES",
    "TOTALS",
    "Aggregation",
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
"""The facts of each grain that measures aggregate, with their definitions."""

TOTALS: Mapping[Grain, str] = MappingProxyType(
    {"calls": "calls", "offers": "offers", "legs": "trunk_legs"}
)
"""The measure that counts all rows of a grain."""

_POPULATIONS = {
    "offered": "offered calls",
    "offered_not_short": "offered calls",
    "answered": "answered calls",
    "answered_wait_s": "answered calls",
    "abandoned_wait_s": "abandoned calls",
    "talk_s": "answered calls",
    "agent_talk_s": "answered calls",
    "talk_with_agents_s": "answered calls",
    "ring_s": "offers that rang",
    "post_dial_delay_s": "legs that rang",
    "bids": "bids",
    "conversation_s": "answered legs",
}
"""What a denominator, or the known values of a mean or quantile, count; default: the grain."""


_HIGHER_IS_BETTER = (
    *("answer_rate", "service_level", "recording_coverage", "offer_answer_rate"),
    *("fair_answer_rate", "asr", "abr", "ner"),
)
_LOWER_IS_BETTER = (
    *("missed_rate", "abandon_rate", "abandon_rate_no_short"),
    *("asa_s", "wait_p50_s", "wait_p90_s", "rna_rate"),
    *("wait_p95_s", "wait_max_s", "transfer_rate"),
    *("post_dial_delay_avg_s", "post_dial_delay_p90_s"),
)

_SOURCES = {
    "offered": "Genesys Cloud, Offered",
    "answered": "Genesys Cloud, Answered",
    "answer_rate": "Genesys Cloud, Answer %",
    "abandon_rate": "Genesys Cloud, Abandon %",
    "asa_s": "Genesys Cloud, ASA",
    "abandon_wait_s": "Genesys Cloud, Average abandon",
    "offer_answer_rate": "Amazon Connect, Agent answer rate",
    "rna": "Amazon Connect, Agent non-response without customer abandons",
    "asr": "ITU-T E.411",
    "abr": "ITU-T E.411, with one bid per call and trunk",
    "aloc_s": "ITU-T E.437",
    "transfer_rate": "Genesys Cloud, Transfer %, of transfers to external numbers",
    "ner": "ITU-T E.425",
    "post_dial_delay_avg_s": "RFC 6076, Session Request Delay",
}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The definition of one measure.

    Attributes:
        name: its name, which includes the unit of a time.
        title: its label.
        unit: "calls", "offers", "legs", "s" or "share".
        grain: the rows that it aggregates.
        aggregation: how it aggregates facts.
        source: the source of the definition; empty where none is needed.

    Examples:
        >>> measure = et.metrics.MEASURES["abandon_rate"]
        >>> measure.title, measure.formula(), measure.better
        ('Abandon rate', 'abandoned / offered', 'lower')
    """

    name: str
    title: str
    unit: str
    grain: Grain
    aggregation: Aggregation
    source: str = ""

    @property
    def population(self) -> str:
        """The noun of its n: the denominator of a share, or the values of a mean or a quantile."""
        match self.aggregation:
            case Ratio(_, fact) | Mean(fact) | Quantile(fact, _):
                return _POPULATIONS.get(fact, self.grain)
        return self.grain

    @property
    def better(self) -> Literal["higher", "lower"] | None:
        """Which value is better; None for a volume, or where it depends on the business."""
        if self.name in _HIGHER_IS_BETTER:
            return "higher"
        return "lower" if self.name in _LOWER_IS_BETTER else None

    def formula(self, options: MetricOptions = MetricOptions()) -> str:
        """The definition as text; the service level's depends on `options.variant`."""
        if self.name == "service_level":
            return SERVICE_LEVELS[options.variant].formula
        definitions = FACTS[self.grain]
        match self.aggregation:
            case Total(fact):
                definition = definitions[fact]
                return definition if self.unit != "s" else f"sum of the {definition}"
            case Mean(fact):
                return f"mean of the {definitions[fact]}"
            case Quantile(fact, 1.0):
                return f"maximum of the {definitions[fact]}"
            case Quantile(fact, share):
                return f"{share:.0%} quantile of the {definitions[fact]}"
            case Ratio(numerator, denominator):
                return " / ".join(
                    fact if fact in MEASURES else f"({definitions[fact]})"
                    for fact in (numerator, denominator)
                )


def _calls(name: str, title: str, unit: str, aggregation: Aggregation) -> Measure:
    return _measure(name, title, unit, "calls", aggregation)


def _offers(name: str, title: str, unit: str, aggregation: Aggregation) -> Measure:
    return _measure(name, title, unit, "offers", aggregation)


def _legs(name: str, title: str, unit: str, aggregation: Aggregation) -> Measure:
    return _measure(name, title, unit, "legs", aggregation)


def _measure(name: str, title: str, unit: str, grain: Grain, aggregation: Aggregation) -> Measure:
    source = _SOURCES.get(name, "")
    return Measure(
        name=name, title=title, unit=unit, grain=grain, aggregation=aggregation, source=source
    )


_ALL = (
    _calls("calls", "Calls", "calls", Total("calls")),
    _calls("offered", "Offered", "calls", Total("offered")),
    _calls("answered", "Answered", "calls", Total("answered")),
    _calls("missed", "Missed", "calls", Total("missed")),
    _calls("abandoned", "Abandoned", "calls", Total("abandoned")),
    _calls("ended_by_pbx", "Missed, ended by the PBX", "calls", Total("ended_by_pbx")),
    _calls("end_unknown", "Missed, end unknown", "calls", Total("end_unknown")),
    _calls("short_abandoned", "Short abandons", "calls", Total("short_abandoned")),
    _calls("unknown", "Unknown state", "calls", Total("unknown")),
    _calls("running", "Running", "calls", Total("running")),
    _calls("wait_unknown", "Unknown wait", "calls", Total("wait_unknown")),
    _calls("answer_rate", "Answer rate", "share", Ratio("answered", "offered")),
    _calls("missed_rate", "Missed rate", "share", Ratio("missed", "offered")),
    _calls("abandon_rate", "Abandon rate", "share", Ratio("abandoned", "offered")),
    _calls(
        "abandon_rate_no_short",
        "Abandon rate without short abandons",
        "share",
        Ratio("abandoned_not_short", "offered_not_short"),
    ),
    _calls("asa_s", "Average speed of answer", "s", Mean("answered_wait_s")),
    _calls("wait_p50_s", "Median wait", "s", Quantile("answered_wait_s", 0.5)),
    _calls("wait_p90_s", "90th-percentile wait", "s", Quantile("answered_wait_s", 0.9)),
    _calls("wait_p95_s", "95th-percentile wait", "s", Quantile("answered_wait_s", 0.95)),
    _calls("wait_max_s", "Longest wait of answered calls", "s", Quantile("answered_wait_s", 1.0)),
    _calls("answered_within", "Answered within the threshold", "calls", Total("answered_within")),
    _calls(
        "abandoned_within", "Abandoned within the threshold", "calls", Total("abandoned_within")
    ),
    _calls("abandon_wait_s", "Average wait of abandoned calls", "s", Mean("abandoned_wait_s")),
    _calls(
        "abandon_wait_max_s",
        "Longest wait of abandoned calls",
        "s",
        Quantile("abandoned_wait_s", 1.0),
    ),
    _calls("talk_s", "Talk", "s", Total("talk_s")),
    _calls("talk_avg_s", "Average talk", "s", Mean("talk_s")),
    _calls("talk_p50_s", "Median talk", "s", Quantile("talk_s", 0.5)),
    _calls("talk_p90_s", "90th-percentile talk", "s", Quantile("talk_s", 0.9)),
    _calls("agent_talk_s", "Agent talk", "s", Total("agent_talk_s")),
    _calls("agent_talk_avg_s", "Average agent talk", "s", Mean("agent_talk_s")),
    _calls("talk_with_agents_s", "Time with agents", "s", Total("talk_with_agents_s")),
    _calls("talk_with_agents_avg_s", "Average time with agents", "s", Mean("talk_with_agents_s")),
    _calls("recording_coverage", "Recording coverage", "share", Ratio("recorded", "answered")),
    _calls("service_level", "Service level", "share", Ratio("level_met", "level_counted")),
    _calls("transfers", "Transfers to external numbers", "legs", Total("transfers")),
    _calls("transfer_rate", "Transfer rate", "share", Ratio("transferred", "answered")),
    _calls("forwards", "Forwards to external numbers", "legs", Total("forwards")),
    _calls("hung_up_by_caller", "Hung up by the caller", "calls", Total("hung_up_by_caller")),
    _calls("hung_up_by_agent", "Hung up by the agent", "calls", Total("hung_up_by_agent")),
    _calls("unknown_callers", "Unknown callers", "calls", Total("unknown_callers")),
    _calls("calls_too_long", "Calls too long", "calls", Total("calls_too_long")),
    _calls("internal_twice", "Internal calls logged twice", "calls", Total("internal_twice")),
    _calls("legs_outside", "Legs outside their call", "legs", Total("legs_outside")),
    _offers("offers", "Offers", "offers", Total("offers")),
    _offers("answered_offers", "Answered offers", "offers", Total("answered_offers")),
    _offers("rna", "Ring no answer", "offers", Total("rna")),
    _offers("busy_offers", "Offers while busy", "offers", Total("busy_offers")),
    _offers("offer_answer_rate", "Offer answer rate", "share", Ratio("answered_offers", "offers")),
    _offers(
        "fair_answer_rate",
        "Answer rate of offers that the agent could take",
        "share",
        Ratio("answered_offers", "fair_offers"),
    ),
    _offers("rna_rate", "Ring-no-answer rate", "share", Ratio("rna", "decided_offers")),
    _offers("ring_avg_s", "Average ring", "s", Mean("ring_s")),
    _offers("ring_p50_s", "Median ring", "s", Quantile("ring_s", 0.5)),
    _offers("ring_p90_s", "90th-percentile ring", "s", Quantile("ring_s", 0.9)),
    _offers("ring_wasted_s", "Wasted ring", "s", Total("wasted_ring_s")),
    _offers("leg_talk_s", "Talk of legs", "s", Total("leg_talk_s")),
    _offers("owner_assumed", "Offers of an assumed owner", "offers", Total("owner_assumed")),
    _legs("trunk_legs", "Legs through trunks", "legs", Total("trunk_legs")),
    _legs("asr", "Answer-seizure ratio", "share", Ratio("answered_legs", "trunk_legs")),
    _legs("abr", "Answer-bid ratio", "share", Ratio("answered_bids", "bids")),
    _legs("aloc_s", "Average length of conversation", "s", Mean("conversation_s")),
    _legs("ner", "Network effectiveness ratio", "share", Ratio("reached_legs", "trunk_legs")),
    _legs("post_dial_delay_avg_s", "Average post-dial delay", "s", Mean("post_dial_delay_s")),
    _legs(
        "post_dial_delay_p90_s",
        "90th-percentile post-dial delay",
        "s",
        Quantile("post_dial_delay_s", 0.9),
    ),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({each.name: each for each in _ALL})

DEFAULT_MEASURES = ("offered", "answer_rate", "asa_s", "wait_p90_s", "agent_talk_avg_s")
"""The measures of `summarize` unless others are requested."""

_SUFFIXES = ("_s", "_avg", "_p50", "_p90", "_rate")


def measure(name: str) -> Measure:
    """The measure of this name.

    Raises:
        MeasureUnavailable: call logs cannot give this measure; the message has the reason and an
            alternative. Spelling and unit do not matter: "AHT", "hold time", "hold_time_avg_s".
        UnknownName: the measure does not exist; the message lists the nearest names.
    """
    if not isinstance(name, str):
        raise InputError(f'measure is a name such as "answer_rate"; got {describe(name)}.')
    if name in MEASURES:
        return MEASURES[name]
    plain = "_".join(str(name).lower().replace("-", " ").replace("_", " ").split())
    while plain not in UNAVAILABLE_MEASURES and plain.endswith(_SUFFIXES):
        plain = plain.rpartition("_")[0]
    if plain in UNAVAILABLE_MEASURES:
        raise MeasureUnavailable(plain, UNAVAILABLE_MEASURES[plain])
    raise UnknownName("measure", name, MEASURES)


def measures(*, options: MetricOptions = MetricOptions()) -> pl.DataFrame:
    """The table of all measures: name, title, unit, grain, formula (for these options), source.

    Examples:
        >>> et.measures().filter(name="asr").select("title", "formula", "source").row(0)
        ('Answer-seizure ratio', '(answered legs) / trunk_legs', 'ITU-T E.411')
    """
    options = checked_options(options)
    rows = [
        (m.name, m.title, m.unit, m.grain, m.formula(options), source_of(m, options)) for m in _ALL
    ]
    columns = ["name", "title", "unit", "grain", "formula", "source"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def source_of(each: Measure, options: MetricOptions) -> str:
    """The source of a measure's definition with these options; empty where none is needed."""
    return SERVICE_LEVELS[options.variant].source if each.name == "service_level" else each.source
