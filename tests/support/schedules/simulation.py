"""Runs a schedule: the real client and the real fetch, with the network, time and threads replaced.

Everything happens in one thread. The functions of the package run unchanged; only names that they
take from the standard library and from the HTTP library are other objects for the time of a run.
"""

import base64
import io
import json
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from warnings import WarningMessage, catch_warnings, simplefilter

import requests
import urllib3
from requests.adapters import HTTPAdapter

import etelecom_analytics as et
from etelecom_analytics.api import client as client_module
from etelecom_analytics.api import (
    collect,
    interrupts,
    page_edges,
    retry,
    run,
    transport,
    workers,
)
from etelecom_analytics.errors import ApiError, Stopped
from etelecom_analytics.simulator import service

from .checks import Violation, check_logs, check_secrecy
from .schedule import Schedule
from .tasks import NeverEnds, TaskLocal, Tasks
from .world import KEY, World, moment_of, query_of

__all__ = ["Result", "run_schedule"]

_BASE_URL = "http://127.0.0.1:9/v1/shop"
_LATENCY_S = 0.05
_TIMEOUTS_S = (1.0, 2.0)
_RETRY = et.Retry(attempts=3, total_s=30, first_wait_s=0.1, longest_wait_s=0.4)
_CALM_ATTEMPTS = 2
_logger = logging.getLogger("etelecom_analytics")


@dataclass
class Result:
    """What a run did.

    Attributes:
        attempts: the number of fetches and resumes.
        requests: the bodies of the requests, in order.
        complete_at_once: whether the first attempt was complete.
        error: the class of the error of the first attempt; empty without one.
    """

    attempts: int = 0
    requests: list[bytes] = field(default_factory=list)
    complete_at_once: bool = False
    error: str = ""


@dataclass
class _Outputs:
    """All texts that a user may see."""

    texts: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    logs: list[et.CallLogs] = field(default_factory=list)
    warnings: list[WarningMessage] = field(default_factory=list)


class _Network(HTTPAdapter):
    """Sends requests to a world."""

    def __init__(self, world: World, tasks: Tasks) -> None:
        super().__init__()
        self._world, self._tasks = world, tasks

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        tasks, world = self._tasks, self._world
        _, timeout_s = options["timeout"]
        tasks.pause()
        if not world.is_calm and world.requests in world.schedule.presses:
            for _ in range(world.schedule.presses.count(world.requests)):
                tasks.interrupt()
        path = urlsplit(request.url or "").path
        assert isinstance(request.body, bytes)
        answer, fault = world.answer(path, request.headers, request.body)
        delay_s = _LATENCY_S + (fault.amount / 25 if fault.do == "delay" else 0)
        if fault.do == "drop":
            raise requests.ConnectionError("connection refused")
        tasks.sleep(min(delay_s, timeout_s))
        if delay_s > timeout_s:
            raise requests.ReadTimeout
        if fault.do == "lose":
            raise requests.ConnectionError("connection reset")
        body = answer.payload
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(body[: answer.cut_after]),
            headers={
                "Content-Type": answer.content_type,
                "Content-Length": str(len(body)),
                **answer.headers,
            },
            status=answer.status,
            preload_content=False,
            request_method="POST",
        )
        return self.build_response(request, raw)


def run_schedule(schedule: Schedule) -> Result:
    """Run a schedule and check all its promises.

    Raises:
        Violation: a promise was broken.
    """
    tasks = Tasks(schedule.choices)
    world, outputs, result = World(schedule), _Outputs(), Result()
    tasks.on_interrupt = lambda: _press(world)
    try:
        with _replaced(tasks, schedule), _recorded(outputs):
            tasks.run(lambda: _main(world, tasks, outputs, result))
    except NeverEnds as error:
        raise Violation(f"the fetch does not end: {error}") from error
    if tasks.crashes:
        raise Violation("a thread ended by an error") from tasks.crashes[0]
    result.requests = world.bodies
    check_secrecy(outputs.texts, outputs.errors, outputs.logs)
    return result


