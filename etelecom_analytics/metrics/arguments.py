"""Checks of arguments that several measures share."""

from ..errors import InputError
from ..phone_numbers import describe

__all__ = ["row_limit", "trunk_or_none"]


_MAX_ROWS = 2**31
"""More rows than a result has; Polars raises OverflowError for numbers above 32 bits."""


def row_limit(limit: object, *, minimum: int = 1) -> int:
    """The argument `limit`, the largest number of rows.

    Raises:
        InputError: it is no integer of at least `minimum`.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < minimum:
        raise InputError(
            f"limit is a number of rows of at least {minimum}, such as 20; got {describe(limit)}."
        )
    return min(limit, _MAX_ROWS)


def trunk_or_none(trunk: object) -> str | None:
    """The argument `trunk`, the name of a trunk or None.

    Raises:
        InputError: it is neither.
    """
    if trunk is not None and not isinstance(trunk, str):
        raise InputError(
            f"trunk is a value of the column trunk_name, as text; got {describe(trunk)}."
        )
    return trunk
