"""Bounds of a response, errors that are not retried, secrets, proxies and certificates."""

import http.client
import logging
import pickle
import re
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.simulator import CallLogServer, faults, serve

ClientOf = Callable[..., et.Client]
SECRET = "sk-live+9f8e/7d6c&5b4a=="
LONG_SECRET = "sk-live-" + "0123456789abcdef" * 8
PASSWORD = "s3cr3t"
PAGE = {"call_logs": [], "paging": {"next": "", "prev": ""}}


def all_text_of(error: BaseException) -> str:
    """All text of an error and its contexts: messages, pickles, tracebacks with local variables."""
    # The frame of the test itself has the secret.
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error))]
    return "".join([*parts, *trace.format()])


# Bounds.


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        faults.drip_status_line(),
        faults.drip_headers(),
        faults.endless_continue(),
        faults.drip_chunk_size(),
        faults.empty_gzip(),
        faults.slow_body(20),
        faults.late(20),
    ],
    ids=["status line", "headers", "100 Continue", "chunk size", "empty gzip", "body", "silence"],
)
def test_total_time_holds_in_every_phase(
    fault: faults.Fault, client_of: ClientOf, server: CallLogServer
):
    server.misbehave(fault)
    client = client_of(server, retry=et.Retry(total_s=0.7))
    began = time.monotonic()
    with pytest.raises(errors.NoAnswer):
        client.list_calls()

    assert time.monotonic() - began < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [70, 400])
def test_body_that_inflates_beyond_the_limit_is_refused(
    megabytes: int, client_of: ClientOf, server: CallLogServer
):
    server.misbehave(faults.inflating_gzip(megabytes))
    with pytest.raises(errors.Unreadable, match="more than 64,000,000 bytes"):
        client_of(server, retry=et.Retry(attempts=1)).list_calls()


def test_limit_of_a_body_is_a_setting(client_of: ClientOf, server: CallLogServer):
    with pytest.raises(errors.Unreadable, match="more than 5,000 bytes"):
        client_of(server, retry=et.Retry(attempts=1), max_body_bytes=5_000).list_calls()
    assert client_of(server, max_body_bytes=500_000).list_calls().call_logs


def test_compressed_page_is_read(client: et.Client, server: CallLogServer):
    expected = client.list_calls().body
    server.misbehave(faults.inflating_gzip(1))

    assert client.list_calls().body.strip() == expected


def test_cookies_are_not_kept(client: et.Client, server: CallLogServer):
    server.script(faults.Answer(body=PAGE, headers={"Set-Cookie": "session=abc; Path=/"}))
    client.list_calls()
    client.list_calls()

    assert "cookie" not in server.requests[-1].headers
    assert not client._session.cookies


# Only what can pass is retried.


class Proxy:
    """A proxy that refuses every request with one answer, and counts them."""

    def __init__(self, answer: bytes) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65536))
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def refusing_proxy() -> Iterator[Proxy]:
    proxy = Proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    yield proxy
    proxy.close()


REMOTE = "https://pbx.example/v1/shop"


