"""Retry as a value: its bounds hold for any settings and any faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics.api.retry import Gate
from etelecom_analytics.errors import BadRequest, InputError, NoAnswer, RateLimited


class Time:
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@given(
    attempts=st.integers(1, 8),
    total_s=st.floats(0, 200),
    first_wait_s=st.floats(0, 5),
    asked=st.lists(st.none() | st.floats(0, 60), min_size=8, max_size=8),
)
def test_attempts_and_total_time_are_bounded_and_retry_after_never_undercut(
    attempts: int, total_s: float, first_wait_s: float, asked: list[float | None]
):
    retry = et.Retry(attempts=attempts, total_s=total_s, first_wait_s=first_wait_s)
    time = Time()
    seen: list[RateLimited] = []

    def fails(seconds_left: float) -> None:
        seen.append(RateLimited(retry_after=asked[len(seen)]))
        raise seen[-1]

    with pytest.raises(RateLimited) as caught:
        retry.run(fails, gate=Gate(None, sleep=time.sleep, clock=time.clock))
    assert caught.value.attempts == len(seen) <= attempts
    assert time.now <= total_s
    assert all(
        wait >= (error.retry_after or 0) for wait, error in zip(time.waits, seen, strict=False)
    )


def test_waits_double_up_to_a_bound_and_are_spread():
    retry = et.Retry(first_wait_s=1, longest_wait_s=4)

    spans = [[retry.wait_s(failed, None) for _ in range(200)] for failed in (1, 2, 3, 4)]
    for waits, longest in zip(spans, (1, 2, 4, 4), strict=True):
        assert longest / 2 <= min(waits) < max(waits) <= longest


def test_what_will_not_pass_is_asked_once():
    time = Time()

    def fails(seconds_left: float) -> None:
        raise BadRequest("no")

    with pytest.raises(BadRequest):
        et.Retry().run(fails, gate=Gate(None, sleep=time.sleep, clock=time.clock))
    assert time.waits == []


def test_each_attempt_is_told_how_long_it_may_take():
    time, left = Time(), list[float]()

    def fails_once(seconds_left: float) -> str:
        left.append(seconds_left)
        if len(left) == 1:
            raise NoAnswer
        return "answer"

    assert (
        et.Retry(total_s=10, first_wait_s=2).run(
            fails_once, gate=Gate(None, sleep=time.sleep, clock=time.clock)
        )
        == "answer"
    )
    assert left[0] == 10
    assert left[1] == pytest.approx(10 - time.waits[0])


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"total_s": -1}, {"first_wait_s": -0.5}])
def test_settings_without_sense_are_refused(wrong: dict[str, float]):
    with pytest.raises(InputError):
        et.Retry(**wrong)
