"""Rules: whether a day of a measure, or the weeks up to it, call for an alarm.

Two rules judge each day. `usual_range` fires if the day is outside its control limits, if it and
the day before are beyond 2 sigmas on one side, or if a cumulative sum finds that the level has
changed. `target` fires if four weeks miss their target by more than days differ. Each has a cause:
the rule, the measure and the side. While a cause lasts, the rule does not fire again for it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from ..metrics.daily_control import limits_of_days
from ..metrics.day_statistics import MIN_HISTORY_DAYS, interval_of_days
from ..metrics.day_values import is_count
from ..metrics.registry import MEASURES, Measure

__all__ = ["HISTORY_DAYS", "Alarm", "Cause", "Judgement", "judge_day"]

_RECENT_DAYS, _BASELINE_DAYS = 14, 56
"""The limits are those of the eight weeks before the last two, so that a change of the last days
does not widen them."""
_TARGET_DAYS, _MIN_TARGET_DAYS = 28, 10
HISTORY_DAYS = _RECENT_DAYS + _BASELINE_DAYS
"""The number of days, up to the judged one, that the rules read."""
_PAIR_SIGMAS = 2.0
_CALM_DAYS, _CALM_SIGMAS = 7, 0.5
"""A cause of `usual_range` ends after so many days without a signal on its side, whose mean is
within the slack of the cumulative sum. After fewer days, a lasting change would fire again."""


class Cause(NamedTuple):
    """What an alarm is about: `side` is "high" or "low", the side of the usual value or target."""

    rule: str
    measure: str
    side: str


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A rule that fired.

    Attributes:
        rule: "usual_range" or "target".
        signal: "outside", "two_days", "level_change" or "missed".
        measure: the name of the measure.
        side: "high" or "low".
        day: the judged local day.
        value: the value of the day; for a target, of the four weeks up to it.
        usual: the usual value of the weekday, or the target.
        low, high: the usual range; for a target, the 95 % interval of the value.
    """

    rule: str
    signal: str
    measure: str
    side: str
    day: date
    value: float
    usual: float
    low: float
    high: float

    @property
    def cause(self) -> Cause:
        """The cause, which fires once while it lasts."""
        return Cause(self.rule, self.measure, self.side)

    @property
    def id(self) -> str:
        """The same text whenever the same day is judged again."""
        return f"{self.day}.{self.rule}.{self.measure}.{self.side}"


@dataclass(kw_only=True)
class Judgement:
    """The result of all rules for a day.

    Attributes:
        alarms: the rules that fired, without those whose cause already lasts.
        ended: the causes that lasted and have ended.
        unknown: by measure without enough history, the number of its days.
        judged: the number of verdicts of rules.
    """

    alarms: list[Alarm] = field(default_factory=list)
    ended: list[Cause] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    judged: int = 0


class _Verdict(NamedTuple):
    signal: Alarm | None
    ended_sides: tuple[str, ...]


def judge_day(
    days: Mapping[str, pl.DataFrame],
    day: date,
    *,
    watched: Collection[str],
    targets: Mapping[str, float],
    lasting: Collection[Cause] = (),
) -> Judgement:
    """The alarms of a day, and the causes that it ends.

    Args:
        days: by measure, its complete days with the columns of `day_values.DAY_COLUMNS`.
        day: the day to judge.
        watched: the measures whose usual range is checked.
        targets: the targets by measure. Counts are left out: their target is that of a period.
        lasting: the causes that fired before and have not ended.
    """
    result = Judgement()
    for name in watched:
        _add(result, _usual_range(MEASURES[name], days[name], day, result), "usual_range", name)
    for name, target in targets.items():
        if MEASURES[name].better is not None and not is_count(MEASURES[name]):
            _add(result, _target(MEASURES[name], days[name], day, target), "target", name)
    result.alarms = [each for each in result.alarms if each.cause not in lasting]
    result.ended = [cause for cause in result.ended if cause in lasting]
    return result


