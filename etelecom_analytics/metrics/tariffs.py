"""Tariff: what outbound calls cost, by the carrier of the callee."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation

from ..codegen import constructor_code
from ..errors import InputError, UnknownName
from ..phone_numbers import describe
from .carriers import CARRIERS

__all__ = ["PRICE_SCALE", "Tariff", "checked_tariff"]

_DEFAULT = "default"
_DECIMALS = 4
PRICE_SCALE = 10**_DECIMALS
"""Prices times this number are whole, so that costs are computed in whole numbers."""
_MAX_PRICE = 100_000
"""Any longer duration times this price still fits into 64 bits."""

Price = Decimal | int | float | str
"""A price in VND. A float is read as it is written: 7.5 is exactly 7.5."""


@dataclass(frozen=True, init=False, repr=False)
class Tariff:
    """Prices of outbound calls in VND, per second or per started minute, by carrier.

    Nothing is built in: take the prices from your contract. Each carrier has one price, per second
    or per started minute; `"default"` is the price of all carriers that are not named.

    Args:
        per_second: prices per second of talk: {"viettel": "7.5", "default": "13.4"}. The names are
            those of `metrics.CARRIERS` and "default".
        per_minute: prices per started minute of talk.
        free_hotlines: the values of the column `hotline` whose calls are free of charge.

    Raises:
        InputError: a price is no number from 0 to 100,000 with at most 4 decimals; a carrier has
            two prices, or none and there is no default.
        UnknownName: a carrier does not exist; the message lists the names.

    Examples:
        >>> tariff = et.Tariff(per_second={"viettel": "7.5", "default": "13.4"})
        >>> tariff.fee("viettel", 61), tariff.fee("other", 61)
        (458, 818)
        >>> et.Tariff(per_minute={"default": 450}).fee("mobifone", 61)
        900
    """

    per_second: Mapping[str, Decimal]
    per_minute: Mapping[str, Decimal]
    free_hotlines: tuple[str, ...]

    def __init__(
        self,
        *,
        per_second: Mapping[str, Price] | None = None,
        per_minute: Mapping[str, Price] | None = None,
        free_hotlines: Sequence[str] = (),
    ) -> None:
        prices = {"per_second": per_second, "per_minute": per_minute}
        for name, value in prices.items():
            object.__setattr__(self, name, _prices(name, value))
        both = sorted(self.per_second.keys() & self.per_minute.keys())
        if both:
            raise InputError(
                f"{both[0]} has a price in per_second and in per_minute: keep one of them."
            )
        named = self.per_second.keys() | self.per_minute.keys()
        missing = [name for name in CARRIERS if name not in named]
        if missing and _DEFAULT not in named:
            raise InputError(
                f"The tariff has no price for {', '.join(missing)}: add "
                f'a price for each, or "{_DEFAULT}".'
            )
        if (
            isinstance(free_hotlines, str)
            or not isinstance(free_hotlines, Sequence)
            or not all(isinstance(hotline, str) for hotline in free_hotlines)
        ):
            raise InputError(
                "free_hotlines is a list of values of the column hotline, as text; got "
                f"{describe(free_hotlines)}."
            )
        object.__setattr__(self, "free_hotlines", tuple(free_hotlines))

    def price(self, carrier: str) -> tuple[Decimal, int]:
        """The price in VND of a carrier, and the seconds that it is for: 1 or 60.

        Raises:
            UnknownName: the carrier does not exist; the message lists the names.
        """
        if carrier not in CARRIERS:
            name = carrier if isinstance(carrier, str) else describe(carrier)
            raise UnknownName("carrier", name, CARRIERS)
        for name in (carrier, _DEFAULT):
            if name in self.per_second:
                return self.per_second[name], 1
            if name in self.per_minute:
                return self.per_minute[name], 60
        raise AssertionError  # every carrier has a price, as the constructor checks

    def fee(self, carrier: str, seconds: int) -> int:
        """What one call costs in whole VND, rounded up.

        Args:
            carrier: one of `metrics.CARRIERS`.
            seconds: the whole seconds of talk.

        Raises:
            InputError: `seconds` is no whole number of at least 0.
            UnknownName: the carrier does not exist; the message lists the names.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
            raise InputError(
                f"seconds is a whole number of at least 0, such as 61; got {describe(seconds)}."
            )
        price, unit = self.price(carrier)
        units = -(-seconds // unit)
        return math.ceil(units * price)

    def to_dict(self) -> dict[str, object]:
        """The prices as text and the free hotlines, in JSON types."""
        values: dict[str, object] = {
            name: {carrier: f"{price:f}" for carrier, price in getattr(self, name).items()}
            for name in ("per_second", "per_minute")
        }
        values["free_hotlines"] = list(self.free_hotlines)
        return {name: value for name, value in values.items() if value}

    def __repr__(self) -> str:
        values = self.to_dict()
        if self.free_hotlines:
            values["free_hotlines"] = f"{len(self.free_hotlines)} hotlines"
        return f"Tariff({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    def code(self) -> str:
        """Python code that creates this tariff as `tariff`, ready to paste."""
        return constructor_code("Tariff", self.to_dict(), name="tariff")


def checked_tariff(tariff: object) -> Tariff:
    """The argument `tariff`: a `Tariff`, or a mapping of its arguments.

    Raises:
        InputError: it is neither, or a value is not allowed.
        UnknownName: the mapping has another key; the message lists the names.
    """
    if isinstance(tariff, Tariff):
        return tariff
    if not isinstance(tariff, Mapping):
        raise InputError(
            'tariff is a Tariff, such as et.Tariff(per_second={"default": "13.4"}), or a mapping '
            f"of its arguments; got {describe(tariff)}."
        )
    names = [field.name for field in fields(Tariff)]
    for name in tariff:
        if name not in names:
            raise UnknownName(
                "part of a tariff", name if isinstance(name, str) else describe(name), names
            )
    return Tariff(**tariff)


def _prices(name: str, values: object) -> dict[str, Decimal]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InputError(
            f'{name} is a mapping of carriers to prices, such as {{"default": "13.4"}}; got '
            f"{describe(values)}."
        )
    known = (*CARRIERS, _DEFAULT)
    for carrier in values:
        if carrier not in known:
            text = carrier if isinstance(carrier, str) else describe(carrier)
            raise UnknownName("carrier", text, known)
    return {carrier: _price(f"{name} of {carrier}", value) for carrier, value in values.items()}


def _price(name: str, value: object) -> Decimal:
    price = None
    if isinstance(value, Decimal | int | float | str) and not isinstance(value, bool):
        try:
            price = Decimal(str(value))
        except InvalidOperation:
            price = None
    if price is None or not price.is_finite() or not 0 <= price <= _MAX_PRICE:
        raise InputError(
            f'The price {name} is a number of VND from 0 to 100,000, such as "13.4"; got '
            f"{describe(value)}."
        )
    if price * PRICE_SCALE % 1:
        raise InputError(f"The price {name} has at most 4 decimals; got {describe(value)}.")
    return price.normalize()
