"""Hand-written calls, and their expected outcomes, offers and measures, derived by hand.

Times are seconds from BASE, at which a call starts unless it sets `start`. Numbers are made up:
101 to 701 are people, 8000 a queue, 9000 an IVR. A leg that was not answered has the status
`NOANSWER`, unless the case tests the status.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from etelecom_analytics import schema

Record = dict[str, Any]

BASE = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
"""Second 0: a Monday, 08:00 in Ho Chi Minh City."""

TICK = 0.000001
"""The resolution of times, for edge cases."""


def moment(seconds: float | None) -> datetime | None:
    """The moment `seconds` after BASE."""
    return None if seconds is None else BASE + timedelta(microseconds=round(seconds * 1_000_000))


def leg(
    number: str | None,
    add: float | None = None,
    ring: float | None = None,
    answered: float | None = None,
    ended: float | None = None,
    *,
    rings: int | None = 0,
    status: str | None = "NOANSWER",
    reason: str | None = None,
    code: int | None = 0,
    trunk: str | None = None,
) -> Record:
    """One call target; `rings` is its `ring_duration`."""
    return {
        "target_number": number,
        "add_time": add,
        "ring_time": ring,
        "answered_time": answered,
        "ended_time": ended,
        "ring_duration": rings,
        "status": status,
        "end_reason": reason,
        "fail_code": code,
        "trunk_name": trunk,
    }


def talk(
    number: str | None,
    add: float,
    answered: float,
    ended: float | None,
    *,
    trunk: str | None = None,
) -> Record:
    """An answered leg that rang at once, for whole seconds."""
    return leg(
        number, add, add, answered, ended, rings=int(answered - add), status="ANSWERED", trunk=trunk
    )


def ringing(
    number: str | None,
    add: float,
    ended: float,
    *,
    code: int | None = 487,
    trunk: str | None = None,
) -> Record:
    """An unanswered leg that rang at once, for whole seconds, and ended with `code`."""
    return leg(number, add, add, None, ended, rings=int(ended - add), code=code, trunk=trunk)


def call(
    call_id: str,
    *legs: Record | None,
    state: str | None = "not_answered",
    start: float | None = 0.0,
    shift: float = 0.0,
    ended: float | None = None,
    duration: int | None = 0,
    direction: str | None = "in",
    caller: str | None = "0900000001",
    extension_id: str | None = None,
    recordings: Sequence[str] | None = (),
    no_list: bool = False,
) -> Record:
    """One call; `shift` moves the call and its legs, `no_list` makes `call_targets` null."""

    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else moment(shift + seconds)

    return {
        "id": call_id,
        "caller": caller,
        "callee": "19000000",
        "direction": direction,
        "call_state": state,
        "call_status": None
        if state is None
        else {"answered": "P", "not_answered": "NS", "unknown": "Z"}[state],
        "started_at": at(start),
        "ended_at": at(ended),
        "duration": duration,
        "extension_id": extension_id,
        "recording_urls": None if recordings is None else list(recordings),
        "call_targets": None
        if no_list
        else [
            one
            and {
                name: at(value) if name.endswith("_time") else value for name, value in one.items()
            }
            for one in legs
        ],
    }


def frame(*calls: Record) -> pl.DataFrame:
    """The calls in the schema's types."""
    return pl.DataFrame(list(calls), schema=dict(schema.CALL_SCHEMA))


@dataclass(frozen=True)
class Offer:
    """An expected offer; `at` is its start in seconds, `first` the index of its first leg."""

    target_number: str | None
    outcome: str
    ring_s: float | None
    legs: int = 1
    at: float | None = field(default=0.0, kw_only=True)
    first: int = field(default=0, kw_only=True)
    talk_s: float | None = field(default=None, kw_only=True)
    trunk: str | None = field(default=None, kw_only=True)
    code: int | None = field(default=0, kw_only=True)
    busy: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A call and its expected results.

    Offers are sorted by their start (unknown: last), then by their first leg. `wait_s` is measured
    from `started_at`, `ring_wait_s` from the first ring. `talk_s` and `agent_talk_s` are None where
    the call adds nothing to these measures.
    """

    name: str
    call: Record
    outcomes: tuple[str, ...]
    offers: tuple[Offer, ...]
    kind: str  # answered, missed, unknown, running
    wait_s: float | None
    ring_wait_s: float | None
    talk_s: float | None = None
    agent_talk_s: float | None = None
    ivr: tuple[str, ...] = ()
    others: tuple[Record, ...] = ()

    def frame(self) -> pl.DataFrame:
        """The call and the other calls of the case."""
        return frame(self.call, *self.others)


def a_day_apart(cases: Sequence[Case]) -> list[Record]:
    """The calls of the cases, each on its own day; id, caller and user_id are the case's name."""
    calls: list[Record] = []
    for day, case in enumerate(cases):
        calls.append(
            _later(case.call, day) | {"id": case.name, "caller": case.name, "user_id": case.name}
        )
        calls += [
            _later(other, day) | {"id": f"{case.name}, other {n}", "caller": None, "user_id": None}
            for n, other in enumerate(case.others)
        ]
    return calls


def _later(value: Any, days: int) -> Any:
    if isinstance(value, datetime):
        return value + timedelta(days)
    if isinstance(value, dict):
        return {name: _later(inner, days) for name, inner in value.items()}
    return [_later(inner, days) for inner in value] if isinstance(value, list) else value


