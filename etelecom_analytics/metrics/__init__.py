"""Every number from one definition: facts of calls, outcomes of legs, offers, and what is made of them."""

from .confidence import wilson
from .facts import facts
from .options import MetricOptions
from .outcomes import legs, offers
from .registry import HEADLINE, MEASURES, Measure, measures
from .summary import DIMENSIONS, summarize

__all__ = ["DIMENSIONS", "HEADLINE", "MEASURES", "Measure", "MetricOptions", "facts", "legs", "measures", "offers", "summarize", "wilson"]
