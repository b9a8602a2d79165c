"""Retry policy: its bounds hold for any settings and any errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics.api.retry import RateLimiter, run_with_retries, wait_s
from etelecom_analytics.errors import BadRequest, InputError, NoAnswer, RateLimited


class FakeTime:
    """A clock that only `sleep` moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def limiter(self) -> RateLimiter:
        return RateLimiter(None, sleep=self.sleep, clock=self.clock)


@given(
    attempts=st.integers(1, 8),
    total_s=st.floats(0, 200),
    first_wait_s=st.floats(0, 5),
    retry_after=st.lists(st.none() | st.floats(0, 60), min_size=8, max_size=8),
)
def test_attempts_and_total_time_are_bounded_and_retry_after_is_respected(
    attempts: int, total_s: float, first_wait_s: float, retry_after: list[float | None]
):
    retry = et.Retry(attempts=attempts, total_s=total_s, first_wait_s=first_wait_s)
    time = FakeTime()
    failures: list[RateLimited] = []

    def fail(seconds_left: float) -> None:
        failures.append(RateLimited(retry_after=retry_after[len(failures)]))
        raise failures[-1]

    with pytest.raises(RateLimited) as caught:
        run_with_retries(retry, fail, limiter=time.limiter())
    assert caught.value.attempts == len(failures) <= attempts
    assert time.now <= total_s
    assert all(
        wait >= (error.retry_after or 0) for wait, error in zip(time.waits, failures, strict=False)
    )


def test_waits_double_up_to_a_bound_and_are_random():
    retry = et.Retry(first_wait_s=1, longest_wait_s=4)

    waits_by_attempt = [[wait_s(retry, n, None) for _ in range(200)] for n in (1, 2, 3, 4)]
    for waits, longest in zip(waits_by_attempt, (1, 2, 4, 4), strict=True):
        assert longest / 2 <= min(waits) < max(waits) <= longest


def test_permanent_error_is_not_retried():
    time = FakeTime()

    def fail(seconds_left: float) -> None:
        raise BadRequest("no")

    with pytest.raises(BadRequest):
        run_with_retries(et.Retry(), fail, limiter=time.limiter())
    assert time.waits == []


def test_each_attempt_receives_the_seconds_left():
    time, seconds = FakeTime(), list[float]()

    def fail_once(seconds_left: float) -> str:
        seconds.append(seconds_left)
        if len(seconds) == 1:
            raise NoAnswer
        return "answer"

    retry = et.Retry(total_s=10, first_wait_s=2)
    assert run_with_retries(retry, fail_once, limiter=time.limiter()) == "answer"
    assert seconds[0] == 10
    assert seconds[1] == pytest.approx(10 - time.waits[0])


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"total_s": -1}, {"first_wait_s": -0.5}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]):
    with pytest.raises(InputError):
        et.Retry(**wrong)
