"""Arrivals and staff that differ from what was planned, by day and by quarter of an hour.

Arrivals are a Poisson process whose rate is random: the planned rate times a factor of the day (A.
N. Avramidis, A. Deslauriers, P. L'Ecuyer, Modeling Daily Arrivals to a Telephone Call Center,
Management Science 50, 2004) and a factor that follows an autoregressive process over quarters of an
hour (R. Ibrahim, H. Ye, P. L'Ecuyer, H. Shen, Modeling and Forecasting Call Center Arrivals: A
Literature Survey, International Journal of Forecasting 32, 2016). The staff does not follow these
factors, so a busy hour is also one of long waits.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, sqrt
from random import Random

from ..call_center import Hour

__all__ = ["STAFFED_SHARE", "uneven_load"]

STAFFED_SHARE = 0.55
"""The share of the calls for which there is staff."""

_DAY_SD = 0.05
_STAFF_SD = 0.18
_QUARTER_SD = 0.33
"""Standard deviations of the logarithms of the factors."""

_PERSISTENCE = 0.75
"""Correlation of the logarithms of one quarter of an hour and the next."""

_QUARTERS = 4


def uneven_load(rng: Random, hours: Sequence[Hour]) -> tuple[list[Hour], list[Hour]]:
    """The quarters of an hour with their random weights, and the hours as they are staffed."""
    days = dict.fromkeys(hour.day for hour in hours)
    arrivals_of, staff_of = (
        {day: _factor(rng.gauss(0, 1), sd) for day in days} for sd in (_DAY_SD, _STAFF_SD)
    )
    quarters, level = [], rng.gauss(0, 1)
    for hour in hours:
        for index in range(_QUARTERS):
            level = _PERSISTENCE * level + sqrt(1 - _PERSISTENCE**2) * rng.gauss(0, 1)
            factor = arrivals_of[hour.day] * _factor(level, _QUARTER_SD)
            first, end = (hour.duration * place // _QUARTERS for place in (index, index + 1))
            quarters.append(
                Hour(hour.start + first, end - first, hour.weight / _QUARTERS * factor, hour.day)
            )
    return quarters, [replace(hour, weight=hour.weight * staff_of[hour.day]) for hour in hours]


def _factor(normal: float, sd: float) -> float:
    """A log-normal factor with mean 1, from a standard normal value."""
    return exp(sd * normal - sd**2 / 2)
