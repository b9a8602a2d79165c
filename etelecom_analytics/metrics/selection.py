"""Selection: some calls of a table, with facts that are computed once for the whole table.

A panel queries the same table many times. The facts, offers and legs of a call depend on that call
alone, so they are computed once per table and set of options and shared by all selections of the
table. Another filter then only selects other rows.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import overload
from weakref import WeakValueDictionary

import polars as pl
from polars import selectors

from ..errors import InputError
from ..frames import METRIC_COLUMNS, checked_calls
from ..phone_numbers import normalized
from ..query import CallQuery
from .call_facts import NUMBERS, call_facts
from .internal_calls import counted_facts, mask_second_logs, with_second_logs
from .legs_and_offers import leg_facts, offer_facts
from .options import MetricOptions
from .suggested_numbers import NumberSuggestions

__all__ = ["Calls", "calls_frame", "collected", "fact_rows", "like_input", "Selection"]

_SLICE_LIMIT = 100
"""Up to so many rows, slices are faster than a gather."""
_MAX_OPTIONS = 4
"""The number of recent options whose facts stay cached: enough to compare two thresholds."""
_ANY_OPTIONS = MetricOptions()
"""The cache key of normalized numbers, which depend on no options."""


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

    def __init__(self, calls: pl.DataFrame) -> None:
        if isinstance(calls, pl.LazyFrame):  # type: ignore[unreachable]
            raise InputError("A Selection needs a DataFrame: collect the LazyFrame first.")
        self._table = _table_of(calls)
        self._mask = pl.repeat(value=True, n=self._table.calls.height, eager=True)

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
        selection = object.__new__(Selection)
        holds = pl.all_horizontal(self._mask, *predicates).fill_null(value=False)
        selection._table = self._table
        selection._mask = self._table.calls.select(holds).to_series()
        return selection

    def without_second_logs(self) -> "Selection":
        """The selected calls without logs of internal calls that another selected log counts."""
        return self.where(pl.lit(~self._second_logs)) if self._second_logs.any() else self

    def matching(self, query: CallQuery) -> "Selection":
        """The selected calls that match the query.

        The same as `where(query.to_expr())`, but normalizes the numbers of a table only once.
        """
        return self.where(query.to_expr(numbers=self._table.numbers if query.call_number else None))

    def precompute(self, options: MetricOptions) -> None:
        """Start computing the slow facts in the background, and return at once.

        The offers of a million calls take some seconds. A method that needs them earlier waits.
        """
        self._table.precompute(options)

    def in_group(
        self, group: Sequence[pl.Expr], options: MetricOptions, grains: Iterable[str]
    ) -> "Selection":
        """The selected calls with a counted row of these grains ("offers", "legs") in the group.

        A row is in the group if all conditions are true of it.
        """
        facts = {"offers": self._table.offer_facts, "legs": self._table.leg_facts}
        tables = [facts[grain](options).lazy().filter(*group) for grain in grains]
        rows = pl.concat([table.select("call_row") for table in tables]).collect().to_series()
        mask = pl.repeat(value=False, n=self._table.calls.height, eager=True)
        return self.where(pl.lit(mask.scatter(rows, True)))

    @cached_property
    def row_indices(self) -> pl.Series:
        """The row numbers of the selected calls in the table, ascending."""
        return self._mask.arg_true()

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

    def facts(self, options: MetricOptions) -> pl.LazyFrame:
        """`metrics.facts` of the selected calls; lazy, so that only the used columns are read."""
        facts = self._table.facts(options)
        if not self._second_logs.any():
            return facts.lazy().filter(self._mask)
        return mask_second_logs(
            facts.with_columns(internal_twice=self._second_logs).lazy().filter(self._mask)
        )

    def offer_facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row per counted offer of the selected calls.

        `busy_offers` is false: it depends on the other selected calls.
        """
        return self._selected(self._table.offer_facts(options), self._mask & ~self._second_logs)

    def leg_facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row per counted leg of the selected calls."""
        return self._selected(self._table.leg_facts(options), self._mask & ~self._second_logs)

    def missing_numbers(self, options: MetricOptions) -> pl.DataFrame:
        """The numbers that look like an IVR or a queue, and are in no list of the options."""
        return self._table.suggestions.missing(self._mask, options)

    def _selected(self, rows: pl.DataFrame, mask: pl.Series) -> pl.LazyFrame:
        return rows.lazy().filter(mask.gather(rows["call_row"]))

    @cached_property
    def _second_logs(self) -> pl.Series:
        """Of all rows of the table, whether another selected log counts the internal call."""
        keys = self._table.calls.select("id", "started_at", "direction", "caller", "callee")
        selected = keys.lazy().filter(self._mask)
        second_logs = with_second_logs(
            keys.lazy().select("id", "started_at", "direction"), selected
        )
        return second_logs.select(pl.col("internal_twice") & self._mask).collect().to_series()

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


def _selection(calls: pl.DataFrame, mask: pl.Series) -> Selection:
    """The selection of these rows of a table, for pickle and copy."""
    return Selection(calls).where(pl.lit(mask))


class _Cache:
    """A function's results for the latest options, computed on first use or in the background."""

    def __init__(self, compute: Callable[[MetricOptions], pl.DataFrame]) -> None:
        self._compute = compute
        self._results: dict[MetricOptions, pl.DataFrame | Future[pl.DataFrame]] = {}

    def start(self, options: MetricOptions, executor: ThreadPoolExecutor) -> None:
        if options not in self._results:
            self._results[options] = executor.submit(self._compute, options)

    def __call__(self, options: MetricOptions) -> pl.DataFrame:
        result = self._results.pop(options, None)
        if isinstance(result, Future):
            result = result.result()  # an error is not cached: the next call computes again
        if result is None:
            result = self._compute(options)
        self._results[options] = result  # last, as the most recently used
        for oldest in list(self._results)[:-_MAX_OPTIONS]:
            self._results.pop(oldest, None)
        return result


