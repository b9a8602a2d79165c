"""What every fetch promises, computed independently of the package from the history of a world."""

import json
import re
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import unquote

import polars as pl

import etelecom_analytics as et

from .world import SECRET, Call, World, moment_of

__all__ = ["Violation", "check_logs", "check_secrecy"]

_ESCAPE = re.compile(r"\\+u00([0-9a-fA-F]{2})")
_PACKAGE = str(et.__path__[0])


class Violation(AssertionError):
    """A promise was broken."""


def check_logs(logs: et.CallLogs, world: World) -> None:
    """Check the calls and the report of a fetch.

    Raises:
        Violation: a call is missing without a gap, or is there although it was never in range.
    """
    rows = logs.calls.select(
        "id", "started_at", "direction", "duration", "caller", pl.col("note").str.head(12)
    ).rows()
    ids = {row[0] for row in rows}
    if len(ids) < len(rows):
        raise Violation("a call is in the table more than once")
    for row in rows:
        facts = (*row[:5], " ".join(str(row[5]).split()[:2]))
        states = [state for state in world.held(row[0]) if state.facts() == _plain(facts)]
        if not states:
            raise Violation(f"the server never had this call during the fetch: {facts}")
        if not any(map(world.matches, states)):
            raise Violation(f"this call was never in range: {facts}")
    report = logs.report
    missing = [call for call in world.lasting() if call.id not in ids]
    for call in missing:
        if _is_covered(call, logs):
            raise Violation(f"{call} is missing, and its time is no gap")
    _check_report(logs, missing)
    if report != et.FetchReport.from_dict(json.loads(json.dumps(report.to_dict()))):
        raise Violation("the report cannot be stored")


def check_secrecy(
    texts: Iterable[str], errors: Iterable[BaseException], logs: Iterable[et.CallLogs]
) -> None:
    """Check that no output has the key, however it is written.

    Raises:
        Violation: an output has it.
    """
    outputs = [*texts]
    for error in errors:
        outputs += [repr(error), "".join(traceback.format_exception(error))]
        outputs += [*_local_values(error), repr(vars(error))]
    for each in logs:
        outputs += [repr(each), json.dumps(each.report.to_dict()), repr(each.report)]
        outputs.append(" ".join(each.calls["note"].fill_null("")))
    for output in outputs:
        if SECRET in output or SECRET in _without_escapes(output):
            raise Violation(f"an output has the key: {output[:2_000]!r}")


def _plain(facts: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(False if value is None else value for value in facts)


def _is_covered(call: Call, logs: et.CallLogs) -> bool:
    """Whether the report says that the table has all calls of this time."""
    report = logs.report
    if call.start is None:
        return report.complete
    start = moment_of(call.start)
    if any(window.whole and _is_within(start, window) for window in report.windows):
        return start < report.complete_to
    return (
        (report.complete_from is None or report.complete_from <= start)
        and start < report.complete_to
        and not any(gap.begin <= start < gap.end for gap in report.gaps)
    )


def _is_within(start: datetime, window: et.fetch_report.Window) -> bool:
    return (window.begin is None or window.begin <= start) and (
        window.end is None or start < window.end
    )


def _check_report(logs: et.CallLogs, missing: Sequence[Call]) -> None:
    report = logs.report
    if report.rows != logs.calls.height or report.received != (
        report.rows + report.repeated + report.outside + len(report.set_aside)
    ):
        raise Violation("the report does not count every row")
    is_past = not [gap for gap in report.gaps if gap.begin < report.complete_to]
    has_begin = report.complete_from == logs.query.date_from
    if report.complete and not (is_past and has_begin):
        raise Violation(f"complete, with the gaps {report.gaps}")
    if report.complete and any(call.start is None for call in missing):
        raise Violation("a call without a start is missing")


def _without_escapes(text: str) -> str:
    return unquote(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text))


def _local_values(error: BaseException) -> Iterable[str]:
    """The local variables of the package's frames, which some tools print."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        for frame, _ in traceback.walk_tb(current.__traceback__):
            if frame.f_code.co_filename.startswith(_PACKAGE):
                yield from map(repr, frame.f_locals.values())
        current = current.__cause__ or current.__context__
