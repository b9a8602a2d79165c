"""fetch_calls under seeded schedules: one thread, a virtual clock, and faults at any request.

A schedule is a value. One that breaks a promise prints as code: it can be pasted below, where the
schedules of mended faults are.
"""

from typing import Any

import pytest
from hypothesis import given
from support.examples import examples, scaled
from support.planted_bugs import BUGS, planted
from support.schedules import (
    Change,
    Fault,
    Schedule,
    breaks_a_promise,
    random_schedule,
    run_schedule,
    schedules,
    shrink,
    undated_schedule,
)
from support.schedules.tasks import NeverEnds, Tasks

MENDED = {
    "a call just after the end of a chain split it into itself, for ever": Schedule(
        starts=(36, 16.5),
        since=12,
        until=51,
        filter="call_number",
        workers=4,
        page_limit=5,
        choices=(2, 0, 1),
        habits=("sorts one way",),
        changes=(
            Change(at=4, do="insert", call=4, seconds=14),
            Change(at=4, do="insert", call=15, seconds=16),
            Change(at=0, do="turn", call=27),
        ),
    ),
    "the other notations of a number were never requested": Schedule(
        starts=(29700, 29700, 5400, 26100, 25200),
        until=40501,
        filter="call_number",
        habits=("empty pages",),
        faults=(Fault(at=8, do="400", times=1),),
    ),
    "a page had the key in escapes, and the table had it in plain text": Schedule(
        starts=(19,), faults=(Fault(at=0, do="echo in page", amount=2),)
    ),
    "a resume asked for a range of dates, which a call without a start is not in": Schedule(
        starts=(0, 17, 3, None), page_limit=1, faults=(Fault(at=2, do="400"),)
    ),
    "a call that vanished during the check of dates gave a wrong shift": Schedule(
        starts=(560, 520),
        since=240.5,
        habits=("shifts dates by 7 h",),
        changes=(Change(at=1, do="delete"),),
    ),
    "the check of dates spent its requests on empty pages": Schedule(
        starts=(200,), since=20, habits=("shifts dates by 7 h", "empty pages")
    ),
    "the check of dates spent its requests on failures": Schedule(
        starts=(30,),
        since=24,
        habits=("shifts dates by 7 h",),
        faults=(Fault(at=1, do="bad number", times=4),),
    ),
    "a page that was repeated ended earlier, because a call was added": Schedule(
        starts=(50, 40, 30, 20, 10, 5),
        faults=(Fault(at=1, do="bad number"),),
        changes=(Change(at=3, do="insert", seconds=25),),
    ),
    "a fetch that was stopped behind its range had a gap that ends before it begins": Schedule(
        starts=(5,),
        since=39,
        workers=4,
        choices=(2, 3, 1, 4, 3, 4, 2, 0),
        habits=("ignores date_from",),
        presses=(2,),
    ),
    "an empty page with the same cursor looked like a number of rows": Schedule(
        starts=(39, 38),
        since=7,
        choices=(2,),
        habits=("reverses pages", "empty pages with the same cursor"),
    ),
    "a call without a start moved up to a page that was read": Schedule(
        starts=(2419200, 604800, 1987200, None),
        page_limit=1,
        habits=("offset cursors",),
        changes=(Change(at=3, do="delete"),),
    ),
    "an offset did not count the copies of rows that the server adds": Schedule(
        starts=(12600, None, 5400, 6300, None),
        habits=("repeats outdated rows", "offset cursors", "limits in cursors"),
        changes=(Change(at=1, do="delete"),),
    ),
    "the offset behind a single short page was taken for a flag": Schedule(
        starts=(2419200, 604800, 1987200, None, 5, 6),
        page_limit=5,
        habits=("offset cursors", "limits in cursors"),
        changes=(Change(at=1, do="delete"),),
    ),
}
"""Schedules that once broke a promise."""


@pytest.mark.parametrize("name", MENDED)
def test_mended_fault_does_not_return(name: str):
    run_schedule(MENDED[name])


@pytest.mark.slow
@examples(40)
@given(schedule=schedules())
def test_promises_hold_for_any_schedule(schedule: Schedule):
    run_schedule(schedule)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, scaled(1_000, at_least=250), 250))
def test_promises_hold_for_random_schedules(first: int):
    """`tests/benchmarks/schedules.py` runs a million of them."""
    for schedule in map(random_schedule, range(first, first + 250)):
        if breaks_a_promise(schedule):
            pytest.fail(f"add it to MENDED: {shrink(schedule)!r}")


@pytest.mark.slow
def test_promises_hold_for_calls_without_a_start():
    """`tests/benchmarks/schedules.py --undated` runs more of them."""
    for schedule in map(undated_schedule, range(50, 50 + scaled(30, at_least=10))):
        if breaks_a_promise(schedule):
            pytest.fail(f"add it to MENDED: {shrink(schedule)!r}")


def test_a_schedule_prints_as_code_and_runs_the_same_each_time():
    schedule = random_schedule(12)
    copy = eval(repr(schedule))  # noqa: S307

    assert copy == schedule
    assert run_schedule(copy) == run_schedule(schedule)
    assert run_schedule(copy).requests


def test_schedule_that_fails_becomes_small():
    with planted(BUGS["the first page of a chain is lost"]):
        failing = next(
            schedule for schedule in map(random_schedule, range(100)) if breaks_a_promise(schedule)
        )
        smallest = shrink(failing)

        assert breaks_a_promise(smallest)
    assert len(smallest.starts) == 1
    assert not smallest.faults + smallest.changes + smallest.habits + smallest.presses
    assert len(repr(smallest)) < len(repr(failing))


def test_tasks_that_wait_for_each_other_are_noticed():
    tasks = Tasks([0])

    def take(first: Any, second: Any) -> None:
        with first:
            tasks.sleep(1)
            with second:
                pass

    def main() -> None:
        locks = [tasks.threading.Lock() for _ in range(2)]
        tasks.spawn(lambda: take(*locks))
        take(*locks[::-1])

    with pytest.raises(NeverEnds, match="all tasks wait"):
        tasks.run(main)


@pytest.mark.parametrize(("choices", "order"), [((0,), "abab"), ((1,), "bb"), ((0, 1), "aabb")])
def test_choices_say_which_task_continues(choices: tuple[int, ...], order: str):
    tasks, steps = Tasks(choices), list[str]()

    def work(name: str) -> None:
        for _ in range(2):
            steps.append(name)
            tasks.pause()

    def main() -> None:
        for name in "ab":
            tasks.spawn(lambda name=name: work(name))
        tasks.sleep(1)

    tasks.run(main)
    assert "".join(steps) == order
