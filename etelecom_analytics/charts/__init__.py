"""Charts of calls: each asks metrics for one summary and draws it. They show offline, on light pages and dark ones."""

from .collection import Gallery, gallery
from .curves import patience, time_to_callback
from .extensions import extension_performance
from .heat import heatmap
from .hunts import hunt_paths
from .legs import journey
from .levels import service_level
from .lines import concurrency, erlangs
from .lost import funnel
from .rates import answer_rate
from .ring import ring_durations
from .staff import agents_needed
from .theme import use_offline_renderer
from .trunks import trunk_failures
from .waits import wait_distribution

__all__ = [
    "Gallery",
    "agents_needed",
    "answer_rate",
    "concurrency",
    "erlangs",
    "extension_performance",
    "funnel",
    "gallery",
    "heatmap",
    "hunt_paths",
    "journey",
    "patience",
    "ring_durations",
    "service_level",
    "time_to_callback",
    "trunk_failures",
    "use_offline_renderer",
    "wait_distribution",
]
