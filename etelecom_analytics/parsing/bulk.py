"""Parsing of regular pages, many at once, with Polars; irregular pages are only detected.

A page is regular if each of its values has the form that the schema declares. Decoding JSON with
Polars hides irregularities: "30", 30 and 30.0 all become the text 30, of a repeated key only one
value is used, and a new key is dropped. Therefore all values are decoded as text, patterns in the
text of the page are counted, and the counts must match the decoded rows:

keys: a quote and a colon. Every key has them, so there are at least as many as decoded values. If
    there are no more, no key is new and none is repeated.
integers, links: a key and its value in the declared form. A quote inside a text is escaped, so
    `"duration":` occurs only where it is a key, and there are never too many. If there are enough,
    all of them have the declared form.
quoted: a quote, a colon, and a quote, with at most one space before the last. If there are no
    surplus keys, each of these is a key and its text. If there are enough, every text is quoted.

The counts do not detect a null, an unknown word, an invalid time, or a call without an id. These
appear in the rows: each null in the typed table must come from an empty text.
"""

from collections.abc import Sequence
from itertools import islice

import polars as pl

from ..schema import CALL_SCHEMA, CALLS, LEGS, Column, Kind

__all__ = ["read_regular"]

_PAGING = ("after", "before", "limit", "next", "prev", "sort")
_MIN_PAGES_PER_THREAD = 4
_MARKER = "\U0010ffff"
"""The key under which each page is decoded; a page that contains it is not regular.

Polars joins the texts that it decodes, so the end of one page could be the start of another. The
markers show that each page ends where its text ends.
"""


def _text_dtype(columns: tuple[Column, ...]) -> pl.Struct:
    """The dtype of a record of these columns in which every value is a text."""
    lists = {
        Kind.LEGS: pl.List(_text_dtype(LEGS)) if columns is CALLS else None,
        Kind.LINKS: pl.List(pl.String),
    }
    return pl.Struct(
        {column.name: lists.get(column.kind or Kind.TEXT) or pl.String() for column in columns}
    )


_MARKED_PAGE_DTYPE = pl.Struct(
    {
        _MARKER: pl.Struct(
            {
                "call_logs": pl.List(_text_dtype(CALLS)),
                "paging": pl.Struct(dict.fromkeys(_PAGING, pl.String)),
            }
        )
    }
)


# Patterns in the text of a page.

_SPACE = r"[ \t\r\n]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NAMES = {kind: [column.name for column in (*CALLS, *LEGS) if column.kind is kind] for kind in Kind}
# These patterns start with the name, without the quote before it: this is twice as fast, and no
# other name ends with one of these.
_INTEGERS = rf'(?:{"|".join((*_NAMES[Kind.INTEGER], "limit"))})":{_SPACE}-?[0-9]+{_SPACE}[,}}]'
_LINKS = (
    rf'(?:{"|".join(_NAMES[Kind.LINKS])})":{_SPACE}'
    rf"\[{_SPACE}(?:{_QUOTED}{_SPACE}(?:,{_SPACE}{_QUOTED}{_SPACE})*)?\]"
)
_NULL_LISTS = rf'("(?:{"|".join(_NAMES[Kind.LINKS] + _NAMES[Kind.LEGS])})":{_SPACE})null'

_text = pl.col("text")
_text_with_null = pl.when(_text.str.contains("null", literal=True)).then(_text)
# A null list means an empty list. After decoding, it could not be distinguished from a missing one,
# so it is replaced in the text.
_WITHOUT_NULL_LISTS = _text_with_null.str.replace_all(_NULL_LISTS, "${1}[]").fill_null(_text)
_MARKED_PAGE = f'{{"{_MARKER}":%b}}'.encode()
# Such texts cannot be checked by counting: Polars decodes half of a surrogate pair to a wrong
# character, and a space before a colon hides a key.
_UNCOUNTABLE = (
    (_text.str.count_matches(_MARKER) != 1)
    | _text.str.contains(r"\\u[dD][89a-fA-F]")
    | pl.when(_text.str.contains(r"[ \t\r\n]:"))
    .then(_text)
    .str.contains(r'"[ \t\r\n]+:')
    .fill_null(value=False)
)
_COUNTS = (
    _text.str.count_matches('":', literal=True).alias("keys"),
    (
        _text.str.count_matches('":"', literal=True) + _text.str.count_matches('": "', literal=True)
    ).alias("quoted"),
    _text.str.count_matches(_INTEGERS).alias("integers"),
    _text.str.count_matches(_LINKS).alias("links"),
)


