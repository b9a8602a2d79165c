"""Carriers of Vietnamese mobile numbers, by prefix."""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from ..phone_numbers import HIDDEN_NUMBER, normalized

__all__ = ["CARRIERS", "CARRIER_PREFIXES", "carrier_of"]

CARRIER_PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "viettel": ("086", *(f"09{digit}" for digit in "678"), *(f"03{d}" for d in "23456789")),
        "mobifone": ("089", "090", "093", "070", *(f"07{digit}" for digit in "6789")),
        "vinaphone": ("088", "091", "094", *(f"08{digit}" for digit in "12345")),
    }
)
"""The prefixes of each carrier. A ported number keeps its prefix, so this is the carrier that
issued the number, not always the one that carries the call."""

CARRIERS = (*CARRIER_PREFIXES, "other")
"""The groups of prefixes that prices differ by; `other` are all other numbers, landlines too."""

_CARRIER = pl.Enum(CARRIERS)
_OF_PREFIX = {
    prefix: carrier for carrier, prefixes in CARRIER_PREFIXES.items() for prefix in prefixes
}
_MOBILE = r"^(0[0-9]{2})[0-9]{7}$"


def carrier_of(number: pl.Expr) -> pl.Expr:
    """The carrier of a number by prefix, one of `CARRIERS`, as an Enum.

    Null for a missing, hidden, masked or pseudonymized number, whose prefix is not known.
    """
    prefix = normalized(number).str.extract(_MOBILE)
    carrier = prefix.replace_strict(
        list(_OF_PREFIX), list(_OF_PREFIX.values()), default="other", return_dtype=pl.String
    )
    is_known = number.is_not_null() & ~_is_hidden(number)
    return pl.when(is_known).then(carrier.fill_null("other")).cast(_CARRIER)


def _is_hidden(number: pl.Expr) -> pl.Expr:
    """Whether a number is masked, a pseudonym, or no number at all."""
    return number.str.contains(HIDDEN_NUMBER) | (number.str.strip_chars() == "")
