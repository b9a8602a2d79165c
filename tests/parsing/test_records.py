"""Parsing record by record: which bodies are pages. `test_fetch` tests the kinds of drift."""

import json

import pytest
from support.page_strategies import page_of, rows_of

from etelecom_analytics.errors import Unreadable
from etelecom_analytics.parsing.pages import PageReader
from etelecom_analytics.parsing.records import RecordReader, rows_to_frame
from etelecom_analytics.schema import CALL_SCHEMA

ROWS = rows_of(30, seed=4)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"call_logs"',
        b'{"call_logs": [',
        b'{"call_logs": []} x',
        b'{"call_logs": {}}',
        b'{"call_logs": "no"}',
        b'{"call_logs": 0}',
        b'{"call_logs": false}',
        b"<html>502</html>",
        b'{"call_logs": ' + b"[" * 100_000,
        b"{}",
        b'{"paging": {"next": ""}}',
        b'{"callLogs": []}',
        b'{"call_logs": [], "code": "internal", "msg": "down"}',
        b'{"call_logs": null, "msg": "down"}',
        b'{"call_logs": [{"duration": 5x1}]}',
        b'{"call_logs": [], "call_logs": []}',
        b'{"paging": {"next": "2"}, "call_logs": [], "paging": {"next": ""}}',
    ],
    ids=lambda body: body[:20].decode(),
)
def test_invalid_page_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        RecordReader().read(body, 0)
    with pytest.raises(Unreadable):
        PageReader().read([body])


@pytest.mark.parametrize("body", [b'{"call_logs": null}', b'{"call_logs": []}'])
def test_page_may_have_no_rows(body: bytes):
    assert RecordReader().read(body, 0) == []
    assert PageReader().read([body]).is_empty()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_encodings_of_json_are_supported(encoding: str):
    body = page_of(ROWS).decode().encode(encoding)

    assert PageReader().read([body]).equals(PageReader().read([page_of(ROWS)]))


def _with_note(note: bytes) -> bytes:
    return page_of([ROWS[0] | {"note": "NOTE"}]).replace(b'"NOTE"', note)


@pytest.mark.parametrize(
    ("note", "value", "drift"),
    [
        (b'"a\nb"', "a\nb", [("call_logs", "invalid JSON")]),
        (b"9" * 4_301, "9" * 4_301, [("call_logs", "invalid JSON")]),
        (
            b"[" * 5_000 + b"]" * 5_000,
            None,
            [("call_logs", "invalid JSON"), ("note", "wrong type")],
        ),
    ],
    ids=["raw line end", "long number", "deep nesting"],
)
def test_invalid_json_with_one_meaning_is_read_and_counted(
    note: bytes, value: str | None, drift: list[tuple[str, str]]
):
    reader = PageReader()
    calls = reader.read([_with_note(note)])

    assert calls["note"].to_list() == [value]
    assert [(each.field, each.kind) for each in reader.drift] == drift


def test_number_beyond_python_is_out_of_range():
    body = page_of([ROWS[0] | {"duration": "LONG"}]).replace(b'"LONG"', b"9" * 4_301)
    reader = PageReader()

    assert reader.read([body])["duration"].to_list() == [None]
    assert ("duration", "out of range") in [(each.field, each.kind) for each in reader.drift]


@pytest.mark.parametrize("value", [-1, "-1", -1.0, -(2**31)])
def test_negative_duration_is_null_and_counted(value: object):
    body = page_of([ROWS[0] | {"duration": value}, ROWS[1] | {"duration": 0}])
    reader = PageReader()

    assert reader.read([body])["duration"].to_list() == [None, 0]
    assert [each.count for each in reader.drift if each[:2] == ("duration", "out of range")] == [1]


@pytest.mark.parametrize("depth", [10, 70, 700])
def test_deep_record_without_id_can_be_stored(depth: int):
    details: object = "core"
    for _ in range(depth):
        details = [details]
    reader = PageReader()
    reader.read([json.dumps({"call_logs": [{"details": details}]}).encode()])

    (record,) = (each.record for each in reader.set_aside)
    assert json.loads(record) if isinstance(record, str) else record == {"details": details}
    assert isinstance(record, str) == (depth > 60)


def test_unknown_key_around_the_rows_is_drift():
    reader = PageReader()
    reader.read([json.dumps({"call_logs": [], "paging": {}, "trace_id": "7f3a"}).encode()])

    assert [(each.field, each.kind) for each in reader.drift] == [("page.trace_id", "new field")]


def test_invalid_utf8_is_marked_and_counted_once_per_page():
    body = (
        json.dumps({"call_logs": [ROWS[0] | {"note": "NOTE", "caller": "NOTE"}]})
        .encode()
        .replace(b"NOTE", b"caf\xe9")
    )
    reader = PageReader()
    calls = reader.read([body, body])

    assert calls["note"].to_list() == calls["caller"].to_list() == ["caf�"] * 2
    assert [(each.field, each.kind, each.count) for each in reader.drift] == [
        ("call_logs", "broken text", 2)
    ]


def test_rows_to_frame_keeps_all_values():
    rows = [
        row
        for row in RecordReader().read(page_of(ROWS), 0)
        if row["call_targets"] or row["note"] is None
    ]

    assert rows_to_frame(rows).to_dicts() == rows
    assert rows_to_frame([]).schema == CALL_SCHEMA
