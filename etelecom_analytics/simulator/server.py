"""ListCallLogs on loopback, over real HTTP: well-behaved, or as badly as a script says."""

import json
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any

import polars as pl

from ..errors import InputError
from .rows import wire_rows
from .service import CallLogService, Refusal

__all__ = ["API_KEY", "Answer", "CallLogServer", "Received", "serve"]

API_KEY = "simulated-key-0123456789"
_BASE_PATH = "/v1/shop"
_METHOD_PATH = f"{_BASE_PATH}.Etelecom/ListCallLogs"

Rewrite = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""(request, answer) -> the answer that is sent instead."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of a bad world, given instead of the right one.

    Attributes:
        status: HTTP status.
        headers: beside Content-Type and Content-Length.
        body: bytes as they are, or an object that becomes JSON.
        content_type: what the body claims to be.
        cut_after: send only so many bytes of the body and close the connection, though Content-Length promises all of it.
        delay_s: seconds to wait before answering.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Mapping[str, Any] = b""
    content_type: str = "application/json"
    cut_after: int | None = None
    delay_s: float = 0.0


@dataclass(frozen=True)
class Received:
    """One request that came: its path, its headers without the key, and its body if it was JSON."""

    path: str
    headers: Mapping[str, str]
    body: Any


class CallLogServer:
    """A running server; a context manager that stops it.

    Attributes:
        base_url: what a client is given; it ends before the dot.
        api_key: the key that it takes.
        requests: what it received so far.
    """

    def __init__(self, service: CallLogService, *, port: int, api_key: str, rewrite: Rewrite | None, tls: ssl.SSLContext | None) -> None:
        self.api_key = api_key
        self.requests: list[Received] = []
        self._service, self._rewrite = service, rewrite
        self._script: deque[Answer] = deque()
        try:
            self._http = _Http(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise InputError(f"Port {port} cannot be listened on ({error}): give another one, or 0 for any that is free.") from None
        self._http.owner = self
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.base_url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self._http.server_port}{_BASE_PATH}"
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def script(self, *answers: Answer) -> None:
        """Give these answers to the next requests, one each, before behaving well again."""
        self._script.extend(answers)

    def forget(self) -> None:
        """Begin anew: nothing received, nothing scripted."""
        self.requests.clear()
        self._script.clear()

    def close(self) -> None:
        """Stop listening, and hang up on whoever is still connected; the port is free afterwards."""
        self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()
        self._thread.join()

    def __enter__(self) -> "CallLogServer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What to send back."""
        try:
            request = json.loads(body)
        except ValueError:
            request = None
        told = {name.lower(): value for name, value in headers.items()}
        key = told.pop("authorization", "")
        self.requests.append(Received(path, told, request))
        if self._script:
            return self._script.popleft()
        try:
            return Answer(body=self._granted(method, path, told, key, request))
        except Refusal as refusal:
            return Answer(status=refusal.status, body={"code": refusal.code, "msg": refusal.msg})

    def _granted(self, method: str, path: str, headers: Mapping[str, str], key: str, request: Any) -> bytes:
        if method != "POST" or path != _METHOD_PATH:
            raise Refusal(404, "bad_route", f"no handler for {method} {path}")
        if not headers.get("content-type", "").startswith("application/json"):
            raise Refusal(404, "bad_route", f"unexpected Content-Type: {headers.get('content-type', '')!r}")
        if key != f"Bearer {self.api_key}":
            raise Refusal(401, "unauthenticated", "the API key is missing or wrong")
        if not isinstance(request, dict):
            raise Refusal(400, "malformed", "the body is not a JSON object")
        body = self._service.list_call_logs(request)
        return json.dumps(self._rewrite(request, json.loads(body))).encode() if self._rewrite else body


class _Http(ThreadingHTTPServer):
    """Threads end with the program, and a client that goes away is no news."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: CallLogServer

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close the connections that clients keep open."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is printed: connections break in the tests of connections that break."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    def do_POST(self) -> None:
        assert isinstance(self.server, _Http)  # noqa: S101  # for the type checker
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.owner.answer(self.command, self.path, dict(self.headers.items()), sent)
        time.sleep(answer.delay_s)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.content_type, **answer.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: answer.cut_after])
        self.wfile.flush()
        self.close_connection = self.close_connection or answer.cut_after is not None

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815  # names that http.server looks for

    def log_message(self, *arguments: Any) -> None:
        """Nothing is printed."""


def serve(
    calls: pl.DataFrame | Iterable[Any],
    *,
    port: int = 0,
    api_key: str = API_KEY,
    departments: Mapping[str, str] | None = None,
    hotlines: Mapping[str, str] | None = None,
    rewrite: Rewrite | None = None,
    tls: ssl.SSLContext | None = None,
) -> CallLogServer:
    """A server of these calls, running until it is closed; it listens on this machine alone.

    Args:
        calls: typed calls, or raw rows as the API writes them.
        port: where to listen; 0 takes a free one.
        api_key: the key that it takes.
        departments: call id -> department id, since calls do not carry it.
        hotlines: call id -> hotline id.
        rewrite: changes each right answer before it is sent.
        tls: speak https with this context's certificate, which must be one for "localhost".

    Raises:
        InputError: the port is taken.
    """
    rows = wire_rows(calls) if isinstance(calls, pl.DataFrame) else calls
    service = CallLogService(rows, departments=departments, hotlines=hotlines)
    return CallLogServer(service, port=port, api_key=api_key, rewrite=rewrite, tls=tls)
