"""What the user should know about a fetch that worked, but not as documented."""

from ..fetch_report import FetchReport
from .assemble import FetchRecord
from .server_checks import DATES_IGNORED

__all__ = ["UNPROVABLE", "warning_texts"]

UNPROVABLE = ("hotline_ids", "department_id")
"""The fields of a query that calls do not contain."""


def warning_texts(record: FetchRecord, report: FetchReport, date_warning: str) -> tuple[str, ...]:
    """The texts of the warnings; `date_warning` is that of the check of dates, or empty."""
    proven = [name for name in report.filters_ignored if name not in UNPROVABLE]
    unproven = [name for name in report.filters_ignored if name in UNPROVABLE]
    texts = [date_warning]
    if record.dates_ignored and not _is_known(record):
        texts.append(DATES_IGNORED)
    if proven:
        texts.append(
            f"The server ignores filters of the query ({', '.join(proven)}). Calls that do not "
            "match were removed here."
        )
    if unproven:
        texts.append(
            f"The server ignores filters of the query ({', '.join(unproven)}), and calls do not "
            "contain these fields: the result has calls that do not match."
        )
    if report.filters_not_verified:
        texts.append(
            f"Filters of the query were not verified ({', '.join(report.filters_not_verified)}): "
            "the server may ignore them, and calls do not contain these fields. Compare the number "
            "of calls with that of a query without the filter."
        )
    if record.finished and not record.edges.error:
        texts += _edge_texts(record)
    return tuple(filter(None, texts))


def _edge_texts(record: FetchRecord) -> list[str]:
    has_moved = any(chain.has_moved for walk in record.walks for chain in walk.plan.chains)
    if record.edges.holes or (record.holes and has_moved):
        return [
            "Calls moved between pages while they were read, so some parts could not be verified, "
            "which the report lists as missing. Fetch them again; from Python, with resume=."
        ]
    if record.holes:
        return [
            "The cursors of the server count rows, so calls may have moved between pages unseen. "
            "The ends of pages, which the report lists as missing, were not verified, because the "
            "server does not return the calls of a short range of dates."
        ]
    return []


def _is_known(record: FetchRecord) -> bool:
    """Whether the check of dates has already found that they are ignored."""
    return record.date_check is not None and record.date_check.result == "ignored"
