"""Clean pages -> typed calls, many at once, at the speed of Polars; of every other page only that it is not clean.

Polars decodes JSON in silence: "30", 30 and 30.0 all become the text 30, of a field that comes
twice one is taken, a new one vanishes. So the text of a page is counted beside its decoding, and a
page is clean only if the counts are those that its rows call for:

keys: a quote and a colon. Every key has them, so there are at least as many as values were decoded.
    Where there are no more, no field is new, and none came twice.
integers, links: a key and its value, in the form that it should have. A quote within a text is
escaped, so `"duration":` stands nowhere
    but where it is a key: there are never too many. Where there are enough, all have that form.
quoted: a quote, a colon, and a quote at once or after one space. Where no key is too many, each of
    these is a key and its text; where there are enough, every text is quoted.

What the counts cannot see, a null, an unknown word, nonsense for a time, a call without an id, is
seen in the rows: each null that was made of a text must have been made of an empty one.
"""

from collections.abc import Sequence
from itertools import islice

import polars as pl

from ..schema import CALL_SCHEMA, CALLS, LEGS, Column, Kind

__all__ = ["read_clean"]

_PAGING = ("after", "before", "limit", "next", "prev", "sort")
_FEWEST = 4
"""Pages that are decoded by one thread at least."""
_SEAL = "\U0010ffff"
"""No character, and so the key under which a page is decoded: Polars joins the texts that it decodes, and the seals show that each
page's text ends where it should."""


def _wire(columns: tuple[Column, ...]) -> pl.Struct:
    """How these columns are decoded: as the texts that they are on the wire."""
    lists = {
        Kind.LEGS: pl.List(_wire(LEGS)) if columns is CALLS else None,
        Kind.LINKS: pl.List(pl.String),
    }
    return pl.Struct(
        {column.name: lists.get(column.kind or Kind.TEXT) or pl.String() for column in columns}
    )


_SEALED_PAGE = pl.Struct(
    {
        _SEAL: pl.Struct(
            {
                "call_logs": pl.List(_wire(CALLS)),
                "paging": pl.Struct(dict.fromkeys(_PAGING, pl.String)),
            }
        )
    }
)


# The text of a page.

_S = r"[ \t\r\n]*"
_TEXT = r'"(?:[^"\\]|\\.)*"'
_NAMES = {kind: [column.name for column in (*CALLS, *LEGS) if column.kind is kind] for kind in Kind}
# These begin with a name, not with the quote before it: the search is twice as fast, and no other
# name ends in one of them.
_INTEGERS = rf'(?:{"|".join((*_NAMES[Kind.INTEGER], "limit"))})":{_S}-?[0-9]+{_S}[,}}]'
_LINKS = rf'(?:{"|".join(_NAMES[Kind.LINKS])})":{_S}\[{_S}(?:{_TEXT}{_S}(?:,{_S}{_TEXT}{_S})*)?\]'
_NULL_LISTS = rf'("(?:{"|".join(_NAMES[Kind.LINKS] + _NAMES[Kind.LEGS])})":{_S})null'

_text = pl.col("text")
_with_null = pl.when(_text.str.contains("null", literal=True)).then(_text)
# A null list is an empty one. Decoded, it could not be told from one that is missing; so it is
# written as what it is.
_WHOLE = _with_null.str.replace_all(_NULL_LISTS, "${1}[]").fill_null(_text)
_SEALED = f'{{"{_SEAL}":%b}}'.encode()
_ODD = (
    (_text.str.count_matches(_SEAL) != 1)
    | _text.str.contains(
        r"\\u[dD][89a-fA-F]"
    )  # half of a surrogate pair is decoded as what it is not
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


def _counts_in(columns: tuple[Column, ...]) -> tuple[int, ...]:
    """What one object of these columns adds to each of `_COUNTS`."""
    integers, links, legs = (
        sum(column.kind is kind for column in columns)
        for kind in (Kind.INTEGER, Kind.LINKS, Kind.LEGS)
    )
    return len(columns), len(columns) - integers - links - legs, integers, links


_PER_CALL, _PER_LEG = _counts_in(CALLS), _counts_in(LEGS)
_DECODED = _text.str.json_decode(_SEALED_PAGE).struct.field(_SEAL)


# The values of a row.

_CLOCK = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]"
_USUAL_TIME = rf"^{_CLOCK}Z$"
_CLEAN_TIME = rf"^{_CLOCK}(?:\.[0-9]{{1,6}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})$"


def _time(text: pl.Expr) -> pl.Expr:
    """The moment of a clean time, or null. A fixed form is read several times as fast as one of many, so the usual one goes first."""
    usual = pl.when(text.str.contains(_USUAL_TIME)).then(text)
    found = usual.str.to_datetime(
        "%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False, cache=False
    ).dt.replace_time_zone("UTC")
    rest = pl.when(found.is_null()).then(text)
    other = pl.when(rest.str.contains(_CLEAN_TIME)).then(rest)
    return pl.coalesce(
        found, other.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    )


