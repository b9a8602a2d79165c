"""ListCallLogs on loopback, over real HTTP: well-behaved, or as badly as a script says."""

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
from .faults import Answer, Fault, Received
from .filters import Refusal, Row, part_of
from .listener import Listener
from .rows import wire_rows
from .schedule import Book, When, always
from .service import CallLogService

__all__ = ["API_KEY", "Answer", "CallLogServer", "Received", "serve"]

API_KEY = "simulated-key-0123456789"
_BASE_PATH = "/v1/shop"
_METHODS = {f"{_BASE_PATH}.{method}": method for method in ("Etelecom/ListCallLogs", *METHODS)}

Rewrite = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""(request, answer) -> the answer that is sent instead."""


class CallLogServer:
    """A running server; a context manager that stops it.

    Attributes:
        base_url: what a client is given; it ends before the dot.
        api_key: the key that it takes.
        latency_s: seconds that each answer waits before it is sent; may be set at any time, as the
            next two.
        ignores: fields of the filter that it does not know, such as `{"date_from", "date_to"}`.
        die_after: it answers so many requests; with the next one it dies.
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
        self._service, self._rewrite, self._book = service, rewrite, Book()
        self.forget()
        try:
            self._http = Listener(("127.0.0.1", port), self)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"Port {port} cannot be listened on ({error}): give another one, or 0 for any that is free."
            ) from None
        if tls:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.base_url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self._http.server_port}{_BASE_PATH}"
        self._thread = Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def requests(self) -> list[Received]:
        """What it received so far, in the order in which it came."""
        return self._book.requests

    @property
    def rows(self) -> list[Row]:
        """The raw rows that it has now."""
        return self._service.rows

    @cached_property
    def directory(self) -> Directory:
        """The extensions, users and hotlines that it lists: those of the centre of its calls; others may be set."""
        return directory_of(self.rows)

    def script(self, *faults: Fault) -> None:
        """Give these to the next requests, one each, before all else; an `Answer` is given whatever is asked."""
        self._book.script(*faults)

    def misbehave(self, fault: Fault, *, when: When = always, times: int | None = None) -> None:
        """Spoil every answer to a request that meets the condition, so many times at most; of several faults each spoils the last one's."""
        self._book.rule(fault, when, times)

    def change(self, *rows: Row) -> None:
        """Let these rows take the place of those with their ids, or join the others; cursors that were given stay good."""
        self._service.change(rows)

    def forget(self) -> None:
        """Begin anew: nothing received, no fault, and the rows of the beginning."""
        self._book.clear()
        self._service.restore()
        self.latency_s = 0.0
        self.ignores: Collection[str] = ()
        self.die_after: int | None = None

    def close(self) -> None:
        """Stop listening, and hang up on whoever is still connected; the port is free afterwards."""
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
        """What to send back."""
        try:
            request = json.loads(body)
        except ValueError:
            request = None
        told = {name.lower(): value for name, value in headers.items()}
        key = told.pop("authorization", "")
        received, faults = self._book.arrived(path, told, request)
        if self.die_after is not None and received.number >= self.die_after:
            self._http.end()
            return Answer(reset=True)
        answer: Answer | None = None
        for fault in faults:
            answer = (
                fault
                if isinstance(fault, Answer)
                else fault(received, answer or self._right(method, received, key))
            )
        answer = answer or self._right(method, received, key)
        self._book.answered(received, answer)
        return replace(answer, delay_s=answer.delay_s + self.latency_s)

    def leaves(self) -> None:
        """An answer begins to be sent."""
        self._book.leaves()

    def _right(self, method: str, received: Received, key: str) -> Answer:
        try:
            return Answer(
                body=self._granted(method, received.path, received.headers, key, received.body)
            )
        except Refusal as refusal:
            return Answer(status=refusal.status, body={"code": refusal.code, "msg": refusal.msg})

    def _granted(
        self, method: str, path: str, headers: Mapping[str, str], key: str, request: Any
    ) -> bytes:
        if method != "POST" or path not in _METHODS:
            raise Refusal(404, "bad_route", f"no handler for {method} {path}")
        if not headers.get("content-type", "").startswith("application/json"):
            raise Refusal(
                404, "bad_route", f"unexpected Content-Type: {headers.get('content-type', '')!r}"
            )
        if key != f"Bearer {self.api_key}":
            raise Refusal(401, "unauthenticated", "the API key is missing or wrong")
        if not isinstance(request, dict):
            raise Refusal(400, "malformed", "the body is not a JSON object")
        if _METHODS[path] in METHODS:
            return self.directory.answer(_METHODS[path], request)
        known = {
            name: value
            for name, value in part_of(request, "filter").items()
            if name not in self.ignores
        }
        body = self._service.list_call_logs({**request, "filter": known})
        return (
            json.dumps(self._rewrite(request, json.loads(body))).encode() if self._rewrite else body
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
