"""The result of `findings` in plain words."""

from collections.abc import Mapping
from typing import Any

from ..formatting import format_value, interval_value
from ..language import ntr, number, tr
from ..metrics.discovery import Findings
from ..metrics.registry import MEASURES
from .display import Display
from .short_finding import finding_subject

__all__ = ["finding_text", "findings_headline"]

_DEFAULT = Display()


def findings_headline(result: Findings, display: Display = _DEFAULT) -> str:
    """One sentence: what stands out most, that nothing does, or why that is unknown.

    Examples:
        >>> from etelecom_analytics.locale.findings_text import findings_headline
        >>> findings_headline(et.metrics.findings(et.sample_logs().calls))
        'Cannot tell yet: 0 days of history. Three other weeks are enough.'
    """
    days = result.history_days
    if result.verdict == "cannot tell":
        return ntr(
            "Cannot tell yet: {n} day of history. Three other weeks are enough.",
            "Cannot tell yet: {n} days of history. Three other weeks are enough.",
            days,
        )
    if result.table.is_empty():
        return ntr(
            "Nothing stands out, compared with {n} day of history.",
            "Nothing stands out, compared with {n} days of history.",
            days,
        )
    first = finding_text(result.table.row(0, named=True), display)
    others = result.table.height - 1
    if not others:
        return first
    return f"{first} {ntr('{n} more finding below.', '{n} more findings below.', others)}"


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
    value, usual = (format_value(row[name], measure.unit) for name in ("value", "usual"))
    if is_count:
        value, usual = (tr("{value} a day", value=each) for each in (value, usual))
    size = tr("{n} {population}", n=row["n"], population=tr(measure.population))
    if measure.unit == "share" and row["affected"] is not None:
        size = tr("about {n} of {size}", n=number(row["affected"], ",.0f"), size=size)
    return tr(
        "{subject}: {value}, {judged} {usual} ({change}); {size}.",
        subject=finding_subject(tr(measure.title), row, display),
        value=value,
        judged=_judged(row["value"] > row["usual"], measure.better, is_count=is_count),
        usual=usual,
        change=_change(row, measure.unit),
        size=size,
    )


def _judged(is_higher: bool, better: str | None, *, is_count: bool) -> str:
    """How the value compares with the usual one."""
    if better is not None:
        is_better = is_higher == (better == "higher")
        return tr("better than the usual") if is_better else tr("worse than the usual")
    if is_higher:
        return tr("more than the usual")
    return tr("fewer than the usual") if is_count else tr("less than the usual")


def _change(row: Mapping[str, Any], unit: str) -> str:
    """The change adjusted for weekdays, with its interval."""
    values = [row[name] for name in ("change", "low", "high")]
    if None in values:
        return tr("size of the change unknown")
    if row["scale"] == "ratio":
        change, low, high = (number((value - 1) * 100, "+,.0f") for value in values)
        return tr("{change}, 95 %: {low} to {high}", change=f"{change} %", low=low, high=high)
    text = interval_value(unit, *values[1:])
    low, high = (text(value, unit, signed=True) for value in values[1:])
    change = format_value(row["change"], unit, signed=True)
    return tr("{change}, 95 %: {low} to {high}", change=change, low=low, high=high)
