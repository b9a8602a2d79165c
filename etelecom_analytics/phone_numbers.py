"""Phone numbers: normalize Vietnamese notations, recognize, mask and pseudonymize numbers."""

import hmac
import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from itertools import islice
from types import MappingProxyType
from typing import overload

import polars as pl

from .errors import InputError

__all__ = [
    "HIDDEN",
    "HIDDEN_NUMBER",
    "describe",
    "is_listed",
    "is_nobody",
    "is_private",
    "is_subscriber",
    "mask",
    "masked",
    "masked_digits",
    "normalize",
    "normalize_phone_number",
    "normalized",
    "notations",
    "printable",
    "pseudonym",
]

HIDDEN = "***"
"""Replaces a text that is neither a number nor safe to show."""

# Spaces, dots, dashes, brackets, slashes, and characters without a picture. The ranges are written
# out, so that Python and Polars, whose classes differ, drop the same characters.
_DROPPED = (
    r"[\x00-\x20\x7f-\xa0.()\[\]{}<>/\-\u00ad\u1680\u180e\u2000-\u2015\u2028-\u202f\u205f-\u206f"
    r"\u2212\u3000\ufeff]"
)
_SCHEME = r"^(?i:sips?:|tel:)"
_HOST = r"(?s)[@;].*$"
_TOLL_FREE = r"^(?:\+|00)?840?(1[89]00\d{4,6})$"
"""Toll-free and premium numbers (1800..., 1900...) have no leading 0."""

_OLD_MOBILE = MappingProxyType(
    {
        "0120": "070",
        "0121": "079",
        "0122": "077",
        "0126": "076",
        "0128": "078",
        "0123": "083",
        "0124": "084",
        "0125": "085",
        "0127": "081",
        "0129": "082",
        **{f"016{digit}": f"03{digit}" for digit in "23456789"},
        "0186": "056",
        "0188": "058",
        "0199": "059",
    }
)
"""The mobile prefixes of 11-digit numbers until 2018, and the prefix that replaced each."""

_STEPS = (
    (r"^\+?0", "0"),
    (r"^00([1-9]\d{8})$", "0${1}"),
    (r"^00([1-9])", "+${1}"),
    (_TOLL_FREE, "${1}"),
    (r"^\+?840?([1-9]\d{8,9})$", "0${1}"),
    (r"^([2-9]\d{8}|1(?:[0-7]\d\d|[89][1-9]\d|[89]0[1-9])\d{5})$", "0${1}"),
)
"""Patterns and replacements, in order, that bring a number without separators into normal form."""

_NOBODY_WORDS = "anonymous|blocked|private|restricted|unavailable|unknown|withheld"
_NOBODY = rf"^(?i:{_NOBODY_WORDS}|\+?0*|\+?266696687|1)$"
"""What a PBX writes, without separators, if the caller hides the number: a word, zeros, -1, or the
digits of the keys that spell "anonymous"."""
_PSEUDONYM = r"^x0[a-p]{20}$"

_EXTENSION = r"^[*#]?\d{1,5}#?$"
_SHORT = r"[1-9*#][0-9*#]{0,6}"
"""An extension or a code: no notation of a longer number has this normal form."""
_OPENING = rf"^{_DROPPED}*(?:(?i:sips?:|tel:){_DROPPED}*)?"
_COMPLETE = r"^\+?\d{8,}$"
_ALREADY_MASKED = r"^\+?\d{2,3}\*+\d{2}$"
HIDDEN_NUMBER = rf"{_PSEUDONYM}|{_ALREADY_MASKED}"
"""A pattern of pseudonyms and masks, which stand for external numbers."""
_HEX_TO_LETTERS = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")

_YEAR = r"(?:19[5-9]|20\d)\d"
_DATE = rf"(?<![\d+/])(?:{_YEAR}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}/\d{{1,2}}/{_YEAR})(?![\d/])"
_LONG_RUN = r"(\d{2})(?:[\s.()/\-]?\d){4,}"


@overload
def normalize_phone_number(number: str) -> str: ...
@overload
def normalize_phone_number(number: pl.Expr) -> pl.Expr: ...
def normalize_phone_number(number: str | pl.Expr) -> str | pl.Expr:
    """The normal form of a phone number, in which all parts of this package compare numbers.

    The national form without separators, such as "0912345678" for "+84 912 345 678". In order:

    - Spaces, dots, dashes, brackets and invisible characters are dropped; so are "sip:", "tel:"
      and everything from "@".
    - "+0..." becomes "0..."; "00" before 9 digits becomes "0"; another "00" becomes "+".
    - "84" and "+84" before 9 or 10 digits become "0"; 9 digits without a leading 0 receive one.
    - The 11-digit mobile numbers of before 2018 become those of today: "0120..." is "070...". The
      landline codes of before 2017 stay, because some were reassigned.

    Extensions, foreign numbers and words remain as they are, without separators.

    Args:
        number: the number as text, or an expression over a column of numbers.

    Raises:
        InputError: it is neither.

    Examples:
        >>> et.normalize_phone_number("+84 (0)120-123-4567")
        '0701234567'
        >>> calls = et.sample_logs().calls
        >>> calls.select(et.normalize_phone_number(pl.col("caller")).n_unique()).item() <= 400
        True
    """
    if isinstance(number, pl.Expr):
        return normalized(number)
    if isinstance(number, str):
        return normalize(number)
    raise InputError(
        f'number is text such as "0912 345 678", or an expression; got {describe(number)}.'
    )


