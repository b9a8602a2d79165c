"""Selection: some calls of a table, with facts that are computed once for the whole table.

A panel queries the same table many times. The facts, offers and legs of a call depend on that call
alone, so they are computed once per table and set of options and shared by all selections of the
table. Another filter then only selects other rows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import overload

import polars as pl

from ..errors import InputError
from ..frames import METRIC_COLUMNS, checked_calls
from ..query import CallQuery
from ..schema import OWNERS_SCHEMA
from .cell_filters import CellFilter, filters_of_query
from .cube import Cube, LeftOut
from .facts_table import table_of
from .internal_calls import counted_facts, mask_second_logs
from .options import MetricOptions
from .registry import Grain, Measure

__all__ = ["Calls", "calls_frame", "collected", "fact_rows", "like_input", "Selection"]

_NO_ROWS = pl.Series(dtype=pl.UInt32)
_INTERNAL = pl.DataFrame({"direction": ["ext_in", "ext_out"]})
"""The directions of the two logs of an internal call."""
_SLICE_LIMIT = 100
"""Up to so many rows, slices are faster than a gather."""


class Selection:
    """Some calls of a table; `summarize` and all charts accept it in place of calls.

    The results are those of the selected calls, but are computed faster. Two selections are equal
    if the selected calls are.

    Args:
        calls: one row per call, as in `logs.calls`; all calls are selected.

    Raises:
        InputError: it is no DataFrame of calls.

    Examples:
        >>> selection = et.metrics.Selection(et.sample_logs().calls)
        >>> selection.where(pl.col("direction") == "in")
        Selection: 284 of 400 calls
        >>> et.summarize(selection, measures="answered").item()
        349
    """

    _before: tuple["Selection", Sequence[pl.Expr | pl.Series]] | None
    """Of which calls it is a selection, and by what, until its mask is computed."""

    def __init__(self, calls: pl.DataFrame) -> None:
        if isinstance(calls, pl.LazyFrame):  # type: ignore[unreachable]
            raise InputError("A Selection needs a DataFrame: collect the LazyFrame first.")
        self._table = table_of(calls)
        self._computed_mask = pl.repeat(value=True, n=self._table.calls.height, eager=True)
        self._before = None
        self._filters: tuple[CellFilter, ...] | None = ()
        self._removed = _NO_ROWS

    def __reduce__(self) -> tuple[object, ...]:
        return _selection, (self._table.calls, self._mask)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selection):
            return NotImplemented
        if self._table is other._table:
            return self._mask.equals(other._mask)
        return self.height == other.height and self.calls.equals(other.calls)

    __hash__ = None  # type: ignore[assignment]  # equality compares tables

    def where(self, *predicates: pl.Expr) -> "Selection":
        """The selected calls for which all predicates are true, such as `query.to_expr()`."""
        selection = self._where(predicates, filters=None if predicates else ())
        selection._mask  # noqa: B018  # raises the errors of the predicates
        return selection

    def without_second_logs(self) -> "Selection":
        """The selected calls without logs of internal calls that another selected log counts."""
        if self._second_logs.is_empty():
            return self
        selection = self._where([~_mask_of(self._second_logs, self._table.calls.height)], ())
        selection._removed = pl.concat([self._removed, self._second_logs])
        return selection

    def left_out(self) -> "Selection":
        """The logs that `without_second_logs` has left out, whatever was filtered since."""
        selection = self._where((), filters=None)
        selection._before, selection._removed = None, _NO_ROWS
        selection._computed_mask = _mask_of(self._removed, self._table.calls.height)
        return selection

    def matching(self, query: CallQuery) -> "Selection":
        """As `where(query.to_expr())`, but normalizes the numbers of a table only once."""
        numbers = self._table.numbers if query.call_number else None
        return self._where([query.to_expr(numbers=numbers)], filters_of_query(query))

    def in_cells(self, holds: Sequence[pl.Expr], cells: CellFilter) -> "Selection":
        """The selected calls for which all of `holds` are true: the same conditions as `cells`."""
        return self._where(holds, (cells,))

    def dimension(self, name: str, options: MetricOptions) -> pl.Expr:
        """A dimension of calls, as an expression for `where`; computed once for the table."""
        return self._table.dimension(name, options)

    def precompute(self, options: MetricOptions, *, wait: bool = False) -> None:
        """Start computing the slow facts, and sums by the usual dimensions, in the background.

        This takes some seconds for a million calls. A method that needs the facts earlier waits.
        `wait` returns when all of it is computed.
        """
        self._table.precompute(options, wait=wait)

    def parts(
        self,
        by: Sequence[str],
        measures: Sequence[Measure],
        options: MetricOptions,
        *,
        intervals: bool,
    ) -> pl.DataFrame | None:
        """The `Cube.parts` of these measures of one grain, or None if no cube has them."""
        if intervals and not Cube.has_moments(measures):
            return None
        cube = self._cube(measures[0].grain, by, options)
        if cube is None:
            return None
        return cube.parts(by, measures, self._filters or (), self._left_out, intervals=intervals)

    def span(self, options: MetricOptions) -> tuple[datetime | None, datetime | None]:
        """The earliest and the latest start of the selected calls; None without one."""
        if (cube := self._cube("calls", (), options)) is not None:
            return cube.span(self._filters or (), self._left_out)
        start = pl.col("started_at")
        table = self.lazy().select(first=start.min(), last=start.max()).collect()
        return table["first"].item(), table["last"].item()

    @property
    def columns(self) -> list[str]:
        """The columns of the calls."""
        return self._table.calls.columns

    def in_group(
        self, group: Sequence[pl.Expr], options: MetricOptions, grains: Iterable[str]
    ) -> "Selection":
        """The selected calls with a counted row of "offers" or "legs" for which `group` is true."""
        facts = {"offers": self._table.offer_facts, "legs": self._table.leg_facts}
        tables = [facts[grain](options).lazy().filter(*group) for grain in grains]
        rows = pl.concat([table.select("call_row") for table in tables]).collect().to_series()
        return self.where(pl.lit(_mask_of(rows, self._table.calls.height)))

    @cached_property
    def row_indices(self) -> pl.Series:
        """The row numbers of the selected calls in the table, ascending."""
        return self._mask.arg_true()

    def among(self, rows: pl.Series) -> pl.Series:
        """Those of these row numbers of the table whose calls are selected, in their order."""
        return rows.filter(self._mask.gather(rows))

    def take(self, rows: pl.Series) -> pl.DataFrame:
        """The calls at these row numbers of the table, in this order, with all columns."""
        if 0 < rows.len() <= _SLICE_LIMIT:
            # A slice of a nested column is free; a gather walks through all of it.
            return pl.concat([self._table.calls.slice(row, 1) for row in rows])
        return self._table.calls[rows]

    def values(self, column: str, options: MetricOptions) -> pl.Series:
        """A column of the whole table, or of its facts; `row_indices` are positions in it."""
        calls = self._table.calls
        return calls[column] if column in calls.columns else self._table.facts(options)[column]

    @cached_property
    def height(self) -> int:
        """The number of selected calls."""
        return int(self._mask.sum())

    @cached_property
    def calls(self) -> pl.DataFrame:
        """The selected calls, with all columns, in the order of the table."""
        calls = self._table.calls
        return calls if self.height == calls.height else calls.filter(self._mask)

    def lazy(self) -> pl.LazyFrame:
        """The selected calls as a lazy frame."""
        return self._table.calls.lazy().filter(self._mask)

    def facts(self, options: MetricOptions, starts: Sequence[str] = ()) -> pl.LazyFrame:
        """`metrics.facts` of the selected calls, and dimensions of their start; lazy."""
        facts, mask = self._table.facts(options), self._mask
        facts = facts.with_columns(self.dimension(name, options).alias(name) for name in starts)
        if self._second_logs.is_empty():
            return facts.lazy().filter(mask)
        twice = _mask_of(self._second_logs, facts.height)
        return mask_second_logs(facts.with_columns(internal_twice=twice).lazy().filter(mask))

    def offer_facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row per counted offer; without `busy_offers`, which depend on other calls."""
        return self._selected(self._table.offer_facts(options))

    def leg_facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row per counted leg of the selected calls."""
        return self._selected(self._table.leg_facts(options))

    def missing_numbers(self, options: MetricOptions) -> pl.DataFrame:
        """The numbers that look like an IVR or a queue, and are in no list of the options."""
        return self._table.suggestions.missing(self._mask, options)

    def _selected(self, rows: pl.DataFrame) -> pl.LazyFrame:
        counted = self._mask & ~_mask_of(self._second_logs, self._mask.len())
        return rows.lazy().filter(counted.gather(rows["call_row"]))

    def _where(
        self, predicates: Sequence[pl.Expr | pl.Series], filters: Sequence[CellFilter] | None
    ) -> "Selection":
        """The selected calls for which all predicates are true, evaluated when it is needed.

        `filters` are the same conditions for cubes; None if cubes cannot express them.
        """
        selection = object.__new__(Selection)
        selection._table, selection._removed = self._table, self._removed
        selection._filters = (
            None if filters is None or self._filters is None else (*self._filters, *filters)
        )
        selection._before = (self, predicates)
        return selection

    @property
    def _mask(self) -> pl.Series:
        """For each call of the table, whether it is selected."""
        if (before := self._before) is not None:
            selection, predicates = before
            holds = pl.all_horizontal(selection._mask, *predicates).fill_null(value=False)
            self._computed_mask = self._table.calls.select(holds).to_series()
            # Last: another thread may compute the mask too, and an error is raised each time.
            self._before = None
        return self._computed_mask

    def _cube(self, grain: Grain, by: Sequence[str], options: MetricOptions) -> Cube | None:
        """A cube with the dimensions of the groups and filters, if all filters are such."""
        if self._filters is None or not all(each.is_of(options) for each in self._filters):
            return None
        names = [name for each in self._filters for name in each.dimensions]
        if grain == "offers" and {*names} & {*OWNERS_SCHEMA} and "target_owners" in self.columns:
            return None  # an offer has the dimensions of its owner, and the filter is on its call
        return self._table.cube(grain, (*by, *names), options)

    @cached_property
    def _left_out(self) -> LeftOut:
        return LeftOut(self._removed, self._second_logs)

    @cached_property
    def _second_logs(self) -> pl.Series:
        """The row numbers of selected logs of internal calls that another selected log counts."""
        for each in self._filters or ():
            if each.dimensions == ("direction",) and _INTERNAL.filter(*each.holds).height < 2:
                return _NO_ROWS
        return self._table.pairs.second_logs(self._mask)

    def __repr__(self) -> str:
        return f"Selection: {self.height:,} of {self._table.calls.height:,} calls"


Calls = pl.DataFrame | pl.LazyFrame | Selection
"""The input of a chart or a measure: a table of calls, or a selection of one."""


def calls_frame(calls: Calls, *, columns: Iterable[str] = METRIC_COLUMNS) -> pl.LazyFrame:
    """The calls as a lazy frame with the dtypes of `schema.CALL_SCHEMA`.

    Args:
        calls: a DataFrame, a LazyFrame or a Selection.
        columns: the columns that must exist.

    Raises:
        InputError: as for `frames.checked_calls`.
    """
    table = calls.lazy() if isinstance(calls, Selection) else calls
    return checked_calls(table, columns=columns).lazy()


def collected(calls: Calls) -> Calls:
    """The calls; a LazyFrame is checked and collected, so that it is read once."""
    return calls_frame(calls).collect() if isinstance(calls, pl.LazyFrame) else calls


@overload
def like_input(calls: pl.LazyFrame, result: pl.LazyFrame) -> pl.LazyFrame: ...
@overload
def like_input(calls: pl.DataFrame | Selection, result: pl.LazyFrame) -> pl.DataFrame: ...
def like_input(calls: Calls, result: pl.LazyFrame) -> pl.DataFrame | pl.LazyFrame:
    """The result as a LazyFrame for a LazyFrame, else as a DataFrame."""
    return result if isinstance(calls, pl.LazyFrame) else result.collect()


def fact_rows(calls: Calls, options: MetricOptions) -> pl.LazyFrame:
    """The facts of these calls; the cached facts of a selection."""
    return (
        calls.facts(options)
        if isinstance(calls, Selection)
        else counted_facts(calls_frame(calls), options=options)
    )


def _mask_of(rows: pl.Series, height: int) -> pl.Series:
    """A mask that is true in these rows."""
    return pl.repeat(value=False, n=height, eager=True).scatter(rows, True)


def _selection(calls: pl.DataFrame, mask: pl.Series) -> Selection:
    """The selection of these rows of a table, for pickle and copy."""
    return Selection(calls).where(pl.lit(mask))
