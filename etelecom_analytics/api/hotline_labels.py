"""HotlineLabeller: the hotline of each call, which call logs do not contain.

A call with an extension gets the hotline of this extension. A missed call has none, so the missed
inbound calls of each hotline are requested with the filter `hotline_ids`, which wins where both
differ. A call that has neither is counted, and stays. The departments come from the same lists.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

import polars as pl

from ..errors import EtelecomError, Stopped
from ..fetch_report import ExtraRequests, HotlineLabels
from ..logs import CallLogs
from ..names import LABELS, names_last, with_names
from ..phone_numbers import notations
from ..query import CallQuery
from ..report_merge import certify, merge_extra_requests
from .client import Client
from .hotline_lists import HotlineLists, error_kind, fetch_lists
from .hotline_walks import HotlineWalks
from .server_checks import DateCheck
from .side_by_side import SideBySide
from .wire import Page

__all__ = ["HotlineLabeller", "LabelledLogs", "LabelSettings", "OnLabels"]

OnLabels = Callable[[int], object]
"""A callback that receives the number of pages of hotlines so far."""

_IGNORED = (
    "The server ignores the filter hotline_ids, so missed calls have no hotline. Report it to "
    "eTelecom."
)
_UNVERIFIED = (
    "The filter hotline_ids was not verified: with one hotline, missed calls may have a wrong "
    "hotline."
)
_AGAIN = (
    "All calls were received. fetch_calls(client, resume=logs, label_hotlines=True) requests only "
    "the hotlines again; a later sync does so within its lookback."
)
_ENOUGH = 5
"""So many calls of each hotline show that a filter is ignored in later fetches, too."""


class LabelledLogs(NamedTuple):
    """The logs with the hotlines of their calls.

    Attributes:
        logs: all calls, also if an error ended the requests early.
        error: what ended the fetch: the user, or an error of this package; None for errors of the
            API, which the report has.
        warnings: what the user should know.
    """

    logs: CallLogs
    error: BaseException | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """How the hotlines are requested.

    Attributes:
        workers, max_pages, page_limit: those of the fetch.
        is_stopped: whether the user has stopped it.
        on_pages: called with the number of pages from time to time.
    """

    workers: int
    max_pages: int
    page_limit: int
    is_stopped: Callable[[], bool]
    on_pages: OnLabels = lambda pages: None


class HotlineLabeller:
    """Labels the calls of one or more fetches; the lists of the client are fetched once.

    Args:
        client: the client of the fetches.
    """

    def __init__(self, client: Client) -> None:
        self._client, self._checks = client, client._checks
        self._lists: HotlineLists | None = None
        self._warned = set[str]()
        # Two locks, because a fetch that was stopped may still wait for a list.
        self._lists_lock, self._warned_lock = Lock(), Lock()

    def label(self, logs: CallLogs, settings: LabelSettings) -> LabelledLogs:
        """The logs with `names.LABELS` in their calls; each kind of warning once."""
        try:
            labelled = _Labelling(self, logs, settings).run()
        except Exception as error:  # noqa: BLE001  a failed label must not lose calls
            return LabelledLogs(logs, error)
        counts = labelled.logs.report.hotline_labels
        with self._warned_lock:
            texts = _texts(counts) if counts and labelled.error is None else {}
            new = {kind: text for kind, text in texts.items() if kind not in self._warned}
            self._warned |= new.keys()
        return labelled._replace(warnings=tuple(new.values()))

    def lists(self, keep_trying: Callable[[], bool]) -> HotlineLists:
        """The lists; what could not be fetched is empty, and fetched again next time."""
        with self._lists_lock:
            if self._lists is None or not self._lists.is_final:
                self._lists = fetch_lists(self._client, keep_trying)
            return self._lists


class _Labelling:
    """The labelling of the calls of one fetch."""

    def __init__(self, labeller: HotlineLabeller, logs: CallLogs, settings: LabelSettings) -> None:
        self._labeller, self._logs, self._settings = labeller, logs, settings
        self._client, self._checks = labeller._client, labeller._checks
        self._lists: HotlineLists | None = None
        self._dates = DateCheck(result="")
        self._walks: HotlineWalks | None = None
        self._is_ignored = self._is_of_query = self._is_unverified = False
        self._tasks = SideBySide(
            workers=settings.workers, is_stopped=settings.is_stopped, on_poll=self._poll
        )

    def run(self) -> LabelledLogs:
        started, before = time.monotonic(), self._checks.requests.copy()
        self._tasks.run([self._prepare])
        lists = self._lists
        ids = self._ids(lists) if lists else []
        if ids:
            self._walks = walks = HotlineWalks(
                self._queries(ids),
                self._fetch_page,
                self._tasks,
                max_pages=self._settings.max_pages,
            )
            walks.run()
            if lists and walks.filter_is_ignored:
                self._is_ignored = True
                if walks.fewest >= _ENOUGH:  # never reset: another fetch may have learned more
                    lists.filter_is_ignored = True
        checks = self._checks.requests - before
        return self._labelled(ids, time.monotonic() - started, dict(checks))

    def _prepare(self) -> None:
        """Fetch the lists, and check how the server reads a request."""
        lists = self._labeller.lists(lambda: not self._tasks.has_ended)
        if self._has_missed and any((self._logs.query.date_from, self._logs.query.date_to)):
            self._dates = self._checks.dates()
        is_single = len(self._logs.query.hotline_ids) == 1
        if is_single or len(self._ids(lists)) == 1:
            # The pages of several hotlines show it without a further request.
            result = self._checks.filter_result("hotline_ids")
            if result == "ignored":
                lists.filter_is_ignored = True
            self._is_unverified = result == "not verified"
            self._is_of_query = is_single and result == "obeyed"
        self._is_ignored = lists.filter_is_ignored
        with self._tasks.lock:
            self._lists = lists

    @property
    def _has_missed(self) -> bool:
        """Whether there are missed inbound calls, which the filter can label."""
        calls = self._logs.calls
        return bool(calls.select(_is_missed().any()).item())

    def _ids(self, lists: HotlineLists) -> list[str]:
        """The hotlines to request."""
        if lists.filter_is_ignored or self._is_of_query or not self._has_missed:
            return []
        return sorted(self._logs.query.hotline_ids) or lists.ids

    def _queries(self, ids: list[str]) -> Iterator[tuple[str, CallQuery]]:
        query, now = self._logs.query, datetime.now(UTC)
        for hotline_id in ids:
            for number in notations(query.call_number) if query.call_number else (None,):
                missed = replace(
                    query,
                    direction="in",
                    call_state="not_answered",
                    call_number=number,
                    hotline_ids=(hotline_id,),
                )
                yield hotline_id, self._dates.request_query(missed, now)

    def _fetch_page(self, query: CallQuery, cursor: str, keep_trying: Callable[[], bool]) -> Page:
        return self._client._scan_calls(
            query,
            after=cursor,
            limit=self._settings.page_limit,
            keep_trying=keep_trying,
            decode=True,
        )

    def _poll(self) -> None:
        self._settings.on_pages(self._walks.pages if self._walks else 0)

    def _labelled(self, ids: list[str], seconds: float, checks: dict[str, int]) -> LabelledLogs:
        """The logs with all that was read, and a report of it."""
        with self._tasks.lock:
            error, lists, walks = self._tasks.error, self._lists, self._walks
            labels, several = walks.labels() if walks else (None, pl.Series(dtype=pl.String))
            ignored: tuple[str, ...] = walks.wrong_fields if walks else ()
            pages, unread = (walks.pages, len(walks.unread)) if walks else (0, 0)
        if self._is_ignored:
            ignored, labels = ("hotline_ids", *ignored), None
            several = several.clear()
        if self._is_of_query:
            (hotline_id,) = self._logs.query.hotline_ids
            labels = self._logs.calls.select("id", hotline_id=pl.lit(hotline_id))
        calls, differing = _with_hotlines(self._logs.calls, labels, several, lists)
        problems = [*lists.problems] if lists else []
        if ids and self._is_unverified:
            problems.append(_UNVERIFIED)
        if error and (unread or not ids):
            problems.append(_unread_text(error, unread, len(ids)))
        report = self._logs.report
        old = report.hotline_labels or HotlineLabels()
        counts = HotlineLabels(
            hotlines=len(ids),
            pages=old.pages + pages,
            differing=differing,
            overlapping=int(self._logs.calls["id"].is_in(several.implode()).sum()),
            filters_ignored=ignored,
            incomplete=tuple(problems),
        )
        requests = {**checks, "hotline page": pages}
        extra = tuple(ExtraRequests(name, count) for name, count in requests.items() if count)
        report = replace(
            report,
            hotline_labels=counts,
            seconds=round(report.seconds + seconds, 3),
            extra_requests=merge_extra_requests(report, replace(report, extra_requests=extra)),
        )
        logs = replace(self._logs, calls=calls, report=certify(report, calls))
        is_final = error is None or (isinstance(error, EtelecomError) and not _is_stop(error))
        return LabelledLogs(logs, None if is_final else error)


def _is_missed() -> pl.Expr:
    direction, state = (pl.col(name).cast(pl.String) for name in ("direction", "call_state"))
    return (direction == "in") & (state == "not_answered")


def _with_hotlines(
    calls: pl.DataFrame, labels: pl.DataFrame | None, several: pl.Series, lists: HotlineLists | None
) -> tuple[pl.DataFrame, int]:
    """The calls with `LABELS`, and how many have another hotline than their extension."""
    empty = pl.lit(None, pl.String)
    earlier = {f"earlier_{name}": name if name in calls.columns else empty for name in LABELS}
    joined = calls.select("id", "extension_id", **earlier)
    for table, on, column in (
        (labels, "id", "label"),
        (lists.of_extensions if lists else None, "extension_id", "of_extension"),
    ):
        if table is None:
            joined = joined.with_columns(empty.alias(column))
        else:
            named = table.rename({"hotline_id": column})
            joined = joined.join(named, on=on, how="left", maintain_order="left")
    is_of_several = pl.col("id").is_in(several.implode())
    known = pl.coalesce("label", "earlier_hotline_id", "of_extension")
    joined = joined.with_columns(
        hotline_id=pl.when(~is_of_several).then(known),
        differs=~is_of_several & (pl.col("label") != pl.col("of_extension")),
    )
    if lists:
        joined = joined.join(lists.hotlines, on="hotline_id", how="left", maintain_order="left")
        named = with_names(calls, extensions=lists.extensions, users=lists.users, hotlines=None)
        joined = joined.with_columns(named["department_id"])
    else:
        joined = joined.with_columns(hotline=empty, department_id=empty)
    is_earlier = pl.col("hotline_id") == pl.col("earlier_hotline_id")
    columns = joined.select(
        "hotline_id",
        hotline=pl.coalesce("hotline", pl.when(is_earlier).then("earlier_hotline"), "hotline_id"),
        department_id=pl.coalesce("department_id", "earlier_department_id"),
    )
    labelled = calls.drop(LABELS, strict=False).hstack(columns)
    return names_last(labelled), int(joined["differs"].sum() or 0)


def _is_stop(error: BaseException) -> bool:
    return isinstance(error, Stopped | KeyboardInterrupt)


def _unread_text(error: BaseException, unread: int, count: int) -> str:
    reason = "the fetch was stopped" if _is_stop(error) else error_kind(error)
    if not count:
        return f"The hotlines were not requested ({reason})."
    return f"The missed calls of {unread} of {count} hotlines were not read to the end ({reason})."


def _texts(labels: HotlineLabels) -> dict[str, str]:
    """What the user should know, by kind."""
    texts = {}
    if "hotline_ids" in labels.filters_ignored:
        texts["ignored"] = _IGNORED
    if others := [name for name in labels.filters_ignored if name != "hotline_ids"]:
        texts["others"] = (
            f"The server ignores filters of the requests by hotline ({', '.join(others)}), so more "
            "pages were read than needed. The hotlines are right."
        )
    if labels.overlapping:
        texts["overlapping"] = (
            "The server returns the same calls for several hotlines, so these have no hotline: "
            f"{labels.overlapping:,} so far. Report it to eTelecom."
        )
    if labels.incomplete:
        texts["incomplete"] = f"{' '.join(labels.incomplete)} {_AGAIN}"
    return texts
