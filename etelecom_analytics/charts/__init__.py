"""Charts of calls: each asks metrics for one summary and draws it. They show offline, on light pages and dark ones."""

from .extensions import extension_performance
from .heat import heatmap
from .rates import answer_rate
from .ring import ring_durations
from .theme import use_offline_renderer

__all__ = ["answer_rate", "extension_performance", "heatmap", "ring_durations", "use_offline_renderer"]
