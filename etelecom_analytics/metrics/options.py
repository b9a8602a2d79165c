"""MetricOptions: the settings, besides the calls, that measures depend on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal, get_args

from .. import local_time
from ..codegen import constructor_code
from ..errors import InputError, UnknownName
from ..phone_numbers import describe, mask
from .hours import BusinessHours, HoursInput, hours_to_dict, parse_holidays, parse_hours

__all__ = [
    "SERVICE_LEVEL_VARIANTS",
    "MetricOptions",
    "UnknownEndings",
    "Variant",
    "WaitFrom",
    "checked_options",
]

WaitFrom = Literal["started_at", "queue", "first_ring"]
UnknownEndings = Literal["event", "censored"]
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


@dataclass(frozen=True, init=False, repr=False)
class MetricOptions:
    """The settings that every measure is computed with.

    Args:
        time_zone: the time zone of hours, days and weeks.
        wait_from: the start of a wait: "started_at", the start of the call; "queue", the entry into
            the first queue; or "first_ring", the first ring of a person.
        threshold_s: the service level's threshold, inclusive, in seconds.
        variant: the service level's formula, one of six.
        short_s: an abandoned call with a shorter wait, in seconds, is a short abandon.
        min_talk_s: the minimum talk, in seconds, of the variant "min_talk".
        ivr_numbers: the target numbers of IVRs. All lists of numbers are stored as tuples and
            compared in normal form; an entry that ends in "*", such as "*98*", is a prefix.
        queue_numbers: the target numbers of queues.
        voicemail_numbers: the target numbers of voicemails.
        agent_numbers: phone numbers of 8 or more digits that are agents, such as mobile phones.
        business_hours: the local hours in which calls count as `in_hours`: {"mon-fri": ("08:00",
            "17:30"), "sat": [("08:00", "12:00")]}. A weekday is a name, a number from 1 for Monday,
            or a range. The end of a span is exclusive; a span whose end is before its begin
            continues past midnight. Stored as a tuple of (weekday, begin, end), one per span. None:
            always.
        holidays: local dates, or text such as "2026-09-02" or "02/09/2026", on which no call is in
            hours. Stored as a sorted tuple of dates.
        as_of: the moment at which callers' histories are evaluated: a datetime, a date or text,
            local to `time_zone` if it has no offset; later calls are ignored. None: the latest
            `started_at`, never the current time.
        longest_call_s: a longer call, in seconds, gives no talk, line or load; a longer wait or
            ring is unknown.
        ring_timeout_s: the seconds after which the PBX stops ringing. A cancelled leg that rang
            almost as long does not show that the caller hung up. None: unknown.
        unknown_endings: whether a missed call with an unknown end is an "event" of patience, as if
            the caller had hung up, or "censored".

    Raises:
        InputError: a value is not allowed.
        UnknownName: a name does not exist; the message lists the nearest names.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"], holidays=["2026-11-03"])
        >>> calls = et.sample_logs().calls
        >>> et.summarize(calls, by="in_hours", measures="calls", options=options).rows()
        [(False, 73), (True, 311)]
    """

    time_zone: str
    wait_from: WaitFrom
    threshold_s: float
    variant: Variant
    short_s: float
    min_talk_s: float
    ivr_numbers: tuple[str, ...]
    queue_numbers: tuple[str, ...]
    voicemail_numbers: tuple[str, ...]
    agent_numbers: tuple[str, ...]
    business_hours: BusinessHours | None
    holidays: tuple[date, ...]
    as_of: datetime | None
    longest_call_s: float
    ring_timeout_s: float | None
    unknown_endings: UnknownEndings

    def __init__(
        self,
        *,
        time_zone: str = local_time.HOME_ZONE,
        wait_from: WaitFrom = "started_at",
        threshold_s: float = 20.0,
        variant: Variant = "offered",
        short_s: float = 5.0,
        min_talk_s: float = 10.0,
        ivr_numbers: Sequence[str] = (),
        queue_numbers: Sequence[str] = (),
        voicemail_numbers: Sequence[str] = (),
        agent_numbers: Sequence[str] = (),
        business_hours: HoursInput | None = None,
        holidays: Sequence[date | str] = (),
        as_of: date | datetime | str | None = None,
        longest_call_s: float = 43_200.0,
        ring_timeout_s: float | None = None,
        unknown_endings: UnknownEndings = "event",
    ) -> None:
        local_time.zone(time_zone)
        _check_name("wait_from", wait_from, get_args(WaitFrom))
        _check_name("service level variant", variant, SERVICE_LEVEL_VARIANTS)
        _check_name("unknown_endings", unknown_endings, get_args(UnknownEndings))

        def put(field: str, value: object) -> None:
            object.__setattr__(self, field, value)  # the dataclass is frozen

        put("time_zone", time_zone)
        put("wait_from", wait_from)
        put("threshold_s", _seconds("threshold_s", threshold_s))
        put("variant", variant)
        put("short_s", _seconds("short_s", short_s))
        put("min_talk_s", _seconds("min_talk_s", min_talk_s))
        put("ivr_numbers", _numbers("ivr_numbers", ivr_numbers))
        put("queue_numbers", _numbers("queue_numbers", queue_numbers))
        put("voicemail_numbers", _numbers("voicemail_numbers", voicemail_numbers))
        put("agent_numbers", _numbers("agent_numbers", agent_numbers))
        put("business_hours", None if business_hours is None else parse_hours(business_hours))
        put("holidays", parse_holidays(holidays))
        moment = None if as_of is None else local_time.parse_moment(as_of, time_zone, "as_of")
        put("as_of", moment)
        put("longest_call_s", _seconds("longest_call_s", longest_call_s))
        is_timeout = ring_timeout_s is not None
        put("ring_timeout_s", _seconds("ring_timeout_s", ring_timeout_s) if is_timeout else None)
        put("unknown_endings", unknown_endings)

    def to_dict(self) -> dict[str, object]:
        """The time zone and all options that differ from the defaults, in JSON types."""
        defaults = MetricOptions()
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: _json_value(name, value)
            for name, value in values.items()
            if name == "time_zone" or value != getattr(defaults, name)
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

    def __repr__(self) -> str:
        """The options that differ from the defaults, with phone numbers masked."""
        values = self.to_dict()
        if self.time_zone == local_time.HOME_ZONE:
            del values["time_zone"]
        arguments = ", ".join(f"{name}={mask(repr(value))}" for name, value in values.items())
        return f"MetricOptions({arguments})"

    def code(self) -> str:
        """Python code that creates these options as `options`, ready to paste."""
        values = self.to_dict()
        if self.as_of is not None:
            values["as_of"] = local_time.moment_text(self.as_of, self.time_zone)
        return constructor_code("MetricOptions", values, name="options")


def checked_options(options: object) -> MetricOptions:
    """The argument `options`.

    Options of a `MetricOptions` class that was reloaded since, as by `%autoreload` in a notebook,
    are converted.

    Raises:
        InputError: it is no `MetricOptions`, or an older one that cannot be converted.
    """
    if isinstance(options, MetricOptions):
        return options
    old = type(options)
    if (old.__module__, old.__qualname__) != (MetricOptions.__module__, "MetricOptions"):
        raise InputError(
            "options is a MetricOptions, such as et.MetricOptions(threshold_s=30); "
            f"got {describe(options)}."
        )
    try:
        return MetricOptions.from_dict(vars(options))
    except InputError as error:
        raise InputError(
            "options is of a MetricOptions class from before a reload, and does not fit the "
            f"present one: {error} Create the options again."
        ) from None


def _check_name(kind: str, value: object, allowed: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise UnknownName(kind, value if isinstance(value, str) else describe(value), allowed)


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{name} is a number of seconds of at least 0; got {describe(value)}.")
    return value


def _numbers(name: str, value: object) -> tuple[str, ...]:
    # A tuple, since a list would make the options unhashable.
    if isinstance(value, list | tuple):
        numbers = tuple(number for number in value if isinstance(number, str))
        if len(numbers) == len(value):
            return numbers
    raise InputError(
        f'{name} is a list or tuple of numbers as text, such as ["8000"]; got {describe(value)}.'
    )


def _json_value(name: str, value: object) -> object:
    if name == "business_hours":
        return hours_to_dict(parse_hours(value))
    if isinstance(value, tuple):
        return [_json_value("", item) for item in value]
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date too
