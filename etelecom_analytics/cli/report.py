"""etelecom report: a notebook run on a snapshot, as one HTML file."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..language import tr
from ..phone_numbers import describe
from ..reports.notebook import BUNDLED
from .common import (
    EXIT_CODES,
    Subparsers,
    add_command,
    add_date_arguments,
    add_site_arguments,
    settings_text,
    site_of,
)

if TYPE_CHECKING:
    from ..logs import CallLogs
    from ..query import CallQuery
    from ..reports.parameters import Parameter

__all__ = ["add_parser", "run"]

_PARAMETERS = """\
parameters of all reports:
  options              metric options, as JSON: {"ivr_numbers": ["8000"], "threshold_s": 30}
  show_numbers         true: show external phone numbers in full
  own_numbers          numbers that are never masked, as JSON: ["19000123"]
  targets              targets of the KPIs, as JSON: {"service_level": 0.8, "asa_s": 20}
  date_from, date_to   the same as --from and --to
What you omit of options, own_numbers and targets is read from the site file.
parameters of daily, weekly and monthly:
  direction            direction of the calls: in, out, ...; empty for all (default: in)
  period               day, week or month: what the report is about without dates
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
        help=f"{', '.join(BUNDLED)}, or the path of your own notebook (default: %(default)s)",
    )
    add_date_arguments(
        parser,
        default="the last whole day, week or month in the snapshot; of extensions, all of it",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the notebook, see below, as text or JSON: direction=out, "
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
    parser.add_argument(
        "--pdf",
        action="store_true",
        help="also print the report to a PDF file of the same name; needs Chromium, Chrome or Edge",
    )
    parser.add_argument(
        "--xlsx", type=Path, metavar="FILE", help="also write the calls to this Excel workbook"
    )
    parser.add_argument(
        "--title", metavar="TEXT", help="title of the report and its workbook (default: its own)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    add_site_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the report; parameters are read as the types that the notebook declares."""
    from ..reports.pdf import find_browser, write_pdf
    from ..reports.report import make_report
    from ..reports.request import notebook_parameters, read_request

    if arguments.pdf:
        find_browser()  # before the report runs for a minute
        if arguments.output.suffix.lower() == ".pdf":
            raise InputError(
                tr(
                    "The report is an HTML file: give -o a name such as report.html, and the PDF "
                    "file is report.pdf."
                )
            )
    declared = notebook_parameters(arguments.notebook)
    site = site_of(arguments)
    with read_request(
        arguments.snapshot,
        arguments.output,
        notebook=arguments.notebook,
        parameters=_parameters(arguments, declared),
        png_folder=arguments.png,
        site=site,
        language=arguments.language,
        title=arguments.title,
    ) as request:
        if arguments.xlsx:
            from ..reports.workbook import check_report_workbook, write_report_workbook

            check_report_workbook(request, arguments.xlsx)
        if request.calls.is_empty():
            print(_empty_text(request.logs, request.dates), flush=True)
        path = make_report(request, progress=not arguments.quiet)
        if arguments.xlsx:
            write_report_workbook(request, arguments.xlsx)
    print(settings_text(site))
    if arguments.xlsx:
        print(tr("An Excel workbook of its calls:  {path}", path=arguments.xlsx.resolve()))
    print(tr("A report to open in a browser or to send:  {path}", path=path.resolve()))
    if arguments.pdf:
        pdf = write_pdf(path, path.with_suffix(".pdf"))
        print(tr("The same as PDF:  {path}", path=pdf.resolve()))


def _parameters(
    arguments: argparse.Namespace, declared: Mapping[str, "Parameter"]
) -> dict[str, object]:
    """The values of -p, --from and --to.

    Raises:
        InputError: a value is not valid, or a date is set twice.
    """
    from ..reports.parameters import parse_value

    values: dict[str, object] = {}
    for text in arguments.parameters:
        name, sign, value = text.partition("=")
        if not sign:
            text = tr("Write a parameter as name=value; got {text}.", text=describe(name))
            raise InputError(text)
        values[name] = parse_value(name, value, declared)
    for name, option in (("date_from", "--from"), ("date_to", "--to")):
        value = getattr(arguments, name)
        if value is None:
            continue
        if name not in declared:
            raise InputError(
                tr(
                    "{notebook} has no parameter {name}: omit {option}.",
                    notebook=arguments.notebook,
                    name=repr(name),
                    option=option,
                )
            )
        if name in values:
            raise InputError(
                tr(
                    "{option} and the parameter {name} are the same setting: omit one of them.",
                    option=option,
                    name=repr(name),
                )
            )
        values[name] = value
    return values


def _empty_text(logs: "CallLogs", dates: "CallQuery") -> str:
    """The sentence about a report without calls."""
    if logs.calls.is_empty():
        return tr("The snapshot has no calls, so the report is empty.")
    days = logs.calls["started_at"].dt.convert_time_zone(logs.query.time_zone).dt.date()
    return tr(
        "The snapshot has no calls in this range ({query}), so the report is empty: choose days "
        "from {first} to {last}.",
        query=str(dates),
        first=days.min(),
        last=days.max(),
    )
