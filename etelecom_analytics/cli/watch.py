"""etelecom watch: sync an archive, check its new days, and pass alarms on. Made for cron."""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EtelecomError, InputError, PostError, Stopped
from ..language import current_language, date_text, tr
from .common import (
    API_SETTINGS,
    DONE,
    Subparsers,
    add_command,
    add_site_arguments,
    positive_int,
    print_warnings,
    settings_text,
    site_of,
)
from .sync import warn_of_other_settings

if TYPE_CHECKING:
    from ..archive import Archive
    from ..site import Site
    from ..watch.alert_log import AlertLog
    from ..watch.checking import Check
    from ..watch.rules import Alarm
    from ..watch_settings import WatchSettings

__all__ = ["FIRED", "NOT_CHECKED", "add_parser", "run"]

FIRED, NOT_CHECKED = 1, 2
"""Exit codes."""

_EPILOG = (
    """\
rules, by day, of inbound calls:
  usual range   a watched measure is outside its control limits (3 sigmas), beyond 2 sigmas on two
                days in a row, or has been higher or lower for several days (cumulative sum),
                compared with eight earlier weeks
  target        the 95 % interval of four weeks is on the wrong side of a target of the site file
A rule fires once while its cause lasts. The table [watch] of the site file sets the measures, quiet
hours and an address to post alarms to. FOLDER.alerts.jsonl is the log of alerts.

"""
    + API_SETTINGS
    + "exit codes: 0 nothing new, 1 a rule fired, or an alarm could not be posted,\n"
    "2 it could not be checked (the reason is printed), 130 stopped by Ctrl-C.\n"
)
_REPORT_DAYS, _REPORT_HISTORY_DAYS = 7, 56


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "watch",
        run,
        "Sync an archive, check its new days, and print what changed. Made for cron.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "archive", type=Path, metavar="FOLDER", help="folder of the archive; made if missing"
    )
    parser.add_argument(
        "--since",
        metavar="DATE",
        help="first day of the archive: 2026-11-02, 02/11/2026 (day first); required only for the "
        "first sync",
    )
    parser.add_argument(
        "--lookback",
        default="3d",
        metavar="TIME",
        help="how long calls may change after the end of their day: 3d, 36h (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=positive_int,
        default=4,
        metavar="N",
        help="number of parallel requests (default: %(default)s)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="also write the weekly report of the last seven complete days to this HTML file",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="check the archive as it is: sync, write and post nothing",
    )
    add_site_arguments(parser)
    parser.add_argument(
        "--no-lock",
        dest="lock",
        action="store_false",
        help="for a file system without locks; no other process may write to the archive",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print nothing unless a rule fired or something failed",
    )


@dataclass
class _Run:
    """One run of the command."""

    arguments: argparse.Namespace
    archive: "Archive"
    site: "Site"
    settings: "WatchSettings"
    now: datetime
    fired: bool = False
    failed: bool = False

    def say(self, text: str) -> None:
        if not self.arguments.quiet:
            print(text)

    def fail(self, text: str) -> None:
        self.failed = True
        print(f"etelecom: {text}", file=sys.stderr)

    @property
    def exit_code(self) -> int:
        return FIRED if self.fired else NOT_CHECKED if self.failed else DONE


def run(arguments: argparse.Namespace) -> int:
    """Sync, check, log and pass on; every failure but Ctrl-C has the exit code `NOT_CHECKED`."""
    try:
        return _run(arguments)
    except (InputError, Stopped):  # `main` prints them with the names of the options
        raise
    except EtelecomError as error:
        print(f"etelecom: {error}", file=sys.stderr)
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(f"etelecom: {error.strerror or error}{place}", file=sys.stderr)
    except Exception:  # noqa: BLE001  Python's own exit code of a crash is 1, which would mean an alarm
        traceback.print_exc()
    return NOT_CHECKED


def _run(arguments: argparse.Namespace) -> int:
    from ..archive import Archive
    from ..archive.places import require_folder
    from ..watch.alert_log import AlertLog, alert_log_path, watch_lock
    from ..watch_settings import WatchSettings

    site = site_of(arguments)
    settings = WatchSettings.from_dict(site.watch)
    if not (settings.measures or site.targets):
        raise InputError(tr("watch.measures is empty, and there is no target: nothing to check."))
    archive = Archive(arguments.archive, lock=arguments.lock, site=site)
    this = _Run(arguments, archive, site, settings, datetime.now(UTC))
    folder = require_folder(
        archive.path, "etelecom watch", "sync the archive to a folder as well, and watch that."
    )
    path = alert_log_path(folder)
    locked = arguments.lock and not arguments.dry_run
    with print_warnings(), watch_lock(folder) if locked else nullcontext():
        log = AlertLog.read(path)
        if arguments.dry_run:
            _dry_run(this, log)
        else:
            _sync_and_check(this, log)
            _pass_on(this, log)
            if arguments.report:
                _attempt(this, _write_report)
    this.say(settings_text(site))
    return this.exit_code


