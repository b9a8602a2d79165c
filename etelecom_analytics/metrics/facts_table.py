"""FactsTable: a table of calls with its facts and cubes, computed once for all its selections."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from threading import Lock
from weakref import ReferenceType, WeakValueDictionary, ref

import polars as pl
from polars import selectors

from ..frames import METRIC_COLUMNS, checked_calls
from ..phone_numbers import normalized
from .call_facts import COMPUTED_DIMENSIONS, NUMBERS, call_facts
from .cube import Cube
from .cube_store import CubeStore, Request
from .internal_pairs import InternalPairs
from .legs_and_offers import leg_facts, offer_facts
from .local_dimensions import START_DIMENSIONS, start_dimensions
from .options import MetricOptions
from .registry import Grain
from .suggested_numbers import NumberSuggestions

__all__ = ["FactsTable", "table_of"]

_MAX_OPTIONS = 4
"""The number of recent options whose facts stay cached: enough to compare two thresholds."""
_ANY_OPTIONS = MetricOptions()
"""The cache key of normalized numbers, which depend on no options."""


class _Cache:
    """A function's results for the latest options, computed on first use or in the background."""

    def __init__(self, compute: Callable[[MetricOptions], pl.DataFrame]) -> None:
        self._compute = compute
        self._results: dict[MetricOptions, pl.DataFrame | Future[pl.DataFrame]] = {}
        self._lock = Lock()  # cubes are built in another thread

    def start(self, options: MetricOptions, executor: ThreadPoolExecutor) -> None:
        with self._lock:
            if options not in self._results:
                self._results[options] = executor.submit(self._compute, options)

    def __call__(self, options: MetricOptions) -> pl.DataFrame:
        with self._lock:  # not while waiting, since the thread that computes may need it too
            result = self._results.get(options)
        try:
            if isinstance(result, Future):
                # One that has not begun is computed here: the thread that builds cubes would wait
                # for ever for one that comes after it in its own queue.
                result = None if result.cancel() else result.result()
        except BaseException:
            with self._lock:  # an error is not cached: the next call computes again
                self._results.pop(options, None)
            raise
        if result is None:
            result = self._compute(options)
        with self._lock:
            self._results.pop(options, None)
            self._results[options] = result  # last, as the most recently used
            for oldest in list(self._results)[:-_MAX_OPTIONS]:
                del self._results[oldest]
        return result


