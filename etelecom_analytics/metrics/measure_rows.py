"""The rows of facts that measures aggregate, with their dimensions."""

from collections.abc import Iterable, Sequence

import polars as pl

from ..errors import InputError
from .dimensions import (
    DIMENSIONS,
    LEG_DIMENSIONS,
    NAME_DIMENSIONS,
    Names,
    as_names,
    check_dimensions,
)
from .internal_calls import counted_facts
from .legs_and_offers import leg_facts, offer_facts
from .local_dimensions import START_DIMENSIONS, start_dimensions
from .options import MetricOptions, checked_options
from .registry import Grain, Measure, measure
from .selection import Calls, Selection, calls_frame

__all__ = [
    "checked_request",
    "grain_rows",
    "has_busy_offers",
    "parts_in_cube",
    "requested_measures",
    "rows_of",
]


def rows_of(calls: Calls, by: Names, name: str, *, options: MetricOptions) -> pl.LazyFrame:
    """The rows that `summarize` aggregates for this measure, with the dimensions of `by`.

    Raises the errors of `summarize`.
    """
    table = calls if isinstance(calls, Selection) else calls_frame(calls)
    dimensions, requested = checked_request(table, by, name)
    return grain_rows(
        table, requested[0].grain, dimensions, has_busy_offers(requested), checked_options(options)
    )


def checked_request(
    calls: pl.LazyFrame | Selection, by: Names, measures: Names
) -> tuple[list[str], list[Measure]]:
    """The dimensions and measures of `summarize`, or its errors."""
    dimensions, requested = as_names(by, "by"), requested_measures(measures)
    check_dimensions(calls, dimensions, allowed=(*DIMENSIONS, *NAME_DIMENSIONS))
    of_calls = [each.name for each in requested if each.grain == "calls"]
    of_legs = [name for name in dimensions if name in LEG_DIMENSIONS]
    if of_calls and of_legs:
        raise InputError(
            f"{of_calls[0]} counts calls, and a call has many legs, so it cannot be grouped by "
            f"{of_legs[0]}: use a measure of offers or legs, such as fair_answer_rate or asr."
        )
    return dimensions, requested


def requested_measures(measures: Names) -> list[Measure]:
    """The measures in the argument `measures`, at least one, or an error."""
    requested = [measure(name) for name in as_names(measures, "measures")]
    if not requested:
        raise InputError('measures needs at least one name, such as "answer_rate".')
    return requested


def has_busy_offers(measures: Iterable[Measure]) -> bool:
    """Whether one is `busy_offers`, the only measure that depends on the talks of other calls."""
    return any(each.name == "busy_offers" for each in measures)


def parts_in_cube(
    calls: Calls,
    by: Sequence[str],
    measures: Sequence[Measure],
    options: MetricOptions,
    *,
    intervals: bool = False,
) -> pl.DataFrame | None:
    """The parts of these measures of one grain by group, as `Cube.parts` returns them.

    None if the calls are no selection, or their table has no cube that answers this.
    """
    if not isinstance(calls, Selection) or has_busy_offers(measures):
        return None
    return calls.parts(by, measures, options, intervals=intervals)


def grain_rows(
    calls: pl.LazyFrame | Selection,
    grain: Grain,
    dimensions: list[str],
    busy: bool,
    options: MetricOptions,
) -> pl.LazyFrame:
    """The rows of facts of a grain, with these dimensions."""
    if isinstance(calls, Selection) and grain == "calls":
        return calls.facts(options, [name for name in dimensions if name in START_DIMENSIONS])
    if isinstance(calls, Selection) and not busy:
        rows = calls.offer_facts(options) if grain == "offers" else calls.leg_facts(options)
    else:
        match grain:
            case "calls":
                rows = counted_facts(calls.lazy(), options=options)
            case "offers":
                rows = offer_facts(calls.lazy(), options=options, busy=busy)
            case "legs":
                rows = leg_facts(calls.lazy(), options=options)
    return rows.with_columns(**start_dimensions(dimensions, options))
