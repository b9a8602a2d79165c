"""Reading in bulk: the same as reading record by record, for every page that there can be; and for clean pages it is what is done."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from page_strategies import PAGING, TOKENS, Raw, Writer, by_record, odd_bodies, page_of, rows_of
from polars.testing import assert_frame_equal

from etelecom_analytics.errors import Unreadable
from etelecom_analytics.frames import PageReader
from etelecom_analytics.parsing.bulk import read_clean
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
    """A reader of pages says of these what the definition says; where one of them is no page, it says so and counts nothing."""
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


def in_bulk(body: bytes) -> bool:
    """Whether this page is read in bulk, alone and beside others."""
    clean = page_of(ROWS[:2])
    (alone,), beside = read_clean([body])[1], read_clean([clean, body, clean])[1]
    assert beside == [2, alone, 2]
    return alone is not None


def spoilt(field: str, value: object, row: dict[str, Any] = ROW) -> dict[str, Any]:
    """The row with this value in this field, in its first leg if it belongs there."""
    name, _, leg_name = field.partition(".")
    if not leg_name:
        return {**row, name: value}
    return {**row, name: [{**row[name][0], leg_name: value}, *row[name][1:]]}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ROW.items() if name != field}


@settings(max_examples=250)
@given(bodies=st.lists(odd_bodies(), min_size=1, max_size=3))
def test_whatever_the_pages_are_they_are_read_as_record_by_record(bodies: list[bytes]):
    assert_same(bodies)


@pytest.mark.parametrize("field", FIELDS + LEG_FIELDS)
def test_every_odd_value_in_a_field_of_every_kind_is_read_as_record_by_record(field: str):
    """A page each, so that none hides behind another."""
    assert_same([page_of([spoilt(field, token)]) for token in TOKENS])


def test_there_is_a_field_of_every_kind():
    kinds = {column.name: column.kind for column in CALLS} | {
        f"call_targets.{leg.name}": leg.kind for leg in LEGS
    }

    assert {kinds[name] for name in FIELDS} == {column.kind for column in CALLS}
    assert {kinds[name] for name in LEG_FIELDS} == {leg.kind for leg in LEGS}


SPOILT: dict[str, Any] = {
    "a quoted integer": spoilt("duration", "30"),
    "a float": spoilt("duration", Raw("30.0")),
    "a fraction": spoilt("duration", Raw("30.7")),
    "an integer that is null": spoilt("duration", None),
    "an integer that is true": spoilt("duration", Raw("true")),
    "a quoted integer in a leg": spoilt("call_targets.fail_code", "486"),
    "a text that is a number": spoilt("caller", 101),
    "a text that is true": spoilt("note", Raw("true")),
    "a text in a leg that is a number": spoilt("call_targets.target_number", 101),
    "an id that is a number": spoilt("id", int(ROW["id"])),
    "a link that is a number": spoilt("recording_urls", [17]),
    "links that are a text": spoilt("recording_urls", "https://recordings.example/1.mp3"),
    "links that are a number": spoilt("recording_urls", 17),
    "a link that looks like the end": spoilt("recording_urls", ['a"]', 17]),
    "links that are null": spoilt("recording_urls", None),
    "a link that looks like a key": spoilt("recording_urls", [":"]),
    "a note that looks like a key": spoilt("note", ":"),
    "a note that looks like an integer's key": spoilt("note", '"duration":30,'),
    "a note with an escaped quote and a colon": spoilt("note", '":"'),
    "legs that are null": spoilt("call_targets", None),
    "legs that are an object": spoilt("call_targets", ROW["call_targets"][0]),
    "a leg that is null": spoilt("call_targets", [None]),
    "a leg that is empty": spoilt("call_targets", [Raw("{}")]),
    "a new field": {**ROW, "mood": "good"},
    "a new integer": {**ROW, "talk_duration": 30},
    "a new list": {**ROW, "tags": []},
    "a new field in a leg": spoilt("call_targets", [{**ROW["call_targets"][0], "codec": 8}]),
    "no integer": without("duration"),
    "no text": without("note"),
    "no links": without("recording_urls"),
    "no legs": without("call_targets"),
    "legs twice, the second null": [*ROW.items(), ("call_targets", None)],
    "legs twice, the first null": [("call_targets", None), *ROW.items()],
    "links twice, the second empty": [*ROW.items(), ("recording_urls", [])],
    "an integer twice": [*ROW.items(), ("duration", 31)],
    "a text twice": [("note", "first"), *ROW.items()],
    "an integer's key spelt otherwise": [*without("duration").items(), (Raw(r'"dur\u0061tion"'), 30)],
    "a quoted integer under such a key": [*without("duration").items(), (Raw(r'"dur\u0061tion"'), "30")],
    "links' key spelt otherwise": [*without("recording_urls").items(), (Raw(r'"recording\u005furls"'), ["a"])],
    "a number under such a key": [*without("recording_urls").items(), (Raw(r'"recording\u005furls"'), [17])],
    "a key before a space": [*ROW.items(), (Raw('"mood" '), "good")],
    "a null": None,
    "a list": [],
}  # fmt: skip


def test_what_is_wrong_in_one_row_is_not_made_up_for_by_what_is_wrong_in_another():
    """A key too few here and one too many there, and every other such pair."""
    assert_same([page_of(pair) for pair in combinations(SPOILT.values(), 2)])


CLEAN: dict[str, bytes] = {
    "as compact as can be": page_of(ROWS),
    "with a space after each": page_of(ROWS, write=Writer(", ", ": ")),
    "printed to be read": page_of(ROWS, write=Writer(",\n    ", ": ")),
    "with lines between": page_of(ROWS, write=Writer("\r\n,\t", ":")),
    "escaped": page_of([spoilt("note", "chị Hằng: đã gọi")], write=Writer(ascii_only=True)),
    "keys in another order": page_of([dict(sorted(row.items(), reverse=True)) for row in ROWS]),
    "null lists": page_of([{**row, "recording_urls": None, "call_targets": None} for row in ROWS]),
    "null lists with spaces": page_of([{**ROW, "recording_urls": None}, {**ROW, "call_targets": None}], write=Writer(", ", ": ")),
    "links of nothing": page_of([{**ROW, "recording_urls": [""]}, {**ROW, "recording_urls": ["a", "", "b"]}]),
    "texts of nothing": page_of([{**ROW, **{column.name: "" for column in CALLS if column.kind in (Kind.TEXT, Kind.WORD, Kind.TIME)}}]),
    "ids of nothing": page_of([{**ROW, "extension_id": "", "user_id": "0"}]),
    "a quoted word": page_of([spoilt("note", 'she said "later", and: "no"'), spoilt("note", 'tên là "null"')]),
    "a note of many lines": page_of([spoilt("note", "one\n\ttwo \\ three / four"), spoilt("note", "Ghi chú : gọi lại")]),
    "a note that looks like JSON": page_of([spoilt("note", '{"duration" 30, "call_targets" null}')]),
    "no paging": b'{"call_logs":[]}',
    "paging first": Writer()({"paging": PAGING, "call_logs": ROWS}).encode(),
    "paging without a limit": page_of(ROWS, paging={"next": "", "prev": ""}),
    "no rows": page_of([]),
    "rows that are null": b'{"call_logs":null,"paging":{"next":"","prev":""}}',
    "the ends of what an integer can be": page_of([spoilt("duration", Raw(each)) for each in ("-2147483648", "2147483647", "-0")]),
    "line ends around it": b"\r\n " + page_of(ROWS) + b"\n\t",
}  # fmt: skip


@pytest.mark.parametrize("body", CLEAN.values(), ids=CLEAN.keys())
def test_a_clean_page_is_read_in_bulk(body: bytes):
    assert in_bulk(body)
    assert by_record([body])[1:] == ((), "[]")
    assert_same([body])


@pytest.mark.parametrize("colon", [":  ", ":\n", " : "])
def test_a_page_that_nobody_would_write_so_is_read_record_by_record(colon: str):
    body = page_of(ROWS, write=Writer(", ", colon))

    assert not in_bulk(body)
    assert by_record([body])[1:] == ((), "[]")
    assert_same([body])


def test_only_the_pages_that_need_it_are_read_record_by_record():
    clean, odd = page_of(ROWS), page_of([ROW, spoilt("duration", "30")])
    calls, heights = read_clean([clean, odd, clean, b"", odd, b"\xff", clean])

    assert heights == [60, None, 60, None, None, None, 60]
    assert_frame_equal(calls, by_record([clean] * 3)[0])


OPEN, CLOSED = b'{"call_logs":[],"x":[{"a":1', b'1}],"z":1}'
"""Two bodies that are one page when they are joined; the second has as many keys as an empty page."""


@pytest.mark.parametrize(
    "bodies",
    [
        [b'{"call_logs":[]},{"call_logs":[', b"]}"],
        [b'{"call_logs":[],"paging":{}},{"call_logs":[{}', b'{}],"paging":{}}'],
        [b'{"call_logs":[]}},{"x":{"call_logs":[]}', b'{"call_logs":[]}'],
        ['{"call_logs":[]}},{"\U0010ffff":{"call_logs":[]}'.encode(), b'{"call_logs":[]}'],
        [OPEN, CLOSED],
        [b'{"call_logs":[]}},{"x":1', OPEN, CLOSED],
        ['{"call_logs":[]}},{"\U0010ffff":{"call_logs":[]}'.encode(), OPEN, CLOSED],
        [b'{"call_logs":[]}', b'{"call_logs":[]},{"call_logs":[]}'],
        [b'{"call_logs":[]}', b""],
        [b'{"call_logs":[]}//', b'{"call_logs":[]}'],
    ],
)
def test_pages_that_are_json_only_side_by_side_are_unreadable(bodies: list[bytes]):
    """Polars joins what it decodes, so one page's end could be another's beginning; so many that some share a thread."""
    clean = [b'{"call_logs":[]}']
    expected = [0 if body in clean else None for body in bodies]

    assert read_clean(clean + bodies * 30)[1] == [0, *expected * 30]
    assert_same(bodies)
    assert_same(bodies[::-1])


_near_times = st.from_regex(
    r"[0-3][09][0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,9})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?",
    fullmatch=True,
)


@settings(max_examples=40)
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
def test_times_are_those_of_the_definition(times: list[str]):
    assert_same(
        [
            page_of([spoilt("started_at", time), spoilt("call_targets.ring_time", time)])
            for time in times
        ]
    )


def test_no_other_name_ends_in_the_name_of_an_integer_or_a_list_of_links():
    """The counting relies on it: it looks for names from their end."""
    kinds = dict.fromkeys(("call_logs", "paging", *PAGING)) | {
        column.name: column.kind for column in (*CALLS, *LEGS)
    }
    counted = [
        "limit",
        *(name for name, kind in kinds.items() if kind in (Kind.INTEGER, Kind.LINKS)),
    ]

    assert [
        (name, end)
        for name in kinds
        for end in counted
        if name.endswith(end) and kinds[name] is not kinds[end]
    ] == []


def test_readers_in_many_threads_do_not_disturb_one_another():
    bodies = [page_of(ROWS), page_of([spoilt("duration", "30")]), page_of(ROWS[:7])]
    with ThreadPoolExecutor(4) as pool:
        everyone = list(pool.map(read, [bodies] * 12))

    for calls, drift, set_aside in everyone:
        assert_frame_equal(calls, everyone[0][0])
        assert (drift, set_aside) == everyone[0][1:]
