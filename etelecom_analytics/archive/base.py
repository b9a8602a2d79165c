"""The configuration of an archive, and how it is opened."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from .. import local_time
from ..errors import ArchiveError, InputError
from ..metrics.options import MetricOptions
from ..privacy import Privacy
from .config import ArchiveConfig, leave_unmasked, same_zone
from .delta import translate_errors
from .folder import archive_path, exclusive_lock, remove_staged_files
from .forget_log import recover_log
from .log import DamagedLog, Log, repair_log
from .problems import Problem
from .table import Table

__all__ = ["ArchiveBase", "stored_config"]


class ArchiveBase:
    """A folder with the table of an archive; `Archive` documents its arguments.

    Attributes:
        path: the absolute path of the folder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        time_zone: str | None = None,
        ivr_numbers: Sequence[str] | None = None,
        privacy: Privacy | None = None,
        lock: bool = True,
        allow_unsafe_rename: bool = False,
    ) -> None:
        if isinstance(ivr_numbers, str):
            raise InputError('ivr_numbers must be a list of texts, such as ["8000"].')
        self.path = archive_path(path)
        self._lock, self._unsafe = lock, allow_unsafe_rename
        recover_log(self.path)
        new = ArchiveConfig(
            time_zone=local_time.zone(time_zone or local_time.HOME_ZONE).key,
            ivr_numbers=tuple(ivr_numbers or ()),
        )
        stored = stored_config(self.path)
        self._config = stored or new
        self._privacy = leave_unmasked(privacy, self._config.ivr_numbers)
        if not stored:
            self._config = replace(new, privacy=self._privacy_dict())
            return
        if time_zone is not None and not same_zone(new.time_zone, self.time_zone):
            self._raise_fixed("time_zone", self.time_zone)
        if ivr_numbers is not None and new.ivr_numbers != self.ivr_numbers:
            self._raise_fixed("ivr_numbers", list(self.ivr_numbers))
        if privacy is not None and self._privacy_dict() != self._config.privacy:
            self._raise_fixed("privacy", "another privacy, or another key")

    @property
    def options(self) -> MetricOptions:
        """The options with which to measure its calls: its time zone and its IVR numbers."""
        return self._config.options

    @property
    def time_zone(self) -> str:
        """Time zone of the daily partitions and of the flat facts."""
        return self._config.time_zone

    @property
    def ivr_numbers(self) -> tuple[str, ...]:
        """Target numbers that are not persons."""
        return self._config.ivr_numbers

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArchiveBase):
            return NotImplemented
        return (self.path, self._config) == (other.path, other._config)

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def _raise_fixed(self, name: str, value: object) -> None:
        raise ArchiveError(
            f"{self.path} was created with {name}: {value}, which cannot be changed. "
            f"Omit {name}, or create another archive."
        )

    def _privacy_dict(self) -> dict[str, object] | None:
        return self._privacy.to_dict() if self._privacy else None

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Lock the archive while the block runs, and remove what killed writers left."""
        with exclusive_lock(self.path) if self._lock else nullcontext():
            remove_staged_files(self.path)
            yield

    def _repair(self) -> list[Problem]:
        """Repair the log, and return the problems that it had. The caller must hold the lock."""
        with translate_errors(self.path):
            problems = repair_log(self.path)
            try:
                self._table()
            except DamagedLog:  # a checkpoint that Polars reads, but deltalake does not
                problems += repair_log(self.path, distrust=True)
        return problems

    def _open_for_writing(self) -> Table:
        """The table, created if it does not exist, after checking its configuration."""
        table = self._table() or Table.create(
            self.path, self._config, allow_unsafe_rename=self._unsafe
        )
        if table.config != self._config:
            raise ArchiveError(
                f"Another process created {self.path} with another configuration: "
                "open the archive again."
            )
        if self._config.privacy != self._privacy_dict():
            raise ArchiveError(
                f"{self.path} was created with another privacy: "
                "pass the same privacy to Archive, including its key."
            )
        return table

    def _table(self, version: int | None = None) -> Table | None:
        return Table.open(self.path, version=version, allow_unsafe_rename=self._unsafe)

    def _open(self, version: int | None = None) -> Table:
        table = self._table(version)
        if table is None:
            raise ArchiveError(f"There is no archive at {self.path}: the first sync creates it.")
        return table


def stored_config(folder: Path) -> ArchiveConfig | None:
    """The configuration of the archive in a folder, even if it is damaged; None without archive.

    Raises:
        ArchiveError: the folder contains another kind of table.
    """
    try:
        table = Table.open(folder)
    except DamagedLog:
        with translate_errors(folder):
            properties = Log.read(folder).properties
        return None if properties is None else ArchiveConfig.read(properties, folder)
    return table.config if table else None
