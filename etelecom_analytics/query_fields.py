"""Checks of the fields of a query: each function returns the field's value in its standard form."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import polars as pl

from .errors import QueryError
from .language import tr
from .phone_numbers import printable

__all__ = [
    "COMPARISONS",
    "CallState",
    "Comparison",
    "Direction",
    "duration_field",
    "id_field",
    "ids_field",
    "number_field",
    "text_field",
    "word_field",
]

Direction = Literal["unknown", "in", "out", "ext", "ext_in", "ext_out"]
CallState = Literal["unknown", "answered", "not_answered"]
Comparison = Literal[
    "less_than", "less_than_or_equal_to", "greater_than", "greater_than_or_equal_to", "equal_to"
]

COMPARISONS: Mapping[str, Callable[[pl.Expr, int], pl.Expr]] = {
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
_NUMBER_SEPARATOR = r"[^\S\r\n]|[.()/\-\u2010-\u2015]"
"""A line end within the text is not one of them: these may be two numbers."""


def word_field(field: str, value: str | None, allowed: Sequence[str]) -> str | None:
    """The word, if it is one of those that are allowed."""
    if value is None or value in allowed:
        return value
    raise QueryError(
        f"{field} must be one of {', '.join(allowed)}; got {printable(repr(value))}.", field
    )


def text_field(field: str, value: str | None) -> str | None:
    """The text without spaces at its ends, or None."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        text = tr(
            "{field} must be text on one line; got {kind}.", field=field, kind=type(value).__name__
        )
        raise QueryError(text, field)
    return value.strip()


def number_field(field: str, value: str | None) -> str | None:
    """The number without separators and invisible characters; other texts keep their spaces."""
    if not isinstance(value, str):
        return text_field(field, value)
    text = "".join(letter for letter in value if unicodedata.category(letter) != "Cf").strip()
    number = re.sub(_NUMBER_SEPARATOR, "", text)
    return text_field(field, number if re.fullmatch(r"[+*#]?[0-9]+#?", number) else text)


def id_field(field: str, value: str | None) -> str | None:
    """The id, as text."""
    if value is None:
        return None
    if (
        isinstance(value, str)
        and re.fullmatch(r"[1-9][0-9]{0,18}", value)
        and int(value) <= _MAX_ID
    ):
        return value
    raise QueryError(
        tr(
            '{field} must be an id, text of up to 19 digits such as "1140000000000000003"; got '
            "{value}.",
            field=field,
            value=printable(repr(value)),
        ),
        field,
    )


def ids_field(field: str, values: Sequence[str]) -> tuple[str, ...]:
    """The ids, as texts."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise QueryError(
            f'{field} must be a list of ids such as ["1140000000000000003"]; '
            f"got {printable(repr(values))}.",
            field,
        )
    return tuple(id_field(field, value) or "" for value in values)


def duration_field(value: object) -> tuple[str, int] | None:
    """The comparison and the seconds."""
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
