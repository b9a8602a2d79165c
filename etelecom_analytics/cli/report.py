"""etelecom report: a notebook run on a snapshot, as one HTML file."""

import argparse
from pathlib import Path

from ..errors import InputError
from ..phone_numbers import describe
from .common import (
    EXIT_CODES,
    Subparsers,
    add_command,
    add_site_arguments,
    settings_text,
    site_of,
)

__all__ = ["add_parser", "run"]

_PARAMETERS = """\
parameters of both reports:
  date_from, date_to   first day, and the day after the last (default: the whole snapshot)
  options              metric options, as JSON: {"ivr_numbers": ["8000"], "threshold_s": 30}
  show_numbers         true: show external phone numbers in full
  own_numbers          numbers that are never masked, as JSON: ["19000123"]
  targets              targets of the KPIs, as JSON: {"service_level": 0.8, "asa_s": 20}
What you omit of options, own_numbers and targets is read from the site file.
parameters of weekly:
  direction            direction of the calls: in, out, ...; empty for all (default: in)
parameters of extensions:
  min_offers           numbers with fewer offers are grey and come last (default: 20)

"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "report",
        run,
        "Make a report of a snapshot: one HTML file with charts, to open in a browser or to send.",
        epilog=_PARAMETERS + EXIT_CODES,
    )
    parser.add_argument(
        "snapshot",
        type=Path,
        metavar="SNAPSHOT",
        help="folder of a snapshot, such as etelecom fetch writes",
    )
    parser.add_argument(
        "--notebook",
        default="weekly",
        metavar="N",
        help="weekly, extensions, or the path of your own notebook (default: %(default)s)",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the notebook, see below, as text or JSON: date_from=2026-11-02, "
        'options=\'{"ivr_numbers": ["8000"]}\'; may be repeated',
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="file to write or to replace (default: ./%(default)s)",
    )
    parser.add_argument(
        "--png", type=Path, metavar="DIR", help="also write the charts to this folder as PNG files"
    )
    add_site_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the report; parameters are read as the types that the notebook declares."""
    from ..reports.parameters import parse_value
    from ..reports.report import write_report
    from ..reports.request import notebook_parameters

    declared = notebook_parameters(arguments.notebook)
    pairs = [text.partition("=") for text in arguments.parameters]
    if invalid := next((name for name, sign, _ in pairs if not sign), None):
        raise InputError(f"Write a parameter as name=value; got {describe(invalid)}.")
    site = site_of(arguments)
    path = write_report(
        arguments.snapshot,
        arguments.output,
        notebook=arguments.notebook,
        parameters={name: parse_value(name, text, declared) for name, _, text in pairs},
        png_folder=arguments.png,
        site=site,
    )
    print(settings_text(site))
    print(f"A report to open in a browser or to send:  {path.resolve()}")
