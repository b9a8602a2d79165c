"""Titles, notes and alternative text: what completes a chart, and charts without data."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import altair as alt
import polars as pl

from .. import local_time
from ..fetch_report import FetchReport, Gap
from ..language import filled, tr
from ..locale.terms import count
from ..readable_dates import CLOCK_MINUTE, long_date
from .theme import INK, THEME, WIDTH
from .vega_locale import chart_config

__all__ = [
    "CoverageNote",
    "about_chart",
    "coverage_note",
    "empty_chart",
    "finish_chart",
    "lower_first",
    "none_of",
    "panel_title",
    "range_text",
    "range_title",
    "stack_charts",
    "whole_notes",
]

_MAX_TITLE_CHARS, _MAX_NOTE_CHARS = 90, 132
"""Characters that fit on one line."""

_MAX_GAPS = 3
_MIN_SIZE = 20

AnyChart = TypeVar("AnyChart", bound=alt.SchemaBase)


class CoverageNote(NamedTuple):
    """Which times are complete, as text, and what follows from it for a chart.

    Attributes:
        text: one sentence; empty if it is unknown which times were fetched.
        is_complete: whether nothing is missing; the text is then no warning.
        is_fetched: whether any time was fetched.
    """

    text: str
    is_complete: bool = True
    is_fetched: bool = True


NO_COVERAGE = CoverageNote("")
"""The note of calls whose coverage is unknown."""


def finish_chart(
    chart: AnyChart,
    *,
    title: str,
    scope: Sequence[str],
    description: str,
    warnings: Sequence[str] = (),
    about: Sequence[str] = (),
    coverage: CoverageNote = NO_COVERAGE,
) -> AnyChart:
    """The chart with its texts and the theme.

    Args:
        chart: the chart; it is changed.
        title: the finding or the question.
        scope: what the reader needs to read the chart: what is counted, the time zone, and the
            meaning of shading. One line below the title.
        description: the values as text for screen readers.
        warnings: what makes the values misleading. A line each, below the scope.
        about: formulas and methods. Pages show them in "About this chart", see `about_chart`.
        coverage: the result of `coverage_note`: a warning unless all times are complete.
    """
    warnings = [*warnings, "" if coverage.is_complete else coverage.text]
    about = [*about, coverage.text if coverage.is_complete else ""]
    line = " · ".join(filter(None, scope))
    notes = [line, *warnings]
    subtitle = [part for note in notes for part in _wrapped(note, _MAX_NOTE_CHARS)]
    texts = [f"{title}. {line}.", *warnings, description, *about]
    properties = {
        "title": alt.TitleParams(_wrapped(title, _MAX_TITLE_CHARS), subtitle=subtitle),
        "description": " ".join(filter(None, texts)),
        "usermeta": {"about": [text for text in about if text]},
        "params": [_theme()],
        "config": chart_config(),
    }
    # Set in place: `chart.properties` copies the whole chart, and panels redraw at every change.
    for name, value in properties.items():
        chart[name] = value
    return chart


def _wrapped(text: str, width: int) -> list[str]:
    """The text as lines; none begins with a percent sign."""
    lines = textwrap.wrap(text.replace(" %", "\N{NO-BREAK SPACE}%"), width)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def whole_notes(lines: Sequence[str]) -> list[str]:
    """The notes of a chart's subtitle, for a page that wraps them by itself.

    A line with room for the first word of the next line ends a note.

    Examples:
        >>> from etelecom_analytics.charts.finish import whole_notes
        >>> first = "word " * 26 + "end"  # no room for the next word
        >>> notes = whole_notes(["66 calls", first, "here.", "Another note."])
        >>> notes[1][-9:], notes[2]
        ('end here.', 'Another note.')
    """
    notes: list[str] = []
    room = _MAX_NOTE_CHARS
    for line in lines:
        word = line.replace(" %", "\N{NO-BREAK SPACE}%").split(" ")[0]
        if notes and len(word) >= room:
            notes[-1] += f" {line}"
        else:
            notes.append(line)
        room = _MAX_NOTE_CHARS - len(line)
    return notes


def _theme() -> alt.VariableParameter:
    """The parameter that selects the shades: "light", unless the page sets another."""
    return alt.VariableParameter(name=THEME, value="light")


def about_chart(spec: Mapping[str, Any]) -> list[str]:
    """The formulas and methods of a chart's specification; empty if it is not of this package."""
    usermeta = spec.get("usermeta")
    about = usermeta.get("about") if isinstance(usermeta, Mapping) else None
    return [str(text) for text in about] if isinstance(about, list) else []


