"""The rows of `compare` as text."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..formatting import format_value, interval_value, size_text
from ..language import number, tr
from ..metrics.options import MetricOptions
from ..metrics.registry import MEASURES

__all__ = ["ComparisonText", "comparison_texts", "value_text"]


class ComparisonText(NamedTuple):
    """A row of `compare` as text.

    Attributes:
        title: the title of the measure.
        value: the value of the later period with its unit.
        interval: the 95 % interval of the value, and whether it is of these calls only.
        formula: the name and the formula of the measure.
        population: the number of calls, offers or legs of a share or a time; else empty.
        change: the change from the earlier period, with an arrow if the verdict is "changed"; empty
            if it is unknown.
        verdict: the verdict in words, with the 95 % interval of the change, or with the smallest
            change that would have been noticed; empty if the change is unknown.
        summary: the change if the verdict is "changed", else the verdict in a few words; empty if
            the change is unknown.
    """

    title: str
    value: str
    interval: str
    formula: str
    population: str
    change: str
    verdict: str
    summary: str


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
    unit, n = row["unit"], row["after_n"]
    change, verdict = _change_texts(row, unit)
    return ComparisonText(
        title=tr(measure.title),
        value=value_text(row),
        interval=(
            tr("not fetched")
            if _is_unknown(row)
            else _of_calls(
                _interval_text(row["after_low"], row["after_high"], unit), row["after_basis"]
            )
        ),
        formula=f"{measure.name} = {tr(measure.formula(options))}",
        population=(
            ""
            if n is None or unit not in ("share", "s")
            else tr("over {n} {population}", n=n, population=tr(measure.population))
        ),
        change=change,
        verdict=verdict,
        summary=_summary(row, unit),
    )


def value_text(row: Mapping[str, Any]) -> str:
    """The present value in a row of `compare`; "unknown" if its calls were not fetched."""
    return tr("unknown") if _is_unknown(row) else format_value(row["after"], row["unit"])


def _is_unknown(row: Mapping[str, Any]) -> bool:
    return row["after"] is None and row["after_n"] is None


def _of_calls(interval: str, basis: str | None) -> str:
    """The interval and what it is of, by the column `before_basis` or `after_basis`."""
    return (
        tr("{interval}, of these calls only", interval=interval) if basis == "calls" else interval
    )


def _change_texts(row: Mapping[str, Any], unit: str) -> tuple[str, str]:
    """The change and the verdict; an arrow marks a change beyond the usual ups and downs."""
    difference = row["difference"]
    if difference is None:
        return "", ""
    change = format_value(difference, unit, signed=True)
    against = tr(
        "{change} against {before}", change=change, before=format_value(row["before"], unit)
    )
    interval = _change_interval(row, unit)
    if row["verdict"] == "changed":
        return f"{'▲' if difference > 0 else '▼'} {against}", tr(
            "changed, {interval}", interval=interval
        )
    if row["verdict"] == "cannot tell":
        is_unknown = row["low"] is None and row["high"] is None
        interval = interval if is_unknown else _of_calls(interval, "calls")
        return against, tr("cannot tell: too few days ({interval})", interval=interval)
    noticed = _smallest_text(row, unit)
    verdict = tr(
        "no evidence of a change, {interval}; noticed from {noticed} on",
        interval=interval,
        noticed=noticed,
    )
    return against, verdict


def _summary(row: Mapping[str, Any], unit: str) -> str:
    """The change or the verdict in a few words."""
    difference = row["difference"]
    if difference is None:
        return ""
    if row["verdict"] == "changed":
        return f"{'▲' if difference > 0 else '▼'} {format_value(difference, unit, signed=True)}"
    return tr("cannot tell") if row["verdict"] == "cannot tell" else tr("no clear change")


def _change_interval(row: Mapping[str, Any], unit: str) -> str:
    if row["scale"] == "ratio" and row["low"] is not None:
        low, high = (number((row[end] - 1) * 100, "+,.0f") for end in ("low", "high"))
        return tr("95 %: {low} to {high} % a day", low=low, high=high)
    return _interval_text(row["low"], row["high"], unit, signed=True)


def _smallest_text(row: Mapping[str, Any], unit: str) -> str:
    """The smallest change that would have been noticed."""
    if row["scale"] == "ratio":
        return f"{number((row['smallest'] - 1) * 100, ',.0f')} %"
    return size_text(row["smallest"], unit)


def _interval_text(
    low: float | None, high: float | None, unit: str, *, signed: bool = False
) -> str:
    if low is None and high is None:
        return tr("too few calls for an interval")
    text = interval_value(unit, low, high)
    ends = ["…" if end is None else text(end, unit, signed=signed) for end in (low, high)]
    return tr("95 %: {low} to {high}", low=ends[0], high=ends[1])
