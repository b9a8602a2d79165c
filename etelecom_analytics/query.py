"""CallQuery: which calls? One frozen value for the API, a frame, a lazy scan, a panel and a report."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

import polars as pl

from . import local_time, schema
from .codegen import constructor_code
from .errors import QueryError, UnknownName
from .phone_numbers import mask, normalize, normalized, printable

__all__ = ["COMPARISONS", "CallQuery"]

COMPARISONS = {
    "less_than": pl.Expr.lt,
    "less_than_or_equal_to": pl.Expr.le,
    "greater_than": pl.Expr.gt,
    "greater_than_or_equal_to": pl.Expr.ge,
    "equal_to": pl.Expr.eq,
}
"""The API's words for comparing durations. Only `less_than_or_equal_to` is documented; the others follow its pattern. Were the
backend to spell one otherwise, this is the place to correct it."""

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, init=False)
class CallQuery:
    """Which calls? Every field is optional, and a call must satisfy all that are set.

    Args:
        date_from: calls that began at this moment or later. A date, an aware datetime, or ISO text;
            a bare date is its midnight and a time without an offset is local, both in `time_zone`.
        date_to: calls that began before this moment (exclusive), in the same forms.
        direction: "unknown", "in", "out", "ext", "ext_in" or "ext_out".
        call_state: "unknown", "answered" or "not_answered".
        call_number: a whole number that called or was called. The API compares it as it is written
            (0..., 84... and +84... are three numbers to it); `to_expr` takes Vietnam's written
            forms for one.
        duration: a comparison and seconds, such as `("less_than_or_equal_to", 30)`.
        extension_ids: ids of extensions, as text; any of them.
        user_id: the id of a user, as text.
        hotline_ids: ids of hotlines, as text; any of them. Only the API knows a call's hotline.
        department_id: the id of a department, as text. Only the API knows it.
        external_id: the caller's own id of a call placed from web or mobile.
        external_session_id: the id of its session.
        time_zone: the IANA zone in which dates are meant.

    Raises:
        QueryError: a field is wrong; the message names it and says what is allowed. Nothing has
            been sent.
    """

    date_from: datetime | None
    date_to: datetime | None
    direction: str | None
    call_state: str | None
    call_number: str | None
    duration: tuple[str, int] | None
    extension_ids: tuple[str, ...]
    user_id: str | None
    hotline_ids: tuple[str, ...]
    department_id: str | None
    external_id: str | None
    external_session_id: str | None
    time_zone: str

    def __init__(
        self,
        *,
        date_from: date | datetime | str | None = None,
        date_to: date | datetime | str | None = None,
        direction: str | None = None,
        call_state: str | None = None,
        call_number: str | None = None,
        duration: Sequence[str | int] | None = None,
        extension_ids: Sequence[str] = (),
        user_id: str | None = None,
        hotline_ids: Sequence[str] = (),
        department_id: str | None = None,
        external_id: str | None = None,
        external_session_id: str | None = None,
        time_zone: str = local_time.HOME_ZONE,
    ) -> None:
        local_time.zone(time_zone)

        def put(field: str, value: object) -> None:
            object.__setattr__(self, field, value)  # the way in which a frozen dataclass is filled

        put(
            "date_from",
            None
            if date_from is None
            else local_time.parse_moment(date_from, time_zone, "date_from"),
        )
        put(
            "date_to",
            None if date_to is None else local_time.parse_moment(date_to, time_zone, "date_to"),
        )
        put("direction", _word("direction", direction, schema.DIRECTIONS))
        put("call_state", _word("call_state", call_state, schema.CALL_STATES))
        put("call_number", _text("call_number", call_number))
        put("duration", _duration(duration))
        put("extension_ids", _ids("extension_ids", extension_ids))
        put("user_id", _one_id("user_id", user_id))
        put("hotline_ids", _ids("hotline_ids", hotline_ids))
        put("department_id", _one_id("department_id", department_id))
        put("external_id", _text("external_id", external_id))
        put("external_session_id", _text("external_session_id", external_session_id))
        put("time_zone", time_zone)
        if (
            self.date_from
            and self.date_to
            and self.date_from.astimezone(UTC) >= self.date_to.astimezone(UTC)
        ):
            raise QueryError(
                f"date_from ({self.date_from.isoformat()}) must lie before date_to ({self.date_to.isoformat()}), "
                "which is not part of the range: for a single day, date_to is the day after.",
                "date_to",
            )

    def to_filter(self) -> dict[str, object]:
        """The API's `filter` object, with only the fields that are set.

        Dates are rounded outwards to whole seconds, and the API counts both ends in; so a fetch
        asks for no less than the query, and `in_range` cuts what it brings.
        """
        comparison, seconds = self.duration or ("", 0)
        given: dict[str, object] = {
            "date_from": self.date_from and local_time.rfc3339(self.date_from),
            "date_to": self.date_to and local_time.rfc3339(self.date_to, round_up=True),
            "direction": self.direction,
            "call_state": self.call_state,
            "call_number": self.call_number,
            "duration": comparison and {"comparison": comparison, "value": seconds},
            "extension_ids": list(self.extension_ids),
            "user_id": self.user_id,
            "hotline_ids": list(self.hotline_ids),
            "department_id": self.department_id,
            "external_id": self.external_id,
            "external_session_id": self.external_session_id,
        }
        return {field: value for field, value in given.items() if value}

    def in_range(self) -> pl.Expr:
        """True for calls whose start lies in the half-open range of dates, or is not known."""
        start = pl.col("started_at")
        within = pl.lit(value=True)
        if self.date_from:
            within &= start >= self.date_from.astimezone(UTC)
        if self.date_to:
            within &= start < self.date_to.astimezone(UTC)
        return start.is_null() | within

    def to_expr(self, *, numbers: Sequence[pl.Expr] | None = None) -> pl.Expr:
        """The same question to a frame of calls: a Boolean expression, for `calls.filter(query.to_expr())`.

        `numbers` are caller and callee as `numbers.normalized` gives them, where that is known
        already.

        A null in a column that is asked for does not match, but a call whose start is not known is
        kept. `QueryError` for `hotline_ids` and `department_id`, which calls do not carry.
        """
        for field in ("hotline_ids", "department_id"):
            if getattr(self, field):
                raise QueryError(
                    f"{field} cannot be asked of a table: calls do not carry it. Ask the API: fetch_calls(client, query).",
                    field,
                )
        equal = ("direction", "call_state", "user_id", "external_id", "external_session_id")
        conditions = [
            self.in_range(),
            *(pl.col(field) == value for field in equal if (value := getattr(self, field))),
        ]
        if self.call_number:
            wanted = normalize(self.call_number)
            sides = numbers or [normalized(pl.col(side)) for side in ("caller", "callee")]
            conditions.append(
                pl.any_horizontal((side == wanted).fill_null(value=False) for side in sides)
            )
        if self.duration:
            comparison, seconds = self.duration
            conditions.append(COMPARISONS[comparison](pl.col("duration"), seconds))
        if self.extension_ids:
            conditions.append(pl.col("extension_id").is_in(self.extension_ids))
        return pl.all_horizontal(condition.fill_null(value=False) for condition in conditions)

    def to_dict(self) -> dict[str, object]:
        """The fields that are set, and the zone, as JSON can keep them; `from_dict` reads it back."""
        given = {
            field.name: value for field in fields(self) if (value := getattr(self, field.name))
        }
        return {name: _plain(value) for name, value in given.items()}

    @classmethod
    def from_dict(cls, given: Mapping[str, object]) -> "CallQuery":
        """The query that `to_dict` told; an unknown field is an error that lists the nearest."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownName("query field", name, known)
        return cls(**given)  # type: ignore[arg-type]  # the constructor checks every value

    def code(self) -> str:
        """Python that makes this query as `query`, ready to paste."""
        given = self.to_dict()
        given |= {
            name: local_time.moment_text(moment, self.time_zone)
            for name in ("date_from", "date_to")
            if (moment := getattr(self, name))
        }
        if self.duration:
            given["duration"] = self.duration
        return constructor_code("CallQuery", given, name="query")

    def __str__(self) -> str:
        """Say the question in words."""
        comparison, seconds = self.duration or ("", 0)
        words = {
            "direction": self.direction,
            "call state": self.call_state,
            "number": self.call_number and mask(self.call_number),
            "duration": comparison and f"{comparison.replace('_', ' ')} {seconds} s",
            "extension": " or ".join(self.extension_ids),
            "user": self.user_id,
            "hotline": " or ".join(self.hotline_ids),
            "department": self.department_id,
            "external id": self.external_id and mask(self.external_id),
            "external session": self.external_session_id and mask(self.external_session_id),
            "from": self.date_from and local_time.moment_text(self.date_from, self.time_zone),
            "before": self.date_to and local_time.moment_text(self.date_to, self.time_zone),
        }
        said = [f"{name} {value}" for name, value in words.items() if value]
        return f"{', '.join(said) or 'all calls'} ({self.time_zone})"

    def __repr__(self) -> str:
        given = self.to_dict()
        given |= {
            name: mask(str(given[name]))
            for name in ("call_number", "external_id", "external_session_id")
            if name in given
        }
        return f"CallQuery({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _plain(value: object) -> object:
    """The value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _word(field: str, value: str | None, allowed: Sequence[str]) -> str | None:
    if value is None or value in allowed:
        return value
    raise QueryError(f"{field} is one of {', '.join(allowed)}; got {printable(repr(value))}.", field)


def _text(field: str, value: str | None) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise QueryError(f"{field} is text on one line; got {type(value).__name__}.", field)
    return value.strip()


def _one_id(field: str, value: str | None) -> str | None:
    if value is None:
        return None
    if (
        isinstance(value, str)
        and re.fullmatch(r"[1-9][0-9]{0,18}", value)
        and int(value) <= _LARGEST_ID
    ):
        return value
    raise QueryError(
        f'{field} is an id: text of up to 19 digits such as "1140000000000000003"; got {printable(repr(value))}.',
        field,
    )


def _ids(field: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise QueryError(
            f'{field} is a list of ids such as ["1140000000000000003"]; got {printable(repr(values))}.',
            field,
        )
    return tuple(_one_id(field, value) or "" for value in values)


def _duration(value: Sequence[str | int] | None) -> tuple[str, int] | None:
    if value is None:
        return None
    match value:
        case [str(comparison), int(seconds)] if (
            comparison in COMPARISONS and seconds >= 0 and not isinstance(seconds, bool)
        ):
            return comparison, seconds
    raise QueryError(
        f"duration is a comparison and whole seconds such as ('less_than_or_equal_to', 30); comparisons: {', '.join(COMPARISONS)}; "
        f"got {printable(repr(value))}.",
        "duration",
    )