def _whole_calls() -> list[Case]:
    """Typical calls of a PBX."""
    return [
        Case(
            name="hunt of three, the first two time out",
            # 487 is the PBX's own CANCEL: both legs ended long before the call (16, 31 < 96 - 2),
            # and the answer at 36 is more than 2 s later, so the legs were not answered elsewhere.
            call=call(
                "hunt", ringing("101", 1, 16), ringing("102", 16, 31), talk("103", 31, 36, 96),
                state="answered", ended=96, duration=60
            ),
            outcomes=("rna_timeout", "rna_timeout", "answered"),
            offers=(
                Offer("101", "rna_timeout", 15, at=1, code=487),
                Offer("102", "rna_timeout", 15, at=16, first=1, code=487),
                Offer("103", "answered", 5, at=31, first=2, talk_s=60),
            ),
            kind="answered", wait_s=36, ring_wait_s=35, talk_s=60, agent_talk_s=60,
        ),
        Case(
            name="hunt of three, two rounds, no answer",
            # No number rings twice within 2 s: six legs, six offers. The last leg ended 5 s before
            # the call: not by the caller.
            call=call(
                "rounds", *(ringing(str(101 + n % 3), 10 * n, 10 * n + 10) for n in range(6)),
                ended=65
            ),
            outcomes=("rna_timeout",) * 6,
            offers=tuple(Offer(str(101 + n % 3), "rna_timeout", 10, at=10 * n, first=n, code=487)
                for n in range(6)),
            kind="missed", wait_s=65, ring_wait_s=65,
        ),
        Case(
            name="hunt, the next answers within 2 s of the time-out",
            # a = 17.5 <= 16 + 2, but 102 was added at 16, when 101 had ended (16 < 16 does not
            # hold): they never rang together.
            call=call("quick", ringing("101", 1, 16), talk("102", 16, 17.5, 60), state="answered",
                ended=60, duration=42),
            outcomes=("rna_timeout", "answered"),
            offers=(
                Offer("101", "rna_timeout", 15, at=1, code=487),
                Offer("102", "answered", 1, at=16, first=1, talk_s=42.5),
            ),
            kind="answered", wait_s=17.5, ring_wait_s=16.5, talk_s=42, agent_talk_s=42.5,
        ),
        Case(
            name="ring group of three, one wins",
            # 201 and 203 were added at 2 <= 10 <= 10 + 2, and 202 was added (2) before they ended
            # (10).
            call=call(
                "group",
                leg("201", 2, 3, None, 10, rings=7, code=487),
                leg("202", 2, 3, 10, 70, rings=7, status="ANSWERED"),
                leg("203", 2, 3, None, 10, rings=7, code=487),
                state="answered", ended=70, duration=60,
            ),
            outcomes=("answered_elsewhere", "answered", "answered_elsewhere"),
            offers=(
                Offer("201", "answered_elsewhere", 7, at=2, code=487),
                Offer("202", "answered", 7, at=2, first=1, talk_s=60),
                Offer("203", "answered_elsewhere", 7, at=2, first=2, code=487),
            ),
            kind="answered", wait_s=10, ring_wait_s=7, talk_s=60, agent_talk_s=60,
        ),
        Case(
            name="desk phone and app, app offline, desk answers",
            # One person: one offer, with the outcome of the better leg. The rule for unreachable is
            # before that for answered_elsewhere.
            call=call(
                "app",
                leg("301", 1, None, None, 1.2, status="FAIL", code=480),
                leg("301", 1, 2, 8, 38, rings=6, status="ANSWERED"),
                state="answered", ended=38, duration=30,
            ),
            outcomes=("unreachable", "answered"),
            offers=(Offer("301", "answered", 6, 2, at=1, first=0, talk_s=30),),
            # The app's leg has no ring_time, so its add_time counts: the first ring is at 1.
            kind="answered", wait_s=8, ring_wait_s=7, talk_s=30, agent_talk_s=30,
        ),
        Case(
            name="desk phone and app, app offline, desk times out",
            # rna_timeout ranks before unreachable: the person's phone rang.
            call=call(
                "app-missed",
                leg("301", 1, None, None, 1.2, status="FAIL", code=480, trunk="app"),
                leg("301", 1, 2, None, 22, rings=20, code=487, trunk="desk"),
                ended=30,
            ),
            outcomes=("unreachable", "rna_timeout"),
            offers=(Offer("301", "rna_timeout", 20, 2, at=1, trunk="desk", code=487),),
            kind="missed", wait_s=30, ring_wait_s=29,
        ),
        Case(
            name="desk phone and app both ring, the app wins",
            # The desk's leg is answered_elsewhere, by the same person: the offer is answered.
            call=call(
                "app-wins",
                ringing("301", 1, 6),
                talk("301", 1, 6, 36),
                state="answered", ended=36, duration=30,
            ),
            outcomes=("answered_elsewhere", "answered"),
            offers=(Offer("301", "answered", 5, 2, at=1, talk_s=30),),
            kind="answered", wait_s=6, ring_wait_s=5, talk_s=30, agent_talk_s=30,
        ),
        Case(
            name="desk phone loses the race, its app is busy",
            # 301's desk rang until 302's answer at 6; answered_elsewhere ranks before
            # busy_or_rejected.
            call=call(
                "lost-and-busy",
                leg("301", 1, None, None, 1.2, status="FAIL", code=486, trunk="app"),
                ringing("301", 1, 6, trunk="desk"),
                talk("302", 1, 6, 36),
                state="answered", ended=36, duration=30,
            ),
            outcomes=("busy_or_rejected", "answered_elsewhere", "answered"),
            offers=(
                Offer("301", "answered_elsewhere", 5, 2, at=1, trunk="desk", code=487),
                Offer("302", "answered", 5, at=1, first=2, talk_s=30),
            ),
            kind="answered", wait_s=6, ring_wait_s=5, talk_s=30, agent_talk_s=30,
        ),
        Case(
            name="caller hangs up while the second rings",
            # 401 ended at 16 < 22 - 2; 402 ended with the call.
            call=call("hangs-up", ringing("401", 1, 16), ringing("402", 16, 22), ended=22),
            outcomes=("rna_timeout", "caller_gave_up"),
            offers=(
                Offer("401", "rna_timeout", 15, at=1, code=487),
                Offer("402", "caller_gave_up", 6, at=16, first=1, code=487),
            ),
            kind="missed", wait_s=22, ring_wait_s=21,
        ),
        Case(
            name="busy, then answered by another",
            # 486 did not ring: ring_s is null. With first_ring its add_time (0.5) is the first
            # ring.
            call=call(
                "busy",
                leg("501", 0.5, None, None, 0.7, status="FAIL", code=486),
                talk("502", 1, 5, 25),
                state="answered", ended=25, duration=20,
            ),
            outcomes=("busy_or_rejected", "answered"),
            offers=(
                Offer("501", "busy_or_rejected", None, at=0.5, code=486),
                Offer("502", "answered", 4, at=1, first=1, talk_s=20),
            ),
            kind="answered", wait_s=5, ring_wait_s=4.5, talk_s=20, agent_talk_s=20,
        ),
        Case(
            name="busy, then answered by the same within 2 s",
            # The gap is 2 s, not more: one offer, with the outcome, trunk and code of the answered
            # leg.
            call=call(
                "busy-same",
                leg("501", 1, None, None, 1.2, status="FAIL", code=486, trunk="A"),
                talk("501", 3, 7, 27, trunk="B"),
                state="answered", ended=27, duration=20,
            ),
            outcomes=("busy_or_rejected", "answered"),
            offers=(Offer("501", "answered", 4, 2, at=1, talk_s=20, trunk="B"),),
            kind="answered", wait_s=7, ring_wait_s=6, talk_s=20, agent_talk_s=20,
        ),
        Case(
            name="trunk failover",
            # 503 is a network failure, though another leg was answered later; both legs are one
            # ring of one person.
            call=call(
                "failover",
                leg("0900000002", 0.2, None, None, 0.9, status="FAIL", code=503, trunk="A"),
                leg("0900000002", 1, 3, 9, 69, rings=6, status="ANSWERED", trunk="B"),
                state="answered", ended=69, duration=60, direction="out",
            ),
            outcomes=("network", "answered"),
            offers=(Offer("0900000002", "answered", 6, 2, at=0.2, talk_s=60, trunk="B"),),
            kind="answered", wait_s=9, ring_wait_s=8.8, talk_s=60, agent_talk_s=60,
        ),
        Case(
            name="IVR, queue, then agent",
            # 7 s each: duration is 21 s, the agent's talk 7 s. The first ring of a person is at the
            # end of the queue.
            call=_through_ivr("ivr"),
            ivr=("9000", "8000"),
            outcomes=("answered", "answered", "answered"),
            offers=(
                Offer("9000", "answered", None, at=0, talk_s=7),
                Offer("8000", "answered", None, at=7, first=1, talk_s=7),
                Offer("701", "answered", None, at=14, first=2, talk_s=7),
            ),
            kind="answered", wait_s=14, ring_wait_s=0, talk_s=21, agent_talk_s=7,
        ),
        Case(
            name="IVR, queue, then agent, without ivr_numbers",
            # ivr_numbers is empty by default: the IVR answers at once, and counts as an agent with
            # 7 s of talk.
            call=_through_ivr("ivr-untold"),
            outcomes=("answered", "answered", "answered"),
            offers=(
                Offer("9000", "answered", None, at=0, talk_s=7),
                Offer("8000", "answered", None, at=7, first=1, talk_s=7),
                Offer("701", "answered", None, at=14, first=2, talk_s=7),
            ),
            kind="answered", wait_s=0, ring_wait_s=0, talk_s=21, agent_talk_s=21,
        ),
        Case(
            name="transfer: two agents talk, the second without an end",
            # Only 101 has both times: 20 s.
            call=call(
                "transfer", talk("101", 0, 4, 24), talk("102", 24, 30, None), state="answered",
                ended=90, duration=86
            ),
            outcomes=("answered", "answered"),
            offers=(Offer("101", "answered", 4, at=0, talk_s=20), Offer("102", "answered", 6, at=24,
                first=1)),
            kind="answered", wait_s=4, ring_wait_s=4, talk_s=86, agent_talk_s=20,
        ),
        Case(
            name="transfer: both agents' talk is summed",
            call=call(
                "transfer-two", talk("101", 0, 4, 24), talk("102", 24, 30, 90.5), state="answered",
                ended=91, duration=86
            ),
            outcomes=("answered", "answered"),
            offers=(Offer("101", "answered", 4, at=0, talk_s=20), Offer("102", "answered", 6, at=24,
                first=1, talk_s=60.5)),
            kind="answered", wait_s=4, ring_wait_s=4, talk_s=86, agent_talk_s=80.5,
        ),
    ]  # fmt: skip


