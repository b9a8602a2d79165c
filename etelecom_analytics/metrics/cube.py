"""Cube: exact parts of measures by a few dimensions, which answer filters by these at once.

A cube has one row per combination of its dimensions, a cell: the number of its calls, offers or
legs, and whole-number sums of their facts. Cells that match a filter add up to the parts of the
selected rows, without rounding. Quantiles need the values themselves: they are kept in ascending
order, each with the number of its cell.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from ..local_time import COARSER_DIMENSIONS
from .aggregation import ROWS, facts_of_measures, moments, quantile_name, rank_name
from .cell_filters import CellFilter
from .confidence import Z95
from .registry import DEFAULT_MEASURES, FACTS, MEASURES, Grain, Mean, Measure, Quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[Any]

__all__ = ["Cube", "LeftOut", "SortedValues"]

_SPREADS = [
    each.fact
    for name in (*DEFAULT_MEASURES, "talk_avg_s")
    if isinstance(each := MEASURES[name].aggregation, Mean)
]
"""The facts whose moments a cube has: those of means in a comparison of periods."""
_MAX_SHARE = 0.25
"""With more cells per row, a cube is hardly faster than the rows."""
_MIN_CELLS = 10_000
_TWICE = "sum of internal_twice"
_MAX_SHORT = 32_767


class LeftOut(NamedTuple):
    """Rows of calls that match the filters but do not count.

    Attributes:
        removed: numbers of calls that are not selected.
        second_logs: numbers of calls that are selected, but that another log counts.
    """

    removed: pl.Series
    second_logs: pl.Series


class Cube:
    """The parts of all measures of a grain by some dimensions.

    Args:
        rows: the facts of a grain with the dimensions; `call_row` is the number of the call.
        dimensions: the dimensions of the cube.
        grain: the grain of the rows.
        values: the values of facts in ascending order.
        single: numbers of calls that may be second logs of internal calls. Whether they count
            depends on the other selected calls, so each has a cell of its own.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        dimensions: Sequence[str],
        grain: Grain,
        values: Mapping[str, "SortedValues"],
        single: pl.Series,
    ) -> None:
        import numpy as np

        self.dimensions, self._grain = tuple(dimensions), grain
        is_single = pl.col("call_row").is_in(single.implode())
        numbered = rows.lazy().with_row_index("row").select("row", *dimensions, is_single=is_single)
        grouped = numbered.filter(~pl.col("is_single")).group_by(dimensions).agg("row").collect()
        self.is_small = grouped.height <= max(_MIN_CELLS, _MAX_SHARE * rows.height)
        self._cells = pl.DataFrame()
        self._values: dict[str, tuple[Numbers, Numbers]] = {}
        if not self.is_small:
            return
        alone = numbered.filter("is_single").select("row").collect().to_series()
        cell = np.empty(rows.height, np.uint32)
        cell[grouped["row"].explode().drop_nulls().to_numpy()] = np.repeat(
            np.arange(grouped.height), grouped["row"].list.len().to_numpy()
        )
        cell[alone.to_numpy()] = np.arange(grouped.height, grouped.height + alone.len())
        self._cells = (
            rows.lazy()
            .with_columns(cell=pl.Series(cell), is_single=is_single)
            .group_by("cell")
            .agg(
                pl.col(dimensions).first(),
                pl.when(pl.col("is_single").first()).then(pl.col("call_row").first()),
                first=pl.col("started_at").min(),
                last=pl.col("started_at").max(),
                **_parts(grain),
            )
            .sort("cell")
            .collect()
            .pipe(_smaller)
        )
        self._values = {
            fact: (values[fact].values, cell[values[fact].rows]) for fact in _counted(grain)
        }

    def covers(self, names: Iterable[str]) -> bool:
        """Whether the cube has these dimensions, or finer ones."""
        return all({name, *COARSER_DIMENSIONS.get(name, ())} & {*self.dimensions} for name in names)

    @staticmethod
    def has_moments(measures: Iterable[Measure]) -> bool:
        """Whether cubes have the moments of all means of these measures."""
        means = (each.aggregation for each in measures if isinstance(each.aggregation, Mean))
        return all(mean.fact in _SPREADS for mean in means)

    @cached_property
    def size(self) -> int:
        """The number of cells."""
        return self._cells.height

    def parts(
        self,
        by: Sequence[str],
        measures: Sequence[Measure],
        filters: Sequence[CellFilter],
        left_out: LeftOut,
        *,
        intervals: bool = False,
    ) -> pl.DataFrame:
        """The parts of these measures by group, as `aggregation.SUMMED` names them.

        With `intervals` there are also the `moments` of means, and the ends of the intervals of
        quantiles, with the names of `rank_name`. Without `by` there is one row. The groups are in
        no order.
        """
        facts, counted = facts_of_measures(measures)
        columns = [
            name
            for name in self._cells.columns
            if name.rpartition(" of ")[2] in facts
            and (intervals or name.startswith(("sum of ", "count of ")))
        ]
        chosen = self._chosen(by, filters, left_out)
        if self._grain == "calls" and not left_out.second_logs.is_empty():
            # A second log is a row of its group, but nothing of it counts.
            is_second = pl.col("is_second")
            chosen = chosen.with_columns(is_second=_is_one_of(left_out.second_logs))
            chosen = chosen.with_columns(pl.when(~is_second).then(pl.col("cell", *columns)))
            if _TWICE in columns:
                twice = pl.when(is_second).then("rows").otherwise(_TWICE)
                chosen = chosen.with_columns(twice.alias(_TWICE))
        sums = {name: pl.col(name).sum() for name in columns}
        if counted:
            cells = pl.col("cell") if by else pl.col("cell").implode()
            sums |= {"cells": cells, "rows": pl.col("rows").sum()}
        table = (chosen.group_by(by).agg(**sums) if by else chosen.select(**sums)).collect()
        if not counted:
            return table
        ranked = [
            column
            for fact in sorted(counted)
            for column in self._ranked(fact, table, measures, intervals=intervals)
        ]
        return table.drop("cells", "rows").with_columns(ranked)

    def span(
        self, filters: Sequence[CellFilter], left_out: LeftOut
    ) -> tuple[datetime | None, datetime | None]:
        """The earliest and the latest start of the selected rows; None without one."""
        span = self._chosen((), filters, left_out).select(
            pl.col("first").min(), pl.col("last").max()
        )
        first, last = span.collect().row(0)
        return first, last

    def _chosen(
        self, by: Sequence[str], filters: Sequence[CellFilter], left_out: LeftOut
    ) -> pl.LazyFrame:
        """The cells that match, with the dimensions of `by`."""
        needed = dict.fromkeys((*by, *(name for each in filters for name in each.dimensions)))
        cells = self._cells.lazy().with_columns(
            **{name: self._coarser(name) for name in needed if name not in self.dimensions}
        )
        hidden = [left_out.removed]
        if self._grain != "calls":  # offers and legs of second logs have no rows
            hidden.append(left_out.second_logs)
        conditions = [holds for each in filters for holds in each.holds]
        conditions += [~_is_one_of(rows) for rows in hidden if not rows.is_empty()]
        return cells.filter(*conditions) if conditions else cells

    def _coarser(self, name: str) -> pl.Expr:
        finer = next(each for each in COARSER_DIMENSIONS[name] if each in self.dimensions)
        return COARSER_DIMENSIONS[name][finer](pl.col(finer))

    def _ranked(
        self, fact: str, table: pl.DataFrame, measures: Sequence[Measure], *, intervals: bool
    ) -> Iterable[pl.Series]:
        """The quantiles of a fact, and the ends of their intervals, for each group of cells."""
        import numpy as np

        small = table.height < np.iinfo(np.int16).max  # numbers of 16 bits are sorted faster
        group_of = np.full(self.size, -1, np.int16 if small else np.int32)
        cells = table["cells"].list.drop_nulls()  # a second log has no cell
        group_of[cells.explode().drop_nulls().to_numpy()] = np.repeat(
            np.arange(table.height), cells.list.len().to_numpy()
        )
        values, cell = self._values[fact]
        group: Numbers = group_of[cell]
        known = np.flatnonzero(group >= 0)
        order = None if table.height == 1 else np.argsort(group[known], kind="stable")
        n = table[f"count of {fact}"].to_numpy()
        begin, unknown = np.cumsum(n) - n, table["rows"].to_numpy() - n

        def ranked(rank: "NDArray[np.float64]") -> "NDArray[np.float64]":
            """The value of this rank in each group, from 0 on; any value where there is none."""
            if not known.size:
                return np.zeros(rank.size)
            place = begin + np.clip(np.nan_to_num(rank), 0, np.maximum(n - 1, 0)).astype(np.int64)
            place = np.minimum(place, known.size - 1)
            place = known[place if order is None else order[place]]
            return np.asarray(values[place], np.float64)

        for share in sorted(_shares(fact, measures)):
            # In this order, as in Polars, which counts ranks from the first null on: the result is
            # the same to the last digit.
            rank = (n - 1) * share + unknown
            low, high = (ranked(end(rank) - unknown) for end in (np.floor, np.ceil))
            quantile = (high - low) * (rank - np.floor(rank)) + low
            yield _where(quantile_name(fact, share), quantile, n > 0)
            if not intervals:
                continue
            reach = Z95 * np.sqrt(n * share * (1 - share))
            for end, place in {"low": n * share - reach, "high": n * share + reach}.items():
                rank = np.ceil(place)
                known_end = (rank >= 1) & (rank <= n)
                yield _where(rank_name(end, fact, share), ranked(rank - 1), known_end)


