"""Random calls in which every rule of the metrics often decides.

Calls of a small call centre go through IVRs, queues, hunts, pickups, transfers, voicemail and
callbacks; times are often exactly at the edge of a rule; then values are damaged as a faulty PBX
would write them. All numbers are made up.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from etelecom_analytics import schema

__all__ = ["OPTIONS", "OTHER_OPTIONS", "random_calls", "with_random_owners"]

Record = dict[str, Any]

BEGIN = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)
SECONDS = 3 * 86_400

OPTIONS: dict[str, Any] = {
    "ivr_numbers": ("9000", "*98*", "+842871110000"),
    "queue_numbers": ("80 00", "81*"),
    "voicemail_numbers": ("*97", "7000"),
    "agent_numbers": ("+84 909 000 001", "0281234*"),
}
"""Lists of numbers for `random_calls`, in many forms."""

OTHER_OPTIONS: dict[str, Any] = {
    **OPTIONS,
    "wait_from": "queue",
    "threshold_s": 12.5,
    "short_s": 7.5,
    "min_talk_s": 30.0,
    "longest_call_s": 600.0,
    "ring_timeout_s": 10.0,
    "unknown_endings": "censored",
}

_IVRS = ("9000", "*981", "*98 2", "028 7111 0000", "0084 28 7111 0000")
_QUEUES = ("8000", "8000", "8100", "8101")
_VOICEMAILS = ("*97", "7000")
_PEOPLE = ("101", "102", "103", "104", "101", "84909000001", "02812345678", "*9", None)
_OUTSIDE = ("0987000001", "+84 987 000 002", "84281234567", "+14155550100", "19001234")
_PEERS = (
    *(f"{prefix}{n:0{10 - len(prefix)}}" for prefix in ("0912", "070", "032") for n in range(40)),
    *(f"0287123{n:04}" for n in range(40)),
)
_HIDDEN = (
    None, "", "0", "00", "0000000", "-1", "anonymous", "Anonymous@10.0.0.5", "sip:anonymous@x",
    "+266696687", "266696687", "101", "*98", "PRIVATE", "Unknown", "withheld", "x12345678901",
)  # fmt: skip
_TRUNKS = (None, None, "A", "B")
_REASONS = (
    None, "", "", "Caller_Disconnect", "caller_disconnected", "callee_disconnect", "cancelled",
    "CANCELED", "rna_timeout", "Queue_Overflow", "closed", "blind_transfer_complete",
)  # fmt: skip
_CODES = (0, 0, 487, 487, 480, 486, 408, 404, 503, 603, None)
_LEG_TIMES = ("add_time", "ring_time", "answered_time", "ended_time")


def random_calls(count: int, *, seed: int) -> pl.DataFrame:
    """Calls with the columns of the schema, in no order of time, with unique ids."""
    source = random.Random(seed)
    calls: list[Record] = []
    while len(calls) < count:
        calls += _Call(source, len(calls)).records()
    for record in calls:
        _damage(source, record)
    source.shuffle(calls)
    return pl.DataFrame(calls[:count], schema=dict(schema.CALL_SCHEMA))


def with_random_owners(calls: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The calls with a random owner of each target, in the columns of `logs.with_names`."""
    source = random.Random(seed)
    people = [
        {
            "extension_id": f"e{n % 5}",
            "extension_number": f"{100 + n % 5}",
            "user_id": f"u{n % 3}",
            "user": f"Agent {n % 3}",
            "department_id": f"d{n % 2}",
            "owner_assumed": bool(n % 2),
        }
        for n in range(8)
    ]
    nobody = dict.fromkeys(people[0]) | {"owner_assumed": False}
    owners = [
        None if legs is None else [source.choice([*people, nobody]) for _ in legs]
        for legs in calls["call_targets"].to_list()
    ]
    names = [
        None if legs is None else [owner["user"] for owner in owner_list or ()]
        for legs, owner_list in zip(calls["call_targets"].to_list(), owners, strict=True)
    ]
    struct = pl.Struct(
        {name: pl.Boolean if name == "owner_assumed" else pl.String for name in nobody}
    )
    return calls.with_columns(
        extension_number=pl.Series([source.choice(["101", "102", None]) for _ in owners]),
        user=pl.Series([source.choice(["Agent 0", "Agent 9", None]) for _ in owners]),
        department_id=pl.Series([source.choice(["d0", "d9", None]) for _ in owners]),
        hotline=pl.Series([source.choice(["Main", None]) for _ in owners]),
        target_names=pl.Series(names, dtype=pl.List(pl.String)),
        target_owners=pl.Series(owners, dtype=pl.List(struct)),
    )


