"""MetricOptions: what a number depends on besides the calls."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .. import clock
from ..errors import InputError, UnknownName

__all__ = ["SERVICE_LEVEL_VARIANTS", "MetricOptions", "Variant"]

Variant = Literal["offered", "no_short", "answered_only", "abandon_positive", "abandon_neutral", "min_talk"]
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
        wait_from: where a wait begins: "started_at", all that the caller lives through; or "first_ring", the first ring of a person.
        threshold_s: the service level's threshold, inclusive, in seconds.
        variant: which of the service level's six formulas.
        short_s: a missed call that waited less than these seconds is a short abandon.
        min_talk_s: seconds of talk that the variant "min_talk" asks for.
        ivr_numbers: target numbers that are no person: IVR, queue, voicemail.
        as_of: the moment at which callers' histories are looked at, local to `time_zone` if it has no offset; calls that began after it
            are not known yet. None: the latest `started_at`; never the clock.

    Raises:
        InputError: a value is not one of those allowed.
    """

    time_zone: str = clock.HOME_ZONE
    wait_from: Literal["started_at", "first_ring"] = "started_at"
    threshold_s: float = 20.0
    variant: Variant = "offered"
    short_s: float = 5.0
    min_talk_s: float = 10.0
    ivr_numbers: tuple[str, ...] = ()
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        clock.zone(self.time_zone)
        if self.wait_from not in ("started_at", "first_ring"):
            raise UnknownName("wait_from", self.wait_from, ("started_at", "first_ring"))
        if self.variant not in SERVICE_LEVEL_VARIANTS:
            raise UnknownName("service level variant", self.variant, SERVICE_LEVEL_VARIANTS)
        for given in (self.threshold_s, self.short_s, self.min_talk_s):
            if not isinstance(given, int | float) or not 0 <= given < math.inf:
                raise InputError(f"threshold_s, short_s and min_talk_s are seconds, and not negative; got {given!r}.")
        numbers: object = self.ivr_numbers
        if not isinstance(numbers, tuple | list) or not all(isinstance(number, str) for number in numbers):
            raise InputError('ivr_numbers is a tuple of numbers as text, such as ("8000",).')
        object.__setattr__(self, "ivr_numbers", tuple(numbers))  # a list would make the value unhashable
        if self.as_of is not None:
            object.__setattr__(self, "as_of", clock.parse_moment(self.as_of, self.time_zone, "as_of"))
