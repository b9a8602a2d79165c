"""The chart by day or hour of a first page: what was answered, what was lost, and the share."""

from typing import Any

import polars as pl

from ..formatting import format_value
from ..language import number, tr
from ..metrics import Calls, MetricOptions, control_limits
from ..metrics.registry import MEASURES

__all__ = ["step_columns", "worst_step_text"]

_MAX_LABELLED = 10
"""With more columns there is no room for numbers on each."""
_MAX_NAMES = 8

Json = dict[str, Any]


def step_columns(steps: pl.DataFrame, *, share: str, lost_word: str) -> list[Json]:
    """A column per day or hour, its heights in percent.

    Args:
        steps: the share with its counts by day or hour, and `label` and `name`; the counts are null
            where nothing was fetched.
        share: the share of what was not lost.
        lost_word: the name of what was lost.
    """
    totals, kept = steps[f"{share}_den"], steps[f"{share}_num"]
    most = max((total or 0 for total in totals), default=0) or 1
    is_labelled = steps.height <= _MAX_LABELLED
    every = 1 if is_labelled else -(-steps.height // _MAX_NAMES)
    columns = []
    for index, row in enumerate(steps.iter_rows(named=True)):
        total = totals[index]
        lost = (total or 0) - (kept[index] or 0)
        if total is None:
            title = tr("{label}: not fetched", label=row["label"])
        else:
            title = tr(
                "{label}: {total}, of which {n} {lost}",
                label=row["label"],
                total=total,
                n=lost,
                lost=lost_word,
            )
        columns.append(
            {
                "name": row["name"] if index % every == 0 else "",
                "title": title,
                "share": format_value(row[share], "share") if is_labelled and total else "",
                "total": number(total) if is_labelled and total is not None else "",
                "height": round(100 * (total or 0) / most, 1),
                "lost": round(100 * lost / total, 1) if total else 0.0,
                "is_known": total is not None,
            }
        )
    return columns


def worst_step_text(
    steps: pl.DataFrame,
    calls: Calls,
    others: Calls,
    *,
    step: str,
    share: str,
    options: MetricOptions,
) -> str:
    """The day with the lowest share, and whether it is outside the usual range; the busiest hour.

    Hours have too few calls to be compared by their share. `others` are the calls of other days.
    """
    if step == "hour":
        total = f"{share}_den"
        busiest = steps.filter(pl.col(total) > 0).sort(total, step, descending=[True, False])
        rows = busiest.head(1).select("label", total).rows()
        if not rows:
            return ""
        return tr("Busiest hour: from {hour}, with {n}.", hour=rows[0][0], n=rows[0][1])
    known = steps.filter(pl.col(share).is_not_null())
    if known.height < 2:
        return ""
    title = tr(MEASURES[share].title).lower()
    worst, best = (
        known.sort(share, f"{share}_den", step, descending=[down, True, False]).row(0, named=True)
        for down in (False, True)
    )
    if worst[share] == best[share]:
        value = format_value(best[share], "share")
        return tr("The {measure} was {value} in each.", measure=title, value=value)
    text = tr(
        "Lowest {measure}: {worst}, {low} ({n} of {total}); highest: {best}, {high}.",
        measure=title,
        worst=worst["label"],
        low=format_value(worst[share], "share"),
        n=worst[f"{share}_num"],
        total=worst[f"{share}_den"],
        best=best["label"],
        high=format_value(best[share], "share"),
    )
    return f"{text} {_usual_text(worst, calls, others, share, options)}"


def _usual_text(
    worst: dict[str, Any], calls: Calls, others: Calls, share: str, options: MetricOptions
) -> str:
    """Whether the day is unusual against the other days; a long period is its own history."""
    limits = control_limits(calls, share, history=others, options=options)
    if limits.spread is None:
        limits = control_limits(calls, share, options=options)
    if limits.spread is None:
        return tr("There are too few other days to tell whether the lowest is unusual.")
    # Days that were only partly fetched have no limits.
    rows = limits.table.filter(pl.col("day") == worst["day"], pl.col("z").is_not_null())
    if rows.is_empty():
        return tr("Whether the lowest is unusual is unknown: that day is not complete.")
    if rows["is_alarm"].any():
        return tr("The lowest is outside the usual range of such days.")
    return tr("The lowest is within the usual range of such days.")