def _through_ivr(call_id: str) -> Record:
    return call(
        call_id,
        leg("9000", 0, None, 0, 7, status="ANSWERED"),
        leg("8000", 7, None, 7, 14, status="ANSWERED"),
        leg("701", 14, None, 14, 21, status="ANSWERED"),
        state="answered", ended=21, duration=21,
    )  # fmt: skip


def _kinds_and_waits() -> list[Case]:
    """Whether a call is answered, missed, unknown or running, and its wait."""
    return [
        Case(
            name="running call",
            # Neither answered nor missed, though its leg and its state are answered.
            call=call("running", talk("101", 0, 5, None), state="answered", ended=None),
            outcomes=("in_progress",),
            offers=(Offer("101", "in_progress", 5),),
            kind="running", wait_s=None, ring_wait_s=None,
        ),
        Case(
            name="running call of a ring group",
            # The first rule is in_progress, for every leg.
            call=call("running-group", ringing("101", 0, 5), leg("102", 0, None, None, 1, code=486),
                ended=None),
            outcomes=("in_progress", "in_progress"),
            offers=(Offer("101", "in_progress", 5, code=487), Offer("102", "in_progress", None,
                first=1, code=486)),
            kind="running", wait_s=None, ring_wait_s=None,
        ),
        Case(
            name="answered call without legs",
            # Without answered legs none went to an IVR: answered. Its wait is unknown.
            call=call("no-legs", state="answered", ended=30, duration=30),
            ivr=("9000",),
            outcomes=(), offers=(),
            kind="answered", wait_s=None, ring_wait_s=None, talk_s=30,
        ),
        Case(
            name="answered call whose list of legs is null",
            call=call("null-legs", state="answered", ended=30, duration=30, no_list=True),
            outcomes=(), offers=(),
            kind="answered", wait_s=None, ring_wait_s=None, talk_s=30,
        ),
        Case(
            name="missed call without legs",
            # It never rang: from first_ring its wait is unknown.
            call=call("missed-no-legs", ended=12),
            outcomes=(), offers=(),
            kind="missed", wait_s=12, ring_wait_s=None,
        ),
        Case(
            name="missed call whose list of legs is null",
            call=call("missed-null-legs", ended=12, no_list=True),
            outcomes=(), offers=(),
            kind="missed", wait_s=12, ring_wait_s=None,
        ),
        Case(
            name="leg with all times null",
            # 487, but without an end to compare with the call's: not by the caller. No ring: other.
            call=call("timeless", leg("101", code=487, status="NONE"), ended=12),
            outcomes=("other",),
            offers=(Offer("101", "other", None, at=None, code=487),),
            kind="missed", wait_s=12, ring_wait_s=None,
        ),
        Case(
            name="a null leg",
            call=call("null-leg", None, ended=12),
            outcomes=("other",),
            offers=(Offer(None, "other", None, at=None, code=None),),
            kind="missed", wait_s=12, ring_wait_s=None,
        ),
        Case(
            name="unknown state, ended",
            # The rules for its legs and offers are those of any other call.
            call=call("unknown", ringing("101", 0, 10), state="unknown", ended=20),
            outcomes=("rna_timeout",),
            offers=(Offer("101", "rna_timeout", 10, code=487),),
            kind="unknown", wait_s=None, ring_wait_s=None,
        ),
        Case(
            name="no state, ended",
            call=call("stateless", talk("101", 0, 5, 20), state=None, ended=20, duration=15),
            outcomes=("answered",),
            offers=(Offer("101", "answered", 5, talk_s=15),),
            kind="unknown", wait_s=None, ring_wait_s=None,
        ),
        Case(
            name="status answered in lower case, no time",
            # Answered by its status alone; the time of the answer is unknown.
            call=call("lower", leg("101", 0, 1, None, 30, rings=4, status="answered"),
                state="answered", ended=30, duration=25),
            outcomes=("answered",),
            offers=(Offer("101", "answered", 4),),
            kind="answered", wait_s=None, ring_wait_s=None, talk_s=25,
        ),
        Case(
            name="answered_time without ANSWERED",
            # Answered by its time alone, for any status and code.
            call=call("timed", leg("101", 0, 1, 6, 30, rings=5, code=486), state="answered",
                ended=30, duration=24),
            outcomes=("answered",),
            offers=(Offer("101", "answered", 5, talk_s=24, code=486),),
            kind="answered", wait_s=6, ring_wait_s=5, talk_s=24, agent_talk_s=24,
        ),
        Case(
            name="not_answered with an answered leg",
            # The state of the call decides; the IVR rule changes only answered.
            call=call("contradiction", talk("101", 0, 5, 20), ended=20, duration=15),
            outcomes=("answered",),
            offers=(Offer("101", "answered", 5, talk_s=15),),
            kind="missed", wait_s=20, ring_wait_s=20,
        ),
        Case(
            name="answered by an IVR only",
            # Missed, with a wait until its end. There are no other legs, so the first ring is the
            # IVR's, at 1.
            call=call("ivr-only", leg("9000", 1, None, 2, 40, status="ANSWERED"), state="answered",
                ended=40, duration=38),
            ivr=("9000",),
            outcomes=("answered",),
            offers=(Offer("9000", "answered", None, at=1, talk_s=38),),
            kind="missed", wait_s=40, ring_wait_s=39,
        ),
        Case(
            name="answered by an IVR, a person did not answer",
            # Every answered leg went to the IVR: missed. No person answered, so the caller ended
            # 101's leg.
            call=call(
                "ivr-then-nobody",
                leg("9000", 1, None, 2, 10, status="ANSWERED"),
                ringing("101", 10, 40),
                state="answered", ended=40, duration=8,
            ),
            ivr=("9000",),
            outcomes=("answered", "caller_gave_up"),
            offers=(Offer("9000", "answered", None, at=1, talk_s=8), Offer("101", "caller_gave_up",
                30, at=10, first=1, code=487)),
            kind="missed", wait_s=40, ring_wait_s=30,
        ),
        Case(
            name="answered, an IVR's leg not answered, no answered leg",
            # No answered legs at all: the IVR rule does not apply.
            call=call("ivr-failed", leg("9000", 1, None, None, 2, code=503), state="answered",
                ended=40, duration=38),
            ivr=("9000",),
            outcomes=("network",),
            offers=(Offer("9000", "network", None, at=1, code=503),),
            kind="answered", wait_s=None, ring_wait_s=None, talk_s=38,
        ),
        Case(
            name="answered by a leg without a number",
            # A null number is not in ivr_numbers: a person answered.
            call=call("nameless", talk(None, 1, 4, 24), state="answered", ended=24, duration=20),
            ivr=("9000",),
            outcomes=("answered",),
            offers=(Offer(None, "answered", 3, at=1, talk_s=20),),
            kind="answered", wait_s=4, ring_wait_s=3, talk_s=20, agent_talk_s=20,
        ),
        Case(
            name="first ring: a person's leg without times hides the IVR's",
            # There is a leg to a person, so only its times count, and it has none.
            call=call("ivr-timeless", leg("9000", 1, None, None, 5), leg("101", status="NONE"),
                ended=12),
            ivr=("9000",),
            outcomes=("other", "other"),
            offers=(Offer("9000", "other", None, at=1), Offer("101", "other", None, at=None,
                first=1)),
            kind="missed", wait_s=12, ring_wait_s=None,
        ),
        Case(
            name="answered before it rang",
            # Clocks differ: 4 - 5 s from the first ring counts as 0.
            call=call("early", leg("101", 5, 5, 4, 30, rings=0, status="ANSWERED"),
                state="answered", ended=30, duration=26),
            outcomes=("answered",),
            offers=(Offer("101", "answered", 0, at=5, talk_s=26),),
            kind="answered", wait_s=4, ring_wait_s=0, talk_s=26, agent_talk_s=26,
        ),
        Case(
            name="answered before it started",
            call=call("earlier", leg("101", -2, -2, -1, 30, rings=1, status="ANSWERED"),
                state="answered", ended=30, duration=31),
            outcomes=("answered",),
            offers=(Offer("101", "answered", 1, at=-2, talk_s=31),),
            kind="answered", wait_s=0, ring_wait_s=1, talk_s=31, agent_talk_s=31,
        ),
        Case(
            name="missed, ended before it started",
            call=call("backwards", ended=-3),
            outcomes=(), offers=(),
            kind="missed", wait_s=0, ring_wait_s=None,
        ),
        Case(
            name="no start",
            # The wait is unknown from the start, and known from the first ring.
            call=call("startless", ringing("101", 2, 10), start=None, ended=10),
            outcomes=("caller_gave_up",),
            offers=(Offer("101", "caller_gave_up", 8, at=2, code=487),),
            kind="missed", wait_s=None, ring_wait_s=8,
        ),
        Case(
            name="the earliest answer counts, not the first leg's",
            # The order of the legs does not matter; 102 rang at 3, 101 at 8: the first ring is at
            # 3.
            call=call(
                "earliest", talk("101", 8, 9, 30), talk("102", 3, 6, 8), state="answered", ended=30,
                duration=24
            ),
            outcomes=("answered", "answered"),
            offers=(Offer("102", "answered", 3, at=3, first=1, talk_s=2), Offer("101", "answered",
                1, at=8, talk_s=21)),
            kind="answered", wait_s=6, ring_wait_s=3, talk_s=24, agent_talk_s=23,
        ),
    ]  # fmt: skip


