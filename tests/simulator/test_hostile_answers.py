"""Answers that no client should trust: envelopes, unreadable pages, echoes, and endless phases.

They are received over real HTTP with other clients than the package's.
"""

import gzip
import json
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest
import requests
from support.server_requests import Row, page_of, post

from etelecom_analytics.simulator import CallLogServer, faults, serve, simulate_calls


@pytest.fixture(scope="module")
def some_calls() -> pl.DataFrame:
    return simulate_calls(120, seed=6).calls


@pytest.fixture(scope="module")
def _shared(some_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(some_calls) as server:
        yield server


@pytest.fixture
def world(_shared: CallLogServer) -> CallLogServer:
    _shared.forget()
    return _shared


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def body_with(session: requests.Session, world: CallLogServer, fault: faults.Fault) -> bytes:
    """The body of the first page with a fault; its status must be 200."""
    world.script(fault)
    answer = post(session, world, {})
    assert answer.status_code == 200
    return answer.content


# Envelopes with status 200.


def test_error_can_have_status_200(session: requests.Session, world: CallLogServer):
    body = json.loads(body_with(session, world, faults.error_with_200("internal", "down")))

    assert body == {"code": "internal", "msg": "down"}


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        (
            faults.error_in_page("internal", "down"),
            lambda page: {**page, "call_logs": None, "code": "internal", "msg": "down"},
        ),
        (faults.without_rows(), lambda page: {"paging": page["paging"]}),
        (
            faults.rows_under("callLogs"),
            lambda page: {"callLogs": page["call_logs"], "paging": page["paging"]},
        ),
        (faults.not_an_object(), lambda page: page["call_logs"]),
        (faults.extra_keys({"trace_id": "7"}), lambda page: {**page, "trace_id": "7"}),
    ],
    ids=["null rows and an error", "no rows", "rows under another key", "bare list", "new key"],
)
def test_envelope_differs_from_that_of_a_page(
    session: requests.Session, world: CallLogServer, fault: faults.Fault, change: Any
):
    """The rest of the page is correct."""
    page = page_of(session, world)

    assert json.loads(body_with(session, world, fault)) == change(page)


@pytest.mark.parametrize(
    "fault",
    [faults.error_in_page(), faults.rows_under(), faults.not_an_object(), faults.raw_newline()],
)
def test_errors_stay_errors(session: requests.Session, world: CallLogServer, fault: faults.Fault):
    world.script(faults.error_status(503))
    expected = post(session, world, {}).json()
    world.misbehave(faults.error_status(503))
    world.misbehave(fault)

    assert post(session, world, {}).json() == expected


def test_changes_of_an_unreadable_page_leave_it_as_it_is(
    session: requests.Session, world: CallLogServer
):
    world.misbehave(faults.bad_number())
    expected = post(session, world, {}).content
    world.misbehave(faults.null_list())
    world.misbehave(faults.trailing_nuls())

    assert post(session, world, {}).content == expected


# Pages that a strict parser refuses.


@pytest.mark.parametrize(
    ("fault", "field", "raw"),
    [
        (faults.raw_newline(), "note", b'"first line\nsecond line"'),
        (faults.long_number(), "duration", b"9" * 4_301),
        (faults.deep_nesting(), "details", b"[" * 5_000 + b"]" * 5_000),
        (faults.bad_number(), "duration", b"5x1"),
        (faults.raw_value("note", b'"\xff"'), "note", b'"\xff"'),
    ],
    ids=["raw newline", "long number", "deep nesting", "damaged number", "invalid UTF-8"],
)
def test_one_row_cannot_be_parsed(
    session: requests.Session, world: CallLogServer, fault: faults.Fault, field: str, raw: bytes
):
    """The strict parser refuses the page; with a null in its place, all else is correct."""
    page = page_of(session, world)
    body = body_with(session, world, fault)
    with pytest.raises((ValueError, RecursionError)):
        json.loads(body)
    value = f'"{field}": '.encode() + raw
    assert body.count(value) == 1

    rows = json.loads(body.replace(value, f'"{field}": null'.encode()))["call_logs"]
    middle = len(rows) // 2
    assert rows[middle] == {**page["call_logs"][middle], field: None}
    assert rows[:middle] + rows[middle + 1 :] == [
        *page["call_logs"][:middle],
        *page["call_logs"][middle + 1 :],
    ]


def test_raw_value_of_a_chosen_row(session: requests.Session, world: CallLogServer):
    """A page without this row is unchanged."""
    page = page_of(session, world)
    first = json.loads(body_with(session, world, faults.raw_value("note", b'"x"', row=0)))
    none = json.loads(body_with(session, world, faults.raw_value("note", b'"x"', row=100)))

    assert first["call_logs"][0]["note"] == "x"
    assert first["call_logs"][1:] == page["call_logs"][1:]
    assert none == page


def test_half_surrogate_is_valid_json_but_no_valid_text(
    session: requests.Session, world: CallLogServer
):
    rows = json.loads(body_with(session, world, faults.half_surrogate()))["call_logs"]
    note = rows[len(rows) // 2]["note"]

    assert note == "before \ud83d after"
    with pytest.raises(UnicodeEncodeError):
        note.encode()


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe")]
)
def test_page_in_another_encoding_has_a_byte_order_mark(
    session: requests.Session, world: CallLogServer, encoding: str, mark: bytes
):
    correct = post(session, world, {}).content
    body = body_with(session, world, faults.encoded(encoding))

    assert body.startswith(mark)
    assert body.decode(encoding) == correct.decode()


