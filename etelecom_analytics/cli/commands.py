"""What each command of the command line does."""

import argparse
import os
import shutil
import sys
import time
from datetime import date, timedelta

import polars as pl

from ..api.client import Client
from ..api.fetch import FetchStopped, IncompleteFetch, fetch_calls
from ..api.retry import Retry
from ..archive import Archive
from ..errors import SettingError
from ..logs import CallLogs
from ..metrics.options import MetricOptions
from ..metrics.registry import DEFAULT_MEASURES, measures
from ..metrics.summary import summarize
from ..privacy import Privacy
from ..query import CallQuery
from ..simulator import serve, simulate_calls
from ..snapshot import check_destination, read_snapshot, write_snapshot

__all__ = [
    "DONE",
    "FAILED",
    "PRIVACY_KEY",
    "STOPPED",
    "check",
    "demo",
    "fetch",
    "report",
    "serve_calls",
    "sync",
]

DONE, FAILED, STOPPED = 0, 1, 130
"""Exit codes that a command itself comes to."""

PRIVACY_KEY = "ETELECOM_PRIVACY_KEY"
"""The variable of the environment that holds the key of pseudonyms."""

_START = date(2026, 11, 2)
"""The first day of what is simulated."""


def demo(given: argparse.Namespace) -> None:
    """Simulate a week, fetch it over HTTP, keep it, and tell it: what the README's first command shows."""
    check_destination(given.output, replace=given.replace)
    query = CallQuery(date_from=_START, date_to=_START + timedelta(days=given.days))
    simulation = simulate_calls(given.calls, seed=given.seed, start=_START, days=given.days)
    with serve(simulation.calls) as server, Client(server.base_url, server.api_key) as client:
        logs = fetch_calls(client, query)
    folder = write_snapshot(logs, given.output, replace=given.replace)
    options = MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    calls_in = logs.calls.filter(pl.col("direction") == "in")
    print(
        f"\nA simulated call centre: {logs.calls.height:,} calls with {logs.call_targets.height:,} call targets."
    )
    print(
        f"Calls in, by day ({options.time_zone}); IVR and queue ({', '.join(options.ivr_numbers)}) count as no person:\n"
    )
    _print_table(summarize(calls_in, ["day"], DEFAULT_MEASURES, options=options))
    total = summarize(calls_in, (), DEFAULT_MEASURES, options=options).row(0, named=True)
    formulas = measures(options=options).rows_by_key("name", named=True, unique=True)
    print("\nAll calls in:")
    for name in DEFAULT_MEASURES:
        print(
            f"  {name:<12} {_number(total[name], formulas[name]['unit']):>8}   {formulas[name]['formula']}"
        )
    print(f"\nThe snapshot is in {folder.resolve()}")
    if not given.snapshot_only:
        from ..reports import (  # Altair costs a second, which no other command needs
            write_charts,
            write_page,
        )

        page = write_page(logs, folder / "report.html", options=options)
        write_charts(logs, folder / "charts", options=options)
        print(f"A page to open in a browser, or to send:  {page.resolve()}")
    print(
        f"To open it in Python:  import etelecom_analytics as et; logs = et.read_snapshot({str(folder)!r})"
    )


def check(given: argparse.Namespace) -> None:
    """Ask for one call, which tells whether address and key are right."""
    with Client.from_env(retry=Retry(attempts=1)) as client:
        page = client.list_calls(limit=1)
        print(
            f"{client.base_url} answers, and takes the key. {'It has no calls yet.' if page.is_empty else 'There are calls to fetch.'}"
        )