def _counts_per_record(columns: tuple[Column, ...]) -> tuple[int, ...]:
    """The number of matches of each of `_COUNTS` in one record of these columns."""
    integers, links, legs = (
        sum(column.kind is kind for column in columns)
        for kind in (Kind.INTEGER, Kind.LINKS, Kind.LEGS)
    )
    return len(columns), len(columns) - integers - links - legs, integers, links


_COUNTS_PER_CALL, _COUNTS_PER_LEG = _counts_per_record(CALLS), _counts_per_record(LEGS)
_DECODED_PAGE = _text.str.json_decode(_MARKED_PAGE_DTYPE).struct.field(_MARKER)


# Values of a row.

_CLOCK = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]"
_UTC_TIME = rf"^{_CLOCK}Z$"
_REGULAR_TIME = rf"^{_CLOCK}(?:\.[0-9]{{1,6}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})$"


def _time(text: pl.Expr) -> pl.Expr:
    """The moment of a regular time, or null.

    The usual form is tried first, because Polars parses a fixed format several times as fast.
    """
    in_utc = pl.when(text.str.contains(_UTC_TIME)).then(text)
    moment = in_utc.str.to_datetime(
        "%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False, cache=False
    ).dt.replace_time_zone("UTC")
    rest = pl.when(moment.is_null()).then(text)
    other = pl.when(rest.str.contains(_REGULAR_TIME)).then(rest)
    return pl.coalesce(
        moment, other.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    )


def _is_empty(text: pl.Expr, column: Column) -> pl.Expr:
    """Whether the text means that there is no value, so that a null is regular."""
    match column.kind:
        case Kind.ID if column.name != "id":
            return (text == "") | (text == "0")
        case Kind.TIME:
            return (text == "") | text.str.starts_with("0001-01-01T")
        case Kind.TEXT | Kind.WORD:
            return text == ""
        case _:
            return pl.lit(value=False)


def _typed(text: pl.Expr, column: Column) -> pl.Expr:
    """The typed value of the text, or null."""
    match column.kind:
        case Kind.INTEGER | Kind.WORD:
            value = text.cast(column.dtype, strict=False)
            if column.minimum is not None:
                # The null makes the page irregular, so that the value is counted.
                value = pl.when(value >= column.minimum).then(value)
        case Kind.TIME:
            value = _time(text)
        case Kind.LINKS:
            value = text.list.eval(pl.element().filter(pl.element() != ""))
        case Kind.LEGS:
            value = text.list.eval(
                pl.struct(_typed(pl.element().struct.field(leg.name), leg) for leg in LEGS)
            )
        case _:
            value = pl.when(
                (text != "") & (text != "0") if column.kind is Kind.ID else text != ""
            ).then(text)
    return value.alias(column.name)


_TYPED_CALL = [_typed(pl.col(column.name), column) for column in CALLS]
_IS_EMPTY = {
    column.name: _is_empty(pl.col(column.name), column).alias(column.name)
    for column in (*CALLS, *LEGS)
}
_EMPTY_COUNT = {name: is_empty.sum() for name, is_empty in _IS_EMPTY.items()}


def read_regular(bodies: Sequence[bytes]) -> tuple[pl.DataFrame, list[int | None]]:
    """The calls of the regular pages, and the number of calls of each page.

    The calls are in order, with the schema `CALL_SCHEMA`. The number of an irregular page is None,
    and its calls are left out.
    """
    try:
        return _read(bodies)
    except pl.exceptions.ComputeError:
        # Polars cannot decode one of the pages, but does not say which.
        parts = (
            [read_regular([body]) for body in bodies]
            if len(bodies) > 1
            else [(pl.DataFrame(schema=CALL_SCHEMA), [None])]
        )
    return pl.concat([calls for calls, _ in parts]), [height for _, (height,) in parts]


