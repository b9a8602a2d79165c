"""Exit codes, help texts and arguments that several commands share."""

import argparse
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from ..errors import EtelecomError
from ..language import LANGUAGES, tr
from ..phone_numbers import printable

if TYPE_CHECKING:
    from ..site import Site

__all__ = [
    "API_SETTINGS",
    "BUSY",
    "DATA_LOSS",
    "DEMO_START",
    "DONE",
    "EXIT_CODES",
    "EXIT_CODES_OF_SYNC",
    "FAILED",
    "STOPPED",
    "USAGE",
    "Command",
    "Parser",
    "Subparsers",
    "add_archive_arguments",
    "add_command",
    "add_date_arguments",
    "add_language_argument",
    "add_site_arguments",
    "add_simulation_arguments",
    "language_of",
    "option_text",
    "positive_int",
    "print_warnings",
    "settings_text",
    "site_of",
    "storage_options",
]

DONE, FAILED, USAGE, DATA_LOSS, BUSY, STOPPED = 0, 1, 2, 3, 75, 130
"""Exit codes: 75 is EX_TEMPFAIL of sysexits.h, and 130 is 128 + SIGINT."""

DEMO_START = date(2026, 11, 2)
"""The first simulated day."""

API_SETTINGS = """\
API settings:
  ETELECOM_BASE_URL   the address that came with your key, such as https://host/v1/shop
  ETELECOM_API_KEY    the key: a shop's api_key, or the shop_key if you act for a shop
Both are read from the environment, or from a file named .env in this folder or above it.

"""
EXIT_CODES = (
    "exit codes: 0 done, 1 failed (the reason is printed), "
    "2 invalid command or input, 130 stopped by Ctrl-C.\n"
)
EXIT_CODES_OF_SYNC = EXIT_CODES.replace(
    "130", "3 calls would be lost,\n75 another sync is running, 130"
)

_DEMO_CALLS, _DEMO_SEED, _DEMO_DAYS = 2_000, 7, 7
_MAX_DAYS = 3_660
_MAX_MESSAGE = 400
_SECRET_OPTION = re.compile(r"(?i)secret|token$|access_key")


class Parser(argparse.ArgumentParser):
    """A parser whose messages show no phone number of an invalid argument."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with `USAGE`."""
        super().error(printable(message, max_length=_MAX_MESSAGE))


Command: TypeAlias = Callable[[argparse.Namespace], int | None]
"""Runs a command with its parsed arguments and returns an exit code; None means `DONE`."""

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    subparsers: Subparsers, name: str, run: Command, summary: str, *, epilog: str = EXIT_CODES
) -> argparse.ArgumentParser:
    """A new parser for the command `name`; `main` calls `run` with its arguments."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Without a default, which would hide the option before the command.
    add_language_argument(parser, default=argparse.SUPPRESS)
    parser.set_defaults(command=run, parser=parser)
    return parser


def add_date_arguments(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Add --from and --to."""
    parser.add_argument(
        "--from",
        dest="date_from",
        metavar="DATE",
        help="first day or moment: 2026-11-02, 02/11/2026 (day first), 2026-11-02T08:30 "
        f"(default: {default})",
    )
    parser.add_argument(
        "--to",
        dest="date_to",
        metavar="DATE",
        help="end of the range, in the same forms; not part of it: for a single day, --to is the "
        "day after",
    )


def add_simulation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --calls, --days and --seed."""
    parser.add_argument(
        "--calls",
        type=positive_int,
        default=_DEMO_CALLS,
        metavar="N",
        help="number of calls to simulate (default: %(default)s)",
    )
    parser.add_argument(
        "--days",
        type=_day_count,
        default=_DEMO_DAYS,
        metavar="N",
        help="number of days to simulate (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=_DEMO_SEED,
        help="seed of the simulation; the same seed gives the same calls (default: %(default)s)",
    )


def add_archive_arguments(parser: argparse.ArgumentParser, description: str) -> None:
    """Add the folder or the address of an archive, and the options of an object store."""
    parser.add_argument("archive", metavar="FOLDER", help=description)
    parser.add_argument(
        "--storage-option",
        dest="storage_options",
        action="append",
        type=_storage_option,
        default=[],
        metavar="NAME=VALUE",
        help="an option of an object store, such as AWS_REGION=ap-southeast-1; may be repeated. "
        "Credentials come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )


def storage_options(arguments: argparse.Namespace) -> dict[str, str] | None:
    """The options of `add_archive_arguments`; None if there are none."""
    return dict(arguments.storage_options) or None


def _storage_option(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not (name and value):
        raise argparse.ArgumentTypeError("an option is NAME=VALUE")  # text may be a secret
    if _SECRET_OPTION.search(name):
        raise argparse.ArgumentTypeError(
            f"{printable(name)} belongs in the environment: arguments of commands can be seen"
        )
    return name, value


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --site and --no-site."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--site",
        type=Path,
        metavar="FILE",
        help="the site file, see etelecom init (default: ETELECOM_SITE, or etelecom.toml in this "
        "folder or above it)",
    )
    group.add_argument("--no-site", action="store_true", help="read no site file")


def add_language_argument(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Add --language."""
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default=default,
        help="language of the output (default: that of the site file, else en)",
    )


def language_of(arguments: argparse.Namespace) -> str:
    """The language of the output of a command.

    It is English if the site file is not valid: the command reports its error, if it needs the
    file.
    """
    from ..site import Site

    if arguments.language:
        return str(arguments.language)
    if getattr(arguments, "no_site", False):
        return "en"
    try:
        return Site.load(getattr(arguments, "site", None)).language
    except (EtelecomError, OSError):
        return "en"


def site_of(arguments: argparse.Namespace) -> "Site":
    """The settings that the arguments of `add_site_arguments` choose."""
    from ..site import Site

    return Site() if arguments.no_site else Site.load(arguments.site)


def option_text(message: str, parser: argparse.ArgumentParser) -> str:
    """The message of an error with the options of the command in place of Python's arguments.

    `date_from must be a date` becomes `--from must be a date`. What is in quotes stays, because it
    is the user's. A name that is also an English word, such as `since`, is replaced only at the
    beginning, where it must be the argument.
    """
    for action in parser._actions:
        if not action.option_strings:
            continue
        option, name = max(action.option_strings, key=len), re.escape(action.dest)
        if "_" in action.dest:
            message = re.sub(rf"(?<![\w'\"-]){name}(?![\w'\"=])", option, message)
        else:
            message = re.sub(rf"^{name}(?= (?:must|is|cannot)\b)", option, message)
    return message


def settings_text(site: "Site") -> str:
    """The line that states which site file a command used."""
    return tr("Settings: {source}", source=printable(site.source))


def positive_int(text: str) -> int:
    """The whole number above 0 in `text`.

    Raises:
        argparse.ArgumentTypeError: `text` is anything else.
    """
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def _day_count(text: str) -> int:
    if positive_int(text) > _MAX_DAYS:
        raise argparse.ArgumentTypeError(f"at most {_MAX_DAYS} days, got {text}")
    return int(text)


@contextmanager
def print_warnings() -> Iterator[None]:
    """Print each warning of the block as one line, without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: print(f"etelecom: {message}", file=sys.stderr)
        yield
