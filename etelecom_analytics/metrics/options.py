"""MetricOptions: what a number depends on besides the calls."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal

from .. import local_time
from ..codegen import constructor_code
from ..errors import InputError, UnknownName
from .hours import GivenHours, read_holidays, read_hours, written

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
    """What every measure is reckoned with.

    Attributes:
        time_zone: whose hours, days and weeks are meant.
        wait_from: where a wait begins: "started_at", all that the caller lives through; or
            "first_ring", the first ring of a person.
        threshold_s: the service level's threshold, inclusive, in seconds.
        variant: which of the service level's six formulas.
        short_s: a missed call that waited less than these seconds is a short abandon.
        min_talk_s: seconds of talk that the variant "min_talk" asks for.
        ivr_numbers: target numbers that are no person: IVR, queue, voicemail.
        business_hours: when calls count as `in_hours`, by the local clock: {"mon-fri": ("08:00",
            "17:30"), "sat": [("08:00", "12:00")]}. A weekday is a name, a number from 1 for Monday,
            or a range; a span ends before its end, and one that ends before it begins goes on past
            midnight. Kept as a tuple of (weekday, begin, end), each weekday's on its own. None:
            always.
        holidays: local dates, or text such as "2026-09-02", on which no call is in hours.
        as_of: the moment at which callers' histories are looked at, local to `time_zone` if it has
            no offset; calls that began after it are not known yet. None: the latest `started_at`;
            never the local_time.

    Raises:
        InputError: a value is not one of those allowed.
        UnknownName: a name is not; the message lists the nearest.
    """

    time_zone: str = local_time.HOME_ZONE
    wait_from: Literal["started_at", "first_ring"] = "started_at"
    threshold_s: float = 20.0
    variant: Variant = "offered"
    short_s: float = 5.0
    min_talk_s: float = 10.0
    ivr_numbers: tuple[str, ...] = ()
    business_hours: GivenHours | None = None
    holidays: tuple[date, ...] = ()
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        local_time.zone(self.time_zone)
        if self.wait_from not in ("started_at", "first_ring"):
            raise UnknownName("wait_from", self.wait_from, ("started_at", "first_ring"))
        if self.variant not in SERVICE_LEVEL_VARIANTS:
            raise UnknownName("service level variant", self.variant, SERVICE_LEVEL_VARIANTS)
        for given in (self.threshold_s, self.short_s, self.min_talk_s):
            if not isinstance(given, int | float) or not 0 <= given < math.inf:
                raise InputError(
                    f"threshold_s, short_s and min_talk_s are seconds, and not negative; got {given!r}."
                )
        numbers: object = self.ivr_numbers
        if not isinstance(numbers, tuple | list) or not all(
            isinstance(number, str) for number in numbers
        ):
            raise InputError('ivr_numbers is a tuple of numbers as text, such as ("8000",).')
        object.__setattr__(
            self, "ivr_numbers", tuple(numbers)
        )  # a list would make the value unhashable
        if self.business_hours is not None:
            object.__setattr__(self, "business_hours", read_hours(self.business_hours))
        object.__setattr__(self, "holidays", read_holidays(self.holidays))
        if self.as_of is not None:
            object.__setattr__(
                self, "as_of", local_time.parse_moment(self.as_of, self.time_zone, "as_of")
            )

    def to_dict(self) -> dict[str, object]:
        """The options that are not the defaults, and the zone, as JSON can keep them; `from_dict` reads it back."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        defaults = {field.name: field.default for field in fields(self)}
        return {
            name: _plain(name, value)
            for name, value in given.items()
            if name == "time_zone" or value != defaults[name]
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, object]) -> "MetricOptions":
        """The options that `to_dict` told; an unknown one is an error that lists the nearest."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownName("option", name, known)
        return cls(**given)  # type: ignore[arg-type]  # the constructor checks every value

    def code(self) -> str:
        """Python that makes these options as `options`, ready to paste."""
        given = self.to_dict()
        if self.as_of is not None:
            given["as_of"] = local_time.moment_text(self.as_of, self.time_zone)
        return constructor_code("MetricOptions", given, name="options")


def _plain(name: str, value: object) -> object:
    """The value as JSON has it."""
    if name == "business_hours":
        return written(read_hours(value))
    if isinstance(value, tuple):
        return [_plain("", each) for each in value]
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date too
