"""The texts of a first page, and the whole page as text."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..query import CallQuery
from .report_periods import days_text, is_one_day

__all__ = ["overview_text", "reference_text", "support_text"]


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
    worst = [f"{row['name']}: {row['lost']} of {row['total']}" for row in page["worst"]["rows"]]
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
    text = f"{lost:,} of {total:,} {counted} {_be(lost)} {lost_word}"
    if waiting is None:
        return f"{text}."
    callers = "caller" if waiting.height == 1 else "callers"
    if not has_callbacks:
        return f"{text}; {waiting.height:,} {callers} did not get through later."
    verb = "waits" if waiting.height == 1 else "wait"
    return f"{text}; {waiting.height:,} {callers} still {verb} for a call back."


def _be(count: int) -> str:
    return "was" if count == 1 else "were"


def reference_text(reference: CallQuery | None, query: CallQuery, is_known: bool) -> str:
    """What changes are against, or why there are none."""
    if reference is not None:
        return f"Changes are against {days_text(reference)}."
    if not is_known:
        return ""
    if query.date_from is None or query.date_to is None:
        return "No changes are shown: the report has no first or no last day."
    days = "same weekday of the week before" if is_one_day(query) else "previous period"
    return f"No changes are shown: the {days} is not in the snapshot, or not complete."