def test_unknown_encoding_is_an_error_at_once():
    with pytest.raises(LookupError):
        faults.encoded("utf-17")


def test_nul_bytes_follow_the_page(session: requests.Session, world: CallLogServer):
    correct = post(session, world, {}).content

    assert body_with(session, world, faults.trailing_nuls(4)) == correct + b"\0\0\0\0"


# Echoes of a secret.

SECRET = "key/with+signs&more=1"


@pytest.mark.parametrize(
    ("style", "written"),
    [
        ("plain", "key/with+signs&more=1"),
        ("escaped", r"key\/with\u002Bsigns\u0026more\u003D1"),
        ("all escaped", "".join(f"\\u{ord(each):04x}" for each in SECRET)),
        ("url", "key%2Fwith%2Bsigns%26more%3D1"),
    ],
)
def test_error_echoes_a_secret_in_each_style(
    session: requests.Session, world: CallLogServer, style: str, written: str
):
    world.script(faults.echo(SECRET, style))
    answer = post(session, world, {})

    assert answer.status_code == 400
    assert written in answer.text
    assert SECRET in unquote(answer.json()["msg"])


def test_every_style_of_echo_is_valid_json(session: requests.Session, world: CallLogServer):
    text = 'quote " backslash \\ line\n'
    for style in faults.ECHOES:
        world.script(faults.echo(text, style, status=502))
        answer = post(session, world, {})

        assert answer.status_code == 502
        assert text in unquote(answer.json()["msg"])


# Phases that do not end.


def connect(world: CallLogServer) -> socket.socket:
    """A connection on which a request has been sent."""
    port = int(world.base_url.split(":")[2].split("/")[0])
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(
        b"POST /v1/shop.Etelecom/ListCallLogs HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    return connection


PHASES: list[tuple[Any, bytes]] = [
    (faults.drip_status_line, rb"HTTP/1\.1 200 OK+"),
    (faults.drip_headers, rb"HTTP/1\.1 200 OK\r\nX-Trace: x+"),
    (faults.endless_continue, rb"(HTTP/1\.1 100 Continue\r\n\r\n)+"),
    (faults.drip_chunk_size, rb"HTTP/1\.1 200 OK\r\n.*\r\n\r\n1;x+"),
    (faults.empty_gzip, rb"HTTP/1\.1 200 OK\r\n.*\r\n\r\na\r\n.{10}\r\n(5\r\n.{5}\r\n)+"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "pattern"), PHASES, ids=[each[0].__name__ for each in PHASES])
def test_endless_phase_sends_a_part_per_pause_until_the_client_leaves(
    world: CallLogServer, phase: Any, pattern: bytes
):
    world.script(phase(0.02))
    received, sizes = b"", []
    with connect(world) as connection:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            part = connection.recv(4096)
            assert part
            received += part
            sizes.append(len(part))

    assert re.fullmatch(pattern, received, re.DOTALL)
    assert len(sizes) >= 8
    world.script(faults.error_status(503))
    with connect(world) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 503")


def test_closing_the_server_ends_an_endless_phase(some_calls: pl.DataFrame):
    with serve(some_calls) as server:
        server.script(faults.drip_headers(0.01))
        connection = connect(server)
        assert connection.recv(10)
    with connection:
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass


def test_gzip_without_data_decodes_to_nothing(world: CallLogServer):
    world.script(faults.empty_gzip(0.001))
    port = int(world.base_url.split(":")[2].split("/")[0])
    with (
        requests.Session() as session,
        session.post(
            f"http://127.0.0.1:{port}/v1/shop.Etelecom/ListCallLogs",
            data=b"{}",
            stream=True,
            timeout=5,
        ) as answer,
    ):
        chunks = answer.raw.stream(16, decode_content=False)
        parts = [next(chunks) for _ in range(30)]

    data = b"".join(parts)
    assert len(data) > 100
    assert gzip.decompress(data[: 10 + 5 * 20] + b"\x03\x00" + bytes(8)) == b""


@pytest.mark.slow
def test_small_gzip_inflates_to_the_page_and_many_spaces(
    session: requests.Session, world: CallLogServer
):
    page = page_of(session, world)
    world.script(faults.inflating_gzip(40))
    with session.post(
        world.base_url + ".Etelecom/ListCallLogs",
        data=b"{}",
        headers={
            "Authorization": f"Bearer {world.api_key}",
            "Content-Type": "application/json",
        },
        stream=True,
        timeout=5,
    ) as answer:
        raw = answer.raw.read(decode_content=False)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(raw) < 100_000
    body = gzip.decompress(raw)
    assert len(body) > 40 << 20
    assert json.loads(body) == page


# The clock of the server.


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(hours=-3), timedelta(days=30)])
def test_date_header_follows_the_clock_offset(
    session: requests.Session, world: CallLogServer, offset: timedelta
):
    """Of correct answers and of errors."""
    world.clock_offset = offset
    world.script(faults.error_status(503))
    answers: list[requests.Response] = [post(session, world, {}) for _ in range(2)]
    now = datetime.now(UTC)
    world.forget()
    back: Row = dict(post(session, world, {}).headers)

    for answer in answers:
        moment = parsedate_to_datetime(answer.headers["Date"])
        assert abs(moment - (now + offset)) < timedelta(seconds=5)
    assert abs(parsedate_to_datetime(back["Date"]) - now) < timedelta(seconds=5)