class _Table:
    """A table of calls, and its cached facts."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.original = calls
        # The clone shares all data, and does not change when somebody changes the original.
        self.calls = own = checked_calls(calls, columns=()).lazy().collect()
        self._clone = calls.clone()
        self.facts = _Cache(
            lambda options: call_facts(
                calls_frame(own),
                options=options,
                numbers=dict(zip(NUMBERS, self.numbers, strict=True)),
            ).collect()
        )
        self.offer_facts = _Cache(
            lambda options: offer_facts(
                calls_frame(own), options=options, busy=False, second_logs=True
            ).collect()
        )
        self.leg_facts = _Cache(
            lambda options: leg_facts(calls_frame(own), options=options, second_logs=True).collect()
        )
        self.suggestions = NumberSuggestions(own)
        self._numbers = _Cache(
            lambda _: own.select(
                normalized(pl.col(side)).alias(side) for side in ("caller", "callee")
            )
        )

    def is_current(self) -> bool:
        """Whether the original table is unchanged."""
        flat = ~selectors.nested()
        same_columns = (
            self.original.schema == self._clone.schema
            and self.original.height == self._clone.height
        )
        return same_columns and self.original.select(flat).equals(self._clone.select(flat))

    def precompute(self, options: MetricOptions) -> None:
        # One after the other: Polars uses all cores anyway, and a foreground query needs them.
        executor = ThreadPoolExecutor(1, thread_name_prefix="etelecom-facts")
        self._numbers.start(_ANY_OPTIONS, executor)
        self.leg_facts.start(options, executor)
        self.offer_facts.start(options, executor)
        executor.shutdown(wait=False)

    @property
    def numbers(self) -> tuple[pl.Expr, pl.Expr]:
        """The normalized caller and callee."""
        numbers = self._numbers(_ANY_OPTIONS)
        return pl.lit(numbers["caller"]), pl.lit(numbers["callee"])


_TABLES: WeakValueDictionary[int, _Table] = WeakValueDictionary()
"""Tables in use, by the identity of the original frame, which a table keeps alive."""


def _table_of(calls: pl.DataFrame) -> _Table:
    """The table of these calls in use, with its cached facts, or a new one."""
    table = _TABLES.get(id(calls))
    if table is None or not table.is_current():
        table = _TABLES[id(calls)] = _Table(calls)
    return table
