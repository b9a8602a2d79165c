"""etelecom fetch: calls that match a query, as a snapshot."""

import argparse
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from .. import local_time
from ..errors import InputError, SnapshotError
from ..language import tr
from ..query import COMPARISONS
from ..schema import CALL_STATES, DIRECTIONS
from .common import (
    API_SETTINGS,
    DONE,
    EXIT_CODES,
    FAILED,
    STOPPED,
    Subparsers,
    add_command,
    add_date_arguments,
    add_site_arguments,
    positive_int,
    settings_text,
    site_of,
)

if TYPE_CHECKING:
    from ..logs import CallLogs
    from ..query import CallQuery

__all__ = ["add_parser", "run"]

_QUERY_FIELDS = (
    "date_from",
    "date_to",
    "direction",
    "call_state",
    "call_number",
    "extension_ids",
    "user_id",
    "hotline_ids",
    "department_id",
    "external_id",
    "external_session_id",
    "time_zone",
)


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "fetch",
        run,
        "Fetch calls into a snapshot: "
        "a folder with calls.parquet, call_targets.parquet and manifest.json.",
        epilog=API_SETTINGS + EXIT_CODES,
    )
    parser.add_argument(
        "output",
        type=Path,
        metavar="FOLDER",
        help="folder of the new snapshot, such as data/2026-11-w1",
    )
    _add_filters(parser)
    parser.add_argument(
        "--time-zone",
        metavar="ZONE",
        help="time zone of the dates (default: that of the site file, else "
        f"{local_time.HOME_ZONE})",
    )
    parser.add_argument(
        "--workers",
        type=positive_int,
        default=4,
        metavar="N",
        help="number of parallel requests, up to 32 (default: %(default)s)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="fail unless there is a fetch to continue; "
        "one that ended early (FOLDER.partial) is always continued",
    )
    parser.add_argument(
        "--label-hotlines",
        action="store_true",
        help="add the hotline and department of each call, missed ones too: the missed inbound "
        "calls of each hotline are requested again",
    )
    parser.add_argument("--replace", action="store_true", help="replace an existing snapshot")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    add_site_arguments(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    add_date_arguments(parser, default="no limit")
    parser.add_argument("--direction", choices=DIRECTIONS, help="direction of the calls")
    parser.add_argument(
        "--state", dest="call_state", choices=CALL_STATES, help="state of the calls"
    )
    parser.add_argument(
        "--number",
        dest="call_number",
        metavar="NUMBER",
        help="whole number of the caller or the callee, in any notation",
    )
    parser.add_argument(
        "--duration",
        nargs=2,
        metavar=("COMPARISON", "SECONDS"),
        help=f"talk time in seconds; COMPARISON is one of {', '.join(COMPARISONS)}",
    )
    parser.add_argument(
        "--extension",
        dest="extension_ids",
        action="append",
        default=[],
        metavar="ID",
        help="id of an extension; may be repeated",
    )
    parser.add_argument("--user", dest="user_id", metavar="ID", help="id of a user")
    parser.add_argument(
        "--hotline",
        dest="hotline_ids",
        action="append",
        default=[],
        metavar="ID",
        help="id of a hotline; may be repeated",
    )
    parser.add_argument(
        "--department", dest="department_id", metavar="ID", help="id of a department"
    )
    parser.add_argument(
        "--external-id", metavar="ID", help="your own id of a call placed from web or mobile"
    )
    parser.add_argument("--external-session-id", metavar="ID", help="id of its session")


def run(arguments: argparse.Namespace) -> int:
    """Write the matching calls as a snapshot, or the calls so far if the fetch ends early."""
    from ..api.client import Client
    from ..api.fetch import FetchStopped, IncompleteFetch, fetch_calls
    from ..api.interrupts import noted_interrupts
    from ..query import CallQuery
    from ..snapshot import check_destination, store_snapshot

    comparison, seconds = arguments.duration or (None, "")
    duration = comparison and (comparison, int(seconds) if seconds.isdecimal() else seconds)
    site = site_of(arguments)
    privacy = site.to_privacy()
    query = CallQuery.from_dict(
        {name: getattr(arguments, name) for name in _QUERY_FIELDS}
        | {"duration": duration, "time_zone": arguments.time_zone or site.time_zone}
    )
    output = arguments.output
    destination = check_destination(output, replace=arguments.replace)
    partial_folder = output.with_name(f"{output.name}.partial")
    check_destination(partial_folder, replace=True)
    with _terminated_as_interrupted(), noted_interrupts() as interrupts:
        partial = _partial_logs(partial_folder, query, required=arguments.resume)
        try:
            with Client.from_env() as client:
                logs = fetch_calls(
                    client,
                    query,
                    workers=arguments.workers,
                    progress=not arguments.quiet,
                    resume=partial,
                    label_hotlines=arguments.label_hotlines,
                )
        except IncompleteFetch as error:
            with interrupts.hold():
                folder = _keep(error.partial, partial_folder)
            text = tr(
                "{n} calls were received before that and are in {folder}. The same command "
                "fetches the rest.",
                n=error.partial.calls.height,
                folder=folder,
            )
            print(f"etelecom: {error.reason} {text}", file=sys.stderr)
            return STOPPED if isinstance(error, FetchStopped) else FAILED
        with interrupts.hold():
            try:
                folder = store_snapshot(
                    logs, destination, replace=arguments.replace, privacy=privacy, keep=False
                )
            except SnapshotError as error:
                folder = _keep(logs, partial_folder)
                text = tr("The calls are in {folder}.", folder=folder)
                raise SnapshotError(f"{error} {text}") from error
    label = tr("snapshot", context="fact")
    print(f"{logs!r}\n  {label:<10} {folder.resolve()}\n{settings_text(site)}")
    if logs.calls.is_empty():
        print(
            tr("Nothing was fetched: these dates are not in the past.")
            if logs.report.has_no_coverage
            else tr("No calls match: widen the dates, or drop a filter.")
        )
    if partial:
        shutil.rmtree(partial_folder)
    return DONE


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Keep the calls after SIGTERM, which `timeout` or a service manager sends, as after Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _partial_logs(folder: Path, query: "CallQuery", *, required: bool) -> "CallLogs | None":
    """The calls of an earlier fetch that ended early, or None.

    Raises:
        SnapshotError: they cannot be read, or are required and do not exist.
        InputError: they are those of another query.
    """
    from ..snapshot import read_snapshot

    if not required and not folder.exists():
        return None
    partial = read_snapshot(folder)
    if partial.query != query:
        raise InputError(
            tr(
                "{folder} has the calls of a fetch with another query that ended early ({query}): "
                "finish it with the same query, remove the folder, or use another FOLDER.",
                folder=folder,
                query=str(partial.query),
            )
        )
    text = tr(
        "continuing the fetch of {n} calls in {folder}.", n=partial.calls.height, folder=folder
    )
    print(f"etelecom: {text}", file=sys.stderr)
    return partial


def _keep(logs: "CallLogs", folder: Path) -> Path:
    """Write the calls to this folder, or next to it if it has more calls; return the folder."""
    from ..snapshot import read_snapshot, write_snapshot

    for number in count(2):
        try:
            stored = read_snapshot(folder).calls.height if folder.exists() else 0
        except SnapshotError:
            stored = logs.calls.height + 1  # It may be of use to someone.
        if stored <= logs.calls.height:
            break
        folder = folder.with_name(f"{folder.name.partition('.partial')[0]}.partial-{number}")
    write_snapshot(logs, folder, replace=True)
    return folder
