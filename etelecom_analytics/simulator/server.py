"""A local HTTP server with the interface of the API, and faults on demand."""

import json
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from threading import Thread
from types import TracebackType
from typing import Any

import polars as pl

from ..errors import InputError
from .directory import METHODS, Directory, directory_of
from .faults import Answer, Fault, Request
from .filters import Refusal, Row, part_of
from .listener import Listener
from .rows import wire_rows
from .schedule import RequestLog, When, always
from .service import CallLogService

__all__ = ["API_KEY", "Answer", "CallLogServer", "Request", "serve"]

API_KEY = "simulated-key-0123456789"
_BASE_PATH = "/v1/shop"
_METHODS = {f"{_BASE_PATH}.{method}": method for method in ("Etelecom/ListCallLogs", *METHODS)}

Rewrite = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""A function of the request and its correct response that returns the response to send."""


class CallLogServer:
    """A running server, and a context manager that stops it.

    `latency_s`, `ignores` and `die_after` may be changed at any time.

    Attributes:
        base_url: the base URL for a client, without the final dot.
        api_key: the valid API key.
        latency_s: seconds before each answer is sent.
        ignores: filter fields to ignore, such as `{"date_from", "date_to"}`.
        die_after: number of requests to answer; the next one stops the server.
    """

    def __init__(
        self,
        service: CallLogService,
        *,
        port: int,
        api_key: str,
        rewrite: Rewrite | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.api_key = api_key
        self._service, self._rewrite, self._log = service, rewrite, RequestLog()
        self.forget()
        try:
            self._http = Listener(("127.0.0.1", port), self)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"Cannot listen on port {port} ({error}): use another port, or 0 for any free one."
            ) from None
        if tls:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        host = "https://localhost" if tls else "http://127.0.0.1"
        self.base_url = f"{host}:{self._http.server_port}{_BASE_PATH}"
        self._thread = Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def requests(self) -> list[Request]:
        """All requests received so far, in order of arrival."""
        return self._log.requests

    @property
    def rows(self) -> list[Row]:
        """The current raw rows."""
        return self._service.rows

    @cached_property
    def directory(self) -> Directory:
        """Extensions, users and hotlines; by default those of its calls. It may be replaced."""
        return directory_of(self.rows)

    def script(self, *faults: Fault) -> None:
        """Apply one fault to each of the next requests; an `Answer` is sent for any request."""
        self._log.script(*faults)

    def misbehave(self, fault: Fault, *, when: When = always, times: int | None = None) -> None:
        """Apply a fault to all requests that meet the condition, at most `times` times.

        Several faults of one request are applied one after another.
        """
        self._log.add_rule(fault, when, times)

    def change(self, *rows: Row) -> None:
        """Replace rows with the same ids, and add the others; existing cursors stay valid."""
        self._service.change(rows)

    def forget(self) -> None:
        """Restore the initial state: no requests, no faults, and the initial rows."""
        self._log.clear()
        self._service.restore()
        self.latency_s = 0.0
        self.ignores: Collection[str] = ()
        self.die_after: int | None = None

    def close(self) -> None:
        """Stop listening, and close all connections; the port is free afterwards."""
        self._http.end()
        self._thread.join()

    def __enter__(self) -> "CallLogServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The response to a request, including its faults."""
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        lower = {name.lower(): value for name, value in headers.items()}
        key = lower.pop("authorization", "")
        request, faults = self._log.receive(path, lower, payload)
        if self.die_after is not None and request.number >= self.die_after:
            self._http.end()
            return Answer(reset=True)
        answer: Answer | None = None
        for fault in faults:
            answer = (
                fault
                if isinstance(fault, Answer)
                else fault(request, answer or self._correct_answer(method, request, key))
            )
        answer = answer or self._correct_answer(method, request, key)
        self._log.record_answer(request, answer)
        return replace(answer, delay_s=answer.delay_s + self.latency_s)

    def before_send(self) -> None:
        """Record that an answer is about to be sent."""
        self._log.finish()

    def _correct_answer(self, method: str, request: Request, key: str) -> Answer:
        try:
            return Answer(
                body=self._response_body(method, request.path, request.headers, key, request.body)
            )
        except Refusal as refusal:
            return Answer(status=refusal.status, body={"code": refusal.code, "msg": refusal.msg})

    def _response_body(
        self, method: str, path: str, headers: Mapping[str, str], key: str, payload: Any
    ) -> bytes:
        if method != "POST" or path not in _METHODS:
            raise Refusal(404, "bad_route", f"no handler for {method} {path}")
        if not headers.get("content-type", "").startswith("application/json"):
            raise Refusal(
                404, "bad_route", f"unexpected Content-Type: {headers.get('content-type', '')!r}"
            )
        if key != f"Bearer {self.api_key}":
            raise Refusal(401, "unauthenticated", "the API key is missing or wrong")
        if not isinstance(payload, dict):
            raise Refusal(400, "malformed", "the body is not a JSON object")
        if _METHODS[path] in METHODS:
            return self.directory.answer(_METHODS[path], payload)
        query = {
            name: value
            for name, value in part_of(payload, "filter").items()
            if name not in self.ignores
        }
        body = self._service.list_call_logs({**payload, "filter": query})
        return (
            json.dumps(self._rewrite(payload, json.loads(body))).encode() if self._rewrite else body
        )


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
    """Start a server of these calls on the loopback interface; it runs until it is closed.

    Args:
        calls: typed calls, or raw rows as the API writes them.
        port: the port to listen on; 0 selects a free one.
        api_key: the valid API key.
        departments: department id by call id, which call logs do not contain.
        hotlines: hotline id by call id, which call logs do not contain.
        rewrite: changes each correct response before it is sent.
        tls: serve https with the certificate of this context, which must be for "localhost".

    Raises:
        InputError: the port is in use.
    """
    rows = wire_rows(calls) if isinstance(calls, pl.DataFrame) else calls
    service = CallLogService(rows, departments=departments, hotlines=hotlines)
    return CallLogServer(service, port=port, api_key=api_key, rewrite=rewrite, tls=tls)