def _one_leg(
    name: str, one: Record, outcome: str, *, ended: float = 60.0, rang_s: float | None = None
) -> Case:
    """A missed call with one leg to 101, added at 0, and one offer of the same outcome."""
    return Case(
        name=name,
        call=call("one-leg", one, ended=ended),
        outcomes=(outcome,),
        offers=(Offer("101", outcome, rang_s, code=one["fail_code"]),),
        kind="missed", wait_s=ended, ring_wait_s=ended,
    )  # fmt: skip


def _codes_and_words() -> list[Case]:
    """One leg that ends at 10 s; the call ends at 60 s unless a case sets another end."""
    silent = {
        "busy_or_rejected": (486, 600, 603),
        "network": (408, 500, 503, 599),
        "unreachable": (404, 410, 480, 484, 604),
    }
    # 4xx codes for an unreachable phone do not apply to a leg that rang; 486, 6xx and 5xx always
    # apply.
    loud = {
        "busy_or_rejected": (486, 600, 603),
        "network": (500, 503, 599),
        "rna_timeout": (408, 404, 410, 480, 484, 604, 487, 0, 499),
    }
    cases = [
        _one_leg(f"{code} that did not ring", leg("101", 0, None, None, 10, code=code), outcome)
        for outcome, codes in silent.items()
        for code in codes
    ]
    cases += [
        _one_leg(f"{code} that rang", ringing("101", 0, 10, code=code), outcome, rang_s=10)
        for outcome, codes in loud.items()
        for code in codes
    ]
    # 499 and 601 are outside the ranges; a missing code matches no rule.
    cases += [
        _one_leg(
            f"{code} that did not ring is ignored",
            leg("101", 0, None, None, 10, code=code),
            "other",
        )
        for code in (499, 601, 487, 0, None)
    ]
    cases += [
        _one_leg("no code, rang", ringing("101", 0, 10, code=None), "rna_timeout", rang_s=10),
        # A leg rang if it has a ring_time or a ring_duration above 0.
        _one_leg("rang by its duration only", leg("101", 0, None, None, 10, rings=3), "rna_timeout",
            rang_s=3),
        _one_leg("rang by its duration only, 480", leg("101", 0, None, None, 10, rings=3, code=480),
            "rna_timeout", rang_s=3),
        _one_leg("rang by its time only", leg("101", 0, 0, None, 10, rings=0), "rna_timeout",
            rang_s=0),
        _one_leg("rang for an unknown time", leg("101", 0, 0, None, 10, rings=None),
            "rna_timeout"),
        _one_leg("no ring_time, no ring_duration", leg("101", 0, None, None, 10, rings=None),
            "other"),
        _one_leg("no status, rang", leg("101", 0, 0, None, 10, rings=10, status=None),
            "rna_timeout", rang_s=10),
        # caller_gave_up needs an end within 2 s of the call's, inclusive.
        _one_leg("487, ended 2 s before the call", ringing("101", 0, 10), "caller_gave_up",
            ended=12, rang_s=10),
        _one_leg("487, ended more than 2 s before the call", ringing("101", 0, 10), "rna_timeout",
            ended=12 + TICK, rang_s=10),
        _one_leg("487, ended after the call", ringing("101", 0, 10), "caller_gave_up", ended=9,
            rang_s=10),
        _one_leg("487 that did not ring, ended with the call", leg("101", 0, None, None, 10,
            code=487), "caller_gave_up", ended=10),
        _one_leg("480 that rang, ended with the call", ringing("101", 0, 10, code=480),
            "rna_timeout", ended=10, rang_s=10),
        # Earlier rules win over caller_gave_up.
        _one_leg("486, ended with the call", leg("101", 0, None, None, 10, code=486,
            reason="cancelled"), "busy_or_rejected", ended=10),
        _one_leg("503, ended with the call", ringing("101", 0, 10, code=503), "network", ended=10,
            rang_s=10),
        _one_leg("404, cancelled", leg("101", 0, None, None, 10, code=404, reason="CANCELLED"),
            "unreachable", ended=10),
    ]  # fmt: skip
    reasons = {
        "Caller_Disconnected": "caller_gave_up",
        "CALLER_DISCONNECT": "caller_gave_up",
        "cancelled": "caller_gave_up",
        "Canceled": "caller_gave_up",
        # caller_disconnect must be a prefix, cancelled the whole reason, and "_" is not a wildcard.
        "by caller_disconnect": "rna_timeout",
        "cancelled by the PBX": "rna_timeout",
        "caller disconnect": "rna_timeout",
        "callerXdisconnect": "rna_timeout",
        "": "rna_timeout",
    }

    def cancelled(ended: float | None, reason: str | None, code: int | None) -> Record:
        return leg("101", 0, 0, None, ended, rings=10, reason=reason, code=code)

    cases += [
        _one_leg(
            f"end_reason {reason!r}, code {code}",
            cancelled(10, reason, code),
            outcome,
            ended=10,
            rang_s=10,
        )
        for reason, outcome in reasons.items()
        for code in (0, None)
    ]
    return [
        *cases,
        _one_leg(
            "end_reason cancelled, long before the end",
            cancelled(10, "cancelled", 0),
            "rna_timeout",
            rang_s=10,
        ),
        _one_leg(
            "487 without an end", cancelled(None, None, 487), "rna_timeout", ended=10, rang_s=10
        ),
    ]


