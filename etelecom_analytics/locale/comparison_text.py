"""The rows of `compare` as text."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..formatting import format_value
from ..metrics.options import MetricOptions
from ..metrics.registry import MEASURES

__all__ = ["ComparisonText", "comparison_texts"]


class ComparisonText(NamedTuple):
    """A row of `compare` as text.

    Attributes:
        title: the title of the measure.
        value: the value of the later period with its unit.
        interval: the 95 % interval of the value.
        formula: the name and the formula of the measure.
        population: the number of calls, offers or legs of a share or a time; else empty.
        change: the change from the earlier period, with an arrow if it is significant; empty if
            it is unknown.
        change_interval: the 95 % interval of the change; empty if the change is unknown.
    """

    title: str
    value: str
    interval: str
    formula: str
    population: str
    change: str
    change_interval: str


def comparison_texts(row: Mapping[str, Any], options: MetricOptions) -> ComparisonText:
    """The texts for a row of `compare`.

    A null value with a null number of calls is "unknown": those calls were not fetched.

    Args:
        row: a row of `compare`, as a dict.
        options: the options of `compare`.

    Examples:
        >>> from etelecom_analytics.locale.comparison_text import comparison_texts
        >>> calls, options = et.sample_logs().calls, et.MetricOptions()
        >>> halves = calls.head(200), calls.tail(200)
        >>> change = et.metrics.compare(*halves, measures=["answer_rate"], options=options)
        >>> text = comparison_texts(change.row(0, named=True), options)
        >>> text.title, text.value, text.population
        ('Answer rate', '90.5 %', 'over 189 offered calls')
    """
    measure = MEASURES[row["measure"]]
    unit, value, n = row["unit"], row["after"], row["after_n"]
    is_unknown = value is None and n is None
    change, change_interval = _change_texts(row, unit)
    return ComparisonText(
        title=measure.title,
        value="unknown" if is_unknown else format_value(value, unit),
        interval=(
            "not fetched"
            if is_unknown
            else _interval_text(row["after_low"], row["after_high"], unit)
        ),
        formula=f"{measure.name} = {measure.formula(options)}",
        population=(
            "" if n is None or unit not in ("share", "s") else f"over {n:,} {measure.population}"
        ),
        change=change,
        change_interval=change_interval,
    )


def _change_texts(row: Mapping[str, Any], unit: str) -> tuple[str, str]:
    """The change and its interval; an arrow marks a change that chance alone seldom explains."""
    difference, low, high = row["difference"], row["low"], row["high"]
    if difference is None:
        return "", ""
    is_significant = low is not None and high is not None and (low > 0 or high < 0)
    arrow = "" if not is_significant else "▲ " if difference > 0 else "▼ "
    change = format_value(difference, unit, signed=True)
    note = "" if is_significant else ": may be chance"
    return (
        f"{arrow}{change} against {format_value(row['before'], unit)}",
        f"{_interval_text(low, high, unit, signed=True)}{note}",
    )


def _interval_text(
    low: float | None, high: float | None, unit: str, *, signed: bool = False
) -> str:
    if low is None and high is None:
        return "no interval: too few"
    ends = [
        "…" if end is None else format_value(end, unit, signed=signed).split()[0]
        for end in (low, high)
    ]
    return f"95 %: {ends[0]} to {ends[1]}"
