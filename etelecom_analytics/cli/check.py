"""etelecom check: test the address and the key."""

import argparse

from ..language import tr
from .common import API_SETTINGS, EXIT_CODES, Subparsers, add_command

__all__ = ["add_parser", "run"]


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    add_command(
        subparsers,
        "check",
        run,
        "Check the key and the address with a single request.",
        epilog=API_SETTINGS + EXIT_CODES,
    )


def run(arguments: argparse.Namespace) -> None:
    """Request one call, without retries."""
    from ..api.client import Client
    from ..api.retry import Retry

    with Client.from_env(retry=Retry(attempts=1)) as client:
        page = client.list_calls(limit=1)
        answer = tr("{address} answers and accepts the key.", address=client.base_url)
        calls = tr("It has no calls yet." if page.is_empty else "There are calls to fetch.")
        print(f"{answer} {calls}")
