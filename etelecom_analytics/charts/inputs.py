"""The arguments that charts share: calls, options, coverage, names and the number of rows."""

from typing import NamedTuple

import polars as pl

from ..errors import InputError
from ..fetch_report import FetchReport
from ..metrics import Calls, MetricOptions, Selection
from ..metrics.dimensions import Names, as_names
from ..metrics.internal_calls import without_second_logs
from ..metrics.options import checked_options
from ..metrics.selection import calls_frame
from ..phone_numbers import describe

__all__ = [
    "ChartInput",
    "Names",
    "chart_input",
    "non_negative_number",
    "names_of",
    "positive_number",
    "row_limit",
]


class ChartInput(NamedTuple):
    """The checked input of a chart.

    Attributes:
        calls: a selection, or a lazy frame with the dtypes of `schema.CALL_SCHEMA`.
        options: the options of the metrics.
    """

    calls: pl.LazyFrame | Selection
    options: MetricOptions

    @property
    def height(self) -> int:
        """The number of calls; an internal call in two logs counts once. Collects."""
        if isinstance(self.calls, Selection):
            return self.calls.without_second_logs().height
        return int(without_second_logs(self.calls).select(pl.len()).collect().item())


def chart_input(
    calls: Calls, options: MetricOptions, coverage: FetchReport | None = None
) -> ChartInput:
    """The input of a chart, or an error in one sentence.

    Raises:
        InputError: `calls` is no table of calls, `options` no `MetricOptions`, or `coverage` no
            `FetchReport`.
    """
    if coverage is not None and not isinstance(coverage, FetchReport):
        raise InputError(
            f"coverage is the report of a fetch, logs.report, or None; got {describe(coverage)}."
        )
    frame = calls if isinstance(calls, Selection) else calls_frame(calls)
    return ChartInput(frame, checked_options(options))


def names_of(value: Names, parameter: str, example: str) -> list[str]:
    """The names in an argument that needs at least one.

    Raises:
        InputError: it is no name and no sequence of names, or is empty.
    """
    names = as_names(value, parameter)
    if not names:
        raise InputError(f'{parameter} needs at least one name, such as {parameter}="{example}".')
    return names


def row_limit(limit: object, maximum: int) -> int:
    """The argument `limit`, the maximum number of rows drawn.

    Raises:
        InputError: it is no integer from 1 to `maximum`.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= maximum:
        raise InputError(f"limit is a number of rows from 1 to {maximum}; got {describe(limit)}.")
    return limit


def non_negative_number(value: object, parameter: str) -> float:
    """The argument as a finite number of 0 or more.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise InputError(f"{parameter} is a number of 0 or more; got {describe(value)}.")
    return float(value)


def positive_number(value: object, parameter: str) -> float:
    """The argument as a finite number above 0.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise InputError(f"{parameter} is a number above 0; got {describe(value)}.")
    return float(value)
