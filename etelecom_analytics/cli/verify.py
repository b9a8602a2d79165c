"""etelecom verify: read all files of an archive, and list what is damaged."""

import argparse

from ..language import date_text, tr
from .common import (
    DONE,
    EXIT_CODES,
    FAILED,
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
        "verify",
        run,
        "Read all files of an archive, and list what is damaged; exit code 1 if there is anything.",
        epilog=EXIT_CODES,
    )
    add_archive_arguments(parser, "folder of the archive, or s3://bucket/name")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="first drop a last commit that a crash has cut off, delete damaged checkpoints, and "
        "rename data files that cannot be read",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one line per problem."""
    from ..archive import Archive

    archive = Archive(arguments.archive, storage_options=storage_options(arguments))
    repaired = archive.repair() if arguments.repair else None
    if repaired is not None:
        for file, detail in repaired.select("file", "detail").rows():
            print(tr("repaired {file}: {detail}", file=file, detail=detail))
    problems = archive.verify()
    for day, file, detail in problems.select("local_day", "file", "detail").rows():
        print(f"{file or date_text(day)}: {detail}")
    if problems.is_empty():
        print(tr("No problem."))
        return FAILED if repaired is not None and repaired.height else DONE
    print(
        tr(
            "etelecom verify --repair repairs the files, and the next etelecom sync fetches these "
            "days again."
        )
    )
    return FAILED
