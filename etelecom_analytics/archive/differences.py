"""Differences between two states of the same calls, matched by id."""

from functools import cached_property

import polars as pl

__all__ = ["Differences"]


class Differences:
    """Added, changed and removed calls between two tables.

    Args:
        old, new: tables with the same columns, one row per id.
    """

    def __init__(self, old: pl.DataFrame, new: pl.DataFrame) -> None:
        self._old, self._new = old, new

    @cached_property
    def added(self) -> pl.DataFrame:
        """Calls that only the new table has."""
        return self._new.join(self._old, on="id", how="anti", maintain_order="left")

    @cached_property
    def gone(self) -> pl.DataFrame:
        """Calls that only the old table has."""
        return self._old.join(self._new, on="id", how="anti", maintain_order="left")

    @cached_property
    def changed(self) -> pl.DataFrame:
        """`id` of each call that differs between the tables, and `fields`, its changed columns."""
        ids = self._old.select("id").join(self._new.select("id"), on="id", how="semi").sort("id")
        old, new = (
            ids.join(table, on="id", how="left", maintain_order="left")
            for table in (self._old, self._new)
        )
        schema: dict[str, pl.DataType] = {"id": pl.String(), "fields": pl.List(pl.String())}
        if old.equals(new):
            return pl.DataFrame(schema=schema)
        names = [name for name in old.columns if name != "id" and not old[name].equals(new[name])]
        differs = {
            name: _comparable(old[name]).ne_missing(_comparable(new[name])) for name in names
        }
        fields = ids.with_columns(
            pl.concat_list(
                pl.when(flag).then(pl.lit(name)) for name, flag in differs.items()
            ).alias("fields")
        )
        return (
            fields.with_columns(pl.col("fields").list.drop_nulls())
            .filter(pl.col("fields").list.len() > 0)
            .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        )

    @cached_property
    def before(self) -> pl.DataFrame:
        """The changed calls in their old state."""
        return self._old.join(self.changed, on="id", how="semi", maintain_order="left")

    @cached_property
    def after(self) -> pl.DataFrame:
        """The changed calls in their new state."""
        return self._new.join(self.changed, on="id", how="semi", maintain_order="left")

    def counts(self) -> dict[str, int]:
        """Number of added, changed and removed calls."""
        if self._old.is_empty():  # most days are new and large, so skip the joins
            return {"added": self._new.height, "changed": 0, "gone": 0}
        old, new = self._old.select("id"), self._new.select("id")
        added, gone = (
            one.join(other, on="id", how="anti").height for one, other in ((new, old), (old, new))
        )
        return {"added": added, "changed": self.changed.height, "gone": gone}


def _comparable(values: pl.Series) -> pl.Series:
    """The values, with nested ones as JSON text, which can be compared element by element."""
    return (
        values.to_frame("value").select(pl.struct("value").struct.json_encode()).to_series()
        if values.dtype.is_nested()
        else values
    )
