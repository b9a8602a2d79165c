"""etelecom serve: a simulated call-log API on this machine."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ..language import tr
from .common import DEMO_START, Subparsers, add_command, add_simulation_arguments

if TYPE_CHECKING:
    from ..simulator.directory import Directory

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
    parser.add_argument(
        "--preset",
        default="basic",
        help='what the simulated calls hold: "basic", "full" with closed hours, voicemail, '
        "overflow between queues, transfers and an extension that changes hands, "
        'or "busy" with uneven days, congestion, hasty and frequent callers, and redials '
        "(default: %(default)s)",
    )
    add_simulation_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Serve calls over HTTP until Ctrl-C."""
    from ..simulator import serve

    calls, directory = _calls(arguments)
    with serve(calls, port=arguments.port) as server:
        if directory is not None:
            server.directory = directory
        text = tr(
            "Serving {n} calls on this machine. Use these settings in another terminal or in a "
            "file named .env:",
            n=calls.height,
        )
        print(
            f"{text}\n\n"
            f"ETELECOM_BASE_URL={server.base_url}\nETELECOM_API_KEY={server.api_key}\n\n"
            f"{tr('Press Ctrl-C to stop.')}",
            flush=True,
        )
        while True:
            time.sleep(3600)


def _calls(arguments: argparse.Namespace) -> "tuple[pl.DataFrame, Directory | None]":
    """The calls to serve, and the directory of simulated ones."""
    from ..simulator import simulate_calls
    from ..snapshot import read_snapshot

    if arguments.snapshot:
        return read_snapshot(arguments.snapshot).calls, None
    simulation = simulate_calls(
        arguments.calls,
        seed=arguments.seed,
        start=DEMO_START,
        days=arguments.days,
        preset=arguments.preset,
    )
    return simulation.calls, simulation.directory
