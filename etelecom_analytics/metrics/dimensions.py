"""Dimensions: the columns by which measures can be grouped, and the choice of inbound calls."""

from collections.abc import Iterable, Sequence
from typing import overload

import polars as pl

from ..errors import InputError, UnknownName
from ..frames import checked_calls
from ..phone_numbers import describe
from ..schema import INBOUND_DIRECTIONS
from .call_facts import CALL_COLUMNS, COMPUTED_DIMENSIONS, NAME_COLUMNS
from .local_dimensions import START_DIMENSIONS, start_dimensions
from .options import MetricOptions
from .selection import Calls, Selection

__all__ = [
    "CALL_DIMENSIONS",
    "DIMENSIONS",
    "LEG_DIMENSIONS",
    "NAME_DIMENSIONS",
    "OWNER_DIMENSIONS",
    "Names",
    "as_names",
    "call_dimensions",
    "check_dimensions",
    "inward",
    "is_of_owners",
]

Names = str | Sequence[str]
"""One name, or a sequence of names."""

CALL_DIMENSIONS = (*START_DIMENSIONS, *CALL_COLUMNS, *COMPUTED_DIMENSIONS)
OWNER_DIMENSIONS = ("extension_id", "extension_number", "user_id", "user", "department_id")
"""Dimensions of a person: of a call, the person of its extension; of an offer, its owner."""

LEG_DIMENSIONS = ("target_number", "trunk_name", "outcome", "fail_code")

DIMENSIONS = (*CALL_DIMENSIONS, *LEG_DIMENSIONS)
"""What measures can be grouped by. The last four belong to legs and offers, not to calls.

An offer has those of its best leg, a leg its own. In a table by `trunk_name`, a row has both the
offers whose best leg used the trunk and all legs that tried it.
"""

NAME_DIMENSIONS = NAME_COLUMNS
"""Further dimensions, once `logs.with_names(...)` has joined names to the calls."""


def as_names(value: Names, parameter: str) -> list[str]:
    """The names in an argument that takes one name or a sequence of names.

    Raises:
        InputError: it is neither, or names one twice.
    """
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f'{parameter} is a name such as "day", or a list of names; got {describe(value)}.'
        )
    if len(set(names)) < len(names):
        raise InputError(f"{parameter} names a column twice: {describe(list(names))}.")
    return list(names)


def check_dimensions(
    calls: Calls, names: Iterable[str], *, allowed: Sequence[str], kind: str = "dimension"
) -> None:
    """Check that each name is one of `allowed`, and that the calls have the names it needs.

    Raises:
        UnknownName: there is no such dimension; the message lists the nearest names.
        InputError: the dimension is one of `NAME_DIMENSIONS`, and these calls have no such column.
    """
    columns = _columns(calls)
    for name in names:
        if name not in allowed:
            raise UnknownName(kind, name, allowed)
        if name in NAME_DIMENSIONS and name not in columns:
            source = (
                "fetch them with label_hotlines=True"
                if name == "hotline_id"
                else "join it with logs.with_names(extensions, users, hotlines), and use the calls "
                "of the result"
            )
            raise InputError(f"These calls carry no {name}: {source}.")


def is_of_owners(calls: Calls, by: Iterable[str], grain: str) -> bool:
    """Whether a measure of this grain by these dimensions is one of the owners of offers.

    Otherwise a person is that of the call: no dimension is one of a person, the measure is not one
    of offers, or the calls have no owners.
    """
    is_of_people = grain == "offers" and any(name in OWNER_DIMENSIONS for name in by)
    return is_of_people and "target_owners" in _columns(calls)


def call_dimensions(calls: Calls, by: Names, options: MetricOptions) -> dict[str, pl.Expr]:
    """An expression over `calls` for each of these dimensions of calls.

    Raises:
        UnknownName: there is no such dimension of calls; the message lists the nearest names.
        InputError: `by` is no name or sequence of names, or the calls do not have the names that a
            dimension needs.
    """
    names = as_names(by, "by")
    allowed = (*CALL_DIMENSIONS, *NAME_DIMENSIONS)
    check_dimensions(calls, names, allowed=allowed, kind="dimension of calls")
    return {name: pl.col(name) for name in names} | start_dimensions(names, options)


@overload
def inward(calls: Selection) -> Selection: ...
@overload
def inward(calls: pl.DataFrame) -> pl.DataFrame: ...
@overload
def inward(calls: pl.LazyFrame) -> pl.LazyFrame: ...
def inward(calls: Calls) -> Calls:
    """The calls with a direction in `INBOUND_DIRECTIONS`, in the type of the input.

    Args:
        calls: calls of any direction. Of a `Selection`, the result is a `Selection`.

    Examples:
        >>> et.metrics.inward(et.sample_logs().calls).height
        300
    """
    is_inward = pl.col("direction").cast(pl.String).is_in(INBOUND_DIRECTIONS)
    if isinstance(calls, Selection):
        return calls.where(is_inward)
    return checked_calls(calls, columns=["direction"]).filter(is_inward)


def _columns(calls: Calls) -> Sequence[str]:
    return calls.columns if isinstance(calls, Selection) else calls.lazy().collect_schema().names()