def normalize(number: str) -> str:
    """The normal form of a number as text; see `normalize_phone_number`."""
    digits = re.sub(_HOST, "", re.sub(_SCHEME, "", re.sub(_DROPPED, "", number)))
    for pattern, replacement in _STEPS:
        digits = re.sub(_ascii(pattern), replacement.replace("${1}", r"\1"), digits)
    old = re.fullmatch(r"0?(1\d\d)([0-9]{7})", digits)
    new = old and _OLD_MOBILE.get(f"0{old[1]}")
    return f"{new}{old[2]}" if old and new else digits


def normalized(number: pl.Expr) -> pl.Expr:
    """The normal form of a column of numbers; see `normalize_phone_number`."""
    digits = _bare(number).str.replace(_HOST, "")
    for pattern, replacement in _STEPS:
        digits = digits.str.replace(_ascii(pattern), replacement)
    # To look up the prefix of an old mobile number is faster than one pattern for each. `digits`
    # must not occur often: a plan would have all its patterns each time.
    prefix = digits.str.extract(r"^0?(1[0-9]{2})[0-9]{7}$").replace_strict(
        [old.removeprefix("0") for old in _OLD_MOBILE],
        list(_OLD_MOBILE.values()),
        default=None,
        return_dtype=pl.String,
    )
    return pl.coalesce(prefix + digits.str.tail(7), digits)


def is_listed(number: pl.Expr, entries: Sequence[str]) -> pl.Expr:
    """Whether the normal form of a number is that of an entry, or begins with an entry's prefix.

    An entry that ends in `*` is a prefix. False for null.
    """
    exact = [normalize(entry) for entry in entries if not entry.endswith("*")]
    prefixes = [_prefix(entry) for entry in entries if entry.endswith("*")]
    tests = [pl.lit(value=False)]
    short = [entry for entry in exact if re.fullmatch(_SHORT, entry)]
    if short:
        # Most lists hold extensions, whose notations one pattern covers. To normalize every number
        # would take ten times as long.
        forms = "|".join(f"{_DROPPED}*".join(map(re.escape, entry)) for entry in short)
        tests.append(number.str.contains(rf"(?s){_OPENING}(?:{forms}){_DROPPED}*(?:[@;].*)?$"))
    long = [entry for entry in exact if entry not in short]
    if prefixes:
        # In one test, since a plan would normalize the numbers once for each.
        forms = "|".join([*(f"{re.escape(entry)}$" for entry in long), *map(re.escape, prefixes)])
        tests.append(normalized(number).str.contains(f"^(?:{forms})"))
    elif long:
        tests.append(normalized(number).is_in(long))
    return pl.any_horizontal(tests).fill_null(value=False)


def is_subscriber(number: pl.Expr) -> pl.Expr:
    """Whether the normal form of a number has 8 or more digits, and nothing else but a "+".

    One pattern decides, since to normalize every number would take ten times as long. False for
    null.
    """
    digit = f"(?:{_DROPPED}*[0-9])"
    one, zero = f"{_DROPPED}*[1-9]", f"{_DROPPED}*0"
    counts = (
        rf"{zero}{zero}{one}{digit}{{7,}}|{zero}{zero}{zero}{digit}{{5,}}"
        rf"|{zero}{one}{digit}{{6,}}|{one}{digit}{{7,}}"
    )
    pattern = rf"(?s){_OPENING}\+?(?:{counts}){_DROPPED}*(?:[@;].*)?$"
    return number.str.contains(pattern).fill_null(value=False)


def is_nobody(caller: pl.Expr) -> pl.Expr:
    """Whether the caller of an inbound call cannot be identified, so is not one person.

    Null and empty numbers, words such as "anonymous", zeros, "-1", "266696687", codes of at most 5
    digits, and everything else with letters or `*`. A pseudonym stands for one number, so it is
    somebody.
    """
    bare = _bare(caller).str.replace(_HOST, "")
    return (
        bare.str.contains(_NOBODY)
        | (bare.str.count_matches("[0-9]") <= 5) & ~bare.str.contains(_PSEUDONYM)
        | bare.str.contains(r"[*\p{L}]") & ~bare.str.contains(_PSEUDONYM)
    ).fill_null(value=True)


def _bare(number: pl.Expr) -> pl.Expr:
    """The number without separators and scheme."""
    return number.str.replace_all(_DROPPED, "").str.replace(_SCHEME, "")


def _ascii(pattern: str) -> str:
    # \d would match the digits of all scripts.
    return pattern.replace(r"\d", "[0-9]")


def _prefix(entry: str) -> str:
    """The normal form of an entry that ends in `*`, without the `*`."""
    prefix = re.sub(_DROPPED, "", entry[:-1])
    return re.sub(r"^(?:\+|00)84", "0", re.sub(r"^\+0", "0", prefix))


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

    False for extensions (up to 5 digits), for what a PBX writes instead of a hidden number, such as
    "anonymous" or "-1", and for the numbers in `keep`, whose entries may end in `*`.
    """
    is_hidden = _bare(number).str.replace(_HOST, "").str.contains(_NOBODY)
    return ~(number.str.contains(_EXTENSION) | is_hidden | is_listed(number, keep))


def masked(number: pl.Expr, national: pl.Expr | None = None) -> pl.Expr:
    """The national form with only the first three and last two characters, such as "091*****78".

    Texts that are not a phone number become "***". `national` is a column of normal forms, if any.
    """
    national = normalized(number) if national is None else national
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

    Dates stay readable, also invalid ones in an error message: "2026-13-01", "31/02/2026".
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
