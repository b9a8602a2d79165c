"""The command line of etelecom: its parser, its errors and its exit codes."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import ArchiveBusy, DataLossError, EtelecomError, InputError, Stopped, UnknownName
from ..language import speaking, tr
from . import check, demo, fetch, forget, init, publish, report, serve, sync, verify, watch
from .common import (
    API_SETTINGS,
    BUSY,
    DATA_LOSS,
    DONE,
    EXIT_CODES_OF_SYNC,
    FAILED,
    STOPPED,
    USAGE,
    Command,
    Parser,
    add_language_argument,
    language_of,
    option_text,
)

__all__ = ["main"]

_COMMANDS = (demo, check, init, fetch, sync, watch, verify, forget, publish, report, serve)
_EXIT_CODES = (
    (InputError, USAGE),
    (Stopped, STOPPED),
    (DataLossError, DATA_LOSS),
    (ArchiveBusy, BUSY),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command. Errors of the package and of files print one sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console with a small character set still prints names in Vietnamese.
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    namespace = parser.parse_args(arguments)
    if "command" not in namespace:
        parser.print_help(sys.stderr)
        return USAGE
    with speaking(language_of(namespace)):
        return _run(namespace)


def _run(namespace: argparse.Namespace) -> int:
    command: Command = namespace.command
    try:
        code = command(namespace)
        if sys.stdout:
            sys.stdout.flush()
    except EtelecomError as error:
        text = str(error)
        if isinstance(error, InputError) and not isinstance(error, UnknownName):
            text = option_text(text, namespace.parser)
        print(f"etelecom: {text}", file=sys.stderr)
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), FAILED)
    except KeyboardInterrupt:
        print(f"etelecom: {tr('stopped.')}", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # `etelecom demo | head`: the reader needs no more output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(f"etelecom: {error.strerror or error}{place}", file=sys.stderr)
        return FAILED
    return code or DONE


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="etelecom",
        description="Call logs of eTelecom's cloud PBX: fetch, store and measure them.",
        epilog=API_SETTINGS + EXIT_CODES_OF_SYNC,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"etelecom_analytics {__version__}")
    add_language_argument(parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in _COMMANDS:
        module.add_parser(subparsers)
    return parser
