"""Client over real HTTP: requests, responses, retries, settings, and secrecy of the key."""

import email.utils
import json
import logging
import pickle
import socket
import ssl
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import trustme

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.simulator import Answer, CallLogServer, serve

ClientOf = Callable[..., et.Client]

SECRET = "sk-live-9f8e7d6c5b4a"
PAGE = {"call_logs": [], "paging": {"next": "", "prev": ""}}


def test_page_is_unchanged(client: et.Client, server: CallLogServer):
    page = client.list_calls(et.CallQuery(direction="in"), limit=7)

    assert len(page.call_logs) == 7
    assert {call["direction"] for call in page.call_logs} == {"in"}
    assert page.next
    assert json.loads(page.body)["paging"]["next"] == page.next
    assert not page.is_empty


def test_cursors_lead_to_the_next_and_the_previous_page(client: et.Client):
    first = client.list_calls(limit=5)
    second = client.list_calls(limit=5, after=first.next)

    assert client.list_calls(limit=5, before=second.prev).call_logs == first.call_logs
    assert client.list_calls(limit=5, after=".").call_logs == first.call_logs
    assert client.list_calls(limit=10).call_logs == first.call_logs + second.call_logs


def test_sort_by_start_is_oldest_first(client: et.Client):
    starts = [
        call["started_at"] for call in client.list_calls(limit=3, sort="started_at").call_logs
    ]

    assert [datetime.fromisoformat(start) for start in starts] == sorted(
        datetime.fromisoformat(start) for start in starts
    )


def test_only_set_fields_are_sent(client: et.Client, server: CallLogServer):
    client.list_calls(et.CallQuery(direction="out"), limit=1)

    request = server.requests[-1]
    assert request.path == "/v1/shop.Etelecom/ListCallLogs"
    assert request.body == {"filter": {"direction": "out"}, "paging": {"limit": 1}}
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"


@pytest.mark.parametrize("wrong", [{"limit": 101}, {"limit": -1}, {"after": "a", "before": "b"}])
def test_invalid_page_arguments_are_refused_without_a_request(
    wrong: dict[str, object], client: et.Client, server: CallLogServer
):
    with pytest.raises(errors.InputError):
        client.list_calls(**wrong)
    assert not server.requests


# Refusals: each has its own class and advice, and is not retried.


def test_wrong_key_error_names_the_source_of_the_key(client_of: ClientOf, server: CallLogServer):
    client = client_of(base_url=server.base_url, api_key=SECRET)

    with pytest.raises(
        errors.Unauthenticated, match=r"Check the key in Client's argument api_key"
    ) as caught:
        client.list_calls()
    assert caught.value.attempts == 1
    assert len(server.requests) == 1


def test_wrong_path_error_shows_the_address_and_the_other_spelling(
    client_of: ClientOf, server: CallLogServer
):
    client = client_of(base_url=server.base_url + "s", api_key=server.api_key)

    with pytest.raises(errors.BadRoute) as caught:
        client.list_calls()
    assert f"{server.base_url}s.Etelecom/ListCallLogs" in str(caught.value)
    assert ".ETelecom/ListCallLogs" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_argument", errors.BadRequest),
        (400, "malformed", errors.BadRequest),
        (400, "failed_precondition", errors.BadRequest),
        (401, "unauthenticated", errors.Unauthenticated),
        (403, "permission_denied", errors.PermissionDenied),
        (404, "bad_route", errors.BadRoute),
    ],
)
def test_refusal_is_not_retried(
    status: int, code: str, kind: type[errors.ApiError], client: et.Client, server: CallLogServer
):
    server.script(
        Answer(
            status=status,
            body={"code": code, "msg": "duration: must be positive", "meta": {"field": "duration"}},
        )
    )

    with pytest.raises(kind, match=r"duration: must be positive.*field") as caught:
        client.list_calls()
    assert (type(caught.value), caught.value.status, caught.value.code, caught.value.attempts) == (
        kind,
        status,
        code,
        1,
    )


def test_redirect_is_not_followed_with_the_key(client: et.Client, server: CallLogServer):
    with serve([]) as other_server:
        server.script(
            Answer(
                status=307, headers={"Location": f"{other_server.base_url}.Etelecom/ListCallLogs"}
            )
        )
        with pytest.raises(errors.BadRoute, match="redirects are not followed"):
            client.list_calls()
        assert not other_server.requests


