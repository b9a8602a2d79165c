"""Schedule: everything that happens during one simulated fetch, as a value that prints as code."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from random import Random

from hypothesis import strategies as st

__all__ = [
    "CHANGES",
    "FAULTS",
    "FILTERS",
    "HABITS",
    "LIMITS_IN_CURSORS",
    "UNDATED_HABITS",
    "Change",
    "Fault",
    "Schedule",
    "random_schedule",
    "schedules",
    "undated_schedule",
]

DAY = 86_400

CHANGES = ("insert", "delete", "restate", "shift", "turn")
"""insert a call, delete it, change its details, move its start, or let it not match the filter."""

FAULTS = (
    "delay",
    "drop",
    "lose",
    "503",
    "429",
    "cut",
    "break",
    "html",
    "400",
    "bad number",
    "bad page",
    "error in page",
    "error with 200",
    "without rows",
    "not an object",
    "empty",
    "401",
    "redirect",
    "echo",
    "echo in page",
    "newline",
    "utf-16",
    "utf-8-sig",
    "NULs",
    "long number",
    "nesting",
)
"""What may happen to one request or its answer; a "bad page" is bad whenever it is requested."""

HABITS = (
    "ignores dates",
    "ignores date_from",
    "ignores date_to",
    "ignores filters",
    "excludes dates",
    "shifts dates by 7 h",
    "shifts dates by -7 h",
    "offset cursors",
    "reverses pages",
    "repeats outdated rows",
    "adds records",
    "adds keys",
    "writes spaces",
    "null lists",
    "empty pages",
    "empty pages with the same cursor",
    "sorts one way",
)
"""What the server does with every request, in the order in which it is applied."""

UNDATED_HABITS = (
    "null starts",
    "empty starts",
    "unreadable starts",
    "no starts",
    "undated first",
)
"""What the server does with calls without a start; otherwise they are last, with a zero time."""

LIMITS_IN_CURSORS = "limits in cursors"
"""An offset cursor has the number of rows per page too."""

_CURSORS = ("offset cursors", "empty pages", "empty pages with the same cursor")
"""A server has one kind of cursors."""

FILTERS = ("", "direction", "call_number", "duration")


@dataclass(frozen=True)
class Change:
    """A change of the server's calls, just before it answers request number `at`.

    Attributes:
        at: number of the request.
        do: one of `CHANGES`.
        call: which call; one of those at that time.
        seconds: the start of an inserted call, or by how much a start moves; None inserts a call
            without a start.
    """

    at: int
    do: str
    call: int = 0
    seconds: float | None = 0


@dataclass(frozen=True)
class Fault:
    """A fault of `times` requests from number `at` on.

    Attributes:
        at, times: numbers of the requests.
        do: one of `FAULTS`.
        amount: where the body is damaged, how long the delay is, or how the key is written.
    """

    at: int
    do: str
    times: int = 1
    amount: int = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class Schedule:
    """One fetch, with resumes until it is complete; all times are seconds since `world.BASE`.

    Attributes:
        starts: the starts of the calls; None is a call without a start.
        since, until: the range of the query; None is unbounded.
        filter: the other field of the query, one of `FILTERS`.
        now: the time at which the fetch begins.
        workers, page_limit: options of the fetch.
        batch, queue: numbers of pages that are parsed together, and that wait to be parsed.
        choices: which task continues, see `Tasks`.
        habits: what the server does with every request, some of `HABITS` and `UNDATED_HABITS`, or
            `LIMITS_IN_CURSORS`.
        changes, faults: what happens at single requests.
        presses: numbers of requests during which Ctrl-C is pressed.
        attempts: changes and faults go on for so many attempts; the later ones are undisturbed.
    """

    starts: tuple[float | None, ...] = ()
    since: float | None = None
    until: float | None = None
    filter: str = ""
    now: int = 30 * DAY
    workers: int = 1
    page_limit: int = 2
    batch: int = 16
    queue: int = 64
    choices: tuple[int, ...] = (0,)
    habits: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    presses: tuple[int, ...] = ()
    attempts: int = 1

    def __repr__(self) -> str:
        values = ((field, getattr(self, field.name)) for field in fields(self))
        texts = [f"{field.name}={value!r}" for field, value in values if value != field.default]
        return f"Schedule({', '.join(texts)})"


Pick = Callable[[int, int], int]
"""Picks a number from the first to the last; the first is the simplest."""


def random_schedule(seed: int) -> Schedule:
    """The schedule of this number."""
    return _build(Random(seed).randint)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any schedule; Hypothesis shrinks it to few calls, faults and choices."""
    return _build(lambda first, last: draw(st.integers(first, last)))


