"""MetricOptions: the settings, besides the calls, that measures depend on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal

from .. import local_time
from ..codegen import constructor_code
from ..errors import InputError, UnknownName
from .hours import HoursInput, hours_to_dict, parse_holidays, parse_hours

__all__ = ["SERVICE_LEVEL_VARIANTS", "MetricOptions", "Variant"]

Variant = Literal[
    "offered", "no_short", "answered_only", "abandon_positive", "abandon_neutral", "min_talk"
]
SERVICE_LEVEL_VARIANTS: tuple[Variant, ...] = (
    "offered",
    "no_short",
    "answered_only",
    "abandon_positive",
    "abandon_neutral",
    "min_talk",
)


@dataclass(frozen=True, kw_only=True)
class MetricOptions:
    """The settings that every measure is computed with.

    Attributes:
        time_zone: the time zone of hours, days and weeks.
        wait_from: the start of a wait: "started_at", the start of the call; or "first_ring", the
            first ring of a person.
        threshold_s: the service level's threshold, inclusive, in seconds.
        variant: the service level's formula, one of six.
        short_s: a missed call with a shorter wait, in seconds, is a short abandon.
        min_talk_s: the minimum talk, in seconds, of the variant "min_talk".
        ivr_numbers: target numbers that are not people: IVR, queue, voicemail.
        business_hours: the local hours in which calls count as `in_hours`: {"mon-fri": ("08:00",
            "17:30"), "sat": [("08:00", "12:00")]}. A weekday is a name, a number from 1 for Monday,
            or a range. The end of a span is exclusive; a span whose end is before its begin
            continues past midnight. Stored as a tuple of (weekday, begin, end), one per span. None:
            always.
        holidays: local dates, or text such as "2026-09-02", on which no call is in hours.
        as_of: the moment at which callers' histories are evaluated, local to `time_zone` if it has
            no offset; later calls are ignored. None: the latest `started_at`, never the current
            time.

    Raises:
        InputError: a value is not allowed.
        UnknownName: a name does not exist; the message lists the nearest names.
    """

    time_zone: str = local_time.HOME_ZONE
    wait_from: Literal["started_at", "first_ring"] = "started_at"
    threshold_s: float = 20.0
    variant: Variant = "offered"
    short_s: float = 5.0
    min_talk_s: float = 10.0
    ivr_numbers: tuple[str, ...] = ()
    business_hours: HoursInput | None = None
    holidays: tuple[date, ...] = ()
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        local_time.zone(self.time_zone)
        if self.wait_from not in ("started_at", "first_ring"):
            raise UnknownName("wait_from", self.wait_from, ("started_at", "first_ring"))
        if self.variant not in SERVICE_LEVEL_VARIANTS:
            raise UnknownName("service level variant", self.variant, SERVICE_LEVEL_VARIANTS)
        for seconds in (self.threshold_s, self.short_s, self.min_talk_s):
            if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
                raise InputError(
                    "threshold_s, short_s and min_talk_s are seconds, and not negative; "
                    f"got {seconds!r}."
                )
        numbers: object = self.ivr_numbers
        if not isinstance(numbers, tuple | list) or not all(
            isinstance(number, str) for number in numbers
        ):
            raise InputError('ivr_numbers is a tuple of numbers as text, such as ("8000",).')
        # A list would make the options unhashable.
        object.__setattr__(self, "ivr_numbers", tuple(numbers))
        if self.business_hours is not None:
            object.__setattr__(self, "business_hours", parse_hours(self.business_hours))
        object.__setattr__(self, "holidays", parse_holidays(self.holidays))
        if self.as_of is not None:
            moment = local_time.parse_moment(self.as_of, self.time_zone, "as_of")
            object.__setattr__(self, "as_of", moment)

    def to_dict(self) -> dict[str, object]:
        """The time zone and all options that differ from the defaults, in JSON types."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        defaults = {field.name: field.default for field in fields(self)}
        return {
            name: _json_value(name, value)
            for name, value in values.items()
            if name == "time_zone" or value != defaults[name]
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "MetricOptions":
        """The options from a `to_dict` result.

        Raises:
            InputError: a value is not allowed.
            UnknownName: an option does not exist; the message lists the nearest names.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise UnknownName("option", name, names)
        return cls(**values)  # type: ignore[arg-type]  # the constructor checks every value

    def code(self) -> str:
        """Python code that creates these options as `options`, ready to paste."""
        values = self.to_dict()
        if self.as_of is not None:
            values["as_of"] = local_time.moment_text(self.as_of, self.time_zone)
        return constructor_code("MetricOptions", values, name="options")


def _json_value(name: str, value: object) -> object:
    if name == "business_hours":
        return hours_to_dict(parse_hours(value))
    if isinstance(value, tuple):
        return [_json_value("", item) for item in value]
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date too