def _answered_elsewhere() -> list[Case]:
    """The edges of `s - 2 s <= a <= e + 2 s`, and the other's s < e, or it never rang: pickup.

    s is the first time of a leg, e its end; a is the other's answer. 101 rings
    from 0 to 10 unless a case says otherwise.
    """

    def case(
        name: str,
        this: Record,
        other: Record,
        mine: Offer,
        its: Offer,
        *,
        wait_s: float | None,
        ring_wait_s: float | None,
        agent_talk_s: float | None,
        ivr: tuple[str, ...] = (),
    ) -> Case:
        person = other["target_number"] not in ivr
        return Case(
            name=name,
            call=call("together", this, other, state="answered", ended=60, duration=30),
            ivr=ivr,
            outcomes=(mine.outcome, "answered"),
            offers=(mine, its),
            kind="answered" if person else "missed",
            wait_s=wait_s, ring_wait_s=ring_wait_s, talk_s=30 if person else None,
            agent_talk_s=agent_talk_s,
        )  # fmt: skip

    def answers(add: float, at: float | None, number: str = "102") -> Record:
        """The other leg: rings for 3 s from `add`, is answered, and talks until 50."""
        return leg(number, add, add, at, 50, rings=3, status="ANSWERED")

    def won(at: float, talk_s: float | None, number: str = "102") -> Offer:
        return Offer(number, "answered", 3, at=at, first=1, talk_s=talk_s)

    elsewhere, rna = "answered_elsewhere", "rna_timeout"
    lost = ringing("101", 0, 10)
    late = leg("101", 5, 5, None, 6, rings=1, code=487)
    mute = leg("101", 0, None, None, 10, rings=None)
    return [
        case(
            "the other answers 2 s after the end", lost, answers(0, 12),
            Offer("101", elsewhere, 10, code=487), won(0, 38), wait_s=12, ring_wait_s=12,
            agent_talk_s=38,
        ),
        case(
            "the other answers more than 2 s after the end", lost, answers(0, 12 + TICK),
            Offer("101", rna, 10, code=487), won(0, 38 - TICK), wait_s=12 + TICK,
            ring_wait_s=12 + TICK, agent_talk_s=38 - TICK,
        ),
        case(
            "the other began just before the end", lost, answers(10 - TICK, 11),
            Offer("101", elsewhere, 10, code=487), won(10 - TICK, 39), wait_s=11, ring_wait_s=11,
            agent_talk_s=39,
        ),
        case(
            "the other began at the end", lost, answers(10, 11),
            Offer("101", rna, 10, code=487), won(10, 39), wait_s=11, ring_wait_s=11,
            agent_talk_s=39,
        ),
    ] + [
        # 101 is added at 5, and 102 rings from 0: the order of the offers is reversed.
        Case(
            name=name,
            call=call("late", late, answers(0, at), state="answered", ended=60, duration=30),
            outcomes=(outcome, "answered"),
            offers=(won(0, talk_s), Offer("101", outcome, 1, at=5, code=487)),
            kind="answered", wait_s=at, ring_wait_s=at, talk_s=30, agent_talk_s=talk_s,
        )
        for name, at, outcome, talk_s in (
            ("the other answers as this begins", 5, elsewhere, 45),
            ("the other answered 2 s before this began", 3, elsewhere, 47),
            ("the other answered more than 2 s before", 3 - TICK, rna, 47 + TICK),
        )
    ] + [
        # Without an add_time a leg begins at the ring_time (0), and without an end it ends after
        # ring_duration.
        case(
            "this has no add_time", leg("101", None, 0, None, 10, rings=10, code=487), answers(0,
                10),
            Offer("101", elsewhere, 10, code=487), won(0, 40), wait_s=10, ring_wait_s=10,
            agent_talk_s=40,
        ),
        case(
            "this has no end", leg("101", 0, 0, None, None, rings=10, code=487), answers(0, 10),
            Offer("101", elsewhere, 10, code=487), won(0, 40), wait_s=10, ring_wait_s=10,
            agent_talk_s=40,
        ),
        # It began after this ended, so they did not ring together, unless it never rang: a pickup.
        case(
            "the other picked up 2 s after the end", lost, leg("102", 12, None, 12, 50,
                status="ANSWERED"),
            Offer("101", elsewhere, 10, code=487), Offer("102", "answered", None, at=12, first=1,
                talk_s=38), wait_s=12, ring_wait_s=12, agent_talk_s=38,
        ),
        case(
            "the other picked up later", lost, leg("102", 12 + TICK, None, 12 + TICK, 50,
                status="ANSWERED"),
            Offer("101", rna, 10, code=487), Offer("102", "answered", None, at=12 + TICK, first=1,
                talk_s=38 - TICK), wait_s=12 + TICK, ring_wait_s=12 + TICK,
            agent_talk_s=38 - TICK,
        ),
        case(
            "the other's answer has no time", lost, answers(0, None),
            Offer("101", rna, 10, code=487), won(0, None), wait_s=None, ring_wait_s=None,
            agent_talk_s=None,
        ),
        case(
            "the other has no add_time", lost, leg("102", None, 0, 10, 50, rings=3,
                status="ANSWERED"),
            Offer("101", elsewhere, 10, code=487), won(0, 40), wait_s=10, ring_wait_s=10,
            agent_talk_s=40,
        ),
        # Earlier rules win: the code decides before the other leg's answer.
        *(
            case(
                f"{code} next to an answer", leg("101", 0, None, None, 10, code=code), answers(0,
                    10),
                Offer("101", outcome, None, code=code), won(0, 40), wait_s=10, ring_wait_s=10,
                agent_talk_s=40,
            )
            for code, outcome in ((486, "busy_or_rejected"), (408, "network"), (503, "network"),
                (480, "unreachable"))
        ),
        # No earlier rule applies to a 408 or 480 that rang, and answered_elsewhere is before
        # rna_timeout.
        *(
            case(
                f"{code} that rang next to an answer", ringing("101", 0, 10, code=code), answers(0,
                    10),
                Offer("101", elsewhere, 10, code=code), won(0, 40), wait_s=10, ring_wait_s=10,
                agent_talk_s=40,
            )
            for code in (408, 480)
        ),
        # It is before caller_gave_up, too: 487 and ended at 59 >= 60 - 2, with the other's answer
        # at 12.
        case(
            "ended with the call, next to an answer", ringing("101", 0, 59), answers(0,
                12),
            Offer("101", elsewhere, 59, code=487), won(0, 38), wait_s=12, ring_wait_s=12,
            agent_talk_s=38,
        ),
        # The leg need not ring: it was tried together with the answered one.
        case(
            "no ring next to an answer", mute, answers(0, 10),
            Offer("101", elsewhere, None), won(0, 40), wait_s=10, ring_wait_s=10, agent_talk_s=40,
        ),
        # An IVR is not a person, and the call is missed; without ivr_numbers it is a person.
        case(
            "an IVR answers", lost, answers(0, 5, "9000"), Offer("101", rna, 10, code=487),
            won(0, 45, "9000"),
            wait_s=60, ring_wait_s=60, agent_talk_s=None, ivr=("9000",),
        ),
        case(
            "9000 answers, not an IVR", lost, answers(0, 5, "9000"), Offer("101", elsewhere, 10,
                code=487), won(0, 45, "9000"),
            wait_s=5, ring_wait_s=5, agent_talk_s=45,
        ),
        # The unanswered leg may be an IVR's: the rule tests only the other leg.
        Case(
            name="a queue rang together with the person who answered",
            call=call("queue", ringing("8000", 0, 10), answers(0, 10), state="answered", ended=60,
                duration=30),
            ivr=("8000",),
            outcomes=(elsewhere, "answered"),
            offers=(Offer("8000", elsewhere, 10, code=487), won(0, 40)),
            kind="answered", wait_s=10, ring_wait_s=10, talk_s=30, agent_talk_s=40,
        ),
    ]  # fmt: skip


