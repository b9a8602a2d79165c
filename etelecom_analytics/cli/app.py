"""The command line: etelecom demo | check | fetch | sync | report | serve."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import __version__, local_time
from ..errors import ArchiveBusy, DataLossError, EtelecomError, InputError, Stopped
from ..query import COMPARISONS
from ..schema import CALL_STATES, DIRECTIONS
from . import commands
from .commands import DONE, FAILED, PRIVACY_KEY, STOPPED

__all__ = ["main"]

_MISUSED, _LOSS, _BUSY = 2, 3, 75
_DEMO_FOLDER = Path("etelecom-demo")
_DEMO_CALLS, _DEMO_SEED, _DEMO_DAYS = 2_000, 7, 7

_MOST_DAYS = 3_660

_CODES = ((InputError, _MISUSED), (Stopped, STOPPED), (DataLossError, _LOSS), (ArchiveBusy, _BUSY))
"""What an error is told by; any other is a failure."""

_WHERE = """\
where to ask:
  ETELECOM_BASE_URL   the address that came with your key, such as https://host/v1/shop
  ETELECOM_API_KEY    the key: a shop's api_key, or the shop_key if you act for a shop
Both are read from the environment, or from a file named .env in this folder or above it.

"""
_PARAMETERS = """\
parameters of both reports:
  date_from, date_to   the days: the first, and the day after the last (default: all of the snapshot)
  options              what the numbers depend on, as JSON: {"ivr_numbers": ["8000"], "threshold_s": 30}
  show_numbers         true: outside numbers are shown in full
  own_numbers          numbers that are shown all the same, as JSON: ["19000123"]
of weekly:
  direction            whose numbers are told: in, out, ...; empty for all (default: in)
of extensions:
  min_offers           numbers with fewer offers are grey and come last (default: 20)

