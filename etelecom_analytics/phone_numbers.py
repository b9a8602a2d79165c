"""Phone numbers: normalize Vietnamese notations, recognize, mask and pseudonymize numbers."""

import hmac
import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from itertools import islice

import polars as pl

__all__ = [
    "HIDDEN",
    "describe",
    "is_private",
    "mask",
    "masked",
    "masked_digits",
    "normalize",
    "normalized",
    "notations",
    "printable",
    "pseudonym",
]

HIDDEN = "***"
"""Replaces a text that is neither a number nor safe to show."""

# National numbers are written 0..., 84..., +84... or 0084..., sometimes with an extra 0 after the
# country code. 9 or 10 digits follow the country code. Toll-free and premium numbers (1800...,
# 1900...) have no leading 0.
_SEPARATOR = r"[\s.()/\-]"
_TOLL_FREE = r"^(?:\+|00)?84(1[89]00\d{4,6})$"
_NATIONAL = r"^(?:\+|00)?840?([1-9]\d{8,9})$"

_EXTENSION = r"^[*#]?\d{1,5}#?$"
_ANONYMOUS = r"(?i)^(?:anonymous|blocked|private|restricted|unavailable|unknown|withheld)?$"
"""What a PBX writes when the caller hides the number."""
_COMPLETE = r"^\+?\d{8,}$"
_ALREADY_MASKED = r"^\+?\d{2,3}\*+\d{2}$"
_HEX_TO_LETTERS = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")

_DATE = r"(?<![\d+])(?:19[5-9]|20\d)\d-\d{1,2}-\d{1,2}(?!\d)"
_LONG_RUN = rf"(\d{{2}})(?:{_SEPARATOR}?\d){{4,}}"


def normalize(number: str) -> str:
    """The national form: "+84 912 345 678" becomes "0912345678"; other texts keep their digits."""
    digits = re.sub(_SEPARATOR, "", number)
    return re.sub(_NATIONAL, r"0\1", re.sub(_TOLL_FREE, r"\1", digits))


def normalized(number: pl.Expr) -> pl.Expr:
    """Like `normalize`, for a column."""
    digits = number.str.replace_all(_SEPARATOR, "")
    return digits.str.replace(_TOLL_FREE, "$1").str.replace(_NATIONAL, "0${1}")


def notations(number: str) -> tuple[str, ...]:
    """The forms in which a PBX may have stored the number: 0..., 84... and +84....

    An extension or a foreign number has only the form in which it is written.
    """
    national = normalize(number)
    if re.fullmatch(r"0[1-9][0-9]{8,9}", national):
        return national, f"84{national[1:]}", f"+84{national[1:]}"
    if re.fullmatch(r"1[89]00[0-9]{4,6}", national):
        return national, f"84{national}", f"+84{national}"
    return (number,)


def is_private(number: pl.Expr, keep: Sequence[str] = ()) -> pl.Expr:
    """Whether a value identifies an external party.

    False for extensions (up to 5 digits), words such as "anonymous", and the numbers in `keep`.
    """
    is_exempt = normalized(number).is_in([normalize(each) for each in keep])
    return ~(number.str.contains(_EXTENSION) | number.str.contains(_ANONYMOUS) | is_exempt)


def masked(number: pl.Expr) -> pl.Expr:
    """The national form with only the first three and last two characters, such as "091*****78".

    Texts that are not a phone number become "***".
    """
    national = normalized(number)
    middle = national.str.slice(3, national.str.len_chars() - 5).str.replace_all(".", "*")
    return (
        pl.when(number.str.contains(_ALREADY_MASKED))
        .then(number)
        .when(national.str.contains(_COMPLETE))
        .then(national.str.head(3) + middle + national.str.tail(2))
        .when(national.is_not_null())
        .then(pl.lit(HIDDEN))
    )


def pseudonym(number: str, key: bytes) -> str:
    """A word such as "x0cmmfccjhgmpggkmmdcce", the same for all notations of the number.

    It is an HMAC-SHA256 truncated to 80 bits, so it cannot be reversed without the key. It is
    written in letters so that it is not masked like a number; the one digit marks it as the
    pseudonym of a number, because texts without a digit are never pseudonymized.
    """
    digest = hmac.digest(key, b"number " + normalize(number).encode(), "sha256")
    return "x0" + digest[:10].hex().encode().translate(_HEX_TO_LETTERS).decode()


def mask(text: str) -> str:
    """The text with each run of six or more digits, a possible phone number, cut to two digits.

    Dates stay readable, including invalid ones: an error message must be able to show
    "2026-13-01".
    """
    return re.sub(rf"({_DATE})|{_LONG_RUN}", lambda match: match[1] or f"{match[2]}…", text)


def masked_digits(text: pl.Expr) -> pl.Expr:
    """Like `mask`, for a column; dates are cut as well."""
    return text.str.replace_all(_LONG_RUN, "${1}…")


def printable(text: str, *, max_length: int = 160) -> str:
    """An external text that is safe to print: one line, numbers masked, at most `max_length` long.

    Control characters are escaped.
    """
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in mask(text))
    return line if len(line) <= max_length else f"{line[: max_length - 1]}…"


def describe(value: object, *, max_length: int = 60) -> str:
    """A rejected argument as an error message shows it: short, on one line, with numbers masked.

    Numbers, text and moments are shown as in Python; of any other value only the type, because a
    table of calls would show the numbers of callers.
    """
    if value is None or isinstance(value, str | int | float | date | time | timedelta):
        return printable(repr(value), max_length=max_length)
    if isinstance(value, list | tuple | set | frozenset):
        items = ", ".join(describe(item, max_length=max_length) for item in islice(value, 3))
        return printable(f"{type(value).__name__} of {len(value)}: {items}", max_length=max_length)
    return type(value).__name__
