"""Expressions of legs, on legs written by hand."""

from support.call_cases import call, frame, leg, ringing, talk

from etelecom_analytics.metrics.call_legs import has_answered_leg


def test_a_leg_was_answered_by_its_status_or_its_time():
    calls = frame(
        call("no legs"),
        call("no list", no_list=True),
        call("a leg of nulls", None),
        call("missed", ringing("101", 0, 9)),
        call("second leg", ringing("101", 0, 9), talk("102", 9, 12, 30)),
        call("time only", leg("101", answered=2, status=None)),
        call("status only", leg("101", status="answered")),
        call("like the status", leg("101", status="UNANSWERED")),
    )
    answered = calls.filter(has_answered_leg())["id"].to_list()

    assert answered == ["second leg", "time only", "status only"]