def fetch(given: argparse.Namespace) -> int:
    """Leave a snapshot of what was asked for; of a fetch that ended early, what came until then."""
    names = (
        "date_from",
        "date_to",
        "direction",
        "call_state",
        "call_number",
        "extension_ids",
        "user_id",
        "hotline_ids",
        "department_id",
    )
    fields = {
        name: getattr(given, name)
        for name in (*names, "external_id", "external_session_id", "time_zone")
    }
    comparison, seconds = given.duration or (None, "")
    query = CallQuery(
        **fields,
        duration=comparison and (comparison, int(seconds) if seconds.isdecimal() else seconds),
    )
    check_destination(given.output, replace=given.replace)
    partial = given.output.with_name(f"{given.output.name}.partial")
    before = read_snapshot(partial) if given.resume else None
    try:
        with Client.from_env() as client:
            logs = fetch_calls(
                client, query, workers=given.workers, progress=not given.quiet, resume=before
            )
    except IncompleteFetch as error:
        kept = write_snapshot(error.partial, partial, replace=True)
        happened = f"{error.cause} {error.partial.calls.height:,} calls came until then".lstrip()
        print(
            f"etelecom: {happened}, and are kept in {kept}. The same command with --resume fetches the rest.",
            file=sys.stderr,
        )
        return STOPPED if isinstance(error, FetchStopped) else FAILED
    folder = write_snapshot(logs, given.output, replace=given.replace)
    print(f"{logs!r}\n  snapshot   {folder.resolve()}")
    if logs.calls.is_empty():
        print(
            "There are no calls that match: widen the dates, drop a filter, or write the number as the PBX does (0..., 84... or +84...)."
        )
    if before:
        shutil.rmtree(partial)
    return DONE


def sync(given: argparse.Namespace) -> None:
    """Bring an archive in step with the API."""
    quiet = given.quiet or sys.stderr is None or not sys.stderr.isatty()
    privacy = None
    if given.numbers:
        key = os.environ.get(PRIVACY_KEY) if given.numbers == "pseudonymized" else None
        if given.numbers == "pseudonymized" and not key:
            raise SettingError(
                f"{PRIVACY_KEY} is not set: pseudonyms are made with it, the same at every sync."
            )
        privacy = Privacy(
            numbers=given.numbers,
            key=key,
            own_numbers=tuple(given.own_numbers),
            notes="kept" if given.keep_notes else "dropped",
            recordings="kept" if given.keep_recordings else "dropped",
        )
    archive = Archive(
        given.archive, time_zone=given.time_zone, ivr_numbers=given.ivr_numbers, privacy=privacy
    )
    with Client.from_env() as client:
        report = archive.sync(
            client,
            since=given.since,
            until=given.until,
            lookback=given.lookback,
            accept_loss=given.accept_loss,
            workers=given.workers,
            progress=not quiet,
        )
    if not quiet:
        print(f"{report!r}\n{archive.status()!r}")


def report(given: argparse.Namespace) -> None:
    """Leave one HTML file that a notebook makes of a snapshot."""
    from ..reports.report import (
        write_report_of_texts,  # Altair costs a second, which no other command needs
    )

    made = write_report_of_texts(
        given.snapshot,
        given.output,
        notebook=given.notebook,
        texts=given.parameters,
        png_folder=given.png,
    )
    print(f"A report to open in a browser, or to send:  {made.resolve()}")


def serve_calls(given: argparse.Namespace) -> None:
    """Serve calls over HTTP until somebody stops it."""
    calls = _served_calls(given)
    with serve(calls, port=given.port) as server:
        print(
            f"Serving {calls.height:,} calls on this machine. In another terminal, or in a file named .env:\n"
        )
        print(
            f"ETELECOM_BASE_URL={server.base_url}\nETELECOM_API_KEY={server.api_key}\n\nCtrl-C ends it.",
            flush=True,
        )
        while True:
            time.sleep(3600)


def _served_calls(given: argparse.Namespace) -> pl.DataFrame:
    if given.snapshot:
        logs: CallLogs = read_snapshot(given.snapshot)
        return logs.calls
    return simulate_calls(given.calls, seed=given.seed, start=_START, days=given.days).calls


def _print_table(table: pl.DataFrame) -> None:
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN",  # a Windows console may know no box lines
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=120,
        float_precision=3,
    ):
        print(table)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "none"
    match unit:
        case "share":
            return f"{value:.1%}"
        case "s":
            return f"{value:.1f} s"
        case _:
            return f"{value:,}"
