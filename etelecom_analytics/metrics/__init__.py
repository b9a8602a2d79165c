"""Every number from one definition: facts of calls, outcomes of legs, offers, and what is made of them."""

from .behind import calls_behind
from .callers import MISSED_OUTCOMES, callback_rate, missed_ledger, repeat_rate, time_to_callback
from .comparison import compare
from .comparison_words import comparison_texts
from .confidence import wilson
from .coverage import summarize_fetched
from .directions import INWARD, inward
from .explanation import Explanation, explain
from .facts import facts
from .freshness import update_lag
from .hunting import hunt_paths
from .levels import THRESHOLDS_S, service_level_curve, service_levels
from .options import MetricOptions
from .outcomes import legs, offers
from .period import only_fetched, period_before
from .phases import PHASES, call_phases
from .profile import erlangs_profile, highest
from .refused import NOT_IN_RECORD
from .registry import HEADLINE, MEASURES, Measure, measures
from .rings import RING_GROUPS, RingSeconds, ring_seconds
from .scorecard import CHECKS, quality
from .selection import Calls, Selection
from .staffing import agents_by_interval, agents_needed, erlang_b, erlang_c, erlang_c_asa, erlang_c_service_level
from .stages import FUNNEL, LOST_STAGES, funnel, lost_calls
from .summary import DIMENSIONS, NAME_DIMENSIONS, summarize
from .survival import kaplan_meier, median_survival, patience
from .traffic import Concurrency, busy_hour, busy_hours, concurrency, erlangs, trunk_peaks
from .trunks import SIDES, SipCode, fail_codes, sip_code
from .waits import WAIT_GROUPS, WaitSeconds, wait_seconds

__all__ = [
    "CHECKS",
    "DIMENSIONS",
    "FUNNEL",
    "HEADLINE",
    "INWARD",
    "LOST_STAGES",
    "MEASURES",
    "MISSED_OUTCOMES",
    "NAME_DIMENSIONS",
    "PHASES",
    "NOT_IN_RECORD",
    "RING_GROUPS",
    "SIDES",
    "WAIT_GROUPS",
    "THRESHOLDS_S",
    "Calls",
    "Concurrency",
    "Explanation",
    "Measure",
    "MetricOptions",
    "RingSeconds",
    "Selection",
    "SipCode",
    "WaitSeconds",
    "agents_by_interval",
    "agents_needed",
    "busy_hour",
    "busy_hours",
    "call_phases",
    "callback_rate",
    "calls_behind",
    "compare",
    "comparison_texts",
    "concurrency",
    "erlang_b",
    "erlang_c",
    "erlang_c_asa",
    "erlang_c_service_level",
    "erlangs",
    "erlangs_profile",
    "explain",
    "facts",
    "fail_codes",
    "highest",
    "funnel",
    "hunt_paths",
    "inward",
    "kaplan_meier",
    "legs",
    "lost_calls",
    "measures",
    "median_survival",
    "missed_ledger",
    "offers",
    "only_fetched",
    "patience",
    "period_before",
    "quality",
    "repeat_rate",
    "ring_seconds",
    "service_level_curve",
    "service_levels",
    "sip_code",
    "summarize",
    "summarize_fetched",
    "time_to_callback",
    "trunk_peaks",
    "update_lag",
    "wait_seconds",
    "wilson",
]
