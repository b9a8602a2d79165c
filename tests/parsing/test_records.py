"""Reading record by record: what is a page, and what is none. What is made of strange values is told over the wire, by the fetch."""

import json

import pytest
from page_strategies import page_of, rows_of

from etelecom_analytics.errors import Unreadable
from etelecom_analytics.frames import PageReader
from etelecom_analytics.parsing.records import RecordReader, frame_of
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
        b'{"call_logs": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"call_logs": [], "limit": ' + b"1" * 5_000 + b"}",
    ],
    ids=lambda body: body[:20].decode(),
)
def test_what_is_no_page_is_unreadable(body: bytes):
    with pytest.raises(Unreadable, match="not the JSON of a page"):
        RecordReader().read(body, 0)
    with pytest.raises(Unreadable, match="not the JSON of a page"):
        PageReader().read([body])


@pytest.mark.parametrize("body", [b'{"call_logs": null}', b'{"call_logs": []}', b"{}"])
def test_a_page_may_have_no_rows(body: bytes):
    assert RecordReader().read(body, 0) == []
    assert PageReader().read([body]).is_empty()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_what_python_reads_as_json_is_a_page(encoding: str):
    body = page_of(ROWS).decode().encode(encoding)

    assert PageReader().read([body]).equals(PageReader().read([page_of(ROWS)]))


def test_bytes_that_are_no_text_are_marked_and_counted_once_a_page():
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


def test_rows_become_a_table_as_they_are():
    rows = [
        row
        for row in RecordReader().read(page_of(ROWS), 0)
        if row["call_targets"] or row["note"] is None
    ]

    assert frame_of(rows).to_dicts() == rows
    assert frame_of([]).schema == CALL_SCHEMA
