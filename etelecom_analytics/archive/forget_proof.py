"""ForgetProof: what was changed to forget a number, and how its absence was verified."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ..formatting import facts_text
from ..language import date_text, tr

__all__ = ["ForgetProof"]

_MAX_DAYS = 5


@dataclass(frozen=True, kw_only=True, repr=False)
class ForgetProof:
    """Result of forgetting a number. It does not contain the number.

    Attributes:
        at: when the last search ended.
        rows: number of calls that were changed, each counted once, however many versions and
            snapshots contain it; 0 if the number was already forgotten.
        days: the local days of the archive with changed calls, in any version.
        files_rewritten: number of data files, log files and snapshot files that were written again.
        files_deleted: number of files that no version used, such as those of interrupted writers.
        snapshots: number of snapshots that were rewritten.
        files: number of files that were searched at the end: all files of the archive and of the
            snapshots.
        bytes: their size. Parquet files and JSON are also searched in decompressed form.
        hits: number of places in which the number still occurs. Always 0: otherwise `forget` raises
            an error.

    Examples:
        >>> import tempfile
        >>> with (
        ...     tempfile.TemporaryDirectory() as folder,
        ...     et.simulator.serve(et.sample_logs().calls) as server,
        ... ):
        ...     client = et.Client(server.base_url, server.api_key)
        ...     archive = et.Archive(folder)
        ...     report = archive.sync(
        ...         client, since="2026-11-02", until="2026-11-04", progress=False
        ...     )
        ...     callers = archive.scan(et.CallQuery(direction="in")).collect()["caller"]
        ...     proof = archive.forget(callers.drop_nulls()[0])
        >>> proof.hits, proof.rows > 0
        (0, True)
    """

    at: datetime
    rows: int
    days: tuple[date, ...]
    files_rewritten: int
    files_deleted: int
    snapshots: int
    files: int
    bytes: int
    hits: int

    def facts(self) -> Iterable[tuple[str, str]]:
        """The contents of the proof, as (label, text)."""
        days = ", ".join(map(date_text, self.days[:_MAX_DAYS]))
        if (more := len(self.days) - _MAX_DAYS) > 0:
            days = tr("{days} and {n} more", days=days, n=more)
        text = (
            tr("{n} changed on {days}", n=self.rows, days=days)
            if days
            else tr("{n} changed", n=self.rows)
        )
        yield tr("calls", context="fact"), text
        yield (
            tr("files", context="fact"),
            tr(
                "{rewritten} rewritten, {deleted} deleted, {snapshots} snapshots replaced",
                rewritten=self.files_rewritten,
                deleted=self.files_deleted,
                snapshots=self.snapshots,
            ),
        )
        yield (
            tr("searched", context="fact"),
            tr(
                "{bytes} bytes of {files} files: the number occurs {hits} times",
                bytes=self.bytes,
                files=self.files,
                hits=self.hits,
            ),
        )

    def to_dict(self) -> dict[str, object]:
        """The proof as a JSON-compatible dict."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "rows": self.rows,
            "days": [day.isoformat() for day in self.days],
            "files_rewritten": self.files_rewritten,
            "files_deleted": self.files_deleted,
            "snapshots": self.snapshots,
            "files": self.files,
            "bytes": self.bytes,
            "hits": self.hits,
        }

    def __repr__(self) -> str:
        return facts_text("ForgetProof", self.facts())
