"""Parts of a fetch report: gaps, windows, extra requests, unread pages, and labels of hotlines."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from .language import ntr, tr

__all__ = ["ExtraRequests", "Gap", "HotlineLabels", "PageSetAside", "Window"]


class Gap(NamedTuple):
    """A part [begin, end) of the requested range that was not fetched.

    Examples:
        >>> logs = et.sample_logs()
        >>> end = logs.report.complete_to
        >>> logs.report.gaps_between(end, end.replace(day=9))
        (Gap(begin=..., end=...),)
    """

    begin: datetime
    end: datetime


class Window(NamedTuple):
    """A part of the range that one chain of pages covers, and the calls of the table in it.

    Attributes:
        begin, end: the half-open range; None means no bound.
        whole: whether the chain was read to its end: an empty cursor or, in sorted pages, a call
            before `begin`. Otherwise the window may be incomplete.
        pages: number of pages read.
        rows: number of calls in the table that began in the window.
        first_at, first_id, last_at, last_id: the earliest and the latest of these calls, or None.

    Examples:
        >>> window = et.sample_logs().report.windows[0]
        >>> window.whole, window.pages, window.rows
        (True, 5, 400)
    """

    begin: datetime | None
    end: datetime | None
    whole: bool
    pages: int
    rows: int = 0
    first_at: datetime | None = None
    first_id: str | None = None
    last_at: datetime | None = None
    last_id: str | None = None


class PageSetAside(NamedTuple):
    """A page that could not be parsed, also when it was requested again.

    Attributes:
        sha256: the SHA-256 of its body.
        cursor: the cursor with which it was requested; empty for a first page.
        begin, end: the part of the range that its calls belong to; None means no bound.

    Examples:
        >>> page = et.PageSetAside(sha256="ab" * 32, cursor="", begin=None, end=None)
        >>> f"first page, SHA-256 {page.sha256[:8]}"
        'first page, SHA-256 abababab'
    """

    sha256: str
    cursor: str
    begin: datetime | None
    end: datetime | None


class ExtraRequests(NamedTuple):
    """Requests in addition to those for pages.

    Attributes:
        purpose: why they were sent, such as "date check".
        requests: how many were sent.

    Examples:
        >>> week = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     report = et.fetch_calls(client, week, progress=False).report
        >>> report.extra_requests[0]
        ExtraRequests(purpose='date check', requests=...)
    """

    purpose: str
    requests: int


class HotlineLabels(NamedTuple):
    """How calls got their hotlines, and how many have none.

    Attributes:
        hotlines: number of hotlines whose missed calls were requested.
        pages: number of pages of these requests.
        labelled: calls with a hotline.
        unlabelled: inbound calls without one.
        unlabelled_missed: those of them that were not answered.
        differing: calls whose hotline is not that of their extension: that of the filter is used.
        overlapping: calls that the server returned for several hotlines. They have no hotline.
        filters_ignored: fields of these requests that the server ignored. If `hotline_ids` is one
            of them, calls only have the hotline of their extension.
        incomplete: why calls may have no hotline, one sentence each; empty if all was read.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     logs = et.fetch_calls(client, label_hotlines=True, progress=False)
        >>> labels = logs.report.hotline_labels
        >>> labels.hotlines, labels.pages, labels.unlabelled_missed
        (2, 3, 0)
    """

    hotlines: int = 0
    pages: int = 0
    labelled: int = 0
    unlabelled: int = 0
    unlabelled_missed: int = 0
    differing: int = 0
    overlapping: int = 0
    filters_ignored: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()

    def facts(self) -> Iterator[str]:
        """What a reader of the results should know, one text each, in the current language."""
        text = ntr("{n} call labelled", "{n} calls labelled", self.labelled)
        if self.unlabelled:
            text = tr(
                "{labelled}; inbound calls without a hotline: {n}, {missed} of them not answered",
                labelled=text,
                n=self.unlabelled,
                missed=self.unlabelled_missed,
            )
        yield text
        if self.filters_ignored:
            yield tr("the server ignores {fields}", fields=", ".join(self.filters_ignored))
        if self.overlapping:
            yield ntr(
                "{n} call returned for several hotlines: without a hotline",
                "{n} calls returned for several hotlines: without a hotline",
                self.overlapping,
            )
        if self.differing:
            yield ntr(
                "{n} call with another hotline than its extension",
                "{n} calls with another hotline than their extension",
                self.differing,
            )
        yield from (tr("incomplete: {reason}", reason=text) for text in self.incomplete)
