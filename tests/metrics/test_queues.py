"""Visits to queues, by hand, and of the cases with a queue."""

import pytest
from support.call_cases import call, frame, leg, ringing, talk

import etelecom_analytics as et

OPTIONS = et.MetricOptions(ivr_numbers=["5000"], queue_numbers=["8000", "81*"])


def queue(number: str, begin: float, end: float | None, reason: str | None = None):
    return leg(number, begin, begin, begin, end, status="ANSWERED", reason=reason)


def visits(*calls):
    table = et.metrics.queue_visits(frame(*calls), options=OPTIONS)
    return table.select("queue", "outcome", "wait_s").rows()


def test_an_agent_answers_while_the_call_waits():
    one = call("1", queue("8000", 5, 35), talk("101", 30, 35, 90), state="answered", ended=90)
    assert visits(one) == [("8000", "answered", 30.0)]


def test_an_agent_answers_within_2_s_of_the_queue():
    for at, outcome in ((37, "answered"), (37.000001, "unknown")):
        agent = leg("101", 35, 35, at, 90, status="ANSWERED")
        one = call("1", queue("8000", 5, 35), agent, state="answered", ended=90)
        assert [row[1] for row in visits(one)] == [outcome]


def test_an_overflow_is_two_visits_of_one_lost_call():
    one = call(
        "1",
        queue("8100", 35, 60),
        queue("8000", 5, 35),
        ringing("101", 20, 60),
        ended=60,
    )
    assert visits(one) == [("8000", "overflowed", 30.0), ("8100", "abandoned", 25.0)]
    by_queue = et.summarize(frame(one), "queue", ["missed", "abandoned"], options=OPTIONS)
    assert by_queue.rows() == [("8000", 1, 1)]


def test_an_answer_belongs_to_the_queue_that_was_entered_last():
    one = call(
        "1",
        queue("8000", 5, 35),
        queue("8100", 35, 60),
        talk("101", 35, 36, 90),
        state="answered",
        ended=90,
    )
    assert visits(one) == [("8000", "overflowed", 30.0), ("8100", "answered", 1.0)]


@pytest.mark.parametrize(("gap", "number"), [(2, 1), (2.000001, 2)])
def test_a_stay_is_uninterrupted(gap, number):
    one = call("1", queue("8000", 5, 20), queue("8000", 20 + gap, 50, "queue_timeout"), ended=50)
    rows = visits(one)
    assert len(rows) == number
    assert rows[-1][1] == "ended_by_pbx"


def test_without_queue_numbers_there_are_no_visits():
    one = frame(call("1", queue("8000", 5, 35), ended=60))
    assert et.metrics.queue_visits(one).height == 0


def test_a_running_call_is_unknown():
    running = call("2", queue("8000", 5, None), state=None)
    assert visits(running) == [("8000", "unknown", None)]
