"""etelecom demo: the whole path from the API to charts, on simulated calls."""

import argparse
from datetime import timedelta
from pathlib import Path

import polars as pl

from ..language import current_language, date_text, number, tr
from ..locale.expressions import text_expr
from .common import DEMO_START, Subparsers, add_command, add_simulation_arguments

__all__ = ["add_parser", "run"]

_FOLDER = Path("etelecom-demo")
_MIN_WIDTH = 8
"""The least width of the values of the measures."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "demo",
        run,
        "Run everything on a simulated week: no key and no internet needed.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=_FOLDER,
        metavar="FOLDER",
        help="folder of the new snapshot (default: ./%(default)s)",
    )
    parser.add_argument("--replace", action="store_true", help="replace an existing snapshot")
    parser.add_argument(
        "--snapshot-only", action="store_true", help="write no report.html and no PNG charts"
    )
    add_simulation_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Simulate a week, fetch it over HTTP, write a snapshot and a page, and print the measures."""
    from ..api.client import Client
    from ..api.fetch import fetch_calls
    from ..formatting import format_value
    from ..metrics.options import MetricOptions
    from ..metrics.registry import DEFAULT_MEASURES, measures
    from ..metrics.summary import summarize
    from ..query import CallQuery
    from ..simulator import serve, simulate_calls
    from ..site import Site
    from ..snapshot import check_destination, write_snapshot

    check_destination(arguments.output, replace=arguments.replace)
    days = arguments.days
    query = CallQuery(date_from=DEMO_START, date_to=DEMO_START + timedelta(days=days))
    simulation = simulate_calls(arguments.calls, seed=arguments.seed, start=DEMO_START, days=days)
    with serve(simulation.calls) as server, Client(server.base_url, server.api_key) as client:
        logs = fetch_calls(client, query)
    folder = write_snapshot(logs, arguments.output, replace=arguments.replace)

    options = MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    inbound = logs.calls.filter(CallQuery(direction="in").to_expr())
    text = tr(
        "A simulated call centre: {calls} calls with {legs} call targets.\n"
        "Inbound calls by day ({time_zone}); {numbers} are the IVR and the queue, not agents:",
        calls=logs.calls.height,
        legs=logs.call_targets.height,
        time_zone=options.time_zone,
        numbers=f" {tr('and')} ".join(options.ivr_numbers),
    )
    print(f"\n{text}\n")
    _print_table(summarize(inbound, ["day"], DEFAULT_MEASURES, options=options))
    total = summarize(inbound, (), DEFAULT_MEASURES, options=options).row(0, named=True)
    definitions = measures(options=options).rows_by_key("name", named=True, unique=True)
    print(f"\n{tr('All inbound calls:')}")
    values = {
        name: format_value(total[name], definitions[name]["unit"]) for name in DEFAULT_MEASURES
    }
    width = max(_MIN_WIDTH, *map(len, values.values()))
    for name, value in values.items():
        print(f"  {name:<16} {value:>{width}}   {tr(definitions[name]['formula'])}")
    print(f"\n{tr('The snapshot is in {folder}', folder=folder.resolve())}")
    if not arguments.snapshot_only:
        from ..reports import write_charts, write_page

        site = Site(language=current_language())
        page = write_page(logs, folder / "report.html", options=options, site=site)
        write_charts(logs, folder / "charts", options=options, site=site)
        print(tr("A page to open in a browser or to send:  {path}", path=page.resolve()))
    code = f"import etelecom_analytics as et; logs = et.read_snapshot({str(folder)!r})"
    print(tr("To open it in Python:  {code}", code=code))


def _print_table(table: pl.DataFrame) -> None:
    decimal = number(0.5, ".1f")[1]
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN",  # some Windows consoles lack box-drawing characters
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=120,
        float_precision=3,
        decimal_separator=decimal,
        thousands_separator="" if decimal == "." else ".",
    ):
        print(table.with_columns(text_expr(pl.col("day"), date_text)))
