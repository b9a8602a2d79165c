"""Exceptions of snapshots, archives and reports."""

from collections.abc import Mapping
from datetime import date

from .base import EtelecomError

__all__ = [
    "SnapshotError",
    "ArchiveError",
    "ArchiveBusy",
    "StoreDown",
    "DataLossError",
    "ForgetError",
    "ReportError",
]

_MAX_DAYS = 5
"""How many days a message lists."""


class SnapshotError(EtelecomError):
    """A snapshot cannot be read (missing, modified, too new) or written (the path is in use)."""


class ArchiveError(EtelecomError):
    """An archive cannot be read or written, or does not have the requested version."""


class ArchiveBusy(ArchiveError):
    """Another process is writing to the archive."""


class StoreDown(ArchiveError):
    """An object store refused a request or did not answer: nothing is known to be damaged."""


class DataLossError(ArchiveError):
    """The server has lost many calls of some days: these were not changed, all others were synced.

    Attributes:
        losses: for each such day, the number of stored calls and how many of them the server no
            longer has.
        report: the report of the sync.
    """

    def __init__(self, losses: Mapping[date, tuple[int, int]], report: object) -> None:
        super().__init__(losses, report)
        self.losses, self.report = dict(losses), report

    def __str__(self) -> str:
        days = ", ".join(
            f"{day} ({lost:,} of {stored:,} calls)"
            for day, (stored, lost) in sorted(self.losses.items())[:_MAX_DAYS]
        )
        more = len(self.losses) - _MAX_DAYS
        days += f" and {more} more" if more > 0 else ""
        cause = ""
        if all(stored == lost for stored, lost in self.losses.values()):
            cause = (
                "The server has none of the stored calls of these days: it may be empty, or the "
                "key may be another shop's key. "
            )
        return (
            f"The server no longer has calls that the archive contains: {days}. {cause}These days "
            "were not changed. To remove the calls from the archive, sync with accept_loss=True "
            "(etelecom: --accept-loss)."
        )


class ForgetError(ArchiveError):
    """A number cannot be forgotten: it is not a person's, does not occur, or is left in a file."""


class ReportError(EtelecomError):
    """A report cannot be created, for example because a cell of its notebook failed.

    Attributes:
        cell: the number of the cell that failed, from 1, or None.
        kind: the type of the exception in that cell, such as "ColumnNotFoundError".
        message: the message of that exception, without phone numbers.
    """

    def __init__(
        self, text: str, *, cell: int | None = None, kind: str = "", message: str = ""
    ) -> None:
        super().__init__(text)
        self.cell = cell
        self.kind = kind
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the attributes when the exception is pickled."""
        state = {"cell": self.cell, "kind": self.kind, "message": self.message}
        return type(self), self.args, state
