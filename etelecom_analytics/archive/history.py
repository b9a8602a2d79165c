"""Versions of an archive, and the differences between two of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import polars as pl

from ..formatting import facts_html, facts_text
from ..frames import in_order
from ..metrics.registry import MEASURES
from ..metrics.summary import summarize
from ..schema import CALL_SCHEMA
from .config import from_stored_rows
from .differences import Differences
from .table import Table

__all__ = ["CALL_MEASURES", "ArchiveDiff", "compare_versions", "versions_table"]

CALL_MEASURES = tuple(name for name, each in MEASURES.items() if each.grain == "calls")
"""The measures that a diff compares by default."""

_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ArchiveDiff:
    """Differences between two versions of an archive.

    Attributes:
        old, new: the versions.
        added: calls that only the new version has, with the columns of `schema.CALLS`.
        gone: calls that only the old version has, with the same columns.
        before, after: the changed calls in their old and new states, with the same columns.
        changed: `id` of each changed call, and `fields`, the columns in which it differs.
        measures: `day`, `measure`, `old`, `new` and `moved`, the difference, for each measure of a
            local day that differs. `moved` is null if `old` or `new` is.

    Examples:
        >>> import tempfile
        >>> with (
        ...     tempfile.TemporaryDirectory() as folder,
        ...     et.simulator.serve(et.sample_logs().calls) as server,
        ... ):
        ...     client = et.Client(server.base_url, server.api_key)
        ...     archive = et.Archive(folder)
        ...     for end in ("2026-11-03", "2026-11-04"):
        ...         report = archive.sync(client, since="2026-11-02", until=end, progress=False)
        ...     difference = archive.diff(archive.versions()["version"].min())
        >>> difference.added.height > 0, difference.gone.height
        (True, 0)
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
        """Whether both versions have the same calls."""
        return self.added.is_empty() and self.gone.is_empty() and self.changed.is_empty()

    def apply(self, calls: pl.DataFrame) -> pl.DataFrame:
        """The calls of the new version, computed from those of the old one; newest first."""
        unchanged = calls.join(self.gone, on="id", how="anti").join(
            self.changed, on="id", how="anti"
        )
        # Calls stored before the first sync with labels have no such columns.
        rows = pl.concat([unchanged, self.after, self.added], how="diagonal")
        return in_order(rows.sort("id"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArchiveDiff):
            return NotImplemented
        pairs = ((getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return all(
            one.equals(two) if isinstance(one, pl.DataFrame) else one == two for one, two in pairs
        )

    __hash__ = None  # type: ignore[assignment]

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield "versions", f"{self.old} to {self.new}"
        yield (
            "calls",
            f"{self.added.height:,} added, {self.changed.height:,} changed, "
            f"{self.gone.height:,} gone",
        )
        fields = self.changed.explode("fields")["fields"].value_counts(sort=True)
        if fields.height:
            rows = fields.sort("count", "fields", descending=[True, False]).rows()
            yield "fields", ", ".join(f"{name} of {count:,}" for name, count in rows)
        days = self.measures["day"].n_unique()
        if days:
            yield (
                "measures",
                f"{self.measures['measure'].n_unique()} changed, "
                f"on {days:,} {'day' if days == 1 else 'days'}: see .measures",
            )

    def __repr__(self) -> str:
        return facts_text("ArchiveDiff", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("ArchiveDiff", self._facts())


def compare_versions(old: Table, new: Table, measures: Sequence[str]) -> ArchiveDiff:
    """The differences between two versions. Collects, and reads only days whose files differ."""
    files = [table.files() for table in (old, new)]
    changed_files = pl.concat(
        [
            files[0].join(files[1], on="path", how="anti"),
            files[1].join(files[0], on="path", how="anti"),
        ]
    )
    days = changed_files["local_day"].unique().sort()
    stored = [_rows_of_days(table, days) for table in (old, new)]
    labelled = old.is_labelled or new.is_labelled
    calls = [from_stored_rows(rows.lazy(), labelled=labelled).collect() for rows in stored]
    differences = Differences(*calls)
    return ArchiveDiff(
        old=old.version,
        new=new.version,
        added=differences.added,
        gone=differences.gone,
        before=differences.before,
        after=differences.after,
        changed=differences.changed,
        measures=_changed_measures(calls, measures, new),
    )


def versions_table(table: Table) -> pl.DataFrame:
    """One row per version in the log, oldest first.

    version, at, what ("created", "day", "compacted", "vacuumed", "pruned", "forgotten", "labels
    added", or the operation of another engine), local_day, and for a day the number of its calls
    (`rows`) and of calls that were added, changed and removed (`added`, `changed`, `gone`).
    """
    rows = [
        (
            commit.version,
            datetime.fromtimestamp(commit.info["timestamp"] / 1000, UTC),
            commit.metadata.get("what") or str(commit.info.get("operation", "")).lower(),
            commit.metadata.get("day"),
            *(commit.metadata.get(name) for name in ("rows", "added", "changed", "gone")),
        )
        for commit in table.log().commits.values()
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


def _rows_of_days(table: Table, days: pl.Series) -> pl.DataFrame:
    if days.is_empty():
        return table.scan().clear().collect()
    return table.scan(days[0], days[-1]).filter(pl.col("local_day").is_in(days.implode())).collect()


def _changed_measures(
    calls: Sequence[pl.DataFrame], measures: Sequence[str], table: Table
) -> pl.DataFrame:
    old, new = (
        summarize(
            each.select(*CALL_SCHEMA), by=["day"], measures=measures, options=table.config.options
        )
        .with_columns(pl.exclude("day").cast(pl.Float64))
        .unpivot(index="day", variable_name="measure", value_name=name)
        for each, name in zip(calls, ("old", "new"), strict=True)
    )
    both = old.join(new, on=["day", "measure"], how="full", coalesce=True, nulls_equal=True)
    moved = pl.col("new") - pl.col("old")
    order = pl.col("measure").replace_strict(
        list(measures), list(range(len(measures))), return_dtype=pl.Int32
    )
    return (
        both.with_columns(moved=moved)
        .filter((pl.col("old").is_null() != pl.col("new").is_null()) | (moved.abs() > _TOLERANCE))
        .sort("day", order, nulls_last=True)
        .select("day", "measure", "old", "new", "moved")
    )
