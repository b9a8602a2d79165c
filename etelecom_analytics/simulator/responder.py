"""The responses of the simulated API to requests, including faults. No I/O."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from .directory import METHODS, Directory, directory_of
from .faults import Answer, Fault, Reading, Request
from .filters import Refusal, Row, invalid, part_of
from .labels import labels_of
from .schedule import RequestLog, When, always
from .service import CallLogService

__all__ = ["API_KEY", "BASE_PATH", "CallLogResponder", "Rewrite"]

API_KEY = "simulated-key-0123456789"
"""The API key of simulated servers, unless another one is set."""

BASE_PATH = "/v1/shop"
_METHODS = {f"{BASE_PATH}.{method}": method for method in ("Etelecom/ListCallLogs", *METHODS)}

Rewrite = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""A function of the request and its correct response that returns the response to send."""


class CallLogResponder:
    """Answers requests about these calls, without a connection.

    Args:
        calls: raw rows as the API writes them.
        api_key, departments, hotlines, both_dates, rewrite: those of `serve`.
    """

    def __init__(
        self,
        calls: Iterable[Row],
        *,
        api_key: str = API_KEY,
        departments: Mapping[str, str] | None = None,
        hotlines: Mapping[str, str] | None = None,
        both_dates: bool = True,
        rewrite: Rewrite | None = None,
    ) -> None:
        self.api_key = api_key
        labels = labels_of(lambda: self.directory, departments=departments, hotlines=hotlines)
        self._service = CallLogService(calls, labels=labels)
        self._both_dates, self._rewrite, self._log = both_dates, rewrite, RequestLog()
        self.forget()

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
        self._ended = False

    def end(self) -> None:
        """Stop answering, because `die_after` requests were answered."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The response to a request, including its faults."""
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        if self._ended:  # a connection that is not closed yet
            return Answer(reset=True)
        lower = {name.lower(): value for name, value in headers.items()}
        key = lower.pop("authorization", "")
        request, faults = self._log.receive(path, lower, payload)
        if self.die_after is not None and request.number >= self.die_after:
            self._ended = True
            self.end()
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
