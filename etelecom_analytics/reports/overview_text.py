"""The texts of a first page, and the whole page as text."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..language import ntr, tr
from ..query import CallQuery
from .report_periods import days_text, is_one_day

__all__ = ["lines_text", "overview_text", "reference_text", "support_text"]


def overview_text(page: Mapping[str, Any]) -> str:
    """The page without its pictures."""
    lines = [page["period"], page["headline"], *page["others"], page["support"], *page["notices"]]
    for card in page["cards"]:
        target, change = card["target"], card["change"]
        parts = (
            card["basis"],
            f"{target['sign']} {target['text']}".strip() if target else "",
            f"{change['sign']} {change['text']} {change['verdict']}".strip(),
        )
        details = "; ".join(part for part in parts if part)
        lines.append(f"{card['title']}: {card['value']}{f' ({details})' if details else ''}")
    lines += [page["note"], f"{page['days']['heading']} {page['days']['text']}".strip()]
    worst = [
        tr("{name}: {lost} of {total}", name=row["name"], lost=row["lost"], total=row["total"])
        for row in page["worst"]["rows"]
    ]
    lines += [page["worst"]["heading"], *(worst or [page["worst"]["empty"]])]
    if callers := page["callers"]:
        lines.append(f"{callers['heading']} {callers['count']}")
        lines += [" | ".join(row) for row in callers["rows"]]
    return "\n".join(line for line in lines if line)


def support_text(
    counted: str,
    lost_word: str,
    total: int,
    lost: int,
    waiting: pl.DataFrame | None,
    *,
    has_callbacks: bool,
) -> str:
    """How many calls were lost, and how many callers still wait."""
    if not total:
        return ""
    text = ntr(
        "{n} of {total} {calls} was {lost}",
        "{n} of {total} {calls} were {lost}",
        lost,
        total=total,
        calls=counted,
        lost=lost_word,
    )
    if waiting is None:
        return f"{text}."
    if not has_callbacks:
        return ntr(
            "{text}; {n} caller did not get through later.",
            "{text}; {n} callers did not get through later.",
            waiting.height,
            text=text,
        )
    return ntr(
        "{text}; {n} caller still waits for a call back.",
        "{text}; {n} callers still wait for a call back.",
        waiting.height,
        text=text,
    )


def reference_text(reference: CallQuery | None, query: CallQuery, is_known: bool) -> str:
    """What changes are against, or why there are none."""
    if reference is not None:
        return tr("Changes are against {days}.", days=days_text(reference))
    if not is_known:
        return ""
    if query.date_from is None or query.date_to is None:
        return tr("No changes are shown: the report has no first or no last day.")
    if is_one_day(query):
        return tr(
            "No changes are shown: the same weekday of the week before is not in the snapshot, or "
            "not complete."
        )
    return tr("No changes are shown: the previous period is not in the snapshot, or not complete.")


def lines_text(step: str, *, has_targets: bool) -> str:
    """What the lines of the cards show."""
    if step == "hour":
        return tr(
            "Lines: values by hour; dashed: the target."
            if has_targets
            else "Lines: values by hour."
        )
    return tr(
        "Lines: values by day; dashed: the target." if has_targets else "Lines: values by day."
    )
