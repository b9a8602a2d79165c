"""Longest waits, counts within the threshold, transfers, bids and conversations, by hand."""

import pytest
from support.call_cases import call, frame, leg, ringing, talk

import etelecom_analytics as et

MOBILE = "0912345678"


def measured(names: str, *calls, **options):
    """These measures of the calls, which are separated by spaces."""
    settings = et.MetricOptions(**options)
    return et.summarize(frame(*calls), measures=names.split(), options=settings).row(0)


def answered(call_id: str, after: float):
    return call(call_id, talk("101", 0, after, 90), state="answered", ended=90)


def abandoned(call_id: str, after: float):
    return call(call_id, ringing("101", 0, after), ended=after)


WAITING = [
    *(answered(str(seconds), seconds) for seconds in (4, 20, 20.4, 40)),
    *(abandoned(f"a{seconds}", seconds) for seconds in (3, 20, 61)),
]


def test_longest_and_95th_percentile_waits():
    names = "wait_max_s wait_p95_s abandon_wait_max_s"
    assert measured(names, *WAITING) == (40.0, pytest.approx(20.4 + 0.85 * 19.6), 61.0)
    assert measured(names, answered("1", 7)) == (7.0, 7.0, None)
    assert measured(names) == (None, None, None)


@pytest.mark.parametrize(
    ("threshold_s", "counts"), [(20, (2, 2)), (20.4, (3, 2)), (2, (0, 0)), (61, (4, 3))]
)
def test_calls_within_the_threshold(threshold_s, counts):
    names = "answered_within abandoned_within"
    assert measured(names, *WAITING, threshold_s=threshold_s) == counts


def test_a_call_that_the_pbx_ended_was_not_abandoned_within_the_threshold():
    closed = leg("101", 0, 0, None, 10, rings=10, reason="queue_timeout")
    one = call("1", closed, ended=10)
    assert measured("missed abandoned_within", one) == (1, 0)


def test_a_call_with_two_transfers_counts_once_in_the_rate():
    moved = call(
        "1",
        talk("101", 0, 5, 40),
        talk(MOBILE, 40, 45, 60),
        talk("0987654321", 60, 65, 90),
        state="answered",
        ended=90,
    )
    forward = call("2", talk(MOBILE, 0, 5, 90), state="answered", ended=90)
    names = "transfers transfer_rate"
    assert measured(names, moved, forward, answered("3", 5), answered("4", 5)) == (2, 0.25)
    assert measured(names, abandoned("1", 5)) == (0, None)


def test_repeated_legs_on_one_trunk_are_one_bid():
    failed = {"code": 503, "trunk": "A"}
    retried = call(
        "1",
        leg(MOBILE, 0, None, None, 1, **failed),
        leg(MOBILE, 1, None, None, 2, **failed),
        talk(MOBILE, 2, 6, 36, trunk="A"),
        direction="out",
        state="answered",
        ended=36,
    )
    failed_over = call(
        "2",
        leg(MOBILE, 0, None, None, 1, **failed),
        talk(MOBILE, 1, 6, 16, trunk="B"),
        direction="out",
        state="answered",
        ended=16,
    )
    table = et.summarize(frame(retried, failed_over), "trunk_name", ["asr", "abr", "aloc_s"])

    assert table.rows() == [("A", 0.25, 0.5, 30.0), ("B", 1.0, 1.0, 10.0)]
    # On both trunks, the call that failed over is a bid.
    counts = et.summarize(
        frame(retried, failed_over), measures=["abr", "aloc_s"], confidence=True
    ).row(0, named=True)
    assert (counts["abr_num"], counts["abr_den"], counts["aloc_s"]) == (2, 3, 20.0)


def test_a_talk_without_both_times_has_no_length():
    unknown = call("1", talk("101", 0, 5, None, trunk="A"), state="answered", ended=90)
    assert measured("asr aloc_s", unknown) == (1.0, None)


def test_half_hours():
    calls = frame(*(call(str(n), shift=60.0 * n, ended=9) for n in (0, 29, 30, 59, 60)))
    table = et.summarize(calls, "half_hour", ["calls"])
    assert table.rows() == [(16, 2), (17, 2), (18, 1)]


def test_formulas():
    formulas = dict(et.measures().select("name", "formula").rows())
    assert formulas["wait_max_s"] == "maximum of the wait of answered calls"
    assert formulas["wait_p95_s"] == "95% quantile of the wait of answered calls"
    assert formulas["abr"].startswith("(bids of which a leg was answered) / (calls on a trunk")
