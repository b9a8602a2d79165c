"""Makes a schedule that fails as small as possible."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from .checks import Violation
from .schedule import Schedule
from .simulation import run_schedule

__all__ = ["breaks_a_promise", "shrink"]


def shrink(schedule: Schedule, *, fails: Callable[[Schedule], bool] | None = None) -> Schedule:
    """The smallest schedule that still fails and that smaller steps do not reach.

    Args:
        schedule: a schedule that fails.
        fails: whether a schedule fails; by default whether it breaks a promise.
    """
    fails = fails or breaks_a_promise
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _smaller(schedule):
            if fails(candidate):
                schedule, is_smaller = candidate, True
                break
    return schedule


def breaks_a_promise(schedule: Schedule) -> bool:
    """Whether a schedule breaks a promise."""
    try:
        run_schedule(schedule)
    except Violation:
        return True
    return False


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        if value == field.default:
            continue
        yield replace(schedule, **{field.name: field.default})
        if isinstance(value, tuple):
            for index in range(len(value)):
                yield replace(schedule, **{field.name: value[:index] + value[index + 1 :]})
    for name in ("changes", "faults"):
        events = getattr(schedule, name)
        for index, event in enumerate(events):
            for field in fields(event):
                value = getattr(event, field.name)
                for smaller in (field.default, value - 1) if isinstance(value, int) else ():
                    if isinstance(smaller, int) and 0 <= smaller < value:
                        changed = replace(event, **{field.name: smaller})
                        yield replace(
                            schedule, **{name: (*events[:index], changed, *events[index + 1 :])}
                        )
