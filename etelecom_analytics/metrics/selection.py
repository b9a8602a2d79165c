"""Selection: some of the calls of a table, over what was reckoned of all of them once.

A panel asks the same table again and again. What a call's facts, offers and legs are depends on
that call alone, so they are reckoned once for the whole table and each set of options, whoever
looks at it; another filter then only picks other rows of them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from weakref import WeakValueDictionary

import polars as pl
from polars import selectors

from ..phone_numbers import normalized
from ..query import CallQuery
from .call_facts import facts
from .legs_and_offers import leg_facts, offer_facts
from .options import MetricOptions

__all__ = ["Calls", "Selection", "fact_rows"]

_A_PAGE = 100
"""So few rows are taken one by one."""
_SETS_OF_OPTIONS = 4
"""How many are kept, the latest used: somebody who compares two thresholds, not one who drags a slider."""
_ANY = MetricOptions()
"""Numbers in one form depend on no options."""


class Selection:
    """Some of the calls of a table. `summarize` and all charts take it in place of calls, and give the same, sooner.

    Args:
        calls: one row a call, as in `logs.calls`; all of them are selected.
    """

    def __init__(self, calls: pl.DataFrame) -> None:
        self._of, self._chosen = _table_of(calls), pl.repeat(value=True, n=calls.height, eager=True)

    def where(self, *predicates: pl.Expr) -> "Selection":
        """Those of the selected calls for which all of these hold, such as `query.to_expr()`."""
        narrowed = object.__new__(Selection)
        holds = pl.all_horizontal(self._chosen, *predicates).fill_null(value=False)
        narrowed._of, narrowed._chosen = self._of, self._of.calls.select(holds).to_series()
        return narrowed

    def matching(self, query: CallQuery) -> "Selection":
        """Those that match the query: `where(query.to_expr())`, but that numbers are brought to one form once for the whole table."""
        return self.where(query.to_expr(numbers=self._of.numbers if query.call_number else None))

    def precompute(self, options: MetricOptions) -> None:
        """Begin with what takes long, the offers of a million calls some seconds, and return at once; whoever asks sooner waits for it."""
        self._of.precompute(options)

    def in_group(self, group: Sequence[pl.Expr], options: MetricOptions) -> "Selection":
        """Those that have an offer or a leg that counts and satisfies all of these."""
        tables = (self._of.offer_facts(options), self._of.leg_facts(options))
        rows = (
            pl.concat([table.lazy().filter(*group).select("call_row") for table in tables])
            .collect()
            .to_series()
        )
        found = pl.repeat(value=False, n=self._of.calls.height, eager=True)
        return self.where(pl.lit(found.scatter(rows, True)))

    @cached_property
    def row_indices(self) -> pl.Series:
        """The rows of the table that are selected, in their order."""
        return self._chosen.arg_true()

    def take(self, places: pl.Series) -> pl.DataFrame:
        """The calls at these rows of the table, in the order given, with all their columns."""
        if 0 < places.len() <= _A_PAGE:
            # Slices of nested columns cost nothing; to gather rows of these walks all of them.
            return pl.concat([self._of.calls.slice(place, 1) for place in places])
        return self._of.calls[places]

    def values(self, column: str, options: MetricOptions) -> pl.Series:
        """A column of the whole table, or of its facts, row by row; `take` and `places` speak of the same rows."""
        return (
            self._of.calls[column]
            if column in self._of.calls.columns
            else self._of.facts(options)[column]
        )

    @cached_property
    def height(self) -> int:
        """How many calls are selected."""
        return int(self._chosen.sum())

    @cached_property
    def calls(self) -> pl.DataFrame:
        """The selected calls, with all their columns, in their order."""
        return (
            self._of.calls
            if self.height == self._of.calls.height
            else self._of.calls.filter(self._chosen)
        )

    def lazy(self) -> pl.LazyFrame:
        """The selected calls as a lazy frame."""
        return self._of.calls.lazy().filter(self._chosen)

    def facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row a selected call, as `metrics.facts` gives it; lazy, so that only the columns that are looked at are picked."""
        return self._of.facts(options).lazy().filter(self._chosen)

    def offer_facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row an offer of the selected calls that counts, without who was busy: that depends on the other calls selected."""
        return self._chosen_of(self._of.offer_facts(options))

    def leg_facts(self, options: MetricOptions) -> pl.LazyFrame:
        """One flat row a leg of the selected calls that counts."""
        return self._chosen_of(self._of.leg_facts(options))

    def _chosen_of(self, of_all: pl.DataFrame) -> pl.LazyFrame:
        return of_all.lazy().filter(self._chosen.gather(of_all["call_row"]))

    def __repr__(self) -> str:
        return f"Selection: {self.height:,} of {self._of.calls.height:,} calls"


Calls = pl.DataFrame | pl.LazyFrame | Selection
"""What a chart, or whatever else collects, takes: a table of calls, or some of the calls of one."""


def fact_rows(calls: Calls, options: MetricOptions) -> pl.LazyFrame:
    """The facts of these calls; of a selection, those that were reckoned before."""
    return (
        calls.facts(options)
        if isinstance(calls, Selection)
        else facts(calls.lazy(), options=options)
    )


class _Once:
    """What is reckoned of a table for some sets of options: by who asks first, or beside, where it was begun before."""

    def __init__(self, reckon: Callable[[MetricOptions], pl.DataFrame]) -> None:
        self._reckon, self._known = (
            reckon,
            dict[MetricOptions, pl.DataFrame | Future[pl.DataFrame]](),
        )

    def begin(self, options: MetricOptions, beside: ThreadPoolExecutor) -> None:
        if options not in self._known:
            self._known[options] = beside.submit(self._reckon, options)

    def __call__(self, options: MetricOptions) -> pl.DataFrame:
        known = self._known.pop(options, None)
        if isinstance(known, Future):
            known = (
                known.result()
            )  # or its error, which is not kept: who asks again has it reckoned anew
        found = self._reckon(options) if known is None else known
        self._known[options] = found  # as the latest used
        for oldest in list(self._known)[:-_SETS_OF_OPTIONS]:
            self._known.pop(oldest, None)
        return found


class _Table:
    """A table of calls, and what was reckoned of it."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.given, self.calls = (
            calls,
            calls.clone(),
        )  # which shares all of it, and stays what it is if somebody changes the other
        own = self.calls
        self.facts = _Once(lambda options: facts(own, options=options))
        self.offer_facts = _Once(
            lambda options: offer_facts(own.lazy(), options=options, busy=False).collect()
        )
        self.leg_facts = _Once(lambda options: leg_facts(own.lazy(), options=options).collect())
        self._numbers = _Once(
            lambda _: own.select(normalized(pl.col(side)) for side in ("caller", "callee"))
        )

    def stands(self) -> bool:
        """Whether the table that was given is what it was."""
        flat = ~selectors.nested()
        same_columns = (
            self.given.schema == self.calls.schema and self.given.height == self.calls.height
        )
        return same_columns and self.given.select(flat).equals(self.calls.select(flat))

    def precompute(self, options: MetricOptions) -> None:
        # One after the other: Polars has a thread for each core anyway, and what somebody waits for
        # now should have them.
        beside = ThreadPoolExecutor(1, thread_name_prefix="etelecom-facts")
        self._numbers.begin(_ANY, beside)
        self.leg_facts.begin(options, beside)
        self.offer_facts.begin(options, beside)
        beside.shutdown(wait=False)  # once it has done what was begun

    @property
    def numbers(self) -> tuple[pl.Expr, pl.Expr]:
        """Caller and callee in one form."""
        told = self._numbers(_ANY)
        return pl.lit(told["caller"]), pl.lit(told["callee"])


_TABLES: WeakValueDictionary[int, _Table] = WeakValueDictionary()
"""Those that somebody looks at, by the identity of what was given; a table keeps that alive, so no other has the same."""


def _table_of(calls: pl.DataFrame) -> _Table:
    """The table of these calls: that of others who look at the same, with what was reckoned of it, or a new one."""
    known = _TABLES.get(id(calls))
    if known is None or not known.stands():
        known = _TABLES[id(calls)] = _Table(calls)
    return known
