"""Parsing in bulk: regular pages are parsed in bulk, and the result is that of single records."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples, some
from support.page_strategies import (
    PAGING,
    TOKENS,
    Raw,
    Writer,
    by_record,
    irregular_bodies,
    page_of,
    rows_of,
)

from etelecom_analytics.errors import Unreadable
from etelecom_analytics.parsing.bulk import read_regular
from etelecom_analytics.parsing.pages import PageReader
from etelecom_analytics.schema import CALLS, LEGS, Kind

ROWS = rows_of(60, seed=9)
ROW = next(row for row in ROWS if len(row["call_targets"]) > 1 and row["recording_urls"])
OTHER = next(row for row in ROWS if row["call_targets"] and row["id"] != ROW["id"])
FIELDS = [
    "id",
    "caller",
    "direction",
    "started_at",
    "duration",
    "user_id",
    "recording_urls",
    "call_targets",
]
LEG_FIELDS = ["call_targets.target_number", "call_targets.ring_time", "call_targets.fail_code"]


def read(bodies: list[bytes]) -> tuple[pl.DataFrame, Any, str]:
    reader = PageReader()
    calls = reader.read(bodies)
    return calls, reader.drift, repr(reader.set_aside)


def assert_same(bodies: list[bytes]) -> None:
    """The pages are read as record by record; if one of them is not a page, nothing is counted."""
    reader = PageReader()
    try:
        calls, drift, set_aside = by_record(bodies)
    except Unreadable:
        with pytest.raises(Unreadable):
            reader.read(bodies)
        assert (reader.drift, reader.set_aside) == ((), [])
        return
    assert_frame_equal(reader.read(bodies), calls)
    assert reader.drift == drift
    assert repr(reader.set_aside) == set_aside


def is_regular(body: bytes) -> bool:
    """Whether the page is parsed in bulk, alone and next to other pages."""
    regular = page_of(ROWS[:2])
    (alone,), heights = read_regular([body])[1], read_regular([regular, body, regular])[1]
    assert heights == [2, alone, 2]
    return alone is not None


def changed(field: str, value: object, row: dict[str, Any] = ROW) -> dict[str, Any]:
    """The row with another value in a field; a field of a leg is changed in the first leg."""
    name, _, leg_name = field.partition(".")
    if not leg_name:
        return {**row, name: value}
    return {**row, name: [{**row[name][0], leg_name: value}, *row[name][1:]]}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ROW.items() if name != field}


@pytest.mark.slow
@examples(250)
@given(bodies=st.lists(irregular_bodies(), min_size=1, max_size=3))
def test_any_pages_are_read_as_record_by_record(bodies: list[bytes]):
    assert_same(bodies)


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS + LEG_FIELDS)
def test_any_value_in_a_field_of_any_kind_is_read_as_record_by_record(field: str):
    """Each value has its own page, so that none hides another."""
    assert_same([page_of([changed(field, token)]) for token in TOKENS])


def test_fields_of_every_kind_are_tested():
    kinds = {column.name: column.kind for column in CALLS} | {
        f"call_targets.{leg.name}": leg.kind for leg in LEGS
    }

    assert {kinds[name] for name in FIELDS} == {column.kind for column in CALLS}
    assert {kinds[name] for name in LEG_FIELDS} == {leg.kind for leg in LEGS}


IRREGULAR_ROWS: dict[str, Any] = {
    "a quoted integer": changed("duration", "30"),
    "a float": changed("duration", Raw("30.0")),
    "a fraction": changed("duration", Raw("30.7")),
    "a duration below 0": changed("duration", -1),
    "an integer that is null": changed("duration", None),
    "an integer that is true": changed("duration", Raw("true")),
    "a quoted integer in a leg": changed("call_targets.fail_code", "486"),
    "a text that is a number": changed("caller", 101),
    "a text that is true": changed("note", Raw("true")),
    "a text in a leg that is a number": changed("call_targets.target_number", 101),
    "an id that is a number": changed("id", int(ROW["id"])),
    "a link that is a number": changed("recording_urls", [17]),
    "links that are a text": changed("recording_urls", "https://recordings.example/1.mp3"),
    "links that are a number": changed("recording_urls", 17),
    "a link that looks like the end": changed("recording_urls", ['a"]', 17]),
    "links that are null": changed("recording_urls", None),
    "a link that looks like a key": changed("recording_urls", [":"]),
    "a note that looks like a key": changed("note", ":"),
    "a note that looks like an integer's key": changed("note", '"duration":30,'),
    "a note with an escaped quote and a colon": changed("note", '":"'),
    "legs that are null": changed("call_targets", None),
    "legs that are an object": changed("call_targets", ROW["call_targets"][0]),
    "a leg that is null": changed("call_targets", [None]),
    "a leg that is empty": changed("call_targets", [Raw("{}")]),
    "a new field": {**ROW, "mood": "good"},
    "a new integer": {**ROW, "talk_duration": 30},
    "a new list": {**ROW, "tags": []},
    "a new field in a leg": changed("call_targets", [{**ROW["call_targets"][0], "codec": 8}]),
    "no integer": without("duration"),
    "no text": without("note"),
    "no links": without("recording_urls"),
    "no legs": without("call_targets"),
    "legs twice, the second null": [*ROW.items(), ("call_targets", None)],
    "legs twice, the first null": [("call_targets", None), *ROW.items()],
    "links twice, the second empty": [*ROW.items(), ("recording_urls", [])],
    "an integer twice": [*ROW.items(), ("duration", 31)],
    "a text twice": [("note", "first"), *ROW.items()],
    "the key of an integer with an escape": [
        *without("duration").items(),
        (Raw(r'"dur\u0061tion"'), 30),
    ],
    "a quoted integer under such a key": [
        *without("duration").items(),
        (Raw(r'"dur\u0061tion"'), "30"),
    ],
    "the key of links with an escape": [
        *without("recording_urls").items(),
        (Raw(r'"recording\u005furls"'), ["a"]),
    ],
    "a number under such a key": [
        *without("recording_urls").items(),
        (Raw(r'"recording\u005furls"'), [17]),
    ],
    "a key before a space": [*ROW.items(), (Raw('"mood" '), "good")],
    "a null": None,
    "a list": [],
}


@pytest.mark.slow
def test_irregularities_of_two_rows_do_not_cancel_out():
    """For example one row lacks a key, and another has one too many."""
    pairs = some(list(combinations(IRREGULAR_ROWS.values(), 2)), at_least=400)
    assert_same([page_of(pair) for pair in pairs])


REGULAR_PAGES: dict[str, bytes] = {
    "compact": page_of(ROWS),
    "with spaces": page_of(ROWS, write=Writer(", ", ": ")),
    "indented": page_of(ROWS, write=Writer(",\n    ", ": ")),
    "with line breaks": page_of(ROWS, write=Writer("\r\n,\t", ":")),
    "escaped": page_of([changed("note", "chị Hằng: đã gọi")], write=Writer(ascii_only=True)),
    "keys in another order": page_of([dict(sorted(row.items(), reverse=True)) for row in ROWS]),
    "null lists": page_of([{**row, "recording_urls": None, "call_targets": None} for row in ROWS]),
    "null lists with spaces": page_of(
        [{**ROW, "recording_urls": None}, {**ROW, "call_targets": None}], write=Writer(", ", ": ")
    ),
    "empty links": page_of(
        [{**ROW, "recording_urls": [""]}, {**ROW, "recording_urls": ["a", "", "b"]}]
    ),
    "empty texts": page_of(
        [
            {
                **ROW,
                **{
                    column.name: ""
                    for column in CALLS
                    if column.kind in (Kind.TEXT, Kind.WORD, Kind.TIME)
                },
            }
        ]
    ),
    "empty ids": page_of([{**ROW, "extension_id": "", "user_id": "0"}]),
    "a quoted word": page_of(
        [changed("note", 'she said "later", and: "no"'), changed("note", 'tên là "null"')]
    ),
    "a note of many lines": page_of(
        [changed("note", "one\n\ttwo \\ three / four"), changed("note", "Ghi chú : gọi lại")]
    ),
    "a note that looks like JSON": page_of(
        [changed("note", '{"duration" 30, "call_targets" null}')]
    ),
    "no paging": b'{"call_logs":[]}',
    "paging first": Writer()({"paging": PAGING, "call_logs": ROWS}).encode(),
    "paging without a limit": page_of(ROWS, paging={"next": "", "prev": ""}),
    "no rows": page_of([]),
    "rows that are null": b'{"call_logs":null,"paging":{"next":"","prev":""}}',
    "the limits of integers": page_of(
        [changed("duration", Raw(each)) for each in ("2147483647", "0", "-0")]
        + [changed("call_targets.ring_duration", Raw("-2147483648"))]
    ),
    "surrounded by line breaks": b"\r\n " + page_of(ROWS) + b"\n\t",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", REGULAR_PAGES.values(), ids=REGULAR_PAGES.keys())
def test_regular_page_is_parsed_in_bulk(body: bytes):
    assert is_regular(body)
    assert by_record([body])[1:] == ((), "[]")
    assert_same([body])


@pytest.mark.parametrize("colon", [":  ", ":\n", " : "])
def test_page_with_unusual_spaces_is_read_record_by_record(colon: str):
    body = page_of(ROWS, write=Writer(", ", colon))

    assert not is_regular(body)
    assert by_record([body])[1:] == ((), "[]")
    assert_same([body])


def test_only_irregular_pages_are_read_record_by_record():
    regular, irregular = page_of(ROWS), page_of([ROW, changed("duration", "30")])
    calls, heights = read_regular([regular, irregular, regular, b"", irregular, b"\xff", regular])

    assert heights == [60, None, 60, None, None, None, 60]
    assert_frame_equal(calls, by_record([regular] * 3)[0])


FIRST_HALF, SECOND_HALF = b'{"call_logs":[],"x":[{"a":1', b'1}],"z":1}'
"""Two bodies that are a page if joined; the second has as many keys as an empty page."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "bodies",
    [
        [b'{"call_logs":[]},{"call_logs":[', b"]}"],
        [b'{"call_logs":[],"paging":{}},{"call_logs":[{}', b'{}],"paging":{}}'],
        [b'{"call_logs":[]}},{"x":{"call_logs":[]}', b'{"call_logs":[]}'],
        ['{"call_logs":[]}},{"\U0010ffff":{"call_logs":[]}'.encode(), b'{"call_logs":[]}'],
        [FIRST_HALF, SECOND_HALF],
        [b'{"call_logs":[]}},{"x":1', FIRST_HALF, SECOND_HALF],
        ['{"call_logs":[]}},{"\U0010ffff":{"call_logs":[]}'.encode(), FIRST_HALF, SECOND_HALF],
        [b'{"call_logs":[]}', b'{"call_logs":[]},{"call_logs":[]}'],
        [b'{"call_logs":[]}', b""],
        [b'{"call_logs":[]}//', b'{"call_logs":[]}'],
    ],
)
def test_pages_that_are_valid_only_if_joined_are_unreadable(bodies: list[bytes]):
    """Polars joins the texts that it decodes; there are so many that some share a thread."""
    regular = [b'{"call_logs":[]}']
    expected = [0 if body in regular else None for body in bodies]

    assert read_regular(regular + bodies * 30)[1] == [0, *expected * 30]
    assert_same(bodies)
    assert_same(bodies[::-1])


