"""Second logs of internal calls in any selection of the calls of a table, without a new search.

Whether another log counts an internal call depends on the other selected calls. Logs that start
more than 2 s apart, or have other numbers, never meet, so nearly all pairs are known in advance.
"""

import polars as pl

from .internal_calls import (
    PAIR_TOLERANCE,
    is_internal,
    normal_numbers,
    with_second_logs,
)

__all__ = ["InternalPairs"]

_KEYS = ("id", "started_at")
_NUMBERS = ("caller", "callee")


class InternalPairs:
    """The logs of a table that can be the two logs of one internal call.

    Args:
        calls: all calls of the table.

    Attributes:
        rows: the row numbers of all logs that are a second log in some selection, ascending.
    """

    def __init__(self, calls: pl.DataFrame) -> None:
        keys = (
            calls.lazy()
            .select(*_KEYS, "direction", *_NUMBERS)
            .with_row_index("row")
            .filter(is_internal())
            .with_columns(is_outgoing=pl.col("direction").cast(pl.String) == "ext_out")
            .collect()
        )
        chains = _chains(keys)
        counts = {"outgoing": pl.col("is_outgoing").sum(), "logs": pl.len()}
        near = chains.with_columns(each.over("chain").alias(name) for name, each in counts.items())
        near = near.filter(pl.col("outgoing") > 0, pl.col("outgoing") < pl.col("logs"))
        # Logs with one id and one start are left out together, so they are looked up by a search.
        outgoing = keys.filter("is_outgoing")
        repeated = outgoing.filter(pl.struct(_KEYS).is_duplicated())["row"]
        unclear = (pl.col("logs") > 2) | pl.col("row").is_in(repeated.implode()).any().over("chain")
        pairs = near.filter(~unclear).sort("chain", "is_outgoing")
        self._incoming = pairs.filter(~pl.col("is_outgoing"))["row"]
        self._outgoing = pairs.filter("is_outgoing")["row"]
        rows = pl.concat([near.filter(unclear)["row"], repeated])
        self._unclear = keys.filter(pl.col("row").is_in(rows.implode()))
        searched = self._unclear.filter("is_outgoing")["row"]
        self.rows = pl.concat([self._outgoing, searched]).sort()

    def second_logs(self, mask: pl.Series) -> pl.Series:
        """The row numbers of the selected logs that another selected log counts, ascending.

        Args:
            mask: for each call of the table, whether it is selected.
        """
        both = mask.gather(self._outgoing) & mask.gather(self._incoming)
        pairs = self._outgoing.filter(both)
        selected = self._unclear.filter(mask.gather(self._unclear["row"]))
        if selected.is_empty():
            return pairs.sort()
        second = with_second_logs(selected.lazy(), selected.lazy()).filter("internal_twice")
        return pl.concat([pairs, second.select("row").collect().to_series()]).sort()


def _chains(keys: pl.DataFrame) -> pl.DataFrame:
    """The logs with known numbers and starts, and the `chain` that each belongs to.

    In a chain each log starts at most 2 s after the one before it, with the same numbers.
    """
    known = (
        keys.with_columns(normal_numbers(keys[name]) for name in _NUMBERS)
        .drop_nulls([*_NUMBERS, "started_at"])
        .sort(*_NUMBERS, "started_at")
    )
    near = pl.all_horizontal(
        *(pl.col(name) == pl.col(name).shift(1) for name in _NUMBERS),
        pl.col("started_at") - pl.col("started_at").shift(1) <= PAIR_TOLERANCE,
    )
    return known.select("row", "is_outgoing", chain=(~near.fill_null(value=False)).cum_sum())