def _grouping() -> list[Case]:
    """The grouping of legs into offers, in missed calls that end long after their legs."""

    def case(
        name: str,
        legs: Sequence[Record],
        outcomes: Sequence[str],
        offers: Sequence[Offer],
        ring_wait_s: float | None,
    ) -> Case:
        return Case(
            name=name, call=call("grouped", *legs, ended=60), outcomes=tuple(outcomes),
            offers=tuple(offers),
            kind="missed", wait_s=60, ring_wait_s=ring_wait_s,
        )  # fmt: skip

    def at(*adds: float) -> list[Record]:
        return [
            leg("101", add, add, None, 20, rings=10 + n, code=487, trunk="ABC"[n])
            for n, add in enumerate(adds)
        ]

    rna2, rna3 = ("rna_timeout",) * 2, ("rna_timeout",) * 3
    return [
        # A chain: each gap is 1.5 s, though the last is 3 s from the first.
        case(
            "two legs at 0 and 1.5, and a third at 3", at(0, 1.5, 3), rna3,
            [Offer("101", "rna_timeout", 12, 3, trunk="A", code=487)], 60,
        ),
        case("two legs at 0 and 1.5", at(0, 1.5), rna2, [Offer("101", "rna_timeout", 11, 2,
            trunk="A", code=487)], 60),
        case(
            "two legs at 0 and 2.5", at(0, 2.5), rna2,
            [
                Offer("101", "rna_timeout", 10, trunk="A", code=487),
                Offer("101", "rna_timeout", 11, at=2.5, first=1, trunk="B", code=487),
            ],
            60,
        ),
        # Legs at 0 and 3 s, without one between, are two offers.
        case(
            "two legs at 0 and 3", at(0, 3), rna2,
            [
                Offer("101", "rna_timeout", 10, trunk="A", code=487),
                Offer("101", "rna_timeout", 11, at=3, first=1, trunk="B", code=487),
            ],
            60,
        ),
        case("a gap of 2 s is not more than 2 s", at(0, 2), rna2, [Offer("101", "rna_timeout", 11,
            2, trunk="A", code=487)], 60),
        case(
            "a gap of more than 2 s", at(0, 2 + TICK), rna2,
            [
                Offer("101", "rna_timeout", 10, trunk="A", code=487),
                Offer("101", "rna_timeout", 11, at=2 + TICK, first=1, trunk="B", code=487),
            ],
            60,
        ),
        # By time, not by the list: the first leg is the one at 0, and its trunk wins the tie.
        case(
            "legs out of order", at(3, 1.5, 0), rna3, [Offer("101", "rna_timeout", 12, 3, first=2,
                trunk="C", code=487)], 60
        ),
        # At the same time the order of the list decides.
        case("legs at the same time", at(1, 1), rna2, [Offer("101", "rna_timeout", 11, 2, at=1,
            trunk="A", code=487)], 59),
        # The first of a tie is the best: its code and trunk, even where these are null.
        case(
            "a tie of the best, the first without a trunk",
            [ringing("101", 0, 10, code=0), ringing("101", 1, 12, code=487, trunk="B")],
            rna2, [Offer("101", "rna_timeout", 11, 2, trunk=None, code=0)], 60,
        ),
        # The best leg gives trunk and code, the first leg the start and the index.
        case(
            "the best is the last",
            [
                leg("101", 0, None, None, 1, code=503, trunk="A"),
                leg("101", 1, None, None, 2, code=480, trunk="B"),
                ringing("101", 2, 20, code=408, trunk="C"),
            ],
            ("network", "unreachable", "rna_timeout"), [Offer("101", "rna_timeout", 18, 3,
                trunk="C", code=408)], 60,
        ),
        case(
            "unreachable comes before network, network before other",
            [leg("101", 0, None, None, 1), leg("101", 0, None, None, 1, code=503), leg("101", 0,
                None, None, 1, code=404, trunk="T")],
            ("other", "network", "unreachable"), [Offer("101", "unreachable", None, 3, trunk="T",
                code=404)], 60,
        ),
        case(
            "network comes before other",
            [leg("101", 0, None, None, 1), leg("101", 0, None, None, 1, code=503)],
            ("other", "network"), [Offer("101", "network", None, 2, code=503)], 60,
        ),
        case(
            "busy comes before a ring without answer",
            [ringing("101", 0, 20), leg("101", 0, None, None, 1, code=486)],
            ("rna_timeout", "busy_or_rejected"), [Offer("101", "busy_or_rejected", 20, 2,
                code=486)], 60,
        ),
        case(
            "caller_gave_up comes before a ring without answer",
            [ringing("101", 0, 20), ringing("101", 1, 60)],
            ("rna_timeout", "caller_gave_up"), [Offer("101", "caller_gave_up", 59, 2, code=487)],
            60,
        ),
        case(
            "busy comes before caller_gave_up",
            [ringing("101", 0, 60), leg("101", 0, None, None, 1, code=603)],
            ("caller_gave_up", "busy_or_rejected"), [Offer("101", "busy_or_rejected", 60, 2,
                code=603)], 60,
        ),
        # A leg that did not ring does not count (its ring_duration is not above 0); one that rang
        # for 0 s gives 0.
        case(
            "the longest ring of those that rang",
            [leg("101", 0, None, None, 9, rings=0), leg("101", 0, 1, None, 9, rings=0), leg("101",
                0, 1, None, 9, rings=None)],
            ("other", "rna_timeout", "rna_timeout"), [Offer("101", "rna_timeout", 0, 3)], 60,
        ),
        # Two numbers at the same moment; a leg of the other number does not break a chain.
        case(
            "legs of two people interleaved",
            [ringing("101", 0, 20), ringing("102", 1, 20), ringing("101", 2, 20), ringing("102", 3,
                20)],
            ("rna_timeout",) * 4,
            [Offer("101", "rna_timeout", 20, 2, code=487), Offer("102", "rna_timeout", 19, 2, at=1,
                first=1, code=487)], 60,
        ),
        # Without a number it is unknown whether it is the same person.
        case(
            "two legs without a number",
            [ringing(None, 0, 20), ringing(None, 0, 20)],
            rna2, [Offer(None, "rna_timeout", 20, code=487), Offer(None, "rna_timeout", 20, first=1,
                code=487)], 60,
        ),
        # The same without a time.
        case(
            "legs without times, and one with",
            [leg("101", code=480), ringing("101", 0, 20), leg("101", code=486)],
            ("unreachable", "rna_timeout", "busy_or_rejected"),
            [
                Offer("101", "rna_timeout", 20, first=1, code=487),
                Offer("101", "unreachable", None, at=None, code=480),
                Offer("101", "busy_or_rejected", None, at=None, first=2, code=486),
            ],
            60,
        ),
        # t = coalesce(add_time, ring_time, answered_time): the add_time of one, the ring_time of
        # the next, then an answer's.
        case(
            "legs with one time each",
            [leg("101", 1, 9, None, 20, rings=1), leg("101", None, 3, None, 20, rings=2), leg("101",
                None, None, 5, 20, status="ANSWERED")],
            # a = 5 lies within both, and the answered leg begins at 5, before 20. The state of the
            # call is not_answered.
            ("answered_elsewhere", "answered_elsewhere", "answered"),
            # A leg without a ring_time and with a ring_duration of 0 did not ring: the longest ring
            # is 2.
            [Offer("101", "answered", 2, 3, at=1, talk_s=15)],
            # The first ring is the minimum of 9, 3 and null: coalesce(ring_time, add_time) prefers
            # ring_time.
            57,
        ),
    ]  # fmt: skip


