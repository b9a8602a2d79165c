"""Publication: a folder of flat tables in files by month, with the options behind them."""

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .. import storage
from ..errors import ArchiveError, InputError
from ..metrics.options import MetricOptions
from ..metrics.registry import Grain
from ..phone_numbers import printable

__all__ = ["GRAINS", "Publication", "prepare_folder", "remove_other_months", "write_month"]

GRAINS: tuple[Grain, ...] = ("calls", "offers", "legs")
_MANIFEST, _FORMAT = "publication.json", 1
_MONTH = "local_month="
_NO_MANIFEST = (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, InputError)
"""What reading raises if there is no manifest, or another file of its name."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """The tables that `Archive.publish` wrote into a folder.

    `calls/local_month=2026-11/calls.parquet` has the calls of a local month; `offers` and `legs`
    are alike. `publication.json` has all but the folder.

    Attributes:
        folder: the absolute path of the folder.
        options: the options of the archive when it was published.
        personal: whether the tables have personal columns.
        names: the names of calls that are columns, such as "hotline".
        rows: the number of rows of each table.
        months: the local months, such as "2026-11".

    Examples:
        >>> from pathlib import Path
        >>> folder, options = Path("tables"), et.MetricOptions()
        >>> publication = et.engines.Publication(
        ...     folder=folder, options=options, personal=False, rows={"calls": 0}, months=()
        ... )
        >>> publication.pattern("calls")
        'tables/calls/*/calls.parquet'
    """

    folder: Path
    options: MetricOptions
    personal: bool
    names: tuple[str, ...] = ()
    rows: Mapping[str, int]
    months: tuple[str, ...]

    @classmethod
    def read(cls, folder: str | Path) -> "Publication":
        """The publication in a folder.

        Raises:
            ArchiveError: the folder has none, or a newer version of this package wrote it.
        """
        try:
            path = storage.resolve(folder)
            values = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
            if values["format"] > _FORMAT:
                raise ArchiveError(
                    f"The tables in {path} have format {values['format']}, and this package "
                    f"supports up to {_FORMAT}: upgrade the package."
                )
            return cls(
                folder=path,
                options=MetricOptions.from_dict(values["options"]),
                personal=values["personal"],
                names=tuple(values["names"]),
                rows=values["rows"],
                months=tuple(values["months"]),
            )
        except _NO_MANIFEST as error:
            raise ArchiveError(
                f"{printable(str(folder))} has no published tables, or a publication was "
                "interrupted: publish an archive into it."
            ) from error
        except OSError as error:
            raise ArchiveError(
                f"{printable(str(folder))} cannot be read: {storage.reason(error)}."
            ) from error

    def pattern(self, table: Grain) -> str:
        """The files of "calls", "offers" or "legs" as a pattern with `*`, for engines."""
        return (self.folder / table / "*" / f"{table}.parquet").as_posix()

    def save(self) -> None:
        """Write the manifest, which a complete publication has.

        Raises:
            ArchiveError: it cannot be written.
        """
        values = {
            "format": _FORMAT,
            "options": self.options.to_dict(),
            "personal": self.personal,
            "names": list(self.names),
            "rows": dict(self.rows),
            "months": list(self.months),
        }
        content = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        _write_changed({self.folder / _MANIFEST: content.encode()})


def prepare_folder(
    folder: str | Path,
    options: MetricOptions,
    personal: bool,
    names: tuple[str, ...],
    *,
    archive: Path | None,
) -> Path:
    """The absolute path of a folder that tables with these settings can be written to.

    Tables with other settings lose their manifest, since for a while months of both kinds exist.

    Raises:
        ArchiveError: the folder contains something else, is in that of the archive, or cannot be
            read.
    """
    try:
        path = storage.resolve(folder)
        if archive and path.is_relative_to(archive):
            raise ArchiveError(f"{path} is in the folder of the archive: use another folder.")
        entries = {each.name for each in path.iterdir()} if path.exists() else set()
        if others := {n for n in entries if not n.startswith(".")} - {*GRAINS, _MANIFEST}:
            raise ArchiveError(
                f"{path} contains {printable(min(others))}, which is no published table: use an "
                "empty or a new folder."
            )
        if _MANIFEST in entries:
            with suppress(ArchiveError):
                old = Publication.read(path)
                if (old.options, old.personal, old.names) == (options, personal, names):
                    return path
            _remove_manifest(path)
    except OSError as error:
        raise ArchiveError(
            f"{printable(str(folder))} cannot be used for tables: {storage.reason(error)}."
        ) from error
    return path


def write_month(folder: Path, month: str, tables: Mapping[Grain, pl.DataFrame]) -> None:
    """Write the files of a month, replacing those that differ; equal ones are not touched.

    If files differ, the manifest is removed first: until all months are written, nobody reads some
    of this publication and some of an older one.

    Raises:
        ArchiveError: a file cannot be written; older files of the month are unchanged.
    """
    contents = {}
    for grain, table in tables.items():
        file = io.BytesIO()
        table.write_parquet(file, compression="zstd")
        contents[folder / grain / f"{_MONTH}{month}" / f"{grain}.parquet"] = file.getvalue()
    _write_changed(contents, manifest_of=folder)


def remove_other_months(folder: Path, months: tuple[str, ...]) -> None:
    """Remove the files of months that the archive no longer has, and first the manifest.

    Raises:
        ArchiveError: a file cannot be deleted.
    """
    of_months = (path for grain in GRAINS for path in (folder / grain).glob(f"{_MONTH}*"))
    others = [path for path in of_months if path.name.removeprefix(_MONTH) not in months]
    try:
        if others:
            _remove_manifest(folder)
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be written: {storage.reason(error)}.") from error
    for path in others:
        storage.remove(path)
        if path.exists():
            raise ArchiveError(f"{path} cannot be deleted: delete it, then publish again.")


def _remove_manifest(folder: Path) -> None:
    """Remove the manifest, if there is one, and wait until its name is gone from the disk."""
    if (folder / _MANIFEST).exists():
        (folder / _MANIFEST).unlink()
        storage.sync_folder(folder)


def _has(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _write_changed(contents: Mapping[Path, bytes], *, manifest_of: Path | None = None) -> None:
    """Write the files whose content is another one; before, remove the manifest of a folder."""
    changed = {path: content for path, content in contents.items() if not _has(path, content)}
    try:
        if changed and manifest_of:
            _remove_manifest(manifest_of)
        storage.write_files(changed)
    except OSError as error:
        raise ArchiveError(
            f"{error.filename} cannot be written: {storage.reason(error)}. Publish again; files "
            "that are complete are not written again."
        ) from error