def stack_charts(charts: Sequence[alt.LayerChart | alt.Chart]) -> alt.VConcatChart:
    """Finished charts one below the other, each with its own title and colours."""
    description = " ".join(str(chart["description"]) for chart in charts)
    about = list(dict.fromkeys(text for chart in charts for text in chart["usermeta"]["about"]))
    for chart in charts:  # only the whole chart may have these
        for name in ("config", "description", "usermeta", "params"):
            chart[name] = alt.Undefined
    scales = alt.ScaleResolveMap(color="independent", stroke="independent")
    stack = alt.vconcat(*charts, spacing=30, resolve=alt.Resolve(scale=scales))
    stack["description"], stack["config"] = description, chart_config()
    stack["usermeta"] = {"about": about}
    stack["params"] = [_theme()]
    return stack


def empty_chart(
    title: str,
    scope: Sequence[str],
    *,
    about: Sequence[str] = (),
    coverage: CoverageNote = NO_COVERAGE,
    message: str = "",
) -> alt.Chart:
    """A chart that shows a message in place of data; "Not fetched" if the coverage says so.

    Without a message it is "No calls".
    """
    message = message or tr("No calls") if coverage.is_fetched else tr("Not fetched")
    chart: alt.Chart = (
        alt.Chart(pl.DataFrame({"message": [message]}), width=WIDTH, height=120)
        .mark_text(style=INK, fontSize=18)
        .encode(text=alt.Text("message:N"))
    )
    return finish_chart(
        chart,
        title=title,
        scope=scope,
        about=about,
        coverage=coverage,
        description=f"{message}.",
    )


def panel_title(text: str, *, offset: int = 8) -> alt.TitleParams:
    """The title of one panel of a chart."""
    return alt.TitleParams(
        text, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=offset
    )


def lower_first(text: str) -> str:
    """The text with a lowercase first letter, to follow a colon."""
    return f"{text[:1].lower()}{text[1:]}"


def none_of(grain: str) -> str:
    """The message of a chart without any calls, offers or legs."""
    return {"calls": tr("No calls"), "offers": tr("No offers"), "legs": tr("No legs")}[grain]


def range_title(subject: str, table: pl.DataFrame, value: str, template: str, *, size: str) -> str:
    """The subject with its lowest and highest group; the subject alone if groups are too small.

    Args:
        subject: the question, such as "Answer rate by day".
        table: one row per group.
        value: the column to compare.
        template: the translated text of a row, with its columns in braces.
        size: the column with the size of a group. A group of fewer than 20 is left out: its value
            is the lowest or the highest by chance.
    """
    rows = table.filter(pl.col(value).is_not_null(), pl.col(size) >= _MIN_SIZE).sort(value)
    if rows.height < 2 or rows[value].n_unique() < 2:
        return subject
    low, high = (filled(template, rows.row(place, named=True)) for place in (0, -1))
    return tr("{subject}: lowest {low}, highest {high}", subject=subject, low=low, high=high)


def range_text(table: pl.DataFrame, value: str, template: str, *, noun: str = "group") -> str:
    """The lowest and the highest row of a table as alternative text.

    Args:
        table: one row per group.
        value: the column to compare; rows without a value are left out.
        template: the translated text of a row, with its columns in braces.
        noun: what a row is.
    """
    rows = table.filter(pl.col(value).is_not_null()).sort(value)
    low, high = (filled(template, rows.row(place, named=True)) for place in (0, -1))
    number = count(table.height, noun)
    return tr("{number}: lowest {low}, highest {high}.", number=number, low=low, high=high)


def coverage_note(coverage: FetchReport | None, time_zone: str) -> CoverageNote:
    """Which times are complete and which were not fetched, in local time."""
    if coverage is None:
        return NO_COVERAGE
    zone = local_time.zone(time_zone)

    def local(moment: datetime) -> str:
        return long_date(moment.astimezone(zone), CLOCK_MINUTE)

    def spans(gaps: Sequence[Gap]) -> str:
        texts = [tr("{begin} to {end}", begin=local(gap.begin), end=local(gap.end)) for gap in gaps]
        more = len(texts) - _MAX_GAPS
        return ", ".join([*texts[:_MAX_GAPS], *([tr("{n} more", n=more)] if more > 0 else [])])

    if coverage.has_no_coverage:
        gaps = spans(coverage.gaps)
        text = tr("Not fetched: {gaps}.", gaps=gaps) if gaps else tr("Not fetched.")
        return CoverageNote(text, is_complete=False, is_fetched=False)
    begin, end = coverage.complete_from, coverage.complete_to
    inside = [
        gap for gap in coverage.gaps if (begin is None or gap.end > begin) and gap.begin < end
    ]
    outside = [gap for gap in coverage.gaps if gap not in inside]
    if begin:
        text = tr("Complete from {begin} through {end}", begin=local(begin), end=local(end))
    else:
        text = tr("Complete through {end}", end=local(end))
    if inside:
        text = tr("{text}, except {gaps}", text=text, gaps=spans(inside))
    if outside:
        text = tr("{text}; not fetched: {gaps}", text=text, gaps=spans(outside))
    return CoverageNote(f"{text}.", is_complete=not coverage.gaps)