_near_times = st.from_regex(
    r"[0-3][09][0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
    r"(\.[0-9]{0,9})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?",
    fullmatch=True,
)


@pytest.mark.slow
@examples(40)
@given(
    times=st.lists(
        _near_times | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        min_size=20,
        max_size=20,
    )
)
@example(
    times=[
        "2026-11-02T08:00:00.123456+07:00",
        "2024-02-29T00:00:00Z",
        "1582-10-10T12:00:00Z",
        "2026-11-02T23:59:59.9-12:00",
    ]
)
def test_times_are_read_as_record_by_record(times: list[str]):
    assert_same(
        [
            page_of([changed("started_at", time), changed("call_targets.ring_time", time)])
            for time in times
        ]
    )


def test_no_other_name_ends_with_the_name_of_an_integer_or_a_list_of_links():
    """The counting relies on this, because its patterns match the end of a name."""
    kinds = dict.fromkeys(("call_logs", "paging", *PAGING)) | {
        column.name: column.kind for column in (*CALLS, *LEGS)
    }
    counted_names = [
        "limit",
        *(name for name, kind in kinds.items() if kind in (Kind.INTEGER, Kind.LINKS)),
    ]

    assert [
        (name, end)
        for name in kinds
        for end in counted_names
        if name.endswith(end) and kinds[name] is not kinds[end]
    ] == []


def test_readers_in_several_threads_are_independent():
    bodies = [page_of(ROWS), page_of([changed("duration", "30")]), page_of(ROWS[:7])]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(read, [bodies] * 12))

    for calls, drift, set_aside in results:
        assert_frame_equal(calls, results[0][0])
        assert (drift, set_aside) == results[0][1:]
