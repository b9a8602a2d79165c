"""CallQuery: one filter of calls for the API, frames, panels and reports."""

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
"""The API's names of comparisons of durations.

Only `less_than_or_equal_to` is documented; the others follow its pattern.
"""

_MAX_ID = 2**63 - 1
_DIRECTION_WORDS = {"in": "inbound direction", "out": "outbound direction"}


@dataclass(frozen=True, init=False)
class CallQuery:
    """A filter of calls. All fields are optional; a call must match every field that is set.

    Args:
        date_from: calls that began at or after this time. A date, a datetime, or ISO text; a date
            is its midnight and a time without an offset is local, both in `time_zone`.
        date_to: calls that began before this time (exclusive), in the same forms.
        direction: "unknown", "in", "out", "ext", "ext_in" or "ext_out".
        call_state: "unknown", "answered" or "not_answered".
        call_number: the complete number of the caller or callee. The API compares it literally, so
            0..., 84... and +84... differ; `to_expr` compares normalized numbers.
        duration: a comparison and seconds, such as `("less_than_or_equal_to", 30)`.
        extension_ids: ids of extensions, as text; a call matches any of them.
        user_id: the id of a user, as text.
        hotline_ids: ids of hotlines, as text; a call matches any of them. Only for the API.
        department_id: the id of a department, as text. Only for the API.
        external_id: the client's own id of a call from web or mobile.
        external_session_id: the id of its session.
        time_zone: the IANA time zone of the dates.

    Raises:
        QueryError: a field is not valid; the message has its name and the allowed values.
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
            object.__setattr__(self, field, value)  # the dataclass is frozen

        def moment(field: str, value: date | datetime | str | None) -> datetime | None:
            return None if value is None else local_time.parse_moment(value, time_zone, field)

        put("date_from", moment("date_from", date_from))
        put("date_to", moment("date_to", date_to))
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
                f"date_from ({self.date_from.isoformat()}) must be before date_to "
                f"({self.date_to.isoformat()}), which is not part of the range: for a single day, "
                "date_to is the day after.",
                "date_to",
            )

    def to_filter(self) -> dict[str, object]:
        """The `filter` object for the API, with only the fields that are set.

        Dates are rounded outwards to whole seconds, and the API includes both ends. So the response
        may contain more calls than the query, which `in_range` removes.
        """
        comparison, seconds = self.duration or ("", 0)
        values: dict[str, object] = {
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
        return {field: value for field, value in values.items() if value}

    def in_range(self) -> pl.Expr:
        """Whether a call starts in the half-open range of dates; true if its start is null."""
        start = pl.col("started_at")
        within = pl.lit(value=True)
        if self.date_from:
            within &= start >= self.date_from.astimezone(UTC)
        if self.date_to:
            within &= start < self.date_to.astimezone(UTC)
        return start.is_null() | within

    def to_expr(self, *, numbers: Sequence[pl.Expr] | None = None) -> pl.Expr:
        """The query as a Boolean expression, for `calls.filter(query.to_expr())`.

        Nulls do not match, except that calls without a start are in every range of dates.
        `QueryError` for `hotline_ids` and `department_id`, because calls do not have these columns.

        Args:
            numbers: caller and callee as expressions of normalized numbers, to avoid normalizing
                them again.
        """
        for field in ("hotline_ids", "department_id"):
            if getattr(self, field):
                raise QueryError(
                    f"{field} cannot filter a table, because calls do not contain it. Use it in a "
                    "request to the API: fetch_calls(client, query).",
                    field,
                )
        equal = ("direction", "call_state", "user_id", "external_id", "external_session_id")
        conditions = [
            self.in_range(),
            *(pl.col(field) == value for field in equal if (value := getattr(self, field))),
        ]
        if self.call_number:
            number = normalize(self.call_number)
            sides = numbers or [normalized(pl.col(side)) for side in ("caller", "callee")]
            conditions.append(
                pl.any_horizontal((side == number).fill_null(value=False) for side in sides)
            )
        if self.duration:
            comparison, seconds = self.duration
            conditions.append(COMPARISONS[comparison](pl.col("duration"), seconds))
        if self.extension_ids:
            conditions.append(pl.col("extension_id").is_in(self.extension_ids))
        return pl.all_horizontal(condition.fill_null(value=False) for condition in conditions)

    def to_dict(self) -> dict[str, object]:
        """The fields that are set and the time zone as a JSON-compatible dict, for `from_dict`."""
        values = {
            field.name: value for field in fields(self) if (value := getattr(self, field.name))
        }
        return {name: _plain(value) for name, value in values.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> "CallQuery":
        """The query of a dict from `to_dict`; `UnknownName` for an unknown field."""
        names = [field.name for field in fields(cls)]
        for name in data:
            if name not in names:
                raise UnknownName("query field", name, names)
        return cls(**data)  # type: ignore[arg-type]  # the constructor checks every value

    def code(self) -> str:
        """Python code that creates this query as `query`, ready to paste."""
        arguments = self.to_dict()
        arguments |= {
            name: local_time.moment_text(moment, self.time_zone)
            for name in ("date_from", "date_to")
            if (moment := getattr(self, name))
        }
        if self.duration:
            arguments["duration"] = self.duration
        return constructor_code("CallQuery", arguments, name="query")

    def __str__(self) -> str:
        """Describe the query in words."""
        comparison, seconds = self.duration or ("", 0)
        parts = {
            "direction": "" if self.direction in _DIRECTION_WORDS else self.direction,
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
        words = [f"{name} {value}" for name, value in parts.items() if value]
        if self.direction in _DIRECTION_WORDS:
            words.insert(0, _DIRECTION_WORDS[self.direction])
        return f"{', '.join(words) or 'all calls'} ({self.time_zone})"

    def __repr__(self) -> str:
        values = self.to_dict()
        values |= {
            name: mask(str(values[name]))
            for name in ("call_number", "external_id", "external_session_id")
            if name in values
        }
        return f"CallQuery({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _plain(value: object) -> object:
    """The value as JSON-compatible data."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _word(field: str, value: str | None, allowed: Sequence[str]) -> str | None:
    if value is None or value in allowed:
        return value
    raise QueryError(
        f"{field} must be one of {', '.join(allowed)}; got {printable(repr(value))}.", field
    )


def _text(field: str, value: str | None) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise QueryError(f"{field} must be text on one line; got {type(value).__name__}.", field)
    return value.strip()


def _one_id(field: str, value: str | None) -> str | None:
    if value is None:
        return None
    if (
        isinstance(value, str)
        and re.fullmatch(r"[1-9][0-9]{0,18}", value)
        and int(value) <= _MAX_ID
    ):
        return value
    raise QueryError(
        f'{field} must be an id, text of up to 19 digits such as "1140000000000000003"; '
        f"got {printable(repr(value))}.",
        field,
    )


def _ids(field: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise QueryError(
            f'{field} must be a list of ids such as ["1140000000000000003"]; '
            f"got {printable(repr(values))}.",
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
        "duration must be a comparison and whole seconds such as ('less_than_or_equal_to', 30); "
        f"comparisons: {', '.join(COMPARISONS)}; got {printable(repr(value))}.",
        "duration",
    )
