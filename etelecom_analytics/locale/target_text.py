"""A value against its target, in words."""

from collections.abc import Mapping

from ..formatting import format_value
from ..language import tr
from ..metrics.registry import MEASURES

__all__ = ["target_text"]


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
    shown = format_value(target, measure.unit)
    match measure.better:
        case "higher":
            text = tr("target at least {target}", target=shown)
        case "lower":
            text = tr("target at most {target}", target=shown)
        case None:
            return tr("target {target}", target=shown)
    if value is None:
        return text
    is_met = value >= target if measure.better == "higher" else value <= target
    return f"{text}: {tr('met') if is_met else tr('not met')}"
