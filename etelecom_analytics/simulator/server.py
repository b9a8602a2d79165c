"""A local HTTP server with the interface of the API, and faults on demand."""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from threading import Thread
from types import TracebackType
from typing import Any

import polars as pl

from ..errors import InputError
from .directory import METHODS, Directory, directory_of
from .faults import Answer, Fault, Reading, Request
from .filters import Refusal, Row, invalid, part_of
from .labels import labels_of
from .listener import Listener
from .rows import wire_rows
from .schedule import RequestLog, When, always
from .service import CallLogService

__all__ = ["API_KEY", "Answer", "CallLogServer", "Request", "serve"]

API_KEY = "simulated-key-0123456789"
"""The API key of simulated servers, unless another one is set."""

_BASE_PATH = "/v1/shop"
_METHODS = {f"{_BASE_PATH}.{method}": method for method in ("Etelecom/ListCallLogs", *METHODS)}

Rewrite = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""A function of the request and its correct response that returns the response to send."""


class CallLogServer:
    """A running server, and a context manager that stops it; `serve` starts one.

    `latency_s`, `clock_offset` and `die_after` may be changed at any time.

    Attributes:
        base_url: the base URL for a client, without the final dot.
        api_key: the valid API key.
        latency_s: seconds before each answer is sent.
        clock_offset: how much the clock of the `Date` header is ahead.
        die_after: number of requests to answer; the next one stops the server.

    Examples:
        >>> from etelecom_analytics.simulator import faults
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     server.misbehave(faults.error_status(503), times=2)
        ...     client = et.Client(server.base_url, server.api_key, sleep=lambda seconds: None)
        ...     page = client.list_calls(limit=5)
        ...     len(page.call_logs), len(server.requests)
        (5, 3)
    """

    def __init__(
        self,
        calls: Iterable[Row],
        *,
        port: int = 0,
        api_key: str = API_KEY,
        departments: Mapping[str, str] | None = None,
        hotlines: Mapping[str, str] | None = None,
        both_dates: bool = True,
        rewrite: Rewrite | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.api_key = api_key
        labels = labels_of(lambda: self.directory, departments=departments, hotlines=hotlines)
        self._service = CallLogService(calls, labels=labels)
        self._both_dates, self._rewrite, self._log = both_dates, rewrite, RequestLog()
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
        """Apply one fault to each of the next requests, in this order.

        An `Answer` is sent even if the request is wrong.
        """
        self._log.script(*faults)

    def misbehave(self, fault: Fault, *, when: When = always, times: int | None = None) -> None:
        """Apply a fault to all requests that meet the condition, at most `times` times.

        Several faults of one request are applied one after another.
        """
        self._log.add_rule(fault, when, times)

    def change(self, *rows: Row) -> None:
        """Replace rows with the same ids, and add the others; existing cursors stay valid."""
        self._service.change(rows)

    def delete(self, *ids: str) -> None:
        """Remove the rows with these ids; existing cursors stay valid."""
        self._service.delete(ids)

    def forget(self) -> None:
        """Restore the initial state: no requests, no faults, and the initial rows."""
        self._log.clear()
        self._service.restore()
        self.latency_s = 0.0
        self.clock_offset = timedelta()
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
        readings = [fault for fault in faults if isinstance(fault, Reading)]
        answer: Answer | None = None
        for fault in faults:
            if isinstance(fault, Answer):
                answer = fault
            elif not isinstance(fault, Reading):
                answer = fault(
                    request, answer or self._correct_answer(method, request, key, readings)
                )
        answer = answer or self._correct_answer(method, request, key, readings)
        self._log.record_answer(request, answer)
        return replace(answer, delay_s=answer.delay_s + self.latency_s)

    def before_send(self) -> None:
        """Record that an answer is about to be sent."""
        self._log.finish()

    def _correct_answer(
        self, method: str, request: Request, key: str, readings: Sequence[Reading]
    ) -> Answer:
        try:
            return Answer(body=self._response_body(method, request, key, readings))
        except Refusal as refusal:
            return Answer(status=refusal.status, body={"code": refusal.code, "msg": refusal.msg})

    def _response_body(
        self, method: str, request: Request, key: str, readings: Sequence[Reading]
    ) -> bytes:
        path, payload = request.path, request.body
        if method != "POST" or path not in _METHODS:
            raise Refusal(404, "bad_route", f"no handler for {method} {path}")
        content_type = request.headers.get("content-type", "")
        if not content_type.startswith("application/json"):
            raise Refusal(404, "bad_route", f"unexpected Content-Type: {content_type!r}")
        if key != f"Bearer {self.api_key}":
            raise Refusal(401, "unauthenticated", "the API key is missing or wrong")
        if not isinstance(payload, dict):
            raise Refusal(400, "malformed", "the body is not a JSON object")
        if _METHODS[path] in METHODS:
            return self.directory.answer(_METHODS[path], payload)
        query = dict(part_of(payload, "filter"))
        if self._both_dates and bool(query.get("date_from")) != bool(query.get("date_to")):
            raise invalid("filter: must provide both date_from and date_to")
        for reading in readings:
            query = reading.change(query)
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
    both_dates: bool = True,
    rewrite: Rewrite | None = None,
    tls: ssl.SSLContext | None = None,
) -> CallLogServer:
    """A started server of these calls on the loopback interface; it runs until it is closed.

    Args:
        calls: typed calls, or raw rows as the API writes them.
        port: the port to listen on; 0 selects a free one.
        api_key: the valid API key.
        departments: department id by call id; by default that of the call's user in the directory.
        hotlines: hotline id by call id; by default that of the number called in the directory, or
            for an outbound call that of the extension.
        both_dates: refuse a filter with only one of `date_from` and `date_to`, as the API does.
        rewrite: changes each correct response before it is sent.
        tls: serve https with the certificate of this context, which must be for "localhost".

    Raises:
        InputError: the port is in use.

    Examples:
        >>> query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09", direction="in")
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     et.fetch_calls(client, query, progress=False).calls.height
        284
    """
    return CallLogServer(
        wire_rows(calls) if isinstance(calls, pl.DataFrame) else calls,
        port=port,
        api_key=api_key,
        departments=departments,
        hotlines=hotlines,
        both_dates=both_dates,
        rewrite=rewrite,
        tls=tls,
    )