class _Call:
    """One call, built forward in time; some have a second log."""

    def __init__(self, source: random.Random, number: int) -> None:
        self.random = source
        self.id = f"c{number:05}"
        self.start = source.randrange(SECONDS) + source.choice((0.0, 0.0, 0.5, 0.25))
        self.now = self.start + source.choice((0.0, 0.0, 1.0, 3.0))
        self.legs: list[Record] = []
        self.answered = False
        self.direction = source.choice(
            ("in",) * 12 + ("out",) * 4 + ("ext", "ext_in", "ext_in", "ext_out", None, "unknown")
        )

    def records(self) -> list[Record]:
        choose = self.random.choice
        if self.direction == "out":
            self._outbound()
        else:
            self._inbound()
        ended = self.now + choose((0, 0, 0, 0, 1, 2, 2.000001, -1, -2, 5, 30))
        record: Record = {
            "id": self.id,
            "external_session_id": choose((None, "", f"s{self.id}")),
            **self._parties(),
            "direction": self.direction,
            "call_state": "answered" if self.answered else "not_answered",
            "call_status": "P" if self.answered else choose(("N", "NS")),
            "started_at": _moment(self.start),
            "ended_at": _moment(ended),
            "duration": max(0, int(ended - self.start) - 5) if self.answered else 0,
            "extension_id": choose((None, "e0", "e1")) if self.answered else None,
            "user_id": choose((None, "u0", "u1")) if self.answered else None,
            "recording_urls": choose(([], ["link"], [""], None)),
            "call_targets": self.legs,
        }
        return [record, *self._second_log(record)]

    def _parties(self) -> Record:
        choose = self.random.choice
        if self.direction in ("ext_in", "ext_out", "ext"):
            return {"caller": choose(("101", "102")), "callee": choose(("101", "103"))}
        peer = _another_form(self.random, choose(_PEERS))
        if self.direction == "out":
            return {"caller": "101", "callee": peer}
        return {
            "caller": choose(_HIDDEN) if self.random.random() < 0.25 else peer,
            "callee": choose(("19000000", "02873001234")),
        }

    def _second_log(self, record: Record) -> list[Record]:
        """The other log of an internal call, or of a session that was answered after all."""
        choose = self.random.choice
        if self.direction in ("ext_in", "ext_out"):
            apart = choose((0, 1, -1, 2, -2, 2.000001, -3))
            copies = choose((0, 1, 1, 1, 2))
            other = "ext_in" if self.direction == "ext_out" else "ext_out"
            return [
                record
                | {
                    "id": f"{self.id}-{n}",
                    "direction": other,
                    "started_at": record["started_at"] + timedelta(seconds=apart + n * 4),
                    "call_targets": [dict(leg) for leg in self.legs],
                }
                for n in range(copies)
            ]
        if self.direction == "in" and not self.answered and self.random.random() < 0.15:
            record["external_session_id"] = f"s{self.id}"
            again = _Call(self.random, 0)
            again.start = again.now = self.now + choose((1, 10))
            again.direction = "in"
            again.id = f"{self.id}-again"
            again._inbound()
            second = {
                **record,
                "id": again.id,
                "call_state": choose(("answered", "answered", "not_answered")),
                "call_status": "P",
                "started_at": _moment(again.start),
                "ended_at": _moment(again.now),
                "call_targets": again.legs,
            }
            return [second]
        return []

    def _leg(self, number: str | None, **values: Any) -> Record:
        leg = {
            "target_number": number,
            "add_time": self.now,
            "ring_time": None,
            "answered_time": None,
            "ended_time": None,
            "ring_duration": 0,
            "status": "NOANSWER",
            "end_reason": self.random.choice(_REASONS),
            "fail_code": self.random.choice(_CODES),
            "trunk_name": self.random.choice(_TRUNKS),
        } | values
        leg |= {name: None if leg[name] is None else _moment(leg[name]) for name in _LEG_TIMES}
        self.legs.append(leg)
        return leg

    def _machine(self, numbers: tuple[str, ...]) -> None:
        seconds = self.random.choice((1, 2, 7, 20))
        answers = self.random.random() < 0.7
        self._leg(
            self.random.choice(numbers),
            answered_time=self.now if answers else None,
            ended_time=self.now + seconds,
            status="ANSWERED" if answers else "NOANSWER",
            fail_code=0,
        )
        self.answered |= answers and self.random.random() < 0.5
        self.now += seconds

    def _inbound(self) -> None:
        chance = self.random.random
        while chance() < 0.4:
            self._machine(_IVRS)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            self._queue()
            if self.answered and chance() < 0.8:
                break
        if not self.answered and chance() < 0.7:
            self._hunt()
        if not self.answered and chance() < 0.15:
            self._machine(_VOICEMAILS)
        if chance() < (0.25 if self.answered else 0.05):
            self._transfer()

    def _queue(self) -> None:
        """A stay in a queue, in which people ring and may answer."""
        begin, place = self.now, len(self.legs)
        self._leg(
            self.random.choice(_QUEUES),
            ring_time=self.random.choice((None, self.now)),
            status="NOANSWER",
            fail_code=0,
        )
        self.now += self.random.choice((0, 1, 3))
        if self.random.random() < 0.6:
            self._hunt()
            end = self.now if not self.answered else begin + self.random.choice((3, 8, 10, 20))
        else:
            self.now += self.random.choice((2, 5, 10, 30))
            end = self.now
        self.legs[place]["ended_time"] = _moment(end + self.random.choice((0, 0, 0, 1, -2)))
        if self.random.random() < 0.4:
            self.legs[place] |= {"status": "ANSWERED", "answered_time": _moment(begin)}

    def _hunt(self) -> None:
        choose = self.random.choice
        for _ in range(choose((1, 1, 2, 3))):
            together = self.random.sample(_PEOPLE, choose((1, 1, 2, 3)))
            rings = choose((1, 4, 9, 10, 12, 25))
            silent = self.random.random() < 0.2
            for number in together:
                early = choose((0, 0, 0, 1, 2, -1))
                self._leg(
                    number,
                    add_time=self.now,
                    ring_time=None if silent else self.now + choose((0, 1)),
                    ended_time=self.now + rings - early,
                    ring_duration=0 if silent else rings,
                )
            if self.random.random() < 0.4:
                self._answer(rings)
                return
            self.now += rings
            if self.random.random() < 0.3:
                self.now += choose((1, 1.5, 2, 2.000001, 4))

    def _answer(self, rings: int) -> None:
        """One more person answers, at or near the end of the others' rings; maybe a pickup."""
        choose = self.random.choice
        is_pickup = self.random.random() < 0.35
        at = self.now + rings + choose((0, 0, 0, -1, 1, 2, 2.000001, -rings - 2))
        add = at if is_pickup else choose((self.now, self.now, at - 1))
        talks = choose((3, 20, 60, 200))
        self._leg(
            choose((*_PEOPLE, *_OUTSIDE)),
            add_time=choose((add, add, add, None)),
            ring_time=None if is_pickup else add,
            answered_time=at,
            ended_time=at + talks,
            ring_duration=0 if is_pickup else rings,
            status="ANSWERED",
            fail_code=0,
        )
        self.answered = True
        self.now = at + talks

    def _transfer(self) -> None:
        choose = self.random.choice
        begin = self.now + choose((0, 0, 1, -5, -30))
        talks = choose((5, 40, 100))
        self._leg(
            choose((*_OUTSIDE, *_OUTSIDE, *_PEOPLE)),
            add_time=begin,
            ring_time=begin,
            answered_time=begin + 4,
            ended_time=begin + 4 + talks,
            ring_duration=4,
            status="ANSWERED",
            fail_code=0,
        )
        self.now = max(self.now, begin + 4 + talks)

    def _outbound(self) -> None:
        choose = self.random.choice
        if self.random.random() < 0.4:
            self._hunt()
        begin = self.now
        if self.random.random() < 0.5:
            self._leg(
                choose(_OUTSIDE), ring_time=begin + 1, answered_time=begin + 6,
                ended_time=begin + choose((10, 70)), ring_duration=5, status="answered",
            )  # fmt: skip
            self.answered = True
            self.now = begin + choose((10, 70))
        else:
            self._leg(
                choose(_OUTSIDE),
                ring_time=choose((None, begin)),
                ended_time=begin + 20,
                ring_duration=20,
            )
            self.now = begin + 20


