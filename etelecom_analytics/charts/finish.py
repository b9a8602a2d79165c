"""Titles, notes and alternative text: what completes a chart, and charts without data."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import altair as alt
import polars as pl

from .. import local_time
from ..fetch_report import FetchReport, Gap
from .theme import CONFIG, WIDTH, count

__all__ = [
    "coverage_note",
    "empty_chart",
    "finish_chart",
    "lower_first",
    "panel_title",
    "range_text",
    "stack_charts",
]

_MAX_TITLE_CHARS, _MAX_NOTE_CHARS = 90, 132
"""Characters that fit on one line."""

_MAX_GAPS = 3
_NOT_FETCHED = "Not fetched"

AnyChart = TypeVar("AnyChart", bound=alt.SchemaBase)


def finish_chart(
    chart: AnyChart, *, title: str, notes: Sequence[str], description: str
) -> AnyChart:
    """The chart with its title, the notes as subtitle, text for screen readers, and the theme."""
    subtitle = [line for note in notes if note for line in textwrap.wrap(note, _MAX_NOTE_CHARS)]
    properties = {
        "title": alt.TitleParams(textwrap.wrap(title, _MAX_TITLE_CHARS), subtitle=subtitle),
        "description": " ".join([f"{title}.", *filter(None, notes), description]),
        "config": CONFIG,
    }
    # Set in place: `chart.properties` copies the whole chart, and panels redraw at every change.
    for name, value in properties.items():
        chart[name] = value
    return chart


def stack_charts(charts: Sequence[alt.LayerChart | alt.Chart]) -> alt.VConcatChart:
    """Finished charts one below the other, each with its own title and colours."""
    description = " ".join(str(chart["description"]) for chart in charts)
    for chart in charts:  # only the whole chart may have these
        chart["config"] = chart["description"] = alt.Undefined
    scales = alt.ScaleResolveMap(color="independent", stroke="independent")
    stack = alt.vconcat(*charts, spacing=30, resolve=alt.Resolve(scale=scales))
    stack["description"], stack["config"] = description, CONFIG
    return stack


def empty_chart(title: str, notes: Sequence[str], *, message: str = "No calls") -> alt.Chart:
    """A chart that shows a message in place of data; "Not fetched" if the notes say so."""
    if any(note.startswith(_NOT_FETCHED) for note in notes):
        message = _NOT_FETCHED
    chart: alt.Chart = (
        alt.Chart(pl.DataFrame({"message": [message]}), width=WIDTH, height=120)
        .mark_text(fontSize=18)
        .encode(text="message:N")
    )
    return finish_chart(chart, title=title, notes=notes, description=f"{message}.")


def panel_title(text: str, *, offset: int = 8) -> alt.TitleParams:
    """The title of one panel of a chart."""
    return alt.TitleParams(
        text, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=offset
    )


def lower_first(text: str) -> str:
    """The text with a lowercase first letter, to follow a colon."""
    return f"{text[:1].lower()}{text[1:]}"


def range_text(table: pl.DataFrame, value: str, template: str, *, noun: str = "group") -> str:
    """The lowest and the highest row of a table as alternative text.

    Args:
        table: one row per group.
        value: the column to compare; rows without a value are left out.
        template: the text of a row, with its columns in braces.
        noun: what a row is.
    """
    rows = table.filter(pl.col(value).is_not_null()).sort(value)
    low, high = (template.format(**rows.row(place, named=True)) for place in (0, -1))
    return f"{count(table.height, noun)}: lowest {low}, highest {high}."


def coverage_note(coverage: FetchReport | None, time_zone: str) -> str:
    """Which times are complete and which were not fetched, in local time; "" without coverage."""
    if coverage is None:
        return ""
    zone = local_time.zone(time_zone)

    def local(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    def spans(gaps: Sequence[Gap], lead: str) -> str:
        texts = [f"{local(gap.begin)} to {local(gap.end)}" for gap in gaps]
        return f"{lead}{shorten(texts)}" if gaps else ""

    def shorten(texts: Sequence[str]) -> str:
        more = [f"{len(texts) - _MAX_GAPS} more"] if len(texts) > _MAX_GAPS else []
        return ", ".join([*texts[:_MAX_GAPS], *more])

    if coverage.has_no_coverage:
        return f"{spans(coverage.gaps, f'{_NOT_FETCHED}: ') or _NOT_FETCHED}."
    begin, end = coverage.complete_from, coverage.complete_to
    inside = [
        gap for gap in coverage.gaps if (begin is None or gap.end > begin) and gap.begin < end
    ]
    outside = [gap for gap in coverage.gaps if gap not in inside]
    since = f"from {local(begin)} " if begin else ""
    return (
        f"Complete {since}through {local(end)}"
        f"{spans(inside, ', except ')}{spans(outside, '; not fetched: ')}."
    )
