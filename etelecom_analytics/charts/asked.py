"""How a measure that was asked for is told."""

from ..metrics import MetricOptions
from ..metrics.registry import TOTALS, Mean, Measure, Quantile

__all__ = ["basis_of", "dimension_text", "letters_of", "measure_title"]


def dimension_text(by: str) -> str:
    """What a chart by this dimension is called: "by hour", "in and out of hours"."""
    return "in and out of hours" if by == "in_hours" else f"by {by.replace('_', ' ')}"


def measure_title(asked: Measure) -> str:
    """The measure's title, with its unit where the title does not tell."""
    return (
        asked.title
        if asked.unit == "share" or asked.unit in asked.title.lower()
        else f"{asked.title} ({asked.unit})"
    )


def basis_of(asked: Measure) -> str:
    """The count of what a mean or a quantile is over."""
    fact = asked.made_of.fact if isinstance(asked.made_of, Mean | Quantile) else ""
    return {
        "answered_wait_s": "answered",
        "talk_s": "answered",
        "agent_talk_s": "answered",
        "missed_wait_s": "missed",
    }.get(fact, TOTALS[asked.grain])


def letters_of(asked: Measure, options: MetricOptions) -> str:
    """What the letters of the service level's formula stand for."""
    if asked.name != "service_level":
        return ""
    shortest = f"; m: {options.min_talk_s:g} s" if options.variant == "min_talk" else ""
    return f" a, q, s: answered, missed, short calls of known wait; T: {options.threshold_s:g} s{shortest}."
