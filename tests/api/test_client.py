"""Client over real HTTP: what it sends, what it takes for an answer, when it asks again, and that it keeps the key to itself."""

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


def test_a_page_is_as_the_api_gives_it(client: et.Client, server: CallLogServer):
    page = client.list_calls(et.CallQuery(direction="in"), limit=7)

    assert len(page.call_logs) == 7
    assert {call["direction"] for call in page.call_logs} == {"in"}
    assert page.next
    assert json.loads(page.body)["paging"]["next"] == page.next
    assert not page.is_empty


def test_cursors_lead_forth_and_back(client: et.Client):
    first = client.list_calls(limit=5)
    second = client.list_calls(limit=5, after=first.next)

    assert client.list_calls(limit=5, before=second.prev).call_logs == first.call_logs
    assert client.list_calls(limit=5, after=".").call_logs == first.call_logs
    assert client.list_calls(limit=10).call_logs == first.call_logs + second.call_logs


def test_oldest_first_is_the_other_way_round(client: et.Client):
    starts = [
        call["started_at"] for call in client.list_calls(limit=3, sort="started_at").call_logs
    ]

    assert [datetime.fromisoformat(start) for start in starts] == sorted(
        datetime.fromisoformat(start) for start in starts
    )


def test_only_the_fields_that_are_set_are_sent(client: et.Client, server: CallLogServer):
    client.list_calls(et.CallQuery(direction="out"), limit=1)

    received = server.requests[-1]
    assert received.path == "/v1/shop.Etelecom/ListCallLogs"
    assert received.body == {"filter": {"direction": "out"}, "paging": {"limit": 1}}
    assert received.headers["content-type"] == received.headers["accept"] == "application/json"


@pytest.mark.parametrize("wrong", [{"limit": 101}, {"limit": -1}, {"after": "a", "before": "b"}])
def test_a_wrong_page_is_refused_before_it_is_asked_for(
    wrong: dict[str, object], client: et.Client, server: CallLogServer
):
    with pytest.raises(errors.InputError):
        client.list_calls(**wrong)
    assert not server.requests


# Refusals: each has its own class, is asked once, and says what to do.


def test_a_wrong_key_names_where_it_came_from(client_of: ClientOf, server: CallLogServer):
    client = client_of(base_url=server.base_url, api_key=SECRET)

    with pytest.raises(
        errors.Unauthenticated, match=r"Check the key in Client's argument api_key"
    ) as caught:
        client.list_calls()
    assert caught.value.attempts == 1
    assert len(server.requests) == 1


def test_a_wrong_path_shows_the_address_and_the_other_spelling(
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
def test_a_refusal_is_raised_at_once(
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


def test_a_redirect_is_not_followed_with_the_key(client: et.Client, server: CallLogServer):
    with serve([]) as elsewhere:
        server.script(
            Answer(status=307, headers={"Location": f"{elsewhere.base_url}.Etelecom/ListCallLogs"})
        )
        with pytest.raises(errors.BadRoute, match="sends us elsewhere"):
            client.list_calls()
        assert not elsewhere.requests


# Faults that pass: asked again, within bounds.


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_two_faults_that_pass_and_then_success(
    status: int, client: et.Client, server: CallLogServer, waits: list[float]
):
    fault = Answer(status=status, body={"code": "unavailable", "msg": "try later"})
    server.script(fault, fault)

    assert len(client.list_calls(limit=2).call_logs) == 2
    assert len(server.requests) == 3
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
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
        (Answer(body=PAGE, cut_after=12), errors.NoAnswer, "cut in the middle"),
        (Answer(body=PAGE, cut_after=0), errors.NoAnswer, "cut|closed"),
    ],
    ids=[
        "html",
        "empty",
        "half",
        "list",
        "no paging",
        "no list",
        "broken row",
        "deep",
        "503",
        "cut",
        "cut at once",
    ],
)
def test_what_is_no_answer_is_asked_for_again_and_told_in_the_end(
    answer: Answer, kind: type[errors.ApiError], says: str, client: et.Client, server: CallLogServer
):
    server.script(answer)
    assert len(client.list_calls(limit=1).call_logs) == 1

    server.script(*[answer] * 6)
    with pytest.raises(kind, match=says) as caught:
        client.list_calls()
    assert caught.value.attempts == 6
    assert "after 6 attempts" in str(caught.value)


def test_a_dead_port_says_that_nobody_is_there(client_of: ClientOf):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = client_of(
            base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1/shop", api_key=SECRET
        )

        with pytest.raises(
            errors.NoAnswer, match=r"Connection refused.*Check the network and the address"
        ) as caught:
            client.list_calls()
    assert caught.value.attempts == 6


def test_a_server_that_is_silent_times_out(client_of: ClientOf, server: CallLogServer):
    server.script(*[Answer(body=PAGE, delay_s=0.6)] * 2)

    with pytest.raises(errors.NoAnswer, match="nothing more came within"):
        client_of(server, timeouts_s=(1.0, 0.2), retry=et.Retry(attempts=2)).list_calls()


def test_a_server_that_drips_is_left_when_the_time_is_over(client_of: ClientOf):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = client_of(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1/shop",
            api_key=SECRET,
            retry=et.Retry(attempts=1, total_s=0.5),
        )
        began = time.monotonic()
        with _dripping(listener), pytest.raises(errors.NoAnswer, match="nothing more came"):
            client.list_calls()
    assert time.monotonic() - began < 3


class _dripping:  # reads as a verb  # noqa: N801
    """A server that sends its headers, and then a byte every 50 ms for longer than anybody would wait."""

    def __init__(self, listener: socket.socket) -> None:
        from threading import Event, Thread

        self._over = Event()
        self._thread = Thread(target=self._drip, args=(listener,), daemon=True)

    def _drip(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
            )
            while not self._over.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *caught: object) -> None:
        self._over.set()
        self._thread.join()