# Transient errors: retried within bounds.


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_two_transient_errors_and_then_success(
    status: int, client: et.Client, server: CallLogServer, waits: list[float]
):
    fault = Answer(status=status, body={"code": "unavailable", "msg": "try later"})
    server.script(fault, fault)

    assert len(client.list_calls(limit=2).call_logs) == 2
    assert len(server.requests) == 3
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            Answer(body=b"<html>\n<body>Bad gateway", content_type="text/html"),
            errors.Unreadable,
            "<html>",
        ),
        (Answer(body=b""), errors.Unreadable, "an empty body"),
        (Answer(body=b'{"call_logs": [{"id"'), errors.Unreadable, '{"call_logs"'),
        (Answer(body=b"[]"), errors.Unreadable, r"\[\]"),
        (Answer(body=b'{"call_logs": []}'), errors.Unreadable, "no paging"),
        (Answer(body={"call_logs": {}, "paging": {}}), errors.Unreadable, "not a list"),
        (
            Answer(body=b'{"call_logs": [{"id": "1",}], "paging": {"next": "", "prev": ""}}'),
            errors.Unreadable,
            "call_logs",
        ),
        (Answer(body=b"[" * 100_000), errors.Unreadable, r"\["),
        (
            Answer(status=503, body=b"upstream connect error"),
            errors.Unavailable,
            "503: upstream connect error",
        ),
        (Answer(body=PAGE, cut_after=12), errors.NoAnswer, "closed in the middle"),
        (Answer(body=PAGE, cut_after=0), errors.NoAnswer, "closed"),
    ],
    ids=[
        "html",
        "empty",
        "truncated JSON",
        "list",
        "no paging",
        "rows not a list",
        "invalid row",
        "deep",
        "503",
        "connection closed in the body",
        "connection closed before the body",
    ],
)
def test_invalid_response_is_retried_and_reported_after_the_last_attempt(
    answer: Answer,
    kind: type[errors.ApiError],
    message: str,
    client: et.Client,
    server: CallLogServer,
):
    server.script(answer)
    assert len(client.list_calls(limit=1).call_logs) == 1

    server.script(*[answer] * 6)
    with pytest.raises(kind, match=message) as caught:
        client.list_calls()
    assert caught.value.attempts == 6
    assert "after 6 attempts" in str(caught.value)


def test_closed_port_is_reported_as_refused_connection(client_of: ClientOf):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = client_of(
            base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1/shop", api_key=SECRET
        )

        with pytest.raises(
            errors.NoAnswer, match=r"Connection refused.*Check the network and the address"
        ) as caught:
            client.list_calls()
    assert caught.value.attempts == 6


@pytest.mark.slow
def test_silent_server_times_out(client_of: ClientOf, server: CallLogServer):
    server.script(*[Answer(body=PAGE, delay_s=0.6)] * 2)

    with pytest.raises(errors.NoAnswer, match="no further data within"):
        client_of(server, timeouts_s=(1.0, 0.2), retry=et.Retry(attempts=2)).list_calls()


@pytest.mark.slow
def test_slow_response_ends_at_the_total_time(client_of: ClientOf):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = client_of(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1/shop",
            api_key=SECRET,
            retry=et.Retry(attempts=1, total_s=0.5),
        )
        began = time.monotonic()
        with _SlowServer(listener), pytest.raises(errors.NoAnswer, match="no further data"):
            client.list_calls()
    assert time.monotonic() - began < 3


class _SlowServer:
    """A server that sends its headers, and then one byte every 50 ms."""

    def __init__(self, listener: socket.socket) -> None:
        from threading import Event, Thread

        self._stopped = Event()
        self._thread = Thread(target=self._send_slowly, args=(listener,), daemon=True)

    def _send_slowly(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\n"
                b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
            )
            while not self._stopped.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()


# Retry-After is always respected.


def test_retry_after_in_seconds(client: et.Client, server: CallLogServer, waits: list[float]):
    server.script(
        Answer(
            status=429,
            headers={"Retry-After": "17"},
            body={"code": "resource_exhausted", "msg": "slow down"},
        )
    )

    client.list_calls(limit=1)
    assert waits == [17]


