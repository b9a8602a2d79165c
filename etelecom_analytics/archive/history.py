"""The versions of an archive, and what lies between two of them: the restatement that a dashboard does not show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from ..formatting import facts_html, facts_text
from ..frames import in_order
from ..metrics.registry import MEASURES
from ..metrics.summary import summarize
from ..schema import CALL_SCHEMA
from .comparison import Comparison
from .config import typed
from .table import Table

__all__ = ["ArchiveDiff", "CALL_MEASURES", "diff_of", "versions_of"]

CALL_MEASURES = tuple(name for name, each in MEASURES.items() if each.grain == "calls")
"""What a diff looks at, where nothing else is asked."""

_DIFFERENT_S = 1e-9


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ArchiveDiff:
    """What became of the calls from one version of an archive to another.

    Attributes:
        old, new: the versions.
        added: calls that only the new one has; columns of `schema.CALLS`, as the next three.
        gone: calls that only the old one has.
        before, after: calls that both have and that differ, as they were and as they are.
        changed: `id` and `fields` of these: the names of the columns in which they differ.
        measures: `day`, `measure`, `old`, `new`, `moved`: what a measure of a local day was, what
            it is, and the difference; only where it moved. `moved` is null where one of the two is.
    """

    old: int
    new: int
    added: pl.DataFrame
    gone: pl.DataFrame
    before: pl.DataFrame
    after: pl.DataFrame
    changed: pl.DataFrame
    measures: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies between the two."""
        return self.added.is_empty() and self.gone.is_empty() and self.changed.is_empty()

    def apply(self, calls: pl.DataFrame) -> pl.DataFrame:
        """The calls of the new version, made of those of the old one: newest first."""
        stay = calls.join(self.gone, on="id", how="anti").join(self.changed, on="id", how="anti")
        return in_order(pl.concat([stay, self.after, self.added]).sort("id"))

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield "versions", f"{self.old} to {self.new}"
        yield (
            "calls",
            f"{self.added.height:,} added, {self.changed.height:,} changed, {self.gone.height:,} gone",
        )
        fields = self.changed.explode("fields")["fields"].value_counts(sort=True)
        if fields.height:
            yield (
                "fields",
                ", ".join(
                    f"{name} of {count:,}"
                    for name, count in fields.sort(
                        "count", "fields", descending=[True, False]
                    ).rows()
                ),
            )
        days = self.measures["day"].n_unique()
        if days:
            yield (
                "measures",
                f"{self.measures['measure'].n_unique()} moved, on {days:,} {'day' if days == 1 else 'days'}: see .measures",
            )

    def __repr__(self) -> str:
        return facts_text("ArchiveDiff", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("ArchiveDiff", self._facts())


def diff_of(old: Table, new: Table, measures: Sequence[str]) -> ArchiveDiff:
    """What lies between the two. Only days whose files differ are read. Collects."""
    files = [table.files() for table in (old, new)]
    one_sided = pl.concat(
        [
            files[0].join(files[1], on="path", how="anti"),
            files[1].join(files[0], on="path", how="anti"),
        ]
    )
    days = one_sided["local_day"].unique().sort()
    stored = [_of_days(table, days) for table in (old, new)]
    calls = [typed(each.lazy()).collect() for each in stored]
    between = Comparison(*calls)
    return ArchiveDiff(
        old=old.version,
        new=new.version,
        added=between.added,
        gone=between.gone,
        before=between.before,
        after=between.after,
        changed=between.changed,
        measures=_moved(calls, measures, new),
    )


def versions_of(table: Table) -> pl.DataFrame:
    """One row a version that the log still tells, oldest first.

    version, at, what ("created", "day", "compacted", "vacuumed", "pruned", or another engine's
    word), local_day, and of a day how many calls it holds since (`rows`), and how many came, differ
    and went with it (`added`, `changed`, `gone`).
    """
    rows = [
        (
            version,
            datetime.fromtimestamp(commit["timestamp"] / 1000, UTC),
            said.get("what") or str(commit.get("operation", "")).lower(),
            said.get("day"),
            *(said.get(name) for name in ("rows", "added", "changed", "gone")),
        )
        for version, said, commit in table.log(-1)
    ]
    schema: dict[str, pl.DataType] = {
        "version": pl.Int64(),
        "at": pl.Datetime("us", "UTC"),
        "what": pl.String(),
        "local_day": pl.String(),
    }
    schema |= dict.fromkeys(("rows", "added", "changed", "gone"), pl.Int64())
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("local_day").str.to_date("%Y-%m-%d")
    )


def _of_days(table: Table, days: pl.Series) -> pl.DataFrame:
    if days.is_empty():
        return table.scan().clear().collect()
    return table.scan(days[0], days[-1]).filter(pl.col("local_day").is_in(days.implode())).collect()


def _moved(calls: Sequence[pl.DataFrame], measures: Sequence[str], table: Table) -> pl.DataFrame:
    told = [
        summarize(
            each.select(*CALL_SCHEMA), by=["day"], measures=measures, options=table.charter.options
        )
        .with_columns(pl.exclude("day").cast(pl.Float64))
        .unpivot(index="day", variable_name="measure", value_name=name)
        for each, name in zip(calls, ("old", "new"), strict=True)
    ]
    both = told[0].join(told[1], on=["day", "measure"], how="full", coalesce=True, nulls_equal=True)
    moved = pl.col("new") - pl.col("old")
    order = pl.col("measure").replace_strict(
        list(measures), list(range(len(measures))), return_dtype=pl.Int32
    )
    return (
        both.with_columns(moved=moved)
        .filter((pl.col("old").is_null() != pl.col("new").is_null()) | (moved.abs() > _DIFFERENT_S))
        .sort("day", order, nulls_last=True)
        .select("day", "measure", "old", "new", "moved")
    )
