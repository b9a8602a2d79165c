"""Measures of calls, offers and legs, and what is computed from them."""

from ..schema import INBOUND_DIRECTIONS
from .agent_activity import agent_days, agent_hours
from .call_attempts import OUTBOUND_DIMENSIONS
from .call_times import HOUR_VERDICTS, outbound_hours
from .callers import callback_rate, repeat_rate, time_to_callback
from .carriers import CARRIERS
from .comparison import UNCERTAINTIES, VERDICTS, compare
from .concurrent_calls import Concurrency, concurrency, concurrency_peaks, trunk_peaks
from .confidence import wilson
from .costs import call_costs, cost
from .daily_control import ControlLimits, control_limits, noticed_step
from .dimensions import DIMENSIONS, NAME_DIMENSIONS, inward
from .discovery import FINDING_MEASURES, Findings, findings
from .distributions import (
    RING_GROUPS,
    WAIT_GROUPS,
    RingSeconds,
    WaitSeconds,
    ring_seconds,
    wait_seconds,
)
from .drill import drill_through
from .erlang_a_formulas import ErlangA, erlang_a
from .erlang_formulas import (
    agents_needed,
    erlang_b,
    erlang_c,
    erlang_c_asa,
    erlang_c_service_level,
)
from .explanation import Explanation, explain
from .fact_tables import facts, legs, offers
from .funnels import FUNNEL, LOST_STAGES, funnel, lost_calls
from .group_differences import GROUP_VERDICTS, GroupLimits, group_limits
from .journeys import PHASES, call_phases
from .late_changes import update_lag
from .ledger import MISSED_OUTCOMES, missed_ledger
from .options import MetricOptions
from .outbound_tables import outbound_answer_rate, outbound_attempts, outbound_customers
from .own_number_levels import outbound_levels
from .partial_tables import finish, merge_partials
from .partials import partial
from .periods import only_fetched, previous_period
from .portal_totals import CAUSES as RECONCILIATION_CAUSES
from .portal_totals import PORTAL_TOTALS
from .quality_checks import CHECKS, data_quality
from .queues import VISIT_OUTCOMES, queue_visits
from .reconciliation import Reconciliation, reconcile
from .registry import (
    DEFAULT_MEASURES,
    MEASURES,
    Mean,
    Measure,
    Quantile,
    Ratio,
    Total,
    measures,
)
from .routing import hunt_paths
from .selection import Calls, Selection
from .service_level_variants import THRESHOLDS_S, service_level_curve, service_levels
from .staffing import agents_by_interval
from .staffing_check import staffing_backtest
from .summary import summarize, summarize_fetched
from .survival import kaplan_meier, median_survival, patience
from .tariffs import Tariff
from .traffic import busy_hour, busy_hours, erlangs, erlangs_profile
from .trunks import SIDES, SipCode, fail_codes, sip_code
from .unavailable import UNAVAILABLE_MEASURES
from .unique_callers import caller_summary

__all__ = [
    "CARRIERS",
    "CHECKS",
    "DEFAULT_MEASURES",
    "DIMENSIONS",
    "FINDING_MEASURES",
    "FUNNEL",
    "GROUP_VERDICTS",
    "HOUR_VERDICTS",
    "INBOUND_DIRECTIONS",
    "LOST_STAGES",
    "MEASURES",
    "MISSED_OUTCOMES",
    "NAME_DIMENSIONS",
    "OUTBOUND_DIMENSIONS",
    "PHASES",
    "PORTAL_TOTALS",
    "RECONCILIATION_CAUSES",
    "RING_GROUPS",
    "SIDES",
    "THRESHOLDS_S",
    "UNAVAILABLE_MEASURES",
    "UNCERTAINTIES",
    "VERDICTS",
    "VISIT_OUTCOMES",
    "WAIT_GROUPS",
    "Calls",
    "Concurrency",
    "ControlLimits",
    "ErlangA",
    "Explanation",
    "Findings",
    "GroupLimits",
    "Mean",
    "Measure",
    "MetricOptions",
    "Quantile",
    "Ratio",
    "Reconciliation",
    "RingSeconds",
    "Selection",
    "SipCode",
    "Tariff",
    "Total",
    "WaitSeconds",
    "agent_days",
    "agent_hours",
    "agents_by_interval",
    "agents_needed",
    "busy_hour",
    "busy_hours",
    "call_costs",
    "call_phases",
    "callback_rate",
    "caller_summary",
    "compare",
    "concurrency",
    "concurrency_peaks",
    "control_limits",
    "cost",
    "data_quality",
    "drill_through",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "erlang_c_asa",
    "erlang_c_service_level",
    "erlangs",
    "erlangs_profile",
    "explain",
    "facts",
    "fail_codes",
    "findings",
    "finish",
    "funnel",
    "group_limits",
    "hunt_paths",
    "inward",
    "kaplan_meier",
    "legs",
    "lost_calls",
    "measures",
    "median_survival",
    "merge_partials",
    "missed_ledger",
    "noticed_step",
    "offers",
    "only_fetched",
    "outbound_answer_rate",
    "outbound_attempts",
    "outbound_customers",
    "outbound_hours",
    "outbound_levels",
    "partial",
    "patience",
    "previous_period",
    "queue_visits",
    "reconcile",
    "repeat_rate",
    "ring_seconds",
    "service_level_curve",
    "service_levels",
    "sip_code",
    "staffing_backtest",
    "summarize",
    "summarize_fetched",
    "time_to_callback",
    "trunk_peaks",
    "update_lag",
    "wait_seconds",
    "wilson",
]


def __dir__() -> list[str]:
    return sorted(__all__)