def _read(bodies: Sequence[bytes]) -> tuple[pl.DataFrame, list[int | None]]:
    heights: list[int | None] = [None] * len(bodies)
    marked = pl.Series([_MARKED_PAGE % body for body in bodies], dtype=pl.Binary).cast(pl.String)
    texts = (
        pl.DataFrame({"page": range(len(bodies)), "text": marked})
        .with_columns(_WITHOUT_NULL_LISTS)
        .filter(~_UNCOUNTABLE)
    )
    if texts.is_empty():
        return pl.DataFrame(schema=CALL_SCHEMA), heights
    pages, counts = _decode(texts)
    calls = _rows(pages["call_logs"])
    typed_calls = calls.select(_TYPED_CALL)
    call_counts = _lengths(pages["call_logs"])
    without_list = {
        index
        for index in pages["call_logs"].is_null().arg_true()
        if '"call_logs"' not in texts["text"][index]
    }
    legs_of_calls = iter(_lengths(calls["call_targets"]))
    leg_counts = [sum(islice(legs_of_calls, call_count)) for call_count in call_counts]
    irregular = _pages_with_irregular_null(calls, typed_calls, call_counts)
    irregular |= _pages_with_irregular_null(
        _rows(calls["call_targets"]), _rows(typed_calls["call_targets"]), leg_counts
    )
    expected = map(_expected_counts, call_counts, leg_counts, pages["paging"].to_list())
    regular = (
        {
            index
            for index, pair in enumerate(zip(counts.iter_rows(), expected, strict=True))
            if pair[0] == pair[1]
        }
        - irregular
        - without_list
    )
    for index in regular:
        heights[texts["page"][index]] = call_counts[index]
    if len(regular) < pages.height:
        typed_calls = typed_calls.filter(_page_indices(call_counts).is_in(regular))
    return typed_calls, heights


def _decode(texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The decoded pages, and the counts of `_COUNTS` per page, computed on all threads."""
    share = max(-(-texts.height // pl.thread_pool_size()), _MIN_PAGES_PER_THREAD)
    plans = [
        texts.lazy().slice(begin, share).select(_DECODED_PAGE)
        for begin in range(0, texts.height, share)
    ]
    *parts, counts = pl.collect_all([*plans, texts.lazy().select(_COUNTS)], engine="in-memory")
    pages = pl.concat(parts).to_series()
    if len(pages) != texts.height or pages.null_count():
        raise pl.exceptions.ComputeError("the text of a page does not end where it should")
    return pages.struct.unnest(), counts


def _rows(lists: pl.Series) -> pl.DataFrame:
    """One row per record in these lists."""
    return lists.explode(empty_as_null=False, keep_nulls=False).struct.unnest()


def _lengths(lists: pl.Series) -> list[int]:
    return [length or 0 for length in lists.list.len().to_list()]


def _expected_counts(
    calls: int, legs: int, paging: dict[str, str | None] | None
) -> tuple[int, ...]:
    """The values of `_COUNTS` in a regular page with so many calls and legs."""
    names = [name for name in _PAGING if paging and paging[name] is not None]
    integers = int("limit" in names)
    # The page itself has the marker, the list of calls, and the paging with its fields.
    keys = 2 + (paging is not None) + len(names)
    page_counts = keys, len(names) - integers, integers, 0
    return tuple(
        calls * per_call + legs * per_leg + of_page
        for per_call, per_leg, of_page in zip(
            _COUNTS_PER_CALL, _COUNTS_PER_LEG, page_counts, strict=True
        )
    )


def _pages_with_irregular_null(
    texts: pl.DataFrame, typed: pl.DataFrame, row_counts: list[int]
) -> set[int]:
    """The indices of the pages with a null that does not come from an empty text.

    `row_counts` is the number of rows of each page.
    """
    empty_counts = texts.select(_EMPTY_COUNT[name] for name in texts.columns)
    if typed.null_count().row(0) == empty_counts.row(0):
        return set()
    empty = texts.select(_IS_EMPTY[name] for name in texts.columns).fill_null(value=False)
    pages = _page_indices(row_counts)
    return set().union(
        *(pages.filter(typed[name].is_null() & ~empty[name]) for name in typed.columns)
    )


def _page_indices(row_counts: list[int]) -> pl.Series:
    """The index of the page of each row, if each page has so many rows."""
    return pl.Series(
        [index for index, count in enumerate(row_counts) for _ in range(count)], dtype=pl.Int64
    )
