"""Callers of the preset "full": shared and hidden numbers, and many written forms of one number."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ..call_center import Customers

__all__ = ["Caller", "next_caller"]

_HIDDEN = (
    None,
    "anonymous",
    "anonymous@10.0.0.5",
    "Restricted",
    "0",
    "00",
    "-1",
    "+266696687",
    "999",
    "1080",
)
"""What a trunk writes instead of a hidden number; the last two are short codes."""

_FORMS: tuple[Callable[[str], str], ...] = (
    lambda number: number,
    lambda number: f"84{number[1:]}",
    lambda number: f"+84{number[1:]}",
    lambda number: f"+{number}",
    lambda number: f"0084{number[1:]}",
    lambda number: number[1:],
    lambda number: f"sip:{number}@10.0.0.5",
    lambda number: f"tel:+84{number[1:]}",
    lambda number: f"{number[:4]}.{number[4:7]}.{number[7:]}",
    lambda number: f"{number[:4]} {number[4:7]} {number[7:]}",
)
"""Forms in which trunks write a mobile number."""

_FORM_WEIGHTS = (70, 6, 5, 3, 3, 3, 3, 2, 3, 2)
_COMPANIES = tuple(f"028730099{index:02d}" for index in range(4))
_PEOPLE_PER_COMPANY = 6


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One external caller.

    Attributes:
        customer: who calls, also if the number is hidden or shared by several.
        number: the national number; None if nobody can see it.
        written: the caller as the trunk writes it.
        own_number: the number under which this customer calls again; None if they share it.
    """

    customer: str
    number: str | None
    written: str | None
    own_number: str | None


def next_caller(rng: Random, customers: Customers, now: int) -> Caller:
    """The next inbound caller, sometimes from a company's shared number, or without a number."""
    if rng.random() < 0.06:
        company = rng.choice(_COMPANIES)
        person = rng.randrange(_PEOPLE_PER_COMPANY)
        return Caller(
            customer=f"{company}/{person}", number=company, written=company, own_number=None
        )
    number = customers.next_caller(now)
    if number is None or rng.random() < 0.05:
        customer = number or f"unknown {rng.getrandbits(32):08x}"
        return Caller(
            customer=customer, number=None, written=rng.choice(_HIDDEN), own_number=number
        )
    written = rng.choices(_FORMS, _FORM_WEIGHTS)[0](number)
    return Caller(customer=number, number=number, written=written, own_number=number)
