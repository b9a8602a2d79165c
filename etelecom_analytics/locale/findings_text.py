"""The result of `findings` in plain words."""

from collections.abc import Mapping
from typing import Any

from ..formatting import format_value
from ..metrics.discovery import Findings
from ..metrics.registry import MEASURES
from .display import Display
from .short_finding import place_text

__all__ = ["finding_text", "findings_headline"]

_DEFAULT = Display()


def findings_headline(result: Findings, display: Display = _DEFAULT) -> str:
    """One sentence: what stands out most, that nothing does, or why that is unknown.

    Examples:
        >>> from etelecom_analytics.locale.findings_text import findings_headline
        >>> findings_headline(et.metrics.findings(et.sample_logs().calls))
        'Cannot tell yet: 0 days of history. Three other weeks are enough.'
    """
    days = f"{result.history_days:,} {'day' if result.history_days == 1 else 'days'}"
    if result.verdict == "cannot tell":
        return f"Cannot tell yet: {days} of history. Three other weeks are enough."
    if result.table.is_empty():
        return f"Nothing stands out, compared with {days} of history."
    first = finding_text(result.table.row(0, named=True), display)
    others = result.table.height - 1
    more = f" {others:,} more {'finding' if others == 1 else 'findings'} below." if others else ""
    return f"{first}{more}"


def finding_text(row: Mapping[str, Any], display: Display = _DEFAULT) -> str:
    """A row of `Findings.table` as a sentence, with the 95 % interval of the change.

    Args:
        row: the row, as a dict.
        display: how numbers and names of groups are shown; external phone numbers are masked.

    Examples:
        >>> from etelecom_analytics.locale.findings_text import finding_text
        >>> row = {"measure": "answer_rate", "dimension": "hour", "group": "9", "value": 0.62}
        >>> row |= {"usual": 0.88, "change": -0.26, "low": -0.31, "high": -0.21, "n": 173}
        >>> finding_text(row | {"scale": "difference", "affected": 45.0})  # doctest: +ELLIPSIS
        'Answer rate from 9:00 to 10:00: 62.0 %, worse than the usual 88.0 % (-26.0 points, ...
    """
    measure = MEASURES[row["measure"]]
    is_count = measure.unit not in ("share", "s")
    value, usual = (
        format_value(row[name], measure.unit) + (" a day" if is_count else "")
        for name in ("value", "usual")
    )
    is_higher = row["value"] > row["usual"]
    if measure.better is None:
        judged = "more than" if is_higher else "fewer than" if is_count else "less than"
    else:
        judged = "better than" if is_higher == (measure.better == "higher") else "worse than"
    size = f"{row['n']:,} {measure.population}"
    if measure.unit == "share" and row["affected"] is not None:
        size = f"about {row['affected']:,.0f} of {size}"
    return (
        f"{measure.title}{place_text(row, display)}: {value}, {judged} the usual {usual} "
        f"({_change(row, measure.unit)}); {size}."
    )


def _change(row: Mapping[str, Any], unit: str) -> str:
    """The change adjusted for weekdays, with its interval."""
    values = [row[name] for name in ("change", "low", "high")]
    if None in values:
        return "size of the change unknown"
    if row["scale"] == "ratio":
        change, low, high = (f"{(value - 1) * 100:+,.0f}" for value in values)
        return f"{change} %, 95 %: {low} to {high}"
    change, low, high = (format_value(value, unit, signed=True) for value in values)
    return f"{change}, 95 %: {low.split()[0]} to {high.split()[0]}"
