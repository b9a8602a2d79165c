"""Selection: some of the calls of a table, over what was reckoned of all of them once.

A panel asks the same table again and again. What a call's facts, offers and legs are depends on that call alone, so they are reckoned
once for the whole table and each set of options; another filter then only picks other rows of them.
"""

from functools import cached_property, lru_cache

import polars as pl

from .facts import facts
from .options import MetricOptions
from .outcomes import leg_facts, offer_facts

__all__ = ["Calls", "Selection", "fact_rows"]

_SETS_OF_OPTIONS = 4
"""How many are kept, the latest used: somebody who compares two thresholds, not one who drags a slider."""


class Selection:
    """Some of the calls of a table. `summarize` and all charts take it in place of calls, and give the same, sooner.

    Args:
        calls: one row a call, as in `logs.calls`; all of them are selected.
    """

    def __init__(self, calls: pl.DataFrame) -> None:
        self._of, self._chosen = _Table(calls), pl.repeat(value=True, n=calls.height, eager=True)

    def where(self, *predicates: pl.Expr) -> "Selection":
        """Those of the selected calls for which all of these hold, such as `query.to_expr()`."""
        narrowed = object.__new__(Selection)
        holds = pl.all_horizontal(self._chosen, *predicates).fill_null(value=False)
        narrowed._of, narrowed._chosen = self._of, self._of.calls.select(holds).to_series()
        return narrowed

    @cached_property
    def height(self) -> int:
        """How many calls are selected."""
        return int(self._chosen.sum())

    @cached_property
    def calls(self) -> pl.DataFrame:
        """The selected calls, with all their columns, in their order."""
        return self._of.calls if self.height == self._of.calls.height else self._of.calls.filter(self._chosen)

    def lazy(self) -> pl.LazyFrame:
        """The selected calls as a lazy frame."""
        return self._of.calls.lazy().filter(self._chosen)

    def facts(self, options: MetricOptions) -> pl.DataFrame:
        """One flat row a selected call, as `metrics.facts` gives it."""
        return self._of.facts(options).filter(self._chosen)

    def offer_facts(self, options: MetricOptions) -> pl.DataFrame:
        """One flat row an offer of the selected calls that counts, without who was busy: that depends on the other calls selected."""
        of_all = self._of.offer_facts(options)
        return of_all.filter(self._chosen.gather(of_all["call_row"]))

    def leg_facts(self, options: MetricOptions) -> pl.DataFrame:
        """One flat row a leg of the selected calls that counts."""
        of_all = self._of.leg_facts(options)
        return of_all.filter(self._chosen.gather(of_all["call_row"]))

    def __repr__(self) -> str:
        return f"Selection: {self.height:,} of {self._of.calls.height:,} calls"


Calls = pl.DataFrame | pl.LazyFrame | Selection
"""What a chart, or whatever else collects, takes: a table of calls, or some of the calls of one."""


def fact_rows(calls: Calls, options: MetricOptions) -> pl.LazyFrame:
    """The facts of these calls; of a selection, those that were reckoned before."""
    return calls.facts(options).lazy() if isinstance(calls, Selection) else facts(calls.lazy(), options=options)


class _Table:
    """A table of calls, and what was reckoned of it."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.calls = calls
        self.facts = lru_cache(_SETS_OF_OPTIONS)(lambda options: facts(calls, options=options))
        self.offer_facts = lru_cache(_SETS_OF_OPTIONS)(lambda options: offer_facts(calls.lazy(), options=options, busy=False).collect())
        self.leg_facts = lru_cache(_SETS_OF_OPTIONS)(lambda options: leg_facts(calls.lazy(), options=options).collect())