def _busy_person() -> list[Case]:
    """An offer to 101 at 100 s, while 101 may be talking in another call."""

    def case(name: str, other: Record, *, busy: bool, number: str | None = "101") -> Case:
        return Case(
            name=name,
            call=call("busy-person", ringing(number, 0, 10), shift=100, ended=30),
            outcomes=("rna_timeout",),
            offers=(Offer(number, "rna_timeout", 10, at=100, code=487, busy=busy),),
            kind="missed", wait_s=30, ring_wait_s=30,
            others=(other,),
        )  # fmt: skip

    def talking(
        start: float | None,
        end: float | None,
        *,
        number: str | None = "101",
        ended: float | None = 300.0,
    ) -> Record:
        one = leg(number, 1, 1, start, end, rings=1, status="ANSWERED")
        return call("other", one, state="answered", ended=ended, duration=10)

    return [
        case("another call's talk around the offer", talking(50, 150), busy=True),
        # [answered, ended): the beginning is included, the end is not.
        case("another call's talk begins at the offer", talking(100, 150), busy=True),
        case("another call's talk begins just after", talking(100 + TICK, 150), busy=False),
        case("another call's talk ends at the offer", talking(50, 100), busy=False),
        case("another call's talk ends just after", talking(50, 100 + TICK), busy=True),
        # A talk without an end lasts until the end of its call, or until as_of: the latest start.
        case("another call's talk without an end", talking(50, None), busy=True),
        case("another call's talk without an end, in a call that ended", talking(50, None,
            ended=100), busy=False),
        case("a talk without an end in a running call, at as_of", talking(50, None,
            ended=None), busy=False),
        case("another call's answer without a time", talking(None, 150), busy=False),
        # An answered leg of a running call counts like any other.
        case("a running call, its leg's talk around the offer", talking(50, 150,
            ended=None), busy=True),
        case("another number's talk", talking(50, 150, number="102"), busy=False),
        case("a missing number is never busy", talking(50, 150, number=None), busy=False,
            number=None),
        # It rang there, but was not answered.
        case("another call only rang", call("other", leg("101", 50, 50, None, 150, rings=100),
            ended=300), busy=False),
        Case(
            name="talk in the same call does not count as busy",
            # 101 answers at 2, and the same call tries it again at 10, while its first leg talks
            # until 30.
            call=call(
                "own", talk("101", 0, 2, 30), leg("101", 10, None, None, 10.5, code=486),
                state="answered", ended=30, duration=28
            ),
            outcomes=("answered", "busy_or_rejected"),
            offers=(Offer("101", "answered", 2, talk_s=28), Offer("101", "busy_or_rejected", None,
                at=10, first=1, code=486)),
            kind="answered", wait_s=2, ring_wait_s=2, talk_s=28, agent_talk_s=28,
        ),
    ]  # fmt: skip


CASES = (
    *_whole_calls(),
    *_kinds_and_waits(),
    *_codes_and_words(),
    *_answered_elsewhere(),
    *_grouping(),
    *_busy_person(),
)
"""All cases, with unique names."""


def _agent(wait: float, talks: float | None) -> Record:
    return talk("101", 0, wait, None if talks is None else wait + talks)


