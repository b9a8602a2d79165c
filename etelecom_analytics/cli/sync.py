"""etelecom sync: an archive of years of calls, brought up to date."""

import argparse
import os
import sys
import warnings
from datetime import datetime
from typing import TYPE_CHECKING

from .. import local_time
from ..errors import SettingError
from ..language import tr
from .common import (
    API_SETTINGS,
    EXIT_CODES_OF_SYNC,
    Subparsers,
    add_archive_arguments,
    add_command,
    add_site_arguments,
    positive_int,
    print_warnings,
    settings_text,
    site_of,
    storage_options,
)

if TYPE_CHECKING:
    from ..archive import Archive, SyncReport
    from ..privacy import Privacy
    from ..site import Site

__all__ = ["add_parser", "pseudonym_key", "run", "warn_of_other_settings"]

_PRIVACY_KEY = "ETELECOM_PRIVACY_KEY"
"""The environment variable with the key of pseudonyms."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "sync",
        run,
        "Update an archive from the API: years of calls in one folder, by day. Made for cron.",
        epilog=API_SETTINGS + EXIT_CODES_OF_SYNC,
    )
    add_archive_arguments(parser, "folder of the archive, made if missing, or s3://bucket/name")
    parser.add_argument(
        "--since",
        metavar="DATE",
        help="first day: 2026-11-02, 02/11/2026 (day first); required only for the first sync",
    )
    parser.add_argument(
        "--until", metavar="DATE", help="end of the range; not part of it (default: now)"
    )
    parser.add_argument(
        "--lookback",
        default="3d",
        metavar="TIME",
        help="how long calls may change after the end of their day: 3d, 36h (default: %(default)s)",
    )
    parser.add_argument(
        "--accept-loss",
        action="store_true",
        help="delete calls that the server no longer returns",
    )
    parser.add_argument(
        "--label-hotlines",
        action=argparse.BooleanOptionalAction,
        help="add the hotline and department of each call, missed ones too (default: if an earlier "
        "sync of the archive did); days that are not fetched again stay without",
    )
    parser.add_argument(
        "--workers",
        type=positive_int,
        default=4,
        metavar="N",
        help="number of parallel requests (default: %(default)s)",
    )
    parser.add_argument(
        "--time-zone", metavar="ZONE", help="time zone of the days; stored by the first sync"
    )
    parser.add_argument(
        "--ivr",
        dest="ivr_numbers",
        action="append",
        metavar="NUMBER",
        help="target number of an IVR or a queue; may be repeated; stored by the first sync",
    )
    _add_privacy(parser)
    add_site_arguments(parser)
    parser.add_argument(
        "--no-lock",
        dest="lock",
        action="store_false",
        help="for a file system without locks; no other process may write to the archive",
    )
    parser.add_argument(
        "--allow-unsafe-rename",
        action="store_true",
        help="for a file system without hard links; no other process may write to the archive",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print nothing on success, for cron",
    )


def _add_privacy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--numbers",
        choices=("masked", "pseudonymized"),
        help="hide external phone numbers, notes and links to recordings before writing; "
        f"pseudonymized needs {_PRIVACY_KEY}",
    )
    parser.add_argument(
        "--own-number",
        dest="own_numbers",
        action="append",
        default=[],
        metavar="NUMBER",
        help="with --numbers: a number that is not hidden; may be repeated",
    )
    parser.add_argument(
        "--keep-notes", action="store_true", help="with --numbers: write notes unchanged"
    )
    parser.add_argument(
        "--keep-recordings",
        action="store_true",
        help="with --numbers: write links to recordings unchanged",
    )


def run(arguments: argparse.Namespace) -> None:
    """Fetch what the archive lacks, and print a summary."""
    from ..api.client import Client
    from ..archive import Archive

    site = site_of(arguments)
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    archive = Archive(
        arguments.archive,
        time_zone=arguments.time_zone,
        ivr_numbers=arguments.ivr_numbers,
        privacy=_privacy(arguments),
        lock=arguments.lock,
        allow_unsafe_rename=arguments.allow_unsafe_rename,
        site=site,
        storage_options=storage_options(arguments),
    )
    with print_warnings(), Client.from_env() as client:
        warn_of_other_settings(archive, site)
        report = archive.sync(
            client,
            since=arguments.since,
            until=arguments.until,
            lookback=arguments.lookback,
            accept_loss=arguments.accept_loss,
            label_hotlines=arguments.label_hotlines,
            workers=arguments.workers,
            progress=on_terminal and not arguments.quiet,
        )
    if not arguments.quiet:
        print(f"{report!r}\n{archive.status()!r}\n{settings_text(site)}")
        if not report.fetched and not report.unfinished:
            print(
                tr(
                    "No day was fetched: the archive has all days of this range, and they are "
                    "final."
                )
            )
        elif not report.calls:
            print(_empty_text(report, archive.time_zone))


def _empty_text(report: "SyncReport", time_zone: str) -> str:
    """The sentence about a sync without calls."""
    first = min([*report.replaced, *report.unchanged, *report.refused, *report.unfinished])
    if first > datetime.now(local_time.zone(time_zone)).date():
        return tr("Nothing was fetched: these dates are not in the past.")
    return tr("These days have no calls: choose other days, or check the key and the address.")


def warn_of_other_settings(archive: "Archive", site: "Site") -> None:
    """Warn where the archive was created with other settings than the site file sets."""
    from ..metrics.options import MetricOptions

    if site.file is None:
        return
    stored, wanted = archive.options, site.options()
    names = ("time_zone", "ivr_numbers", "queue_numbers", "voicemail_numbers", "agent_numbers")
    other = [
        name
        for name in names
        if getattr(wanted, name) not in (getattr(stored, name), getattr(MetricOptions(), name))
    ]
    if site.privacy is not None and archive.privacy is None:
        other.append("privacy")
    if other:
        warnings.warn(
            tr(
                "The archive has other settings than {file}: {names}. Those of the archive are "
                "used; a new archive takes those of the file.",
                file=site.file.name,
                names=", ".join(other),
            ),
            stacklevel=2,
        )


def pseudonym_key() -> str | None:
    """The key of pseudonyms in the environment."""
    return os.environ.get(_PRIVACY_KEY) or None


def _privacy(arguments: argparse.Namespace) -> "Privacy | None":
    from ..privacy import Privacy

    if not arguments.numbers:
        return None
    key = pseudonym_key() if arguments.numbers == "pseudonymized" else None
    if arguments.numbers == "pseudonymized" and not key:
        raise SettingError(
            tr(
                "{name} is not set. Pseudonyms need a key, the same one at every sync.",
                name=_PRIVACY_KEY,
            )
        )
    return Privacy(
        numbers=arguments.numbers,
        key=key,
        own_numbers=tuple(arguments.own_numbers),
        notes="kept" if arguments.keep_notes else "dropped",
        recordings="kept" if arguments.keep_recordings else "dropped",
    )
