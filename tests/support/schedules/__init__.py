"""Simulated fetches in one thread: schedules, the worlds that they describe, and the checks."""

from .checks import Violation
from .schedule import Change, Fault, Schedule, random_schedule, schedules, undated_schedule
from .shrinking import breaks_a_promise, shrink
from .simulation import Result, run_schedule

__all__ = [
    "Change",
    "Fault",
    "Result",
    "Schedule",
    "Violation",
    "breaks_a_promise",
    "random_schedule",
    "run_schedule",
    "schedules",
    "shrink",
    "undated_schedule",
]
