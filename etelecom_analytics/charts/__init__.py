"""Charts of calls: each draws one table of metrics, offline, on light and on dark pages."""

from .answer_rates import answer_rate
from .collection import Gallery, gallery
from .concurrent_calls import concurrency
from .control_charts import control
from .distributions import ring_durations, wait_distribution
from .extensions import extension_performance
from .funnels import funnel
from .group_bars import measure_by
from .group_differences import group_limits
from .heatmaps import heatmap
from .journeys import journey
from .outbound_rates import outbound_answer_rate, outbound_hours
from .outbound_reach import outbound_attempts
from .own_numbers import outbound_levels
from .routes import hunt_paths
from .service_levels import service_level
from .staffing import agents_by_interval
from .survival import patience, time_to_callback
from .theme import use_offline_renderer
from .traffic import erlangs
from .trunks import trunk_failures

__all__ = [
    "Gallery",
    "agents_by_interval",
    "answer_rate",
    "concurrency",
    "control",
    "erlangs",
    "extension_performance",
    "funnel",
    "gallery",
    "group_limits",
    "heatmap",
    "hunt_paths",
    "journey",
    "measure_by",
    "outbound_answer_rate",
    "outbound_attempts",
    "outbound_hours",
    "outbound_levels",
    "patience",
    "ring_durations",
    "service_level",
    "time_to_callback",
    "trunk_failures",
    "use_offline_renderer",
    "wait_distribution",
]


def __dir__() -> list[str]:
    return sorted(__all__)
