"""Every number from one definition: facts of calls, outcomes of legs, offers, and what is made of them."""

from .behind import drill_through
from .call_facts import facts
from .callers import MISSED_OUTCOMES, callback_rate, missed_ledger, repeat_rate, time_to_callback
from .comparison import compare
from .confidence import wilson
from .coverage import summarize_fetched
from .directions import INBOUND_DIRECTIONS, inward
from .distributions import WAIT_GROUPS, WaitSeconds, wait_seconds
from .explanation import Explanation, explain
from .freshness import update_lag
from .funnels import FUNNEL, LOST_STAGES, funnel, lost_calls
from .journeys import PHASES, call_phases
from .legs_and_offers import legs, offers
from .options import MetricOptions
from .period import only_fetched, previous_period
from .profile import erlangs_profile, highest
from .quality_checks import CHECKS, data_quality
from .refused import NOT_IN_RECORD
from .registry import DEFAULT_MEASURES, MEASURES, Measure, measures
from .rings import RING_GROUPS, RingSeconds, ring_seconds
from .routing import hunt_paths
from .selection import Calls, Selection
from .service_level_variants import THRESHOLDS_S, service_level_curve, service_levels
from .staffing import (
    agents_by_interval,
    agents_needed,
    erlang_b,
    erlang_c,
    erlang_c_asa,
    erlang_c_service_level,
)
from .summary import DIMENSIONS, NAME_DIMENSIONS, summarize
from .survival import kaplan_meier, median_survival, patience
from .traffic import Concurrency, busy_hour, busy_hours, concurrency, erlangs, trunk_peaks
from .trunks import SIDES, SipCode, fail_codes, sip_code

__all__ = [
    "CHECKS",
    "DIMENSIONS",
    "FUNNEL",
    "DEFAULT_MEASURES",
    "INBOUND_DIRECTIONS",
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
    "drill_through",
    "compare",
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
    "previous_period",
    "data_quality",
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