def _main(world: World, tasks: Tasks, outputs: _Outputs, result: Result) -> None:
    """Fetch, and resume until the result is complete."""
    schedule, partial_logs = world.schedule, None
    client = et.Client(
        _BASE_URL,
        KEY,
        retry=_RETRY,
        timeouts_s=_TIMEOUTS_S,
        sleep=tasks.sleep,
        clock=tasks.clock,
    )
    client._session.mount(_BASE_URL, _Network(world, tasks))
    outputs.texts.append(repr(client))
    for attempt in range(schedule.attempts + _CALM_ATTEMPTS):
        world.is_calm = attempt >= schedule.attempts
        if partial_logs is None:
            world.begin()
        result.attempts += 1
        try:
            logs = et.fetch_calls(
                client,
                query_of(schedule),
                workers=schedule.workers,
                progress=False,
                resume=partial_logs,
                fetch_options=et.FetchOptions(page_limit=schedule.page_limit),
            )
        except et.IncompleteFetch as error:
            outputs.errors.append(error)
            _check_cause(error.cause, world)
            logs = error.partial
            result.error = result.error or type(error).__name__
        except (ApiError, Stopped, KeyboardInterrupt) as error:
            outputs.errors.append(error)
            _check_cause(error, world)
            result.error = result.error or type(error).__name__
            continue
        except Exception as error:
            raise Violation(f"the fetch raised a {type(error).__name__}") from error
        else:
            if not logs.report.complete and not outputs.warnings:
                raise Violation("the result is incomplete, and nobody says so")
        outputs.logs.append(logs)
        check_logs(logs, world)
        if logs.report.complete:
            result.complete_at_once = result.attempts == 1
            break
        partial_logs = logs
    else:
        if not _is_unverifiable(schedule, outputs):
            raise Violation("the fetch is not complete after undisturbed resumes")
    client.close()


def _is_unverifiable(schedule: Schedule, outputs: _Outputs) -> bool:
    """Whether the user is told that nothing shows which rows such cursors have skipped."""
    return "offset cursors" in schedule.habits and any(
        "verified" in str(message.message) for message in outputs.warnings
    )


def _check_cause(cause: BaseException, world: World) -> None:
    if not isinstance(cause, ApiError | Stopped | KeyboardInterrupt):
        raise Violation(f"the fetch ended by a {type(cause).__name__}") from cause
    if world.is_calm:
        raise Violation("an undisturbed fetch ended by an error") from cause
    if isinstance(cause, Stopped | KeyboardInterrupt) and not world.schedule.presses:
        raise Violation("the fetch was stopped by nobody") from cause


@contextmanager
def _replaced(tasks: Tasks, schedule: Schedule) -> Iterator[None]:
    """Let the package use these tasks, their clock and a fixed random generator."""

    class Moment(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return (moment_of(schedule.now) + timedelta(seconds=tasks.now)).astimezone(tz or UTC)

    stopwatch = SimpleNamespace(monotonic=tasks.clock)
    values: list[tuple[Any, str, object]] = [
        (workers, "threading", tasks.threading),
        (workers, "_MAX_QUEUED_PAGES", schedule.queue),
        (collect, "threading", tasks.threading),
        (collect, "_BATCH_PAGES", schedule.batch),
        (page_edges, "ThreadPoolExecutor", tasks.executor),
        (retry, "threading", tasks.threading),
        (retry, "random", Random(0)),
        (transport, "_current", TaskLocal()),
        (run, "time", stopwatch),
        (interrupts, "time", stopwatch),
        (run, "datetime", Moment),
        (client_module, "datetime", Moment),
    ]
    if "undated first" in schedule.habits:
        values.append((service, "_start_and_id", _undated_first(service._start_and_id)))
    if "limits in cursors" in schedule.habits:
        values.append((service, "_position", _offset_in_json(service._position)))
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in values]
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    for owner, name, value in values:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
        signal.signal(signal.SIGINT, handler)


def _undated_first(sort_key: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """The sort key of a server whose database sorts nulls first."""

    def changed(*arguments: Any, **options: Any) -> tuple[Any, ...]:
        start, *others = sort_key(*arguments, **options)
        return (-start if start == float("inf") else start, *others)

    return changed


def _offset_in_json(position: Callable[[str], Any]) -> Callable[[str], Any]:
    """The position in a cursor that may have an offset and a limit."""

    def changed(cursor: str) -> Any:
        try:
            return json.loads(base64.urlsafe_b64decode(cursor))["offset"]
        except (TypeError, ValueError):
            return position(cursor)

    return changed


def _press(world: World) -> None:
    """Press Ctrl-C, if the attempt that it was meant for still goes on."""
    if world.is_calm:
        return
    handler = signal.getsignal(signal.SIGINT)
    assert callable(handler)
    handler(signal.SIGINT, None)


@contextmanager
def _recorded(outputs: _Outputs) -> Iterator[None]:
    """Record log messages and warnings."""
    recorder = logging.Handler()
    recorder.emit = lambda record: outputs.texts.append(record.getMessage())  # type: ignore[method-assign]
    level, propagates = _logger.level, _logger.propagate
    _logger.addHandler(recorder)
    _logger.setLevel(logging.DEBUG)
    _logger.propagate = False
    try:
        with catch_warnings(record=True) as messages:
            simplefilter("always")
            outputs.warnings = messages
            yield
        outputs.texts += [str(message.message) for message in messages]
    finally:
        _logger.removeHandler(recorder)
        _logger.setLevel(level)
        _logger.propagate = propagates
