"""CallQuery: one filter of calls for the API, frames, panels and reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta

import polars as pl

from . import local_time, schema
from .codegen import constructor_code
from .errors import QueryError, UnknownName
from .language import tr
from .phone_numbers import mask, normalize, normalized
from .query_fields import (
    COMPARISONS,
    CallState,
    Comparison,
    Direction,
    duration_field,
    id_field,
    ids_field,
    number_field,
    text_field,
    word_field,
)
from .query_text import filter_texts, id_text

__all__ = ["COMPARISONS", "CallQuery", "CallState", "Comparison", "Direction"]

_OPEN_START = datetime(1990, 1, 1, tzinfo=UTC)
_OPEN_END = timedelta(days=1)


@dataclass(frozen=True, init=False)
class CallQuery:
    """A filter of calls. All fields are optional; a call must match every field that is set.

    Args:
        date_from: calls that began at or after this time. A date, a datetime, or text: ISO, or
            day/month/year such as "02/11/2026", always with the day first. A date is its midnight
            and a time without an offset is local, both in `time_zone`.
        date_to: calls that began before this time (exclusive), in the same forms.
        direction: "unknown", "in", "out", "ext", "ext_in" or "ext_out".
        call_state: "unknown", "answered" or "not_answered".
        call_number: the complete number of the caller or callee, with or without separators. The
            API compares it literally, so `fetch_calls` requests each notation (0..., 84... and
            +84...); `to_expr` compares normalized numbers.
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

    Examples:
        >>> query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-03", direction="in")
        >>> et.sample_logs().calls.filter(query.to_expr()).height
        59
    """

    date_from: datetime | None
    date_to: datetime | None
    direction: Direction | None
    call_state: CallState | None
    call_number: str | None
    duration: tuple[Comparison, int] | None
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
        direction: Direction | None = None,
        call_state: CallState | None = None,
        call_number: str | None = None,
        duration: tuple[Comparison, int] | None = None,
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
        put("direction", word_field("direction", direction, schema.DIRECTIONS))
        put("call_state", word_field("call_state", call_state, schema.CALL_STATES))
        put("call_number", number_field("call_number", call_number))
        put("duration", duration_field(duration))
        put("extension_ids", ids_field("extension_ids", extension_ids))
        put("user_id", id_field("user_id", user_id))
        put("hotline_ids", ids_field("hotline_ids", hotline_ids))
        put("department_id", id_field("department_id", department_id))
        put("external_id", text_field("external_id", external_id))
        put("external_session_id", text_field("external_session_id", external_session_id))
        put("time_zone", time_zone)
        if (
            self.date_from
            and self.date_to
            and self.date_from.astimezone(UTC) >= self.date_to.astimezone(UTC)
        ):
            raise QueryError(
                tr(
                    "date_from ({begin}) must be before date_to ({end}), which is not part of the "
                    "range: for a single day, date_to is the day after.",
                    begin=self.date_from.isoformat(),
                    end=self.date_to.isoformat(),
                ),
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

    def closed_range(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Both dates for a request that is sent at `now`; None twice if the query has no date.

        The API refuses one date without the other. An open start becomes the year 1990, and an open
        end one day from now.
        """
        begin, end = self.date_from, self.date_to
        if begin and not end:
            end = max(now, begin).astimezone(begin.tzinfo) + _OPEN_END
        if end and not begin:
            begin = min(_OPEN_START, end - _OPEN_END).astimezone(end.tzinfo)
        return begin, end

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
        """Describe the query in words, in the current language."""
        return f"{', '.join(filter_texts(self)) or tr('all calls')} ({self.time_zone})"

    def __repr__(self) -> str:
        values = self.to_dict()
        values |= {
            name: mask(str(values[name]))
            for name in ("call_number", "external_id", "external_session_id")
            if name in values
        }
        values |= {
            name: id_text(value) if isinstance(value, str) else [id_text(each) for each in value]
            for name in ("extension_ids", "user_id", "hotline_ids", "department_id")
            if (value := getattr(self, name))
        }
        return f"CallQuery({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _plain(value: object) -> object:
    """The value as JSON-compatible data."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