# Retry-After is never undercut.


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


def test_retry_after_as_a_date_by_the_servers_own_clock(
    client: et.Client, server: CallLogServer, waits: list[float]
):
    until = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.script(Answer(status=503, headers={"Retry-After": until}))

    client.list_calls(limit=1)
    assert 28 <= waits[0] <= 31


@pytest.mark.parametrize(
    "nonsense",
    [
        "soon",
        "-5",
        "nan",
        "Mon, 99 Nov 2026 00:00:00 GMT",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
    ],
)
def test_a_retry_after_that_cannot_be_read_falls_back_to_our_own_wait(
    nonsense: str, client: et.Client, server: CallLogServer, waits: list[float]
):
    server.script(Answer(status=503, headers={"Retry-After": nonsense}))

    client.list_calls(limit=1)
    assert 0.25 <= waits[0] <= 0.5


def test_a_wait_longer_than_we_have_is_not_begun(
    client: et.Client, server: CallLogServer, waits: list[float]
):
    server.script(Answer(status=429, headers={"Retry-After": "3600"}))

    with pytest.raises(errors.RateLimited, match="The server asks to wait 3600 s"):
        client.list_calls(limit=1)
    assert waits == []


def test_a_retry_is_told_in_the_log(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    server.script(Answer(status=503))

    client.list_calls(limit=1)
    assert "asking again in" in caplog.text


# The key.


def _every_trace_of(error: BaseException) -> str:
    """Whatever of an error may be printed: message, repr, pickle, the traceback with all local variables."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(
        [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *told.format()]
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
    "cut": lambda key: Answer(status=401, body={"code": "x", "msg": "x" * 150 + key}),
    "html": lambda key: Answer(body=f"<p>{key}</p>".encode()),
    "location": lambda key: Answer(
        status=302, headers={"Location": f"https://elsewhere.example/{key}"}
    ),
    "gateway": lambda key: Answer(status=502, body=f"upstream refused {key}".encode()),
    "cut body": lambda key: Answer(body={"key": key}, cut_after=3),
    "wrong key": lambda key: Answer(status=401, body={"code": "unauthenticated", "msg": "no"}),
}


def _parts(key: str) -> list[str]:
    """The key, and every piece of eight characters of it."""
    return [key, *(key[at : at + 8] for at in range(len(key) - 7))]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", ECHOES)
def test_the_key_is_in_no_message_repr_log_or_traceback(
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
    # The first frame is this test's own, which knows the key.
    caught.value.__traceback__ = caught.value.__traceback__ and caught.value.__traceback__.tb_next
    told = _every_trace_of(caught.value) + caplog.text + repr(client) + repr(vars(client))
    assert [part for part in _parts(key) if part in told] == []


def test_the_key_is_in_no_traceback_of_a_dead_server_or_of_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    for address in ("http://127.0.0.1:9/v1/shop", "http://pbx.example/v1/shop", ""):
        (tmp_path / ".env").write_text(f"ETELECOM_BASE_URL={address}\nETELECOM_API_KEY={SECRET}\n")
        with pytest.raises(errors.EtelecomError) as caught:
            et.Client.from_env(retry=et.Retry(attempts=1)).list_calls()
        assert SECRET not in _every_trace_of(caught.value)


def test_a_client_is_not_pickled_with_its_key(client: et.Client):
    with pytest.raises(TypeError, match="holds a key"):
        pickle.dumps(client)


def test_no_message_holds_a_phone_number(client: et.Client, server: CallLogServer):
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
        told = str(caught.value)
        assert "90000" not in told.replace(" ", "").replace("/", "")
        assert len(told) < 900
        assert told.isprintable()


def test_a_key_that_is_none_is_refused_without_showing_it():
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
        "https://pbx.example",  # with the service's name behind it, another host
        "https://pbx.example:443/",
        "https://pbx.example:99999",
        "https://pbx.example:abc",
        "https://pbx example/v1",
    ],
)
def test_an_address_to_which_no_key_may_be_sent(address: str):
    with pytest.raises(errors.SettingError, match="ETELECOM_BASE_URL"):
        et.Client(address, SECRET)


def test_certificates_are_always_checked(
    client_of: ClientOf, calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A server with a certificate that nobody vouches for gets nothing; one that the user vouches for is talked to."""
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


def test_a_server_without_tls_is_told_apart_from_one_with_a_bad_certificate(
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


def test_a_proxy_sees_nothing_of_what_goes_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, client_of: ClientOf, server: CallLogServer
):
    with serve([]) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url.split("/v1")[0])

        assert client_of(server).list_calls(limit=1).call_logs
        assert not proxy.requests


# Settings.


def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, server: CallLogServer, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url + "/")
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)

    with et.Client.from_env() as client:
        assert client.list_calls(limit=1).call_logs
        assert repr(client) == f"Client({server.base_url!r}, <API key from ETELECOM_API_KEY>)"


def test_a_dotenv_file_is_honoured_and_the_environment_goes_first(
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


def test_a_dotenv_file_that_is_no_text_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """PowerShell's `>` writes UTF-16."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes("ETELECOM_API_KEY=x\n".encode("utf-16"))

    with pytest.raises(errors.SettingError, match="save it as UTF-8"):
        et.Client.from_env()


@pytest.mark.parametrize("missing", ["ETELECOM_BASE_URL", "ETELECOM_API_KEY"])
def test_a_missing_setting_is_named(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", "https://pbx.example/v1/shop")
    monkeypatch.setenv("ETELECOM_API_KEY", SECRET)
    monkeypatch.delenv(missing)

    with pytest.raises(errors.SettingError, match=f"{missing} is not set"):
        et.Client.from_env()