def _add(result: Judgement, verdict: _Verdict | None, rule: str, name: str) -> None:
    if verdict is None:
        return
    result.judged += 1
    if verdict.signal:
        result.alarms.append(verdict.signal)
    result.ended += [Cause(rule, name, side) for side in verdict.ended_sides]


def _usual_range(
    each: Measure, days: pl.DataFrame, day: date, result: Judgement
) -> _Verdict | None:
    """None if the history is too short; no signal if the day has no value, such as a closed one."""
    first = day - timedelta(days=_RECENT_DAYS - 1)
    recent = days.filter(pl.col("day").is_between(first, day))
    begin = first - timedelta(days=_BASELINE_DAYS)
    baseline = days.filter(pl.col("day").is_between(begin, first, closed="left"))
    if baseline.height < MIN_HISTORY_DAYS:
        result.unknown[each.name] = baseline.height
        return None
    if recent.is_empty() or recent["day"][-1] != day:
        return _Verdict(None, ())
    table = limits_of_days(each, recent, baseline).table
    row = table.row(-1, named=True)
    if (kind := _signal(table)) is None:
        return _Verdict(None, tuple(_calm_sides(table.tail(_CALM_DAYS))))
    signal = Alarm(
        rule="usual_range",
        signal=kind,
        measure=each.name,
        side=_side(row["value"], row["expected"]),
        day=day,
        value=row["value"],
        usual=row["expected"],
        low=row["low"],
        high=row["high"],
    )
    return _Verdict(signal, tuple(_calm_sides(table.tail(_CALM_DAYS))))


def _signal(table: pl.DataFrame) -> str | None:
    """What is unusual about the last day; None for an ordinary day.

    Two days in a row beyond 2 sigmas are one of the rules of Western Electric (Statistical Quality
    Control Handbook, 1956). With it, a lasting step of 3.5 sigmas is found within two days in 96 %
    of cases if limits are known, without it in 90 %; ordinary days do so once in 960.
    """
    row = table.row(-1, named=True)
    if row["is_alarm"]:
        return "outside"
    if row["is_change"]:
        return "level_change"
    last_two = [each or 0.0 for each in table["z"].tail(2)]
    is_pair = len(last_two) == 2 and (min(last_two) > _PAIR_SIGMAS or max(last_two) < -_PAIR_SIGMAS)
    return "two_days" if is_pair else None


def _calm_sides(table: pl.DataFrame) -> Iterator[str]:
    """The sides on which the last days are as usual."""
    if table.height < _CALM_DAYS:
        return
    signals = table.filter(pl.col("is_alarm") | pl.col("is_change"))
    sides = {_side(row["value"], row["expected"]) for row in signals.iter_rows(named=True)}
    distances = table["z"].fill_null(0.0).to_list()
    mean = sum(distances) / len(distances)
    for side, distance in (("high", mean), ("low", -mean)):
        if side not in sides and distance < _CALM_SIGMAS:
            yield side


def _side(value: float, usual: float) -> str:
    return "high" if value > usual else "low"


def _target(each: Measure, days: pl.DataFrame, day: date, target: float) -> _Verdict | None:
    """None if there are too few days.

    The target is missed if the 95 % interval of the weeks, from how much their days differ, is on
    the wrong side of it. The cause ends when the value itself meets the target.
    """
    first = day - timedelta(days=_TARGET_DAYS - 1)
    recent = days.filter(pl.col("day").is_between(first, day))
    if recent.height < _MIN_TARGET_DAYS:
        return None
    value = float(recent["total"].sum()) / float(recent["n"].sum())
    interval = interval_of_days(recent, value, each)
    if interval.low is None or interval.high is None:
        return None
    is_higher_better = each.better == "higher"
    side = "low" if is_higher_better else "high"
    if value >= target if is_higher_better else value <= target:
        return _Verdict(None, (side,))
    if not (interval.high < target if is_higher_better else interval.low > target):
        return _Verdict(None, ())
    signal = Alarm(
        rule="target",
        signal="missed",
        measure=each.name,
        side=side,
        day=day,
        value=value,
        usual=target,
        low=interval.low,
        high=interval.high,
    )
    return _Verdict(signal, ())
