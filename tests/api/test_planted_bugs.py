"""Schedules notice bugs: each planted one within a thousand schedules."""

import pytest
from support.examples import some
from support.planted_bugs import BUGS, Bug, planted
from support.schedules import Violation, run_schedule

from etelecom_analytics.api import wire

_SCHEDULES = 1_000
QUICK = (
    "requests have no cursor",
    "the first page of a chain is lost",
    "an error keeps the response",
)


def is_noticed(bug: Bug) -> bool:
    """Whether a schedule breaks a promise with the bug, and none without it.

    The search begins where the bug was noticed the last time.
    """
    for number in range(_SCHEDULES):
        schedule = bug.schedule_of((bug.shown_by + number) % _SCHEDULES)
        if not bug.may_show_in(schedule):
            continue
        try:
            with planted(bug):
                run_schedule(schedule)
        except Violation:
            run_schedule(schedule)
            return True
    return False


@pytest.mark.parametrize("name", QUICK)
def test_bug_is_noticed_soon(name: str):
    assert is_noticed(BUGS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", some([name for name in BUGS if name not in QUICK], at_least=15))
def test_bug_is_noticed(name: str):
    assert is_noticed(BUGS[name])


def test_bugs_are_enough_and_all_in_the_source():
    assert len(BUGS) >= 20
    for bug in BUGS.values():
        with planted(bug):
            pass


def test_bug_is_gone_afterwards():
    requests = []
    with planted(BUGS["requests have no cursor"]):
        requests.append(wire.list_request({}, limit=1, sort="", after="x", before=""))
    requests.append(wire.list_request({}, limit=1, sort="", after="x", before=""))

    assert [b"after" in request for request in requests] == [False, True]


@pytest.mark.parametrize("text", ["is not in the source", "import"])
def test_mutation_needs_a_text_that_is_there_once(text: str):
    bug = Bug("api.wire", text, "")
    with pytest.raises(AssertionError, match="times"), planted(bug):
        pass
