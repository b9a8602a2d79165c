"""A value against its target, in words."""

from collections.abc import Mapping

from ..formatting import format_value
from ..metrics.registry import MEASURES

__all__ = ["target_text"]

_BOUNDS = {"higher": "at least ", "lower": "at most "}


def target_text(name: str, value: float | None, targets: Mapping[str, float]) -> str:
    """The target of a measure and whether the value meets it; "" without a target.

    A measure of which neither direction is better has no verdict.

    Examples:
        >>> from etelecom_analytics.locale.target_text import target_text
        >>> target_text("asa_s", 18.3, {"asa_s": 20})
        'target at most 20.0 s: met'
    """
    if name not in targets:
        return ""
    target, measure = targets[name], MEASURES[name]
    text = f"target {_BOUNDS.get(measure.better or '', '')}{format_value(target, measure.unit)}"
    if value is None or measure.better is None:
        return text
    is_met = value >= target if measure.better == "higher" else value <= target
    return f"{text}: {'met' if is_met else 'not met'}"