def _empty(text: pl.Expr, column: Column) -> pl.Expr:
    """Whether this text stands for no value, so that null is not strange."""
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
    """The value of this text, or null."""
    match column.kind:
        case Kind.INTEGER | Kind.WORD:
            value = text.cast(column.dtype, strict=False)
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
_EMPTY = {
    column.name: _empty(pl.col(column.name), column).alias(column.name)
    for column in (*CALLS, *LEGS)
}
_EMPTIES = {name: empty.sum() for name, empty in _EMPTY.items()}


def read_clean(bodies: Sequence[bytes]) -> tuple[pl.DataFrame, list[int | None]]:
    """The calls of the clean pages, in order, with the dtypes of `CALL_SCHEMA`; and how many each page has, None where it is not clean."""
    try:
        return _read(bodies)
    except pl.exceptions.ComputeError:  # one of them is no page that Polars could decode: which?
        parts = (
            [read_clean([body]) for body in bodies]
            if len(bodies) > 1
            else [(pl.DataFrame(schema=CALL_SCHEMA), [None])]
        )
    return pl.concat([calls for calls, _ in parts]), [height for _, (height,) in parts]


def _read(bodies: Sequence[bytes]) -> tuple[pl.DataFrame, list[int | None]]:
    heights: list[int | None] = [None] * len(bodies)
    sealed = pl.Series([_SEALED % body for body in bodies], dtype=pl.Binary).cast(pl.String)
    texts = (
        pl.DataFrame({"page": range(len(bodies)), "text": sealed})
        .with_columns(_WHOLE)
        .filter(~_ODD)
    )
    if texts.is_empty():
        return pl.DataFrame(schema=CALL_SCHEMA), heights
    pages, counts = _decoded(texts)
    calls = _rows(pages["call_logs"])
    typed_calls = calls.select(_TYPED_CALL)
    rows = _lengths(pages["call_logs"])
    legs_of_call = iter(_lengths(calls["call_targets"]))
    legs = [sum(islice(legs_of_call, height)) for height in rows]
    strange = _strange(calls, typed_calls, rows) | _strange(
        _rows(calls["call_targets"]), _rows(typed_calls["call_targets"]), legs
    )
    wanted = map(_wanted, rows, legs, pages["paging"].to_list())
    clean = {
        place
        for place, (found, due) in enumerate(zip(counts.iter_rows(), wanted, strict=True))
        if found == due
    } - strange
    for place in clean:
        heights[texts["page"][place]] = rows[place]
    return (
        typed_calls
        if len(clean) == pages.height
        else typed_calls.filter(_page_of(rows).is_in(clean))
    ), heights


def _decoded(texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The pages decoded, and what was counted in them, on all threads."""
    share = max(-(-texts.height // pl.thread_pool_size()), _FEWEST)
    plans = [
        texts.lazy().slice(begin, share).select(_DECODED) for begin in range(0, texts.height, share)
    ]
    *parts, counts = pl.collect_all([*plans, texts.lazy().select(_COUNTS)], engine="in-memory")
    pages = pl.concat(parts).to_series()
    if len(pages) != texts.height or pages.null_count():
        raise pl.exceptions.ComputeError("the text of a page does not end where it should")
    return pages.struct.unnest(), counts


def _rows(lists: pl.Series) -> pl.DataFrame:
    """One row an object of these lists."""
    return lists.explode(empty_as_null=False, keep_nulls=False).struct.unnest()


def _lengths(lists: pl.Series) -> list[int]:
    return [length or 0 for length in lists.list.len().to_list()]


def _wanted(calls: int, legs: int, paging: dict[str, str | None] | None) -> tuple[int, ...]:
    """What must be counted in a page with so many calls and legs, as in `_COUNTS`."""
    told = [name for name in _PAGING if paging and paging[name] is not None]
    objects, integers = (1 if paging is None else 2), int("limit" in told)
    of_page = (
        1 + objects + len(told),
        len(told) - integers,
        integers,
        0,
    )  # one key is the list of calls
    return tuple(
        calls * a + legs * b + c for a, b, c in zip(_PER_CALL, _PER_LEG, of_page, strict=True)
    )


def _strange(texts: pl.DataFrame, typed: pl.DataFrame, sizes: list[int]) -> set[int]:
    """The places of the pages, of so many rows each, with a null that was not made of an empty text."""
    if typed.null_count().row(0) == texts.select(_EMPTIES[name] for name in texts.columns).row(0):
        return set()
    empty = texts.select(_EMPTY[name] for name in texts.columns).fill_null(value=False)
    return set().union(
        *(_page_of(sizes).filter(typed[name].is_null() & ~empty[name]) for name in typed.columns)
    )


def _page_of(sizes: list[int]) -> pl.Series:
    """For each row of pages of these sizes, the place of its page."""
    return pl.Series(
        [place for place, size in enumerate(sizes) for _ in range(size)], dtype=pl.Int64
    )