TWELVE_CALLS = (
    call(
        "a1",
        _agent(5, 100),
        state="answered",
        ended=105,
        duration=100,
        recordings=["link"],
        extension_id="11",
    ),
    call(
        "a2",
        _agent(20, 8),
        state="answered",
        ended=28,
        duration=8,
        recordings=["link", "link"],
        extension_id="11",
    ),
    call("a3", _agent(20.4, 60), state="answered", ended=80.4, duration=60, extension_id="12"),
    call(
        "a4",
        _agent(40, None),
        state="answered",
        ended=50,
        duration=10,
        recordings=None,
        extension_id="12",
    ),
    call("a5", state="answered", ended=30, duration=30, recordings=[""], extension_id="12"),
    call("m1", ringing("101", 0, 3), ended=3, recordings=["link"]),
    call("m2", ringing("101", 0, 5), ended=5),
    call("m3", ringing("101", 0, 20), ended=20),
    call("m4", ringing("101", 0, 60), ended=60),
    call("m5", ringing("101", 0, 60), start=None, ended=60),
    call("u1", state=None, ended=60),
    call("r1", state="answered"),
)
"""Waits of answered calls: 5, 20, 20.4, 40, unknown; of missed: 3 (short), 5, 20, 60, unknown."""

TWELVE_CALLS_MEASURES: dict[str, float] = {
    "calls": 12, "offered": 10, "answered": 5, "missed": 5, "abandoned": 5, "ended_by_pbx": 0,
    "end_unknown": 0, "short_abandoned": 1, "unknown": 1,
    "running": 1, "wait_unknown": 2,
    "answer_rate": 5 / 10,
    "missed_rate": 5 / 10,
    "abandon_rate": 5 / 10,
    "abandon_rate_no_short": 4 / 9,
    "asa_s": 85.4 / 4,
    "wait_p50_s": 20.2,     # halfway from 20 to 20.4
    "wait_p90_s": 34.12,    # .9 x 3 = 2.7: 20.4 + .7 x 19.6
    "abandon_wait_s": 88 / 4,
    "talk_s": 208,
    "talk_avg_s": 208 / 5,
    "talk_p50_s": 30,       # of 8, 10, 30, 60, 100
    "talk_p90_s": 84,       # .9 x 4 = 3.6: 60 + .6 x 40
    "agent_talk_s": 168,    # a4's leg has no end, a5 no leg
    "agent_talk_avg_s": 168 / 3,
    "talk_with_agents_s": 168,
    "talk_with_agents_avg_s": 168 / 3,
    "recording_coverage": 2 / 5,
}  # fmt: skip

TWELVE_CALLS_SERVICE_LEVELS: dict[str, float] = {
    # a = q = 4, s = 1; a<=T: 5 and 20, for 20.4 is late; q<=T: 3, 5 and 20.
    "offered": 2 / 8,
    "no_short": 2 / 7,
    "answered_only": 2 / 4,
    "abandon_positive": 5 / 8,
    "abandon_neutral": 2 / 5,
    "min_talk": 1 / 7,      # a2 talked 8 s < 10: of a1, a3, a4 only a1 is in time; + 4 missed
}  # fmt: skip

NO_CALLS_MEASURES: dict[str, float | None] = {
    # Without calls, counts and sums are 0; means, quantiles and shares are null.
    "calls": 0, "offered": 0, "answered": 0, "missed": 0, "short_abandoned": 0, "unknown": 0,
    "running": 0, "wait_unknown": 0,
    "answer_rate": None, "abandon_rate": None, "abandon_rate_no_short": None, "asa_s": None,
    "wait_p50_s": None, "wait_p90_s": None,
    "abandon_wait_s": None, "talk_s": 0, "talk_avg_s": None, "talk_p50_s": None, "talk_p90_s": None,
    "agent_talk_s": 0,
    "agent_talk_avg_s": None, "recording_coverage": None, "service_level": None,
}  # fmt: skip

NO_OFFERS_MEASURES: dict[str, float | None] = {
    "offers": 0, "answered_offers": 0, "rna": 0, "busy_offers": 0, "offer_answer_rate": None,
    "fair_answer_rate": None, "rna_rate": None,
    "ring_avg_s": None, "ring_p50_s": None, "ring_p90_s": None, "ring_wasted_s": 0, "leg_talk_s": 0,
}  # fmt: skip

SIX_CALLS = (
    # 102 rings from 1 until 101 answers at 8: answered, answered_elsewhere.
    call(
        "x1", talk("101", 2, 8, 38), ringing("102", 1, 8), state="answered", ended=38, duration=30
    ),
    # 101 is offered at 21, in x1's talk [8, 38), and times out; 102 is busy.
    call(
        "x2", ringing("101", 1, 16), leg("102", 16, None, None, 16.1, code=486), shift=20, ended=30
    ),
    # 102 times out, 101 is offline, 102 is tried again and the caller hangs up.
    call(
        "x3",
        ringing("102", 1, 21),
        leg("101", 21, None, None, 21.2, code=480),
        ringing("102", 30, 33),
        shift=100,
        ended=33,
    ),
    # The trunk fails. The legs of an outbound call are no offers.
    call(
        "x4",
        leg("0900000002", 0, None, None, 1, code=503, trunk="A"),
        shift=200,
        ended=5,
        direction="out",
    ),
    # 50 s of an IVR, and a running call: measures count neither.
    call(
        "x5",
        leg("9000", 0, 0, 0, 50, rings=0, status="ANSWERED"),
        shift=300,
        state="answered",
        ended=50,
        duration=50,
    ),
    call("x6", talk("101", 1, 3, 9), shift=400, state="answered"),
)
"""Seven counted offers, with ("9000",) for ivr_numbers."""

SIX_CALLS_IVR = ("9000",)

SIX_CALLS_OFFERS: dict[str, float] = {
    "offers": 7, "answered_offers": 1, "rna": 2, "busy_offers": 1,
    "offer_answer_rate": 1 / 7,
    "fair_answer_rate": 1 / 5,  # without one answered elsewhere and one abandoned
    "rna_rate": 2 / 4,          # 1 answered, 1 busy, 2 rna
    "ring_avg_s": 51 / 5,       # of 3, 6, 7, 15, 20
    "ring_p50_s": 7,
    "ring_p90_s": 18,           # .9 x 4 = 3.6: 15 + .6 x 5
    "ring_wasted_s": 35,
    "leg_talk_s": 30,
}  # fmt: skip

SIX_CALLS_OFFERS_BY_NUMBER: dict[str, dict[str, float | None]] = {
    # answered (6 s), rna (15 s), unreachable.
    "101": {
        "offers": 3, "answered_offers": 1, "rna": 1, "busy_offers": 1, "offer_answer_rate": 1 / 3,
        "fair_answer_rate": 1 / 3,
        "rna_rate": 1 / 2, "ring_avg_s": 10.5, "ring_p50_s": 10.5, "ring_p90_s": 14.1,
        "ring_wasted_s": 15, "leg_talk_s": 30,
    },
    # elsewhere (7 s), busy, rna (20 s), caller_gave_up (3 s).
    "102": {
        "offers": 4, "answered_offers": 0, "rna": 1, "busy_offers": 0, "offer_answer_rate": 0,
        "fair_answer_rate": 0, "rna_rate": 1 / 2,
        "ring_avg_s": 10, "ring_p50_s": 7, "ring_p90_s": 17.4, "ring_wasted_s": 20, "leg_talk_s": 0,
    },
}  # fmt: skip