def _build(pick: Pick) -> Schedule:
    unit = (1, 20, 900, 7_200, DAY)[pick(0, 4)]
    most = (0, 3, 10, 20, 40)[pick(0, 4)]

    def moment() -> float:
        return pick(0, 40) * unit + (0.5 if pick(0, 9) == 9 else 0)

    starts: list[float | None] = [moment() for _ in range(pick(0, most))]
    kind = pick(0, 4)  # of the range: both dates, none, or one
    since = None if kind in (1, 2) else moment()
    until = None if kind in (1, 3) else (since or 0) + 1 + moment()
    if since is until is None and starts and pick(0, 3) == 3:
        starts[-1] = None
    return Schedule(
        starts=tuple(starts),
        since=since,
        until=until,
        filter=FILTERS[max(0, pick(0, 6) - 3)],
        now=30 * DAY if pick(0, 5) < 5 else 20 * unit,
        workers=pick(1, 4),
        page_limit=(2, 1, 3, 5, 20)[pick(0, 4)],
        batch=(16, 16, 16, 3, 1)[pick(0, 4)],
        queue=(64, 2)[pick(0, 1)],
        choices=tuple(pick(0, 4) for _ in range(pick(1, 12))),
        habits=_some(pick, HABITS, (0, 0, 1, 1, 2, 3)[pick(0, 5)]),
        changes=tuple(
            Change(
                pick(0, 25),
                CHANGES[pick(0, 4)],
                pick(0, 40),
                (pick(-20, 40)) * unit + (0.5 if pick(0, 9) == 9 else 0),
            )
            for _ in range((0, 0, 1, 2, 4, 8)[pick(0, 5)])
        ),
        faults=tuple(
            Fault(pick(0, 25), FAULTS[pick(0, len(FAULTS) - 1)], pick(1, 4), pick(0, 99))
            for _ in range((0, 0, 0, 1, 2, 4)[pick(0, 5)])
        ),
        presses=tuple(pick(0, 25) for _ in range((0, 0, 0, 0, 0, 0, 1, 3)[pick(0, 7)])),
        attempts=pick(1, 2),
    )


def undated_schedule(seed: int) -> Schedule:
    """The schedule of this number in which calls without a start move between short pages."""
    random, schedule = Random(seed), random_schedule(seed)
    pick = random.randint
    starts: list[float | None] = [*schedule.starts[: pick(0, 8)]]
    starts += [None] * pick(1, (1, 3, 8)[pick(0, 2)])
    random.shuffle(starts)
    habits = [habit for habit in schedule.habits if habit not in _CURSORS or pick(0, 1)]
    if not {*habits} & {*_CURSORS} and pick(0, 9):
        habits.append("offset cursors")
    habits += [habit for habit in UNDATED_HABITS if not pick(0, 4)]
    changes = [
        Change(
            pick(0, 2 * len(starts) + 12),
            random.choices(CHANGES, (3, 6, 1, 1, 1))[0],
            pick(0, 40),
            None if pick(0, 1) else pick(0, 20) * 900,
        )
        for _ in range(pick(1, (2, 4, 8)[pick(0, 2)]))
    ]
    schedule = replace(
        schedule,
        starts=tuple(starts),
        since=None,
        until=None,
        filter=schedule.filter if pick(0, 3) == 3 else "",
        page_limit=(1, 1, 2, 3, 5)[pick(0, 4)],
        habits=tuple(habits),
        changes=tuple(changes),
        faults=schedule.faults if pick(0, 2) == 2 else (),
    )
    if "offset cursors" in habits and pick(0, 3) == 3:
        # It looks least like an offset if there is a single one, behind the first page.
        return replace(
            schedule,
            habits=(*habits, LIMITS_IN_CURSORS),
            starts=schedule.starts[: schedule.page_limit + pick(1, 3)],
            changes=tuple(replace(change, at=change.at % 6) for change in changes),
        )
    return schedule


def _some(pick: Pick, names: tuple[str, ...], number: int) -> tuple[str, ...]:
    indices = {pick(0, len(names) - 1) for _ in range(number)}
    habits = [names[index] for index in sorted(indices)]
    cursors = [habit for habit in habits if habit in _CURSORS]
    return tuple(habit for habit in habits if habit not in cursors[1:])
