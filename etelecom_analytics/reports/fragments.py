"""Fragments of reports besides charts: KPIs, changes, completeness, and tables.

Notebooks show them as well.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import polars as pl

from .. import local_time
from ..charts.finish import coverage_note
from ..charts.texts import CLOCK, TIME, key_text
from ..errors import InputError
from ..formatting import format_value
from ..language import Language, in_language, ntr, number, tr
from ..locale.comparison_text import comparison_texts
from ..logs import CallLogs, checked_logs
from ..metrics import Calls, MetricOptions, compare, only_fetched
from ..metrics.dimensions import Names, as_names
from ..metrics.options import checked_options
from ..metrics.registry import DEFAULT_MEASURES
from ..phone_numbers import describe
from ..query import CallQuery
from ..readable_dates import CLOCK_MINUTE, long_date
from .arguments import checked_query
from .columns import (
    NULL,
    column_title,
    is_part_of_share,
    is_share,
    share_texts,
    value_texts,
)
from .page import render_template
from .provenance import kpi_texts
from .report_periods import dated_query, reference_period

__all__ = ["Fragment", "changes", "completeness", "kpis", "table"]


class Fragment:
    """A fragment of a report: HTML in notebooks and reports, text elsewhere.

    Two fragments are equal if both forms are.

    Attributes:
        data: the texts and numbers of a first page, in JSON types; empty for other fragments.

    Examples:
        >>> et.reports.kpis(et.sample_logs().calls, "calls")
        Calls: 384 (calls)
    """

    def __init__(self, markup: str, text: str, data: Mapping[str, Any] | None = None) -> None:
        self._markup, self._text = markup, text
        self.data: dict[str, Any] = dict(data or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fragment) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self._markup)

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._markup


@in_language
def kpis(
    calls: Calls,
    measures: Names = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
    targets: Mapping[str, float] = MappingProxyType({}),
    language: Language | None = None,
) -> Fragment:
    """The measures of all calls as cards with counts, the 95 % interval of shares, and formulas.

    Collects a LazyFrame.

    Args:
        calls: a DataFrame, a LazyFrame or a Selection of calls.
        measures: one name or a sequence of names.
        options: the options of the measures.
        targets: the targets of measures by name, such as `Site.targets`; a card compares its value
            with its target in words.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: a measure does not exist.
        InputError: `calls` is not a table of calls, or another argument has another type.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> et.reports.kpis(calls, ["calls", "answer_rate"], options=options)
        Calls: 384 (calls)
        Answer rate: 83.5 % (319 of 382; 95 %: 79.5 % to 86.9 %)
        >>> et.reports.kpis(calls, "asa_s", options=options, targets={"asa_s": 20})
        Average speed of answer: 15.5 s (over 319 answered calls; target at most 20.0 s: met)
    """
    if not isinstance(targets, Mapping):
        raise InputError(f'targets is a mapping, such as {{"asa_s": 20}}; got {describe(targets)}.')
    texts = kpi_texts(calls, measures, options=options, targets=targets)
    lines = []
    for each in texts:
        details = [each["counts"] or each["formula"], *filter(None, [each["target"]])]
        lines.append(f"{each['title']}: {each['value']} ({'; '.join(details)})")
    return Fragment(render_template("kpis.html.j2", kpis=texts), "\n".join(lines))


@in_language
def completeness(logs: CallLogs, query: CallQuery, *, language: Language | None = None) -> str:
    """The period in which the calls of a query are complete, as text.

    Also states what was not fetched, and whether only some kinds of calls were fetched.

    Args:
        logs: the calls.
        query: which calls.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: an argument has another type.

    Examples:
        >>> logs = et.sample_logs()
        >>> et.reports.completeness(logs, logs.query)
        'Complete from Mon 2 Nov 2026 00:00 through Mon 9 Nov 2026 00:00.'
    """
    checked_logs(logs, "completeness")
    checked_query(query)
    note = coverage_note(logs.report.clip(query.date_from, query.date_to), query.time_zone).text
    fetched = only_fetched(logs.query)
    if not fetched:
        return note
    return f"{note} {tr('Only calls of {kinds} were fetched.', kinds=fetched)}"


@in_language
def changes(
    logs: CallLogs,
    query: CallQuery,
    measures: Names = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
    language: Language | None = None,
) -> Fragment:
    """A table of the measures of the matching calls and their changes from the previous period.

    The changes are those of `et.metrics.compare`, with all matching calls of `logs` as history. One
    day is compared with the same weekday of the week before. If there are no changes, for example
    because the previous period was not fetched, the fragment is a sentence with the reason.

    Args:
        logs: the calls of both periods.
        query: which calls; dates that it omits are those of the fetch.
        measures: one name or a sequence of names.
        options: the options of the measures.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: a measure does not exist.
        InputError: an argument has another type.

    Examples:
        >>> days = et.CallQuery(date_from="2026-11-04", date_to="2026-11-06")
        >>> et.reports.changes(et.sample_logs(), days, "calls")  # doctest: +ELLIPSIS
        Changes are against the previous period: 2–3 Nov 2026.
        measure | value | counted | change | verdict
        Calls | 123 | - | -30 against 153 | cannot tell: too few days (95 %: -63 to +3, ...
    """
    checked_logs(logs, "changes")
    checked_query(query)
    names = as_names(measures, "measures")
    query, options = dated_query(logs, query), checked_options(options)
    previous, note = reference_period(query, logs.report)
    if previous is None:
        return Fragment(f"<p>{html.escape(note)}</p>", note)
    undated = replace(query, date_from=None, date_to=None)
    before, after, history = (
        logs.calls.filter(each.to_expr()) for each in (previous, query, undated)
    )
    rows = []
    comparison = compare(before, after, names, options=options, history=history)
    for row in comparison.iter_rows(named=True):
        text = comparison_texts(row, options)
        optional = (text.population, text.change, text.verdict)
        rows.append((text.title, text.value, *(each or NULL for each in optional)))
    columns = ["measure", "value", "counted", "change", "verdict"]
    fragment = table(pl.DataFrame(rows, schema=columns, orient="row"))
    return Fragment(f"<p>{html.escape(note)}</p>{fragment._repr_html_()}", f"{note}\n{fragment!r}")


@in_language
def table(
    rows: pl.DataFrame | pl.LazyFrame,
    *,
    limit: int = 50,
    time_zone: str = local_time.HOME_ZONE,
    language: Language | None = None,
) -> Fragment:
    """A table for readers: titles of measures, percentages, seconds, and local times.

    The columns `_num`, `_den`, `_low` and `_high` of `summarize(..., confidence=True)` are merged
    into the column of their share.

    Args:
        rows: any table; a LazyFrame is collected.
        limit: the maximum number of rows; a note states how many are left out.
        time_zone: the time zone of the local times.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: `limit` is not a whole number above 0, or `rows` is not a table.
        UnknownName: there is no such time zone.

    Examples:
        >>> rows = et.summarize(et.sample_logs().calls, by="weekday", measures="calls")
        >>> et.reports.table(rows, limit=2)
        weekday | Calls
        Mon | 80
        Tue | 73
        5 more rows are not shown.
    """
    if not isinstance(rows, pl.DataFrame | pl.LazyFrame):
        raise InputError(
            "table takes a Polars table, such as et.summarize(calls, ...) returns; "
            f"got {describe(rows)}."
        )
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(f"limit must be a whole number above 0; got {describe(limit)}.")
    rows = rows.lazy().collect()
    names = [name for name in rows.columns if not is_part_of_share(name, rows)]
    titles = [column_title(name) for name in names]
    head = rows.head(limit)
    cells = list(zip(*(_texts(head, name, time_zone) for name in names), strict=True))
    if rows.height > limit:
        note = ntr(
            "{n} more row is not shown.", "{n} more rows are not shown.", rows.height - limit
        )
    else:
        note = "" if rows.height else tr("There are no such rows.")
    text = "\n".join(" | ".join(row) for row in [titles, *cells])
    is_number = [rows.schema[name].is_numeric() and name not in CLOCK for name in names]
    return Fragment(_markup(titles, cells, is_number, note), f"{text}\n{note}".strip())


def _markup(
    titles: Sequence[str], cells: Sequence[Sequence[str]], is_number: Sequence[bool], note: str
) -> str:
    attributes = ['class="n"' if each else "" for each in is_number]

    def row(texts: Sequence[str], tag: str, scope: str = "") -> str:
        return "".join(
            f"<{tag} {scope}{attribute}>{html.escape(text)}</{tag}>"
            for text, attribute in zip(texts, attributes, strict=True)
        )

    head = row(titles, "th", 'scope="col" ')
    body = "".join(f"<tr>{row(texts, 'td')}</tr>" for texts in cells)
    below = f"<p>{html.escape(note)}</p>" if note else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _texts(rows: pl.DataFrame, name: str, time_zone: str) -> list[str]:
    """The cells of a column as text."""
    if name in TIME or name in CLOCK:
        return rows.select(key_text(name)).to_series().to_list()
    if is_share(name, rows):
        return share_texts(rows, name)
    if name.endswith("_s") and rows.schema[name].is_numeric():
        return [NULL if value is None else format_value(value, "s") for value in rows[name]]
    zone, names = local_time.zone(time_zone), value_texts(name)

    def cell_text(value: object) -> str:
        match value:
            case None:
                return NULL
            case bool():
                return tr("yes") if value else tr("no")
            case int():
                return number(value)
            case float():
                return number(value, ",.1f")
            case datetime() if value.tzinfo:
                return long_date(value.astimezone(zone), CLOCK_MINUTE)
            case date() if not isinstance(value, datetime):
                return long_date(value)
        return names.get(str(value)) or str(value)

    return [cell_text(value) for value in rows[name].to_list()]
