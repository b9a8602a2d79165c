"""etelecom init: propose a site file, from calls if there are any."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..language import tr
from .common import EXIT_CODES, Subparsers, add_command

if TYPE_CHECKING:
    import polars as pl

__all__ = ["add_parser", "run"]

_SEARCH = """\
The command line, panels, reports and archives read etelecom.toml from the current folder or the
nearest folder above it, as far as a folder with .git or the home folder. ETELECOM_SITE or --site
names another file. Options of a command win over the file.

"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "init",
        run,
        "Propose a site file, etelecom.toml: the numbers, hours and targets of your organisation.",
        epilog=_SEARCH + EXIT_CODES,
    )
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="a snapshot or an archive whose calls show IVR and queue numbers and busy hours; "
        "without it, the file has comments and examples only",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("etelecom.toml"),
        metavar="FILE",
        help="file to write (default: ./%(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(arguments: argparse.Namespace) -> None:
    """Write the file, and print what it sets."""
    from .. import storage
    from ..site import Site
    from ..site_template import site_template

    output = arguments.output
    if not arguments.force and (output.exists() or output.is_symlink()):
        raise InputError(
            tr("{file} exists: pass --force to replace it, or another name with -o.", file=output)
        )
    if arguments.data is None:
        text = site_template()
    else:
        calls, time_zone = _calls(arguments.data)
        text = site_template(calls, time_zone=time_zone)
    storage.write_file(output, text.encode())
    options = Site.load(output).options()
    print(tr("A site file to check and to complete:  {path}", path=output.resolve()))
    if numbers := ", ".join(options.ivr_numbers):
        print(f"  {tr('IVR numbers that the calls show: {numbers}', numbers=numbers)}")
    if numbers := ", ".join(options.queue_numbers):
        print(f"  {tr('queue numbers that the calls show: {numbers}', numbers=numbers)}")
    if arguments.data is None:
        text = tr(
            "etelecom init FOLDER proposes numbers from the calls of a snapshot or an archive."
        )
        print(f"  {text}")


def _calls(folder: Path) -> "tuple[pl.LazyFrame, str]":
    """The calls of a snapshot or an archive, and their time zone."""
    from ..manifest import MANIFEST

    if (folder / "_delta_log").is_dir():
        from ..archive import Archive

        archive = Archive(folder)
        return archive.scan(), archive.time_zone
    if not (folder / MANIFEST).exists():
        raise InputError(
            tr(
                "{folder} is no snapshot and no archive: name the folder that etelecom fetch or "
                "etelecom sync wrote.",
                folder=folder,
            )
        )
    from ..snapshot import read_snapshot

    logs = read_snapshot(folder)
    return logs.calls.lazy(), logs.query.time_zone
