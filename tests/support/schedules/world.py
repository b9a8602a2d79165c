"""The server of a schedule: its calls, their history, and answers with faults. No sockets."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import etelecom_analytics as et
from etelecom_analytics.simulator import Answer, faults
from etelecom_analytics.simulator.faults import ECHOES, Request
from etelecom_analytics.simulator.faults.base import Page, on_body
from etelecom_analytics.simulator.responder import CallLogResponder
from etelecom_analytics.simulator.rows import ZERO_TIME
from etelecom_analytics.simulator.service import DETOUR

from .schedule import Change, Fault, Schedule

__all__ = ["BASE", "KEY", "SECRET", "Call", "World", "moment_of", "query_of"]

BASE = datetime(2026, 11, 2, tzinfo=UTC)
SECRET = "Qz7hiddenword"
KEY = f"k/{SECRET}+9"
_NUMBERS = ("0912345678", "84912345678", "+84912345678", "0987654321")
_FIRST_ID = 7 * 10**299
"""Long, so that the length of an id, which is in a cursor, is more than any number of rows."""
_NEW_ID = _FIRST_ID + 1_000
_LONG = 20


@dataclass(frozen=True)
class Call:
    """One state of a call on the server.

    Attributes:
        id: its id.
        start: seconds since `BASE`, or None.
        version: how often it was changed; the number is in its note.
        updated: seconds since `BASE` plus 100 days.
        direction, duration, caller: fields that filters select.
    """

    id: str
    start: float | None
    version: int = 0
    updated: int = 0
    direction: str = "in"
    duration: int = _LONG
    caller: str = _NUMBERS[0]

    def row(self) -> dict[str, Any]:
        """The call as the API writes it."""
        start = _text(self.start) if self.start is not None else ZERO_TIME
        return {
            "id": self.id,
            "external_id": "",
            "external_session_id": "",
            "caller": self.caller,
            "callee": "101",
            "direction": self.direction,
            "call_state": "answered",
            "call_status": "P",
            "started_at": start,
            "ended_at": start,
            "created_at": start,
            "updated_at": _updated_text(self.updated),
            "duration": self.duration,
            "extension_id": "0",
            "user_id": "0",
            "contact_id": "0",
            "note": f"version {self.version}",
            "recording_urls": [],
            "call_targets": [],
        }

    def facts(self) -> tuple[object, ...]:
        """The values that a table must have."""
        return (
            self.id,
            self.start is not None and moment_of(self.start),
            self.direction,
            self.duration,
            self.caller,
            f"version {self.version}",
        )


def moment_of(seconds: float) -> datetime:
    """The time so many seconds after `BASE`."""
    return BASE + timedelta(seconds=seconds)


def query_of(schedule: Schedule) -> et.CallQuery:
    """The query of a schedule."""
    options: dict[str, Any] = {
        "": {},
        "direction": {"direction": "in"},
        "call_number": {"call_number": _NUMBERS[1]},
        "duration": {"duration": ("greater_than", 10)},
    }[schedule.filter]
    for name, seconds in (("date_from", schedule.since), ("date_to", schedule.until)):
        if seconds is not None:
            options[name] = moment_of(seconds)
    return et.CallQuery(**options)


@dataclass
class _History:
    """The states of one call during a fetch, and whether it was there all the time."""

    states: list[Call]
    is_present: bool = True
    was_always_present: bool = True


@dataclass
class World:
    """The server of a schedule.

    Attributes:
        schedule: the schedule.
        bodies: the bodies of the requests so far.
        is_calm: whether changes and faults have ended.
    """

    schedule: Schedule
    bodies: list[bytes] = field(default_factory=list)
    is_calm: bool = False
    _changes: int = 0
    _bad_bodies: set[bytes] = field(default_factory=set)
    _history: dict[str, _History] = field(default_factory=dict)

    def __post_init__(self) -> None:
        calls = [
            Call(
                str(_FIRST_ID + index),
                start,
                direction="out" if index % 5 == 4 else "in",
                duration=5 if index % 5 == 3 else _LONG,
                caller=_NUMBERS[index % 4],
            )
            for index, start in enumerate(self.schedule.starts)
        ]
        self._calls = {call.id: call for call in calls}
        self._server = CallLogResponder([call.row() for call in calls], api_key=KEY)
        for habit in _HABITS:
            if habit in self.schedule.habits:
                self._server.misbehave(_HABITS[habit])
        self.begin()

    @property
    def requests(self) -> int:
        """The number of requests so far."""
        return len(self.bodies)

    def begin(self) -> None:
        """Begin the history anew, because a new fetch begins."""
        self._history = {call.id: _History([call]) for call in self._calls.values()}

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Answer, Fault]:
        """The answer to the next request, and its fault; `delay` and `drop` are left to do."""
        number = self.requests
        self.bodies.append(body)
        happening = [] if self.is_calm else self.schedule.faults
        if not self.is_calm:
            for change in self.schedule.changes:
                if change.at == number:
                    self._change(change)
        answer = self._server.answer("POST", path, headers, body)
        for fault in happening:
            if fault.do == "bad page" and fault.at == number:
                self._bad_bodies.add(body)
            if fault.at <= number < fault.at + fault.times:
                answer = _damaged(fault, self._server.requests[-1], answer)
                break
        else:
            fault = Fault(number, "")
        if body in self._bad_bodies and not self.is_calm:
            answer = _damaged(Fault(number, "bad number"), self._server.requests[-1], answer)
        return answer, fault

    def held(self, call_id: str) -> list[Call]:
        """The states of a call that the server had during the fetch."""
        history = self._history.get(call_id)
        return history.states if history else []

    def lasting(self) -> Iterable[Call]:
        """The calls that the query had to match during the whole fetch, and that did not move."""
        for history in self._history.values():
            states = history.states
            if (
                history.was_always_present
                and all(map(self.matches, states))
                and len({state.start for state in states}) == 1
            ):
                yield states[-1]

    def matches(self, call: Call) -> bool:
        """Whether the query must match a call."""
        since, until = self.schedule.since, self.schedule.until
        if call.start is None:
            if since is not None or until is not None:
                return False
        elif (since is not None and call.start < since) or (
            until is not None and call.start >= until
        ):
            return False
        match self.schedule.filter:
            case "direction":
                return call.direction == "in"
            case "call_number":
                return call.caller in _NUMBERS[:3]
            case "duration":
                return call.duration > 10
        return True

    def _change(self, change: Change) -> None:
        self._changes += 1
        if change.do == "insert":
            self._put(Call(str(_NEW_ID + self._changes), change.seconds))
            return
        if not self._calls:
            return
        call = list(self._calls.values())[change.call % len(self._calls)]
        if change.do == "delete":
            self._server.delete(call.id)
            del self._calls[call.id]
            history = self._history[call.id]
            history.is_present = history.was_always_present = False
            return
        start, direction, duration, caller = call.start, call.direction, call.duration, call.caller
        if change.do == "shift" and start is not None and change.seconds is not None:
            start += change.seconds
        if change.do == "turn":
            direction, duration, caller = "out", 5, _NUMBERS[3]
        # Some servers do not move `updated_at`.
        updated = call.updated if change.do == "restate" and change.call % 4 == 3 else self._changes
        self._put(Call(call.id, start, call.version + 1, updated, direction, duration, caller))

    def _put(self, call: Call) -> None:
        self._calls[call.id] = call
        self._server.change(call.row())
        if call.id in self._history:
            self._history[call.id].states.append(call)
        else:
            self._history[call.id] = _History([call], was_always_present=False)


def _text(seconds: float) -> str:
    moment = moment_of(seconds)
    if int(seconds) % 3 == 1:
        return moment.astimezone(et.local_time.zone("Asia/Ho_Chi_Minh")).isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def _updated_text(seconds: int) -> str:
    return (BASE + timedelta(days=100, seconds=seconds)).isoformat().replace("+00:00", "Z")


# What the server does with every request.


def _reverse(request: Request, page: Page) -> Page:
    return {**page, "call_logs": page["call_logs"] and page["call_logs"][::-1]}


def _write_spaces(request: Request, page: Page) -> bytes:
    return json.dumps(page, separators=(" , ", " : ")).encode()


def _outdated(row: Any) -> Any:
    return {**row, "note": "outdated", "updated_at": _updated_text(-5)}


def _one_way(request: Request, correct: Answer) -> Answer:
    sort = request.body["paging"].get("sort")
    return Answer(status=400, body={"code": "invalid_argument", "msg": "sort"}) if sort else correct


def _undated_as(*values: object) -> Callable[[Request, Page], Page]:
    """Another value for a start that is not known; without one, the row has no such key."""

    def change(request: Request, page: Page) -> Page:
        return {**page, "call_logs": page["call_logs"] and [*map(change_row, page["call_logs"])]}

    def change_row(row: Any) -> Any:
        if not isinstance(row, dict) or row.get("started_at") != ZERO_TIME:
            return row
        other = {name: value for name, value in row.items() if name != "started_at"}
        return {**other, **({"started_at": values[0]} if values else {})}

    return change


def _with_limits(request: Request, page: Page) -> Page:
    """Offset cursors as JSON, with the limit next to the number of rows."""
    text = page["paging"]["next"]
    number = base64.urlsafe_b64decode(text.lstrip(DETOUR))
    if not number.isdigit():
        return page
    cursor = json.dumps({"limit": page["paging"]["limit"], "offset": int(number)})
    return faults.base.with_next(base64.urlsafe_b64encode(cursor.encode()).decode(), page)


_HABITS: Mapping[str, faults.Fault] = {
    "ignores dates": faults.ignoring("date_from", "date_to"),
    "ignores date_from": faults.ignoring("date_from"),
    "ignores date_to": faults.ignoring("date_to"),
    "ignores filters": faults.ignoring("direction", "call_number", "duration"),
    "excludes dates": faults.exclusive_dates(),
    "shifts dates by 7 h": faults.shifted_dates(7),
    "shifts dates by -7 h": faults.shifted_dates(-7),
    "offset cursors": faults.offset_cursors(),
    "reverses pages": faults.on_page(_reverse),
    "repeats outdated rows": faults.duplicate_rows(_outdated),
    "adds records": faults.extra_records({"note": "no id"}, 7, None),
    "adds keys": faults.extra_keys(),
    "null lists": faults.null_list(),
    "empty pages": faults.empty_page(2),
    "empty pages with the same cursor": faults.empty_page(1, same_cursor=True),
    "sorts one way": _one_way,
    "writes spaces": faults.on_page(_write_spaces),
    "null starts": faults.on_page(_undated_as(None)),
    "empty starts": faults.on_page(_undated_as("")),
    "unreadable starts": faults.on_page(_undated_as("soon")),
    "no starts": faults.on_page(_undated_as()),
    "limits in cursors": faults.on_page(_with_limits),
}


# What happens to single answers.


def _break(body: bytes, amount: int) -> bytes:
    """The body with a sign that has no place there; cut if it is still JSON."""
    place = len(body) * amount // 100
    damaged = body[:place] + (b"}", b'"', b"\x00", b",", b"]")[amount % 5] + body[place:]
    try:
        json.loads(damaged, strict=False)
    except ValueError:
        return damaged
    return body[:place]


def _echo_in_page(amount: int) -> faults.Fault:
    mark = "(key)"

    def echo(request: Request, page: Page) -> Page | bytes:
        rows = page["call_logs"] or []
        if not rows or not isinstance(rows[0], dict):
            return page
        noted = {**rows[0], "note": f"{rows[0].get('note')} {mark}"}
        text = json.dumps({**page, "call_logs": [noted, *rows[1:]]})
        return text.replace(mark, ECHOES[_style(amount)](KEY)).encode()

    return faults.on_page(echo)


def _style(amount: int) -> str:
    return list(ECHOES)[amount % len(ECHOES)]


def _fault_of(fault: Fault) -> faults.Fault:
    amount = fault.amount
    match fault.do:
        case "cut":
            return lambda request, correct: Answer(
                status=correct.status,
                body=correct.body,
                cut_after=len(correct.payload) * amount // 100,
            )
        case "break":
            return on_body(lambda body: _break(body, amount))
        case "503" | "400" | "401":
            return faults.error_status(int(fault.do))
        case "429":
            return faults.too_many(amount % 4)
        case "html":
            return faults.html(200 if amount % 2 else 502)
        case "redirect":
            return Answer(status=302, headers={"Location": f"https://other.example/?key={KEY}"})
        case "echo":
            return faults.echo(KEY, _style(amount), status=400 if amount % 2 else 503)
        case "echo in page":
            return _echo_in_page(amount)
        case _:
            return _PLAIN_FAULTS.get(fault.do) or (lambda request, correct: correct)


_PLAIN_FAULTS: Mapping[str, faults.Fault] = {
    "bad number": faults.bad_number(),
    "error in page": faults.error_in_page(),
    "error with 200": faults.error_with_200(),
    "without rows": faults.without_rows(),
    "not an object": faults.not_an_object(),
    "empty": faults.empty(),
    "newline": faults.raw_value("remark", b'"first\nsecond"'),
    "utf-16": faults.encoded("utf-16"),
    "utf-8-sig": faults.encoded("utf-8-sig"),
    "NULs": faults.trailing_nuls(),
    "long number": faults.raw_value("size", b"9" * 4_301),
    "nesting": faults.raw_value("details", b"[" * 2_000 + b"]" * 2_000),
}


def _damaged(fault: Fault, request: Request, answer: Answer) -> Answer:
    change = _fault_of(fault)
    if isinstance(change, Answer):
        return change
    assert not isinstance(change, faults.Reading)
    return change(request, answer)
