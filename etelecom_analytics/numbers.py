"""Phone numbers: Vietnam's written forms brought to one, and digits hidden where they must not be shown."""

import re

import polars as pl

__all__ = ["mask", "normalise", "normalised", "shown"]

# A national number is written 0..., 84..., +84... or 0084..., with a stray 0 after the country code at times.
# After the country code come 9 or 10 digits; toll-free and premium numbers (1800..., 1900...) have no leading 0.
_NOISE = r"[\s.()/\-]"
_TOLL_FREE = r"^(?:\+|00)?84(1[89]00\d{4,6})$"
_COUNTRY = r"^(?:\+|00)?840?([1-9]\d{8,9})$"

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


def mask(text: str) -> str:
    """The text with every run of six or more digits, which may be a phone number, cut to its first two; dates stay.

    What a date is, or was meant to be, must be read in the message that refuses it: "2026-13-01".
    """
    return re.sub(rf"({_DATE})|{_LONG_RUN}", lambda found: found[1] or f"{found[2]}…", text)


def shown(text: str, *, most: int = 160) -> str:
    """What came from outside, fit to be printed: on one line, without control characters, numbers masked, and cut to `most` characters."""
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in mask(text))
    return line if len(line) <= most else f"{line[: most - 1]}…"