def test_refused_proxy_password_is_not_tried_again(
    refusing_proxy: Proxy, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:{refusing_proxy.port}")
    with pytest.raises(errors.SettingError, match=r"HTTPS_PROXY \(407\)") as caught:
        client_of(base_url=REMOTE, api_key=SECRET).list_calls()

    assert len(refusing_proxy.requests) == 1
    assert PASSWORD not in all_text_of(caught.value)


def test_missing_socks_support_is_a_setting(client_of: ClientOf, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:9")
    monkeypatch.setitem(__import__("sys").modules, "socks", None)
    with pytest.raises(errors.EtelecomError) as caught:
        client_of(base_url=REMOTE, api_key=SECRET, retry=et.Retry(attempts=2)).list_calls()

    assert isinstance(caught.value, errors.SettingError), caught.value
    assert "https_proxy" in str(caught.value)
    assert "requests[socks]" in str(caught.value)


def test_server_without_tls_is_not_tried_again(client_of: ClientOf, server: CallLogServer):
    client = client_of(base_url=server.base_url.replace("http://", "https://"), api_key=SECRET)
    with pytest.raises(errors.NoAnswer, match="SSL/TLS") as caught:
        client.list_calls()

    assert caught.value.attempts == 1


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
@pytest.mark.parametrize("host", ["https://localhost:9/v1/shop", "https://127.0.0.1:9/v1/shop"])
def test_unusable_certificates_are_reported_by_variable(
    variable: str,
    content: str | None,
    host: str,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    bundle = tmp_path / "company.pem"
    if content:
        bundle.write_text(content)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(bundle))
    with pytest.raises(errors.SettingError, match=f"{variable} does not name a file"):
        client_of(base_url=host, api_key=SECRET, retry=et.Retry(attempts=2)).list_calls()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_hold_on_this_machine(
    variable: str, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "company.pem"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with serve([], tls=context) as server:
        with pytest.raises(errors.BadCertificate):
            client_of(server, retry=et.Retry(attempts=2)).list_calls()
        monkeypatch.setenv(variable, str(tmp_path / "company.pem"))
        assert client_of(server).list_calls().is_empty


def test_message_names_the_variable_that_is_read(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with serve([], tls=context) as server:
        with pytest.raises(errors.BadCertificate, match="SSL_CERT_FILE is not read"):
            client_of(server).list_calls()
        monkeypatch.setenv("CURL_CA_BUNDLE", str(other))
        with pytest.raises(errors.BadCertificate, match="those of CURL_CA_BUNDLE"):
            client_of(server).list_calls()


# Secrets.


def _escaped(key: str) -> dict[str, str]:
    return {
        "plain": key,
        "slashes": key.replace("/", r"\/"),
        "unicode": "".join(
            letter if letter.isalnum() else f"\\u{ord(letter):04x}" for letter in key
        ),
        "upper case": "".join(
            letter if letter.isalnum() else f"\\u{ord(letter):04X}" for letter in key
        ),
        "all escaped": "".join(f"\\u{ord(letter):04x}" for letter in key),
        "URL": quote(key, safe=""),
        "lower case URL": re.sub(r"%..", lambda match: match[0].lower(), quote(key, safe="")),
    }


@pytest.mark.slow
@pytest.mark.parametrize("form", _escaped(SECRET))
@pytest.mark.parametrize("key", [SECRET, LONG_SECRET], ids=["short", "long"])
@pytest.mark.parametrize("status", [400, 200, 502])
def test_echoed_key_is_in_no_text_of_an_error(
    status: int,
    key: str,
    form: str,
    client_of: ClientOf,
    server: CallLogServer,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    echo = _escaped(key)[form]
    body = f'{{"code": "x", "msg": "no key {echo}", "paging": {{"next": "{echo}"}}}}'
    server.misbehave(faults.Answer(status=status, body=body.encode()))
    client = client_of(base_url=server.base_url, api_key=key, retry=et.Retry(attempts=2))
    with pytest.raises(errors.ApiError) as caught:
        client.list_calls()

    text = all_text_of(caught.value) + caplog.text + repr(vars(client))
    parts = [echo, key, *(key[begin : begin + 12] for begin in range(len(key) - 11))]
    assert [part for part in parts if part in text] == []


def test_key_in_a_page_is_in_no_cursor_example_report_or_snapshot(
    client_of: ClientOf, server: CallLogServer, tmp_path: Path
):
    key = server.api_key
    rows = client_of(server).list_calls(limit=2).call_logs
    rows[0] |= {"direction": key, "note": key, key: 1}
    first = {"call_logs": rows, "paging": {"next": f"after-{key}", "prev": ""}}
    server.script(faults.Answer(body=first), faults.Answer(body=PAGE))
    logs = et.fetch_calls(client_of(server), progress=False)

    et.write_snapshot(logs, tmp_path / "snapshot")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "snapshot").iterdir())
    text = repr(logs.report.to_dict()) + repr(logs.calls.rows()) + server.requests[-1].after
    assert key not in text
    assert key.encode() not in stored


def test_key_and_address_that_are_swapped_are_not_shown():
    address = "https://pbx.example/v1/shop"
    for base_url, api_key in ((SECRET, address), (LONG_SECRET, address), (SECRET, SECRET)):
        with pytest.raises(errors.SettingError) as caught:
            et.Client(base_url, api_key)
        text = all_text_of(caught.value)
        assert SECRET not in text
        assert LONG_SECRET[:60] not in text


def test_key_in_the_address_is_not_shown(client_of: ClientOf, server: CallLogServer):
    server.misbehave(faults.error_status(400))
    client = client_of(base_url=f"{server.base_url}/{LONG_SECRET}", api_key=LONG_SECRET)
    with pytest.raises(errors.ApiError) as caught:
        client.list_calls()

    assert LONG_SECRET not in str(caught.value) + repr(client)


def test_slices_of_the_key_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Tools that print local variables shorten long texts, so that slices appear."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        f"ETELECOM_BASE_URL=http://pbx.example/v1/shop\nETELECOM_API_KEY={LONG_SECRET}\n"
    )
    with pytest.raises(errors.SettingError) as caught:
        et.Client.from_env()

    trace = caught.value.__traceback__
    while trace := trace and trace.tb_next:
        for value in trace.tb_frame.f_locals.values():
            items = value if isinstance(value, tuple | list) else [value]
            assert not any(isinstance(item, str) and LONG_SECRET[:20] in item for item in items)


def test_debug_output_of_the_http_library_stays_off(
    client_of: ClientOf,
    server: CallLogServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    client_of(server).list_calls(limit=1)

    assert server.api_key not in capsys.readouterr().out


def test_message_does_not_read_an_exception_of_the_caller(client_of: ClientOf):
    client = client_of(
        base_url="http://127.0.0.1:9/v1/shop", api_key=SECRET, retry=et.Retry(attempts=1)
    )
    try:
        raise ValueError("my own password")
    except ValueError:
        with pytest.raises(errors.NoAnswer) as caught:
            client.list_calls()

    assert "password" not in str(caught.value)
    assert "Connection refused" in caught.value.message


# Proxies and .env files.


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{PASSWORD}#x@proxy:8080",
        f"http://user:{PASSWORD}[@proxy:8080",
        f"http://user:{PASSWORD}/x@proxy:8080",
        f"http://user:{PASSWORD}?x@proxy:8080",
        f"http://user:{PASSWORD} x@proxy:8080",
        f"http://user:{PASSWORD}@proxy:port",
        f"http://user:{PASSWORD}\\x@proxy:8080",
        f"ftp://user:{PASSWORD}@proxy:8080",
        f"user:{PASSWORD}@proxy:8080",
    ],
)
def test_malformed_proxy_is_named_without_its_value(
    variable: str, address: str, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, address)
    with pytest.raises(errors.SettingError, match=f"{variable} is not a valid address") as caught:
        client_of(base_url=REMOTE, api_key=SECRET, retry=et.Retry(attempts=2)).list_calls()

    assert "%23" in str(caught.value)
    assert PASSWORD not in all_text_of(caught.value)


@pytest.mark.parametrize("key", ["ab#cd-123456", "#abcd-123456", "${HOME}-123456", "$(id)-12345"])
@pytest.mark.parametrize("quoted", [False, True])
def test_key_in_a_dotenv_file_is_literal(
    key: str, quoted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    with serve([], api_key=key) as server:
        text = f'"{key}"' if quoted else key
        (tmp_path / ".env").write_text(
            f"ETELECOM_BASE_URL={server.base_url}\nETELECOM_API_KEY={text}\n"
        )
        with et.Client.from_env() as client:
            assert client.list_calls().is_empty
