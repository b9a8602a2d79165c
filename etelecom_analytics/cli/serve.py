"""etelecom serve: a simulated call-log API on this machine."""

import argparse
import time
from pathlib import Path

import polars as pl

from .common import DEMO_START, Subparsers, add_command, add_simulation_arguments

__all__ = ["add_parser", "run"]


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "serve",
        run,
        "Serve a simulated call-log API on this machine, to test programs and notebooks.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8765,
        help="port to listen on (default: %(default)s; 0 takes a free one)",
    )
    parser.add_argument(
        "--snapshot",
        type=Path,
        metavar="FOLDER",
        help="serve the calls of this snapshot instead of simulated ones",
    )
    add_simulation_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Serve calls over HTTP until Ctrl-C."""
    from ..simulator import serve

    calls = _calls(arguments)
    with serve(calls, port=arguments.port) as server:
        print(
            f"Serving {calls.height:,} calls on this machine. "
            "Use these settings in another terminal or in a file named .env:\n\n"
            f"ETELECOM_BASE_URL={server.base_url}\nETELECOM_API_KEY={server.api_key}\n\n"
            "Press Ctrl-C to stop.",
            flush=True,
        )
        while True:
            time.sleep(3600)


def _calls(arguments: argparse.Namespace) -> pl.DataFrame:
    from ..simulator import simulate_calls
    from ..snapshot import read_snapshot

    if arguments.snapshot:
        return read_snapshot(arguments.snapshot).calls
    return simulate_calls(
        arguments.calls, seed=arguments.seed, start=DEMO_START, days=arguments.days
    ).calls