def _damage(source: random.Random, record: Record) -> None:
    """Change some values into what a faulty or a foreign PBX writes."""
    chance, choose = source.random, source.choice
    legs = record["call_targets"]
    for leg in legs:
        if chance() < 0.05:
            shift = timedelta(seconds=choose((-25_200, 25_200, -300, -301, 300, 301, 28_800)))
            for name in _LEG_TIMES if chance() < 0.5 else (choose(_LEG_TIMES),):
                leg[name] = leg[name] and leg[name] + shift
        if chance() < 0.08:
            leg[choose(_LEG_TIMES)] = None
        if chance() < 0.04:
            leg["ring_duration"] = choose((-5, 100_000, None, 330))
        if chance() < 0.03:
            leg["ended_time"] = leg["answered_time"]
        if chance() < 0.03 and leg["ended_time"]:
            leg["ended_time"] -= timedelta(seconds=choose((30, 240)))
    if chance() < 0.1:
        source.shuffle(legs)
    if chance() < 0.02:
        legs.append(None)
    if chance() < 0.02:
        record["call_targets"] = choose((None, []))
    started = record["started_at"]
    if chance() < 0.06:
        record["ended_at"] = None
    if chance() < 0.02:
        record["ended_at"] = started - timedelta(seconds=choose((1, 200, 400)))
    if chance() < 0.03:
        record["ended_at"] = started + timedelta(seconds=choose((43_200, 43_201, 432_000)))
    if chance() < 0.02:
        record["started_at"] = None
    if chance() < 0.05:
        record["duration"] = choose((-1, -600, 1_000_000, None, 300, 330))
    if chance() < 0.06:
        record["call_state"] = choose((None, "unknown", "answered", "not_answered"))


def _another_form(source: random.Random, number: str) -> str:
    """One of the ways in which a PBX may write a number of Vietnam."""
    bare = number[1:]
    forms = [
        number, f"+84{bare}", f"84{bare}", f"0084{bare}", f"+{number}", f"sip:{number}@10.0.0.5",
        f"tel:+84{bare}", f"\u202d{number}\u202c", f"{number[:4]} {number[4:7]}.{number[7:]}",
        f"+84 (0){bare}",
    ]  # fmt: skip
    if len(bare) == 9:
        forms += [bare, f"00{bare}"]
    if number.startswith("070"):
        forms += [f"0120{number[3:]}", f"+84120{number[3:]}", f"120{number[3:]}"]
    if number.startswith("032"):
        forms += [f"0162{number[3:]}"]
    return source.choice(forms)


def _moment(seconds: float) -> datetime:
    return BEGIN + timedelta(microseconds=round(seconds * 1_000_000))
