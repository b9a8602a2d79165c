"""What `compare` found, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..metrics.options import MetricOptions
from ..metrics.registry import MEASURES

__all__ = ["comparison_texts"]


def comparison_texts(row: Mapping[str, Any], options: MetricOptions) -> Iterable[str]:
    """What a row of `compare` says: title, value, the value's doubt, formula, what it is over, its change, and the doubt of the change.

    An arrow stands where chance alone would seldom make the change. Both last are empty where no
    change is known. A value that stands over no known number of calls is unknown: they were not
    fetched.
    """
    measure = MEASURES[row["measure"]]
    unit = row["unit"]
    unknown = row["after"] is None and row["after_n"] is None
    yield measure.title
    yield "unknown" if unknown else _number(row["after"], unit)
    yield (
        "not fetched"
        if unknown
        else _span(row["after_low"], row["after_high"], unit, lead="95 %: ")
    )
    yield f"{measure.name} = {measure.formula(options)}"
    over = (
        ""
        if row["after_n"] is None or unit not in ("share", "s")
        else f"over {row['after_n']:,} {_over(measure.name)}"
    )
    yield over
    if row["difference"] is None:
        yield from ("", "")
        return
    sure = (
        row["low"] is not None and row["high"] is not None and (row["low"] > 0 or row["high"] < 0)
    )
    arrow = "" if not sure else "▲ " if row["difference"] > 0 else "▼ "
    yield f"{arrow}{_number(row['difference'], unit, signed=True)} against {_number(row['before'], unit)}"
    yield _span(row["low"], row["high"], unit, lead="95 %: ", signed=True) + (
        "" if sure else ": may be chance"
    )


def _over(name: str) -> str:
    """What a share or a time is over."""
    fact = getattr(MEASURES[name].made_of, "denominator", "") or getattr(
        MEASURES[name].made_of, "fact", ""
    )
    return {"offered": "offered", "answered_wait_s": "answered", "talk_s": "answered"}.get(
        fact, MEASURES[name].grain
    )


def _number(value: float | None, unit: str, *, signed: bool = False) -> str:
    if value is None:
        return "none"
    plus = "+" if signed else ""
    if unit == "share":
        return f"{value * 100:{plus},.1f} {'points' if signed else '%'}"
    return f"{value:{plus},.1f} s" if unit == "s" else f"{value:{plus},.0f}"


def _span(
    low: float | None, high: float | None, unit: str, *, lead: str, signed: bool = False
) -> str:
    if low is None and high is None:
        return "no interval: too few"
    ends = [
        "…" if end is None else _number(end, unit, signed=signed).split()[0] for end in (low, high)
    ]
    return f"{lead}{ends[0]} to {ends[1]}"
