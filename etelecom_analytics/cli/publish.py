"""etelecom publish: write the flat tables of an archive for other engines."""

import argparse
from pathlib import Path

from ..language import tr
from .common import (
    DONE,
    EXIT_CODES,
    Subparsers,
    add_archive_arguments,
    add_command,
    storage_options,
)

__all__ = ["add_parser", "run"]


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "publish",
        run,
        "Write calls, offers and legs of an archive as flat tables for other engines, in parquet "
        "files by month.",
        epilog=EXIT_CODES,
    )
    add_archive_arguments(parser, "folder of the archive, or s3://bucket/name")
    parser.add_argument(
        "tables",
        type=Path,
        metavar="TABLES",
        help="a new or empty folder, or that of an earlier publication, which is replaced",
    )
    parser.add_argument(
        "--personal",
        action="store_true",
        help="also write callers, callees, external phone numbers, notes and links to recordings",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run(arguments: argparse.Namespace) -> int:
    """Print the number of rows of each table."""
    from ..archive import Archive

    publication = Archive(arguments.archive, storage_options=storage_options(arguments)).publish(
        arguments.tables, personal=arguments.personal, progress=not arguments.quiet
    )
    rows = publication.rows
    if not arguments.quiet:
        print(
            tr(
                "{folder}: {calls} calls, {offers} offers, {legs} legs",
                folder=publication.folder,
                calls=rows["calls"],
                offers=rows["offers"],
                legs=rows["legs"],
            )
        )
    return DONE
