"""The rules of `etelecom watch`: few alarms on ordinary days, one per cause, and steps are found.

`tests/benchmarks/watch.py` is the long form, with bounds for 20 seeds.
"""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
import pytest
from support.ordinary_days import Days, simulated_days
from support.watched_days import FIRST, alarms_of, drawn_days, with_step

from etelecom_analytics.watch.alert_log import AlertLog
from etelecom_analytics.watch.delivery import due_alarms
from etelecom_analytics.watch.quiet_hours import quiet_period
from etelecom_analytics.watch.rules import Alarm, Cause, judge_day

MEASURES = ("offered", "answer_rate", "asa_s")
HOME = "Asia/Ho_Chi_Minh"


@pytest.fixture(scope="module")
def days() -> Days:
    """24 weeks of the preset "busy", with about 50 inbound calls a day."""
    return simulated_days([3], MEASURES, calls=12_000, days=168)


@pytest.mark.slow
def test_ordinary_quarters_have_few_alarms(days: Days):
    counts = [
        len(alarms_of(drawn_days(days, np.random.default_rng(seed)), MEASURES, {}))
        for seed in range(3)
    ]

    assert median(counts) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("sign", [-1, 1])
def test_step_fires_within_two_days(days: Days, sign: int):
    fired = 0
    for seed in range(10):
        rng = np.random.default_rng([seed, sign + 1])
        ordinary, start = drawn_days(days, rng), int(rng.integers(0, 80))
        name = MEASURES[seed % len(MEASURES)]
        stepped = with_step(ordinary, name, sign * 3.5, start)
        alarms = alarms_of(stepped, [name], {}, begin=start, until=start + 2)
        fired += {alarm.side for alarm in alarms} == {"high" if sign > 0 else "low"}

    assert fired >= 7  # 9.6 of 10 are expected; 6 or fewer in 0.05 % of such samples


def flat_days(*, level: float = 0.9, last: float = 0.9, lower_days: int = 1) -> Days:
    """100 days of 200 calls, whose share wavers a little, and is another one on the last days."""
    rng = np.random.default_rng(1)
    shares = rng.binomial(200, level, 100) / 200
    shares[-lower_days:] = last
    dates = [date(2026, 1, 5) + timedelta(days=number) for number in range(100)]
    table = pl.DataFrame({"day": dates, "total": shares * 200, "n": [200.0] * 100})
    weekday = pl.col("day").dt.weekday()
    return {"answer_rate": table.select("day", "total", "n", weekday=weekday)}


def last_of(table: Days) -> date:
    day = table["answer_rate"]["day"].max()
    assert isinstance(day, date)
    return day


def test_lasting_cause_fires_once_and_ends_with_seven_usual_days():
    days = flat_days(last=0.6, lower_days=10)
    lasting: set[Cause] = set()
    fired, ended = [], []
    first = last_of(days) - timedelta(days=12)
    recovered = pl.concat(
        [
            days["answer_rate"],
            days["answer_rate"][50:71].with_columns(
                day=pl.Series([last_of(days) + timedelta(days=each) for each in range(1, 22)])
            ),
        ]
    )
    for number in range(13 + 21):
        day = first + timedelta(days=number)
        result = judge_day(
            {"answer_rate": recovered}, day, watched=["answer_rate"], targets={}, lasting=lasting
        )
        lasting = (lasting - set(result.ended)) | {alarm.cause for alarm in result.alarms}
        fired += [(number, alarm.cause) for alarm in result.alarms if alarm.side == "low"]
        ended += [(number, cause) for cause in result.ended if cause.side == "low"]

    cause = Cause("usual_range", "answer_rate", "low")
    assert fired == [(3, cause)]
    ((number, ended_cause),) = ended
    assert ended_cause == cause
    assert 13 + 6 <= number < 13 + 21


def test_target_fires_once_where_four_weeks_miss_it_by_more_than_days_differ():
    days = flat_days(level=0.7, last=0.7)
    value = float(days["answer_rate"].tail(28)["total"].sum() / (28 * 200))

    def alarms(target: float, *lasting: Cause) -> list[Alarm]:
        result = judge_day(
            days, last_of(days), watched=[], targets={"answer_rate": target}, lasting=lasting
        )
        return result.alarms

    (alarm,) = alarms(0.8)
    assert (alarm.signal, alarm.side, alarm.usual) == ("missed", "low", 0.8)
    assert alarm.value == pytest.approx(value)
    assert alarm.low < alarm.value < alarm.high < 0.8
    assert alarms(0.8, alarm.cause) == []
    assert alarms(value + 0.001) == []  # missed, but by less than days differ
    assert alarms(0.6) == []
    met = judge_day(
        days, last_of(days), watched=[], targets={"answer_rate": 0.6}, lasting=[alarm.cause]
    )
    assert met.ended == [alarm.cause]


def test_short_history_has_no_verdict():
    days = {"answer_rate": flat_days()["answer_rate"].tail(34)}

    result = judge_day(days, last_of(days), watched=["answer_rate"], targets={})

    assert (result.judged, result.unknown, result.alarms) == (0, {"answer_rate": 20}, [])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "now", "period"),
    [
        ("21:00 07:00", "2026-11-02 20:59", None),
        ("21:00 07:00", "2026-11-02 21:00", ("2026-11-02 21:00", "2026-11-03 07:00")),
        ("21:00 07:00", "2026-11-03 06:59", ("2026-11-02 21:00", "2026-11-03 07:00")),
        ("21:00 07:00", "2026-11-03 07:00", None),
        ("12:00 13:00", "2026-11-03 12:30", ("2026-11-03 12:00", "2026-11-03 13:00")),
        ("12:00 13:00", "2026-11-03 13:30", None),
    ],
)
def test_quiet_period(hours: str, now: str, period: tuple[str, str] | None):
    begin, end = (time.fromisoformat(each) for each in hours.split())

    result = quiet_period((begin, end), moment(now), HOME)

    assert result == (period and tuple(map(moment, period)))
    assert quiet_period(None, moment(now), HOME) is None


def test_alarm_of_earlier_quiet_hours_is_due_even_in_quiet_hours(tmp_path: Path):
    """A cron job that runs in quiet hours only passes alarms on a day later."""
    alarm = Alarm(
        rule="usual_range",
        signal="outside",
        measure="offered",
        side="low",
        day=FIRST,
        value=1.0,
        usual=9.0,
        low=5.0,
        high=14.0,
    )
    log, hours = AlertLog(tmp_path / "log.jsonl"), (time(21), time(7))
    log.add([alarm], [], moment("2026-11-02 03:00"), to_post=False)
    log.add_days([FIRST])
    log.write()
    log = AlertLog.read(log.path)

    assert due_alarms(log, hours, moment("2026-11-02 06:00"), HOME) == ([], 1)
    assert due_alarms(log, hours, moment("2026-11-02 08:00"), HOME) == ([alarm], 0)
    assert due_alarms(log, hours, moment("2026-11-03 03:00"), HOME) == ([alarm], 0)
    assert (log.checked, log.lasting) == ({FIRST}, {alarm.cause})