class SortedValues(NamedTuple):
    """The known values of a fact in ascending order, and the numbers of their rows."""

    values: "Numbers"
    rows: "Numbers"

    @classmethod
    def of(cls, facts: pl.Series) -> "SortedValues":
        """Those of a column of facts."""
        known = facts.arg_sort(nulls_last=True).head(facts.len() - facts.null_count())
        return cls(facts.gather(known).to_numpy(), known.to_numpy())

    @classmethod
    def of_grain(cls, rows: pl.DataFrame, grain: Grain) -> "dict[str, SortedValues]":
        """Those of all facts of which a measure of this grain is a quantile."""
        return {fact: cls.of(rows[fact]) for fact in _counted(grain)}


def _parts(grain: Grain) -> dict[str, pl.Expr]:
    """The parts of a cell."""
    parts = {"rows": pl.len().cast(pl.Int64)}
    for fact in FACTS[grain]:
        parts[f"sum of {fact}"] = ROWS.total(fact)
        if fact.endswith("_s"):
            parts[f"count of {fact}"] = ROWS.known(fact)
        if fact in _SPREADS:
            parts |= {f"{name} of {fact}": each for name, each in moments(fact).items()}
    return parts


def _smaller(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells with short integers where all values fit; Polars adds these up as Int64."""
    short = [
        name
        for name, dtype in cells.schema.items()
        if dtype == pl.Int64 and cells[name].is_between(-_MAX_SHORT, _MAX_SHORT).all()
    ]
    return cells.with_columns(pl.col(short).cast(pl.Int16))


def _counted(grain: Grain) -> list[str]:
    measures = [each for each in MEASURES.values() if each.grain == grain]
    return sorted(facts_of_measures(measures)[1])


def _is_one_of(call_rows: pl.Series) -> pl.Expr:
    """Whether a cell is that of one of these calls."""
    return pl.col("call_row").is_in(call_rows.implode()).fill_null(value=False)


def _shares(fact: str, measures: Iterable[Measure]) -> set[float]:
    aggregations = (each.aggregation for each in measures)
    return {each.share for each in aggregations if isinstance(each, Quantile) and each.fact == fact}


def _where(name: str, values: "NDArray[np.float64]", known: "NDArray[np.bool_]") -> pl.Series:
    return pl.Series(name, values, pl.Float64).set(pl.Series(~known), None)
