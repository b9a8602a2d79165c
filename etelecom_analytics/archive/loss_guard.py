"""LossGuard: decides whether the days of a sync may replace what is stored."""

import io
from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from .certificates import Certificate

__all__ = ["FetchedDay", "LossGuard"]

_MAX_LOST_SHARE, _MAX_LOST_CALLS = 0.02, 5
"""A sync that would lose more than both is refused."""
_MIN_CALLS = 3
"""A day with at least this many calls may not become empty."""


class FetchedDay:
    """A fetched day, and how it differs from what is stored.

    Args:
        certificate: the certificate of the fetch.
        rows: the rows to store.
        stored: number of stored calls, including those in damaged files.
        kept: number of stored calls that the server still has.
    """

    def __init__(
        self, certificate: Certificate, rows: pl.DataFrame, *, stored: int, kept: int
    ) -> None:
        self.certificate, self.stored, self.kept = certificate, stored, kept
        self._rows: pl.DataFrame | bytes = rows

    @property
    def day(self) -> date:
        """The local day."""
        return self.certificate.day

    @property
    def lost(self) -> int:
        """Number of stored calls that the server no longer has."""
        return self.stored - self.kept

    @property
    def rows(self) -> pl.DataFrame:
        """The rows to store."""
        if isinstance(self._rows, bytes):
            return pl.read_parquet(io.BytesIO(self._rows))
        return self._rows

    def compress(self) -> None:
        """Keep the rows compressed, because a sync may have to hold many days."""
        if not isinstance(self._rows, bytes):
            content = io.BytesIO()
            self._rows.write_parquet(content, compression="zstd")
            self._rows = content.getvalue()


class LossGuard:
    """Holds the days of a sync that lose calls, until it is known how much the whole sync loses.

    Until one stored call comes back, it holds all days: another shop's server has none of them.

    Args:
        stored: number of stored calls of each day that will be fetched.
    """

    def __init__(self, stored: Mapping[date, int]) -> None:
        self._held: list[FetchedDay] = []
        self._touched = self._kept = 0
        self._recognized = not any(stored.values())

    def admit(self, fetched: FetchedDay) -> Iterator[FetchedDay]:
        """The days that may be stored now that this one was fetched."""
        self._touched += fetched.stored
        self._kept += fetched.kept
        self._recognized = self._recognized or fetched.kept > 0
        self._held.append(fetched)
        if self._recognized:
            ready = [each for each in self._held if not each.lost]
            self._held = [each for each in self._held if each.lost]
            yield from ready
        for each in self._held:
            each.compress()

    def decide(self) -> tuple[list[FetchedDay], dict[date, tuple[int, int]]]:
        """The held days to store, and the others: (stored, lost) by day.

        To be called when all days were fetched.
        """
        lost = self._touched - self._kept
        too_many = lost > _MAX_LOST_CALLS and lost > _MAX_LOST_SHARE * self._touched
        if not self._recognized or too_many:
            return [], {each.day: (each.stored, each.lost) for each in self._held if each.lost}
        emptied = {
            each.day: (each.stored, each.lost)
            for each in self._held
            if each.stored >= _MIN_CALLS and not each.certificate.report.rows
        }
        return [each for each in self._held if each.day not in emptied], emptied
