"""Phone numbers: Vietnam's written forms brought to one, and digits hidden where they must not be shown."""

import hmac
import re
from collections.abc import Sequence

import polars as pl

__all__ = [
    "HIDDEN",
    "is_private",
    "mask",
    "masked",
    "normalise",
    "normalised",
    "pseudonym",
    "shown",
]

# A national number is written 0..., 84..., +84... or 0084..., with a stray 0 after the country code
# at times. After the country code come 9 or 10 digits; toll-free and premium numbers (1800...,
# 1900...) have no leading 0.
_NOISE = r"[\s.()/\-]"
_TOLL_FREE = r"^(?:\+|00)?84(1[89]00\d{4,6})$"
_COUNTRY = r"^(?:\+|00)?840?([1-9]\d{8,9})$"

_EXTENSION = r"^[*#]?\d{1,5}#?$"
_NOBODY = r"(?i)^(?:anonymous|blocked|private|restricted|unavailable|unknown|withheld)?$"
"""What exchanges write where a caller hides the number."""
_WHOLE = r"^\+?\d{8,}$"
HIDDEN = "***"
"""What stands for a text that is no number and should not be read."""
_MASKED = r"^\+?\d{2,3}\*+\d{2}$"
_LETTERS = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")

_DATE = r"(?<![\d+])(?:19[5-9]|20\d)\d-\d{1,2}-\d{1,2}(?!\d)"
_LONG_RUN = rf"(\d{{2}})(?:{_NOISE}?\d){{4,}}"


def normalise(number: str) -> str:
    """The number in its national form ("+84 912 345 678" is "0912345678"); what is no number of Vietnam stays as it is."""
    bare = re.sub(_NOISE, "", number)
    return re.sub(_COUNTRY, r"0\1", re.sub(_TOLL_FREE, r"\1", bare))


def normalised(number: pl.Expr) -> pl.Expr:
    """The same as `normalise`, for a text column."""
    bare = number.str.replace_all(_NOISE, "")
    return bare.str.replace(_TOLL_FREE, "$1").str.replace(_COUNTRY, "0${1}")


def is_private(number: pl.Expr, keep: Sequence[str] = ()) -> pl.Expr:
    """Whether a text of a number column tells who called: it is no extension (up to 5 digits), no word for nobody, and none of `keep`."""
    kept = normalised(number).is_in([normalise(each) for each in keep])
    return ~(number.str.contains(_EXTENSION) | number.str.contains(_NOBODY) | kept)


def masked(number: pl.Expr) -> pl.Expr:
    """The number in its national form with its first three characters and its last two digits ("091*****78"); "***" for other texts."""
    plain = normalised(number)
    middle = plain.str.slice(3, plain.str.len_chars() - 5).str.replace_all(".", "*")
    return (
        pl.when(number.str.contains(_MASKED))
        .then(number)
        .when(plain.str.contains(_WHOLE))
        .then(plain.str.head(3) + middle + plain.str.tail(2))
        .when(plain.is_not_null())
        .then(pl.lit(HIDDEN))
    )


def pseudonym(number: str, key: bytes) -> str:
    """A word such as "x0cmmfccjhgmpggkmmdcce" for the number, the same for all its written forms.

    Without the key nobody finds the one from the other: it is HMAC-SHA256, cut to 80 bits and
    written in letters, so that it is never masked as a number is. It has one digit, as only a
    number has any.
    """
    digest = hmac.digest(key, b"number " + normalise(number).encode(), "sha256")
    return "x0" + digest[:10].hex().encode().translate(_LETTERS).decode()


def mask(text: str) -> str:
    """The text with every run of six or more digits, which may be a phone number, cut to its first two; dates stay.

    What a date is, or was meant to be, must be read in the message that refuses it: "2026-13-01".
    """
    return re.sub(rf"({_DATE})|{_LONG_RUN}", lambda found: found[1] or f"{found[2]}…", text)


def shown(text: str, *, max_length: int = 160) -> str:
    """What came from outside, fit to be printed: on one line, without control characters, numbers masked, and cut to `max_length` characters."""
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in mask(text))
    return line if len(line) <= max_length else f"{line[: max_length - 1]}…"
