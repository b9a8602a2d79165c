"""What a report shows besides charts: headline numbers, and a table as people read it. They show in notebooks, too."""

import html
from collections.abc import Sequence
from datetime import datetime

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import local_time
from ..charts.axes import CLOCK, TIME, key_text
from ..charts.theme import coverage_note
from ..errors import InputError
from ..locale.comparison_text import comparison_texts
from ..logs import CallLogs
from ..metrics import Calls, MetricOptions, compare, only_fetched, previous_period
from ..metrics.registry import DEFAULT_MEASURES, MEASURES
from ..query import CallQuery
from .provenance import kpi_texts

__all__ = ["Piece", "changes", "completeness", "headline", "table"]

_MOST = 50
_NONE = "-"
_UNITS = ("h", "min", "s")
_OF_SHARE = ("_num", "_den", "_low", "_high")


class Piece:
    """A piece of a report: notebooks show its markup, everything else its text."""

    def __init__(self, markup: str, text: str) -> None:
        self._markup, self._text = markup, text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._markup


def headline(
    calls: Calls,
    measures: Sequence[str] = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
) -> Piece:
    """These measures of all these calls, each with its counts, the 95 % interval of a share, and its formula. Collects.

    Raises:
        UnknownName: a measure that does not exist.
    """
    numbers = kpi_texts(calls, measures, options=options)
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    text = "\n".join(
        f"{each['title']}: {each['value']} ({each['counts'] or each['formula']})"
        for each in numbers
    )
    return Piece(environment.get_template("numbers.html.j2").render(numbers=numbers), text)


def completeness(logs: CallLogs, query: CallQuery) -> str:
    """From when to when the calls that the query asks for are complete, what was not fetched of them, and whether only some were."""
    words = coverage_note(logs.report.clip(query.date_from, query.date_to), query.time_zone)
    narrowed = only_fetched(logs.query)
    return (
        f"{words} Only calls of {narrowed} were fetched: no others are here." if narrowed else words
    )


def changes(
    logs: CallLogs,
    query: CallQuery,
    measures: Sequence[str] = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
) -> Piece:
    """How these measures of the calls that match changed against the period before, as `et.metrics.compare` reckons it. Collects.

    Where there is nothing to compare with, such as a period before that was not fetched, a sentence
    says why.

    Raises:
        UnknownName: a measure that does not exist.
        InputError: `logs` are none.
    """
    if not isinstance(logs, CallLogs):
        raise InputError(
            f"changes takes CallLogs, such as et.read_snapshot gives; got {type(logs).__name__}."
        )
    earlier, words = previous_period(query, logs.report)
    if earlier is None:
        return Piece(f"<p>{html.escape(words)}</p>", words)
    before, after = (logs.calls.filter(asked.to_expr()) for asked in (earlier, query))
    compared = compare(before, after, measures, options=options)
    rows = []
    for row in compared.iter_rows(named=True):
        title, value, _, _, over, change, doubt = comparison_texts(row, options)
        rows.append((title, value, over or _NONE, change or _NONE, doubt or _NONE))
    shown = table(
        pl.DataFrame(
            rows,
            schema=["measure", "value", "counted", "change", "interval of the change"],
            orient="row",
        )
    )
    return Piece(f"<p>{html.escape(words)}</p>{shown._repr_html_()}", f"{words}\n{shown!r}")


def table(
    rows: pl.DataFrame, *, limit: int = _MOST, time_zone: str = local_time.HOME_ZONE
) -> Piece:
    """The table as people read it: titles of measures, percent with their counts and interval, seconds, and local times.

    Of what `summarize(..., confidence=True)` gives, a share and its `_num`, `_den`, `_low` and
    `_high` stand in one column.

    Args:
        rows: any table.
        limit: how many rows are shown; how many are left out is told.
        time_zone: in whose local time moments are told.

    Raises:
        InputError: `limit` is not above 0, or this is no table.
    """
    if not isinstance(rows, pl.DataFrame):
        raise InputError(
            f"table takes a table, such as et.summarize(calls, ...) gives; got {type(rows).__name__}."
        )
    if limit < 1:
        raise InputError(f"limit is how many rows are shown, from 1; got {limit!r}.")
    names = [name for name in rows.columns if not _belongs_to_a_share(name, rows)]
    head = rows.head(limit)
    columns = [_texts(head, name, time_zone) for name in names]
    left_out = f"{rows.height - limit:,} more rows are not shown." if rows.height > limit else ""
    sides = [
        'class="n"' if rows.schema[name].is_numeric() and name not in CLOCK else ""
        for name in names
    ]
    heads = "".join(
        f'<th scope="col" {side}>{html.escape(_title(name))}</th>'
        for name, side in zip(names, sides, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td {side}>{html.escape(text)}</td>' for text, side in zip(row, sides, strict=True))}</tr>"
        for row in zip(*columns, strict=True)
    )
    told = left_out or ("" if rows.height else "There are no such rows.")
    note = f"<p>{told}</p>" if told else ""
    text = "\n".join(
        " | ".join(row) for row in [tuple(map(_title, names)), *zip(*columns, strict=True)]
    )
    return Piece(
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{note}",
        f"{text}\n{told}".strip(),
    )


def _belongs_to_a_share(name: str, rows: pl.DataFrame) -> bool:
    """Whether the column only tells more of another one."""
    return any(
        name.endswith(ending)
        and _is_share(base := name.removesuffix(ending))
        and base in rows.columns
        for ending in _OF_SHARE
    )


def _is_share(name: str) -> bool:
    return name == "share" or (name in MEASURES and MEASURES[name].unit == "share")


def _title(name: str) -> str:
    if name in MEASURES:
        return f"{MEASURES[name].title}, s" if MEASURES[name].unit == "s" else MEASURES[name].title
    words, unit = name.rpartition("_")[::2]
    return f"{words.replace('_', ' ')}, {unit}" if unit in _UNITS else name.replace("_", " ")


def _texts(rows: pl.DataFrame, name: str, time_zone: str) -> list[str]:
    """The cells of a column as texts."""
    if name in TIME or name in CLOCK:
        return rows.select(key_text(name)).to_series().to_list()
    if _is_share(name):
        return _shares(rows, name)
    zone = local_time.zone(time_zone)

    def told(value: object) -> str:
        match value:
            case None:
                return _NONE
            case bool():
                return "yes" if value else "no"
            case int():
                return f"{value:,}"
            case float():
                return f"{value:,.1f}"
            case datetime() if value.tzinfo:
                return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
        return str(value)

    return [told(value) for value in rows[name].to_list()]


def _shares(rows: pl.DataFrame, name: str) -> list[str]:
    percent = [_NONE if value is None else f"{value:.1%}" for value in rows[name].to_list()]
    if not {f"{name}{ending}" for ending in _OF_SHARE} <= set(rows.columns):
        return percent
    more = rows.select(f"{name}{ending}" for ending in _OF_SHARE).rows()
    return [
        f"{share}, {num:,} of {den:,}" + (f" ({low:.1%} to {high:.1%})" if low is not None else "")
        for share, (num, den, low, high) in zip(percent, more, strict=True)
    ]