class FactsTable:
    """A table of calls, and its cached facts."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.original = calls
        # The clone shares all data, and does not change when somebody changes the original.
        self.calls = own = checked_calls(calls, columns=()).lazy().collect()
        self._clone = calls.clone()
        # The functions do not refer to the table: a cycle would keep it in memory for long.
        self._numbers = cached_numbers = _Cache(
            lambda _: own.select(normalized(pl.col(side)).alias(side) for side in NUMBERS)
        )

        def checked() -> pl.LazyFrame:
            return checked_calls(own, columns=METRIC_COLUMNS).lazy()

        self.facts = _Cache(
            lambda options: call_facts(
                checked(),
                options=options,
                numbers=_literals(cached_numbers(_ANY_OPTIONS)),
            ).collect()
        )
        self.offer_facts = _Cache(
            lambda options: offer_facts(
                checked_calls(own, columns=METRIC_COLUMNS).lazy(),
                options=options,
                busy=False,
                second_logs=True,
            ).collect()
        )
        self.leg_facts = _Cache(
            lambda options: leg_facts(checked(), options=options, second_logs=True).collect()
        )
        self.suggestions = NumberSuggestions(own)
        self._starts: dict[MetricOptions, dict[str, pl.Series]] = {}
        self._stores: dict[MetricOptions, CubeStore] = {}
        self._stores_lock = Lock()  # a store is moved while another thread looks for it
        # One after the other: Polars uses all cores anyway, and a foreground query needs them.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="etelecom-facts")

    def is_current(self) -> bool:
        """Whether the original table is unchanged."""
        flat = ~selectors.nested()
        same_columns = (
            self.original.schema == self._clone.schema
            and self.original.height == self._clone.height
        )
        return same_columns and self.original.select(flat).equals(self._clone.select(flat))

    def precompute(self, options: MetricOptions, *, wait: bool = False) -> None:
        """Start computing the slow facts, and the cubes of a large table; or wait for all of it."""
        self._numbers.start(_ANY_OPTIONS, self._executor)
        self.leg_facts.start(options, self._executor)
        self.offer_facts.start(options, self._executor)
        with self._stores_lock:
            store = self._stores.pop(options, None) or CubeStore(options)
            self._stores[options] = store
            for oldest in list(self._stores)[:-_MAX_OPTIONS]:
                del self._stores[oldest]
        if store.is_useful(self.calls.height):
            wanted = store.first(self.calls.columns)
            self._executor.submit(_build_cubes, ref(self), store, wanted, self._executor)
        while wait and not store.is_complete and self.uses(store):
            self._executor.submit(lambda: None).result()
        if wait and store.error is not None:
            raise store.error

    def cube(self, grain: Grain, names: Iterable[str], options: MetricOptions) -> Cube | None:
        """The cube with these dimensions; if there is none, it is built in the background."""
        with self._stores_lock:
            store = self._stores.get(options)
        if store is None or not store.is_useful(self.calls.height):
            return None
        cube = store.find(grain, names)
        if cube is None and (wanted := store.request(grain, names)):
            self._executor.submit(_build_cubes, ref(self), store, wanted, self._executor)
        return cube

    def uses(self, store: CubeStore) -> bool:
        """Whether the store is that of one of the latest options."""
        with self._stores_lock:
            return self._stores.get(store.options) is store

    def rows_of_cubes(self, grain: Grain, options: MetricOptions) -> tuple[pl.DataFrame, pl.Series]:
        """The facts of a grain with `call_row`, and the rows of calls that may be second logs."""
        match grain:
            case "calls":
                rows = self.facts(options).with_row_index("call_row")
            case "offers":
                rows = self.offer_facts(options)
            case "legs":
                rows = self.leg_facts(options)
        return rows, self.pairs.rows

    def dimension(self, name: str, options: MetricOptions) -> pl.Expr:
        """A dimension of calls, as an expression over the calls that takes no time."""
        if name in (*COMPUTED_DIMENSIONS, *NUMBERS):
            return pl.lit(self.facts(options)[name])
        if name not in START_DIMENSIONS:
            return pl.col(name)
        starts = self._starts.setdefault(options, {})
        for oldest in list(self._starts)[:-_MAX_OPTIONS]:
            self._starts.pop(oldest, None)
        if name not in starts:
            expression = start_dimensions([name], options)[name]
            starts[name] = self.calls.select(expression.alias(name)).to_series()
        return pl.lit(starts[name])

    @cached_property
    def pairs(self) -> InternalPairs:
        """The logs of internal calls of which one may count for both."""
        return InternalPairs(self.calls)

    @property
    def numbers(self) -> tuple[pl.Expr, pl.Expr]:
        """The normalized caller and callee."""
        numbers = _literals(self._numbers(_ANY_OPTIONS))
        return numbers["caller"], numbers["callee"]


_TABLES: WeakValueDictionary[int, FactsTable] = WeakValueDictionary()
"""Tables in use, by the identity of the original frame, which a table keeps alive."""


def table_of(calls: pl.DataFrame) -> FactsTable:
    """The table of these calls in use, with its cached facts, or a new one."""
    table = _TABLES.get(id(calls))
    if table is None or not table.is_current():
        table = _TABLES[id(calls)] = FactsTable(calls)
    return table


def _literals(columns: pl.DataFrame) -> dict[str, pl.Expr]:
    """The columns as expressions."""
    return {column.name: pl.lit(column) for column in columns}


def _build_cubes(
    table: "ReferenceType[FactsTable]",
    store: CubeStore,
    wanted: Sequence[Request],
    executor: ThreadPoolExecutor,
) -> None:
    """Build the first of these cubes, and then the others if the store is still in use."""
    if wanted and (current := table()) is not None and current.uses(store):
        try:
            store.build(wanted[0], current.rows_of_cubes)
        finally:
            with suppress(RuntimeError):  # the interpreter exits
                executor.submit(_build_cubes, table, store, wanted[1:], executor)
