"""Every number from one definition: facts of calls, outcomes of legs, offers, and what is made of them."""

from .confidence import wilson
from .coverage import summarize_fetched, unfetched
from .directions import INWARD, inward
from .facts import facts
from .options import MetricOptions
from .outcomes import legs, offers
from .registry import HEADLINE, MEASURES, Measure, measures
from .rings import RING_GROUPS, RingSeconds, ring_seconds
from .selection import Calls, Selection
from .summary import DIMENSIONS, summarize

__all__ = [
    "DIMENSIONS",
    "HEADLINE",
    "INWARD",
    "MEASURES",
    "RING_GROUPS",
    "Calls",
    "Measure",
    "MetricOptions",
    "RingSeconds",
    "Selection",
    "facts",
    "inward",
    "legs",
    "measures",
    "offers",
    "ring_seconds",
    "summarize",
    "summarize_fetched",
    "unfetched",
    "wilson",
]