"""
_EXITS = "exit codes: 0 done, 1 it could not be done (the reason is printed), 2 the command was not understood, 130 stopped by Ctrl-C.\n"
_EXITS_OF_SYNC = _EXITS.replace(
    "130", "3 calls would have been lost,\n75 another sync is at it, 130"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command; what goes wrong outside this program is told in a sentence, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a console that knows few letters still shows the rest
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int | None] = given.command
    try:
        code = command(given)
        if sys.stdout:
            sys.stdout.flush()
    except EtelecomError as error:
        print(f"etelecom: {error}", file=sys.stderr)
        return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
    except KeyboardInterrupt:
        print("etelecom: stopped.", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # `etelecom demo | head`: whoever read us has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        print(
            f"etelecom: {error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            file=sys.stderr,
        )
        return FAILED
    return code or DONE


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="etelecom",
        description="Call logs of eTelecom's cloud PBX: fetch, keep, measure.",
        epilog=_WHERE + _EXITS_OF_SYNC,
        formatter_class=shape,
    )
    parser.add_argument("--version", action="version", version=f"etelecom_analytics {__version__}")
    parsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str,
        does: Callable[[argparse.Namespace], int | None],
        says: str,
        *,
        epilog: str = _EXITS,
    ) -> argparse.ArgumentParser:
        added = parsers.add_parser(
            name, help=says, description=says, epilog=epilog, formatter_class=shape
        )
        added.set_defaults(command=does)
        return added

    demo = command(
        "demo", commands.demo, "Show it all on a simulated week: no key and no internet needed."
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=_DEMO_FOLDER,
        metavar="FOLDER",
        help="where the snapshot goes (default: ./%(default)s)",
    )
    demo.add_argument(
        "--replace", action="store_true", help="put it in the place of an older snapshot"
    )
    demo.add_argument(
        "--snapshot-only",
        action="store_true",
        help="write no report.html and no pictures of charts",
    )
    _simulation(demo)

    command(
        "check",
        commands.check,
        "Check the key and the address with a single request.",
        epilog=_WHERE + _EXITS,
    )

    fetch = command(
        "fetch",
        commands.fetch,
        "Fetch calls into a snapshot: a folder with calls.parquet, call_targets.parquet and manifest.json.",
        epilog=_WHERE + _EXITS,
    )
    fetch.add_argument(
        "output",
        type=Path,
        metavar="FOLDER",
        help="where the snapshot goes, such as data/2026-11-w1",
    )
    fetch.add_argument(
        "--from",
        dest="date_from",
        metavar="DATE",
        help="calls that began on this day or later: 2026-11-01, 2026-11-01T08:30",
    )
    fetch.add_argument(
        "--to",
        dest="date_to",
        metavar="DATE",
        help="calls that began before this day, which is not part of the range",
    )
    fetch.add_argument("--direction", choices=DIRECTIONS, help="which way the calls went")
    fetch.add_argument(
        "--state", dest="call_state", choices=CALL_STATES, help="whether they were answered"
    )
    fetch.add_argument(
        "--number",
        dest="call_number",
        metavar="NUMBER",
        help="a whole number that called or was called, written as the PBX writes it",
    )
    fetch.add_argument(
        "--duration",
        nargs=2,
        metavar=("COMPARISON", "SECONDS"),
        help=f"seconds of talk; COMPARISON is one of {', '.join(COMPARISONS)}",
    )
    fetch.add_argument(
        "--extension",
        dest="extension_ids",
        action="append",
        default=[],
        metavar="ID",
        help="an extension's id; may be repeated",
    )
    fetch.add_argument("--user", dest="user_id", metavar="ID", help="a user's id")
    fetch.add_argument(
        "--hotline",
        dest="hotline_ids",
        action="append",
        default=[],
        metavar="ID",
        help="a hotline's id; may be repeated",
    )
    fetch.add_argument("--department", dest="department_id", metavar="ID", help="a department's id")
    fetch.add_argument(
        "--external-id", metavar="ID", help="your own id of a call placed from web or mobile"
    )
    fetch.add_argument("--external-session-id", metavar="ID", help="the id of its session")
    fetch.add_argument(
        "--time-zone",
        default=local_time.HOME_ZONE,
        metavar="ZONE",
        help="the zone that dates are meant in (default: %(default)s)",
    )
    fetch.add_argument(
        "--workers",
        type=_count,
        default=4,
        metavar="N",
        help="requests that may be under way at once, up to 32 (default: %(default)s)",
    )
    fetch.add_argument(
        "--resume",
        action="store_true",
        help="go on with a fetch that ended early; what it had brought is in FOLDER.partial",
    )
    fetch.add_argument(
        "--replace", action="store_true", help="put it in the place of an older snapshot"
    )
    fetch.add_argument("--quiet", action="store_true", help="show no progress bar")

    sync = command(
        "sync",
        commands.sync,
        "Bring an archive in step with the API: years of calls in one folder, a day at a time. Made for cron.",
        epilog=_WHERE + _EXITS_OF_SYNC,
    )
    sync.add_argument(
        "archive", type=Path, metavar="FOLDER", help="where the archive lies, or is to be made"
    )
    sync.add_argument("--since", metavar="DATE", help="the first day; needed once, to begin with")
    sync.add_argument("--until", metavar="DATE", help="before this day (default: all up to now)")
    sync.add_argument(
        "--lookback",
        default="3d",
        metavar="TIME",
        help="how long after a day's end its calls may still change: 3d, 36h (default: %(default)s)",
    )
    sync.add_argument(
        "--accept-loss",
        action="store_true",
        help="let days lose calls that the server does not have any more",
    )
    sync.add_argument(
        "--workers",
        type=_count,
        default=4,
        metavar="N",
        help="requests that may be under way at once (default: %(default)s)",
    )
    sync.add_argument(
        "--time-zone",
        metavar="ZONE",
        help="whose days it is divided into; kept from the first time on",
    )
    sync.add_argument(
        "--ivr",
        dest="ivr_numbers",
        action="append",
        metavar="NUMBER",
        help="a target number that is no person; may be repeated; kept too",
    )
    sync.add_argument(
        "--numbers",
        choices=("masked", "pseudonymized"),
        help=f"hide outside numbers, notes and links to recordings before they are written; pseudonyms want {PRIVACY_KEY}",
    )
    sync.add_argument(
        "--own-number",
        dest="own_numbers",
        action="append",
        default=[],
        metavar="NUMBER",
        help="a number that stays; may be repeated",
    )
    sync.add_argument(
        "--keep-notes", action="store_true", help="with --numbers: write notes as they are"
    )
    sync.add_argument(
        "--keep-recordings",
        action="store_true",
        help="with --numbers: write links to recordings as they are",
    )
    sync.add_argument(
        "--quiet", action="store_true", help="say nothing where all is well, as without a terminal"
    )

    report = command(
        "report",
        commands.report,
        "Make a report of a snapshot: one HTML file with charts, to open in a browser or to send.",
        epilog=_PARAMETERS + _EXITS,
    )
    report.add_argument(
        "snapshot",
        type=Path,
        metavar="SNAPSHOT",
        help="the folder of a snapshot, such as etelecom fetch leaves",
    )
    report.add_argument(
        "--notebook",
        default="weekly",
        metavar="N",
        help="weekly, extensions, or a notebook of your own: a path (default: %(default)s)",
    )
    report.add_argument(
        "-p", "--parameter", dest="parameters", action="append", default=[], metavar="NAME=VALUE",
        help="a value for one of its parameters, see below, text or JSON: date_from=2026-11-02, options='{\"ivr_numbers\": [\"8000\"]}'; "
        "may be repeated",
    )  # fmt: skip
    report.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the file; one that is there is replaced (default: ./%(default)s)",
    )
    report.add_argument(
        "--png", type=Path, metavar="DIR", help="also write its charts there, as pictures"
    )

    server = command(
        "serve",
        commands.serve_calls,
        "Serve a simulated call-log API on this machine, to try programs and notebooks on, until Ctrl-C.",
    )
    server.add_argument(
        "--port",
        type=int,
        default=8765,
        help="where to listen (default: %(default)s; 0 takes a free one)",
    )
    server.add_argument(
        "--snapshot",
        type=Path,
        metavar="FOLDER",
        help="serve the calls of this snapshot instead of simulated ones",
    )
    _simulation(server)
    return parser


def _simulation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--calls",
        type=_count,
        default=_DEMO_CALLS,
        metavar="N",
        help="how many calls to simulate (default: %(default)s)",
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=_DEMO_DAYS,
        metavar="N",
        help="over how many days (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=_DEMO_SEED,
        help="the same seed gives the same calls (default: %(default)s)",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"a whole number above 0 is needed, not {text!r}")
    return int(text)


def _days(text: str) -> int:
    if _count(text) > _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"at most {_MOST_DAYS} days, not {text}")
    return int(text)
