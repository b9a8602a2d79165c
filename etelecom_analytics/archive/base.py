"""The configuration of an archive, and how it is opened."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

from .. import local_time
from ..errors import ArchiveError, InputError
from ..metrics.options import MetricOptions
from ..privacy import Privacy
from ..site import PRIVACY_KEY, Site, checked_site
from .config import ArchiveConfig, leave_unmasked, same_zone
from .delta import translate_errors
from .folder import archive_path, exclusive
from .forget_log import recover_log
from .log import DamagedLog, Log, repair_log
from .places import StorePath
from .problems import Problem
from .table import Table

__all__ = ["ArchiveBase", "stored_config"]


class ArchiveBase:
    """A folder or an address with the table of an archive; `Archive` documents its arguments.

    Attributes:
        path: the absolute path of the folder, or the path in an object store, whose `str` is the
            address.
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
        site: Site | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(ivr_numbers, str):
            raise InputError('ivr_numbers must be a list of texts, such as ["8000"].')
        self.path = archive_path(path, storage_options, unsafe_rename=allow_unsafe_rename)
        self._lock, self._unsafe = lock, allow_unsafe_rename
        if isinstance(self.path, Path):
            recover_log(self.path)
        self._site = site = checked_site(site)
        new = ArchiveConfig(
            time_zone=local_time.zone(time_zone or site.time_zone).key,
            ivr_numbers=tuple(site.ivr_numbers if ivr_numbers is None else ivr_numbers),
            queue_numbers=tuple(site.queue_numbers),
            voicemail_numbers=tuple(site.voicemail_numbers),
            agent_numbers=tuple(site.agent_numbers),
        )
        stored = stored_config(self.path)
        self._config = stored or new
        if privacy is None and site.privacy is not None:
            self._privacy = _privacy_of_site(site, stored, new)
        else:
            self._privacy = leave_unmasked(privacy, self._config.numbers_without_person)
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
        """The options with which to measure its calls.

        Its time zone and its lists of numbers, which were stored when it was created, with the
        business hours and the holidays of the site file.
        """
        own = {field.name for field in fields(ArchiveConfig)} & {*vars(self._config.options)}
        stored = {name: getattr(self._config, name) for name in own}
        return replace(self._site.options(), **stored)

    @property
    def time_zone(self) -> str:
        """Time zone of the daily partitions and of the flat facts."""
        return self._config.time_zone

    @property
    def ivr_numbers(self) -> tuple[str, ...]:
        """Target numbers that are not persons."""
        return self._config.ivr_numbers

    @property
    def privacy(self) -> Mapping[str, object] | None:
        """How calls are masked before they are written, as `Privacy.to_dict` returns it."""
        return self._config.privacy

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
        with exclusive(self.path, lock=self._lock):
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


def _privacy_of_site(
    site: Site, stored: ArchiveConfig | None, new: ArchiveConfig
) -> Privacy | None:
    """The privacy of the site file for a new archive; else the stored one, with the site's key.

    None without the right key: the archive can then be read, but not written.
    """
    if stored is None:
        return leave_unmasked(site.to_privacy(), new.numbers_without_person)
    if stored.privacy is None:
        return None
    values = {name: value for name, value in stored.privacy.items() if name != "key_id"}
    key = None
    if values["numbers"] == "pseudonymized" and not (key := os.environ.get(PRIVACY_KEY)):
        return None
    privacy = Privacy(**values, key=key)  # type: ignore[arg-type]
    return privacy if privacy.to_dict() == stored.privacy else None


def stored_config(folder: StorePath) -> ArchiveConfig | None:
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