def test_retry_after_as_a_date_is_relative_to_the_clock_of_the_server(
    client: et.Client, server: CallLogServer, waits: list[float]
):
    until = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.script(Answer(status=503, headers={"Retry-After": until}))

    client.list_calls(limit=1)
    assert 28 <= waits[0] <= 31


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "-5",
        "nan",
        "Mon, 99 Nov 2026 00:00:00 GMT",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
    ],
)
def test_invalid_retry_after_is_ignored(
    value: str, client: et.Client, server: CallLogServer, waits: list[float]
):
    server.script(Answer(status=503, headers={"Retry-After": value}))

    client.list_calls(limit=1)
    assert 0.25 <= waits[0] <= 0.5


def test_wait_beyond_the_total_time_ends_the_attempts(
    client: et.Client, server: CallLogServer, waits: list[float]
):
    server.script(Answer(status=429, headers={"Retry-After": "3600"}))

    with pytest.raises(errors.RateLimited, match="The server asks to wait 3600 s"):
        client.list_calls(limit=1)
    assert waits == []


def test_retry_is_logged(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    server.script(Answer(status=503))

    client.list_calls(limit=1)
    assert "retrying in" in caplog.text


# The key.


def _all_text_of(error: BaseException) -> str:
    """All text of an error: message, repr, pickle, and traceback with local variables."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(
        [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *trace.format()]
    )


KEYS = [
    "sk-live-9f8e7d6c5b4a",
    "sk-live-1234567890-abcdef",
    "0912345678",
    'quoted"and\\slashed/key',
]
ECHOES: dict[str, Callable[[str], Answer]] = {
    "in msg": lambda key: Answer(
        status=401, body={"code": "unauthenticated", "msg": f"no such key: {key}"}
    ),
    "in code": lambda key: Answer(status=400, body={"code": f"bad {key}", "msg": "x"}),
    "in meta": lambda key: Answer(status=400, body={"code": "x", "msg": "x", "meta": {"key": key}}),
    "truncated": lambda key: Answer(status=401, body={"code": "x", "msg": "x" * 150 + key}),
    "html": lambda key: Answer(body=f"<p>{key}</p>".encode()),
    "location": lambda key: Answer(
        status=302, headers={"Location": f"https://elsewhere.example/{key}"}
    ),
    "gateway": lambda key: Answer(status=502, body=f"upstream refused {key}".encode()),
    "truncated body": lambda key: Answer(body={"key": key}, cut_after=3),
    "wrong key": lambda key: Answer(status=401, body={"code": "unauthenticated", "msg": "no"}),
}


def _parts(key: str) -> list[str]:
    """The key, and each part of it with eight characters."""
    return [key, *(key[start : start + 8] for start in range(len(key) - 7))]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", ECHOES)
def test_key_is_in_no_message_repr_log_or_traceback(
    fault: str,
    key: str,
    client_of: ClientOf,
    server: CallLogServer,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    client = client_of(base_url=server.base_url, api_key=key, retry=et.Retry(attempts=2))
    server.script(*[ECHOES[fault](key)] * 2)

    with pytest.raises(errors.ApiError) as caught:
        client.list_calls()
    assert caught.value.__context__ is None
    # The first frame is that of this test, whose variables contain the key.
    caught.value.__traceback__ = caught.value.__traceback__ and caught.value.__traceback__.tb_next
    text = _all_text_of(caught.value) + caplog.text + repr(client) + repr(vars(client))
    assert [part for part in _parts(key) if part in text] == []


def test_key_is_in_no_traceback_of_a_closed_port_or_of_invalid_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    for address in ("http://127.0.0.1:9/v1/shop", "http://pbx.example/v1/shop", ""):
        (tmp_path / ".env").write_text(f"ETELECOM_BASE_URL={address}\nETELECOM_API_KEY={SECRET}\n")
        with pytest.raises(errors.EtelecomError) as caught:
            et.Client.from_env(retry=et.Retry(attempts=1)).list_calls()
        assert SECRET not in _all_text_of(caught.value)


def test_client_cannot_be_pickled(client: et.Client):
    with pytest.raises(TypeError, match="contains a key"):
        pickle.dumps(client)


def test_no_message_contains_a_phone_number(client: et.Client, server: CallLogServer):
    server.script(
        Answer(
            status=400,
            body={
                "code": "bad 0900000001",
                "msg": "x" * 155 + "0900000001",
                "meta": {"number": "+84 900 000 001"},
            },
        ),
        Answer(
            status=302, headers={"Location": "https://elsewhere.example/?n=0900000001" + "z" * 3000}
        ),
        Answer(status=400, body=b"\x1b]0;pwned\x07 090/000/0001\nsecond line"),
    )
    for _ in range(3):
        with pytest.raises(errors.ApiError) as caught:
            client.list_calls()
        message = str(caught.value)
        assert "90000" not in message.replace(" ", "").replace("/", "")
        assert len(message) < 900
        assert message.isprintable()


def test_invalid_key_is_refused_and_not_shown():
    for key in ("", "  ", "two words", "line\nbreak", "khóa"):
        with pytest.raises(errors.SettingError) as caught:
            et.Client("https://pbx.example/v1/shop", key)
        assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pbx.example/v1",
        "ftp://pbx.example",
        "http://pbx.example/v1/shop",
        "https://me:pw@pbx.example/v1",
        "https://pbx.example/v1?x=1",
        "https://[::1",
        "https://pbx.example",  # with the service name appended, another host
        "https://pbx.example:443/",
        "https://pbx.example:99999",
        "https://pbx.example:abc",
        "https://pbx example/v1",
    ],
)
def test_unsafe_address_is_refused(address: str):
    with pytest.raises(errors.SettingError, match="ETELECOM_BASE_URL"):
        et.Client(address, SECRET)


def test_certificates_are_always_checked(
    client_of: ClientOf, calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A server with an unknown certificate gets no request; one that the user trusts does."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with serve(calls.head(3), tls=context) as server:
        client = client_of(base_url=server.base_url, api_key=server.api_key)
        with pytest.raises(errors.BadCertificate, match="REQUESTS_CA_BUNDLE") as caught:
            client.list_calls()
        assert caught.value.attempts == 1
        assert not server.requests
        authority.cert_pem.write_to_path(str(tmp_path / "company.pem"))
        client._session.verify = str(tmp_path / "company.pem")
        assert len(client.list_calls().call_logs) == 3


def test_server_without_tls_is_not_reported_as_a_bad_certificate(
    client_of: ClientOf, server: CallLogServer
):
    client = client_of(
        base_url=server.base_url.replace("http://", "https://"),
        api_key=SECRET,
        retry=et.Retry(attempts=1),
    )

    with pytest.raises(errors.NoAnswer, match=r"(?i)ssl") as caught:
        client.list_calls()
    assert not isinstance(caught.value, errors.BadCertificate)


def test_requests_to_this_machine_use_no_proxy(
    monkeypatch: pytest.MonkeyPatch, client_of: ClientOf, server: CallLogServer
):
    with serve([]) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url.split("/v1")[0])

        assert client_of(server).list_calls(limit=1).call_logs
        assert not proxy.requests


# Settings.


def test_settings_are_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, server: CallLogServer, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url + "/")
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)

    with et.Client.from_env() as client:
        assert client.list_calls(limit=1).call_logs
        assert repr(client) == f"Client({server.base_url!r}, <API key from ETELECOM_API_KEY>)"


def test_dotenv_file_is_read_and_the_environment_has_priority(
    monkeypatch: pytest.MonkeyPatch, server: CallLogServer, tmp_path: Path
):
    (tmp_path / ".env").write_text(f"ETELECOM_BASE_URL={server.base_url}\nETELECOM_API_KEY=wrong\n")
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")

    with (
        et.Client.from_env(retry=et.Retry(attempts=1)) as client,
        pytest.raises(errors.Unauthenticated, match=r"ETELECOM_API_KEY in .*\.env"),
    ):
        client.list_calls()
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)
    with et.Client.from_env() as client:
        assert client.list_calls(limit=1).call_logs


def test_dotenv_file_in_another_encoding_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """PowerShell's `>` writes UTF-16."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes("ETELECOM_API_KEY=x\n".encode("utf-16"))

    with pytest.raises(errors.SettingError, match="save it as UTF-8"):
        et.Client.from_env()


@pytest.mark.parametrize("missing", ["ETELECOM_BASE_URL", "ETELECOM_API_KEY"])
def test_missing_setting_is_named(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", "https://pbx.example/v1/shop")
    monkeypatch.setenv("ETELECOM_API_KEY", SECRET)
    monkeypatch.delenv(missing)

    with pytest.raises(errors.SettingError, match=f"{missing} is not set"):
        et.Client.from_env()
