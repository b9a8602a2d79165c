"""etelecom forget: remove a person's phone number from an archive and from snapshots."""

import argparse
import sys
from pathlib import Path

from ..language import tr
from .common import EXIT_CODES, Subparsers, add_command
from .sync import pseudonym_key

__all__ = ["add_parser", "run"]

_BUSY = EXIT_CODES.replace("130", "75 a sync is running, 130")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "forget",
        run,
        "Remove a person's phone number from all versions of an archive for good. Calls stay.",
        epilog=_BUSY,
    )
    parser.add_argument("archive", type=Path, metavar="FOLDER", help="folder of the archive")
    parser.add_argument(
        "number",
        nargs="?",
        default="-",
        metavar="NUMBER",
        help="the phone number in any form; without it, it is read from standard input, so that it "
        "is in no history of commands",
    )
    parser.add_argument(
        "--snapshot",
        dest="snapshots",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder of a snapshot from which to remove the number as well; may be repeated",
    )
    parser.add_argument(
        "--no-lock",
        dest="lock",
        action="store_false",
        help="for a file system without locks; no other process may write to the archive",
    )


def run(arguments: argparse.Namespace) -> None:
    """Forget the number, and print the proof."""
    from ..archive import Archive
    from ..privacy import Privacy

    number = arguments.number
    if number == "-":
        if sys.stdin.isatty():
            print(tr("Phone number to forget:"), end=" ", file=sys.stderr, flush=True)
        number = sys.stdin.readline().strip()
    key = pseudonym_key()
    privacies = [Privacy(numbers="pseudonymized", key=key)] if key else []
    archive = Archive(arguments.archive, lock=arguments.lock)
    print(archive.forget(number, snapshots=arguments.snapshots, privacies=privacies))
