"""etelecom demo: the whole path from the API to charts, on simulated calls."""

import argparse
from datetime import timedelta
from pathlib import Path

import polars as pl

from .common import DEMO_START, Subparsers, add_command, add_simulation_arguments

__all__ = ["add_parser", "run"]

_FOLDER = Path("etelecom-demo")


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
    print(
        f"\nA simulated call centre: {logs.calls.height:,} calls "
        f"with {logs.call_targets.height:,} call targets.\n"
        f"Inbound calls by day ({options.time_zone}); "
        f"{' and '.join(options.ivr_numbers)} are the IVR and the queue, not agents:\n"
    )
    _print_table(summarize(inbound, ["day"], DEFAULT_MEASURES, options=options))
    total = summarize(inbound, (), DEFAULT_MEASURES, options=options).row(0, named=True)
    definitions = measures(options=options).rows_by_key("name", named=True, unique=True)
    print("\nAll inbound calls:")
    for name in DEFAULT_MEASURES:
        definition = definitions[name]
        value = format_value(total[name], definition["unit"])
        print(f"  {name:<16} {value:>8}   {definition['formula']}")
    print(f"\nThe snapshot is in {folder.resolve()}")
    if not arguments.snapshot_only:
        from ..reports import write_charts, write_page

        page = write_page(logs, folder / "report.html", options=options, site=Site())
        write_charts(logs, folder / "charts", options=options, site=Site())
        print(f"A page to open in a browser or to send:  {page.resolve()}")
    print(
        "To open it in Python:  import etelecom_analytics as et; "
        f"logs = et.read_snapshot({str(folder)!r})"
    )


def _print_table(table: pl.DataFrame) -> None:
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN",  # some Windows consoles lack box-drawing characters
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=120,
        float_precision=3,
    ):
        print(table)