def _attempt(this: _Run, action: Callable[[_Run], None]) -> bool:
    """Whether the action succeeded; a failure is printed, and alarms are passed on in any case."""
    try:
        action(this)
    except (InputError, Stopped):
        raise
    except EtelecomError as error:
        this.fail(str(error))
        return False
    return True


def _dry_run(this: _Run, log: "AlertLog") -> None:
    from ..watch.checking import check_days

    check = check_days(this.archive, this.site, log, this.now)
    _print_check(this, check)
    _print_alarms(this, [each.alarm for each in log.alarms.values() if not each.printed])
    _print_alarms(this, check.alarms)
    this.say(tr("Dry run: nothing was synced, written or posted."))


def _sync_and_check(this: _Run, log: "AlertLog") -> None:
    from ..watch.checking import check_days, last_ended_day

    if log.since is None:
        # Before the sync: if this process is killed after it, the next one checks the same day.
        log.since = last_ended_day(this.now, this.archive.time_zone)
        log.write()
    if not _attempt(this, _sync):
        return
    check = check_days(this.archive, this.site, log, this.now)
    log.add_days(check.days)
    to_post = this.settings.address is not None
    log.add(check.alarms, check.ended, this.now, to_post=to_post)
    log.write()
    _print_check(this, check)


def _sync(this: _Run) -> None:
    from ..api.client import Client

    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    with Client.from_env() as client:
        warn_of_other_settings(this.archive, this.site)
        this.archive.sync(
            client,
            since=this.arguments.since,
            lookback=this.arguments.lookback,
            workers=this.arguments.workers,
            progress=on_terminal and not this.arguments.quiet,
        )


def _print_check(this: _Run, check: "Check") -> None:
    from ..locale.alarm_text import cannot_judge_text, ended_text, incomplete_text
    from ..metrics.day_statistics import MIN_HISTORY_DAYS

    if check.incomplete:
        this.fail(incomplete_text(check.incomplete))
    if check.unknown:
        text = cannot_judge_text(check.unknown, MIN_HISTORY_DAYS)
        if check.without_history:
            this.fail(text)
        else:
            this.say(text)
    for cause in check.ended:
        this.say(ended_text(cause.rule, cause.measure, cause.side))
    if check.days and not check.alarms:
        this.say(tr("Nothing new: checked {days}.", days=", ".join(map(date_text, check.days))))
    elif not (check.days or this.failed):
        this.say(tr("No new day to check."))


def _print_alarms(this: _Run, alarms: "Sequence[Alarm]") -> None:
    from ..watch.delivery import text_of

    for alarm in alarms:
        print(text_of(alarm))
    sys.stdout.flush()
    this.fired |= bool(alarms)


def _pass_on(this: _Run, log: "AlertLog") -> None:
    """Print and post what is due, each noted at once, so that the next run does not repeat it."""
    from ..locale.alarm_text import held_text
    from ..watch.delivery import due_alarms, post_document, unposted_alarms
    from ..watch.posting import post_json
    from ..watch.quiet_hours import quiet_period

    settings, zone = this.settings, this.archive.time_zone
    period = quiet_period(settings.quiet_hours, this.now, zone)
    due, held = due_alarms(log, settings.quiet_hours, this.now, zone)
    if held and period:
        this.say(held_text(held, period[1]))
    if due:
        _print_alarms(this, due)
        log.mark("printed", due, this.now)
        log.write()
    alarms = unposted_alarms(log)
    if settings.address is None or not alarms or (period and not due):
        return
    try:
        post_json(settings.address, post_document(alarms))
    except PostError as error:
        print(f"etelecom: {error}", file=sys.stderr)
        this.fired = True
        return
    log.mark("posted", alarms, this.now)
    log.write()


def _write_report(this: _Run) -> None:
    from ..query import CallQuery
    from ..reports.report import write_report
    from ..watch.checking import last_ended_day

    end = last_ended_day(this.now, this.archive.time_zone) + timedelta(days=1)
    first = end - timedelta(days=_REPORT_DAYS)
    query = CallQuery(
        date_from=first - timedelta(days=_REPORT_HISTORY_DAYS),
        date_to=end,
        time_zone=this.archive.time_zone,
    )
    with tempfile.TemporaryDirectory(prefix="etelecom-") as folder:
        snapshot = this.archive.snapshot(query, Path(folder, "snapshot"))
        path = write_report(
            snapshot,
            this.arguments.report,
            parameters={"date_from": first.isoformat(), "date_to": end.isoformat()},
            site=replace(this.site, language=current_language()),
        )
    this.say(tr("A report to open in a browser or to send:  {path}", path=path.resolve()))
